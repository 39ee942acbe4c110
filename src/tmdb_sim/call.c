#include "tmdb_sim/call.h"

#include <errno.h>

#include "base/json_writer.h"

static const struct {
    enum tmdb_code code;
    int status;
    const char *message;
} errors[] = {
    {TMDB_CODE_PARAMETERS, 422, "Invalid parameters: Your request parameters are incorrect."},
    {TMDB_CODE_KEY, 401, "Invalid API key: You must be granted a valid key."},
    {TMDB_CODE_INTERNAL, 500, "Internal error: Something went wrong, contact TMDb."},
    {TMDB_CODE_DATE_RANGE, 422, "Invalid date range: Should be a range no longer than 14 days."},
    {TMDB_CODE_PAGE, 400,
     "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."},
    {TMDB_CODE_LIMIT, 429, "Your request count (#) is over the allowed limit of (40)."},
    {TMDB_CODE_APPEND, 400,
     "Too many append to response objects: The maximum number of remote calls is 20."},
    {TMDB_CODE_MISSING, 404, "The resource you requested could not be found."},
};

void call_reply(struct call *call)
{
    http_reply(call->response, 200, "application/json;charset=utf-8", call->out->str,
               call->out->len);
}

void call_error(struct call *call, enum tmdb_code code)
{
    size_t i = 0;
    while (errors[i].code != code)
        i++;
    GString *out = g_string_truncate(call->out, 0);
    json_write_object(out);
    json_add_bool(out, "success", false);
    json_add_int(out, "status_code", code);
    json_add_string(out, "status_message", errors[i].message);
    json_write_object_end(out);
    call_reply(call);
    call->response->status = errors[i].status;
}

const char *call_param(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->params.count; i++)
        if (g_str_equal(call->params.items[i].name, name))
            return call->params.items[i].value;
    return NULL;
}

bool call_read_int(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
    char *end;
    errno = 0;
    int64_t value = g_ascii_strtoll(text, &end, 10);
    if (errno || end == text || *end != '\0' || g_ascii_isspace(text[0]) || value < min ||
        value > max)
        return false;
    *ret_value = value;
    return true;
}

bool call_page(struct call *call, int64_t *ret_page)
{
    const char *text = http_request_query(call->request, "page");
    if (!text) {
        *ret_page = 1;
        return true;
    }
    if (call_read_int(text, 1, PAGE_MAX, ret_page))
        return true;
    call_error(call, TMDB_CODE_PAGE);
    return false;
}

void call_results_begin(struct call *call, int64_t page)
{
    json_add_int(call->out, "page", page);
    json_write_key(call->out, "results");
    json_write_array(call->out);
}

void call_results_end(struct call *call, size_t total, size_t page_items)
{
    json_write_array_end(call->out);
    json_add_int(call->out, "total_pages", (int64_t)((total + page_items - 1) / page_items));
    json_add_int(call->out, "total_results", (int64_t)total);
    json_write_object_end(call->out);
}

/* Words before holes: "/movie/popular" would also be a movie's id. */
static const struct {
    const char *pattern;
    void (*handler)(struct call *call);
} routes[] = {
    {"/3/movie/popular", list_popular},
    {"/3/movie/top_rated", list_top_rated},
    {"/3/movie/now_playing", list_now_playing},
    {"/3/movie/upcoming", list_upcoming},
    {"/3/movie/latest", movie_latest},
    {"/3/movie/changes", list_changes},
    {"/3/movie/{id}", movie_details},
    {"/3/movie/{id}/reviews", movie_reviews},
    {"/3/movie/{id}/credits", movie_credits},
    {"/3/movie/{id}/keywords", movie_keywords},
    {"/3/movie/{id}/external_ids", movie_external_ids},
    {"/3/trending/movie/{window}", list_trending},
    {"/3/genre/movie/list", list_genres},
    {"/3/person/{id}", person_details},
    {"/3/person/{id}/movie_credits", person_movie_credits},
    {"/3/configuration", list_configuration},
    {"/3/search/movie", list_search},
};

bool call_route(struct call *call)
{
    const char *path = http_request_path(call->request);
    for (size_t i = 0; i < G_N_ELEMENTS(routes); i++) {
        if (!http_pattern_match(routes[i].pattern, path, http_request_arena(call->request),
                                &call->params))
            continue;
        routes[i].handler(call);
        return true;
    }
    return false;
}

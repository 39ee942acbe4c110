/* Lists: popular and its like, trending, changes, search, genres, configuration. */
#include <string.h>

#include "base/clock.h"
#include "base/embedded.h"
#include "base/json_writer.h"
#include "tmdb_sim/call.h"

#define CHANGES_DAYS_MAX 14
#define QUERY_BYTES_MAX  256

static void write_items(
    struct call *call, const uint32_t *movies, size_t count, int64_t page, const char *media_type)
{
    const struct movie_state *states = worlds_states(call->worlds, call->time_ms);
    size_t first = (size_t)(page - 1) * LIST_PAGE_ITEMS;
    for (size_t i = first; i < MIN(count, first + LIST_PAGE_ITEMS); i++) {
        if (i > first)
            g_string_append_c(call->out, ',');
        body_write_item(&call->world->bodies[movies[i]], &states[movies[i]], call->out);
        if (media_type) {
            g_string_truncate(call->out, call->out->len - 1);
            json_add_string(call->out, "media_type", media_type);
            json_write_object_end(call->out);
        }
    }
}

static void add_day(GString *out, const char *key, int64_t time_ms)
{
    char iso[CLOCK_ISO_BYTES];
    clock_iso8601(time_ms, iso);
    iso[strlen("2026-03-03")] = '\0';
    json_add_string(out, key, iso);
}

static void reply_list(struct call *call,
                       enum world_list list,
                       int64_t dates_from_ms,
                       int64_t dates_until_ms,
                       const char *media_type)
{
    int64_t page;
    if (!call_page(call, &page))
        return;
    json_write_object(call->out);
    if (dates_from_ms) {
        json_write_key(call->out, "dates");
        json_write_object(call->out);
        add_day(call->out, "maximum", dates_until_ms);
        add_day(call->out, "minimum", dates_from_ms);
        json_write_object_end(call->out);
    }
    call_results_begin(call, page);
    const struct world_order *order = worlds_order(call->worlds, call->time_ms, list);
    write_items(call, order->movies, order->count, page, media_type);
    call_results_end(call, order->count, LIST_PAGE_ITEMS);
    call_reply(call);
}

void list_popular(struct call *call)
{
    reply_list(call, WORLD_POPULAR, 0, 0, NULL);
}

void list_top_rated(struct call *call)
{
    reply_list(call, WORLD_TOP_RATED, 0, 0, NULL);
}

void list_now_playing(struct call *call)
{
    reply_list(call, WORLD_NOW_PLAYING, call->time_ms - NOW_PLAYING_DAYS * MS_PER_DAY,
               call->time_ms, NULL);
}

void list_upcoming(struct call *call)
{
    reply_list(call, WORLD_UPCOMING, call->time_ms, call->time_ms + UPCOMING_DAYS * MS_PER_DAY,
               NULL);
}

void list_trending(struct call *call)
{
    const char *window = call_param(call, "window");
    if (g_str_equal(window, "day"))
        reply_list(call, WORLD_TRENDING_DAY, 0, 0, "movie");
    else if (g_str_equal(window, "week"))
        reply_list(call, WORLD_TRENDING_WEEK, 0, 0, "movie");
    else
        call_error(call, TMDB_CODE_MISSING);
}

/* ---- changes ---- */

/* A date of the query; fallback_ms where absent, false where it is none. */
static bool
read_date(const struct call *call, const char *name, int64_t fallback_ms, int64_t *ret_ms)
{
    const char *text = http_request_query(call->request, name);
    if (!text || !*text) {
        *ret_ms = fallback_ms;
        return true;
    }
    int64_t time_ms = clock_parse_iso8601(text);
    *ret_ms = time_ms;
    return time_ms >= 0;
}

/* The last 24 hours; or from start_date's first to end_date's last moment, both included. */
static bool read_range(struct call *call, int64_t *ret_from_ms, int64_t *ret_until_ms)
{
    const char *end_text = http_request_query(call->request, "end_date");
    int64_t from_ms, until_ms;
    if (!read_date(call, "end_date", call->time_ms, &until_ms) ||
        !read_date(call, "start_date", until_ms - MS_PER_DAY, &from_ms) || from_ms > until_ms) {
        call_error(call, TMDB_CODE_PARAMETERS);
        return false;
    }
    if (until_ms - from_ms > CHANGES_DAYS_MAX * MS_PER_DAY) {
        call_error(call, TMDB_CODE_DATE_RANGE);
        return false;
    }
    if (end_text && *end_text)
        until_ms += MS_PER_DAY;
    *ret_from_ms = from_ms;
    *ret_until_ms = MIN(until_ms, call->time_ms);
    return true;
}

void list_changes(struct call *call)
{
    int64_t page, from_ms, until_ms;
    if (!call_page(call, &page) || !read_range(call, &from_ms, &until_ms))
        return;
    const struct catalogue *catalogue = call->world->catalogue;
    size_t first = (size_t)(page - 1) * CHANGES_PAGE_ITEMS, total = 0;
    json_write_object(call->out);
    call_results_begin(call, page);
    for (size_t i = 0; i < catalogue->movies_count; i++) {
        if (!course_changed(&call->world->courses[i], from_ms, until_ms))
            continue;
        if (total >= first && total < first + CHANGES_PAGE_ITEMS) {
            json_write_object(call->out);
            json_add_int(call->out, "id", catalogue->movies[i].id);
            json_add_bool(call->out, "adult", false);
            json_add_bool(call->out, "softcore", false);
            json_write_object_end(call->out);
        }
        total++;
    }
    call_results_end(call, total, CHANGES_PAGE_ITEMS);
    call_reply(call);
}

/* ---- search ---- */

static bool title_matches(const struct catalogue_movie *movie, const char *folded)
{
    g_autofree char *title = g_utf8_casefold(movie->title, -1);
    if (strstr(title, folded))
        return true;
    g_autofree char *original = g_utf8_casefold(movie->original_title, -1);
    return strstr(original, folded) != NULL;
}

void list_search(struct call *call)
{
    const char *query = http_request_query(call->request, "query");
    int64_t page;
    if (!call_page(call, &page))
        return;
    if (!query || !*query || strlen(query) > QUERY_BYTES_MAX || !g_utf8_validate(query, -1, NULL)) {
        call_error(call, TMDB_CODE_PARAMETERS);
        return;
    }
    g_autofree char *folded = g_utf8_casefold(query, -1);
    const struct world_order *order = worlds_order(call->worlds, call->time_ms, WORLD_POPULAR);
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (size_t i = 0; i < order->count; i++)
        if (title_matches(&call->world->catalogue->movies[order->movies[i]], folded))
            g_array_append_val(found, order->movies[i]);
    json_write_object(call->out);
    call_results_begin(call, page);
    write_items(call, (const uint32_t *)(const void *)found->data, found->len, page, NULL);
    call_results_end(call, found->len, LIST_PAGE_ITEMS);
    call_reply(call);
}

/* ---- what doesn't move ---- */

void list_genres(struct call *call)
{
    const struct catalogue *catalogue = call->world->catalogue;
    json_write_object(call->out);
    json_write_key(call->out, "genres");
    json_write_array(call->out);
    for (size_t i = 0; i < catalogue->genres_count; i++) {
        json_write_object(call->out);
        json_add_int(call->out, "id", catalogue->genres[i].id);
        json_add_string(call->out, "name", catalogue->genres[i].name);
        json_write_object_end(call->out);
    }
    json_write_array_end(call->out);
    json_write_object_end(call->out);
    call_reply(call);
}

void list_configuration(struct call *call)
{
    size_t size;
    const char *text = embedded_text("data/catalogue/configuration.json", &size);
    g_string_append_len(call->out, text, (gssize)size);
    call_reply(call);
}

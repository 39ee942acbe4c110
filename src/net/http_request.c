/* What handlers ask a request for, and how they answer. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <jansson.h>

#include "net/http_server_internal.h"

const char *http_request_method(const struct http_request *request)
{
    return request->method;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

const char *http_request_param(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->params.count; i++)
        if (g_str_equal(request->params.items[i].name, name))
            return request->params.items[i].value;
    return NULL;
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

struct each_query {
    bool (*fn)(void *user, const char *name, const char *value);
    void *user;
};

static enum MHD_Result
each_query(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct each_query *each = data;
    return each->fn(each->user, name, value ? value : "") ? MHD_YES : MHD_NO;
}

void http_request_each_query(const struct http_request *request,
                             bool (*fn)(void *user, const char *name, const char *value),
                             void *user)
{
    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, each_query,
                              &(struct each_query){fn, user});
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *http_request_body(const struct http_request *request, size_t *ret_len)
{
    *ret_len = request->body ? request->body->len : 0;
    return request->body ? (const char *)request->body->data : "";
}

const char *http_request_peer(const struct http_request *request)
{
    return request->peer;
}

struct arena *http_request_arena(const struct http_request *request)
{
    return request->arena;
}

static bool parse_int(const struct http_request *request,
                      struct http_response *response,
                      const char *what,
                      const char *name,
                      const char *text,
                      int64_t min,
                      int64_t max,
                      int64_t *ret_value)
{
    char *end = NULL;
    errno = 0;
    int64_t value = text[0] && !g_ascii_isspace(text[0]) ? g_ascii_strtoll(text, &end, 10) : 0;
    if (!end || end == text || *end || errno || value < min || value > max) {
        http_problem(request, response, MHD_HTTP_BAD_REQUEST,
                     "%s %s is \"%.64s\"; expected a whole number from %" G_GINT64_FORMAT
                     " to %" G_GINT64_FORMAT,
                     what, name, text, min, max);
        return false;
    }
    *ret_value = value;
    return true;
}

bool http_query_int(const struct http_request *request,
                    struct http_response *response,
                    const char *name,
                    int64_t min,
                    int64_t max,
                    int64_t fallback,
                    int64_t *ret_value)
{
    const char *text = http_request_query(request, name);
    if (!text) {
        *ret_value = fallback;
        return true;
    }
    return parse_int(request, response, "query argument", name, text, min, max, ret_value);
}

bool http_param_int(const struct http_request *request,
                    struct http_response *response,
                    const char *name,
                    int64_t min,
                    int64_t max,
                    int64_t *ret_value)
{
    const char *text = http_request_param(request, name);
    g_assert(text); /* the pattern names it */
    return parse_int(request, response, "path segment", name, text, min, max, ret_value);
}

void http_header_add(struct http_response *response, const char *name, const char *value)
{
    g_assert(response->headers_count < HTTP_RESPONSE_HEADERS_MAX);
    response->headers[response->headers_count++] = (struct http_header){name, value};
}

void http_reply(struct http_response *response,
                int status,
                const char *content_type,
                const char *body,
                size_t len)
{
    response->status = status;
    response->content_type = content_type;
    response->body = body;
    response->body_len = len;
}

/* The standard phrase: what RFC 9457 wants as the title of an about:blank problem. */
static const char *status_title(int status)
{
    const char *phrase = MHD_get_reason_phrase_for((unsigned)status);
    return phrase ? phrase : "Error";
}

void http_problem(const struct http_request *request,
                  struct http_response *response,
                  int status,
                  const char *format,
                  ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *raw = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *detail = g_utf8_make_valid(raw, -1);
    g_autofree char *instance = g_utf8_make_valid(request->path, -1);
    json_t *problem =
        json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "about:blank", "title", status_title(status),
                  "status", status, "detail", detail, "instance", instance);
    char *text = json_dumps(problem, JSON_COMPACT);
    json_decref(problem);
    http_reply(response, status, "application/problem+json", arena_strdup(request->arena, text),
               strlen(text));
    free(text);
}

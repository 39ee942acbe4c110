#include "serve/worker.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/json_writer.h"
#include "base/log.h"

#define JSON_TYPE            "application/json"
#define ARGUMENT_BYTES_SHOWN 64

struct worker *worker_new(struct serve *serve, GError **error)
{
    struct view *view = view_open(serve->context, error);
    if (!view)
        return NULL;
    struct worker *worker = g_new0(struct worker, 1);
    worker->serve = serve;
    worker->view = view;
    worker->merge_arena = arena_new();
    worker_merge_forget(worker);
    return worker;
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    view_close(worker->view);
    arena_free(worker->merge_arena);
    g_free(worker);
}

void worker_merge_forget(struct worker *worker)
{
    worker->merged_at_ms = INT64_MIN / 2;
}

bool worker_merge(struct worker *worker, const struct merge **ret_merge, GError **error)
{
    const struct context *context = worker->serve->context;
    int64_t now_ms = clock_monotonic_ms(context->clock);
    if (now_ms - worker->merged_at_ms >= SERVE_FRESH_MS || context->config->cache_size_bytes == 0) {
        arena_reset(worker->merge_arena);
        worker_merge_forget(worker);
        if (!merge_load(worker->view, context, worker->merge_arena, &worker->merge, error))
            return false;
        worker->merged_at_ms = now_ms;
    }
    *ret_merge = &worker->merge;
    return true;
}

/* ---- query arguments ---- */

struct argument_check {
    const char *const *known;
    GHashTable *seen;
    char *wrong; /* what is wrong with it, or NULL */
};

static bool check_argument(void *user, const char *name, const char *value)
{
    (void)value;
    struct argument_check *check = user;
    if (!g_strv_contains(check->known, name))
        check->wrong = g_strdup_printf("query argument \"%.*s\" is not known here",
                                       ARGUMENT_BYTES_SHOWN, name);
    else if (!g_hash_table_add(check->seen, (gpointer)name))
        check->wrong = g_strdup_printf("query argument \"%s\" stands twice", name);
    return !check->wrong;
}

bool answer_arguments(const struct http_request *request,
                      struct http_response *response,
                      const char *const *known)
{
    struct argument_check check = {.known = known,
                                   .seen = g_hash_table_new(g_str_hash, g_str_equal)};
    http_request_each_query(request, check_argument, &check);
    g_hash_table_unref(check.seen);
    if (!check.wrong)
        return true;
    g_autofree char *list = g_strjoinv(", ", (char **)known);
    http_problem(request, response, 400, "%s; %s%s", check.wrong,
                 *known ? "this address takes: " : "this address takes none", list);
    g_free(check.wrong);
    return false;
}

bool answer_time(struct answer *answer, const char *name, int64_t fallback_ms, int64_t *ret_time_ms)
{
    const char *text = http_request_query(answer->request, name);
    int64_t time_ms = text ? clock_parse_iso8601(text) : fallback_ms;
    if (text && time_ms < 0) {
        http_problem(
            answer->request, answer->response, 400,
            "query argument %s is \"%.*s\"; expected a time in UTC such as 2026-03-03T04:00:00Z "
            "or a day such as 2026-03-03",
            name, ARGUMENT_BYTES_SHOWN, text);
        return false;
    }
    *ret_time_ms = time_ms;
    return true;
}

/* "24h" or "7d"; at most four digits, so that nothing overflows. */
static int64_t parse_window(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 4 || strlen(text) != digits + 1)
        return 0;
    int64_t number = g_ascii_strtoll(text, NULL, 10);
    switch (text[digits]) {
    case 'h':
        return number * MS_PER_HOUR;
    case 'd':
        return number * MS_PER_DAY;
    default:
        return 0;
    }
}

bool answer_window(struct answer *answer,
                   const char *fallback,
                   int64_t max_ms,
                   const char **ret_text,
                   int64_t *ret_length_ms)
{
    const char *text = http_request_query(answer->request, "window");
    if (!text)
        text = fallback;
    int64_t length_ms = parse_window(text);
    if (length_ms <= 0 || length_ms > max_ms) {
        http_problem(answer->request, answer->response, 400,
                     "query argument window is \"%.*s\"; expected hours or days such as 24h or 7d, "
                     "at most %dd here",
                     ARGUMENT_BYTES_SHOWN, text, (int)(max_ms / MS_PER_DAY));
        return false;
    }
    *ret_text = text;
    *ret_length_ms = length_ms;
    return true;
}

/* ---- replies ---- */

/* Eight bytes at a time, multiplied and folded, with FNV's constants: an ETag only has to change
 * when the body does. */
static uint64_t hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

static uint64_t body_hash(const char *body, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325), word;
    size_t at = 0;
    for (; at + sizeof word <= len; at += sizeof word) {
        memcpy(&word, body + at, sizeof word);
        hash = hash_word(hash, word);
    }
    word = 0;
    if (at < len)
        memcpy(&word, body + at, len - at);
    return hash_word(hash_word(hash, word), len);
}

/* If-None-Match: "*" or a list of tags; weak ones count (RFC 9110, 13.1.2). */
static bool client_has(const struct http_request *request, const char *etag)
{
    const char *header = http_request_header(request, "If-None-Match");
    if (!header)
        return false;
    if (strcmp(header, "*") == 0)
        return true;
    g_auto(GStrv) tags = g_strsplit(header, ",", -1);
    for (size_t i = 0; tags[i]; i++) {
        const char *tag = g_strstrip(tags[i]);
        if (g_str_has_prefix(tag, "W/"))
            tag += 2;
        if (strcmp(tag, etag) == 0)
            return true;
    }
    return false;
}

struct body {
    const char *text;
    size_t len;
    bool packed;
    enum {
        BODY_LENT,
        BODY_IN_ARENA,
        BODY_STATIC
    } lives; /* till we return, the request ends, for ever */
};

static void reply_body(const struct http_request *request,
                       struct http_response *response,
                       const char *content_type,
                       const char *cache_control,
                       const struct body *body)
{
    struct arena *arena = http_request_arena(request);
    /* Each form of a body has its own tag. */
    const char *etag =
        arena_printf(arena, "\"%016" G_GINT64_MODIFIER "x-%zx%s\"",
                     body_hash(body->text, body->len), body->len, body->packed ? "-gzip" : "");
    http_header_add(response, "ETag", etag);
    http_header_add(response, "Cache-Control", cache_control);
    http_header_add(response, "Vary", "Accept-Encoding");
    if (client_has(request, etag)) {
        http_reply(response, 304, NULL, "", 0);
        response->body_static = true;
        return;
    }
    if (body->packed)
        http_header_add(response, "Content-Encoding", "gzip");
    http_reply(response, 200, content_type,
               body->lives == BODY_LENT ? arena_strndup(arena, body->text, body->len) : body->text,
               body->len);
    response->body_static = body->lives == BODY_STATIC;
}

static bool takes_gzip(const struct http_request *request)
{
    return gzip_accepted(http_request_header(request, "Accept-Encoding"));
}

void answer_static(const struct http_request *request,
                   struct http_response *response,
                   const struct worker *worker,
                   const char *content_type,
                   const char *text,
                   size_t len)
{
    struct body body = {.text = text, .len = len, .lives = BODY_STATIC};
    if (len >= GZIP_BYTES_MIN && takes_gzip(request)) {
        size_t packed_len;
        const char *packed = gzip_static(worker->serve->statics, text, len, &packed_len);
        if (packed)
            body = (struct body){packed, packed_len, .packed = true, .lives = BODY_STATIC};
    }
    reply_body(request, response, content_type, "no-cache", &body);
}

/* The client's copy may be shown again only after a look at us: numbers move every second. With
 * keys, shared caches must not keep it. */
static void reply_json(struct answer *answer, const struct body *body)
{
    bool keys = auth_needed(answer->worker->serve->auth);
    reply_body(answer->request, answer->response, JSON_TYPE,
               keys ? "private, no-cache" : "no-cache", body);
}

static void reply_error(struct answer *answer, const GError *error)
{
    switch (error->code) {
    case MARQUEE_ERROR_BADDATA:
        http_problem(answer->request, answer->response, 400, "%s", error->message);
        return;
    case MARQUEE_ERROR_NOTFOUND:
        http_problem(answer->request, answer->response, 410, "%s", error->message);
        return;
    case MARQUEE_ERROR_AGAIN:
        http_problem(answer->request, answer->response, 503, "the views are busy; ask again");
        http_header_add(answer->response, "Retry-After", "1");
        break;
    default:
        http_problem(answer->request, answer->response, 500,
                     "the views can't be read; the server's log says why");
    }
    log_error(answer->worker->serve->context->log, "serve", "a request failed",
              LOG_STR("path", http_request_path(answer->request)),
              LOG_STR("error", error->message));
}

/* ---- the cache ---- */

static bool name_argument(void *user, const char *name, const char *value)
{
    g_string_append_printf(user, "|%zu:%s=%zu:%s", strlen(name), name, strlen(value), value);
    return true;
}

/* Path and arguments with their lengths, so that no two requests have one name. */
static const char *answer_name(const struct http_request *request)
{
    const char *path = http_request_path(request);
    g_autoptr(GString) name = g_string_new(NULL);
    g_string_append_printf(name, "answer|%zu:%s", strlen(path), path);
    http_request_each_query(request, name_argument, name);
    return arena_strndup(http_request_arena(request), name->str, name->len);
}

static bool cache_is_on(const struct serve *serve)
{
    return serve->context->config->cache_size_bytes > 0;
}

static bool part_make(struct answer *answer,
                      const char *name,
                      int64_t ttl_ms,
                      part_builder build,
                      void *user,
                      const char **ret_text,
                      size_t *ret_len,
                      GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    if (!build(answer, user, out, error))
        return false;
    cache_put(answer->worker->serve->cache, name, out->str, out->len, ttl_ms);
    *ret_text = arena_strndup(answer->arena, out->str, out->len);
    *ret_len = out->len;
    return true;
}

bool answer_part(struct answer *answer,
                 const char *name,
                 int64_t ttl_ms,
                 part_builder build,
                 void *user,
                 const char **ret_text,
                 size_t *ret_len,
                 GError **error)
{
    struct serve *serve = answer->worker->serve;
    if (cache_get(serve->cache, name, answer->arena, ret_text, ret_len))
        return true;
    bool first = cache_is_on(serve) && flight_begin(serve->flights, name);
    if (!first && cache_get(serve->cache, name, answer->arena, ret_text, ret_len))
        return true;
    bool ok = part_make(answer, name, ttl_ms, build, user, ret_text, ret_len, error);
    if (first)
        flight_end(serve->flights, name);
    return ok;
}

/* ---- an answer ---- */

/* {members, "meta": {...}} */
static bool write_body(struct answer *answer, const struct endpoint *endpoint, GError **error)
{
    g_string_truncate(answer->body, 0);
    if (!worker_merge(answer->worker, &answer->merge, error))
        return false;
    json_write_object(answer->body);
    if (!endpoint->write(answer, error))
        return false;
    json_write_key(answer->body, "meta");
    merge_write_meta(answer->merge, answer->body);
    json_write_object_end(answer->body);
    return true;
}

/* A plan may name a generation that has just been swept: once more, with a new plan. */
static bool
write_body_retried(struct answer *answer, const struct endpoint *endpoint, GError **error)
{
    GError *failure = NULL;
    if (write_body(answer, endpoint, &failure))
        return true;
    if (error_is(failure, NOTFOUND)) {
        g_clear_error(&failure);
        worker_merge_forget(answer->worker);
        return write_body(answer, endpoint, error);
    }
    if (failure)
        g_propagate_error(error, failure);
    return false;
}

/* The packed form of a body that is in answer->body, kept beside it. False: not smaller. */
static bool pack_body(struct answer *answer, const char *packed_name, struct body *body)
{
    size_t len;
    const char *packed = gzip_pack(answer->arena, body->text, body->len, &len);
    if (!packed)
        return false;
    *body = (struct body){packed, len, .packed = true, .lives = BODY_IN_ARENA};
    if (packed_name)
        cache_put(answer->worker->serve->cache, packed_name, packed, len, SERVE_FRESH_MS);
    return true;
}

/* A cached answer, packed where the client takes that. */
static bool reply_cached(struct answer *answer, const char *name, const char *packed_name)
{
    struct cache *cache = answer->worker->serve->cache;
    struct body body = {.lives = BODY_IN_ARENA};
    if (packed_name && cache_get(cache, packed_name, answer->arena, &body.text, &body.len))
        body.packed = true;
    else if (!cache_get(cache, name, answer->arena, &body.text, &body.len))
        return false;
    else if (packed_name && body.len >= GZIP_BYTES_MIN)
        (void)pack_body(answer, packed_name, &body);
    reply_json(answer, &body);
    return true;
}

static void reply_fresh(struct answer *answer,
                        const struct endpoint *endpoint,
                        const char *name,
                        const char *packed_name)
{
    g_autoptr(GError) error = NULL;
    if (write_body_retried(answer, endpoint, &error)) {
        struct body body = {.text = answer->body->str, .len = answer->body->len};
        if (!endpoint->uncached)
            cache_put(answer->worker->serve->cache, name, body.text, body.len, SERVE_FRESH_MS);
        if (packed_name && body.len >= GZIP_BYTES_MIN)
            (void)pack_body(answer, endpoint->uncached ? NULL : packed_name, &body);
        reply_json(answer, &body);
    } else if (error) {
        reply_error(answer, error);
    }
}

/* One maker at a time for each name; with the cache off, everybody for himself. */
static void reply_once(struct answer *answer,
                       const struct endpoint *endpoint,
                       const char *name,
                       const char *packed_name)
{
    struct serve *serve = answer->worker->serve;
    if (endpoint->uncached || !cache_is_on(serve)) {
        reply_fresh(answer, endpoint, name, packed_name);
        return;
    }
    if (reply_cached(answer, name, packed_name))
        return;
    bool first = flight_begin(serve->flights, name);
    if (first || !reply_cached(answer, name, packed_name))
        reply_fresh(answer, endpoint, name, packed_name);
    if (first)
        flight_end(serve->flights, name);
}

void answer_run(const struct endpoint *endpoint,
                const struct http_request *request,
                struct http_response *response,
                struct worker *worker)
{
    if (!answer_arguments(request, response, endpoint->arguments))
        return;
    struct answer answer = {.request = request,
                            .response = response,
                            .worker = worker,
                            .arena = http_request_arena(request),
                            .body = g_string_sized_new(4096)};
    const char *name = answer_name(request);
    reply_once(&answer, endpoint, name,
               takes_gzip(request) ? arena_printf(answer.arena, "gzip|%s", name) : NULL);
    g_string_free(answer.body, TRUE);
}

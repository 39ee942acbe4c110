#include "ingest/fake_tmdb.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "net/http_server.h"

#define NOT_FOUND "{\"success\":false,\"status_code\":34,\"status_message\":\"not found\"}"

struct reply {
    int status;
    char *body;
};

struct fake_tmdb {
    struct context context;
    struct http_server *server;
    char *url;
    pthread_mutex_t lock; /* of all below */
    GHashTable *replies;  /* path -> struct reply */
    struct reply failure;
    char *retry_after;
    int failures_left;
    GPtrArray *seen;
};

static void reply_free(void *data)
{
    struct reply *reply = data;
    g_free(reply->body);
    g_free(reply);
}

static bool add_query(void *user, const char *name, const char *value)
{
    GString *path = user;
    if (!g_str_equal(name, "api_key") && !g_str_equal(name, "as_of"))
        g_string_append_printf(path, "%c%s=%s", strchr(path->str, '?') ? '&' : '?', name, value);
    return true;
}

static void remember(struct fake_tmdb *fake, const struct http_request *request, const char *path)
{
    const char *key = http_request_query(request, "api_key"),
               *as_of = http_request_query(request, "as_of"),
               *header = http_request_header(request, "Authorization");
    g_ptr_array_add(fake->seen,
                    g_strdup_printf("%s%s%s%s%s%s%s", path, as_of ? " as_of=" : "",
                                    as_of ? as_of : "", key ? " api_key=" : "", key ? key : "",
                                    header ? " Authorization: " : "", header ? header : ""));
}

static struct reply find_reply(struct fake_tmdb *fake, const char *path)
{
    static const struct reply none = {404, (char *)NOT_FOUND};
    const struct reply *reply = g_hash_table_lookup(fake->replies, path);
    if (!reply) {
        g_autofree char *bare = g_strndup(path, strcspn(path, "?"));
        reply = g_hash_table_lookup(fake->replies, bare);
    }
    return reply ? *reply : none;
}

static void say_nothing(void *user, GString *out)
{
    (void)user;
    (void)out;
}

static void end_nothing(void *user)
{
    (void)user;
}

static void answer(const struct http_request *request, struct http_response *response, void *worker)
{
    struct fake_tmdb *fake = worker;
    struct arena *arena = http_request_arena(request);
    g_autoptr(GString) path = g_string_new(http_request_path(request) + strlen("/3"));
    http_request_each_query(request, add_query, path);
    pthread_mutex_lock(&fake->lock);
    remember(fake, request, path->str);
    bool fails = fake->failures_left > 0;
    fake->failures_left -= fails;
    struct reply reply = fails ? fake->failure : find_reply(fake, path->str);
    char *body = arena_strdup(arena, reply.body);
    char *retry_after = fails && fake->retry_after ? arena_strdup(arena, fake->retry_after) : NULL;
    pthread_mutex_unlock(&fake->lock);
    if (!reply.status) {
        struct http_event_source *events = arena_new0(arena, struct http_event_source);
        *events = (struct http_event_source){say_nothing, end_nothing, NULL, MS_PER_SECOND};
        response->status = 200;
        response->events = events;
        return;
    }
    http_reply(response, reply.status, body[0] == '{' ? "application/json" : "text/html", body,
               strlen(body));
    if (retry_after)
        http_header_add(response, "Retry-After", retry_after);
}

static void *worker_open(void *user, GError **error)
{
    (void)error;
    return user;
}

struct fake_tmdb *fake_tmdb_start(void)
{
    static const struct http_route routes[] = {{"GET", "/3/*", answer, "any"}};
    struct fake_tmdb *fake = g_new0(struct fake_tmdb, 1);
    g_autoptr(GError) error = NULL;
    pthread_mutex_init(&fake->lock, NULL);
    fake->context.clock = clock_new_real();
    fake->replies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, reply_free);
    fake->seen = g_ptr_array_new_with_free_func(g_free);
    struct http_server_options options = {.host = "127.0.0.1",
                                          .threads = 1,
                                          .connections_max = 32,
                                          .idle_timeout_ms = 5000,
                                          .routes = routes,
                                          .routes_count = 1,
                                          .worker_open = worker_open,
                                          .user = fake};
    fake->server = http_server_start(&fake->context, &options, &error);
    g_assert_no_error(error);
    fake->url = g_strdup_printf("http://127.0.0.1:%d/3", http_server_port(fake->server));
    return fake;
}

void fake_tmdb_stop(struct fake_tmdb *fake)
{
    if (!fake)
        return;
    http_server_stop(fake->server);
    clock_free(fake->context.clock);
    g_hash_table_unref(fake->replies);
    g_ptr_array_unref(fake->seen);
    pthread_mutex_destroy(&fake->lock);
    g_free(fake->failure.body);
    g_free(fake->retry_after);
    g_free(fake->url);
    g_free(fake);
}

const char *fake_tmdb_url(const struct fake_tmdb *fake)
{
    return fake->url;
}

void fake_tmdb_set(struct fake_tmdb *fake, const char *path, int status, const char *body)
{
    struct reply *reply = g_new0(struct reply, 1);
    *reply = (struct reply){status, g_strdup(body)};
    pthread_mutex_lock(&fake->lock);
    g_hash_table_insert(fake->replies, g_strdup(path), reply);
    pthread_mutex_unlock(&fake->lock);
}

void fake_tmdb_fail(
    struct fake_tmdb *fake, int count, int status, const char *body, const char *retry_after)
{
    pthread_mutex_lock(&fake->lock);
    g_free(fake->failure.body);
    g_free(fake->retry_after);
    fake->failure = (struct reply){status, g_strdup(body)};
    fake->retry_after = g_strdup(retry_after);
    fake->failures_left = count;
    pthread_mutex_unlock(&fake->lock);
}

char **fake_tmdb_seen(struct fake_tmdb *fake)
{
    pthread_mutex_lock(&fake->lock);
    char **seen = g_new0(char *, fake->seen->len + 1);
    for (unsigned i = 0; i < fake->seen->len; i++)
        seen[i] = g_strdup(fake->seen->pdata[i]);
    pthread_mutex_unlock(&fake->lock);
    return seen;
}

size_t fake_tmdb_count(struct fake_tmdb *fake, const char *prefix)
{
    size_t count = 0;
    pthread_mutex_lock(&fake->lock);
    for (unsigned i = 0; i < fake->seen->len; i++)
        count += g_str_has_prefix(fake->seen->pdata[i], prefix) ? 1 : 0;
    pthread_mutex_unlock(&fake->lock);
    return count;
}

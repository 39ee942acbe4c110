#include "serve/serve.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/embedded.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "serve/openapi.h"
#include "serve/pulse.h"
#include "serve/readier.h"
#include "serve/worker.h"

/* Styles may stand in attributes, as the chart libraries set them; scripts only come from our own
 * files. */
#define CONTENT_SECURITY_POLICY                                                                    \
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "     \
    "data:; "                                                                                      \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

#define STOP_WAIT_MS 60000

/* ---- around each handler ---- */

/* On every answer, whoever made it. */
static void add_security_headers(const struct http_request *request, struct http_response *response)
{
    (void)request;
    http_header_add(response, "Content-Security-Policy", CONTENT_SECURITY_POLICY);
    http_header_add(response, "X-Content-Type-Options", "nosniff");
    http_header_add(response, "Referrer-Policy", "no-referrer");
}

/* The page, its files and the probes are open; what shows data needs a key where keys are
 * configured. */
static bool is_protected(const char *path)
{
    return g_str_has_prefix(path, "/api/") || strcmp(path, "/metrics") == 0;
}

static const char *request_key(const struct http_request *request)
{
    const char *key = http_request_header(request, "X-API-Key");
    if (key)
        return key;
    const char *authorization = http_request_header(request, "Authorization");
    if (authorization && g_ascii_strncasecmp(authorization, "Bearer ", 7) == 0)
        return authorization + 7;
    return NULL;
}

static bool refuse_key(const struct http_request *request,
                       struct http_response *response,
                       const struct worker *worker,
                       const char *why)
{
    http_problem(request, response, 401,
                 "%s; send one of the configured keys as X-API-Key, or as Authorization: Bearer",
                 why);
    http_header_add(response, "WWW-Authenticate", "Bearer realm=\"marquee\"");
    metrics_add(worker->serve->context->metrics, METRIC_HTTP_REJECTED, "key", 1);
    return false;
}

static bool check_limit(const struct http_request *request,
                        struct http_response *response,
                        const struct worker *worker,
                        int key)
{
    struct arena *arena = http_request_arena(request);
    struct quota_state state = quota_take(worker->serve->quota, (size_t)key);
    http_header_add(response, "RateLimit-Policy",
                    arena_printf(arena, "\"default\";q=%d;w=%d", QUOTA_REQUESTS, QUOTA_WINDOW_S));
    http_header_add(response, "RateLimit",
                    arena_printf(arena, "\"default\";r=%d;t=%d", state.remaining, state.reset_s));
    if (state.allowed)
        return true;
    http_problem(request, response, 429,
                 "more than %d requests a minute, or %d at once; ask again in %d s", QUOTA_REQUESTS,
                 QUOTA_BURST, state.reset_s);
    http_header_add(response, "Retry-After", arena_printf(arena, "%d", state.reset_s));
    metrics_add(worker->serve->context->metrics, METRIC_HTTP_REJECTED, "rate", 1);
    return false;
}

static bool
before_request(const struct http_request *request, struct http_response *response, void *data)
{
    const struct worker *worker = data;
    const struct auth *auth = worker->serve->auth;
    if (!auth_needed(auth) || !is_protected(http_request_path(request)))
        return true;
    const char *key = request_key(request);
    if (!key)
        return refuse_key(request, response, worker, "an API key is needed here");
    int number = auth_check(auth, key);
    if (number < 0)
        return refuse_key(request, response, worker, "this API key is not known");
    return check_limit(request, response, worker, number);
}

/* ---- workers ---- */

static void *open_worker(void *user, GError **error)
{
    return worker_new(user, error);
}

static void close_worker(void *worker)
{
    worker_free(worker);
}

/* ---- life ---- */

static char *load_openapi(GError **error)
{
    size_t len;
    const char *yaml = embedded_text("contracts/openapi.yaml", &len);
    char *json = openapi_from_yaml(yaml, len, error);
    if (!json)
        g_prefix_error(error, "contracts/openapi.yaml: ");
    return json;
}

/* The stores can be opened: better said at the start than at the first request. */
static bool try_views(struct serve *serve, GError **error)
{
    struct worker *worker = worker_new(serve, error);
    worker_free(worker);
    return worker != NULL;
}

static bool listen_now(struct serve *serve, GError **error)
{
    const struct config *config = serve->context->config;
    struct http_server_options options = {
        .host = config->serve_host,
        .port = (int)config->serve_port,
        .threads = (int)config->serve_threads,
        .connections_max = (int)config->serve_connections_max,
        .idle_timeout_ms = config->serve_idle_timeout_ms,
        .routes = serve_routes,
        .routes_count = serve_routes_count,
        .worker_open = open_worker,
        .worker_close = close_worker,
        .user = serve,
        .before = before_request,
        .decorate = add_security_headers,
    };
    serve->server = http_server_start(serve->context, &options, error);
    return serve->server != NULL;
}

struct serve *serve_start(const struct context *context, GError **error)
{
    struct serve *serve = g_new0(struct serve, 1);
    serve->context = context;
    serve->flights = flights_new();
    serve->statics = gzip_statics_new();
    serve->auth = auth_open(context, error);
    if (!serve->auth || !(serve->openapi = load_openapi(error)) ||
        !(serve->cache = cache_open(context, error)) || !try_views(serve, error) ||
        !(serve->readier = readier_start(context, error)) ||
        !(serve->pulse = pulse_start(serve, error))) {
        serve_stop(serve);
        return NULL;
    }
    if (auth_needed(serve->auth))
        serve->quota = quota_new(context, auth_count(serve->auth));
    if (!listen_now(serve, error)) {
        serve_stop(serve);
        return NULL;
    }
    return serve;
}

int serve_port(const struct serve *serve)
{
    return http_server_port(serve->server);
}

void serve_stop(struct serve *serve)
{
    if (!serve)
        return;
    /* The server first: it closes the streams, which belong to the pulse. */
    http_server_stop(serve->server);
    pulse_stop(serve->pulse);
    readier_stop(serve->readier);
    quota_free(serve->quota);
    auth_close(serve->auth);
    cache_close(serve->cache);
    gzip_statics_free(serve->statics);
    flights_free(serve->flights);
    g_free(serve->openapi);
    g_free(serve);
}

bool serve_run(const struct context *context, GError **error)
{
    struct serve *serve = serve_start(context, error);
    if (!serve)
        return false;
    g_autofree char *url =
        g_strdup_printf("http://%s:%d/", context->config->serve_host, serve_port(serve));
    log_info(context->log, "serve", "listening", LOG_STR("url", url));
    while (!stop_wait_ms(context->stop, STOP_WAIT_MS))
        ;
    serve_stop(serve);
    return true;
}

#include "cli/metrics_server.h"

#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"

#define CONNECTIONS_MAX 8
#define IDLE_TIMEOUT_MS 15000
#define PORT_MAX        65535

static void *worker_open(void *user, GError **error)
{
    (void)error;
    return user;
}

static void answer(const struct http_request *request, struct http_response *response, void *worker)
{
    struct metrics *metrics = worker;
    g_autoptr(GString) body = g_string_new(NULL);
    metrics_write(metrics, body);
    http_reply(response, 200, "text/plain; version=0.0.4; charset=utf-8",
               arena_strndup(http_request_arena(request), body->str, body->len), body->len);
}

static const struct http_route routes[] = {{"GET", "/metrics", answer, "metrics"}};

/* "host:port"; an IPv6 host may stand in brackets. */
static bool parse_address(const char *text, char **ret_host, int *ret_port)
{
    const char *colon = strrchr(text, ':');
    guint64 port;
    if (!colon || colon == text ||
        !g_ascii_string_to_unsigned(colon + 1, 10, 0, PORT_MAX, &port, NULL))
        return false;
    bool bracketed = text[0] == '[' && colon[-1] == ']';
    *ret_host = bracketed ? g_strndup(text + 1, (gsize)(colon - text) - 2)
                          : g_strndup(text, (gsize)(colon - text));
    *ret_port = (int)port;
    return true;
}

bool metrics_server_start(const struct context *context,
                          struct http_server **ret_server,
                          GError **error)
{
    const char *address = context->config->metrics_listen;
    g_autofree char *host = NULL;
    struct http_server_options options = {
        .threads = 1,
        .connections_max = CONNECTIONS_MAX,
        .idle_timeout_ms = IDLE_TIMEOUT_MS,
        .routes = routes,
        .routes_count = G_N_ELEMENTS(routes),
        .worker_open = worker_open,
        .user = context->metrics,
    };
    struct http_server *server = NULL;
    if (*address) {
        if (!parse_address(address, &host, &options.port)) {
            error_set(error, CONFIG,
                      "metrics.listen: expected host:port such as 127.0.0.1:9464, found \"%s\"",
                      address);
            return false;
        }
        options.host = host;
        server = http_server_start(context, &options, error);
        if (!server) {
            g_prefix_error(error, "metrics.listen: ");
            return false;
        }
        g_autofree char *url =
            g_strdup_printf("http://%s:%d/metrics", host, http_server_port(server));
        log_info(context->log, "metrics", "listening", LOG_STR("url", url));
    }
    *ret_server = server;
    return true;
}

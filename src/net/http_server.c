/* The daemon: MHD's callbacks, one after the other in a request's life:
 *
 *   connection_changed(STARTED) ─► uri_logged (struct http_request) ─► answer(first call: limits by
 * header) ─► answer(body chunks)* ─► answer(last call: route, before, handler, queue) ─► completed
 * ─► ... ─► CLOSED */
#include "net/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/http_server_internal.h"

/* MHD's memory of one connection: its header block, our URL limit and the write buffer must fit. */
#define CONNECTION_BYTES_MAX ((size_t)48 * 1024)
#define LISTEN_BACKLOG       256

static void worker_free(void *data)
{
    struct http_worker *worker = data;
    if (worker->object && worker->server->options.worker_close)
        worker->server->options.worker_close(worker->object);
    arena_free(worker->arena);
    g_free(worker);
}

/* This thread's worker; NULL with an error when the caller's part can't be opened now (it is tried
 * again). */
static struct http_worker *worker_get(struct http_server *server, GError **error)
{
    struct http_worker *worker = pthread_getspecific(server->worker_key);
    if (!worker) {
        worker = g_new0(struct http_worker, 1);
        worker->server = server;
        worker->arena = arena_new();
        pthread_setspecific(server->worker_key, worker);
    }
    if (!worker->object && server->options.worker_open) {
        worker->object = server->options.worker_open(server->options.user, error);
        if (!worker->object)
            return NULL;
    }
    arena_reset(worker->arena);
    return worker;
}

static void read_peer(struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    if (address && address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
                  request->peer, sizeof request->peer);
    else if (address && address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
                  request->peer, sizeof request->peer);
}

static bool method_known(const char *method)
{
    static const char *const known[] = {"GET",    "HEAD",    "POST",  "PUT",    "PATCH",
                                        "DELETE", "OPTIONS", "TRACE", "CONNECT"};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(known[i], method))
            return true;
    return false;
}

/* Sets the route and its parameters; false when the response says 404, 405 or 501. */
static bool find_route(struct http_request *request, struct http_response *response)
{
    const struct http_server_options *options = &request->server->options;
    const char *method = g_str_equal(request->method, "HEAD") ? "GET" : request->method;
    GString *allowed = NULL;
    for (size_t i = 0; i < options->routes_count; i++) {
        const struct http_route *route = &options->routes[i];
        if (!http_pattern_match(route->pattern, request->path, request->arena, &request->params))
            continue;
        if (g_str_equal(route->method, method)) {
            request->route = route;
            if (allowed)
                g_string_free(allowed, TRUE);
            return true;
        }
        allowed = allowed ? g_string_append(allowed, ", ") : g_string_new(NULL);
        g_string_append(allowed, g_str_equal(route->method, "GET") ? "GET, HEAD" : route->method);
    }
    if (!method_known(request->method)) {
        http_problem(request, response, MHD_HTTP_NOT_IMPLEMENTED, "method %.32s is not known here",
                     request->method);
    } else if (allowed) {
        http_problem(request, response, MHD_HTTP_METHOD_NOT_ALLOWED,
                     "%.32s is not possible here; use %s", request->method, allowed->str);
        http_header_add(response, "Allow", arena_strdup(request->arena, allowed->str));
    } else {
        http_problem(request, response, MHD_HTTP_NOT_FOUND, "nothing is at %.512s", request->path);
    }
    if (allowed)
        g_string_free(allowed, TRUE);
    return false;
}

static void refuse(struct http_request *request, struct http_response *response)
{
    switch (request->refused_status) {
    case MHD_HTTP_URI_TOO_LONG:
        http_problem(request, response, request->refused_status,
                     "the URL has %zu bytes; at most %zu are taken", request->url_bytes,
                     HTTP_URL_BYTES_MAX);
        break;
    case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
        http_problem(request, response, request->refused_status,
                     "the header has more than %zu bytes", HTTP_HEADER_BYTES_MAX);
        break;
    default:
        http_problem(request, response, request->refused_status, "the body has more than %zu bytes",
                     HTTP_BODY_BYTES_MAX);
    }
    metrics_add(request->server->context->metrics, METRIC_HTTP_REJECTED, "too_large", 1);
}

/* Fills the response by the route's handler, or by why there is none. */
static void
handle(struct http_request *request, struct http_worker *worker, struct http_response *response)
{
    const struct http_server_options *options = &request->server->options;
    if (request->refused_status) {
        refuse(request, response);
        return;
    }
    if (!find_route(request, response))
        return;
    if (options->before && !options->before(request, response, worker->object))
        return;
    request->route->handler(request, response, worker->object);
    if (!response->status)
        http_problem(request, response, MHD_HTTP_INTERNAL_SERVER_ERROR,
                     "the handler gave no answer");
}

static struct MHD_Response *response_make(struct http_request *request,
                                          struct http_response *response)
{
    if (response->events) {
        struct MHD_Response *stream =
            http_events_response(request->server->events, request->connection, response->events);
        if (stream) {
            response->content_type = "text/event-stream";
            http_header_add(response, "Cache-Control", "no-store");
            return stream;
        }
        http_problem(request, response, MHD_HTTP_SERVICE_UNAVAILABLE,
                     "too many event streams are open; try again later");
        http_header_add(response, "Retry-After", "10");
    }
    enum MHD_ResponseMemoryMode mode =
        response->body_static ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_COPY;
    return MHD_create_response_from_buffer(response->body_len, (void *)response->body, mode);
}

static enum MHD_Result queue_response(struct http_request *request, struct http_response *response)
{
    struct MHD_Response *answer = response_make(request, response);
    if (!answer)
        return MHD_NO;
    if (request->server->options.decorate)
        request->server->options.decorate(request, response);
    if (response->content_type)
        MHD_add_response_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    for (size_t i = 0; i < response->headers_count; i++)
        MHD_add_response_header(answer, response->headers[i].name, response->headers[i].value);
    if (request->refused_status)
        MHD_add_response_header(answer, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result =
        MHD_queue_response(request->connection, (unsigned)response->status, answer);
    MHD_destroy_response(answer);

    struct metrics *metrics = request->server->context->metrics;
    char status[8];
    g_snprintf(status, sizeof status, "%d", response->status);
    metrics_add(metrics, METRIC_HTTP_REQUESTS, status, 1);
    if (request->route)
        metrics_observe(
            metrics, METRIC_HTTP_SECONDS, request->route->name,
            (double)(clock_monotonic_us(request->server->context->clock) - request->started_us) /
                1e6);
    return result;
}

static enum MHD_Result respond(struct http_request *request)
{
    struct http_response response = {0};
    g_autoptr(GError) error = NULL;
    struct http_worker *worker = worker_get(request->server, &error);
    if (!worker) {
        log_error(request->server->context->log, "serve", "a worker can't open its stores",
                  LOG_STR("error", error->message));
        request->arena = arena_new();
        http_problem(request, &response, MHD_HTTP_SERVICE_UNAVAILABLE,
                     "the server can't open its stores now; see its log");
        enum MHD_Result result = queue_response(request, &response);
        arena_free(request->arena);
        return result;
    }
    request->arena = worker->arena;
    handle(request, worker, &response);
    return queue_response(request, &response);
}

static enum MHD_Result
add_bytes(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    *(size_t *)data += strlen(name) + (value ? strlen(value) : 0) + 4; /* ": " and CRLF */
    return MHD_YES;
}

/* The header is complete: what can be refused now is, before a body is read. */
static void check_header(struct http_request *request)
{
    size_t header_bytes = 0;
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, add_bytes, &header_bytes);
    const char *length = http_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (request->url_bytes > HTTP_URL_BYTES_MAX)
        request->refused_status = MHD_HTTP_URI_TOO_LONG;
    else if (header_bytes > HTTP_HEADER_BYTES_MAX)
        request->refused_status = MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
    else if (length && g_ascii_strtoull(length, NULL, 10) > HTTP_BODY_BYTES_MAX)
        request->refused_status = MHD_HTTP_CONTENT_TOO_LARGE;
}

static void *connection_slot(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info->socket_context;
}

static enum MHD_Result answer(void *data,
                              struct MHD_Connection *connection,
                              const char *url,
                              const char *method,
                              const char *version,
                              const char *upload,
                              size_t *upload_size,
                              void **request_slot)
{
    (void)version;
    struct http_server *server = data;
    struct http_request *request = *request_slot;
    if (!request->connection) {
        request->connection = connection;
        request->method = method;
        request->path = url;
        request->started_us = clock_monotonic_us(server->context->clock);
        read_peer(request);
        check_header(request);
        /* Answered at once, so that an oversized body isn't read first. */
        return request->refused_status ? respond(request) : MHD_YES;
    }
    if (*upload_size) {
        if (!request->body)
            request->body = g_byte_array_new();
        if (request->body->len + *upload_size > HTTP_BODY_BYTES_MAX)
            request->refused_status =
                MHD_HTTP_CONTENT_TOO_LARGE; /* chunked: swallow, then say so */
        else
            g_byte_array_append(request->body, (const uint8_t *)upload, (unsigned)*upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    http_deadlines_busy(server->deadlines, connection_slot(connection), true);
    return respond(request);
}

static void *uri_logged(void *data, const char *uri, struct MHD_Connection *connection)
{
    (void)connection;
    struct http_request *request = g_new0(struct http_request, 1);
    request->server = data;
    request->url_bytes = strlen(uri);
    return request;
}

static void completed(void *data,
                      struct MHD_Connection *connection,
                      void **request_slot,
                      enum MHD_RequestTerminationCode code)
{
    (void)code;
    struct http_server *server = data;
    struct http_request *request = *request_slot;
    if (!request)
        return;
    http_deadlines_busy(server->deadlines, connection_slot(connection), false);
    if (request->body)
        g_byte_array_unref(request->body);
    g_free(request);
    *request_slot = NULL;
}

static void connection_changed(void *data,
                               struct MHD_Connection *connection,
                               void **slot,
                               enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = data;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        http_deadlines_opened(server->deadlines, info->connect_fd, slot);
    } else {
        http_deadlines_closed(server->deadlines, *slot);
        *slot = NULL;
    }
}

/* MHD reports its own trouble with printf arguments; what matters is counted and answered by us. */
static void ignore_mhd_log(void *data, const char *format, va_list args)
{
    (void)data;
    (void)format;
    (void)args;
}

static struct addrinfo *resolve(const struct http_server_options *options, GError **error)
{
    char port[8];
    g_snprintf(port, sizeof port, "%d", options->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *addresses = NULL;
    int status = getaddrinfo(options->host, port, &hints, &addresses);
    if (status != 0) {
        error_set(error, CONFIG, "serve.host: %s is no address to listen on: %s", options->host,
                  gai_strerror(status));
        return NULL;
    }
    return addresses;
}

static struct MHD_Daemon *daemon_start(struct http_server *server, const struct addrinfo *address)
{
    const struct http_server_options *options = &server->options;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (address->ai_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    unsigned timeout_s = (unsigned)MAX(1, options->idle_timeout_ms / MS_PER_SECOND);
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)ignore_mhd_log, NULL},
        {MHD_OPTION_SOCK_ADDR, 0, address->ai_addr},
        {MHD_OPTION_CONNECTION_LIMIT, options->connections_max, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)timeout_s, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)CONNECTION_BYTES_MAX, NULL},
        {MHD_OPTION_LISTEN_BACKLOG_SIZE, LISTEN_BACKLOG, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)uri_logged, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)completed, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connection_changed, server},
        {options->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, options->threads,
         NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(flags, (uint16_t)options->port, NULL, NULL, answer, server,
                            MHD_OPTION_ARRAY, items, MHD_OPTION_END);
}

struct http_server *http_server_start(const struct context *context,
                                      const struct http_server_options *options,
                                      GError **error)
{
    struct addrinfo *address = resolve(options, error);
    if (!address)
        return NULL;
    struct http_server *server = g_new0(struct http_server, 1);
    server->context = context;
    server->options = *options;
    /* An event stream holds a connection for ever: half of them stay free for questions. */
    server->events = http_events_new(context, (size_t)MAX(1, options->connections_max / 2));
    server->deadlines = http_deadlines_new(context, options->idle_timeout_ms);
    pthread_key_create(&server->worker_key, worker_free);
    errno = 0;
    server->daemon = daemon_start(server, address);
    freeaddrinfo(address);
    if (!server->daemon) {
        error_set(error, CONFIG,
                  "can't listen on %s port %d: %s; choose another port or end what uses it",
                  options->host, options->port,
                  errno ? g_strerror(errno) : "libmicrohttpd gives no reason");
        http_server_stop(server);
        return NULL;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->port = info ? info->port : options->port;
    return server;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_stop(struct http_server *server)
{
    if (!server)
        return;
    http_events_stop(server->events);
    if (server->daemon)
        MHD_stop_daemon(server->daemon); /* joins the workers, whose ends run worker_free */
    pthread_key_delete(server->worker_key);
    http_deadlines_free(server->deadlines);
    http_events_free(server->events);
    g_free(server);
}

/* HTTP server: libmicrohttpd behind a route table. No movie knowledge.
 *
 *   request ─► limits ─► route ("/api/v1/movies/{id}") ─► handler(request, response) ─► status,
 * headers, body
 *
 * Handlers run on a fixed pool of workers; each worker has one object of the caller's
 * (worker_open), so that a handler needs no locks. A request lives in an arena that is reset when
 * it has been answered. A handler fills the response and returns; what it leaves empty becomes a
 * 500.
 *
 * Limits, all answered with problem+json and closed: header block 16 KB (431), URL 8 KB (414), body
 * (413), connections, silent or slow clients (time-out), unknown method (501/405 with Allow). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"

#define HTTP_HEADER_BYTES_MAX     ((size_t)16 * 1024)
#define HTTP_URL_BYTES_MAX        ((size_t)8 * 1024)
#define HTTP_BODY_BYTES_MAX       ((size_t)64 * 1024)
#define HTTP_PATH_PARAMS_MAX      4
#define HTTP_RESPONSE_HEADERS_MAX 16

struct http_server;
struct http_request;

struct http_response {
    int status; /* 0 means that the handler forgot: 500 */
    const char *content_type;
    /* One of: body in the request's arena (or constant: body_static), or an event stream. */
    const char *body;
    size_t body_len;
    bool body_static; /* lives for ever: not copied */
    struct http_header {
        const char *name, *value;
    } headers[HTTP_RESPONSE_HEADERS_MAX];
    size_t headers_count;
    struct http_event_source *events; /* text/event-stream when set */
};

typedef void (*http_handler)(const struct http_request *request,
                             struct http_response *response,
                             void *worker);

struct http_route {
    const char *method;  /* "GET" (answers HEAD as well) */
    const char *pattern; /* "/api/v1/movies/{id}"; a trailing "*" takes the rest */
    http_handler handler;
    const char *name; /* for metrics: "movie" */
};

struct http_server_options {
    const char *host;
    int port; /* 0: a free one */
    int threads, connections_max;
    int64_t idle_timeout_ms;
    const struct http_route *routes; /* outlive the server */
    size_t routes_count;
    /* Called once by each worker thread before its first request, and at the end. */
    void *(*worker_open)(void *user, GError **error);
    void (*worker_close)(void *worker);
    void *user;
    /* Runs before the handler (auth, rate limit); false: the response is already filled. May be
     * NULL. */
    bool (*before)(const struct http_request *request,
                   struct http_response *response,
                   void *worker);
    /* Adds headers to every answer, also to those that the server makes itself (404, 413, ...). May
     * be NULL. What libmicrohttpd refuses before there is a request (a broken first line) stays
     * bare. */
    void (*decorate)(const struct http_request *request, struct http_response *response);
};

struct http_server *http_server_start(const struct context *context,
                                      const struct http_server_options *options,
                                      GError **error) MUST_CHECK;
int http_server_port(const struct http_server *server);
/* Stops to accept, lets running handlers end, closes event streams. Accepts NULL. */
void http_server_stop(struct http_server *server);

/* ---- for handlers ---- */

const char *http_request_method(const struct http_request *request);
const char *http_request_path(const struct http_request *request); /* decoded, without the query */
const char *http_request_param(const struct http_request *request,
                               const char *name); /* of the path: "id"; NULL if none */
const char *http_request_query(const struct http_request *request,
                               const char *name); /* decoded; NULL if absent */
/* Calls fn for each query argument; false stops. */
void http_request_each_query(const struct http_request *request,
                             bool (*fn)(void *user, const char *name, const char *value),
                             void *user);
const char *http_request_header(const struct http_request *request,
                                const char *name); /* any case; NULL if absent */
const char *http_request_body(const struct http_request *request, size_t *ret_len);
const char *http_request_peer(const struct http_request *request); /* "127.0.0.1" */
struct arena *http_request_arena(const struct http_request *request);

/* Parses a query argument as an integer in [min, max]; absent gives fallback. False: response holds
 * a 400 that names the argument, what was found and what was expected. */
bool http_query_int(const struct http_request *request,
                    struct http_response *response,
                    const char *name,
                    int64_t min,
                    int64_t max,
                    int64_t fallback,
                    int64_t *ret_value) MUST_CHECK;
bool http_param_int(const struct http_request *request,
                    struct http_response *response,
                    const char *name,
                    int64_t min,
                    int64_t max,
                    int64_t *ret_value) MUST_CHECK;

void http_header_add(struct http_response *response, const char *name, const char *value);
/* A body in the request's arena. */
void http_reply(struct http_response *response,
                int status,
                const char *content_type,
                const char *body,
                size_t len);
/* RFC 9457: {"type":"about:blank","title":…,"status":…,"detail":…,"instance":path}. */
void http_problem(const struct http_request *request,
                  struct http_response *response,
                  int status,
                  const char *format,
                  ...) G_GNUC_PRINTF(4, 5);

/* ---- server-sent events ---- */

/* next: appends the next events ("event: x\ndata: {...}\n\n") or nothing (then a comment keeps the
 * connection alive); called on the server's event thread every interval_ms of monotonic time for
 * each stream; must not block. */
struct http_event_source {
    void (*next)(void *user, GString *out);
    void (*close)(void *user);
    void *user;
    int64_t interval_ms;
};

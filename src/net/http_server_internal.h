/* What the files of the HTTP server share. Nobody else includes this. */
#pragma once

#include <pthread.h>

#include <microhttpd.h>

#include "net/http_route.h"
#include "net/http_server.h"

/* One request from the moment its first line is read until it has been answered. */
struct http_request {
    struct http_server *server;
    struct MHD_Connection *connection;
    size_t url_bytes; /* of the raw target */
    const char *method, *path;
    const struct http_route *route;
    struct http_path_params params;
    struct arena *arena; /* the worker's; valid while the handler runs */
    GByteArray *body;
    int64_t started_us;
    int refused_status; /* decided before the body came: 413, 414, 431 */
    char peer[46];      /* INET6_ADDRSTRLEN */
};

/* One worker thread's own things; made at its first request, freed when the thread ends. */
struct http_worker {
    struct http_server *server;
    struct arena *arena;
    void *object; /* the caller's */
};

/* All open event streams, and the thread that feeds them (http_events.c). */
struct http_events;
struct http_events *http_events_new(const struct context *context, size_t streams_max);
/* Ends all streams, joins the thread; the daemon still runs. */
void http_events_stop(struct http_events *events);
void http_events_free(struct http_events *events);
/* A response that streams the source, which it owns; NULL where streams_max are open (the source is
 * closed then). */
struct MHD_Response *http_events_response(struct http_events *events,
                                          struct MHD_Connection *connection,
                                          struct http_event_source *source);

/* Closes connections that take longer than the idle time-out to send a whole request
 * (http_deadlines.c). MHD's own time-out starts again with every byte, which a client may send one
 * a second. */
struct http_deadlines;
struct http_deadlines *http_deadlines_new(const struct context *context, int64_t timeout_ms);
void http_deadlines_free(struct http_deadlines *deadlines);
void http_deadlines_opened(struct http_deadlines *deadlines, int fd, void **ret_slot);
void http_deadlines_closed(struct http_deadlines *deadlines, void *slot);
/* A request has been read whole; time starts again when it has been answered. */
void http_deadlines_busy(struct http_deadlines *deadlines, void *slot, bool busy);

struct http_server {
    const struct context *context;
    struct http_server_options options;
    struct MHD_Daemon *daemon;
    struct http_events *events;
    struct http_deadlines *deadlines;
    pthread_key_t worker_key;
    int port;
};

/* Connection: a socket that speaks the protocol: greeting, streams, time-outs. Knows one node.
 *
 *   closed ──open──► connecting ──► starting ──► [authenticating] ──► ready ──► closed
 *
 * A request takes a stream (its number on the wire) until its answer comes. One that is given up
 * leaves its stream taken, so that a late answer isn't another's; a connection on which nothing
 * arrives for as long as a request may take is dead and closed. */
#pragma once

#include "cql/cql_request.h"
#include "cql/cql_socket.h"

/* Streams of one connection, of 32,768 possible ones. */
#define CQL_STREAMS_MAX 8192

struct cql_connection;

/* Calls within _event, _flush and _tick. None may close or free the connection. */
struct cql_connection_owner {
    void *user;
    void (*ready)(void *user, struct cql_connection *connection);
    /* The request has left the connection and is the owner's again. */
    void (*answer)(void *user,
                   struct cql_connection *connection,
                   struct cql_request *request,
                   const struct cql_envelope *envelope);
    /* As answer, without one: lost with the connection, or timed out while others go on. */
    void (*lost)(void *user,
                 struct cql_connection *connection,
                 struct cql_request *request,
                 bool timed_out,
                 const GError *why);
    void (*event)(void *user, const struct cql_envelope *envelope);
};

struct cql_connection_settings {
    const char *user, *password;
    SSL_CTX *tls;
    enum cql_tls_check tls_check;
    int64_t connect_timeout_ms, request_timeout_ms;
};

enum cql_connection_state {
    CQL_CLOSED,
    CQL_CONNECTING,
    CQL_STARTING,
    CQL_AUTHENTICATING,
    CQL_READY,
};

struct cql_connection {
    enum cql_connection_state state;
    struct cql_socket socket;
    struct cql_outbound outbound;
    struct cql_inbound inbound;
    const struct cql_connection_settings *settings;
    const struct cql_connection_owner *owner;
    void *node; /* the owner's */
    int version;
    int version_offered;          /* by a server that refused ours; 0: none */
    struct cql_request **streams; /* by stream; NULL free */
    int16_t *free_streams;        /* a stack */
    size_t free_count, abandoned;
    struct cql_requests sent; /* oldest first */
    int64_t opened_ms, received_ms;
    bool dirty;          /* has bytes to send: in the owner's list */
    unsigned registered; /* what epoll was asked for */
    GError *why;         /* it is closed */
};

void cql_connection_init(struct cql_connection *connection,
                         const struct cql_connection_settings *settings,
                         const struct cql_connection_owner *owner,
                         void *node);

/* Begins. On failure it is closed, with `why`. */
void cql_connection_open(struct cql_connection *connection,
                         const struct cql_address *address,
                         const char *name,
                         int version,
                         int64_t now_ms);

bool cql_connection_has_room(const struct cql_connection *connection);
/* Only where it has room. */
void cql_connection_send(struct cql_connection *connection,
                         struct cql_request *request,
                         int64_t now_ms);

/* The socket can be read, or written. After each of these three the state may be closed. */
void cql_connection_event(struct cql_connection *connection, int64_t now_ms);
void cql_connection_flush(struct cql_connection *connection);
/* Time-outs. */
void cql_connection_tick(struct cql_connection *connection, int64_t now_ms);
/* When the next tick has something to do; INT64_MAX: never. */
int64_t cql_connection_deadline(const struct cql_connection *connection);

/* Takes over why (may be NULL); requests are lost, one by one. */
void cql_connection_close(struct cql_connection *connection, GError *why);
/* Frees the requests that it still has; nobody is told. */
void cql_connection_clear(struct cql_connection *connection);

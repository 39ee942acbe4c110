/* CQL: a client of Cassandra's native protocol, versions 4 and 5. Decision 0011 says why it is
 * ours.
 *
 *   cql_execute ──► waiting (bounded) ──► a connection's stream ──► Cassandra ──► done(...)
 *                     └ token → node ┘      └ thousands under way at once ┘
 *
 * Everything happens in the caller's thread, inside cql_poll, cql_flush and whatever waits by them:
 * there is no thread of its own, and a session belongs to one. Requests go to the node that owns
 * their partition (Murmur3 of the key), else to the next one on the ring within the data centre;
 * on each node there are a few connections with thousands of streams. A connection that breaks is
 * made again with back-off, and idempotent requests that it carried go to the next node.
 *
 * Time is clock's monotonic one. Errors: AGAIN what time may mend, DENIED credentials, rights or
 * the server's certificate, CONFIG settings, BADDATA an answer that isn't the protocol's, FAILED a
 * wrong statement. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cql/cql_message.h"
#include "cql/cql_socket.h"

struct clock;
struct cql;
struct cql_statement;

#define CQL_PORT_DEFAULT 9042

struct cql_options {
    const struct clock *clock;
    const char *hosts;           /* contact points, comma-separated: host, host:port, [v6]:port */
    const char *user, *password; /* NULL or empty: none */
    enum cql_tls_check tls;
    const char *ca_file;     /* NULL or empty: the system's */
    const char *data_centre; /* NULL or empty: that of the first contact point which answers */
    unsigned connections;    /* to each node */
    size_t in_flight_max;    /* requests given and not answered; more wait in cql_execute */
    int64_t connect_timeout_ms, request_timeout_ms;
    int64_t reconnect_base_ms, reconnect_cap_ms;
    int version_most; /* 0: CQL_VERSION_MOST */
};

/* Connects to one node at least and reads the ring. AGAIN: none answers. */
struct cql *cql_open(const struct cql_options *options, GError **error) MUST_CHECK;
/* Ends what is under way, without calling done for it. Accepts NULL. */
void cql_close(struct cql *cql);

/* A statement without markers, waiting for its end: DDL. */
bool cql_run(struct cql *cql, const char *text, GError **error) MUST_CHECK;

/* Waits. Belongs to the session, lives until its end; the same text gives the same statement. */
struct cql_statement *cql_prepare(struct cql *cql, const char *text, GError **error) MUST_CHECK;

struct cql_execute_options {
    enum cql_consistency consistency;
    bool idempotent;   /* may be sent again when nobody knows whether it was done */
    bool conditional;  /* IF ...: a light-weight transaction */
    int32_t page_size; /* 0: all rows at once */
};

/* The end of a request, or a page of its rows: rows NULL where there are none to speak of, last
 * true with the final call. On an error (not yours to free) rows is NULL and last true. Rows live
 * until it returns. It may call cql_execute and cql_batch_execute, nothing else of the session. */
typedef void cql_done(void *user, struct cql_rows *rows, bool last, const GError *error);

/* Takes a copy of the values. Where in_flight_max are under way it first waits for some of them;
 * called from a done it is AGAIN instead. false: nothing was taken, done isn't called. */
bool cql_execute(struct cql *cql,
                 struct cql_statement *statement,
                 const struct cql_value *values,
                 size_t count,
                 const struct cql_execute_options *options,
                 cql_done *done,
                 void *user,
                 GError **error) MUST_CHECK;

/* Statements of one partition that are done together or not at all. */
struct cql_batch;
struct cql_batch *cql_batch_new(struct cql *cql);
void cql_batch_free(struct cql_batch *batch); /* one that wasn't executed; accepts NULL */
bool cql_batch_add(struct cql_batch *batch,
                   struct cql_statement *statement,
                   const struct cql_value *values,
                   size_t count,
                   GError **error) MUST_CHECK;
/* Takes the batch, whatever it returns. An empty one is done at once. */
bool cql_batch_execute(struct cql *cql,
                       struct cql_batch *batch,
                       const struct cql_execute_options *options,
                       cql_done *done,
                       void *user,
                       GError **error) MUST_CHECK;

/* Sends, receives and calls done, for at most wait_ms or until something has happened. */
void cql_poll(struct cql *cql, int64_t wait_ms);
/* Until every request has ended: each by its answer or, at the latest, by its time-out. */
void cql_flush(struct cql *cql);

struct cql_stats {
    uint64_t requests, retries, timeouts, reconnects;
    size_t in_flight, nodes, connections; /* now; connections: those that are ready */
};

struct cql_stats cql_stats(const struct cql *cql);
int cql_version(const struct cql *cql); /* of the protocol: 4 or 5 */

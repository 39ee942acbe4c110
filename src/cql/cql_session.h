/* Session: what cql.h's struct holds, for cql.c and cql_session.c. */
#pragma once

#include "base/arena.h"
#include "base/sql_file.h"
#include "cql/cql.h"
#include "cql/cql_cluster.h"

struct cql {
    const struct clock *clock;
    struct cql_cluster cluster;
    char *user, *password;
    int64_t connect_timeout_ms, request_timeout_ms;
    size_t in_flight_max, in_flight;
    struct cql_requests waiting; /* for a connection with room */
    struct cql_requests unused;  /* at most in_flight_max, with their buffers */
    GPtrArray *statements;
    GPtrArray *preparing; /* requests under way that prepare for others */
    struct arena *arena;  /* of one answer */
    sql_file *queries;    /* contracts/cassandra.cql */
    bool in_done;
    struct cql_stats stats;
    /* Reading the topology: answers so far, or none under way. */
    bool topology_due, topology_wanted;
    GArray *peers;
    struct cql_address peers_from;
    /* After a change of the schema its own coordinator is asked: another node may not even know
     * that it is behind. */
    struct cql_address schema_from;
    bool schema_changed;
    uint64_t topology_reads; /* finished */
    bool schema_agrees;      /* at the last one */
    GError *topology_error;  /* of the last one */
};

void cql_session_init(struct cql *cql);
void cql_session_clear(struct cql *cql);

/* A request from the pool; it counts as in flight. */
struct cql_request *cql_session_take(struct cql *cql);
void cql_session_give_back(struct cql *cql, struct cql_request *request);
/* On its way, or waiting. */
void cql_session_submit(struct cql *cql, struct cql_request *request);
/* Sends what waits, receives, ends what takes too long. */
void cql_session_poll(struct cql *cql, int64_t wait_ms);

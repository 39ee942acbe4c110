/* Cluster: the nodes of a data centre, their connections, and which of them a request goes to.
 *
 * Nodes come from the contact points and then from Cassandra's own tables (system.local,
 * system.peers_v2, before 4.0 system.peers), read again when an event says that something changed.
 * Each node has a few connections; one that breaks is opened again after a pause that doubles. */
#pragma once

#include "cql/cql_connection.h"
#include "cql/cql_ring.h"
#include "net/retry.h"

#define CQL_NODES_MAX 1024

struct cql_slot {
    struct cql_connection connection;
    int attempts;       /* failed in a row */
    int64_t attempt_ms; /* when the next one is due */
    bool failed;        /* the last attempt, or the connection, ended in an error */
};

struct cql_node {
    struct cql_address address;
    char *name;    /* for the certificate */
    bool reported; /* in Cassandra's tables; a contact point isn't yet */
    struct cql_slot *slots;
};

/* What the tables say of one node. */
struct cql_peer {
    struct cql_address address;
    char *data_centre;
    GArray *tokens; /* of int64_t */
    uint8_t schema[16];
};

void cql_peer_clear(struct cql_peer *peer);

struct cql_cluster {
    struct cql_connection_settings settings;
    struct cql_connection_owner owner;
    struct retry retry;
    GPtrArray *nodes; /* of struct cql_node */
    struct cql_ring ring;
    char *data_centre; /* NULL until known */
    unsigned connections_per_node;
    int epoll, version;
    size_t turn; /* of requests without a key */
    uint64_t reconnects;
    GArray *peers; /* of struct cql_peer, to be taken over by the next tick; or NULL */
};

void cql_cluster_init(struct cql_cluster *cluster);
void cql_cluster_clear(struct cql_cluster *cluster);
void cql_cluster_add(struct cql_cluster *cluster,
                     const struct cql_address *address,
                     const char *name);

/* Opens what is due, ends what takes too long, takes over new peers. */
void cql_cluster_tick(struct cql_cluster *cluster, int64_t now_ms);
/* Sends what waits, then receives for at most wait_ms. */
void cql_cluster_poll(struct cql_cluster *cluster, int64_t wait_ms, int64_t now_ms);
/* When the next tick has something to do. */
int64_t cql_cluster_deadline(const struct cql_cluster *cluster);

/* Where the request goes, with room for it; NULL: nowhere just now. */
struct cql_connection *cql_cluster_pick(struct cql_cluster *cluster,
                                        const struct cql_request *request);
size_t cql_cluster_ready(const struct cql_cluster *cluster);
/* Every slot has tried and failed. *ret_why: one of the reasons, a final one if there is one. */
bool cql_cluster_failed(const struct cql_cluster *cluster, const GError **ret_why);

/* Topology: the answers to contracts/cassandra.cql, as peers. */
#pragma once

#include "cql/cql_cluster.h"

#define CQL_PARTITIONER "org.apache.cassandra.dht.Murmur3Partitioner"

/* Of struct cql_peer. */
GArray *cql_peers_new(void);

/* Adds the node that answered, whose address is the one it was reached by. CONFIG: another
 * partitioner than Murmur3. */
bool cql_peers_add_local(GArray *peers,
                         struct cql_rows *rows,
                         const struct cql_address *address,
                         GError **error) MUST_CHECK;
/* Adds the others; port: theirs where the rows (of before 4.0) have none, else 0. A peer without
 * an address or tokens is passed by: it is just joining. BADDATA: other columns than asked for. */
bool cql_peers_add(GArray *peers, struct cql_rows *rows, int port, GError **error) MUST_CHECK;

/* All have the same schema. */
bool cql_peers_agree(const GArray *peers);

/* Ring: who owns a token. A node owns the tokens above the one before its own, up to its own; the
 * copies of a partition are on the nodes that follow. (With racks a copy may stand further on; then
 * the second choice is a node without one, which asks on. The first is right in any case.) */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cql_ring_entry {
    int64_t token;
    uint32_t node;
};

/* Zeroed: empty. Adding, then sorting once; then lookups. */
struct cql_ring {
    struct cql_ring_entry *entries;
    size_t count, capacity;
};

void cql_ring_add(struct cql_ring *ring, int64_t token, uint32_t node);
void cql_ring_sort(struct cql_ring *ring);
void cql_ring_clear(struct cql_ring *ring);

/* The index of the entry that owns token; not for an empty ring. */
size_t cql_ring_owner(const struct cql_ring *ring, int64_t token);

/* The nodes in the order in which they follow token, each once, at most max; returns how many. */
size_t cql_ring_order(const struct cql_ring *ring, int64_t token, uint32_t *ret_nodes, size_t max);

#include "cql/cql_ring.h"

#include <stdlib.h>

#include <glib.h>

void cql_ring_add(struct cql_ring *ring, int64_t token, uint32_t node)
{
    if (ring->count == ring->capacity) {
        ring->capacity = MAX(ring->capacity * 2, 64);
        ring->entries = g_renew(struct cql_ring_entry, ring->entries, ring->capacity);
    }
    ring->entries[ring->count++] = (struct cql_ring_entry){.token = token, .node = node};
}

static int by_token(const void *a, const void *b)
{
    int64_t x = ((const struct cql_ring_entry *)a)->token,
            y = ((const struct cql_ring_entry *)b)->token;
    return (x > y) - (x < y);
}

void cql_ring_sort(struct cql_ring *ring)
{
    if (ring->count)
        qsort(ring->entries, ring->count, sizeof *ring->entries, by_token);
}

void cql_ring_clear(struct cql_ring *ring)
{
    g_free(ring->entries);
    *ring = (struct cql_ring){0};
}

size_t cql_ring_owner(const struct cql_ring *ring, int64_t token)
{
    g_assert(ring->count > 0);
    size_t low = 0, high = ring->count; /* the first whose token is not below */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ring->entries[middle].token < token)
            low = middle + 1;
        else
            high = middle;
    }
    return low % ring->count;
}

static bool contains(const uint32_t *nodes, size_t count, uint32_t node)
{
    for (size_t i = 0; i < count; i++)
        if (nodes[i] == node)
            return true;
    return false;
}

size_t cql_ring_order(const struct cql_ring *ring, int64_t token, uint32_t *ret_nodes, size_t max)
{
    if (ring->count == 0)
        return 0;
    size_t owner = cql_ring_owner(ring, token), count = 0;
    for (size_t i = 0; i < ring->count && count < max; i++) {
        uint32_t node = ring->entries[(owner + i) % ring->count].node;
        if (!contains(ret_nodes, count, node))
            ret_nodes[count++] = node;
    }
    return count;
}

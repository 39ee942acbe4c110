/* What the cases of bus_contract.c stand on: an empty log with one topic, and the usual calls,
 * which must not fail. Private to the suite. */
#pragma once

#include "bus/bus_contract.h"

#define TOPIC      "movie.ratings"
#define PARTITIONS 6
#define START_MS   INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define FETCH_ALL  ((size_t)64 * 1024 * 1024)

struct world {
    const struct bus_contract *contract;
    struct context context;
    struct config *config;
    void *fixture;
    struct bus *bus;
    struct arena *arena;
};

/* For g_test_add. */
void world_setup(struct world *world, const void *data);
void world_teardown(struct world *world, const void *data);

struct span world_text(const char *bytes);
void world_assert_span(struct span span, const void *bytes, size_t len);

/* Count records "v0", "v1" ... with the key "k" to one partition, in one call. */
void world_produce(struct bus *bus, int partition, int count, int64_t *ret_offsets);
struct bus_batch world_fetch(struct world *world, int partition, int64_t offset, size_t bytes_max);
void world_commit(struct world *world, const char *group, int partition, int64_t offset);
int64_t world_committed(struct world *world, const char *group, int partition);
void world_assert_offsets(struct bus *bus, int partition, int64_t start, int64_t end);

/* A case of its own file: several writers at once, each with its own handle, and a reader beside
 * them: every record is there once, and each writer's are in its order. */
void bus_contract_threads(struct world *world, const void *data);

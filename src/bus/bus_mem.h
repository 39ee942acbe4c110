/* bus_mem: a bus in memory, for tests; bus_mem_share opens a second handle on the same log.
 * Handles may be used from different threads. */
#pragma once

#include "bus/bus.h"

struct bus *bus_mem_new(const struct context *context);
struct bus *bus_mem_share(struct bus *bus);

/* Cuts the last count records off a partition, as a crash without fsync would: for bus_faulty. */
void bus_mem_lose_tail(struct bus *bus, const char *topic, int partition, int64_t count);

/* bus_mem: a bus in memory, for tests; bus_mem_share opens a second handle on the same log.
 * Handles may be used from different threads. */
#pragma once

#include "bus/bus.h"

struct bus *bus_mem_new(const struct context *context);
struct bus *bus_mem_share(struct bus *bus);

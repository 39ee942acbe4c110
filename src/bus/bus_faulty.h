/* bus_faulty: wraps another bus and fails on command, driven by a seed: AGAIN before the append,
 * AGAIN after it (so a retry writes a duplicate), short fetches, and a lost tail as of a disk that
 * had not synced. */
#pragma once

#include "bus/bus.h"

struct bus_faults {
    uint64_t seed;
    double produce_lost;    /* chance of AGAIN with nothing appended */
    double produce_unknown; /* chance of AGAIN although everything was appended */
    double fetch_fails;     /* chance of AGAIN on fetch */
    double fetch_short;     /* chance of a fetch that returns one record only */
};

/* Owns inner from now on. */
struct bus *bus_faulty_new(struct bus *inner, struct bus_faults faults);

/* Cuts the last count records off a partition of a bus_mem inside, as a crash without fsync would.
 */
void bus_faulty_lose_tail(struct bus *bus, const char *topic, int partition, int64_t count);

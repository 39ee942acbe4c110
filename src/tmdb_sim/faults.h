/* Faults: how the simulator misbehaves on command. Each request gets a number; what happens to it
 * is thrown from (seed, kind, number), so a run of requests in one order is repeated exactly.
 *
 *   error=0.3            this share gets status 500
 *   latency=200ms@0.1    this share waits so long (real time) before its answer
 *   truncate=0.05        this share gets a 200 whose body is cut
 *   html=0.02            this share gets a 200 that is a page, not JSON
 *   missing_block=0.05   this share lacks one of the blocks it asked to append
 *   storm=60s/600s       429 in the first 60 s of every 600 s, world time
 *   rate=40              429 above 40 requests a second of world time (a token bucket that holds
 *                        one second's worth)
 *   retry_after=0        what 429 carries in Retry-After: seconds, or none. Without it a storm says
 *                        the real seconds that are left, a rate 1.
 *
 * Any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"

struct faults;

enum fault_kind {
    FAULT_ERROR,
    FAULT_LATENCY,
    FAULT_TRUNCATE,
    FAULT_HTML,
    FAULT_MISSING_BLOCK,
    FAULT_STORM,
    FAULT_RATE,
    FAULT_KIND_COUNT
};

/* What happens to one request. hits[FAULT_STORM] or hits[FAULT_RATE]: answer 429 and nothing else.
 */
struct fault_plan {
    uint64_t number; /* of the request, from 1 */
    bool hits[FAULT_KIND_COUNT];
    int64_t latency_ms;
    int64_t retry_after_s; /* of a 429; -1: no header */
    uint64_t chance;       /* for where to cut, which block to lose */
};

/* spec is a comma-separated list of the above, NULL or "" for none. CONFIG says which part is wrong
 * and what was expected. The clock outlives the faults. */
struct faults *
faults_new(const char *spec, uint64_t seed, const struct clock *clock, GError **error) MUST_CHECK;
void faults_free(struct faults *faults); /* accepts NULL */

/* Numbers the next request and throws its dice. */
struct fault_plan faults_next(struct faults *faults);

/* A planned fault that was really done to an answer: a 404 has no block to lose. */
void faults_applied(struct faults *faults, enum fault_kind kind);
uint64_t faults_count(const struct faults *faults, enum fault_kind kind);
const char *fault_name(enum fault_kind kind); /* "missing_block" */
/* How long answers are held back at most; 0 without latency. */
int64_t faults_latency_ms(const struct faults *faults);

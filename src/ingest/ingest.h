/* Ingest: the stage that asks TMDB and publishes what it finds.
 *
 *   planner ─► TMDB client ─► answer ─► checked (model/tmdb.h) ─► movie.ratings, movie.metadata,
 * movie.reviews └─► raw, as received ─► bronze (lake/raw_store.h)
 *
 * One thread. A process that isn't the leader (lease "ingest") waits. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"
#include "base/error.h"

/* Runs until stop is requested; AGAIN is waited out, anything else ends it. */
bool ingest_run(const struct context *context, GError **error) MUST_CHECK;

struct ingest_progress {
    int64_t done_ms, total_ms; /* of the past that is filled in */
    int64_t records;
};

/* Asks the simulator for its past: observations each ingest.observe_interval from from_ms (rounded
 * up) to the clock's now, published with the past's append times, as if marquee had run then. Only
 * the simulator knows its past: the real API is recognised and refused with CONFIG. progress may be
 * NULL. */
bool ingest_backfill(const struct context *context,
                     int64_t from_ms,
                     void (*progress)(const struct ingest_progress *progress, void *user),
                     void *user,
                     GError **error) MUST_CHECK;

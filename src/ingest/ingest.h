/* Ingest: the stage that asks TMDB and publishes what it finds.
 *
 *   planner ─► TMDB client ─► answer ─► checked (model/tmdb.h) ─► movie.ratings, movie.metadata,
 *                               │                                 movie.reviews
 *                               └─► whole answers, as received ─► bronze (lake/raw_store.h)
 *
 * One thread. A process that isn't the leader (lease "ingest") waits. A review is published once by
 * id and version, facts when they differ from the last ones, an observation each
 * ingest.observe_interval; after a crash some come again, none is lost. Times of a TMDB that
 * doesn't answer, or no longer takes the key, are waited out with few requests and few lines. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"
#include "base/error.h"

/* Runs until stop is requested (true, within a second even while requests hang). AGAIN of a store
 * is waited out; anything else ends it: DENIED, TMDB refuses the key from the start; FENCED,
 * another process has taken the lease; CONFIG, BADDATA, FAILED of a store. */
bool ingest_run(const struct context *context, GError **error) MUST_CHECK;

struct ingest_progress {
    int64_t done_ms, total_ms; /* of the past that is filled in */
    int64_t records;
};

/* Asks the simulator for its past: observations each ingest.observe_interval from from_ms (rounded
 * up) to the clock's now, published with the past's append times, as if marquee had run then. What
 * an earlier backfill has filled in isn't asked for again, unless this one begins before it. Only
 * the simulator knows its past: the real API is recognised and refused with CONFIG. AGAIN: it no
 * longer answers; what was done stays. progress may be NULL. Stop ends it early, with true. */
bool ingest_backfill(const struct context *context,
                     int64_t from_ms,
                     void (*progress)(const struct ingest_progress *progress, void *user),
                     void *user,
                     GError **error) MUST_CHECK;

/* As of: silver and gold computed again as they were at a past instant, from bronze.
 *
 *   bronze, append time <= T ──► runs/asof-<T>/{silver,gold}/... + manifest.json
 *
 * The cut of a partition is before the first record at which the append time (the highest so far,
 * docs/semantics.md) passes T; of TMDB's answers those that were extracted until T. Nothing is
 * published and nothing else in the lake changes. The same T gives the same bytes again, whatever
 * runs came after, as long as bronze reaches back: the oldest hour that can be computed whole is
 * the limit.
 *
 * runs/asof-<T>/computed.json, written last, says with which SQL and when (clock) it was computed:
 * a folder without it is a rest of one that died. Folders are removed lake.past_retention after. */
#pragma once

#include <stdint.h>

#include "base/context.h"
#include "base/error.h"
#include "batch/batch_run.h"
#include "lake/lake.h"
#include "lake/manifest.h"

/* ret_report: run_id, through, seconds, memory. NOTFOUND: nothing is published. BADDATA: T is after
 * the last run's cut, or before the limit, which the text names. CONFLICT: a run is under way. */
bool batch_as_of(const struct context *context,
                 int64_t as_of_ms,
                 batch_progress_fn progress,
                 void *user,
                 struct batch_report *ret_report,
                 GError **error) MUST_CHECK;

/* Whether all instants from the first to the last can be computed; errors as batch_as_of. */
bool batch_as_of_reachable(const struct context *context,
                           int64_t first_ms,
                           int64_t last_ms,
                           GError **error) MUST_CHECK;

/* Whether the instant has been computed, whole and with this program's SQL. */
bool batch_as_of_done(struct lake *lake, int64_t as_of_ms, bool *ret_done, GError **error)
    MUST_CHECK;

/* Removes what is older than lake.past_retention, and rests. Under batch.lock. ret_step: files and
 * bytes are added. */
bool batch_as_of_sweep(const struct context *context,
                       struct lake *lake,
                       struct manifest_step *ret_step,
                       GError **error) MUST_CHECK;

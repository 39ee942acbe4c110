/* As of: silver and gold computed again as they were at a past instant, from bronze.
 *
 *   bronze, append time <= T ──► runs/asof-<T>/{silver,gold}/... + manifest.json
 *
 * The cut of a partition is before the first record at which the append time (the highest so far,
 * docs/semantics.md) passes T; of TMDB's answers those that were extracted until T. Nothing is
 * published and nothing else in the lake changes. The same T gives the same bytes again, whatever
 * runs came after, as long as bronze reaches back: the oldest hour that can be computed whole is
 * the limit. */
#pragma once

#include <stdint.h>

#include "base/context.h"
#include "base/error.h"
#include "batch/batch_run.h"

/* ret_report: run_id, through, seconds, memory. NOTFOUND: nothing is published. BADDATA: T is after
 * the last run's cut, or before the limit, which the text names. CONFLICT: a run is under way. */
bool batch_as_of(const struct context *context,
                 int64_t as_of_ms,
                 batch_progress_fn progress,
                 void *user,
                 struct batch_report *ret_report,
                 GError **error) MUST_CHECK;

/* Drift: what a run's reconciliation found, as it stands in the lake (runs/drift.json):
 *
 *   {"run_id", "at", "compared", "missing_speed", "missing_batch", "value", "repaired",
 *    "rows": [{"table", "cause", "movie_id", "hour", "window_start", "repaired"}, ...]}
 *
 * Rows are listed up to DRIFT_LISTED_MAX, the counts are of all. `marquee batch drift` prints it,
 * the scheduler adds it to the metrics of `up`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/metrics.h"
#include "lake/lake.h"
#include "speed/speed.h"

#define DRIFT_OBJECT     "runs/drift.json" /* the last run's */
#define DRIFT_LISTED_MAX 1000

enum drift_cause { DRIFT_MISSING_SPEED, DRIFT_MISSING_BATCH, DRIFT_VALUE, DRIFT_CAUSE_COUNT };

/* "missing_speed", "missing_batch", "value" */
const char *drift_cause_name(enum drift_cause cause);

struct drift_row {
    enum speed_table table;
    enum drift_cause cause;
    int32_t movie_id; /* 0: of trending_movies, where an hour drifts as a whole */
    int64_t hour_ms;
    int64_t window_start_ms; /* of review_sentiments; else the hour */
    bool repaired;
};

struct drift {
    char *run_id;
    int64_t at_ms;    /* clock when it was found */
    int64_t compared; /* rows on either side; of trending_movies hours */
    int64_t counts[DRIFT_CAUSE_COUNT];
    int64_t repaired;
    GArray *rows; /* struct drift_row */
};

struct drift *drift_new(const char *run_id, int64_t at_ms);
void drift_free(struct drift *drift); /* accepts NULL */

bool drift_save(const struct drift *drift, struct lake *lake, GError **error) MUST_CHECK;
/* NOTFOUND: no run has compared yet. BADDATA: the object isn't one of ours. */
struct drift *drift_load(struct lake *lake, GError **error) MUST_CHECK;

/* Newly allocated. */
char *drift_to_json(const struct drift *drift);

/* Adds the counts to METRIC_RECONCILE_DRIFT by cause. */
void drift_measure(const struct drift *drift, struct metrics *metrics);

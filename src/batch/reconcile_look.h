/* Reconcile look: one comparison of the lake's rows with the speed tables, and what it found wrong.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "batch/drift.h"
#include "batch/reconcile_counts.h"
#include "batch/run_state.h"

/* A row that drifted, as it should be: of missing_batch as it is and should not. Of trending_movies
 * only the hour is set, its rows stand in the look's ranks. */
struct finding {
    enum speed_table table;
    enum drift_cause cause;
    int32_t movie_id;
    int64_t hour_ms, window_start_ms;
    int writer;       /* of the speed layer's row */
    int64_t sequence; /* up to which that one had written */
    union {
        struct stats_row stats;
        struct sentiment_row sentiment;
    } row;
};

struct look {
    struct run_state *state;
    const struct reconcile_counts *counts;
    int64_t held_from_ms;
    int64_t compared, drifted[DRIFT_CAUSE_COUNT];
    int64_t hours_drifted; /* of trending_movies */
    GArray *findings;      /* struct finding, at most DRIFT_LISTED_MAX */
    GArray *ranks;         /* struct trending_row: the lake's, by hour then rank */
    struct arena *arena;   /* of titles, and the speed layer's rows */
};

/* Compares all three tables, after the counts were read. The speed handle should see one moment (a
 * read transaction), or else rows that know their writes' sequences. */
bool look_run(struct look *look, struct speed *speed, GError **error) MUST_CHECK;

void look_init(struct look *look,
               struct run_state *state,
               const struct reconcile_counts *counts,
               int64_t held_from_ms);
void look_clear(struct look *look);

/* Whether both sides hold the same records for what the finding's row is computed of. */
bool look_comparable(const struct look *look,
                     const struct reconcile_counts *counts,
                     enum speed_table table,
                     int32_t movie_id,
                     int64_t hour_ms);

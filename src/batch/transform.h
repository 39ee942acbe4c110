/* Transform: computes one table of silver or gold from its SQL file.
 *
 * A table is whole (one file a run, or several by partition.h) or by month of event time: then only
 * months that this run's new records may change are computed and the others stay as they are. */
#pragma once

#include <stdbool.h>

#include "batch/partition.h"
#include "batch/run_state.h"

#define TRANSFORM_NEEDS_MAX 6

struct transform {
    const char *table;    /* "silver/hours_stats" */
    const char *sql_path; /* one SELECT with an ORDER BY */
    bool by_month;
    const struct partition
        *partition; /* of a whole table that is split by year, month, genre; or NULL */
    const char *needs[TRANSFORM_NEEDS_MAX];
};

extern const struct transform transform_movies, transform_snapshots, transform_hours_stats,
    transform_hours_sentiment, transform_hours_trending, transform_genre_analytics,
    transform_trending_scores, transform_temporal_analytics, transform_revenue_analytics,
    transform_reviews, transform_people, transform_quarantine, transform_sentiment_trends,
    transform_people_figures;

/* ret_step: rows and bytes of what was computed. */
bool transform_run(const struct transform *transform,
                   struct run_state *state,
                   struct manifest_step *ret_step,
                   GError **error) MUST_CHECK;

#include "batch/plan.h"

#include "base/config.h"
#include "base/log.h"
#include "batch/archive.h"
#include "batch/archive_exports.h"
#include "batch/as_of.h"
#include "batch/bronze.h"
#include "batch/export.h"
#include "batch/publish.h"
#include "batch/quality_run.h"
#include "batch/reconcile.h"
#include "batch/retention.h"
#include "batch/transform.h"

static bool step_archive(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    struct archive_report report;
    if (state->previous)
        manifest_inherit(state->manifest, state->previous);
    if (!archive_run(state->context, state->lake, state->bus, state->engine, state->previous,
                     state->manifest, &report, error))
        return false;
    int64_t exported;
    if (!archive_exports(state, &exported, error))
        return false;
    ret_step->rows = report.records + report.answers + exported;
    if (report.gap_records)
        log_warn(state->context->log, "batch",
                 "records had left the bus before they were archived: the lake does not go back to "
                 "the start",
                 LOG_INT("records", report.gap_records));
    return true;
}

static bool step_movies(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_movies, state, ret_step, error);
}

static bool step_snapshots(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_snapshots, state, ret_step, error);
}

static bool
step_hours_stats(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_hours_stats, state, ret_step, error);
}

static bool
step_hours_sentiment(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_hours_sentiment, state, ret_step, error);
}

static bool
step_hours_trending(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_hours_trending, state, ret_step, error);
}

static bool
step_genre_analytics(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_genre_analytics, state, ret_step, error);
}

static bool
step_trending_scores(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_trending_scores, state, ret_step, error);
}

static bool
step_temporal_analytics(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_temporal_analytics, state, ret_step, error);
}

static bool
step_revenue_analytics(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_revenue_analytics, state, ret_step, error);
}

static bool step_reviews(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_reviews, state, ret_step, error);
}

static bool step_people(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_people, state, ret_step, error);
}

static bool
step_sentiment_trends(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_sentiment_trends, state, ret_step, error);
}

static bool
step_people_figures(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_people_figures, state, ret_step, error);
}

static bool step_quarantine(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return transform_run(&transform_quarantine, state, ret_step, error);
}

/* After everything that tells this run's files from older ones, and that reads what is let go. */
static bool step_compact(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    (void)ret_step;
    for (size_t i = 0; i < bronze_tables_count; i++) {
        if (!bronze_compact(bronze_tables[i], state->engine, state->lake, state->manifest,
                            state->manifest->cut_at_ms,
                            state->context->config->lake_partition_min_bytes, error))
            return false;
    }
    retention_apply(state->context->config, state->manifest);
    return true;
}

static bool step_release(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    return publish_release(state, ret_step, error) &&
           batch_as_of_sweep(state->context, state->lake, ret_step, error);
}

const struct plan_step plan_steps[] = {
    {"archive", step_archive},
    {"silver_movies", step_movies},
    {"silver_people", step_people},
    {"silver_reviews", step_reviews},
    {"silver_snapshots", step_snapshots},
    {"silver_hours_stats", step_hours_stats},
    {"silver_hours_sentiment", step_hours_sentiment},
    {"silver_hours_trending", step_hours_trending},
    {"silver_quarantine", step_quarantine},
    {"gold_genre_analytics", step_genre_analytics},
    {"gold_trending_scores", step_trending_scores},
    {"gold_temporal_analytics", step_temporal_analytics},
    {"gold_revenue_analytics", step_revenue_analytics},
    {"gold_sentiment_trends", step_sentiment_trends},
    {"gold_people", step_people_figures},
    {"quality", quality_run},
    {"export", export_run},
    {"reconcile", reconcile_run},
    {"compact", step_compact},
    {"publish_lake", publish_lake},
    {"publish_views", publish_views},
    {"release", step_release},
};
const size_t plan_steps_count = G_N_ELEMENTS(plan_steps);

const char *const plan_failpoints[] = {
    "batch.begin",
    "batch.archive.stored",
    "batch.transform.written",
    "batch.partition.written",
    "batch.export.put",
    "batch.publish.saved",
    "batch.publish.swapped",
    "batch.release.committed",
    "batch.release.swept",
    "lake.put.written",
    "lake.put.synced",
    "lake.rename.synced",
};
const size_t plan_failpoints_count = G_N_ELEMENTS(plan_failpoints);

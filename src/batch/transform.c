#include "batch/transform.h"

#include <string.h>

#include "base/failpoint.h"
#include "batch/calendar.h"
#include "batch/tables.h"

const struct transform transform_movies = {
    .table = "silver/movies",
    .sql_path = "sql/silver/movies.sql",
    .partition = &partition_movies,
    .needs = {"movies_before", "new_answers", "judged_metadata", "judged_ratings"},
};
const struct transform transform_snapshots = {
    .table = "silver/snapshots",
    .sql_path = "sql/silver/snapshots.sql",
    .by_month = true,
    .needs = {"snapshots_before", "judged_ratings"},
};
const struct transform transform_hours_stats = {
    .table = "silver/hours_stats",
    .sql_path = "sql/silver/hours_stats.sql",
    .by_month = true,
    .needs = {"hours_stats_before", "rating_windows", "titles"},
};
const struct transform transform_hours_sentiment = {
    .table = "silver/hours_sentiment",
    .sql_path = "sql/silver/hours_sentiment.sql",
    .by_month = true,
    .needs = {"hours_sentiment_before", "judged_reviews"},
};
const struct transform transform_hours_trending = {
    .table = "silver/hours_trending",
    .sql_path = "sql/silver/hours_trending.sql",
    .by_month = true,
    .needs = {"hours_trending_before", "rating_windows", "judged_events", "titles"},
};
const struct transform transform_genre_analytics = {
    .table = "gold/genre_analytics",
    .sql_path = "sql/gold/genre_analytics.sql",
    .needs = {"silver_movies"},
};

const struct transform transform_trending_scores = {
    .table = "gold/trending_scores",
    .sql_path = "sql/gold/trending_scores.sql",
    .needs = {"silver_snapshots", "bronze_exports", "silver_movies"},
};
const struct transform transform_temporal_analytics = {
    .table = "gold/temporal_analytics",
    .sql_path = "sql/gold/temporal_analytics.sql",
    .needs = {"silver_movies"},
};
const struct transform transform_revenue_analytics = {
    .table = "gold/revenue_analytics",
    .sql_path = "sql/gold/revenue_analytics.sql",
    .needs = {"silver_movies"},
};

const struct transform transform_reviews = {
    .table = "silver/reviews",
    .sql_path = "sql/silver/reviews.sql",
    .partition = &partition_reviews,
    .needs = {"reviews_before", "judged_reviews", "silver_movies"},
};
const struct transform transform_quarantine = {
    .table = "silver/quarantine",
    .sql_path = "sql/silver/quarantine.sql",
    .needs = {"quarantine_before", "new_answers", "judged_ratings", "judged_metadata",
              "judged_reviews", "judged_events"},
};
const struct transform transform_people = {
    .table = "silver/people",
    .sql_path = "sql/silver/people.sql",
    .needs = {"silver_movies"},
};
const struct transform transform_sentiment_trends = {
    .table = "gold/sentiment_trends",
    .sql_path = "sql/gold/sentiment_trends.sql",
    .needs = {"silver_reviews", "silver_movies"},
};
const struct transform transform_people_figures = {
    .table = "gold/people",
    .sql_path = "sql/gold/people.sql",
    .needs = {"silver_people", "silver_movies"},
};

static bool write_file(const struct transform *transform,
                       struct run_state *state,
                       const char *name,
                       struct manifest_file *ret_file,
                       struct manifest_step *step,
                       GError **error)
{
    struct engine_params params = run_state_params(state);
    if (!tables_write(transform->sql_path, &params, name, state->manifest->run_id, state->engine,
                      state->lake, ret_file, error))
        return false;
    step->rows += ret_file->rows;
    step->size_bytes += ret_file->size_bytes;
    failpoint("batch.transform.written");
    return true;
}

static bool write_whole(const struct transform *transform,
                        struct run_state *state,
                        struct manifest_step *step,
                        GError **error)
{
    g_autofree char *name = g_strdup_printf("%s%s/%s.parquet", state->prefix ? state->prefix : "",
                                            transform->table, state->manifest->run_id);
    struct manifest_file file = {0};
    if (!write_file(transform, state, name, &file, step, error))
        return false;
    manifest_clear_table(state->manifest, transform->table);
    bool done = true;
    if (transform->partition)
        done = partition_split(transform->partition, state, &file, error);
    else
        manifest_add_file(state->manifest, transform->table, &file);
    manifest_file_clear(&file);
    return done;
}

static void
replace_month(struct manifest *manifest, const char *table_name, const struct manifest_file *file)
{
    struct manifest_table *table = manifest_table(manifest, table_name);
    for (guint i = table->files->len; i > 0; i--) {
        const struct manifest_file *old = table->files->pdata[i - 1];
        if (old->from_ms == file->from_ms)
            g_ptr_array_remove_index(table->files, i - 1);
    }
    if (file->rows > 0)
        manifest_add_file(manifest, table_name, file);
}

static bool write_month(const struct transform *transform,
                        struct run_state *state,
                        int64_t month_ms,
                        struct manifest_step *step,
                        GError **error)
{
    int64_t next_ms = calendar_next(CALENDAR_MONTH, month_ms);
    run_state_set_int(state, "from_ms", month_ms);
    run_state_set_int(state, "to_ms", next_ms);
    g_autofree char *folder = calendar_partition(CALENDAR_MONTH, month_ms);
    g_autofree char *name =
        g_strdup_printf("%s%s/%s/%s.parquet", state->prefix ? state->prefix : "", transform->table,
                        folder, state->manifest->run_id);
    struct manifest_file file = {0};
    if (!write_file(transform, state, name, &file, step, error))
        return false;
    file.from_ms = month_ms;
    file.to_ms = next_ms;
    replace_month(state->manifest, transform->table, &file);
    manifest_file_clear(&file);
    return true;
}

bool transform_run(const struct transform *transform,
                   struct run_state *state,
                   struct manifest_step *ret_step,
                   GError **error)
{
    if (transform->by_month && !run_state_find_months(state, error))
        return false;
    bool nothing = transform->by_month && state->months->len == 0;
    for (size_t i = 0; !nothing && i < TRANSFORM_NEEDS_MAX && transform->needs[i]; i++) {
        if (!run_state_need(state, transform->needs[i], error))
            return false;
    }
    manifest_table(state->manifest, transform->table);
    struct manifest_step step = {0};
    if (!transform->by_month) {
        if (!write_whole(transform, state, &step, error))
            return false;
    } else {
        for (guint i = 0; i < state->months->len; i++) {
            if (!write_month(transform, state, g_array_index(state->months, int64_t, i), &step,
                             error))
                return false;
        }
    }
    ret_step->rows = step.rows;
    ret_step->size_bytes = step.size_bytes;
    return true;
}

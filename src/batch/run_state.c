#include "batch/run_state.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "batch/calendar.h"
#include "batch/retention.h"
#include "batch/tables.h"

#define NEEDS_MAX 5
#define LOOKBACKS 2 /* an acceleration reads two windows back */

enum relation_kind {
    OF_LAKE,     /* the files of a table, as the run's manifest has them now */
    OF_RUN,      /* of these the ones that this run brought */
    OF_PREVIOUS, /* the files of a table in the manifest before */
    COMPUTED,    /* the rows of an SQL file */
};

struct relation {
    const char *name;
    enum relation_kind kind;
    const char *source;       /* table, or SQL file */
    const char *columns_path; /* NULL where computed */
    const char *needs[NEEDS_MAX];
};

static const struct relation relations[] = {
    {"bronze_ratings", OF_LAKE, "bronze/ratings", "sql/bronze/ratings.sql", {0}},
    {"bronze_metadata", OF_LAKE, "bronze/metadata", "sql/bronze/metadata.sql", {0}},
    {"bronze_reviews", OF_LAKE, "bronze/reviews", "sql/bronze/reviews.sql", {0}},
    {"bronze_events", OF_LAKE, "bronze/events", "sql/bronze/events.sql", {0}},
    {"bronze_exports", OF_LAKE, "bronze/exports", "sql/bronze/exports.sql", {0}},
    {"new_ratings", OF_RUN, "bronze/ratings", "sql/bronze/ratings.sql", {0}},
    {"new_reviews", OF_RUN, "bronze/reviews", "sql/bronze/reviews.sql", {0}},
    {"new_events", OF_RUN, "bronze/events", "sql/bronze/events.sql", {0}},
    {"new_answers", OF_RUN, "bronze/movies", "sql/bronze/movies.sql", {0}},
    {"movies_before", OF_PREVIOUS, "silver/movies", "sql/silver/movies_columns.sql", {0}},
    {"hours_stats_before",
     OF_PREVIOUS,
     "silver/hours_stats",
     "sql/silver/hours_stats_columns.sql",
     {0}},
    {"hours_sentiment_before",
     OF_PREVIOUS,
     "silver/hours_sentiment",
     "sql/silver/hours_sentiment_columns.sql",
     {0}},
    {"hours_trending_before",
     OF_PREVIOUS,
     "silver/hours_trending",
     "sql/silver/hours_trending_columns.sql",
     {0}},
    {"snapshots_before", OF_PREVIOUS, "silver/snapshots", "sql/silver/snapshots_columns.sql", {0}},
    {"quarantine_before",
     OF_PREVIOUS,
     "silver/quarantine",
     "sql/silver/quarantine_columns.sql",
     {0}},
    {"reviews_before", OF_PREVIOUS, "silver/reviews", "sql/silver/reviews_columns.sql", {0}},
    {"silver_reviews", OF_LAKE, "silver/reviews", "sql/silver/reviews_columns.sql", {0}},
    {"silver_people", OF_LAKE, "silver/people", "sql/silver/people_columns.sql", {0}},
    {"gold_people", OF_LAKE, "gold/people", "sql/gold/people_columns.sql", {0}},
    {"gold_sentiment_trends",
     OF_LAKE,
     "gold/sentiment_trends",
     "sql/gold/sentiment_trends_columns.sql",
     {0}},
    {"silver_movies", OF_LAKE, "silver/movies", "sql/silver/movies_columns.sql", {0}},
    {"silver_hours_stats",
     OF_LAKE,
     "silver/hours_stats",
     "sql/silver/hours_stats_columns.sql",
     {0}},
    {"silver_hours_sentiment",
     OF_LAKE,
     "silver/hours_sentiment",
     "sql/silver/hours_sentiment_columns.sql",
     {0}},
    {"silver_hours_trending",
     OF_LAKE,
     "silver/hours_trending",
     "sql/silver/hours_trending_columns.sql",
     {0}},
    {"gold_genre_analytics",
     OF_LAKE,
     "gold/genre_analytics",
     "sql/gold/genre_analytics_columns.sql",
     {0}},
    {"silver_snapshots", OF_LAKE, "silver/snapshots", "sql/silver/snapshots_columns.sql", {0}},
    {"gold_trending_scores",
     OF_LAKE,
     "gold/trending_scores",
     "sql/gold/trending_scores_columns.sql",
     {0}},
    {"gold_temporal_analytics",
     OF_LAKE,
     "gold/temporal_analytics",
     "sql/gold/temporal_analytics_columns.sql",
     {0}},
    {"gold_revenue_analytics",
     OF_LAKE,
     "gold/revenue_analytics",
     "sql/gold/revenue_analytics_columns.sql",
     {0}},
    {"judged_ratings", COMPUTED, "sql/log/judged_ratings.sql", NULL, {"bronze_ratings"}},
    {"judged_metadata", COMPUTED, "sql/log/judged_metadata.sql", NULL, {"bronze_metadata"}},
    {"judged_reviews", COMPUTED, "sql/log/judged_reviews.sql", NULL, {"bronze_reviews"}},
    {"judged_events", COMPUTED, "sql/log/judged_events.sql", NULL, {"bronze_events"}},
    {"titles", COMPUTED, "sql/log/titles.sql", NULL, {"judged_metadata"}},
    {"rating_windows", COMPUTED, "sql/log/rating_windows.sql", NULL, {"judged_ratings"}},
    {"used_counts",
     COMPUTED,
     "sql/log/used_counts.sql",
     NULL,
     {"judged_ratings", "judged_metadata", "judged_reviews", "judged_events"}},
};

static void set(struct run_state *state, struct engine_param param)
{
    for (size_t i = 0; i < state->params_count; i++) {
        if (strcmp(state->params[i].name, param.name) == 0) {
            state->params[i] = param;
            return;
        }
    }
    g_assert(state->params_count < STATE_PARAMS_MAX);
    state->params[state->params_count++] = param;
}

void run_state_set_int(struct run_state *state, const char *name, int64_t value)
{
    set(state, (struct engine_param){.name = name, .type = ENGINE_INT, .integer = value});
}

static void set_double(struct run_state *state, const char *name, double value)
{
    set(state, (struct engine_param){.name = name, .type = ENGINE_DOUBLE, .number = value});
}

static int year_of(int64_t time_ms)
{
    g_autofree char *partition = calendar_partition(CALENDAR_YEAR, time_ms);
    return (int)g_ascii_strtoll(partition + strlen("year="), NULL, 10);
}

void run_state_init(struct run_state *state)
{
    const struct config *config = state->context->config;
    const struct manifest *manifest = state->manifest;
    state->months = g_array_new(FALSE, FALSE, sizeof(int64_t));
    state->relations = g_hash_table_new(g_str_hash, g_str_equal);
    state->checked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    run_state_set_int(state, "window_ms", config->stream_window_ms);
    run_state_set_int(state, "retention_ms", config->speed_retention_ms);
    run_state_set_int(state, "lookback_ms", config->stream_velocity_lookback_ms);
    run_state_set_int(state, "future_limit_ms", config->stream_future_limit_ms);
    set_double(state, "weight_velocity", config->trending_weight_velocity);
    set_double(state, "weight_votes", config->trending_weight_votes);
    set_double(state, "weight_acceleration", config->trending_weight_acceleration);
    set_double(state, "weight_engagement", config->trending_weight_engagement);
    set_double(state, "min_velocity", config->trending_min_velocity);
    run_state_set_int(state, "cut_year", year_of(manifest->cut_at_ms));
    run_state_set_int(state, "texts_from_ms",
                      manifest->cut_at_ms - config->ingest_raw_retention_ms);
    run_state_set_int(state, "exact_from_ms",
                      state->previous ? retention_exact_from_ms(config, state->previous)
                                      : INT64_MIN / 2);
    run_state_set_int(state, "through_ms", manifest->through_ms);
    run_state_set_int(state, "trend_to_ms", calendar_start(CALENDAR_DAY, manifest->through_ms));
    run_state_set_int(state, "views_from_ms", manifest->through_ms - VIEWS_HOURS_MS);
    run_state_set_int(state, "silver_from_ms",
                      calendar_start(CALENDAR_MONTH, manifest->cut_at_ms - SILVER_MS));
    run_state_set_int(state, "silver_to_ms",
                      manifest->cut_at_ms + config->stream_future_limit_ms + MS_PER_DAY);
}

void run_state_clear(struct run_state *state)
{
    if (state->months)
        g_array_unref(state->months);
    if (state->relations)
        g_hash_table_unref(state->relations);
    if (state->checked)
        g_hash_table_unref(state->checked);
}

struct engine_params run_state_params(const struct run_state *state)
{
    return (struct engine_params){state->params, state->params_count};
}

/* Also what it joined: "/<run id>.parquet", "/<run id>-joined.parquet". */
static bool is_own(const struct run_state *state, const char *name)
{
    const char *base = strrchr(name, '/');
    return base && g_str_has_prefix(base + 1, state->manifest->run_id);
}

bool run_state_check(struct run_state *state, const struct manifest_table *table, GError **error)
{
    for (guint i = 0; table && i < table->files->len; i++) {
        const struct manifest_file *file = table->files->pdata[i];
        if ((!state->resumed && is_own(state, file->name)) ||
            g_hash_table_contains(state->checked, file->name))
            continue;
        if (!manifest_check_file(state->lake, file, error))
            return false;
        g_hash_table_add(state->checked, g_strdup(file->name));
    }
    return true;
}

/* The files that this run stored end with its id; what was joined has another name. */
static struct manifest *only_new(const struct manifest *manifest, const char *table_name)
{
    struct manifest *found = manifest_new(manifest->run_id);
    const struct manifest_table *table = manifest_find_table(manifest, table_name);
    g_autofree char *ending = g_strdup_printf("/%s.parquet", manifest->run_id);
    for (guint i = 0; table && i < table->files->len; i++) {
        const struct manifest_file *file = table->files->pdata[i];
        if (g_str_has_suffix(file->name, ending))
            manifest_add_file(found, table_name, file);
    }
    return found;
}

/* The archive as of a past instant, materialised: "archived" is bound anew for each table. */
static bool open_past(struct run_state *state, const struct relation *relation, GError **error)
{
    const char *sql_path =
        strcmp(relation->source, "bronze/movies") == 0    ? "sql/bronze/answers_as_of.sql"
        : strcmp(relation->source, "bronze/exports") == 0 ? "sql/bronze/exports_as_of.sql"
                                                          : "sql/bronze/log_as_of.sql";
    struct engine_params params = run_state_params(state);
    const struct manifest_table *table = manifest_find_table(state->manifest, relation->source);
    return run_state_check(state, table, error) &&
           tables_view("archived", relation->columns_path, table, state->engine, state->lake,
                       error) &&
           engine_table(state->engine, relation->name, sql_path, &params, NULL, error);
}

static bool open_relation(struct run_state *state, const struct relation *relation, GError **error)
{
    struct engine_params params = run_state_params(state);
    const struct manifest_table *table = NULL;
    struct manifest *found = NULL;
    if (state->as_of && g_str_has_prefix(relation->source, "bronze/"))
        return open_past(state, relation, error);
    switch (relation->kind) {
    case OF_LAKE:
        table = manifest_find_table(state->manifest, relation->source);
        break;
    case OF_RUN:
        found = only_new(state->manifest, relation->source);
        table = manifest_find_table(found, relation->source);
        break;
    case OF_PREVIOUS:
        table = state->previous ? manifest_find_table(state->previous, relation->source) : NULL;
        break;
    case COMPUTED:
        return engine_table(state->engine, relation->name, relation->source, &params, NULL, error);
    }
    bool done = run_state_check(state, table, error) &&
                tables_view(relation->name, relation->columns_path, table, state->engine,
                            state->lake, error);
    manifest_free(found);
    return done;
}

bool run_state_need(struct run_state *state, const char *name, GError **error)
{
    if (g_hash_table_contains(state->relations, name))
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(relations); i++) {
        const struct relation *relation = &relations[i];
        if (strcmp(relation->name, name) != 0)
            continue;
        for (size_t j = 0; j < NEEDS_MAX && relation->needs[j]; j++) {
            if (!run_state_need(state, relation->needs[j], error))
                return false;
        }
        if (!open_relation(state, relation, error))
            return false;
        g_hash_table_add(state->relations, (char *)relation->name);
        return true;
    }
    g_error("batch: there is no relation %s", name);
}

static bool gather_month(void *user,
                         const struct engine_column *columns,
                         const struct engine_value *values,
                         size_t count,
                         GError **error)
{
    (void)columns, (void)count, (void)error;
    GArray *months = user;
    int64_t month = calendar_start(CALENDAR_MONTH, values[0].integer);
    if (months->len == 0 || g_array_index(months, int64_t, months->len - 1) < month)
        g_array_append_val(months, month);
    return true;
}

bool run_state_find_months(struct run_state *state, GError **error)
{
    if (state->has_months)
        return true;
    struct engine_params params = run_state_params(state);
    g_array_set_size(state->months, 0);
    if (!run_state_need(state, "new_ratings", error) ||
        !run_state_need(state, "new_reviews", error) ||
        !run_state_need(state, "new_events", error) ||
        !engine_select(state->engine, "sql/log/touched.sql", &params, gather_month, state->months,
                       error))
        return false;
    state->has_months = true;
    if (state->months->len == 0)
        return true;
    int64_t first = g_array_index(state->months, int64_t, 0);
    int64_t last = g_array_index(state->months, int64_t, state->months->len - 1);
    int64_t reach = LOOKBACKS * state->context->config->stream_velocity_lookback_ms;
    int64_t from = (first - reach) / state->context->config->stream_window_ms *
                   state->context->config->stream_window_ms;
    run_state_set_int(state, "input_from_ms", from - state->context->config->stream_window_ms);
    run_state_set_int(state, "input_to_ms", calendar_next(CALENDAR_MONTH, last));
    return true;
}

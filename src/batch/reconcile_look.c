#include "batch/reconcile_look.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"

#define LOOKBACKS_OF_RANKS 2 /* an acceleration reads two windows back */
#define SCORE_UNIT         1e9

void look_init(struct look *look,
               struct run_state *state,
               const struct reconcile_counts *counts,
               int64_t held_from_ms)
{
    *look = (struct look){
        .state = state,
        .counts = counts,
        .held_from_ms = held_from_ms,
        .findings = g_array_new(FALSE, TRUE, sizeof(struct finding)),
        .ranks = g_array_new(FALSE, TRUE, sizeof(struct trending_row)),
        .arena = arena_new(),
    };
}

void look_clear(struct look *look)
{
    g_array_unref(look->findings);
    g_array_unref(look->ranks);
    arena_free(look->arena);
}

/* A previous window lies at most lookback before this one's start, so in an hour that begins at
 * most so much and an hour earlier. */
bool look_comparable(const struct look *look,
                     const struct reconcile_counts *counts,
                     enum speed_table table,
                     int32_t movie_id,
                     int64_t hour_ms)
{
    int64_t lookback_ms = look->state->context->config->stream_velocity_lookback_ms;
    if (table == SPEED_TRENDING)
        return reconcile_counts_equal(counts, TOPIC_RATINGS, RECONCILE_ALL_PARTITIONS,
                                      hour_ms - LOOKBACKS_OF_RANKS * lookback_ms - MS_PER_HOUR,
                                      hour_ms) &&
               reconcile_counts_equal(counts, TOPIC_EVENTS, RECONCILE_ALL_PARTITIONS, hour_ms,
                                      hour_ms);
    enum topic topic = table == SPEED_STATS ? TOPIC_RATINGS : TOPIC_REVIEWS;
    int partition = reconcile_counts_partition(counts, movie_id);
    return reconcile_counts_equal(counts, topic, partition, hour_ms - lookback_ms - MS_PER_HOUR,
                                  hour_ms);
}

static int writer_of(const struct look *look, const struct finding *finding)
{
    return finding->table == SPEED_TRENDING
               ? reconcile_counts_ranker(look->counts)
               : reconcile_counts_partition(look->counts, finding->movie_id);
}

static void drifted(struct look *look, const struct finding *finding)
{
    struct finding kept = *finding;
    kept.writer = writer_of(look, finding);
    kept.sequence = reconcile_counts_written(look->counts, kept.writer);
    look->drifted[finding->cause]++;
    if (look->findings->len < DRIFT_LISTED_MAX)
        g_array_append_val(look->findings, kept);
}

static bool same_double(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (a <= 0 && a >= 0 && b <= 0 && b >= 0);
}

static bool same_optional(bool has_a, double a, bool has_b, double b)
{
    return has_a == has_b && (!has_a || same_double(a, b));
}

/* ---- rows of a movie: stats and sentiment, both sides by (movie, hour, window) ---- */

struct walk {
    struct look *look;
    enum speed_table table;
    GArray *speed; /* struct finding: the speed layer's rows */
    guint next;
};

static int compare_keys(const struct finding *a, const struct finding *b)
{
    if (a->movie_id != b->movie_id)
        return a->movie_id < b->movie_id ? -1 : 1;
    if (a->hour_ms != b->hour_ms)
        return a->hour_ms < b->hour_ms ? -1 : 1;
    return (a->window_start_ms > b->window_start_ms) - (a->window_start_ms < b->window_start_ms);
}

static bool same_stats(const struct stats_row *a, const struct stats_row *b)
{
    return a->popularity_e4 == b->popularity_e4 && a->vote_average_e4 == b->vote_average_e4 &&
           a->vote_count == b->vote_count && a->last_updated_ms == b->last_updated_ms &&
           same_optional(a->has_velocity, a->rating_velocity, b->has_velocity, b->rating_velocity);
}

static bool same_sentiment(const struct sentiment_row *a, const struct sentiment_row *b)
{
    return a->window_end_ms == b->window_end_ms && a->sentiment_sum_e4 == b->sentiment_sum_e4 &&
           a->review_count == b->review_count && a->positive_count == b->positive_count &&
           a->negative_count == b->negative_count && a->neutral_count == b->neutral_count &&
           same_double(a->avg_sentiment, b->avg_sentiment) &&
           same_optional(a->has_velocity, a->sentiment_velocity, b->has_velocity,
                         b->sentiment_velocity);
}

/* Its writer isn't just writing it. */
static bool is_settled(const struct walk *walk, const struct finding *speed)
{
    return reconcile_counts_settled(walk->look->counts, writer_of(walk->look, speed),
                                    walk->table == SPEED_STATS ? speed->row.stats.sequence
                                                               : speed->row.sentiment.sequence);
}

/* Speed rows below the key (NULL: all that are left) have no row in the lake. */
static void skip_speed_below(struct walk *walk, const struct finding *key)
{
    struct look *look = walk->look;
    for (; walk->next < walk->speed->len; walk->next++) {
        struct finding *speed = &g_array_index(walk->speed, struct finding, walk->next);
        if (key && compare_keys(speed, key) >= 0)
            return;
        if (speed->hour_ms < look->held_from_ms || !is_settled(walk, speed) ||
            !look_comparable(look, look->counts, walk->table, speed->movie_id, speed->hour_ms))
            continue;
        look->compared++;
        speed->cause = DRIFT_MISSING_BATCH;
        drifted(look, speed);
    }
}

static void take_batch(struct walk *walk, struct finding *batch)
{
    struct look *look = walk->look;
    skip_speed_below(walk, batch);
    const struct finding *speed = walk->next < walk->speed->len
                                      ? &g_array_index(walk->speed, struct finding, walk->next)
                                      : NULL;
    bool there = speed && compare_keys(speed, batch) == 0;
    if (there)
        walk->next++;
    if ((there && !is_settled(walk, speed)) ||
        !look_comparable(look, look->counts, walk->table, batch->movie_id, batch->hour_ms))
        return;
    look->compared++;
    bool stats = walk->table == SPEED_STATS;
    if (!there) {
        batch->cause = DRIFT_MISSING_SPEED;
        drifted(look, batch);
    } else if (stats ? !same_stats(&speed->row.stats, &batch->row.stats)
                     : !same_sentiment(&speed->row.sentiment, &batch->row.sentiment)) {
        batch->cause = DRIFT_VALUE;
        if (stats) /* outside the equality, and there it may be newer */
            batch->row.stats.title = speed->row.stats.title;
        drifted(look, batch);
    }
}

static struct finding of_stats(const struct stats_row *row)
{
    return (struct finding){.table = SPEED_STATS,
                            .movie_id = row->movie_id,
                            .hour_ms = row->hour_ms,
                            .window_start_ms = row->hour_ms,
                            .row.stats = *row};
}

static struct finding of_sentiment(const struct sentiment_row *row)
{
    return (struct finding){.table = SPEED_SENTIMENT,
                            .movie_id = row->movie_id,
                            .hour_ms = row->hour_ms,
                            .window_start_ms = row->window_start_ms,
                            .row.sentiment = *row};
}

/* Columns as in sql/reconcile/stats.sql. */
static bool take_stats(void *user,
                       const struct engine_column *columns,
                       const struct engine_value *values,
                       size_t count,
                       GError **error)
{
    (void)columns, (void)count, (void)error;
    struct walk *walk = user;
    struct finding batch = of_stats(&(struct stats_row){
        .movie_id = (int32_t)values[0].integer,
        .hour_ms = values[1].integer,
        .popularity_e4 = values[2].integer,
        .vote_average_e4 = values[3].integer,
        .vote_count = (int32_t)values[4].integer,
        .has_velocity = !values[5].is_null,
        .rating_velocity = values[5].number,
        .last_updated_ms = values[6].integer,
        .title = values[7].is_null ? NULL : values[7].text,
    });
    guint before = walk->look->findings->len;
    take_batch(walk, &batch);
    if (walk->look->findings->len > before) { /* values live during the call only */
        struct finding *kept =
            &g_array_index(walk->look->findings, struct finding, walk->look->findings->len - 1);
        if (kept->row.stats.title && kept->row.stats.title == values[7].text)
            kept->row.stats.title = arena_strdup(walk->look->arena, values[7].text);
    }
    return true;
}

/* Columns as in sql/reconcile/sentiment.sql. */
static bool take_sentiment(void *user,
                           const struct engine_column *columns,
                           const struct engine_value *values,
                           size_t count,
                           GError **error)
{
    (void)columns, (void)count, (void)error;
    struct finding batch = of_sentiment(&(struct sentiment_row){
        .movie_id = (int32_t)values[0].integer,
        .hour_ms = values[1].integer,
        .window_start_ms = values[2].integer,
        .window_end_ms = values[3].integer,
        .avg_sentiment = values[4].number,
        .sentiment_sum_e4 = values[5].integer,
        .review_count = (int32_t)values[6].integer,
        .positive_count = (int32_t)values[7].integer,
        .negative_count = (int32_t)values[8].integer,
        .neutral_count = (int32_t)values[9].integer,
        .has_velocity = !values[10].is_null,
        .sentiment_velocity = values[10].number,
    });
    take_batch(user, &batch);
    return true;
}

static bool read_speed(struct walk *walk, struct speed *speed, GError **error)
{
    struct arena *arena = walk->look->arena;
    size_t count;
    if (walk->table == SPEED_STATS) {
        struct stats_row *rows;
        if (!speed_scan_stats(speed, arena, &rows, &count, error))
            return false;
        for (size_t i = 0; i < count; i++) {
            struct finding item = of_stats(&rows[i]);
            g_array_append_val(walk->speed, item);
        }
        return true;
    }
    struct sentiment_row *rows;
    if (!speed_scan_sentiment(speed, arena, &rows, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct finding item = of_sentiment(&rows[i]);
        g_array_append_val(walk->speed, item);
    }
    return true;
}

static bool
walk_table(struct look *look, enum speed_table table, struct speed *speed, GError **error)
{
    bool stats = table == SPEED_STATS;
    struct engine_params params = run_state_params(look->state);
    struct walk walk = {
        .look = look, .table = table, .speed = g_array_new(FALSE, FALSE, sizeof(struct finding))};
    bool done = read_speed(&walk, speed, error) &&
                run_state_need(look->state, stats ? "silver_hours_stats" : "silver_hours_sentiment",
                               error) &&
                engine_select(look->state->engine,
                              stats ? "sql/reconcile/stats.sql" : "sql/reconcile/sentiment.sql",
                              &params, stats ? take_stats : take_sentiment, &walk, error);
    if (done)
        skip_speed_below(&walk, NULL);
    g_array_unref(walk.speed);
    return done;
}

/* ---- ranks: an hour as a whole ---- */

/* Columns as in sql/reconcile/trending.sql. */
static bool take_rank(void *user,
                      const struct engine_column *columns,
                      const struct engine_value *values,
                      size_t count,
                      GError **error)
{
    (void)columns, (void)count, (void)error;
    struct look *look = user;
    struct trending_row row = {
        .hour_ms = values[0].integer,
        .rank = (int32_t)values[1].integer,
        .window_end_ms = values[2].integer,
        .movie_id = (int32_t)values[3].integer,
        .trending_score = values[4].number,
        .velocity = values[5].number,
        .has_acceleration = !values[6].is_null,
        .acceleration = values[6].number,
        .title = values[7].is_null ? NULL : arena_strdup(look->arena, values[7].text),
    };
    g_array_append_val(look->ranks, row);
    return true;
}

static bool same_rank(const struct trending_row *a, const struct trending_row *b)
{
    return a->rank == b->rank && a->movie_id == b->movie_id &&
           a->window_end_ms == b->window_end_ms &&
           same_double(rint(a->trending_score * SCORE_UNIT),
                       rint(b->trending_score * SCORE_UNIT)) &&
           same_double(a->velocity, b->velocity) &&
           same_optional(a->has_acceleration, a->acceleration, b->has_acceleration,
                         b->acceleration);
}

/* Rows of the hour at the front of what is left. */
static size_t count_hour(const struct trending_row *rows, size_t count, int64_t hour_ms)
{
    size_t found = 0;
    while (found < count && rows[found].hour_ms == hour_ms)
        found++;
    return found;
}

static void compare_hour(struct look *look,
                         int64_t hour_ms,
                         const struct trending_row *batch,
                         size_t batch_count,
                         const struct trending_row *speed,
                         size_t speed_count)
{
    int ranker = reconcile_counts_ranker(look->counts);
    for (size_t i = 0; i < speed_count; i++) {
        if (!reconcile_counts_settled(look->counts, ranker, speed[i].sequence))
            return;
    }
    if (!look_comparable(look, look->counts, SPEED_TRENDING, 0, hour_ms))
        return;
    look->compared++;
    bool same = batch_count == speed_count;
    for (size_t i = 0; same && i < batch_count; i++)
        same = same_rank(&batch[i], &speed[i]);
    if (same)
        return;
    look->hours_drifted++;
    drifted(look, &(struct finding){
                      .table = SPEED_TRENDING,
                      .cause = batch_count == 0   ? DRIFT_MISSING_BATCH
                               : speed_count == 0 ? DRIFT_MISSING_SPEED
                                                  : DRIFT_VALUE,
                      .hour_ms = hour_ms,
                      .window_start_ms = hour_ms,
                  });
}

static bool walk_ranks(struct look *look, struct speed *speed, GError **error)
{
    struct engine_params params = run_state_params(look->state);
    struct trending_row *there;
    size_t there_count;
    if (!speed_read_trending(speed, look->held_from_ms, INT64_MAX, look->arena, &there,
                             &there_count, error) ||
        !run_state_need(look->state, "silver_hours_trending", error) ||
        !engine_select(look->state->engine, "sql/reconcile/trending.sql", &params, take_rank, look,
                       error))
        return false;
    const struct trending_row *here = (const struct trending_row *)(void *)look->ranks->data;
    size_t here_count = look->ranks->len;
    while (here_count || there_count) {
        int64_t hour_ms =
            MIN(here_count ? here->hour_ms : INT64_MAX, there_count ? there->hour_ms : INT64_MAX);
        size_t here_rows = count_hour(here, here_count, hour_ms);
        size_t there_rows = count_hour(there, there_count, hour_ms);
        compare_hour(look, hour_ms, here, here_rows, there, there_rows);
        here += here_rows, here_count -= here_rows;
        there += there_rows, there_count -= there_rows;
    }
    return true;
}

bool look_run(struct look *look, struct speed *speed, GError **error)
{
    return walk_table(look, SPEED_STATS, speed, error) &&
           walk_table(look, SPEED_SENTIMENT, speed, error) && walk_ranks(look, speed, error);
}

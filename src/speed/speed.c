#include "speed/speed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "speed/speed_backend.h"

static const struct speed_ops *const backends[] = {&speed_sqlite_ops, &speed_cassandra_ops};

static const char *const table_names[SPEED_TABLE_COUNT] = {
    [SPEED_SENTIMENT] = "review_sentiments", [SPEED_STATS] = "movie_stats",
    [SPEED_TRENDING] = "trending_movies",    [SPEED_LIVE] = "real_time_stats",
    [SPEED_HOUR_COUNTS] = "hour_counts",
};

const char *speed_table_name(enum speed_table table)
{
    assert((int)table >= 0 && table < SPEED_TABLE_COUNT);
    return table_names[table];
}

struct speed *speed_open(const struct context *context, GError **error)
{
    const char *name = context->config->speed_backend;
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i]->open(context, error);
    }
    error_set(error, CONFIG, "speed.backend: this build has no '%s', expected sqlite or cassandra",
              name);
    return NULL;
}

void speed_close(struct speed *speed)
{
    if (speed)
        speed->ops->close(speed);
}

/* An hour is held while hour + 1 h + retention > now: the first start for which that is true. */
static int64_t first_held_ms(const struct speed *speed)
{
    return clock_now_ms(speed->context->clock) - speed->context->config->speed_retention_ms -
           MS_PER_HOUR + 1;
}

static void count_rows(struct speed *speed, enum speed_table table, size_t rows)
{
    if (rows)
        metrics_add(speed->context->metrics, METRIC_SPEED_ROWS, table_names[table], rows);
}

bool speed_write(struct speed *speed, const struct speed_batch *batch, GError **error)
{
    assert(speed && batch);
    if (!speed->ops->write(speed, batch, first_held_ms(speed), error))
        return false;
    count_rows(speed, SPEED_SENTIMENT, batch->sentiment_count);
    count_rows(speed, SPEED_STATS, batch->stats_count);
    count_rows(speed, SPEED_TRENDING, batch->trending_count);
    count_rows(speed, SPEED_LIVE, batch->live_count);
    count_rows(speed, SPEED_HOUR_COUNTS, batch->hour_counts_count);
    return true;
}

bool speed_written(struct speed *speed, int32_t source, int64_t *ret_sequence, GError **error)
{
    return speed->ops->written(speed, source, ret_sequence, error);
}

bool speed_feed(struct speed *speed,
                int64_t after,
                size_t count_max,
                struct arena *arena,
                struct speed_change **ret_changes,
                size_t *ret_count,
                GError **error)
{
    assert(count_max > 0);
    return speed->ops->feed(speed, after, count_max, arena, ret_changes, ret_count, error);
}

bool speed_read_stats(struct speed *speed,
                      int32_t movie_id,
                      int64_t from_hour_ms,
                      int64_t to_hour_ms,
                      struct arena *arena,
                      struct stats_row **ret_rows,
                      size_t *ret_count,
                      GError **error)
{
    int64_t from_ms = MAX(from_hour_ms, first_held_ms(speed));
    return speed->ops->read_stats(speed, movie_id, from_ms, to_hour_ms, arena, ret_rows, ret_count,
                                  error);
}

bool speed_read_sentiment(struct speed *speed,
                          int32_t movie_id,
                          int64_t from_hour_ms,
                          int64_t to_hour_ms,
                          struct arena *arena,
                          struct sentiment_row **ret_rows,
                          size_t *ret_count,
                          GError **error)
{
    int64_t from_ms = MAX(from_hour_ms, first_held_ms(speed));
    return speed->ops->read_sentiment(speed, movie_id, from_ms, to_hour_ms, arena, ret_rows,
                                      ret_count, error);
}

/* ---- many keys ---- */

static int by_stats_key(const void *a, const void *b)
{
    const struct stats_row *x = a, *y = b;
    if (x->movie_id != y->movie_id)
        return x->movie_id < y->movie_id ? -1 : 1;
    return (x->hour_ms > y->hour_ms) - (x->hour_ms < y->hour_ms);
}

static int by_sentiment_key(const void *a, const void *b)
{
    const struct sentiment_row *x = a, *y = b;
    if (x->movie_id != y->movie_id)
        return x->movie_id < y->movie_id ? -1 : 1;
    return (x->window_start_ms > y->window_start_ms) - (x->window_start_ms < y->window_start_ms);
}

/* Appends one key's rows. */
static bool read_key(struct speed *speed,
                     const struct speed_change *change,
                     struct arena *arena,
                     GArray *rows,
                     GError **error)
{
    int64_t to_ms = change->hour_ms + MS_PER_HOUR;
    size_t count;
    if (change->table == SPEED_STATS) {
        struct stats_row *found;
        if (!speed_read_stats(speed, change->movie_id, change->hour_ms, to_ms, arena, &found,
                              &count, error))
            return false;
        if (count)
            g_array_append_vals(rows, found, (guint)count);
        return true;
    }
    struct sentiment_row *found;
    if (!speed_read_sentiment(speed, change->movie_id, change->hour_ms, to_ms, arena, &found,
                              &count, error))
        return false;
    if (count)
        g_array_append_vals(rows, found, (guint)count);
    return true;
}

static bool read_each(struct speed *speed,
                      enum speed_table table,
                      const struct speed_change *changes,
                      size_t change_count,
                      struct arena *arena,
                      size_t row_bytes,
                      void **ret_rows,
                      size_t *ret_count,
                      GError **error)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, (guint)row_bytes);
    for (size_t i = 0; i < change_count; i++) {
        if (changes[i].table == table && !read_key(speed, &changes[i], arena, rows, error))
            return false;
    }
    *ret_rows = arena_alloc(arena, (rows->len + 1) * row_bytes);
    if (rows->len)
        memcpy(*ret_rows, rows->data, rows->len * row_bytes);
    *ret_count = rows->len;
    return true;
}

static bool read_changed(struct speed *speed,
                         enum speed_table table,
                         const struct speed_change *changes,
                         size_t change_count,
                         struct arena *arena,
                         void **ret_rows,
                         size_t *ret_count,
                         GError **error)
{
    bool stats = table == SPEED_STATS;
    size_t row_bytes = stats ? sizeof(struct stats_row) : sizeof(struct sentiment_row);
    if (!(speed->ops->read_changed
              ? speed->ops->read_changed(speed, table, changes, change_count, first_held_ms(speed),
                                         arena, ret_rows, ret_count, error)
              : read_each(speed, table, changes, change_count, arena, row_bytes, ret_rows,
                          ret_count, error)))
        return false;
    if (*ret_count)
        qsort(*ret_rows, *ret_count, row_bytes, stats ? by_stats_key : by_sentiment_key);
    return true;
}

bool speed_read_changed_stats(struct speed *speed,
                              const struct speed_change *changes,
                              size_t change_count,
                              struct arena *arena,
                              struct stats_row **ret_rows,
                              size_t *ret_count,
                              GError **error)
{
    void *rows;
    if (!read_changed(speed, SPEED_STATS, changes, change_count, arena, &rows, ret_count, error))
        return false;
    *ret_rows = rows;
    return true;
}

bool speed_read_changed_sentiment(struct speed *speed,
                                  const struct speed_change *changes,
                                  size_t change_count,
                                  struct arena *arena,
                                  struct sentiment_row **ret_rows,
                                  size_t *ret_count,
                                  GError **error)
{
    void *rows;
    if (!read_changed(speed, SPEED_SENTIMENT, changes, change_count, arena, &rows, ret_count,
                      error))
        return false;
    *ret_rows = rows;
    return true;
}

bool speed_scan_stats(struct speed *speed,
                      struct arena *arena,
                      struct stats_row **ret_rows,
                      size_t *ret_count,
                      GError **error)
{
    return speed->ops->read_stats(speed, SPEED_ALL_MOVIES, first_held_ms(speed), INT64_MAX, arena,
                                  ret_rows, ret_count, error);
}

bool speed_scan_sentiment(struct speed *speed,
                          struct arena *arena,
                          struct sentiment_row **ret_rows,
                          size_t *ret_count,
                          GError **error)
{
    return speed->ops->read_sentiment(speed, SPEED_ALL_MOVIES, first_held_ms(speed), INT64_MAX,
                                      arena, ret_rows, ret_count, error);
}

bool speed_read_trending(struct speed *speed,
                         int64_t from_hour_ms,
                         int64_t to_hour_ms,
                         struct arena *arena,
                         struct trending_row **ret_rows,
                         size_t *ret_count,
                         GError **error)
{
    int64_t from_ms = MAX(from_hour_ms, first_held_ms(speed));
    return speed->ops->read_trending(speed, from_ms, to_hour_ms, arena, ret_rows, ret_count, error);
}

bool speed_read_live(struct speed *speed,
                     const char *metric,
                     int64_t from_hour_ms,
                     int64_t to_hour_ms,
                     struct arena *arena,
                     struct live_row **ret_rows,
                     size_t *ret_count,
                     GError **error)
{
    int64_t from_ms = MAX(from_hour_ms, first_held_ms(speed));
    return speed->ops->read_live(speed, metric, from_ms, to_hour_ms, arena, ret_rows, ret_count,
                                 error);
}

bool speed_read_hour_counts(struct speed *speed,
                            int64_t from_hour_ms,
                            int64_t to_hour_ms,
                            struct arena *arena,
                            struct hour_count_row **ret_rows,
                            size_t *ret_count,
                            GError **error)
{
    int64_t from_ms = MAX(from_hour_ms, first_held_ms(speed));
    return speed->ops->read_hour_counts(speed, from_ms, to_hour_ms, arena, ret_rows, ret_count,
                                        error);
}

bool speed_expire(
    struct speed *speed, int64_t feed_done, size_t rows_max, int64_t *ret_rows, GError **error)
{
    assert(rows_max > 0);
    int64_t left = (int64_t)rows_max, went;
    for (enum speed_table table = 0; table < SPEED_TABLE_COUNT && left > 0; table++) {
        if (!speed->ops->expire(speed, table, first_held_ms(speed), (size_t)left, &went, error))
            return false;
        if (went)
            metrics_add(speed->context->metrics, METRIC_SPEED_EXPIRED_ROWS, table_names[table],
                        (uint64_t)went);
        left -= went;
    }
    if (left > 0) {
        if (!speed->ops->expire_feed(speed, feed_done, (size_t)left, &went, error))
            return false;
        left -= went;
    }
    *ret_rows = (int64_t)rows_max - left;
    return true;
}

bool speed_inspect(struct speed *speed, struct findings *findings, GError **error)
{
    return !speed->ops->inspect || speed->ops->inspect(speed, findings, error);
}

/* For backends of speed.h: the ops table. speed_sqlite.c is the one to copy. */
#pragma once

#include "speed/speed.h"

struct speed_ops;

/* First member of every backend's struct. */
struct speed {
    const struct speed_ops *ops;
    const struct context *context;
};

/* Each function as its namesake in speed.h, which has narrowed the hours to those that are held,
 * left out expired rows' reads and counts the metrics. All are called from the owner thread, may
 * block on storage and may be repeated after an error. Rows go into the arena. */
struct speed_ops {
    const char *name; /* as in speed.backend */
    struct speed *(*open)(const struct context *context, GError **error);
    void (*close)(struct speed *speed);
    /* Rows of hours before first_held_ms are skipped. */
    bool (*write)(struct speed *speed,
                  const struct speed_batch *batch,
                  int64_t first_held_ms,
                  GError **error);
    bool (*written)(struct speed *speed, int32_t source, int64_t *ret_sequence, GError **error);
    bool (*feed)(struct speed *speed,
                 int64_t after,
                 size_t count_max,
                 struct arena *arena,
                 struct speed_change **ret_changes,
                 size_t *ret_count,
                 GError **error);
    /* movie_id SPEED_ALL_MOVIES: rows of all, by (movie_id, hour). */
    bool (*read_stats)(struct speed *speed,
                       int64_t movie_id,
                       int64_t from_hour_ms,
                       int64_t to_hour_ms,
                       struct arena *arena,
                       struct stats_row **ret_rows,
                       size_t *ret_count,
                       GError **error);
    bool (*read_sentiment)(struct speed *speed,
                           int64_t movie_id,
                           int64_t from_hour_ms,
                           int64_t to_hour_ms,
                           struct arena *arena,
                           struct sentiment_row **ret_rows,
                           size_t *ret_count,
                           GError **error);
    /* Rows of these keys of SPEED_STATS or SPEED_SENTIMENT from first_held_ms on, in any order.
     * ret_rows is of the table's row struct. NULL: speed.c asks for one key after the other. */
    bool (*read_changed)(struct speed *speed,
                         enum speed_table table,
                         const struct speed_change *changes,
                         size_t change_count,
                         int64_t first_held_ms,
                         struct arena *arena,
                         void **ret_rows,
                         size_t *ret_count,
                         GError **error);
    bool (*read_trending)(struct speed *speed,
                          int64_t from_hour_ms,
                          int64_t to_hour_ms,
                          struct arena *arena,
                          struct trending_row **ret_rows,
                          size_t *ret_count,
                          GError **error);
    bool (*read_live)(struct speed *speed,
                      const char *metric,
                      int64_t from_hour_ms,
                      int64_t to_hour_ms,
                      struct arena *arena,
                      struct live_row **ret_rows,
                      size_t *ret_count,
                      GError **error);
    bool (*read_hour_counts)(struct speed *speed,
                             int64_t from_hour_ms,
                             int64_t to_hour_ms,
                             struct arena *arena,
                             struct hour_count_row **ret_rows,
                             size_t *ret_count,
                             GError **error);
    /* Removes at most rows_max rows of a table whose hour is before first_held_ms. */
    bool (*expire)(struct speed *speed,
                   enum speed_table table,
                   int64_t first_held_ms,
                   size_t rows_max,
                   int64_t *ret_rows,
                   GError **error);
    bool (*expire_feed)(
        struct speed *speed, int64_t feed_done, size_t rows_max, int64_t *ret_rows, GError **error);
    /* What a look at the backend itself finds; NULL: there is nothing to say. */
    bool (*inspect)(struct speed *speed, struct findings *findings, GError **error);
};

#define SPEED_ALL_MOVIES INT64_MAX

extern const struct speed_ops speed_sqlite_ops, speed_cassandra_ops;

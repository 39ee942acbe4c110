/* What speed_sqlite.c (open, write, expire) and speed_sqlite_read.c share. Nobody else includes it.
 */
#pragma once

#include <sqlite3.h>

#include "base/sql_file.h"
#include "speed/speed_backend.h"

/* Statements of contracts/speed.sql. */
enum speed_statement {
    PUT_STATS,
    DROP_STATS,
    PUT_SENTIMENT,
    DROP_SENTIMENT,
    DROP_TRENDING,
    PUT_TRENDING,
    PUT_LIVE,
    PUT_HOUR_COUNT,
    PUT_FEED,
    READ_SEQUENCE,
    PUT_SEQUENCE,
    READ_FEED,
    PUT_SOURCE,
    READ_SOURCE,
    READ_STATS,
    SCAN_STATS,
    READ_SENTIMENT,
    SCAN_SENTIMENT,
    READ_TRENDING,
    READ_LIVE,
    READ_HOUR_COUNTS,
    EXPIRE_SENTIMENT, /* the next five in the order of enum speed_table */
    EXPIRE_STATS,
    EXPIRE_TRENDING,
    EXPIRE_LIVE,
    EXPIRE_HOUR_COUNTS,
    EXPIRE_FEED,
    SPEED_STATEMENT_COUNT,
};

struct speed_sqlite {
    struct speed base;
    sqlite3 *db;
    bool owns_db;
    bool has_sources; /* the table of sources is certainly there */
    struct sql_file *sql;
    sqlite3_stmt *statements[SPEED_STATEMENT_COUNT]; /* prepared at first use */
};

struct speed_sqlite *speed_sqlite_self(struct speed *speed);
/* The statement, prepared at first use. */
sqlite3_stmt *
speed_sqlite_use(struct speed_sqlite *store, enum speed_statement which, GError **error) MUST_CHECK;

/* The reading half of the ops table. */
bool speed_sqlite_feed(struct speed *speed,
                       int64_t after,
                       size_t count_max,
                       struct arena *arena,
                       struct speed_change **ret_changes,
                       size_t *ret_count,
                       GError **error);
bool speed_sqlite_read_stats(struct speed *speed,
                             int64_t movie_id,
                             int64_t from_hour_ms,
                             int64_t to_hour_ms,
                             struct arena *arena,
                             struct stats_row **ret_rows,
                             size_t *ret_count,
                             GError **error);
bool speed_sqlite_read_sentiment(struct speed *speed,
                                 int64_t movie_id,
                                 int64_t from_hour_ms,
                                 int64_t to_hour_ms,
                                 struct arena *arena,
                                 struct sentiment_row **ret_rows,
                                 size_t *ret_count,
                                 GError **error);
bool speed_sqlite_read_trending(struct speed *speed,
                                int64_t from_hour_ms,
                                int64_t to_hour_ms,
                                struct arena *arena,
                                struct trending_row **ret_rows,
                                size_t *ret_count,
                                GError **error);
bool speed_sqlite_read_live(struct speed *speed,
                            const char *metric,
                            int64_t from_hour_ms,
                            int64_t to_hour_ms,
                            struct arena *arena,
                            struct live_row **ret_rows,
                            size_t *ret_count,
                            GError **error);
bool speed_sqlite_read_hour_counts(struct speed *speed,
                                   int64_t from_hour_ms,
                                   int64_t to_hour_ms,
                                   struct arena *arena,
                                   struct hour_count_row **ret_rows,
                                   size_t *ret_count,
                                   GError **error);

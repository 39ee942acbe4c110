/* The embedded speed store, reading: rows of contracts/speed.sql as structs in the caller's arena.
 */
#include <string.h>

#include "model/db.h"
#include "model/record.h"
#include "speed/speed_sqlite_store.h"

#define ROWS_FIRST 64

/* A growing array in an arena. */
#define APPEND(arena, rows, count, capacity, value)                                                \
    do {                                                                                           \
        if ((count) == (capacity)) {                                                               \
            size_t larger_ = (capacity) ? 2 * (capacity) : ROWS_FIRST;                             \
            void *rows_ = arena_alloc((arena), larger_ * sizeof *(rows));                          \
            if (count)                                                                             \
                memcpy(rows_, (rows), (count) * sizeof *(rows));                                   \
            (rows) = rows_;                                                                        \
            (capacity) = larger_;                                                                  \
        }                                                                                          \
        (rows)[(count)++] = (value);                                                               \
    } while (0)

static const char *column_text(sqlite3_stmt *statement, int column, struct arena *arena)
{
    if (sqlite3_column_type(statement, column) == SQLITE_NULL)
        return NULL;
    struct span text = db_column_span(statement, column);
    return arena_strndup(arena, text.data, text.len);
}

static bool has_value(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) != SQLITE_NULL;
}

bool speed_sqlite_feed(struct speed *speed,
                       int64_t after,
                       size_t count_max,
                       struct arena *arena,
                       struct speed_change **ret_changes,
                       size_t *ret_count,
                       GError **error)
{
    sqlite3_stmt *read = speed_sqlite_use(speed_sqlite_self(speed), READ_FEED, error);
    if (!read)
        return false;
    db_bind_int(read, 1, after);
    db_bind_int(read, 2, (int64_t)count_max);
    struct speed_change *changes = NULL;
    size_t count = 0, capacity = 0;
    for (bool row;;) {
        if (!db_step(read, &row, error))
            return false;
        if (!row)
            break;
        struct speed_change change = {
            .sequence = sqlite3_column_int64(read, 0),
            .table = (enum speed_table)sqlite3_column_int(read, 1),
            .hour_ms = sqlite3_column_int64(read, 2),
            .movie_id = sqlite3_column_int(read, 3),
        };
        APPEND(arena, changes, count, capacity, change);
    }
    *ret_changes = changes;
    *ret_count = count;
    return true;
}

/* The statement for one movie's rows or for all, bound. */
static sqlite3_stmt *use_for_movie(struct speed_sqlite *store,
                                   enum speed_statement one,
                                   enum speed_statement all,
                                   int64_t movie_id,
                                   int64_t from_hour_ms,
                                   int64_t to_hour_ms,
                                   GError **error)
{
    bool every = movie_id == SPEED_ALL_MOVIES;
    sqlite3_stmt *read = speed_sqlite_use(store, every ? all : one, error);
    if (!read)
        return NULL;
    if (every) {
        db_bind_int(read, 1, from_hour_ms);
        return read;
    }
    db_bind_int(read, 1, movie_id);
    db_bind_int(read, 2, from_hour_ms);
    db_bind_int(read, 3, to_hour_ms);
    return read;
}

bool speed_sqlite_read_stats(struct speed *speed,
                             int64_t movie_id,
                             int64_t from_hour_ms,
                             int64_t to_hour_ms,
                             struct arena *arena,
                             struct stats_row **ret_rows,
                             size_t *ret_count,
                             GError **error)
{
    sqlite3_stmt *read = use_for_movie(speed_sqlite_self(speed), READ_STATS, SCAN_STATS, movie_id,
                                       from_hour_ms, to_hour_ms, error);
    if (!read)
        return false;
    struct stats_row *rows = NULL;
    size_t count = 0, capacity = 0;
    for (bool more;;) {
        if (!db_step(read, &more, error))
            return false;
        if (!more)
            break;
        struct stats_row row = {
            .hour_ms = sqlite3_column_int64(read, 0),
            .movie_id = sqlite3_column_int(read, 1),
            .title = column_text(read, 2, arena),
            .vote_average_e4 = e4_from_double(sqlite3_column_double(read, 3)),
            .vote_count = sqlite3_column_int(read, 4),
            .popularity_e4 = e4_from_double(sqlite3_column_double(read, 5)),
            .has_velocity = has_value(read, 6),
            .rating_velocity = sqlite3_column_double(read, 6),
            .last_updated_ms = sqlite3_column_int64(read, 7),
        };
        APPEND(arena, rows, count, capacity, row);
    }
    *ret_rows = rows;
    *ret_count = count;
    return true;
}

bool speed_sqlite_read_sentiment(struct speed *speed,
                                 int64_t movie_id,
                                 int64_t from_hour_ms,
                                 int64_t to_hour_ms,
                                 struct arena *arena,
                                 struct sentiment_row **ret_rows,
                                 size_t *ret_count,
                                 GError **error)
{
    sqlite3_stmt *read = use_for_movie(speed_sqlite_self(speed), READ_SENTIMENT, SCAN_SENTIMENT,
                                       movie_id, from_hour_ms, to_hour_ms, error);
    if (!read)
        return false;
    struct sentiment_row *rows = NULL;
    size_t count = 0, capacity = 0;
    for (bool more;;) {
        if (!db_step(read, &more, error))
            return false;
        if (!more)
            break;
        struct sentiment_row row = {
            .hour_ms = sqlite3_column_int64(read, 0),
            .movie_id = sqlite3_column_int(read, 1),
            .window_start_ms = sqlite3_column_int64(read, 2),
            .window_end_ms = sqlite3_column_int64(read, 3),
            .avg_sentiment = sqlite3_column_double(read, 4),
            .sentiment_sum_e4 = sqlite3_column_int64(read, 5),
            .review_count = sqlite3_column_int(read, 6),
            .positive_count = sqlite3_column_int(read, 7),
            .negative_count = sqlite3_column_int(read, 8),
            .neutral_count = sqlite3_column_int(read, 9),
            .has_velocity = has_value(read, 10),
            .sentiment_velocity = sqlite3_column_double(read, 10),
        };
        APPEND(arena, rows, count, capacity, row);
    }
    *ret_rows = rows;
    *ret_count = count;
    return true;
}

bool speed_sqlite_read_trending(struct speed *speed,
                                int64_t from_hour_ms,
                                int64_t to_hour_ms,
                                struct arena *arena,
                                struct trending_row **ret_rows,
                                size_t *ret_count,
                                GError **error)
{
    sqlite3_stmt *read = speed_sqlite_use(speed_sqlite_self(speed), READ_TRENDING, error);
    if (!read)
        return false;
    db_bind_int(read, 1, from_hour_ms);
    db_bind_int(read, 2, to_hour_ms);
    struct trending_row *rows = NULL;
    size_t count = 0, capacity = 0;
    for (bool more;;) {
        if (!db_step(read, &more, error))
            return false;
        if (!more)
            break;
        struct trending_row row = {
            .hour_ms = sqlite3_column_int64(read, 0),
            .rank = sqlite3_column_int(read, 1),
            .window_end_ms = sqlite3_column_int64(read, 2),
            .movie_id = sqlite3_column_int(read, 3),
            .title = column_text(read, 4, arena),
            .trending_score = sqlite3_column_double(read, 5),
            .velocity = sqlite3_column_double(read, 6),
            .has_acceleration = has_value(read, 7),
            .acceleration = sqlite3_column_double(read, 7),
        };
        APPEND(arena, rows, count, capacity, row);
    }
    *ret_rows = rows;
    *ret_count = count;
    return true;
}

bool speed_sqlite_read_live(struct speed *speed,
                            const char *metric,
                            int64_t from_hour_ms,
                            int64_t to_hour_ms,
                            struct arena *arena,
                            struct live_row **ret_rows,
                            size_t *ret_count,
                            GError **error)
{
    sqlite3_stmt *read = speed_sqlite_use(speed_sqlite_self(speed), READ_LIVE, error);
    if (!read)
        return false;
    db_bind_text(read, 1, metric);
    db_bind_int(read, 2, from_hour_ms);
    db_bind_int(read, 3, to_hour_ms);
    struct live_row *rows = NULL;
    size_t count = 0, capacity = 0;
    for (bool more;;) {
        if (!db_step(read, &more, error))
            return false;
        if (!more)
            break;
        struct live_row row = {
            .hour_ms = sqlite3_column_int64(read, 0),
            .metric = column_text(read, 1, arena),
            .window_start_ms = sqlite3_column_int64(read, 2),
            .value = sqlite3_column_double(read, 3),
        };
        APPEND(arena, rows, count, capacity, row);
    }
    *ret_rows = rows;
    *ret_count = count;
    return true;
}

bool speed_sqlite_read_hour_counts(struct speed *speed,
                                   int64_t from_hour_ms,
                                   int64_t to_hour_ms,
                                   struct arena *arena,
                                   struct hour_count_row **ret_rows,
                                   size_t *ret_count,
                                   GError **error)
{
    sqlite3_stmt *read = speed_sqlite_use(speed_sqlite_self(speed), READ_HOUR_COUNTS, error);
    if (!read)
        return false;
    db_bind_int(read, 1, from_hour_ms);
    db_bind_int(read, 2, to_hour_ms);
    struct hour_count_row *rows = NULL;
    size_t count = 0, capacity = 0;
    for (bool more;;) {
        if (!db_step(read, &more, error))
            return false;
        if (!more)
            break;
        struct hour_count_row row = {
            .hour_ms = sqlite3_column_int64(read, 0),
            .topic = column_text(read, 1, arena),
            .partition = sqlite3_column_int(read, 2),
            .used_records = sqlite3_column_int64(read, 3),
        };
        APPEND(arena, rows, count, capacity, row);
    }
    *ret_rows = rows;
    *ret_count = count;
    return true;
}

/* The embedded speed store: contracts/speed.sql in the stream engine's file.
 *
 * A write sorts its rows by (hour, movie), so that neighbouring keys fall on the same pages, then
 * upserts them and notes each changed key in the feed under the next sequence. Sequences are taken
 * within the same write transaction, so readers that have seen n never miss one below it. */
#include "speed/speed_sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "model/db.h"
#include "model/record.h"
#include "speed/speed_sqlite_store.h"

#define SPEED_LAYOUT 1
#define ROWS_FIRST   64
/* What the schema begins with: none was taken yet. */
#define SEQUENCE_NONE INT64_C(1)
#define US_PER_MS     1000

static const char *const statement_names[SPEED_STATEMENT_COUNT] = {
    [PUT_STATS] = "put_stats",
    [DROP_STATS] = "drop_stats",
    [PUT_SENTIMENT] = "put_sentiment",
    [DROP_SENTIMENT] = "drop_sentiment",
    [DROP_TRENDING] = "drop_trending",
    [PUT_TRENDING] = "put_trending",
    [PUT_LIVE] = "put_live",
    [PUT_HOUR_COUNT] = "put_hour_count",
    [PUT_FEED] = "put_feed",
    [READ_SEQUENCE] = "read_sequence",
    [PUT_SEQUENCE] = "put_sequence",
    [READ_FEED] = "read_feed",
    [PUT_SOURCE] = "put_source",
    [READ_SOURCE] = "read_source",
    [READ_STATS] = "read_stats",
    [SCAN_STATS] = "scan_stats",
    [READ_SENTIMENT] = "read_sentiment",
    [SCAN_SENTIMENT] = "scan_sentiment",
    [READ_TRENDING] = "read_trending",
    [READ_LIVE] = "read_live",
    [READ_HOUR_COUNTS] = "read_hour_counts",
    [EXPIRE_SENTIMENT] = "expire_sentiment",
    [EXPIRE_STATS] = "expire_stats",
    [EXPIRE_TRENDING] = "expire_trending",
    [EXPIRE_LIVE] = "expire_live",
    [EXPIRE_HOUR_COUNTS] = "expire_hour_counts",
    [EXPIRE_FEED] = "expire_feed",
};

struct speed_sqlite *speed_sqlite_self(struct speed *speed)
{
    assert(speed->ops == &speed_sqlite_ops);
    return (struct speed_sqlite *)speed;
}

sqlite3_stmt *
speed_sqlite_use(struct speed_sqlite *store, enum speed_statement which, GError **error)
{
    if (!store->statements[which])
        store->statements[which] =
            db_prepare(store->db, sql_file_get(store->sql, statement_names[which]), error);
    return store->statements[which];
}

static void store_close(struct speed *speed)
{
    struct speed_sqlite *store = speed_sqlite_self(speed);
    for (size_t i = 0; i < SPEED_STATEMENT_COUNT; i++)
        sqlite3_finalize(store->statements[i]);
    if (store->owns_db)
        db_close(store->db);
    sql_file_free(store->sql);
    g_free(store);
}

static struct speed *
store_new(const struct context *context, sqlite3 *db, bool owns_db, GError **error)
{
    struct speed_sqlite *store = g_new0(struct speed_sqlite, 1);
    store->base = (struct speed){.ops = &speed_sqlite_ops, .context = context};
    store->db = db;
    store->owns_db = owns_db;
    store->sql = sql_file_load("contracts/speed.sql");
    if (!db_schema(db, sql_file_get(store->sql, "schema"), SPEED_LAYOUT, error)) {
        store_close(&store->base);
        return NULL;
    }
    return &store->base;
}

struct speed *speed_sqlite_attach(const struct context *context, sqlite3 *db, GError **error)
{
    return store_new(context, db, false, error);
}

static struct speed *store_open(const struct context *context, GError **error)
{
    g_autofree char *path = config_path(context->config, SPEED_SQLITE_FILE);
    sqlite3 *db = db_open(path, &(struct db_options){.sync = DB_SYNC_NORMAL}, error);
    return db ? store_new(context, db, true, error) : NULL;
}

/* ---- writing ---- */

/* What one write carries along. */
struct writing {
    struct speed_sqlite *store;
    int64_t first_held_ms, sequence;
    int64_t last_hour_ms; /* of the key last noted in the feed: rows are sorted, a key's rows follow
                             one another */
    int32_t last_movie_id;
    enum speed_table last_table;
};

static bool note(struct writing *writing,
                 enum speed_table table,
                 int64_t hour_ms,
                 int32_t movie_id,
                 GError **error)
{
    if (writing->last_table == table && writing->last_hour_ms == hour_ms &&
        writing->last_movie_id == movie_id)
        return true;
    sqlite3_stmt *put = speed_sqlite_use(writing->store, PUT_FEED, error);
    if (!put)
        return false;
    db_bind_int(put, 1, writing->sequence);
    db_bind_int(put, 2, table);
    db_bind_int(put, 3, hour_ms);
    db_bind_int(put, 4, movie_id);
    if (!db_run(put, error))
        return false;
    writing->sequence++;
    writing->last_table = table;
    writing->last_hour_ms = hour_ms;
    writing->last_movie_id = movie_id;
    return true;
}

static void bind_optional(sqlite3_stmt *statement, int index, bool has, double value)
{
    if (has)
        db_bind_double(statement, index, value);
    else
        db_bind_null(statement, index);
}

static int by_hour_movie(int64_t hour_a, int32_t movie_a, int64_t hour_b, int32_t movie_b)
{
    if (hour_a != hour_b)
        return hour_a < hour_b ? -1 : 1;
    return (movie_a > movie_b) - (movie_a < movie_b);
}

static int compare_stats(const void *a, const void *b)
{
    const struct stats_row *x = *(struct stats_row *const *)a, *y = *(struct stats_row *const *)b;
    return by_hour_movie(x->hour_ms, x->movie_id, y->hour_ms, y->movie_id);
}

static bool put_stats(struct writing *writing, const struct stats_row *row, GError **error)
{
    sqlite3_stmt *put = speed_sqlite_use(writing->store, PUT_STATS, error);
    if (!put)
        return false;
    db_bind_int(put, 1, row->hour_ms);
    db_bind_int(put, 2, row->movie_id);
    db_bind_text(put, 3, row->title);
    db_bind_double(put, 4, (double)row->vote_average_e4 / 10000.0);
    db_bind_int(put, 5, row->vote_count);
    db_bind_double(put, 6, (double)row->popularity_e4 / 10000.0);
    bind_optional(put, 7, row->has_velocity, row->rating_velocity);
    db_bind_int(put, 8, row->last_updated_ms);
    return db_run(put, error) && note(writing, SPEED_STATS, row->hour_ms, row->movie_id, error);
}

static bool drop_stats(struct writing *writing, const struct stats_row *row, GError **error)
{
    sqlite3_stmt *drop = speed_sqlite_use(writing->store, DROP_STATS, error);
    if (!drop)
        return false;
    db_bind_int(drop, 1, row->hour_ms);
    db_bind_int(drop, 2, row->movie_id);
    return db_run(drop, error) && note(writing, SPEED_STATS, row->hour_ms, row->movie_id, error);
}

static bool write_stats(struct writing *writing, const struct speed_batch *batch, GError **error)
{
    g_autofree struct stats_row **rows = g_new(struct stats_row *, batch->stats_count + 1);
    for (size_t i = 0; i < batch->stats_count; i++)
        rows[i] = &batch->stats[i];
    qsort(rows, batch->stats_count, sizeof *rows, compare_stats);
    for (size_t i = 0; i < batch->stats_count; i++) {
        if (rows[i]->hour_ms >= writing->first_held_ms && !put_stats(writing, rows[i], error))
            return false;
    }
    for (size_t i = 0; i < batch->stats_gone_count; i++) {
        if (!drop_stats(writing, &batch->stats_gone[i], error))
            return false;
    }
    return true;
}

static int compare_sentiment(const void *a, const void *b)
{
    const struct sentiment_row *x = *(struct sentiment_row *const *)a,
                               *y = *(struct sentiment_row *const *)b;
    int order = by_hour_movie(x->hour_ms, x->movie_id, y->hour_ms, y->movie_id);
    return order ? order
                 : (x->window_start_ms > y->window_start_ms) -
                       (x->window_start_ms < y->window_start_ms);
}

static bool put_sentiment(struct writing *writing, const struct sentiment_row *row, GError **error)
{
    sqlite3_stmt *put = speed_sqlite_use(writing->store, PUT_SENTIMENT, error);
    if (!put)
        return false;
    db_bind_int(put, 1, row->hour_ms);
    db_bind_int(put, 2, row->movie_id);
    db_bind_int(put, 3, row->window_start_ms);
    db_bind_int(put, 4, row->window_end_ms);
    db_bind_double(put, 5, row->avg_sentiment);
    db_bind_int(put, 6, row->sentiment_sum_e4);
    db_bind_int(put, 7, row->review_count);
    db_bind_int(put, 8, row->positive_count);
    db_bind_int(put, 9, row->negative_count);
    db_bind_int(put, 10, row->neutral_count);
    bind_optional(put, 11, row->has_velocity, row->sentiment_velocity);
    return db_run(put, error) && note(writing, SPEED_SENTIMENT, row->hour_ms, row->movie_id, error);
}

static bool drop_sentiment(struct writing *writing, const struct sentiment_row *row, GError **error)
{
    sqlite3_stmt *drop = speed_sqlite_use(writing->store, DROP_SENTIMENT, error);
    if (!drop)
        return false;
    db_bind_int(drop, 1, row->hour_ms);
    db_bind_int(drop, 2, row->movie_id);
    db_bind_int(drop, 3, row->window_start_ms);
    return db_run(drop, error) &&
           note(writing, SPEED_SENTIMENT, row->hour_ms, row->movie_id, error);
}

static bool
write_sentiment(struct writing *writing, const struct speed_batch *batch, GError **error)
{
    g_autofree struct sentiment_row **rows =
        g_new(struct sentiment_row *, batch->sentiment_count + 1);
    for (size_t i = 0; i < batch->sentiment_count; i++)
        rows[i] = &batch->sentiment[i];
    qsort(rows, batch->sentiment_count, sizeof *rows, compare_sentiment);
    for (size_t i = 0; i < batch->sentiment_count; i++) {
        if (rows[i]->hour_ms >= writing->first_held_ms && !put_sentiment(writing, rows[i], error))
            return false;
    }
    for (size_t i = 0; i < batch->sentiment_gone_count; i++) {
        if (!drop_sentiment(writing, &batch->sentiment_gone[i], error))
            return false;
    }
    return true;
}

static bool drop_trending(struct writing *writing, int64_t hour_ms, GError **error)
{
    sqlite3_stmt *drop = speed_sqlite_use(writing->store, DROP_TRENDING, error);
    if (!drop)
        return false;
    db_bind_int(drop, 1, hour_ms);
    return db_run(drop, error) && note(writing, SPEED_TRENDING, hour_ms, 0, error);
}

static bool put_trending(struct writing *writing, const struct trending_row *row, GError **error)
{
    sqlite3_stmt *put = speed_sqlite_use(writing->store, PUT_TRENDING, error);
    if (!put)
        return false;
    db_bind_int(put, 1, row->hour_ms);
    db_bind_int(put, 2, row->rank);
    db_bind_int(put, 3, row->window_end_ms);
    db_bind_int(put, 4, row->movie_id);
    db_bind_text(put, 5, row->title);
    db_bind_double(put, 6, row->trending_score);
    db_bind_double(put, 7, row->velocity);
    bind_optional(put, 8, row->has_acceleration, row->acceleration);
    return db_run(put, error);
}

/* All old ranks go first: the hours' rows may stand in any order. */
static bool write_trending(struct writing *writing, const struct speed_batch *batch, GError **error)
{
    for (size_t i = 0; i < batch->trending_gone_count; i++) {
        if (!drop_trending(writing, batch->trending_gone[i], error))
            return false;
    }
    for (size_t i = 0; i < batch->trending_count; i++) {
        if (!drop_trending(writing, batch->trending[i].hour_ms, error))
            return false;
    }
    for (size_t i = 0; i < batch->trending_count; i++) {
        if (batch->trending[i].hour_ms >= writing->first_held_ms &&
            !put_trending(writing, &batch->trending[i], error))
            return false;
    }
    return true;
}

static bool put_live(struct writing *writing, const struct live_row *row, GError **error)
{
    sqlite3_stmt *put = speed_sqlite_use(writing->store, PUT_LIVE, error);
    if (!put)
        return false;
    db_bind_int(put, 1, row->hour_ms);
    db_bind_text(put, 2, row->metric);
    db_bind_int(put, 3, row->window_start_ms);
    db_bind_double(put, 4, row->value);
    return db_run(put, error) && note(writing, SPEED_LIVE, row->hour_ms, 0, error);
}

static bool
put_hour_count(struct writing *writing, const struct hour_count_row *row, GError **error)
{
    sqlite3_stmt *put = speed_sqlite_use(writing->store, PUT_HOUR_COUNT, error);
    if (!put)
        return false;
    db_bind_int(put, 1, row->hour_ms);
    db_bind_text(put, 2, row->topic);
    db_bind_int(put, 3, row->partition);
    db_bind_int(put, 4, row->used_records);
    return db_run(put, error) && note(writing, SPEED_HOUR_COUNTS, row->hour_ms, 0, error);
}

static bool write_rest(struct writing *writing, const struct speed_batch *batch, GError **error)
{
    for (size_t i = 0; i < batch->live_count; i++) {
        if (batch->live[i].hour_ms >= writing->first_held_ms &&
            !put_live(writing, &batch->live[i], error))
            return false;
    }
    for (size_t i = 0; i < batch->hour_counts_count; i++) {
        if (batch->hour_counts[i].hour_ms >= writing->first_held_ms &&
            !put_hour_count(writing, &batch->hour_counts[i], error))
            return false;
    }
    return true;
}

static bool read_sequence(struct speed_sqlite *store, int64_t *ret_sequence, GError **error)
{
    sqlite3_stmt *read = speed_sqlite_use(store, READ_SEQUENCE, error);
    bool row;
    if (!read || !db_step(read, &row, error))
        return false;
    assert(row); /* the schema puts it there */
    *ret_sequence = sqlite3_column_int64(read, 0);
    sqlite3_reset(read);
    /* A new file in a lost one's place: sync, which has read the lost one's feed, must find all of
       this one's behind it. Nobody changes a million keys a second. */
    if (*ret_sequence == SEQUENCE_NONE)
        *ret_sequence = MAX(SEQUENCE_NONE, clock_now_ms(store->base.context->clock) * US_PER_MS);
    return true;
}

static bool write_sequence(struct speed_sqlite *store, int64_t sequence, GError **error)
{
    sqlite3_stmt *put = speed_sqlite_use(store, PUT_SEQUENCE, error);
    if (!put)
        return false;
    db_bind_int(put, 1, sequence);
    return db_run(put, error);
}

/* Notes the batch as its source's last one; ret_new: it wasn't there. Of two writers the one behind
 * writes nothing. */
static bool note_source(struct speed_sqlite *store,
                        const struct speed_batch *batch,
                        bool *ret_new,
                        GError **error)
{
    *ret_new = true;
    if (batch->sequence == 0 || batch->repair)
        return true;
    if (!store->has_sources &&
        !db_exec(store->db, sql_file_get(store->sql, "sources_schema"), error))
        return false;
    store->has_sources = true;
    sqlite3_stmt *put = speed_sqlite_use(store, PUT_SOURCE, error);
    if (!put)
        return false;
    db_bind_int(put, 1, batch->source);
    db_bind_int(put, 2, batch->sequence);
    if (!db_run(put, error))
        return false;
    *ret_new = sqlite3_changes(store->db) > 0;
    return true;
}

static bool
store_written(struct speed *speed, int32_t source, int64_t *ret_sequence, GError **error)
{
    struct speed_sqlite *store = speed_sqlite_self(speed);
    *ret_sequence = 0;
    if (sqlite3_table_column_metadata(store->db, NULL, "speed_sources", "sequence", NULL, NULL,
                                      NULL, NULL, NULL) != SQLITE_OK)
        return true; /* nobody numbers batches here */
    sqlite3_stmt *read = speed_sqlite_use(store, READ_SOURCE, error);
    bool row;
    if (!read)
        return false;
    db_bind_int(read, 1, source);
    if (!db_step(read, &row, error))
        return false;
    if (row)
        *ret_sequence = sqlite3_column_int64(read, 0);
    sqlite3_reset(read);
    return true;
}

static bool write_all(struct writing *writing, const struct speed_batch *batch, GError **error)
{
    bool new;
    if (!note_source(writing->store, batch, &new, error))
        return false;
    if (!new)
        return true;
    return read_sequence(writing->store, &writing->sequence, error) &&
           write_stats(writing, batch, error) && write_sentiment(writing, batch, error) &&
           write_trending(writing, batch, error) && write_rest(writing, batch, error) &&
           write_sequence(writing->store, writing->sequence, error);
}

static bool store_write(struct speed *speed,
                        const struct speed_batch *batch,
                        int64_t first_held_ms,
                        GError **error)
{
    struct speed_sqlite *store = speed_sqlite_self(speed);
    struct writing writing = {
        .store = store, .first_held_ms = first_held_ms, .last_table = SPEED_TABLE_COUNT};
    if (!sqlite3_get_autocommit(store->db))
        return write_all(&writing, batch, error); /* within the caller's transaction */
    if (!db_begin(store->db, error))
        return false;
    if (!write_all(&writing, batch, error)) {
        db_rollback(store->db);
        store->has_sources = false; /* its table may have been made in this transaction */
        return false;
    }
    return db_commit(store->db, error);
}

/* ---- expiry ---- */

static bool remove_rows(struct speed_sqlite *store,
                        enum speed_statement which,
                        int64_t last,
                        size_t rows_max,
                        int64_t *ret_rows,
                        GError **error)
{
    sqlite3_stmt *drop = speed_sqlite_use(store, which, error);
    if (!drop)
        return false;
    db_bind_int(drop, 1, last);
    db_bind_int(drop, 2, (int64_t)rows_max);
    if (!db_run(drop, error))
        return false;
    *ret_rows = sqlite3_changes(store->db);
    return true;
}

static bool store_expire(struct speed *speed,
                         enum speed_table table,
                         int64_t first_held_ms,
                         size_t rows_max,
                         int64_t *ret_rows,
                         GError **error)
{
    enum speed_statement which = (enum speed_statement)((int)EXPIRE_SENTIMENT + (int)table);
    return remove_rows(speed_sqlite_self(speed), which, first_held_ms - 1, rows_max, ret_rows,
                       error);
}

static bool store_expire_feed(
    struct speed *speed, int64_t feed_done, size_t rows_max, int64_t *ret_rows, GError **error)
{
    return remove_rows(speed_sqlite_self(speed), EXPIRE_FEED, feed_done, rows_max, ret_rows, error);
}

const struct speed_ops speed_sqlite_ops = {
    .name = "sqlite",
    .open = store_open,
    .close = store_close,
    .write = store_write,
    .written = store_written,
    .feed = speed_sqlite_feed,
    .read_stats = speed_sqlite_read_stats,
    .read_sentiment = speed_sqlite_read_sentiment,
    .read_trending = speed_sqlite_read_trending,
    .read_live = speed_sqlite_read_live,
    .read_hour_counts = speed_sqlite_read_hour_counts,
    .expire = store_expire,
    .expire_feed = store_expire_feed,
};

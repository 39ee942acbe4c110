/* The feed of changed keys: segments, numbered without a gap.
 *
 *   sequence of a key = segment number << 20 | its place in the segment, from 1 on
 *
 * A segment is written by INSERT ... IF NOT EXISTS at the first free number: it exists before the
 * next one can, whoever writes, so a reader that has passed n never misses one below n. (A counter
 * that writers draw numbers from would not do: a slow one fills a gap behind the reader's back.)
 * That costs one light-weight transaction a write, not one a row. 'feed' in speed_numbers is only a
 * hint of where the end is, and what keeps a number from coming twice when its segment is gone. */
#include <assert.h>
#include <stdlib.h>

#include "speed/speed_cassandra_store.h"

#define PLACE_BITS        20
#define SEGMENT_KEYS_MAX  16384 /* 147 KB */
#define KEY_BYTES         9
#define BUCKET_SEGMENTS   4096
#define READ_SEGMENTS_MAX 64
/* Light-weight transactions that writers lose to one another before this one gives up for now. */
#define CONFLICTS_MAX 64

static const struct cql_execute_options append_options = {
    .consistency = CQL_LOCAL_QUORUM,
    .idempotent = true, /* a second time it finds its own segment and takes the next: keys twice */
    .conditional = true,
};
static const struct cql_execute_options feed_options = {
    .consistency = CQL_LOCAL_SERIAL, /* sees what a writer that just died had nearly finished */
    .idempotent = true,
};

/* ---- appending ---- */

struct applied {
    struct speed_cassandra *store;
    bool answered, applied;
};

static void on_applied(void *data, struct cql_rows *rows, bool last, const GError *error)
{
    struct applied *applied = data;
    struct cql_cell cells[CQL_COLUMNS_MAX];
    (void)last;
    if (error)
        speed_cassandra_fail(applied->store, error);
    if (rows && cql_rows_next(rows, cells)) { /* [applied] is the first column */
        applied->answered = true;
        applied->applied = cells[0].len == 1 && cells[0].data[0];
    }
}

/* At this number, if it is free. */
static bool append_at(struct speed_cassandra *store,
                      int64_t segment,
                      const struct cql_bytes *keys,
                      bool *ret_applied,
                      GError **error)
{
    struct applied applied = {.store = store};
    struct cql_statement *put = speed_cassandra_use(store, CASSANDRA_PUT_FEED, error);
    int64_t ttl_s = (store->base.context->config->speed_retention_ms + MS_PER_HOUR) / MS_PER_SECOND;
    const struct cql_value values[] = {cql_long(segment / BUCKET_SEGMENTS), cql_long(segment),
                                       cql_blob(keys->data, keys->len),
                                       cql_int((int32_t)MIN(ttl_s, G_MAXINT32))};
    if (!put || !cql_execute(store->cql, put, values, G_N_ELEMENTS(values), &append_options,
                             on_applied, &applied, error))
        return false;
    if (!speed_cassandra_settle(store, error))
        return false;
    if (!applied.answered) {
        error_set(error, BADDATA,
                  "cassandra: a conditional insert into speed_feed answers nothing");
        return false;
    }
    *ret_applied = applied.applied;
    return true;
}

static bool
append_segment(struct speed_cassandra *store, const struct cql_bytes *keys, GError **error)
{
    for (int conflicts = 0; conflicts < CONFLICTS_MAX; conflicts++) {
        bool applied;
        if (!append_at(store, store->feed_segment + 1, keys, &applied, error))
            return false;
        store->feed_segment++;
        if (applied)
            return speed_cassandra_put_number(store, "feed", store->feed_segment, error) &&
                   speed_cassandra_settle(store, error);
        int64_t hint;
        if (!speed_cassandra_read_number(store, "feed", &hint, error))
            return false;
        store->feed_segment = MAX(store->feed_segment, hint);
    }
    error_set(
        error, AGAIN,
        "cassandra: %d writers in a row were quicker with the feed's segment %" G_GINT64_FORMAT,
        CONFLICTS_MAX, store->feed_segment);
    return false;
}

bool speed_cassandra_append(struct speed_cassandra *store, GArray *keys, GError **error)
{
    struct cql_bytes bytes = {0};
    bool good = true;
    for (guint i = 0; good && i < keys->len; i++) {
        const struct speed_change *key = &g_array_index(keys, struct speed_change, i);
        cql_put_u8(&bytes, (uint8_t)key->table);
        cql_put_int(&bytes, (int32_t)(key->hour_ms / MS_PER_HOUR));
        cql_put_int(&bytes, key->movie_id);
        if (i + 1 == keys->len || bytes.len >= SEGMENT_KEYS_MAX * KEY_BYTES) {
            good = append_segment(store, &bytes, error);
            bytes.len = 0;
        }
    }
    cql_bytes_clear(&bytes);
    return good;
}

/* ---- reading ---- */

struct feed_read {
    struct speed_cassandra *store;
    GArray *changes; /* of struct speed_change, by sequence, a key perhaps several times */
    int64_t after;
    int64_t last_segment;
    int segments;
};

static void add_segment(struct feed_read *read, int64_t segment, const struct cql_cell *cell)
{
    struct cql_reader reader = cql_reader_of(cell->data, (size_t)MAX(cell->len, 0));
    for (int64_t place = 1; cql_reader_left(&reader) >= KEY_BYTES; place++) {
        struct speed_change change = {.sequence = segment << PLACE_BITS | place};
        change.table = (enum speed_table)cql_read_u8(&reader);
        change.hour_ms = cql_read_int(&reader) * MS_PER_HOUR;
        change.movie_id = cql_read_int(&reader);
        /* A table of a later version is nothing that this one can copy. */
        if (change.sequence > read->after && change.table < SPEED_TABLE_COUNT)
            g_array_append_val(read->changes, change);
    }
}

static void on_segments(void *data, struct cql_rows *rows, bool last, const GError *error)
{
    struct feed_read *read = data;
    struct cql_cell cells[CQL_COLUMNS_MAX];
    (void)last;
    if (error)
        speed_cassandra_fail(read->store, error);
    while (rows && cql_rows_next(rows, cells)) {
        read->last_segment = cql_cell_long(&cells[0]);
        read->segments++;
        add_segment(read, read->last_segment, &cells[1]);
    }
}

/* Segments from `from` on within its bucket. */
static bool read_bucket(struct feed_read *read, int64_t from, GError **error)
{
    struct speed_cassandra *store = read->store;
    struct cql_statement *statement = speed_cassandra_use(store, CASSANDRA_READ_FEED, error);
    const struct cql_value values[] = {cql_long(from / BUCKET_SEGMENTS), cql_long(from),
                                       cql_int(READ_SEGMENTS_MAX)};
    read->segments = 0;
    return statement &&
           cql_execute(store->cql, statement, values, G_N_ELEMENTS(values), &feed_options,
                       on_segments, read, error) &&
           speed_cassandra_settle(store, error);
}

static guint hash_key(const void *data)
{
    const struct speed_change *key = data;
    return (guint)key->movie_id * 31u + (guint)(key->hour_ms / MS_PER_HOUR) * 7u +
           (guint)key->table;
}

static gboolean same_key(const void *a, const void *b)
{
    const struct speed_change *x = a, *y = b;
    return x->table == y->table && x->hour_ms == y->hour_ms && x->movie_id == y->movie_id;
}

/* Of each key the last; the first count_max of those. */
static void keep_latest(const GArray *changes,
                        size_t count_max,
                        struct arena *arena,
                        struct speed_change **ret_changes,
                        size_t *ret_count)
{
    g_autoptr(GHashTable) latest = g_hash_table_new(hash_key, same_key);
    for (guint i = 0; i < changes->len; i++) {
        struct speed_change *at = &g_array_index(changes, struct speed_change, i);
        g_hash_table_replace(latest, at, at);
    }
    size_t count = 0;
    struct speed_change *kept =
        arena_array(arena, struct speed_change, MIN(count_max, g_hash_table_size(latest)) + 1);
    for (guint i = 0; i < changes->len && count < count_max; i++) {
        struct speed_change *at = &g_array_index(changes, struct speed_change, i);
        if (g_hash_table_lookup(latest, at) == at)
            kept[count++] = *at;
    }
    *ret_changes = kept;
    *ret_count = count;
}

bool speed_cassandra_feed(struct speed *speed,
                          int64_t after,
                          size_t count_max,
                          struct arena *arena,
                          struct speed_change **ret_changes,
                          size_t *ret_count,
                          GError **error)
{
    struct speed_cassandra *store = speed_cassandra_self(speed);
    int64_t end, done;
    if (!speed_cassandra_read_number(store, "feed", &end, error) ||
        !speed_cassandra_read_number(store, "done", &done, error))
        return false;
    g_autoptr(GArray) changes = g_array_new(false, false, sizeof(struct speed_change));
    struct feed_read read = {.store = store, .changes = changes, .after = after};
    int64_t from = MAX(after >> PLACE_BITS, done + 1);
    /* The hint may be one behind what its writer had time to add. */
    while (from <= end + 1 && changes->len < count_max) {
        if (!read_bucket(&read, from, error))
            return false;
        from = read.segments == READ_SEGMENTS_MAX ? read.last_segment + 1
                                                  : (from / BUCKET_SEGMENTS + 1) * BUCKET_SEGMENTS;
    }
    keep_latest(changes, count_max, arena, ret_changes, ret_count);
    return true;
}

/* ---- what is copied goes ---- */

struct feed_end {
    struct speed_cassandra *store;
    int64_t keys; /* of the segment asked for */
};

static void on_segment_keys(void *data, struct cql_rows *rows, bool last, const GError *error)
{
    struct feed_end *end = data;
    struct cql_cell cells[CQL_COLUMNS_MAX];
    (void)last;
    if (error)
        speed_cassandra_fail(end->store, error);
    while (rows && cql_rows_next(rows, cells))
        end->keys = MAX(cells[1].len, 0) / KEY_BYTES;
}

/* The last segment of which all keys are at or below feed_done. */
static bool
last_done(struct speed_cassandra *store, int64_t feed_done, int64_t *ret_segment, GError **error)
{
    int64_t segment = feed_done >> PLACE_BITS;
    struct feed_end end = {.store = store};
    struct cql_statement *statement = speed_cassandra_use(store, CASSANDRA_READ_FEED, error);
    const struct cql_value values[] = {cql_long(segment / BUCKET_SEGMENTS), cql_long(segment),
                                       cql_int(1)};
    if (!statement ||
        !cql_execute(store->cql, statement, values, G_N_ELEMENTS(values), &feed_options,
                     on_segment_keys, &end, error) ||
        !speed_cassandra_settle(store, error))
        return false;
    bool whole = (feed_done & ((INT64_C(1) << PLACE_BITS) - 1)) >= end.keys;
    *ret_segment = whole ? segment : segment - 1;
    return true;
}

/* Rows of the store are segments. First the numbers say that they are gone, then they go. */
bool speed_cassandra_expire_feed(
    struct speed *speed, int64_t feed_done, size_t rows_max, int64_t *ret_rows, GError **error)
{
    struct speed_cassandra *store = speed_cassandra_self(speed);
    struct cql_statement *drop = speed_cassandra_use(store, CASSANDRA_DROP_FEED, error);
    int64_t done, last;
    *ret_rows = 0;
    if (feed_done >> PLACE_BITS <= 0)
        return true;
    if (!drop || !speed_cassandra_read_number(store, "done", &done, error))
        return false;
    if (feed_done >> PLACE_BITS <= done)
        return true;
    if (!last_done(store, feed_done, &last, error))
        return false;
    int64_t first = done + 1;
    last = MIN(last, first + (int64_t)MIN(rows_max, G_MAXINT32) - 1);
    last = MIN(last, (first / BUCKET_SEGMENTS + 1) * BUCKET_SEGMENTS - 1); /* one bucket a call */
    if (last < first)
        return true;
    if (!speed_cassandra_put_number(store, "feed", last, error) ||
        !speed_cassandra_settle(store, error))
        return false;
    const struct cql_value values[] = {cql_long(first / BUCKET_SEGMENTS), cql_long(first),
                                       cql_long(last)};
    if (!cql_execute(store->cql, drop, values, G_N_ELEMENTS(values), &speed_cassandra_write_options,
                     speed_cassandra_written, store, error) ||
        !speed_cassandra_settle(store, error) ||
        !speed_cassandra_put_number(store, "done", last, error) ||
        !speed_cassandra_settle(store, error))
        return false;
    *ret_rows = last - first + 1;
    return true;
}

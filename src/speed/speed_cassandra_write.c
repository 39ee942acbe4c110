/* Writing: every row is an upsert of its own, thousands under way at once; the ranks of an hour are
 * one batch. Then, when all are acknowledged, the changed keys go to the feed. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "speed/speed_cassandra_store.h"

#define US_PER_MS         1000
#define TTL_S_MAX         INT64_C(630720000) /* Cassandra's: 20 years */
#define KNOWN_KEYS_MAX    100000 /* above it all are forgotten: null instead of not set */
#define KNOWN_PAIRS_MAX   4096
#define SOURCE_NAME_BYTES 32

/* Columns of a key that may be absent. */
#define HAS_TITLE    1
#define HAS_VELOCITY 2

struct writing {
    struct speed_cassandra *store;
    int64_t first_held_ms, now_ms, sequence;
    GArray *keys; /* of struct speed_change */
    GError **error;
};

static struct cql_value timestamp_of(const struct writing *writing, int64_t hour_ms)
{
    return cql_long(hour_ms * US_PER_MS + writing->sequence);
}

/* Seconds until the hour's rows expire. A clock that runs slower than the machine's makes them
 * longer; one that runs faster only lets rows stay that no reader sees. */
static struct cql_value ttl_of(const struct writing *writing, int64_t hour_ms)
{
    const struct context *context = writing->store->base.context;
    int64_t left_ms = hour_ms + MS_PER_HOUR + context->config->speed_retention_ms - writing->now_ms;
    double speed = clock_speed(context->clock);
    double left_s = (double)left_ms / (double)MS_PER_SECOND;
    if (speed > 0 && speed < 1)
        left_s /= speed;
    return cql_int((int32_t)CLAMP(ceil(left_s), 1, (double)TTL_S_MAX));
}

static void note(struct writing *writing, enum speed_table table, int64_t hour_ms, int32_t movie_id)
{
    struct speed_change change = {.table = table, .hour_ms = hour_ms, .movie_id = movie_id};
    g_array_append_val(writing->keys, change);
}

static bool put(struct writing *writing,
                enum cassandra_statement which,
                const struct cql_value *values,
                size_t count)
{
    struct speed_cassandra *store = writing->store;
    struct cql_statement *statement = speed_cassandra_use(store, which, writing->error);
    return statement &&
           cql_execute(store->cql, statement, values, count, &speed_cassandra_write_options,
                       speed_cassandra_written, store, writing->error);
}

/* ---- absent values ---- */

/* 20 bits of hours, 12 of seconds within the hour, 32 of movie: one word, as GHashTable likes it.
 */
static gpointer key_of(int64_t hour_ms, int64_t within_ms, int32_t movie_id)
{
    uint64_t hour = (uint64_t)(hour_ms / MS_PER_HOUR) & 0xFFFFF;
    uint64_t within = (uint64_t)(within_ms / MS_PER_SECOND) & 0xFFF;
    return GSIZE_TO_POINTER(hour << 44 | within << 32 | (uint32_t)movie_id);
}

/* Any key may have any value: too many were written, or nobody knows which of them were. */
static void forget(struct speed_cassandra *store)
{
    g_hash_table_remove_all(store->known_stats);
    g_hash_table_remove_all(store->known_sentiment);
    g_hash_table_remove_all(store->known_metrics);
    store->first_own_ms = INT64_MAX;
}

/* Which columns may have a value now; from here on those in has. */
static unsigned
remember(struct writing *writing, GHashTable *known, gpointer key, int64_t hour_ms, unsigned has)
{
    gpointer value;
    unsigned before = HAS_TITLE | HAS_VELOCITY;
    if (g_hash_table_lookup_extended(known, key, NULL, &value))
        before = GPOINTER_TO_UINT(value);
    else if (hour_ms >= writing->store->first_own_ms)
        before = 0;
    if (g_hash_table_size(known) >= KNOWN_KEYS_MAX)
        forget(writing->store);
    g_hash_table_insert(known, key, GUINT_TO_POINTER(has));
    return before;
}

static struct cql_value absent(unsigned before, unsigned column)
{
    return before & column ? cql_null() : cql_unset();
}

/* ---- tables ---- */

static bool put_stats(struct writing *writing, const struct stats_row *row)
{
    unsigned has = (row->title ? HAS_TITLE : 0) | (row->has_velocity ? HAS_VELOCITY : 0);
    unsigned before = remember(writing, writing->store->known_stats,
                               key_of(row->hour_ms, 0, row->movie_id), row->hour_ms, has);
    const struct cql_value values[] = {
        cql_int(row->movie_id),
        cql_long(row->hour_ms),
        row->title ? cql_text(row->title) : absent(before, HAS_TITLE),
        cql_double((double)row->vote_average_e4 / 10000.0),
        cql_int(row->vote_count),
        cql_double((double)row->popularity_e4 / 10000.0),
        row->has_velocity ? cql_double(row->rating_velocity) : absent(before, HAS_VELOCITY),
        cql_long(row->last_updated_ms),
        ttl_of(writing, row->hour_ms),
        timestamp_of(writing, row->hour_ms),
    };
    note(writing, SPEED_STATS, row->hour_ms, row->movie_id);
    return put(writing, CASSANDRA_PUT_STATS, values, G_N_ELEMENTS(values));
}

static bool drop_stats(struct writing *writing, const struct stats_row *row)
{
    const struct cql_value values[] = {timestamp_of(writing, row->hour_ms), cql_int(row->movie_id),
                                       cql_long(row->hour_ms)};
    remember(writing, writing->store->known_stats, key_of(row->hour_ms, 0, row->movie_id),
             row->hour_ms, 0);
    note(writing, SPEED_STATS, row->hour_ms, row->movie_id);
    return put(writing, CASSANDRA_DROP_STATS, values, G_N_ELEMENTS(values));
}

static bool put_sentiment(struct writing *writing, const struct sentiment_row *row)
{
    gpointer key = key_of(row->hour_ms, row->window_start_ms - row->hour_ms, row->movie_id);
    unsigned before = remember(writing, writing->store->known_sentiment, key, row->hour_ms,
                               row->has_velocity ? HAS_VELOCITY : 0);
    const struct cql_value values[] = {
        cql_int(row->movie_id),
        cql_long(row->hour_ms),
        cql_long(row->window_start_ms),
        cql_long(row->window_end_ms),
        cql_double(row->avg_sentiment),
        cql_long(row->sentiment_sum_e4),
        cql_int(row->review_count),
        cql_int(row->positive_count),
        cql_int(row->negative_count),
        cql_int(row->neutral_count),
        row->has_velocity ? cql_double(row->sentiment_velocity) : absent(before, HAS_VELOCITY),
        ttl_of(writing, row->hour_ms),
        timestamp_of(writing, row->hour_ms),
    };
    note(writing, SPEED_SENTIMENT, row->hour_ms, row->movie_id);
    return put(writing, CASSANDRA_PUT_SENTIMENT, values, G_N_ELEMENTS(values));
}

static bool drop_sentiment(struct writing *writing, const struct sentiment_row *row)
{
    const struct cql_value values[] = {timestamp_of(writing, row->hour_ms), cql_int(row->movie_id),
                                       cql_long(row->hour_ms), cql_long(row->window_start_ms)};
    gpointer key = key_of(row->hour_ms, row->window_start_ms - row->hour_ms, row->movie_id);
    remember(writing, writing->store->known_sentiment, key, row->hour_ms, 0);
    note(writing, SPEED_SENTIMENT, row->hour_ms, row->movie_id);
    return put(writing, CASSANDRA_DROP_SENTIMENT, values, G_N_ELEMENTS(values));
}

static bool put_live(struct writing *writing, const struct live_row *row)
{
    GHashTable *known = writing->store->known_metrics;
    struct cql_value ttl = ttl_of(writing, row->hour_ms),
                     timestamp = timestamp_of(writing, row->hour_ms);
    g_autofree char *pair = g_strdup_printf("%" G_GINT64_FORMAT " %s", row->hour_ms, row->metric);
    if (!g_hash_table_contains(known, pair)) {
        const struct cql_value values[] = {cql_long(row->hour_ms), cql_text(row->metric), ttl,
                                           timestamp};
        if (!put(writing, CASSANDRA_PUT_LIVE_METRIC, values, G_N_ELEMENTS(values)))
            return false;
        if (g_hash_table_size(known) >= KNOWN_PAIRS_MAX)
            g_hash_table_remove_all(known);
        g_hash_table_add(known, g_steal_pointer(&pair));
    }
    const struct cql_value values[] = {cql_text(row->metric),
                                       cql_long(row->hour_ms),
                                       cql_long(row->window_start_ms),
                                       cql_double(row->value),
                                       ttl,
                                       timestamp};
    note(writing, SPEED_LIVE, row->hour_ms, 0);
    return put(writing, CASSANDRA_PUT_LIVE, values, G_N_ELEMENTS(values));
}

static bool put_hour_count(struct writing *writing, const struct hour_count_row *row)
{
    const struct cql_value values[] = {
        cql_long(row->hour_ms),        cql_text(row->topic),
        cql_int(row->partition),       cql_long(row->used_records),
        ttl_of(writing, row->hour_ms), timestamp_of(writing, row->hour_ms)};
    note(writing, SPEED_HOUR_COUNTS, row->hour_ms, 0);
    return put(writing, CASSANDRA_PUT_HOUR_COUNT, values, G_N_ELEMENTS(values));
}

/* ---- ranks ---- */

static int by_hour_rank(const void *a, const void *b)
{
    const struct trending_row *x = *(struct trending_row *const *)a,
                              *y = *(struct trending_row *const *)b;
    if (x->hour_ms != y->hour_ms)
        return x->hour_ms < y->hour_ms ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static bool
add_rank(struct writing *writing, struct cql_batch *batch, const struct trending_row *row)
{
    struct cql_statement *statement =
        speed_cassandra_use(writing->store, CASSANDRA_PUT_TRENDING, writing->error);
    const struct cql_value values[] = {
        cql_long(row->hour_ms),
        cql_int(row->rank),
        cql_long(row->window_end_ms),
        cql_int(row->movie_id),
        cql_text(row->title),
        cql_double(row->trending_score),
        cql_double(row->velocity),
        row->has_acceleration ? cql_double(row->acceleration) : cql_null(),
        ttl_of(writing, row->hour_ms),
        timestamp_of(writing, row->hour_ms),
    };
    return statement &&
           cql_batch_add(batch, statement, values, G_N_ELEMENTS(values), writing->error);
}

/* Rows of one hour, by rank from 1 on; none: all its ranks go. */
static bool
replace_ranks(struct writing *writing, int64_t hour_ms, struct trending_row **rows, size_t count)
{
    struct speed_cassandra *store = writing->store;
    struct cql_statement *drop =
        speed_cassandra_use(store, CASSANDRA_DROP_TRENDING, writing->error);
    if (!drop)
        return false;
    struct cql_batch *batch = cql_batch_new(store->cql);
    int32_t last = 0;
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        last = rows[i]->rank;
        good = add_rank(writing, batch, rows[i]);
    }
    const struct cql_value above[] = {timestamp_of(writing, hour_ms), cql_long(hour_ms),
                                      cql_int(last)};
    if (!good || !cql_batch_add(batch, drop, above, G_N_ELEMENTS(above), writing->error)) {
        cql_batch_free(batch);
        return false;
    }
    note(writing, SPEED_TRENDING, hour_ms, 0);
    return cql_batch_execute(store->cql, batch, &speed_cassandra_write_options,
                             speed_cassandra_written, store, writing->error);
}

static bool has_ranks(const struct speed_batch *batch, int64_t hour_ms)
{
    for (size_t i = 0; i < batch->trending_count; i++)
        if (batch->trending[i].hour_ms == hour_ms)
            return true;
    return false;
}

static bool write_trending(struct writing *writing, const struct speed_batch *batch)
{
    size_t count = batch->trending_count;
    g_autofree struct trending_row **rows = g_new(struct trending_row *, count + 1);
    for (size_t i = 0; i < count; i++)
        rows[i] = &batch->trending[i];
    qsort(rows, count, sizeof *rows, by_hour_rank);
    for (size_t from = 0, to; from < count; from = to) {
        int64_t hour_ms = rows[from]->hour_ms;
        for (to = from; to < count && rows[to]->hour_ms == hour_ms;)
            to++;
        if (hour_ms >= writing->first_held_ms &&
            !replace_ranks(writing, hour_ms, rows + from, to - from))
            return false;
    }
    /* Of the same timestamp a deletion wins: an hour that has ranks again isn't emptied. */
    for (size_t i = 0; i < batch->trending_gone_count; i++)
        if (!has_ranks(batch, batch->trending_gone[i]) &&
            !replace_ranks(writing, batch->trending_gone[i], NULL, 0))
            return false;
    return true;
}

/* ---- all ---- */

#define EACH_HELD(rows, put_row)                                                                   \
    for (size_t i = 0; i < batch->rows##_count; i++)                                               \
        if (batch->rows[i].hour_ms >= writing->first_held_ms &&                                    \
            !put_row(writing, &batch->rows[i]))                                                    \
            return false;
#define EACH_GONE(rows, drop_row)                                                                  \
    for (size_t i = 0; i < batch->rows##_count; i++)                                               \
        if (!drop_row(writing, &batch->rows[i]))                                                   \
            return false;

static bool write_rows(struct writing *writing, const struct speed_batch *batch)
{
    EACH_HELD(stats, put_stats)
    EACH_GONE(stats_gone, drop_stats)
    EACH_HELD(sentiment, put_sentiment)
    EACH_GONE(sentiment_gone, drop_sentiment)
    EACH_HELD(live, put_live)
    EACH_HELD(hour_counts, put_hour_count)
    return write_trending(writing, batch);
}

static int by_key(const void *a, const void *b)
{
    const struct speed_change *x = a, *y = b;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    if (x->hour_ms != y->hour_ms)
        return x->hour_ms < y->hour_ms ? -1 : 1;
    return (x->movie_id > y->movie_id) - (x->movie_id < y->movie_id);
}

static void sort_unique(GArray *keys)
{
    g_array_sort(keys, by_key);
    guint kept = 0;
    for (guint i = 0; i < keys->len; i++) {
        const struct speed_change *at = &g_array_index(keys, struct speed_change, i);
        if (kept == 0 || by_key(&g_array_index(keys, struct speed_change, kept - 1), at) != 0)
            g_array_index(keys, struct speed_change, kept++) = *at;
    }
    g_array_set_size(keys, kept);
}

/* The sequence of a batch without one: above all others', kept before the first row is written, so
 * that a try that was cut off never shares its timestamps with the next one. */
static bool next_sequence(struct speed_cassandra *store, int64_t *ret_sequence, GError **error)
{
    int64_t last;
    if (!speed_cassandra_read_number(store, "writes", &last, error))
        return false;
    store->write_sequence = MAX(store->write_sequence, last) + 1;
    if (!speed_cassandra_put_number(store, "writes", store->write_sequence, error) ||
        !speed_cassandra_settle(store, error))
        return false;
    *ret_sequence = store->write_sequence;
    return true;
}

static void name_source(int32_t source, char ret_name[SOURCE_NAME_BYTES])
{
    g_snprintf(ret_name, SOURCE_NAME_BYTES, "task %" G_GINT32_FORMAT, source);
}

/* All rows of the batch are acknowledged. Under way when it returns. */
static bool
put_written(struct speed_cassandra *store, const struct speed_batch *batch, GError **error)
{
    char name[SOURCE_NAME_BYTES];
    name_source(batch->source, name);
    return speed_cassandra_put_number(store, name, batch->sequence, error);
}

bool speed_cassandra_written_by(struct speed *speed,
                                int32_t source,
                                int64_t *ret_sequence,
                                GError **error)
{
    char name[SOURCE_NAME_BYTES];
    name_source(source, name);
    return speed_cassandra_read_number(speed_cassandra_self(speed), name, ret_sequence, error);
}

bool speed_cassandra_write(struct speed *speed,
                           const struct speed_batch *batch,
                           int64_t first_held_ms,
                           GError **error)
{
    struct speed_cassandra *store = speed_cassandra_self(speed);
    struct writing writing = {
        .store = store,
        .first_held_ms = first_held_ms,
        .now_ms = clock_now_ms(speed->context->clock),
        .sequence = batch->sequence + batch->repair, /* between two of the source's own */
        .error = error,
    };
    if (batch->sequence == 0 && !next_sequence(store, &writing.sequence, error))
        return false;
    g_autoptr(GArray) keys = g_array_new(false, false, sizeof(struct speed_change));
    writing.keys = keys;
    bool begun = write_rows(&writing, batch);
    /* What was begun ends in any case before the next try. */
    if (!speed_cassandra_settle(store, begun ? error : NULL) || !begun) {
        forget(store);
        return false;
    }
    sort_unique(keys);
    bool numbered = batch->sequence > 0 && !batch->repair;
    return (!numbered || put_written(store, batch, error)) &&
           speed_cassandra_append(store, keys, error) && speed_cassandra_settle(store, error);
}

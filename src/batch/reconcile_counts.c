#include "batch/reconcile_counts.h"

#include "base/config.h"

/* Used records of an hour, on both sides. */
struct pair {
    int64_t batch, speed;
    bool moving; /* the speed side's is being written */
};

struct reconcile_counts {
    int64_t held_from_ms;
    int partitions;
    GHashTable **pairs; /* topic * partitions + partition -> hour (int64_t *) -> struct pair * */
    GArray **unequal;   /* likewise: int64_t, hours whose counts differ */
    int64_t *written;   /* by writer: partitions, then the ranker */
};

static size_t place_of(const struct reconcile_counts *counts, enum topic topic, int partition)
{
    return (size_t)topic * (size_t)counts->partitions + (size_t)partition;
}

static void add(struct reconcile_counts *counts,
                const char *name,
                int64_t partition,
                int64_t hour_ms,
                const struct pair *more)
{
    const struct topic_info *info = topic_by_name(name);
    if (!info || partition < 0 || partition >= counts->partitions)
        return;
    GHashTable *pairs = counts->pairs[place_of(counts, info->id, (int)partition)];
    struct pair *pair = g_hash_table_lookup(pairs, &hour_ms);
    if (!pair) {
        pair = g_new0(struct pair, 1);
        g_hash_table_insert(pairs, g_memdup2(&hour_ms, sizeof hour_ms), pair);
    }
    pair->batch += more->batch;
    pair->speed += more->speed;
    pair->moving |= more->moving;
}

/* Rows: hour, topic, partition, used records. */
static bool take_count(void *user,
                       const struct engine_column *columns,
                       const struct engine_value *values,
                       size_t count,
                       GError **error)
{
    (void)columns, (void)count, (void)error;
    add(user, values[1].text, values[2].integer, values[0].integer,
        &(struct pair){.batch = values[3].integer});
    return true;
}

struct reconcile_counts *
reconcile_counts_new(struct run_state *state, int64_t held_from_ms, GError **error)
{
    struct reconcile_counts *counts = g_new0(struct reconcile_counts, 1);
    counts->held_from_ms = held_from_ms;
    counts->partitions = (int)state->context->config->bus_partitions;
    size_t places = place_of(counts, TOPIC_COUNT, 0);
    counts->pairs = g_new(GHashTable *, places);
    counts->unequal = g_new(GArray *, places);
    counts->written = g_new0(int64_t, counts->partitions + 1);
    for (size_t i = 0; i < places; i++) {
        counts->pairs[i] = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
        counts->unequal[i] = g_array_new(FALSE, FALSE, sizeof(int64_t));
    }
    struct engine_params params = run_state_params(state);
    if (!run_state_need(state, "used_counts", error) ||
        !engine_select(state->engine, "sql/reconcile/used_counts.sql", &params, take_count, counts,
                       error)) {
        reconcile_counts_free(counts);
        return NULL;
    }
    return counts;
}

void reconcile_counts_free(struct reconcile_counts *counts)
{
    if (!counts)
        return;
    for (size_t i = 0; i < place_of(counts, TOPIC_COUNT, 0); i++) {
        g_hash_table_unref(counts->pairs[i]);
        g_array_unref(counts->unequal[i]);
    }
    g_free(counts->pairs);
    g_free(counts->unequal);
    g_free(counts->written);
    g_free(counts);
}

static void forget_speed(struct reconcile_counts *counts)
{
    GHashTableIter iter;
    gpointer value;
    for (size_t i = 0; i < place_of(counts, TOPIC_COUNT, 0); i++) {
        g_hash_table_iter_init(&iter, counts->pairs[i]);
        while (g_hash_table_iter_next(&iter, NULL, &value))
            ((struct pair *)value)->speed = 0, ((struct pair *)value)->moving = false;
    }
}

static void find_unequal(struct reconcile_counts *counts)
{
    GHashTableIter iter;
    gpointer key, value;
    for (size_t i = 0; i < place_of(counts, TOPIC_COUNT, 0); i++) {
        g_array_set_size(counts->unequal[i], 0);
        g_hash_table_iter_init(&iter, counts->pairs[i]);
        while (g_hash_table_iter_next(&iter, &key, &value)) {
            const struct pair *pair = value;
            if (pair->batch != pair->speed || pair->moving)
                g_array_append_val(counts->unequal[i], *(int64_t *)key);
        }
    }
}

int reconcile_counts_ranker(const struct reconcile_counts *counts)
{
    return counts->partitions;
}

int64_t reconcile_counts_written(const struct reconcile_counts *counts, int writer)
{
    return counts->written[writer];
}

bool reconcile_counts_settled(const struct reconcile_counts *counts, int writer, int64_t sequence)
{
    return sequence <= counts->written[writer] + 1;
}

/* Before anything else: what these say is there is in what is read later. */
static bool read_written(struct reconcile_counts *counts, struct speed *speed, GError **error)
{
    for (int writer = 0; writer <= counts->partitions; writer++) {
        if (!speed_written(speed, writer, &counts->written[writer], error))
            return false;
    }
    return true;
}

static bool is_moving(const struct reconcile_counts *counts, const struct hour_count_row *row)
{
    return row->partition >= 0 && row->partition < counts->partitions &&
           !reconcile_counts_settled(counts, row->partition, row->sequence);
}

bool reconcile_counts_read(struct reconcile_counts *counts, struct speed *speed, GError **error)
{
    struct arena *arena = arena_new();
    struct hour_count_row *rows;
    size_t count = 0;
    forget_speed(counts);
    bool done =
        read_written(counts, speed, error) &&
        speed_read_hour_counts(speed, counts->held_from_ms, INT64_MAX, arena, &rows, &count, error);
    for (size_t i = 0; done && i < count; i++)
        add(counts, rows[i].topic, rows[i].partition, rows[i].hour_ms,
            &(struct pair){.speed = rows[i].used_records, .moving = is_moving(counts, &rows[i])});
    find_unequal(counts);
    arena_free(arena);
    return done;
}

bool reconcile_counts_equal(const struct reconcile_counts *counts,
                            enum topic topic,
                            int partition,
                            int64_t from_hour_ms,
                            int64_t to_hour_ms)
{
    bool all = partition == RECONCILE_ALL_PARTITIONS;
    int first = all ? 0 : partition, last = all ? counts->partitions - 1 : partition;
    for (int i = first; i <= last; i++) {
        const GArray *hours = counts->unequal[place_of(counts, topic, i)];
        for (guint j = 0; j < hours->len; j++) {
            int64_t hour_ms = g_array_index(hours, int64_t, j);
            if (hour_ms >= from_hour_ms && hour_ms <= to_hour_ms)
                return false;
        }
    }
    return true;
}

int reconcile_counts_partition(const struct reconcile_counts *counts, int32_t movie_id)
{
    char key[TOPIC_KEY_BYTES];
    size_t len = topic_movie_key(movie_id, key);
    return topic_partition(key, len, counts->partitions);
}

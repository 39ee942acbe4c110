#include "batch/reconcile.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/metrics.h"
#include "model/topic.h"
#include "speed/speed.h"

const char *reconcile_cause_name(enum reconcile_cause cause)
{
    static const char *const names[RECONCILE_CAUSE_COUNT] = {"missing_speed", "missing_batch",
                                                             "value"};
    return names[cause];
}

/* Used ratings of a partition and hour, on both sides. */
struct hour_pair {
    int32_t partition;
    int64_t hour_ms;
    int64_t batch, speed;
};

struct reconcile {
    struct run_state *state;
    int64_t held_from_ms;
    int partitions;
    GHashTable *pairs; /* key text -> struct hour_pair */
    GArray *unequal;   /* struct hour_pair */
    struct stats_row *speed_rows;
    size_t speed_count, next;
    int64_t compared, drift[RECONCILE_CAUSE_COUNT];
    GString *list;
    int64_t listed;
};

static struct hour_pair *pair_of(struct reconcile *reconcile, int32_t partition, int64_t hour_ms)
{
    char *key = g_strdup_printf("%d/%" PRId64, partition, hour_ms);
    struct hour_pair *pair = g_hash_table_lookup(reconcile->pairs, key);
    if (pair) {
        g_free(key);
        return pair;
    }
    pair = g_new0(struct hour_pair, 1);
    *pair = (struct hour_pair){.partition = partition, .hour_ms = hour_ms};
    g_hash_table_insert(reconcile->pairs, key, pair);
    return pair;
}

static bool take_count(void *user,
                       const struct engine_column *columns,
                       const struct engine_value *values,
                       size_t count,
                       GError **error)
{
    (void)columns, (void)count, (void)error;
    pair_of(user, (int32_t)values[1].integer, values[0].integer)->batch = values[2].integer;
    return true;
}

/* Fills unequal: the hours that the two sides know different prefixes of. */
static bool compare_counts(struct reconcile *reconcile,
                           struct speed *speed,
                           struct arena *arena,
                           GError **error)
{
    struct run_state *state = reconcile->state;
    struct engine_params params = run_state_params(state);
    struct hour_count_row *rows;
    size_t count;
    if (!run_state_need(state, "used_counts", error) ||
        !engine_select(state->engine, "sql/reconcile/rating_counts.sql", &params, take_count,
                       reconcile, error) ||
        !speed_read_hour_counts(speed, reconcile->held_from_ms, INT64_MAX, arena, &rows, &count,
                                error))
        return false;
    const char *topic = topic_info(TOPIC_RATINGS)->name;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].topic, topic) == 0)
            pair_of(reconcile, rows[i].partition, rows[i].hour_ms)->speed = rows[i].used_records;
    }
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, reconcile->pairs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct hour_pair *pair = value;
        if (pair->batch != pair->speed)
            g_array_append_val(reconcile->unequal, *pair);
    }
    return true;
}

static bool comparable(const struct reconcile *reconcile, int32_t movie_id, int64_t hour_ms)
{
    char key[TOPIC_KEY_BYTES];
    size_t len = topic_movie_key(movie_id, key);
    int partition = topic_partition(key, len, reconcile->partitions);
    /* A previous window lies at most lookback before this one's start, so in an hour that begins at
     * most so much earlier. */
    int64_t reach_ms = reconcile->state->context->config->stream_velocity_lookback_ms + MS_PER_HOUR;
    for (guint i = 0; i < reconcile->unequal->len; i++) {
        const struct hour_pair *pair = &g_array_index(reconcile->unequal, struct hour_pair, i);
        if (pair->partition == partition && pair->hour_ms <= hour_ms &&
            pair->hour_ms >= hour_ms - reach_ms)
            return false;
    }
    return true;
}

static void
drifted(struct reconcile *reconcile, enum reconcile_cause cause, int32_t movie_id, int64_t hour_ms)
{
    reconcile->drift[cause]++;
    if (reconcile->listed >= RECONCILE_LISTED_MAX)
        return;
    reconcile->listed++;
    json_write_object(reconcile->list);
    json_add_string(reconcile->list, "table", "movie_stats");
    json_add_string(reconcile->list, "cause", reconcile_cause_name(cause));
    json_add_int(reconcile->list, "movie_id", movie_id);
    json_add_time(reconcile->list, "hour", hour_ms);
    json_write_object_end(reconcile->list);
}

static int compare_keys(const struct stats_row *speed, const struct stats_row *batch)
{
    if (speed->movie_id != batch->movie_id)
        return speed->movie_id < batch->movie_id ? -1 : 1;
    return (speed->hour_ms > batch->hour_ms) - (speed->hour_ms < batch->hour_ms);
}

static bool same_values(const struct stats_row *a, const struct stats_row *b)
{
    return a->popularity_e4 == b->popularity_e4 && a->vote_average_e4 == b->vote_average_e4 &&
           a->vote_count == b->vote_count && a->last_updated_ms == b->last_updated_ms &&
           a->has_velocity == b->has_velocity &&
           (!a->has_velocity ||
            memcmp(&a->rating_velocity, &b->rating_velocity, sizeof a->rating_velocity) == 0 ||
            (a->rating_velocity <= 0 && a->rating_velocity >= 0 && b->rating_velocity <= 0 &&
             b->rating_velocity >= 0));
}

/* Speed rows below the key have no row in the lake. */
static void skip_speed_below(struct reconcile *reconcile, const struct stats_row *key)
{
    while (reconcile->next < reconcile->speed_count) {
        const struct stats_row *speed = &reconcile->speed_rows[reconcile->next];
        if (key && compare_keys(speed, key) >= 0)
            return;
        reconcile->next++;
        if (speed->hour_ms < reconcile->held_from_ms ||
            !comparable(reconcile, speed->movie_id, speed->hour_ms))
            continue;
        reconcile->compared++;
        drifted(reconcile, RECONCILE_MISSING_BATCH, speed->movie_id, speed->hour_ms);
    }
}

/* Rows by (movie_id, hour): movie_id, hour, popularity_e4, vote_average_e4, vote_count,
 * rating_velocity, last_updated. */
static bool take_stats(void *user,
                       const struct engine_column *columns,
                       const struct engine_value *values,
                       size_t count,
                       GError **error)
{
    (void)columns, (void)count, (void)error;
    struct reconcile *reconcile = user;
    struct stats_row batch = {
        .movie_id = (int32_t)values[0].integer,
        .hour_ms = values[1].integer,
        .popularity_e4 = values[2].integer,
        .vote_average_e4 = values[3].integer,
        .vote_count = (int32_t)values[4].integer,
        .has_velocity = !values[5].is_null,
        .rating_velocity = values[5].number,
        .last_updated_ms = values[6].integer,
    };
    skip_speed_below(reconcile, &batch);
    const struct stats_row *speed =
        reconcile->next < reconcile->speed_count ? &reconcile->speed_rows[reconcile->next] : NULL;
    bool there = speed && compare_keys(speed, &batch) == 0;
    if (there)
        reconcile->next++;
    if (!comparable(reconcile, batch.movie_id, batch.hour_ms))
        return true;
    reconcile->compared++;
    if (!there)
        drifted(reconcile, RECONCILE_MISSING_SPEED, batch.movie_id, batch.hour_ms);
    else if (!same_values(speed, &batch))
        drifted(reconcile, RECONCILE_VALUE, batch.movie_id, batch.hour_ms);
    return true;
}

static bool
compare_stats(struct reconcile *reconcile, struct speed *speed, struct arena *arena, GError **error)
{
    struct run_state *state = reconcile->state;
    struct engine_params params = run_state_params(state);
    if (!speed_scan_stats(speed, arena, &reconcile->speed_rows, &reconcile->speed_count, error) ||
        !run_state_need(state, "silver_hours_stats", error) ||
        !engine_select(state->engine, "sql/reconcile/stats.sql", &params, take_stats, reconcile,
                       error))
        return false;
    skip_speed_below(reconcile, NULL);
    return true;
}

static bool store_drift(struct reconcile *reconcile, GError **error)
{
    const struct run_state *state = reconcile->state;
    g_autoptr(GString) text = g_string_new(NULL);
    json_write_object(text);
    json_add_string(text, "run_id", state->manifest->run_id);
    json_add_int(text, "compared", reconcile->compared);
    for (int i = 0; i < RECONCILE_CAUSE_COUNT; i++) {
        const char *name = reconcile_cause_name((enum reconcile_cause)i);
        json_add_int(text, name, reconcile->drift[i]);
        metrics_add(state->context->metrics, METRIC_RECONCILE_DRIFT, name,
                    (uint64_t)reconcile->drift[i]);
    }
    json_write_key(text, "rows");
    json_write_array(text);
    json_write_raw(text, reconcile->list->str, reconcile->list->len);
    json_write_array_end(text);
    json_write_object_end(text);
    return lake_put(state->lake, RECONCILE_DRIFT_OBJECT, text->str, text->len, error);
}

bool reconcile_run(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    const struct config *config = state->context->config;
    int64_t now_ms = clock_now_ms(state->context->clock);
    int64_t held_ms = now_ms - config->speed_retention_ms - MS_PER_HOUR;
    struct reconcile reconcile = {
        .state = state,
        /* Held is hour + 1 h + retention > now; one hour more, as clock goes on while we look. */
        .held_from_ms = (held_ms / MS_PER_HOUR + 2) * MS_PER_HOUR,
        .partitions = (int)config->bus_partitions,
        .pairs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .unequal = g_array_new(FALSE, FALSE, sizeof(struct hour_pair)),
        .list = g_string_new(NULL),
    };
    run_state_set_int(state, "held_from_ms", reconcile.held_from_ms);
    struct arena *arena = arena_new();
    struct speed *speed = speed_open(state->context, error);
    bool done = speed && compare_counts(&reconcile, speed, arena, error) &&
                compare_stats(&reconcile, speed, arena, error) && store_drift(&reconcile, error);
    speed_close(speed);
    arena_free(arena);
    g_hash_table_unref(reconcile.pairs);
    g_array_unref(reconcile.unequal);
    g_string_free(reconcile.list, TRUE);
    if (done)
        ret_step->rows = reconcile.compared;
    return done;
}

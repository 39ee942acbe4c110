#include "serve/pulse_data.h"

#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/metrics.h"
#include "model/topic.h"
#include "serve/json_scan.h"
#include "serve/movie_list.h"

struct pulse_data {
    struct worker *worker;
    char *ranked;      /* window_end and movies of the last trending event */
    GHashTable *ranks; /* its movie ids -> ranks; NULL before the first */
    char *live;        /* the last live event */
};

struct pulse_data *pulse_data_new(struct worker *worker)
{
    struct pulse_data *data = g_new0(struct pulse_data, 1);
    data->worker = worker;
    return data;
}

void pulse_data_free(struct pulse_data *data)
{
    if (!data)
        return;
    if (data->ranks)
        g_hash_table_unref(data->ranks);
    g_free(data->ranked);
    g_free(data->live);
    g_free(data);
}

/* ---- state ---- */

static double topics_sum(struct metrics *metrics, enum metric metric)
{
    double sum = 0;
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        sum += metrics_get(metrics, metric, topic_info((enum topic)topic)->name);
    return sum;
}

/* What this process has counted: everything under `up`, nothing of other processes' work. */
static void write_counters(GString *out, struct metrics *metrics)
{
    static const char *const classes[] = {"used", "duplicate", "expired", "bad"};
    json_write_key(out, "records");
    json_write_object(out);
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
        json_add_double(out, classes[i], metrics_get(metrics, METRIC_STREAM_RECORDS, classes[i]));
    json_add_double(out, "late", metrics_get(metrics, METRIC_STREAM_LATE, NULL));
    json_write_object_end(out);
    json_add_double(out, "ingested", topics_sum(metrics, METRIC_INGEST_RECORDS));
    json_add_double(out, "produced", topics_sum(metrics, METRIC_BUS_PRODUCED));
    json_add_double(out, "tracked_movies", metrics_get(metrics, METRIC_INGEST_TRACKED, NULL));
    json_add_double(out, "lag_records", topics_sum(metrics, METRIC_STREAM_LAG_RECORDS));
    json_add_double(out, "watermark_delay_seconds",
                    metrics_get(metrics, METRIC_STREAM_WATERMARK_DELAY_SECONDS, NULL));
    json_add_double(out, "commits", metrics_get(metrics, METRIC_STREAM_COMMITS, NULL));
    json_add_double(out, "synced_rows", metrics_get(metrics, METRIC_SYNC_ROWS, NULL));
    json_add_double(out, "sync_lag_keys", metrics_get(metrics, METRIC_SYNC_LAG_KEYS, NULL));
}

static bool write_movies(GString *out,
                         struct worker *worker,
                         const struct merge *merge,
                         struct arena *arena,
                         GError **error)
{
    struct listed_movie *movies;
    size_t count;
    if (!movie_list_load(worker->view, merge, arena, &movies, &count, error))
        return false;
    json_add_int(out, "movies_known", (int64_t)count);
    json_write_key(out, "movies");
    json_write_array(out);
    for (size_t i = 0; i < MIN(count, PULSE_MOVIES); i++)
        movie_list_write(out, &movies[i]);
    json_write_array_end(out);
    return true;
}

static bool write_last_run(GString *out, struct worker *worker, struct arena *arena, GError **error)
{
    struct view_run *runs;
    size_t count;
    if (!view_runs(worker->view, 1, arena, &runs, &count, error))
        return false;
    json_write_key(out, "last_run");
    if (count)
        run_write(out, &runs[0]);
    else
        json_write_null(out);
    return true;
}

/* {"now": ..., counters, "movies": [...], "last_run": {...}, "meta": {...}} */
bool pulse_write_state(struct pulse_data *data, struct arena *arena, GString *out, GError **error)
{
    struct worker *worker = data->worker;
    const struct context *context = worker->serve->context;
    const struct merge *merge;
    worker_merge_forget(worker);
    if (!worker_merge(worker, &merge, error))
        return false;
    json_write_object(out);
    json_add_time(out, "now", clock_now_ms(context->clock));
    json_add_int(out, "monotonic_ms", clock_monotonic_ms(context->clock));
    json_add_double(out, "clock_speed", clock_speed(context->clock));
    write_counters(out, context->metrics);
    if (!write_movies(out, worker, merge, arena, error) ||
        !write_last_run(out, worker, arena, error))
        return false;
    json_write_key(out, "meta");
    merge_write_meta(merge, out);
    json_write_object_end(out);
    return true;
}

/* ---- trending ---- */

static struct span member_of(struct span object, const char *key)
{
    struct span value = {0};
    (void)json_scan_member(object, key, &value);
    return value;
}

static void add_member(GString *out, const char *key, struct span value)
{
    json_write_key(out, key);
    if (value.len)
        json_write_raw(out, value.data, value.len);
    else
        json_write_null(out);
}

static void write_rank(struct pulse_data *data, struct span movie, int64_t movie_id, GString *out)
{
    gpointer before =
        data->ranks ? g_hash_table_lookup(data->ranks, GINT_TO_POINTER((gint)movie_id)) : NULL;
    json_write_object(out);
    add_member(out, "rank", member_of(movie, "rank"));
    if (before)
        json_add_int(out, "previous_rank", GPOINTER_TO_INT(before));
    else
        json_add_null(out, "previous_rank");
    json_add_int(out, "movie_id", movie_id);
    add_member(out, "title", member_of(movie, "title"));
    add_member(out, "score", member_of(movie, "trending_score"));
    add_member(out, "velocity", member_of(movie, "velocity"));
    add_member(out, "acceleration", member_of(movie, "acceleration"));
    json_write_object_end(out);
}

/* The ranks of the window, and the table that the next one is compared with. */
static GHashTable *write_ranks(struct pulse_data *data, struct span movies, GString *out)
{
    GHashTable *ranks = g_hash_table_new(NULL, NULL);
    struct span movie;
    json_write_key(out, "movies");
    json_write_array(out);
    for (size_t at = 0;
         g_hash_table_size(ranks) < PULSE_RANKS && json_scan_next(movies, &at, NULL, &movie);) {
        int64_t movie_id, rank;
        if (!json_scan_int(member_of(movie, "movie_id"), &movie_id) || movie_id <= 0 ||
            movie_id > INT32_MAX || !json_scan_int(member_of(movie, "rank"), &rank) || rank <= 0 ||
            rank > INT32_MAX)
            continue;
        write_rank(data, movie, movie_id, out);
        g_hash_table_insert(ranks, GINT_TO_POINTER((gint)movie_id), GINT_TO_POINTER((gint)rank));
    }
    json_write_array_end(out);
    return ranks;
}

static void write_left(const struct pulse_data *data, GHashTable *ranks, GString *out)
{
    GHashTableIter iter;
    gpointer movie_id;
    json_write_key(out, "left");
    json_write_array(out);
    if (data->ranks) {
        g_hash_table_iter_init(&iter, data->ranks);
        while (g_hash_table_iter_next(&iter, &movie_id, NULL)) {
            if (!g_hash_table_contains(ranks, movie_id))
                json_write_int(out, GPOINTER_TO_INT(movie_id));
        }
    }
    json_write_array_end(out);
}

bool pulse_write_trending(struct pulse_data *data,
                          struct arena *arena,
                          GString *out,
                          GError **error)
{
    const struct merge *merge;
    struct merge_point point;
    bool found;
    if (!worker_merge(data->worker, &merge, error))
        return false;
    int64_t to_ms = merge->now_ms / MS_PER_HOUR * MS_PER_HOUR + 2 * MS_PER_HOUR;
    if (!merge_last_trending(data->worker->view, merge, to_ms, arena, &point, &found, error))
        return false;
    if (!found || g_strcmp0(data->ranked, point.json.data) == 0)
        return true;
    json_write_object(out);
    json_add_time(out, "hour", point.hour_ms);
    add_member(out, "window_end", member_of(point.json, "window_end"));
    json_add_string(out, "source", point.from_speed ? "speed" : "batch");
    GHashTable *ranks = write_ranks(data, member_of(point.json, "movies"), out);
    write_left(data, ranks, out);
    json_write_object_end(out);
    if (data->ranks)
        g_hash_table_unref(data->ranks);
    data->ranks = ranks;
    g_free(data->ranked);
    data->ranked = g_strndup(point.json.data, point.json.len);
    return true;
}

/* ---- live ---- */

struct live_metric {
    double values[PULSE_MINUTES]; /* the last one is that of the latest minute */
};

/* Calls fn for each value of a metric of the documents. */
static void each_value(const struct speed_doc *docs,
                       size_t count,
                       void (*fn)(void *user, struct span metric, int64_t minute_ms, double value),
                       void *user)
{
    for (size_t i = 0; i < count; i++) {
        struct span metrics = member_of(json_scan_text(docs[i].data), "metrics"), name, values;
        for (size_t at = 0; json_scan_next(metrics, &at, &name, &values);) {
            struct span object;
            int64_t minute_ms;
            double value;
            for (size_t from = 0; json_scan_next(values, &from, NULL, &object);) {
                if (json_scan_time(member_of(object, "window_start"), &minute_ms) &&
                    json_scan_double(member_of(object, "value"), &value))
                    fn(user, name, minute_ms, value);
            }
        }
    }
}

static void find_latest(void *user, struct span metric, int64_t minute_ms, double value)
{
    (void)metric, (void)value;
    int64_t *latest_ms = user;
    *latest_ms = MAX(*latest_ms, minute_ms);
}

struct live_table {
    GTree *metrics; /* name -> struct live_metric, by name */
    int64_t latest_ms;
    struct arena *arena;
};

static void take_value(void *user, struct span name, int64_t minute_ms, double value)
{
    struct live_table *table = user;
    int64_t ago = (table->latest_ms - minute_ms) / MS_PER_MINUTE;
    if (ago < 0 || ago >= PULSE_MINUTES)
        return;
    const char *key = arena_strndup(table->arena, name.data, name.len);
    struct live_metric *metric = g_tree_lookup(table->metrics, key);
    if (!metric) {
        metric = arena_new0(table->arena, struct live_metric);
        g_tree_insert(table->metrics, (gpointer)key, metric);
    }
    metric->values[PULSE_MINUTES - 1 - ago] = value;
}

static gboolean write_metric(gpointer key, gpointer value, gpointer user)
{
    const struct live_metric *metric = value;
    GString *out = user;
    json_write_key(out, key);
    json_write_array(out);
    for (size_t i = 0; i < PULSE_MINUTES; i++)
        json_write_double(out, metric->values[i]);
    json_write_array_end(out);
    return FALSE;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

/* {"minute": the latest, "metrics": {"events.view": [60 values up to it], ...}} */
static void write_live(const struct speed_doc *docs,
                       size_t count,
                       int64_t latest_ms,
                       struct arena *arena,
                       GString *out)
{
    struct live_table table = {g_tree_new(compare_names), latest_ms, arena};
    each_value(docs, count, take_value, &table);
    json_write_object(out);
    json_add_time(out, "minute", latest_ms);
    json_write_key(out, "metrics");
    json_write_object(out);
    g_tree_foreach(table.metrics, write_metric, out);
    json_write_object_end(out);
    json_write_object_end(out);
    g_tree_unref(table.metrics);
}

bool pulse_write_live(struct pulse_data *data, struct arena *arena, GString *out, GError **error)
{
    const struct merge *merge;
    struct speed_doc *docs;
    size_t count;
    if (!worker_merge(data->worker, &merge, error))
        return false;
    int64_t hour_ms = merge->now_ms / MS_PER_HOUR * MS_PER_HOUR;
    if (!view_query_speed(data->worker->view, "live", 0, hour_ms - 2 * MS_PER_HOUR,
                          hour_ms + 2 * MS_PER_HOUR, arena, &docs, &count, error))
        return false;
    int64_t latest_ms = -1;
    each_value(docs, count, find_latest, &latest_ms);
    if (latest_ms < 0)
        return true;
    g_autoptr(GString) event = g_string_new(NULL);
    write_live(docs, count, latest_ms, arena, event);
    if (g_strcmp0(data->live, event->str) == 0)
        return true;
    g_free(data->live);
    data->live = g_strdup(event->str);
    g_string_append_len(out, event->str, (gssize)event->len);
    return true;
}

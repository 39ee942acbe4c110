/* marquee status: one look at the stores; it needs no running process and disturbs none. Only how
 * long commits take is known to the process that makes them: where one answers on serve.host and
 * serve.port, its /metrics is asked. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/metrics_text.h"
#include "base/stop.h"
#include "base/text_table.h"
#include "bus/bus.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "net/http_client.h"
#include "stream/stream_cluster.h"
#include "stream/stream_status.h"
#include "view/view.h"

#define RUNS_SHOWN      5
#define LATE_SHOWN      5
#define METRICS_WAIT_MS 10000
#define LAG_FETCH_BYTES 1 /* one record is enough: it says since when it waits */
#define LAG_UNKNOWN     (-1.0)

/* Shares of the commits: "p50" and so on. */
static const struct {
    const char *name;
    double share;
} commit_quantiles[] = {{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}};

/* A topic's totals over its partitions. */
struct topic_status {
    const char *name;
    bool is_input; /* the stream reads it; the others are outputs, of which only end is known */
    int64_t end, lag_records, used, duplicate, expired, bad, late;
    double lag_s; /* how long the record that waits longest has stood on the bus; LAG_UNKNOWN */
};

struct status {
    struct app *app;
    struct arena *arena;
    struct bus *bus;
    struct view *view;
    int64_t now_ms;
    bool streamed; /* the engine has run before */
    struct stream_status stream;
    struct late_entry *late; /* the newest of the ledger */
    size_t late_count;
    struct metrics_histogram commits; /* count 0: nobody says */
    struct topic_status *topics;
    size_t topics_count;
    struct view_generation generation;
    int64_t feed_position, synced_at_ms;
    struct view_run *runs;
    size_t runs_count;
};

static bool status_read(struct status *status, GError **error)
{
    const struct context *context = &status->app->context;
    g_autoptr(GError) stream_error = NULL;
    status->now_ms = clock_now_ms(context->clock);
    status->streamed = stream_status_read(context, status->arena, &status->stream, &stream_error);
    if (!status->streamed && !error_is(stream_error, NOTFOUND)) {
        g_propagate_error(error, g_steal_pointer(&stream_error));
        return false;
    }
    g_clear_error(&stream_error);
    if (status->streamed &&
        !stream_status_late(context, status->arena, LATE_SHOWN, &status->late, &status->late_count,
                            &stream_error) &&
        !error_is(stream_error, NOTFOUND)) {
        g_propagate_error(error, g_steal_pointer(&stream_error));
        return false;
    }
    return (status->bus = bus_open(context, error)) && (status->view = view_open(context, error)) &&
           view_current(status->view, status->arena, &status->generation, error) &&
           view_sync_position(status->view, &status->feed_position, &status->synced_at_ms, error) &&
           view_runs(status->view, RUNS_SHOWN, status->arena, &status->runs, &status->runs_count,
                     error);
}

static void status_close(struct status *status)
{
    view_close(status->view);
    bus_close(status->bus);
    arena_free(status->arena);
}

/* The topics that the stream reads; the others are outputs. */
static bool is_input(const char *topic)
{
    return g_str_has_prefix(topic, "movie.r") || g_str_equal(topic, "movie.metadata") ||
           g_str_equal(topic, "user.events");
}

/* Where the stream goes on reading. */
static int64_t next_offset(const struct status *status, const char *topic, int partition)
{
    int64_t committed;
    /* On Kafka its tasks may be other machines': their group knows. */
    if (g_str_equal(status->app->config->bus_backend, "kafka") &&
        bus_group_offset(status->bus, STREAM_GROUP, topic, partition, &committed, NULL))
        return committed;
    for (size_t i = 0; i < status->stream.partitions_count; i++) {
        const struct stream_partition_status *read = &status->stream.partitions[i];
        if (g_str_equal(read->topic, topic) && read->partition == partition)
            return read->next_offset;
    }
    return 0;
}

/* How long the first record at or behind offset has waited. */
static bool waited(struct status *status,
                   const char *topic,
                   int partition,
                   int64_t offset,
                   double *ret_s,
                   GError **error)
{
    struct bus_batch batch;
    if (!bus_fetch(status->bus, topic, partition, offset, LAG_FETCH_BYTES, status->arena, &batch,
                   error))
        return false;
    *ret_s = LAG_UNKNOWN;
    if (batch.count)
        *ret_s = (double)MAX(0, status->now_ms - batch.records[0].append_time_ms) /
                 (double)MS_PER_SECOND;
    return true;
}

static bool
add_partition(struct status *status, struct topic_status *topic, int partition, GError **error)
{
    int64_t start, end;
    if (!bus_offsets(status->bus, topic->name, partition, &start, &end, error))
        return false;
    topic->end += end;
    int64_t next = MAX(next_offset(status, topic->name, partition), start);
    if (!topic->is_input || next >= end)
        return true;
    topic->lag_records += end - next;
    double lag_s;
    if (!waited(status, topic->name, partition, next, &lag_s, error))
        return false;
    topic->lag_s = topic->lag_s == LAG_UNKNOWN || lag_s == LAG_UNKNOWN ? LAG_UNKNOWN
                                                                       : MAX(topic->lag_s, lag_s);
    return true;
}

static void add_counts(const struct status *status, struct topic_status *topic)
{
    for (size_t i = 0; i < status->stream.partitions_count; i++) {
        const struct stream_partition_status *read = &status->stream.partitions[i];
        if (!g_str_equal(read->topic, topic->name))
            continue;
        topic->used += read->used;
        topic->duplicate += read->duplicate;
        topic->expired += read->expired;
        topic->bad += read->bad;
        topic->late += read->late;
    }
}

static bool read_topics(struct status *status, GError **error)
{
    struct bus_topic *topics;
    size_t count;
    if (!bus_topics(status->bus, status->arena, &topics, &count, error))
        return false;
    status->topics = arena_array(status->arena, struct topic_status, count);
    status->topics_count = count;
    for (size_t i = 0; i < count; i++) {
        struct topic_status *topic = &status->topics[i];
        *topic =
            (struct topic_status){.name = topics[i].name, .is_input = is_input(topics[i].name)};
        for (int partition = 0; partition < topics[i].partitions; partition++) {
            if (!add_partition(status, topic, partition, error))
                return false;
        }
        add_counts(status, topic);
    }
    return true;
}

static void take_metrics(const struct http_answer *answer, void *user)
{
    struct status *status = user;
    struct metrics_histogram commits;
    if (answer->status == 200 &&
        metrics_text_histogram(answer->body, METRIC_STREAM_COMMIT_SECONDS, &commits))
        status->commits = commits;
}

/* Nobody there, or a key is needed: then it isn't known. */
static void ask_commits(struct status *status)
{
    const struct config *config = status->app->config;
    const struct http_client_options options = {.concurrency = 1, .timeout_ms = METRICS_WAIT_MS};
    bool v6 = strchr(config->serve_host, ':') != NULL;
    const char *url = arena_printf(status->arena, "http://%s%s%s:%d/metrics", v6 ? "[" : "",
                                   config->serve_host, v6 ? "]" : "", (int)config->serve_port);
    struct http_client *client =
        config->serve_port ? http_client_new(&status->app->context, &options, NULL) : NULL;
    if (client && http_client_get(client, url, take_metrics, status, NULL)) {
        while (http_client_pending(client) && !stop_requested(status->app->context.stop))
            http_client_run(client, METRICS_WAIT_MS);
    }
    http_client_free(client);
}

/* "3 min ago", in the world's time. */
static const char *age(struct status *status, int64_t time_ms)
{
    double seconds = (double)(status->now_ms - time_ms) / (double)MS_PER_SECOND;
    if (seconds < 120)
        return arena_printf(status->arena, "%.0f s ago", MAX(0, seconds));
    if (seconds < 7200)
        return arena_printf(status->arena, "%.0f min ago", seconds / 60);
    return arena_printf(status->arena, "%.1f h ago", seconds / 3600);
}

static const char *iso(struct status *status, int64_t time_ms)
{
    char buffer[CLOCK_ISO_BYTES];
    return arena_strdup(status->arena, clock_iso8601(time_ms, buffer));
}

/* "2026-03-03 12:35": a table has no room for more. */
static const char *minute(struct status *status, int64_t time_ms)
{
    char buffer[CLOCK_ISO_BYTES];
    clock_iso8601(time_ms, buffer);
    return arena_printf(status->arena, "%.10s %.5s", buffer, buffer + sizeof "2026-03-03");
}

static const char *late_value(struct status *status, const struct late_value *value)
{
    return value->has ? arena_printf(status->arena, "%g", value->value) : "nothing";
}

static const char *seconds_text(struct status *status, double seconds)
{
    return seconds == LAG_UNKNOWN ? "?" : arena_printf(status->arena, "%.1f", seconds);
}

/* Over all inputs: the records, and the longest wait. */
static int64_t lag(const struct status *status, double *ret_s)
{
    int64_t records = 0;
    *ret_s = 0;
    for (size_t i = 0; i < status->topics_count; i++) {
        const struct topic_status *topic = &status->topics[i];
        records += topic->lag_records;
        *ret_s = *ret_s == LAG_UNKNOWN || topic->lag_s == LAG_UNKNOWN ? LAG_UNKNOWN
                                                                      : MAX(*ret_s, topic->lag_s);
    }
    return records;
}

static void print_stream(struct status *status)
{
    double lag_s;
    int64_t lag_records = lag(status, &lag_s);
    if (status->stream.watermark_known)
        printf("stream     watermark %s (%s)\n", iso(status, status->stream.watermark_ms),
               age(status, status->stream.watermark_ms));
    else
        printf("stream     %s\n", status->streamed
                                      ? "no watermark yet: a silent partition holds it back"
                                      : "has not run yet: marquee up, or marquee run stream");
    printf("lag        %" G_GINT64_FORMAT " records, the oldest %s s on the bus\n", lag_records,
           seconds_text(status, lag_s));
    if (status->commits.count) {
        printf("commits    ");
        for (size_t i = 0; i < G_N_ELEMENTS(commit_quantiles); i++)
            printf("%s%s %.1f ms", i ? ", " : "", commit_quantiles[i].name,
                   1000 * metrics_histogram_quantile(&status->commits, commit_quantiles[i].share));
        printf(" of %" G_GUINT64_FORMAT " (port %d)\n", status->commits.count,
               (int)status->app->config->serve_port);
    } else {
        printf("commits    not known: no process that streams answers on port %d\n",
               (int)status->app->config->serve_port);
    }
}

/* ---- tables: 80 columns hold them as long as no number needs more than eight digits ---- */

struct column {
    const char *name;
    bool is_number;
};

static struct text_table *table_new(const struct column *columns, size_t count)
{
    struct text_table *table = text_table_new(count);
    for (size_t i = 0; i < count; i++) {
        text_table_add(table, columns[i].name, -1);
        if (columns[i].is_number)
            text_table_align_right(table, i);
    }
    return table;
}

static void add_row(struct text_table *table, const char *const *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_table_add(table, cells[i], -1);
}

static void table_print(struct text_table *table)
{
    putchar('\n');
    text_table_print(table, stdout);
    text_table_free(table);
}

static void print_late(struct status *status)
{
    static const struct column columns[] = {{"LATE RECORD", false}, {"MOVIE", true},
                                            {"WINDOW", false},      {"MIN LATE", true},
                                            {"BEFORE", true},       {"AFTER", true}};
    if (!status->late_count)
        return;
    struct text_table *table = table_new(columns, G_N_ELEMENTS(columns));
    for (size_t i = 0; i < status->late_count; i++) {
        const struct late_entry *entry = &status->late[i];
        const char *const cells[G_N_ELEMENTS(columns)] = {
            arena_printf(status->arena, "%s/%d/%" G_GINT64_FORMAT, entry->topic, entry->partition,
                         entry->offset),
            arena_printf(status->arena, "%d", entry->movie_id),
            minute(status, entry->window_start_ms),
            arena_printf(status->arena, "%.1f", (double)entry->late_ms / (double)MS_PER_MINUTE),
            late_value(status, &entry->before),
            late_value(status, &entry->after),
        };
        add_row(table, cells, G_N_ELEMENTS(cells));
    }
    table_print(table);
}

static void print_layers(struct status *status)
{
    printf("clock      %s\n", iso(status, status->now_ms));
    print_stream(status);
    if (status->synced_at_ms)
        printf("sync       %s, feed position %" G_GINT64_FORMAT "\n",
               age(status, status->synced_at_ms), status->feed_position);
    else
        printf("sync       has not run yet: marquee up, or marquee run sync\n");
    if (status->generation.generation)
        printf("batch      %s through %s (%s)\n", status->generation.batch_run_id,
               iso(status, status->generation.through_ms),
               age(status, status->generation.through_ms));
    else
        printf("batch      nothing is published yet: marquee batch run\n");
}

static const char *number(struct status *status, const struct topic_status *topic, int64_t value)
{
    return topic->is_input ? arena_printf(status->arena, "%" G_GINT64_FORMAT, value) : "-";
}

static void print_topics(struct status *status)
{
    static const struct column columns[] = {{"TOPIC", false},  {"RECORDS", true}, {"LAG", true},
                                            {"LAG S", true},   {"USED", true},    {"DUPL", true},
                                            {"EXPIRED", true}, {"BAD", true},     {"LATE", true}};
    struct text_table *table = table_new(columns, G_N_ELEMENTS(columns));
    for (size_t i = 0; i < status->topics_count; i++) {
        const struct topic_status *topic = &status->topics[i];
        const char *const cells[G_N_ELEMENTS(columns)] = {
            topic->name,
            arena_printf(status->arena, "%" G_GINT64_FORMAT, topic->end),
            number(status, topic, topic->lag_records),
            topic->is_input ? seconds_text(status, topic->lag_s) : "-",
            number(status, topic, topic->used),
            number(status, topic, topic->duplicate),
            number(status, topic, topic->expired),
            number(status, topic, topic->bad),
            number(status, topic, topic->late),
        };
        add_row(table, cells, G_N_ELEMENTS(cells));
    }
    table_print(table);
}

static void print_runs(struct status *status)
{
    static const struct column columns[] = {
        {"BATCH RUN", false}, {"STARTED", false}, {"STATE", false}};
    struct text_table *table = table_new(columns, G_N_ELEMENTS(columns));
    for (size_t i = 0; i < status->runs_count; i++) {
        const struct view_run *run = &status->runs[i];
        const char *const cells[G_N_ELEMENTS(columns)] = {run->run_id, iso(status, run->started_ms),
                                                          run->state};
        add_row(table, cells, G_N_ELEMENTS(cells));
    }
    table_print(table);
}

static void add_seconds(GString *out, const char *key, double seconds)
{
    if (seconds == LAG_UNKNOWN)
        json_add_null(out, key);
    else
        json_add_double(out, key, seconds);
}

static void write_topics(const struct status *status, GString *out)
{
    json_write_key(out, "topics");
    json_write_array(out);
    for (size_t i = 0; i < status->topics_count; i++) {
        const struct topic_status *topic = &status->topics[i];
        json_write_object(out);
        json_add_string(out, "topic", topic->name);
        json_add_int(out, "records", topic->end);
        if (topic->is_input) {
            json_add_int(out, "lag_records", topic->lag_records);
            add_seconds(out, "lag_seconds", topic->lag_s);
            json_add_int(out, "used", topic->used);
            json_add_int(out, "duplicate", topic->duplicate);
            json_add_int(out, "expired", topic->expired);
            json_add_int(out, "bad", topic->bad);
            json_add_int(out, "late", topic->late);
        }
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void add_late_value(GString *out, const char *key, const struct late_value *value)
{
    if (value->has)
        json_add_double(out, key, value->value);
    else
        json_add_null(out, key);
}

static void write_late(const struct status *status, GString *out)
{
    json_write_key(out, "late_records");
    json_write_array(out);
    for (size_t i = 0; i < status->late_count; i++) {
        const struct late_entry *entry = &status->late[i];
        json_write_object(out);
        json_add_string(out, "topic", entry->topic);
        json_add_int(out, "partition", entry->partition);
        json_add_int(out, "offset", entry->offset);
        json_add_int(out, "movie_id", entry->movie_id);
        json_add_time(out, "window_start", entry->window_start_ms);
        json_add_double(out, "late_seconds", (double)entry->late_ms / (double)MS_PER_SECOND);
        add_late_value(out, "before", &entry->before);
        add_late_value(out, "after", &entry->after);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void write_commits(const struct status *status, GString *out)
{
    json_write_key(out, "commits");
    if (!status->commits.count) {
        json_write_null(out);
        return;
    }
    json_write_object(out);
    json_add_int(out, "count", (int64_t)status->commits.count);
    for (size_t i = 0; i < G_N_ELEMENTS(commit_quantiles); i++) {
        g_autofree char *key = g_strconcat(commit_quantiles[i].name, "_seconds", NULL);
        json_add_double(out, key,
                        metrics_histogram_quantile(&status->commits, commit_quantiles[i].share));
    }
    json_write_object_end(out);
}

static void write_runs(const struct status *status, GString *out)
{
    json_write_key(out, "runs");
    json_write_array(out);
    for (size_t i = 0; i < status->runs_count; i++) {
        json_write_object(out);
        json_add_string(out, "run_id", status->runs[i].run_id);
        json_add_time(out, "started_at", status->runs[i].started_ms);
        json_add_string(out, "state", status->runs[i].state);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void write_json(const struct status *status, GString *out)
{
    double lag_s;
    int64_t lag_records = lag(status, &lag_s);
    json_write_object(out);
    json_add_time(out, "now", status->now_ms);
    if (status->stream.watermark_known) {
        json_add_time(out, "watermark", status->stream.watermark_ms);
        json_add_double(out, "watermark_delay_seconds",
                        (double)(status->now_ms - status->stream.watermark_ms) /
                            (double)MS_PER_SECOND);
    }
    json_add_int(out, "lag_records", lag_records);
    add_seconds(out, "lag_seconds", lag_s);
    write_commits(status, out);
    if (status->synced_at_ms)
        json_add_time(out, "synced_at", status->synced_at_ms);
    json_add_int(out, "generation", status->generation.generation);
    if (status->generation.generation) {
        json_add_string(out, "batch_run_id", status->generation.batch_run_id);
        json_add_time(out, "batch_through", status->generation.through_ms);
    }
    write_topics(status, out);
    write_late(status, out);
    write_runs(status, out);
    json_write_object_end(out);
    g_string_append_c(out, '\n');
}

static void print_all(struct status *status)
{
    if (!status->app->options.json) {
        print_layers(status);
        print_topics(status);
        print_late(status);
        print_runs(status);
        return;
    }
    g_autoptr(GString) out = g_string_new(NULL);
    write_json(status, out);
    fputs(out->str, stdout);
}

/* Reads all, then prints: an error leaves half an answer nowhere. */
static bool look(struct status *status, GError **error)
{
    if (!status_read(status, error) || !read_topics(status, error))
        return false;
    ask_commits(status);
    print_all(status);
    return true;
}

int cmd_status(int argc, char **argv)
{
    struct app app = {0};
    int code = EXIT_USAGE;
    if (!app_parse(&app, &argc, &argv, NULL,
                   "What the stores say: how far each layer is, what waits, the last batch runs.",
                   NULL)) {
        app_end(&app);
        return code;
    }
    if (argc != 1)
        app_usage("status", "takes no argument, found \"%s\"", argv[1]);
    else if (app_start(&app)) {
        struct status status = {.app = &app, .arena = arena_new()};
        g_autoptr(GError) error = NULL;
        code = look(&status, &error) ? EXIT_DONE : app_fail(error);
        status_close(&status);
    }
    app_end(&app);
    return code;
}

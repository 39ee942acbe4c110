/* marquee status: one look at the stores; it needs no running process and disturbs none. */
#include <stdio.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "bus/bus.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "stream/stream_status.h"
#include "view/view.h"

#define RUNS_SHOWN 5
#define LATE_SHOWN 1

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

/* A topic's totals over its partitions. */
struct topic_status {
    int64_t end, lag_records, used, duplicate, expired, bad, late;
};

static bool topic_status_read(struct status *status,
                              const char *topic,
                              int partitions,
                              struct topic_status *ret_totals,
                              GError **error)
{
    struct topic_status totals = {0};
    for (int partition = 0; partition < partitions; partition++) {
        int64_t start, end;
        if (!bus_offsets(status->bus, topic, partition, &start, &end, error))
            return false;
        totals.end += end;
    }
    totals.lag_records = totals.end;
    for (size_t i = 0; i < status->stream.partitions_count; i++) {
        const struct stream_partition_status *read = &status->stream.partitions[i];
        if (!g_str_equal(read->topic, topic))
            continue;
        totals.lag_records -= read->next_offset;
        totals.used += read->used;
        totals.duplicate += read->duplicate;
        totals.expired += read->expired;
        totals.bad += read->bad;
        totals.late += read->late;
    }
    *ret_totals = totals;
    return true;
}

/* The topics that the stream reads; the others are outputs. */
static bool is_input(const char *topic)
{
    return g_str_has_prefix(topic, "movie.r") || g_str_equal(topic, "movie.metadata") ||
           g_str_equal(topic, "user.events");
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

static const char *late_value(struct status *status, const struct late_value *value)
{
    return value->has ? arena_printf(status->arena, "%g", value->value) : "nothing";
}

/* The last late record; the counts by topic stand in the table. */
static void print_late(struct status *status, const struct late_entry *entry)
{
    printf(
        "late       last: %s, movie %d, window %s, %.1f min behind the watermark; %s became %s\n",
        entry->topic, entry->movie_id, iso(status, entry->window_start_ms),
        (double)entry->late_ms / (double)MS_PER_MINUTE, late_value(status, &entry->before),
        late_value(status, &entry->after));
}

static void print_layers(struct status *status)
{
    printf("clock      %s\n", iso(status, status->now_ms));
    if (status->stream.watermark_known)
        printf("stream     watermark %s (%s)\n", iso(status, status->stream.watermark_ms),
               age(status, status->stream.watermark_ms));
    else
        printf("stream     %s\n", status->streamed
                                      ? "no watermark yet: a partition without records holds it "
                                        "back for stream.idle_timeout"
                                      : "has not run yet: marquee up, or marquee run stream");
    if (status->late_count)
        print_late(status, &status->late[0]);
    if (status->synced_at_ms)
        printf("sync       %s, feed position %" G_GINT64_FORMAT "\n",
               age(status, status->synced_at_ms), status->feed_position);
    else
        printf("sync       has not run yet: marquee up, or marquee run sync\n");
    if (status->generation.generation)
        printf("batch      %s, complete through %s (%s)\n", status->generation.batch_run_id,
               iso(status, status->generation.through_ms),
               age(status, status->generation.through_ms));
    else
        printf("batch      nothing is published yet: marquee batch run\n");
}

static bool print_topics(struct status *status, GError **error)
{
    struct bus_topic *topics;
    size_t count;
    if (!bus_topics(status->bus, status->arena, &topics, &count, error))
        return false;
    printf("\n%-20s %12s %10s %12s %10s %9s %8s %8s\n", "TOPIC", "RECORDS", "LAG", "USED",
           "DUPLICATE", "EXPIRED", "BAD", "LATE");
    for (size_t i = 0; i < count; i++) {
        struct topic_status totals;
        if (!topic_status_read(status, topics[i].name, topics[i].partitions, &totals, error))
            return false;
        printf("%-20s %12" G_GINT64_FORMAT, topics[i].name, totals.end);
        if (is_input(topics[i].name))
            printf(" %10" G_GINT64_FORMAT " %12" G_GINT64_FORMAT " %10" G_GINT64_FORMAT
                   " %9" G_GINT64_FORMAT " %8" G_GINT64_FORMAT " %8" G_GINT64_FORMAT,
                   totals.lag_records, totals.used, totals.duplicate, totals.expired, totals.bad,
                   totals.late);
        putchar('\n');
    }
    return true;
}

static void print_runs(struct status *status)
{
    printf("\n%-36s %-22s %-8s\n", "BATCH RUN", "STARTED", "STATE");
    for (size_t i = 0; i < status->runs_count; i++)
        printf("%-36s %-22s %-8s\n", status->runs[i].run_id,
               iso(status, status->runs[i].started_ms), status->runs[i].state);
}

static bool write_json(struct status *status, GString *out, GError **error)
{
    struct bus_topic *topics;
    size_t count;
    if (!bus_topics(status->bus, status->arena, &topics, &count, error))
        return false;
    json_write_object(out);
    json_add_time(out, "now", status->now_ms);
    if (status->stream.watermark_known)
        json_add_time(out, "watermark", status->stream.watermark_ms);
    if (status->synced_at_ms)
        json_add_time(out, "synced_at", status->synced_at_ms);
    json_add_int(out, "generation", status->generation.generation);
    if (status->generation.generation) {
        json_add_string(out, "batch_run_id", status->generation.batch_run_id);
        json_add_time(out, "batch_through", status->generation.through_ms);
    }
    json_write_key(out, "topics");
    json_write_array(out);
    for (size_t i = 0; i < count; i++) {
        struct topic_status totals;
        if (!topic_status_read(status, topics[i].name, topics[i].partitions, &totals, error))
            return false;
        json_write_object(out);
        json_add_string(out, "topic", topics[i].name);
        json_add_int(out, "records", totals.end);
        if (is_input(topics[i].name)) {
            json_add_int(out, "lag_records", totals.lag_records);
            json_add_int(out, "used", totals.used);
            json_add_int(out, "duplicate", totals.duplicate);
            json_add_int(out, "expired", totals.expired);
            json_add_int(out, "bad", totals.bad);
            json_add_int(out, "late", totals.late);
        }
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_write_object_end(out);
    g_string_append_c(out, '\n');
    return true;
}

static bool print_all(struct status *status, GError **error)
{
    if (!status->app->options.json) {
        print_layers(status);
        if (!print_topics(status, error))
            return false;
        print_runs(status);
        return true;
    }
    g_autoptr(GString) out = g_string_new(NULL);
    if (!write_json(status, out, error))
        return false;
    fputs(out->str, stdout);
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
        code = status_read(&status, &error) && print_all(&status, &error) ? EXIT_DONE
                                                                          : app_fail(error);
        status_close(&status);
    }
    app_end(&app);
    return code;
}

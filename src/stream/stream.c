#include "stream/stream.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "bus/bus.h"
#include "model/db.h"
#include "speed/speed_sqlite.h"
#include "stream/gauges.h"
#include "stream/hour_count.h"
#include "stream/intake.h"
#include "stream/late_ledger.h"
#include "stream/live.h"
#include "stream/outbox.h"
#include "stream/ranker.h"
#include "stream/task.h"
#include "stream/window.h"

/* Page cache of the engine's connection: the pages of the newest hours. */
#define STREAM_CACHE_BYTES (16 * 1024 * 1024)
/* Pages of WAL after which SQLite copies them into the file: so many that a page which several
 * commits change is copied once (measured: a fifth less time than with SQLite's 1000). */
#define STREAM_WAL_PRAGMA "PRAGMA wal_autocheckpoint = 8000"
#define US_PER_SECOND     1e6

const char *const stream_failpoints[] = {
    "stream.commit.begin",       /* nothing done yet */
    "stream.commit.deadletters", /* dead letters are on the bus */
    "stream.commit.collected",   /* rows are computed */
    "stream.commit.transaction", /* the transaction is open */
    "stream.commit.state",       /* state and offsets are in it */
    "stream.commit.ranked",      /* measures, rankings and the outbox are in it */
    "stream.commit.speed",       /* speed tables and feed are in it */
    "stream.commit.committed",   /* it is committed */
    "stream.commit.published",   /* the outbox is on the bus (outbox.c) */
    "stream.commit.done",        /* and removed */
    NULL,
};

struct stream {
    const struct context *context;
    struct bus *bus;
    struct serde *serde;
    struct stream_settings settings;
    struct sql_file *sql;
    sqlite3 *db;
    struct speed *speed;
    struct position_store *store;
    struct outbox *outbox;
    struct ranker *ranker;
    struct live *live;
    struct late_ledger *late_ledger;
    struct task **tasks; /* settings.partitions of them */
    struct arena *arena; /* of one fetch */
    struct intake *intake;
    struct output output;
    int64_t last_commit_monotonic_ms, gauges_monotonic_ms;
    bool broken; /* an error left memory half changed: read the last commit again first */
};

/* ---- open and close ---- */

static bool create_topics(struct stream *stream, GError **error)
{
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        if (!bus_create_topic(stream->bus, topic_info(topic)->name, stream->settings.partitions,
                              error))
            return false;
    }
    return true;
}

static bool open_tasks(struct stream *stream, GError **error)
{
    int64_t monotonic_ms = clock_monotonic_ms(stream->context->clock);
    stream->tasks = g_new0(struct task *, stream->settings.partitions);
    for (int p = 0; p < stream->settings.partitions; p++) {
        stream->tasks[p] = task_open(stream->db, stream->sql, stream->store, &stream->settings,
                                     stream->live, p, monotonic_ms, error);
        if (!stream->tasks[p])
            return false;
        for (unsigned input = 0; input < INPUT_COUNT; input++) {
            if (!position_check(&stream->tasks[p]->positions[input], stream->bus,
                                topic_info(input_topics[input])->name, p, error))
                return false;
        }
    }
    return true;
}

static unsigned input_of(const char *topic)
{
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        if (strcmp(topic_info(input_topics[input])->name, topic) == 0)
            return input;
    }
    return INPUT_COUNT;
}

/* The counts of held hours go on from what the speed table has. */
static bool load_hour_counts(struct stream *stream, GError **error)
{
    struct hour_count_row *rows;
    size_t count;
    if (!speed_read_hour_counts(stream->speed, INT64_MIN, INT64_MAX, stream->arena, &rows, &count,
                                error))
        return false;
    for (size_t i = 0; i < count; i++) {
        unsigned input = input_of(rows[i].topic);
        if (input == INPUT_COUNT || rows[i].partition < 0 ||
            rows[i].partition >= stream->settings.partitions)
            continue;
        GArray *counts = stream->tasks[rows[i].partition]->hour_counts[input];
        hour_count_add(counts, hour_of(rows[i].hour_ms), rows[i].used_records);
        g_array_index(counts, struct hour_count, counts->len - 1).dirty = false;
    }
    arena_reset(stream->arena);
    return true;
}

static bool open_files(struct stream *stream, GError **error)
{
    const struct db_options options = {.sync = DB_SYNC_NORMAL, .cache_bytes = STREAM_CACHE_BYTES};
    g_autofree char *path = config_path(stream->context->config, SPEED_SQLITE_FILE);
    stream->db = db_open(path, &options, error);
    if (!stream->db || !db_exec(stream->db, STREAM_WAL_PRAGMA, error))
        return false;
    stream->sql = sql_file_load("contracts/stream.sql");
    stream->speed = speed_sqlite_attach(stream->context, stream->db, error);
    if (!stream->speed || !db_exec(stream->db, sql_file_get(stream->sql, "schema"), error))
        return false;
    if (!db_exec(stream->db, sql_file_get(stream->sql, "ranker_schema"), error) ||
        !db_exec(stream->db, sql_file_get(stream->sql, "live_schema"), error))
        return false;
    stream->store = position_store_new(stream->db, stream->sql, error);
    stream->outbox =
        stream->store ? outbox_new(stream->db, stream->sql, stream->serde, error) : NULL;
    if (stream->outbox)
        stream->ranker = ranker_open(stream->db, stream->sql, &stream->settings, stream->outbox,
                                     clock_monotonic_ms(stream->context->clock), error);
    stream->live = stream->ranker ? live_new(stream->db, stream->sql, error) : NULL;
    stream->late_ledger = stream->live ? late_ledger_new(stream->db, stream->sql, error) : NULL;
    return stream->late_ledger != NULL;
}

struct stream *
stream_open(const struct context *context, struct bus *bus, struct serde *serde, GError **error)
{
    struct stream *stream = g_new0(struct stream, 1);
    stream->context = context;
    stream->bus = bus;
    stream->serde = serde;
    stream->arena = arena_new();
    output_init(&stream->output);
    stream->intake = intake_new(context, serde, &stream->settings);
    stream->last_commit_monotonic_ms = clock_monotonic_ms(context->clock);
    if (!stream_settings_read(&stream->settings, context->config, error) ||
        !open_files(stream, error) || !create_topics(stream, error) || !open_tasks(stream, error) ||
        !load_hour_counts(stream, error)) {
        stream_close(stream);
        return NULL;
    }
    return stream;
}

void stream_close(struct stream *stream)
{
    if (!stream)
        return;
    for (int p = 0; stream->tasks && p < stream->settings.partitions; p++)
        task_close(stream->tasks[p]);
    g_free(stream->tasks);
    late_ledger_free(stream->late_ledger);
    live_free(stream->live);
    ranker_close(stream->ranker);
    outbox_free(stream->outbox);
    position_store_free(stream->store);
    speed_close(stream->speed);
    db_close(stream->db);
    sql_file_free(stream->sql);
    output_free(&stream->output);
    intake_free(stream->intake);
    arena_free(stream->arena);
    g_free(stream);
}

/* Drops all of memory and reads the last commit again: what came since is read again from the bus.
 */
static bool reload(struct stream *stream, GError **error)
{
    for (int p = 0; stream->tasks && p < stream->settings.partitions; p++)
        task_close(stream->tasks[p]);
    g_clear_pointer(&stream->tasks, g_free);
    intake_clear(stream->intake);
    late_ledger_clear(stream->late_ledger);
    live_free(stream->live);
    stream->live = live_new(stream->db, stream->sql, error);
    stream->broken = !stream->live || !ranker_rolled_back(stream->ranker, error) ||
                     !open_tasks(stream, error) || !load_hour_counts(stream, error);
    return !stream->broken;
}

/* ---- reading ---- */

static bool read_partition(
    struct stream *stream, struct task *task, unsigned input, bool *ret_idle, GError **error)
{
    struct position *position = &task->positions[input];
    struct bus_batch batch;
    arena_reset(stream->arena);
    if (!bus_fetch(stream->bus, topic_info(input_topics[input])->name, task->partition,
                   position->next_offset, STREAM_FETCH_BYTES, stream->arena, &batch, error))
        return false;
    *ret_idle = batch.count == 0;
    if (batch.count == 0) {
        watermark_pass(&task->watermark, clock_monotonic_ms(stream->context->clock));
        position->end_offset = batch.end_offset;
        return true;
    }
    if (intake_take(stream->intake, task, stream->late_ledger, input, &batch, error))
        return true;
    stream->broken = task->half_done;
    return false;
}

/* Also while nothing comes: time goes on, and partitions become idle. */
static void set_gauges(struct stream *stream)
{
    struct metrics *metrics = stream->context->metrics;
    const int64_t now_ms = clock_now_ms(stream->context->clock);
    struct gauges gauges = gauges_none();
    for (int p = 0; p < stream->settings.partitions; p++)
        gauges_add(&gauges, stream->tasks[p], now_ms);
    gauges_set(&gauges, metrics, now_ms);
    metrics_set(metrics, METRIC_STREAM_RANKER_MEASURES, NULL,
                (double)ranker_measures_count(stream->ranker));
    stream->gauges_monotonic_ms = clock_monotonic_ms(stream->context->clock);
}

bool stream_step(struct stream *stream, bool *ret_idle, GError **error)
{
    bool idle = true;
    if (stream->broken && !reload(stream, error))
        return false;
    /* What an earlier commit couldn't send. */
    if (!outbox_send(stream->outbox, stream->bus, error))
        return false;
    for (int p = 0; p < stream->settings.partitions; p++) {
        for (unsigned input = 0; input < INPUT_COUNT; input++) {
            bool nothing;
            /* Also at the start: a commit that failed is repeated before more is read. */
            if (intake_due(stream->intake) && !stream_commit(stream, error))
                return false;
            if (!read_partition(stream, stream->tasks[p], input, &nothing, error))
                return false;
            idle = idle && nothing;
        }
    }
    int64_t waited_ms =
        clock_monotonic_ms(stream->context->clock) - stream->last_commit_monotonic_ms;
    bool due =
        intake_due(stream->intake) ||
        ranker_due(stream->ranker, clock_monotonic_ms(stream->context->clock)) ||
        (stream->intake->records_pending > 0 && waited_ms >= stream->settings.commit_interval_ms);
    if (due && !stream_commit(stream, error))
        return false;
    if (idle && clock_monotonic_ms(stream->context->clock) - stream->gauges_monotonic_ms >=
                    stream->settings.commit_interval_ms)
        set_gauges(stream);
    *ret_idle = idle;
    return true;
}

/* ---- commit ---- */

static bool collect(struct stream *stream, GError **error)
{
    output_clear(&stream->output);
    for (int p = 0; p < stream->settings.partitions; p++) {
        if (!task_collect(stream->tasks[p], &stream->output, error))
            return false;
    }
    return true;
}

/* The least watermark of the tasks; a task that has seen nothing doesn't count. */
static int64_t least_watermark_ms(const struct stream *stream)
{
    int64_t least = INT64_MAX;
    for (int p = 0; p < stream->settings.partitions; p++) {
        int64_t of_task = stream->tasks[p]->watermark.value_ms;
        if (of_task != WATERMARK_NONE)
            least = MIN(least, of_task);
    }
    return least == INT64_MAX ? WATERMARK_NONE : least;
}

/* Where the first hour begins that is held by the highest event time of all partitions. */
static int64_t horizon_ms(const struct stream *stream)
{
    int64_t horizon = INT64_MIN;
    for (int p = 0; p < stream->settings.partitions; p++) {
        for (unsigned input = 0; input < INPUT_COUNT; input++) {
            const struct position *position = &stream->tasks[p]->positions[input];
            if (position->has_event)
                horizon =
                    MAX(horizon, hour_start_ms(first_held_hour(position->highest_event_ms,
                                                               stream->settings.retention_ms)));
        }
    }
    return horizon;
}

static bool write_all(struct stream *stream, GError **error)
{
    failpoint("stream.commit.transaction");
    for (int p = 0; p < stream->settings.partitions; p++) {
        if (!task_write(stream->tasks[p], stream->store, error))
            return false;
    }
    failpoint("stream.commit.state");
    if (!ranker_write(stream->ranker, &stream->output, least_watermark_ms(stream),
                      horizon_ms(stream), clock_monotonic_ms(stream->context->clock), error))
        return false;
    if (!live_write(stream->live, &stream->output, horizon_ms(stream), error) ||
        !late_ledger_write(stream->late_ledger, error))
        return false;
    failpoint("stream.commit.ranked");
    const struct speed_batch batch = output_batch(&stream->output);
    if (!speed_write(stream->speed, &batch, error))
        return false;
    failpoint("stream.commit.speed");
    return true;
}

static bool run_transaction(struct stream *stream, GError **error)
{
    if (!db_begin(stream->db, error))
        return false;
    if (write_all(stream, error) && db_commit(stream->db, error))
        return true;
    db_rollback(stream->db);
    /* The tasks' memory is as before; the ranker's isn't. */
    stream->broken = !ranker_rolled_back(stream->ranker, NULL);
    return false;
}

static void report(struct stream *stream, double seconds)
{
    struct metrics *metrics = stream->context->metrics;
    metrics_add(metrics, METRIC_STREAM_COMMITS, NULL, 1);
    metrics_observe(metrics, METRIC_STREAM_COMMIT_SECONDS, NULL, seconds);
    set_gauges(stream);
}

bool stream_commit(struct stream *stream, GError **error)
{
    if (stream->broken && !reload(stream, error))
        return false;
    int64_t start_us = clock_monotonic_us(stream->context->clock);
    failpoint("stream.commit.begin");
    if (!intake_send_letters(stream->intake, stream->bus, error))
        return false;
    failpoint("stream.commit.deadletters");
    if (!collect(stream, error))
        return false;
    gauges_count_evaluated(&stream->output, stream->context->metrics);
    failpoint("stream.commit.collected");
    if (!run_transaction(stream, error))
        return false;
    failpoint("stream.commit.committed");
    for (int p = 0; p < stream->settings.partitions; p++)
        task_committed(stream->tasks[p]);
    live_committed(stream->live);
    metrics_add(stream->context->metrics, METRIC_STREAM_LATE_UNLISTED, NULL,
                late_ledger_unlisted(stream->late_ledger));
    late_ledger_clear(stream->late_ledger);
    output_clear(&stream->output);
    intake_clear(stream->intake);
    stream->last_commit_monotonic_ms = clock_monotonic_ms(stream->context->clock);
    report(stream, (double)(clock_monotonic_us(stream->context->clock) - start_us) / US_PER_SECOND);
    if (!outbox_send(stream->outbox, stream->bus, error))
        return false;
    failpoint("stream.commit.done");
    return true;
}

bool stream_caught_up(const struct stream *stream)
{
    for (int p = 0; p < stream->settings.partitions; p++) {
        for (unsigned input = 0; input < INPUT_COUNT; input++) {
            const struct position *position = &stream->tasks[p]->positions[input];
            if (position->next_offset < position->end_offset || position->dirty)
                return false;
        }
    }
    return stream->intake->records_pending == 0;
}

void stream_counts(const struct stream *stream, const char *topic, struct stream_counts *ret_counts)
{
    *ret_counts = (struct stream_counts){.pending = stream->intake->records_pending};
    for (int p = 0; p < stream->settings.partitions; p++) {
        for (unsigned input = 0; input < INPUT_COUNT; input++) {
            const struct position *position = &stream->tasks[p]->positions[input];
            if (topic && strcmp(topic, topic_info(input_topics[input])->name) != 0)
                continue;
            for (enum record_class class = 0; class < RECORD_CLASS_COUNT; class ++)
                ret_counts->classes[class] += position->counts[class];
            ret_counts->late += position->late;
        }
    }
}

#include "stream/shard.h"

#include <string.h>

#include "model/db.h"
#include "stream/delta.h"
#include "stream/hour_count.h"
#include "stream/live.h"
#include "stream/live_minute.h"
#include "stream/window.h"

/* ---- open and close ---- */

static unsigned input_of(const char *topic)
{
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        if (g_strcmp0(topic_info(input_topics[input])->name, topic) == 0)
            return input;
    }
    return INPUT_COUNT;
}

/* The counts of held hours. */
static bool load_hour_counts(struct shard *shard, GError **error)
{
    g_autoptr(sqlite3_stmt) read =
        db_prepare(shard->file->db, sql_file_get(shard->file->sql, "read_hour_counts"), error);
    bool row;
    while (read && db_step(read, &row, error)) {
        if (!row)
            return true;
        unsigned input = input_of((const char *)sqlite3_column_text(read, 0));
        if (input == INPUT_COUNT)
            continue;
        GArray *counts = shard->task->hour_counts[input];
        hour_count_add(counts, sqlite3_column_int64(read, 1), sqlite3_column_int64(read, 2));
        g_array_index(counts, struct hour_count, counts->len - 1).dirty = false;
    }
    return false;
}

static void record_changes(struct shard *shard)
{
    GByteArray *delta = shard->file->delta;
    state_record(shard->task->state, delta);
    seen_record(shard->task->seen, delta);
    position_store_record(shard->store, delta);
    live_record_changes(shard->live, delta);
    late_ledger_record(shard->late_ledger, delta);
}

struct shard *shard_open(struct task_file *file,
                         const struct stream_settings *settings,
                         int64_t monotonic_ms,
                         GError **error)
{
    struct shard *shard = g_new0(struct shard, 1);
    shard->file = file;
    output_init(&shard->output);
    for (unsigned input = 0; input < INPUT_COUNT; input++)
        shard->swept_hour[input] = INT64_MIN;
    shard->store = position_store_new(file->db, file->sql, error);
    shard->live = shard->store ? live_new(file->db, file->sql, error) : NULL;
    shard->late_ledger = shard->live ? late_ledger_new(file->db, file->sql, error) : NULL;
    if (shard->late_ledger)
        shard->task = task_open(file->db, file->sql, shard->store, settings, shard->live,
                                file->task, monotonic_ms, error);
    if (!shard->task || !load_hour_counts(shard, error)) {
        shard_close(shard);
        return NULL;
    }
    record_changes(shard);
    return shard;
}

void shard_close(struct shard *shard)
{
    if (!shard)
        return;
    task_close(shard->task);
    late_ledger_free(shard->late_ledger);
    live_free(shard->live);
    position_store_free(shard->store);
    output_free(&shard->output);
    g_free(shard);
}

bool shard_check(struct shard *shard, struct bus *bus, GError **error)
{
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        if (!position_check(&shard->task->positions[input], bus,
                            topic_info(input_topics[input])->name, shard->task->partition, error))
            return false;
    }
    return true;
}

/* ---- a commit ---- */

/* Where the task's first held hour begins. */
static int64_t horizon_ms(const struct shard *shard)
{
    int64_t horizon = INT64_MIN;
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        const struct position *position = &shard->task->positions[input];
        if (position->has_event)
            horizon =
                MAX(horizon, hour_start_ms(first_held_hour(position->highest_event_ms,
                                                           shard->task->settings->retention_ms)));
    }
    return horizon;
}

static bool write_hour_count(struct shard *shard,
                             sqlite3_stmt *put,
                             unsigned input,
                             const struct hour_count *count,
                             GError **error)
{
    const struct value values[] = {value_text(topic_info(input_topics[input])->name),
                                   value_int(count->hour), value_int(count->used_records)};
    return delta_run(shard->file->delta, DELTA_PUT_HOUR_COUNT, put, values, error);
}

/* Hours that the task has let go leave the file. */
static bool sweep_hour_counts(struct shard *shard, unsigned input, GError **error)
{
    const struct position *position = &shard->task->positions[input];
    if (!position->has_event)
        return true;
    const int64_t first =
        first_held_hour(position->highest_event_ms, shard->task->settings->retention_ms);
    if (first <= shard->swept_hour[input])
        return true;
    g_autoptr(sqlite3_stmt) drop =
        db_prepare(shard->file->db, sql_file_get(shard->file->sql, "expire_hour_counts"), error);
    const struct value values[] = {value_text(topic_info(input_topics[input])->name),
                                   value_int(first)};
    if (!drop || !delta_run(shard->file->delta, DELTA_EXPIRE_HOUR_COUNTS, drop, values, error))
        return false;
    shard->swept_hour[input] = first;
    return true;
}

static bool write_hour_counts(struct shard *shard, GError **error)
{
    g_autoptr(sqlite3_stmt) put =
        db_prepare(shard->file->db, sql_file_get(shard->file->sql, "put_hour_count"), error);
    if (!put)
        return false;
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        const GArray *counts = shard->task->hour_counts[input];
        for (guint i = 0; i < counts->len; i++) {
            const struct hour_count *count = &g_array_index(counts, struct hour_count, i);
            if (count->dirty && !write_hour_count(shard, put, input, count, error))
                return false;
        }
        if (!sweep_hour_counts(shard, input, error))
            return false;
    }
    return true;
}

bool shard_write(struct shard *shard, GError **error)
{
    output_clear(&shard->output);
    if (!task_collect(shard->task, &shard->output, error) ||
        !task_write(shard->task, shard->store, error) || !write_hour_counts(shard, error) ||
        !live_write(shard->live, &shard->output, horizon_ms(shard), error) ||
        !late_ledger_write(shard->late_ledger, error))
        return false;
    /* A part only: the global task writes the rows. */
    g_array_set_size(shard->output.live, 0);
    return true;
}

static void report_minute(const struct live_minute *minute, void *user)
{
    struct report_writer *writer = user;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    live_minute_encode(minute, bytes);
    report_live(writer, minute->number, (struct span){(const char *)bytes->data, bytes->len});
}

void shard_report(struct shard *shard, struct report_writer *writer, GPtrArray *records)
{
    size_t count;
    struct movie **changed = state_changed(shard->task->state, &count);
    report_begin(writer, shard->task->partition, shard->task->watermark.value_ms,
                 horizon_ms(shard));
    for (size_t i = 0; i < count; i++) {
        if (changed[i]->title_changed && changed[i]->title)
            report_title(writer, changed[i]->movie_id, changed[i]->title);
    }
    live_each_changed(shard->live, horizon_ms(shard), report_minute, writer);
    report_measures(writer, shard->output.measures);
    report_end(writer, records);
    g_array_unref(shard->output.measures);
    shard->output.measures = g_array_new(FALSE, FALSE, sizeof(struct measure));
}

void shard_committed(struct shard *shard)
{
    task_committed(shard->task);
    live_committed(shard->live);
    late_ledger_clear(shard->late_ledger);
    /* Each task has rows of its own: kept, their room would be that of the largest commit, times
     * the tasks. */
    output_free(&shard->output);
    output_init(&shard->output);
    memset(shard->taken, 0, sizeof shard->taken);
    shard->pending = false;
}

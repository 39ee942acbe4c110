#include "stream/global_task.h"

#include "model/db.h"
#include "stream/delta.h"
#include "stream/live_sum.h"
#include "stream/outbox.h"
#include "stream/ranker.h"
#include "stream/report.h"
#include "stream/watermark.h"

/* ---- open and close ---- */

/* One number of one row, or NULL. */
static bool read_number(struct global_task *global,
                        const char *query,
                        int64_t otherwise,
                        int64_t *ret_number,
                        GError **error)
{
    g_autoptr(sqlite3_stmt) read =
        db_prepare(global->file->db, sql_file_get(global->file->sql, query), error);
    bool row;
    if (!read || !db_step(read, &row, error))
        return false;
    bool has = row && sqlite3_column_type(read, 0) != SQLITE_NULL;
    *ret_number = has ? sqlite3_column_int64(read, 0) : otherwise;
    return true;
}

static bool read_committed(struct global_task *global, GError **error)
{
    bool read =
        position_read(global->store, REPORT_TOPIC, 0, &global->position, error) &&
        read_number(global, "status_watermark", WATERMARK_NONE, &global->watermark_ms, error) &&
        read_number(global, "read_horizon", INT64_MIN, &global->horizon_ms, error);
    global->stored_horizon_ms = global->horizon_ms;
    return read;
}

struct global_task *global_task_open(struct task_file *file,
                                     const struct stream_settings *settings,
                                     struct serde *serde,
                                     int64_t monotonic_ms,
                                     GError **error)
{
    struct global_task *global = g_new0(struct global_task, 1);
    global->file = file;
    global->settings = settings;
    output_init(&global->output);
    global->watermarks = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    global->horizons = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    global->outbox = outbox_new_memory(serde);
    global->store = position_store_new(file->db, file->sql, error);
    if (global->store)
        global->ranker =
            ranker_open(file->db, file->sql, settings, global->outbox, monotonic_ms, error);
    if (global->ranker)
        global->live_sum = live_sum_new(file->db, file->sql, file->delta, error);
    if (!global->live_sum || !read_committed(global, error)) {
        global_task_close(global);
        return NULL;
    }
    position_store_record(global->store, file->delta);
    ranker_record(global->ranker, file->delta);
    return global;
}

void global_task_close(struct global_task *global)
{
    if (!global)
        return;
    live_sum_free(global->live_sum);
    ranker_close(global->ranker);
    position_store_free(global->store);
    outbox_free(global->outbox);
    g_hash_table_unref(global->watermarks);
    g_hash_table_unref(global->horizons);
    output_free(&global->output);
    g_free(global);
}

/* ---- reports ---- */

static bool take_title(int task, int32_t movie_id, struct span title, void *user, GError **error)
{
    struct global_task *global = user;
    g_autoptr(sqlite3_stmt) put =
        db_prepare(global->file->db, sql_file_get(global->file->sql, "put_title"), error);
    const struct value values[] = {
        value_int(task), value_int(movie_id), {.type = VALUE_TEXT, .bytes = title}};
    return put && delta_run(global->file->delta, DELTA_PUT_TITLE, put, values, error);
}

static bool take_live(int task, int64_t minute, struct span bytes, void *user, GError **error)
{
    struct global_task *global = user;
    return live_sum_put(global->live_sum, task, minute, bytes, error);
}

static void note(GHashTable *table, int task, int64_t number)
{
    g_hash_table_replace(table, GINT_TO_POINTER(task), g_memdup2(&number, sizeof number));
}

bool global_task_take(struct global_task *global, const struct bus_batch *batch, GError **error)
{
    const struct report_reader reader = {
        .title = take_title,
        .live = take_live,
        .measures = global->output.measures,
        .user = global,
    };
    for (size_t i = 0; i < batch->count; i++) {
        struct report_head head;
        if (!report_read(batch->records[i].value, &reader, &head, error)) {
            g_prefix_error(error, "%s, offset %" G_GINT64_FORMAT ": ", REPORT_TOPIC,
                           batch->records[i].offset);
            return false;
        }
        note(global->watermarks, head.task, head.watermark_ms);
        note(global->horizons, head.task, head.horizon_ms);
        global->horizon_ms = MAX(global->horizon_ms, head.horizon_ms);
        global->position.highest_append_ms =
            MAX(global->position.highest_append_ms, batch->records[i].append_time_ms);
        global->position.has_append = global->position.dirty = global->pending = true;
    }
    global->position.next_offset = MAX(global->position.next_offset, batch->next_offset);
    global->position.end_offset = batch->end_offset;
    return true;
}

/* ---- a commit ---- */

bool global_task_due(const struct global_task *global, int64_t monotonic_ms)
{
    return ranker_due(global->ranker, monotonic_ms);
}

static bool write_watermarks(struct global_task *global, GError **error)
{
    GHashTableIter iter;
    gpointer task, watermark;
    g_hash_table_iter_init(&iter, global->watermarks);
    while (g_hash_table_iter_next(&iter, &task, &watermark)) {
        if (!position_write_watermark(global->store, GPOINTER_TO_INT(task),
                                      *(const int64_t *)watermark, error))
            return false;
    }
    return read_number(global, "status_watermark", WATERMARK_NONE, &global->watermark_ms, error);
}

static bool write_horizons(struct global_task *global, GError **error)
{
    if (global->horizon_ms == global->stored_horizon_ms)
        return true;
    g_autoptr(sqlite3_stmt) put =
        db_prepare(global->file->db, sql_file_get(global->file->sql, "put_horizon"), error);
    GHashTableIter iter;
    gpointer task, horizon;
    g_hash_table_iter_init(&iter, global->horizons);
    while (put && g_hash_table_iter_next(&iter, &task, &horizon)) {
        const struct value values[] = {value_int(GPOINTER_TO_INT(task)),
                                       value_int(*(const int64_t *)horizon)};
        if (!delta_run(global->file->delta, DELTA_PUT_HORIZON, put, values, error))
            return false;
    }
    global->stored_horizon_ms = global->horizon_ms;
    return put != NULL;
}

bool global_task_write(struct global_task *global, int64_t monotonic_ms, GError **error)
{
    if (!write_watermarks(global, error) || !write_horizons(global, error))
        return false;
    if (global->position.dirty &&
        !position_write(global->store, REPORT_TOPIC, 0, &global->position, error))
        return false;
    return ranker_write(global->ranker, &global->output, global->watermark_ms, global->horizon_ms,
                        monotonic_ms, error) &&
           live_sum_write(global->live_sum, &global->output, global->horizon_ms, error);
}

void global_task_messages(const struct global_task *global, GArray *messages)
{
    outbox_messages(global->outbox, messages);
}

void global_task_committed(struct global_task *global)
{
    live_sum_clear(global->live_sum);
    outbox_clear(global->outbox);
    output_clear(&global->output);
    g_hash_table_remove_all(global->watermarks);
    g_hash_table_remove_all(global->horizons);
    global->position.started |= global->position.dirty;
    global->position.dirty = global->pending = false;
}

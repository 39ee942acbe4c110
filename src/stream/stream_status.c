#include "stream/stream_status.h"

#include "base/config.h"
#include "model/db.h"

/* The speed store makes the file too; the engine's own tables come with its first start. */
static bool check_exists(sqlite3 *db, const struct sql_file *sql, const char *query, GError **error)
{
    g_autoptr(sqlite3_stmt) statement = db_prepare(db, sql_file_get(sql, query), error);
    bool row;
    if (!statement || !db_step(statement, &row, error))
        return false;
    if (!row)
        error_set(error, NOTFOUND, "the stream engine has not run on this data folder yet");
    return row;
}

static bool read_watermark(sqlite3 *db,
                           const struct sql_file *sql,
                           struct stream_status *status,
                           GError **error)
{
    g_autoptr(sqlite3_stmt) statement =
        db_prepare(db, sql_file_get(sql, "status_watermark"), error);
    bool row;
    if (!statement || !db_step(statement, &row, error))
        return false;
    status->watermark_known = row && sqlite3_column_type(statement, 0) != SQLITE_NULL;
    status->watermark_ms = status->watermark_known ? sqlite3_column_int64(statement, 0) : 0;
    return true;
}

static bool read_partitions(sqlite3 *db,
                            const struct sql_file *sql,
                            struct arena *arena,
                            GArray *partitions,
                            GError **error)
{
    g_autoptr(sqlite3_stmt) statement =
        db_prepare(db, sql_file_get(sql, "status_positions"), error);
    bool row;
    while (statement && db_step(statement, &row, error)) {
        if (!row)
            return true;
        struct stream_partition_status partition = {
            .topic = arena_strdup(arena, (const char *)sqlite3_column_text(statement, 0)),
            .partition = sqlite3_column_int(statement, 1),
            .next_offset = sqlite3_column_int64(statement, 2),
            .used = sqlite3_column_int64(statement, 3),
            .duplicate = sqlite3_column_int64(statement, 4),
            .expired = sqlite3_column_int64(statement, 5),
            .bad = sqlite3_column_int64(statement, 6),
            .late = sqlite3_column_int64(statement, 7),
        };
        g_array_append_val(partitions, partition);
    }
    return false;
}

bool stream_status_read(const struct context *context,
                        struct arena *arena,
                        struct stream_status *ret_status,
                        GError **error)
{
    g_autofree char *path = config_path(context->config, "stream.db");
    g_autoptr(sqlite3) db = db_open(path, &(struct db_options){.read_only = true}, error);
    g_autoptr(sql_file) sql = sql_file_load("contracts/stream.sql");
    g_autoptr(GArray) partitions =
        g_array_new(FALSE, FALSE, sizeof(struct stream_partition_status));
    struct stream_status status = {0};
    if (!db || !check_exists(db, sql, "status_exists", error) ||
        !read_watermark(db, sql, &status, error) ||
        !read_partitions(db, sql, arena, partitions, error))
        return false;
    status.partitions_count = partitions->len;
    status.partitions = arena_array(arena, struct stream_partition_status, partitions->len);
    for (guint i = 0; i < partitions->len; i++)
        status.partitions[i] = g_array_index(partitions, struct stream_partition_status, i);
    *ret_status = status;
    return true;
}

static struct late_value read_value(sqlite3_stmt *statement, int column)
{
    return (struct late_value){
        .has = sqlite3_column_type(statement, column) != SQLITE_NULL,
        .value = sqlite3_column_double(statement, column),
    };
}

static bool read_late(sqlite3 *db,
                      const struct sql_file *sql,
                      struct arena *arena,
                      size_t count_max,
                      GArray *entries,
                      GError **error)
{
    g_autoptr(sqlite3_stmt) statement = db_prepare(db, sql_file_get(sql, "status_late"), error);
    bool row;
    if (!statement)
        return false;
    db_bind_int(statement, 1, (int64_t)count_max);
    while (db_step(statement, &row, error)) {
        if (!row)
            return true;
        struct late_entry entry = {
            .topic = arena_strdup(arena, (const char *)sqlite3_column_text(statement, 0)),
            .partition = sqlite3_column_int(statement, 1),
            .offset = sqlite3_column_int64(statement, 2),
            .movie_id = sqlite3_column_int(statement, 3),
            .window_start_ms = sqlite3_column_int64(statement, 4),
            .late_ms = sqlite3_column_int64(statement, 5),
            .before = read_value(statement, 6),
            .after = read_value(statement, 7),
        };
        g_array_append_val(entries, entry);
    }
    return false;
}

bool stream_status_late(const struct context *context,
                        struct arena *arena,
                        size_t count_max,
                        struct late_entry **ret_entries,
                        size_t *ret_count,
                        GError **error)
{
    g_autofree char *path = config_path(context->config, "stream.db");
    g_autoptr(sqlite3) db = db_open(path, &(struct db_options){.read_only = true}, error);
    g_autoptr(sql_file) sql = sql_file_load("contracts/stream.sql");
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(struct late_entry));
    if (!db || !check_exists(db, sql, "status_late_exists", error) ||
        !read_late(db, sql, arena, count_max, entries, error))
        return false;
    *ret_count = entries->len;
    *ret_entries = arena_array(arena, struct late_entry, entries->len);
    for (guint i = 0; i < entries->len; i++)
        (*ret_entries)[i] = g_array_index(entries, struct late_entry, i);
    return true;
}

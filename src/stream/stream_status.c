#include "stream/stream_status.h"

#include "base/config.h"
#include "model/db.h"

/* The speed store makes the file too; the engine's own tables come with its first start. */
static bool check_exists(sqlite3 *db, const struct sql_file *sql, GError **error)
{
    g_autoptr(sqlite3_stmt) statement = db_prepare(db, sql_file_get(sql, "status_exists"), error);
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
    if (!db || !check_exists(db, sql, error) || !read_watermark(db, sql, &status, error) ||
        !read_partitions(db, sql, arena, partitions, error))
        return false;
    status.partitions_count = partitions->len;
    status.partitions = arena_array(arena, struct stream_partition_status, partitions->len);
    for (guint i = 0; i < partitions->len; i++)
        status.partitions[i] = g_array_index(partitions, struct stream_partition_status, i);
    *ret_status = status;
    return true;
}

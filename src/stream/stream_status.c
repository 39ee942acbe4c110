#include "stream/stream_status.h"

#include <string.h>

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

/* ---- on Kafka: a file a task and instance ---- */

/* Of one task the file that stands furthest in the changelog. */
struct furthest {
    char *path; /* NULL: none */
    int64_t next_offset;
};

static bool
look_at(const struct sql_file *sql, char *path, struct furthest *furthest, GError **error)
{
    g_autofree char *own = path;
    g_autoptr(sqlite3) db = db_open(path, &(struct db_options){.read_only = true}, error);
    g_autoptr(sqlite3_stmt) read =
        db ? db_prepare(db, sql_file_get(sql, "read_changelog"), error) : NULL;
    bool row;
    if (!read || !db_step(read, &row, error))
        return false;
    int64_t next_offset = row ? sqlite3_column_int64(read, 2) : 0;
    if (furthest->path && next_offset <= furthest->next_offset)
        return true;
    g_free(furthest->path);
    *furthest = (struct furthest){g_steal_pointer(&own), next_offset};
    return true;
}

/* A file that is being made, or is gone again, is passed over. */
static void look_into(const struct sql_file *sql,
                      const char *folder,
                      struct furthest *tasks,
                      int64_t tasks_count)
{
    for (int64_t task = 0; task < tasks_count; task++) {
        g_autoptr(GError) why = NULL;
        char *path = g_strdup_printf("%s/task-%d.db", folder, (int)task);
        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            g_free(path);
        else if (!look_at(sql, path, &tasks[task], &why))
            continue;
    }
}

static struct furthest *find_files(const struct context *context, const struct sql_file *sql)
{
    const int64_t count = context->config->bus_partitions;
    struct furthest *tasks = g_new0(struct furthest, count);
    g_autofree char *root = config_path(context->config, "stream");
    GDir *instances = g_dir_open(root, 0, NULL);
    for (const char *name; instances && (name = g_dir_read_name(instances));) {
        g_autofree char *folder = g_build_filename(root, name, NULL);
        look_into(sql, folder, tasks, count);
    }
    if (instances)
        g_dir_close(instances);
    return tasks;
}

static bool read_task_file(const char *path,
                           const struct sql_file *sql,
                           struct arena *arena,
                           struct stream_status *status,
                           GArray *partitions,
                           GError **error)
{
    struct stream_status own = {0};
    g_autoptr(sqlite3) db = db_open(path, &(struct db_options){.read_only = true}, error);
    if (!db || !read_watermark(db, sql, &own, error) ||
        !read_partitions(db, sql, arena, partitions, error))
        return false;
    if (own.watermark_known &&
        (!status->watermark_known || own.watermark_ms < status->watermark_ms))
        *status = own;
    return true;
}

static void
set_partitions(struct stream_status *status, struct arena *arena, const GArray *partitions)
{
    status->partitions_count = partitions->len;
    status->partitions = arena_array(arena, struct stream_partition_status, partitions->len);
    for (guint i = 0; i < partitions->len; i++)
        status->partitions[i] = g_array_index(partitions, struct stream_partition_status, i);
}

static bool read_cluster(const struct context *context,
                         struct arena *arena,
                         struct stream_status *ret_status,
                         GError **error)
{
    g_autoptr(sql_file) sql = sql_file_load("contracts/stream.sql");
    g_autoptr(GArray) partitions =
        g_array_new(FALSE, FALSE, sizeof(struct stream_partition_status));
    struct stream_status status = {0};
    struct furthest *tasks = find_files(context, sql);
    bool read = true, some = false;
    for (int64_t task = 0; task < context->config->bus_partitions; task++) {
        if (read && tasks[task].path)
            read = read_task_file(tasks[task].path, sql, arena, &status, partitions, error);
        some = some || tasks[task].path;
        g_free(tasks[task].path);
    }
    g_free(tasks);
    if (read && !some)
        error_set(error, NOTFOUND, "the stream engine has not run on this data folder yet");
    set_partitions(&status, arena, partitions);
    if (read && some)
        *ret_status = status;
    return read && some;
}

/* ---- either ---- */

static bool on_kafka(const struct context *context)
{
    return strcmp(context->config->bus_backend, "kafka") == 0;
}

bool stream_status_read(const struct context *context,
                        struct arena *arena,
                        struct stream_status *ret_status,
                        GError **error)
{
    if (on_kafka(context))
        return read_cluster(context, arena, ret_status, error);
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
    set_partitions(&status, arena, partitions);
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

/* The order of the whole is that of the tasks' watermarks, for their files share no other: newest
 * first. */
static int compare_late(gconstpointer a, gconstpointer b)
{
    const struct late_entry *x = a, *y = b;
    const int64_t at_x = x->window_start_ms + x->late_ms, at_y = y->window_start_ms + y->late_ms;
    return (at_x < at_y) - (at_x > at_y);
}

/* On Kafka each task has a ledger of its own. */
static bool read_late_cluster(const struct context *context,
                              const struct sql_file *sql,
                              struct arena *arena,
                              size_t count_max,
                              GArray *entries,
                              GError **error)
{
    struct furthest *tasks = find_files(context, sql);
    bool read = true;
    for (int64_t task = 0; task < context->config->bus_partitions; task++) {
        g_autofree char *path = tasks[task].path;
        if (!read || !path)
            continue;
        g_autoptr(sqlite3) db = db_open(path, &(struct db_options){.read_only = true}, error);
        read = db && read_late(db, sql, arena, count_max, entries, error);
    }
    g_free(tasks);
    g_array_sort(entries, compare_late); /* a merge sort: equal ones keep their order */
    if (entries->len > count_max)
        g_array_set_size(entries, (guint)count_max);
    return read;
}

static bool read_late_embedded(const struct context *context,
                               const struct sql_file *sql,
                               struct arena *arena,
                               size_t count_max,
                               GArray *entries,
                               GError **error)
{
    g_autofree char *path = config_path(context->config, "stream.db");
    g_autoptr(sqlite3) db = db_open(path, &(struct db_options){.read_only = true}, error);
    return db && check_exists(db, sql, "status_late_exists", error) &&
           read_late(db, sql, arena, count_max, entries, error);
}

bool stream_status_late(const struct context *context,
                        struct arena *arena,
                        size_t count_max,
                        struct late_entry **ret_entries,
                        size_t *ret_count,
                        GError **error)
{
    g_autoptr(sql_file) sql = sql_file_load("contracts/stream.sql");
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(struct late_entry));
    if (!(on_kafka(context) ? read_late_cluster : read_late_embedded)(context, sql, arena,
                                                                      count_max, entries, error))
        return false;
    *ret_count = entries->len;
    *ret_entries = arena_array(arena, struct late_entry, entries->len);
    for (guint i = 0; i < entries->len; i++)
        (*ret_entries)[i] = g_array_index(entries, struct late_entry, i);
    return true;
}

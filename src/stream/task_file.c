#include "stream/task_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "model/db.h"
#include "stream/delta.h"

/* Page cache of one task's connection. */
#define FILE_CACHE_BYTES (1024 * 1024)
/* Room for deltas that is kept between entries. */
#define DELTA_KEPT_BYTES (1024 * 1024)
#define FILE_NO_SYNC     "PRAGMA synchronous = OFF"
/* As the embedded engine: a page that several commits change is copied once. */
#define FILE_WAL_PRAGMA "PRAGMA wal_autocheckpoint = 8000"

static const char *const schemas[] = {"schema", "ranker_schema", "live_schema", "late_schema",
                                      "cluster_schema"};
static const char *const suffixes[] = {"", "-wal", "-shm"};

char *task_file_path(const char *folder, int task)
{
    return g_strdup_printf("%s/task-%d.db", folder, task);
}

bool task_file_remove(const char *folder, int task, GError **error)
{
    g_autofree char *path = task_file_path(folder, task);
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *name = g_strconcat(path, suffixes[i], NULL);
        if (unlink(name) != 0 && errno != ENOENT) {
            error_set(error, FAILED, "%s: can't be removed: %s", name, g_strerror(errno));
            return false;
        }
    }
    return true;
}

static void set_mark(struct task_file *file, const struct task_mark *mark)
{
    file->chain = mark->chain;
    file->next_offset = mark->next_offset;
    file->sunk = mark->sunk;
}

static bool read_mark(struct task_file *file, GError **error)
{
    g_autoptr(sqlite3_stmt) read =
        db_prepare(file->db, sql_file_get(file->sql, "read_changelog"), error);
    bool row;
    if (!read || !db_step(read, &row, error))
        return false;
    if (!row) {
        error_set(error, BADDATA, "%s: says nowhere where it stands in the changelog", file->path);
        return false;
    }
    file->saved = (struct task_mark){
        .chain = {sqlite3_column_int64(read, 0), (uint32_t)sqlite3_column_int64(read, 1)},
        .next_offset = sqlite3_column_int64(read, 2),
        .sunk = sqlite3_column_int64(read, 3),
    };
    set_mark(file, &file->saved);
    return true;
}

static struct task_file *
open_once(const char *folder, int task, const struct sql_file *sql, GError **error)
{
    struct task_file *file = g_new0(struct task_file, 1);
    file->task = task;
    file->sql = sql;
    file->path = task_file_path(folder, task);
    file->delta = g_byte_array_new();
    file->db = db_open(file->path, &(struct db_options){.cache_bytes = FILE_CACHE_BYTES}, error);
    bool opened = file->db && db_exec(file->db, FILE_NO_SYNC, error) &&
                  db_exec(file->db, FILE_WAL_PRAGMA, error);
    for (size_t i = 0; opened && i < G_N_ELEMENTS(schemas); i++)
        opened = db_exec(file->db, sql_file_get(sql, schemas[i]), error);
    if (opened && read_mark(file, error))
        return file;
    task_file_close(file);
    return NULL;
}

struct task_file *
task_file_open(const char *folder, int task, const struct sql_file *sql, GError **error)
{
    g_autoptr(GError) why = NULL;
    struct task_file *file = open_once(folder, task, sql, &why);
    if (file)
        return file;
    if (!error_is(why, BADDATA)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    return task_file_remove(folder, task, error) ? open_once(folder, task, sql, error) : NULL;
}

void task_file_close(struct task_file *file)
{
    if (!file)
        return;
    db_close(file->db);
    g_byte_array_unref(file->delta);
    g_free(file->path);
    g_free(file);
}

bool task_file_hold(struct task_file *file, GError **error)
{
    file->open = file->open || db_begin(file->db, error);
    return file->open;
}

bool task_file_begin(struct task_file *file, GError **error)
{
    g_byte_array_set_size(file->delta, 0);
    return task_file_hold(file, error);
}

bool task_file_set_sunk(struct task_file *file, int64_t offset, GError **error)
{
    g_autoptr(sqlite3_stmt) put = db_prepare(file->db, sql_file_get(file->sql, "put_sunk"), error);
    const struct value value = value_int(offset);
    if (!put || !delta_run(file->delta, DELTA_PUT_SUNK, put, &value, error))
        return false;
    file->sunk = offset;
    return true;
}

void task_file_advance(struct task_file *file, const struct chain *chain, int64_t next_offset)
{
    file->chain = *chain;
    file->next_offset = next_offset;
    if (file->delta->len > DELTA_KEPT_BYTES)
        g_free(g_byte_array_steal(file->delta, NULL)); /* a checkpoint's, of many windows */
    g_byte_array_set_size(file->delta, 0);
}

static bool put_mark(struct task_file *file, GError **error)
{
    g_autoptr(sqlite3_stmt) put =
        db_prepare(file->db, sql_file_get(file->sql, "put_changelog"), error);
    if (!put)
        return false;
    db_bind_int(put, 1, file->chain.commits);
    db_bind_int(put, 2, file->chain.digest);
    db_bind_int(put, 3, file->next_offset);
    return db_run(put, error);
}

bool task_file_save(struct task_file *file, GError **error)
{
    if (!file->open)
        return true;
    if (!put_mark(file, error)) {
        task_file_rollback(file);
        return false;
    }
    file->open = false;
    if (db_commit(file->db, error))
        return read_mark(file, error);
    set_mark(file, &file->saved);
    return false;
}

bool task_file_commit(struct task_file *file,
                      const struct chain *chain,
                      int64_t next_offset,
                      GError **error)
{
    task_file_advance(file, chain, next_offset);
    return task_file_save(file, error);
}

void task_file_rollback(struct task_file *file)
{
    if (file->open)
        db_rollback(file->db);
    file->open = false;
    set_mark(file, &file->saved);
    g_byte_array_set_size(file->delta, 0);
}

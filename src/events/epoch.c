#include "events/epoch.h"

#include "base/sql_file.h"
#include "model/db.h"

#define EPOCH_SCHEMA_VERSION 1

static bool take(sqlite3 *db,
                 const struct sql_file *sql,
                 const char *producer,
                 int64_t now_ms,
                 int64_t *ret_epoch,
                 GError **error)
{
    g_autoptr(sqlite3_stmt) statement = db_prepare(db, sql_file_get(sql, "take_epoch"), error);
    bool row;
    if (!statement)
        return false;
    db_bind_text(statement, 1, producer);
    db_bind_int(statement, 2, now_ms);
    if (!db_step(statement, &row, error))
        return false;
    g_assert(row); /* an upsert that returns */
    *ret_epoch = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return true;
}

bool epoch_take(
    const char *path, const char *producer, int64_t now_ms, int64_t *ret_epoch, GError **error)
{
    g_autoptr(sql_file) sql = sql_file_load("contracts/events.sql");
    g_autoptr(sqlite3) db = db_open(path, &(struct db_options){.sync = DB_SYNC_FULL}, error);
    int64_t epoch;
    if (!db || !db_schema(db, sql_file_get(sql, "schema"), EPOCH_SCHEMA_VERSION, error) ||
        !db_begin(db, error))
        return false;
    if (!take(db, sql, producer, now_ms, &epoch, error)) {
        db_rollback(db);
        return false;
    }
    if (!db_commit(db, error))
        return false;
    *ret_epoch = epoch;
    return true;
}

#include "stream/mend.h"

#include "base/config.h"
#include "base/log.h"
#include "model/db.h"
#include "speed/speed_sqlite.h"
#include "stream/checksum.h"

#define STAGE "stream"

/* Statements of contracts/stream.sql: a row's name, its bytes. */
static const char *const looks[] = {"look_at_movies", "look_at_bins", "look_at_measure_log",
                                    "look_at_measures", "look_at_live"};

static bool
look(const struct context *context, sqlite3_stmt *rows, int64_t *ret_damaged, GError **error)
{
    int64_t damaged = 0;
    struct span content;
    for (bool row;;) {
        if (!db_step(rows, &row, error))
            return false;
        if (!row)
            break;
        if (checksum_strip(db_column_span(rows, 1), &content))
            continue;
        if (damaged++ < MEND_NAMED_MAX)
            log_error(context->log, STAGE, "stream.db: the checksum of a row is wrong",
                      LOG_STR("row", (const char *)sqlite3_column_text(rows, 0)));
    }
    *ret_damaged = damaged;
    return true;
}

static bool look_at_all(const struct context *context,
                        sqlite3 *db,
                        const struct sql_file *sql,
                        int64_t *ret_damaged,
                        GError **error)
{
    int64_t sum = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(looks); i++) {
        int64_t damaged = 0;
        g_autoptr(sqlite3_stmt) rows = db_prepare(db, sql_file_get(sql, looks[i]), error);
        if (!rows || !look(context, rows, &damaged, error))
            return false;
        sum += damaged;
    }
    *ret_damaged = sum;
    return true;
}

static bool empty(sqlite3 *db, const struct sql_file *sql, GError **error)
{
    if (!db_begin(db, error))
        return false;
    if (db_exec(db, sql_file_get(sql, "empty_state"), error) && db_commit(db, error))
        return true;
    db_rollback(db);
    return false;
}

bool mend_state(const struct context *context, bool *ret_mended, GError **error)
{
    g_autofree char *path = config_path(context->config, SPEED_SQLITE_FILE);
    g_autoptr(sql_file) sql = sql_file_load("contracts/stream.sql");
    g_autoptr(sqlite3) db = db_open(path, &(struct db_options){.sync = DB_SYNC_FULL}, error);
    int64_t damaged = 0;
    if (!db || !look_at_all(context, db, sql, &damaged, error) ||
        (damaged && !empty(db, sql, error)))
        return false;
    if (damaged)
        log_error(context->log, STAGE,
                  "stream.db was damaged: its windows are computed again from the log; what is "
                  "served stays as it was until then. Look at the disk",
                  LOG_INT("damaged_rows", damaged));
    *ret_mended = damaged > 0;
    return true;
}

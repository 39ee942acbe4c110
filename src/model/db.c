#include "model/db.h"

#include <string.h>

/* While another process switches a new file to WAL, SQLite answers BUSY without asking its busy
 * handler. */
#define DB_WAL_RETRY_MS 10

static const char *db_path(sqlite3 *db)
{
    const char *path = sqlite3_db_filename(db, "main");
    return path && *path ? path : "(memory)";
}

static bool error_at(sqlite3 *db, const char *path, const char *what, GError **error)
{
    const char *text = sqlite3_errmsg(db);
    int code = sqlite3_extended_errcode(db);
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        error_set(error, AGAIN, "%s: %s: %s; another writer holds the file, try again", path, what,
                  text);
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        error_set(error, BADDATA,
                  "%s: %s: %s; the file is damaged or isn't ours: stop marquee, move the file (and "
                  "its -wal) "
                  "away and start again, or restore a copy",
                  path, what, text);
        break;
    case SQLITE_FULL:
        error_set(error, FAILED, "%s: %s: %s; make room on the disk", path, what, text);
        break;
    case SQLITE_IOERR:
        error_set(error, FAILED,
                  "%s: %s: %s (code %d, errno %d); look at the disk and the system's log", path,
                  what, text, code, sqlite3_system_errno(db));
        break;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        error_set(error, DENIED, "%s: %s: %s; check who owns the file and its folder", path, what,
                  text);
        break;
    case SQLITE_CANTOPEN:
        error_set(error, FAILED,
                  "%s: %s: %s (errno %d); check that its folder exists and may be written", path,
                  what, text, sqlite3_system_errno(db));
        break;
    case SQLITE_CONSTRAINT:
        error_set(error, CONFLICT, "%s: %s: %s", path, what, text);
        break;
    case SQLITE_NOMEM:
        g_error("%s: %s: out of memory", path, what);
    default:
        error_set(error, FAILED, "%s: %s: %s (code %d)", path, what, text, code);
    }
    return false;
}

bool db_error(sqlite3 *db, const char *what, GError **error)
{
    return error_at(db, db_path(db), what, error);
}

bool db_exec(sqlite3 *db, const char *sql, GError **error)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           db_error(db, "run a script", error);
}

static bool set_wal(sqlite3 *db, GError **error)
{
    for (int waited_ms = 0;; waited_ms += DB_WAL_RETRY_MS) {
        int code = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if (code == SQLITE_OK)
            return true;
        if (code != SQLITE_BUSY || waited_ms >= DB_BUSY_TIMEOUT_MS)
            return db_error(db, "switch to WAL", error);
        sqlite3_sleep(DB_WAL_RETRY_MS);
    }
}

static bool set_pragmas(sqlite3 *db, const struct db_options *options, GError **error)
{
    g_autofree char *pragmas = g_strdup_printf(
        "PRAGMA synchronous = %s; PRAGMA foreign_keys = ON; "
        "PRAGMA journal_size_limit = %d; PRAGMA cache_size = -%d; PRAGMA query_only = %d",
        options->sync == DB_SYNC_FULL ? "FULL" : "NORMAL", DB_WAL_BYTES_MAX,
        options->cache_bytes ? options->cache_bytes / 1024 : 2000, options->read_only);
    if (options->page_bytes && !options->read_only) {
        g_autofree char *page = g_strdup_printf("PRAGMA page_size = %d", options->page_bytes);
        if (!db_exec(db, page, error))
            return false;
    }
    if (!options->read_only && !set_wal(db, error))
        return false;
    return db_exec(db, pragmas, error);
}

sqlite3 *db_open(const char *path, const struct db_options *options, GError **error)
{
    static const struct db_options defaults = {0};
    if (!options)
        options = &defaults;
    if (options->read_only && !g_file_test(path, G_FILE_TEST_EXISTS)) {
        error_set(error, NOTFOUND, "%s: there is no such file yet", path);
        return NULL;
    }
    /* A reader opens the file for writing too where it may: a WAL can only be read with its
     * shared-memory file, which somebody has to make. query_only keeps it from changing anything.
     */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (!options->read_only)
        flags |= SQLITE_OPEN_CREATE;
    g_autoptr(sqlite3) db = NULL;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
        if (!db)
            g_error("%s: out of memory", path);
        error_at(db, path, "open", error); /* SQLite knows no file name of it yet */
        return NULL;
    }
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, DB_BUSY_TIMEOUT_MS);
    if (!set_pragmas(db, options, error))
        return NULL;
    return g_steal_pointer(&db);
}

void db_close(sqlite3 *db)
{
    if (!db)
        return;
    db_rollback(db);
    int code = sqlite3_close(db);
    g_assert(code == SQLITE_OK); /* else a statement wasn't finalized */
}

static bool read_version(sqlite3 *db, int *ret_version, GError **error)
{
    g_autoptr(sqlite3_stmt) statement = db_prepare(db, "PRAGMA user_version", error);
    bool row;
    if (!statement || !db_step(statement, &row, error))
        return false;
    *ret_version = row ? sqlite3_column_int(statement, 0) : 0;
    return true;
}

/* Within a write transaction, so that of several processes one makes the tables. */
static bool make_tables(sqlite3 *db, const char *script, int version, GError **error)
{
    int found;
    if (!read_version(db, &found, error))
        return false;
    if (found == version)
        return true;
    if (found != 0) {
        error_set(error, FAILED,
                  "%s has layout %d, this program knows layout %d: use the marquee version that "
                  "wrote it, or "
                  "move the file away and let it be rebuilt",
                  db_path(db), found, version);
        return false;
    }
    g_autofree char *stamp = g_strdup_printf("PRAGMA user_version = %d", version);
    return db_exec(db, script, error) && db_exec(db, stamp, error);
}

bool db_schema(sqlite3 *db, const char *script, int version, GError **error)
{
    g_assert(version > 0);
    int found;
    if (!read_version(db, &found, error))
        return false;
    if (found == version)
        return true;
    if (!db_begin(db, error))
        return false;
    if (!make_tables(db, script, version, error)) {
        db_rollback(db);
        return false;
    }
    return db_commit(db, error);
}

sqlite3_stmt *db_prepare(sqlite3 *db, const char *sql, GError **error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
        db_error(db, sql, error);
        return NULL;
    }
    g_assert(statement); /* else the text held no statement */
    return statement;
}

bool db_step(sqlite3_stmt *statement, bool *ret_row, GError **error)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *ret_row = true;
        return true;
    }
    if (code != SQLITE_DONE) {
        db_error(sqlite3_db_handle(statement), sqlite3_sql(statement), error);
        sqlite3_reset(statement);
        return false;
    }
    sqlite3_reset(statement);
    *ret_row = false;
    return true;
}

bool db_run(sqlite3_stmt *statement, GError **error)
{
    bool row = true;
    while (row) {
        if (!db_step(statement, &row, error))
            return false;
    }
    return true;
}

bool db_begin(sqlite3 *db, GError **error)
{
    return sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK ||
           db_error(db, "begin to write", error);
}

bool db_begin_read(sqlite3 *db, GError **error)
{
    return sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK ||
           db_error(db, "begin to read", error);
}

bool db_commit(sqlite3 *db, GError **error)
{
    if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return true;
    db_error(db, "commit", error);
    db_rollback(db);
    return false;
}

void db_rollback(sqlite3 *db)
{
    /* SQLite itself rolls back on some errors. What a rollback can't do now, recovery does at the
     * next open. */
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

void db_bind_int(sqlite3_stmt *statement, int index, int64_t value)
{
    int code = sqlite3_bind_int64(statement, index, value);
    g_assert(code == SQLITE_OK);
}

void db_bind_double(sqlite3_stmt *statement, int index, double value)
{
    int code = sqlite3_bind_double(statement, index, value);
    g_assert(code == SQLITE_OK);
}

void db_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    int code = sqlite3_bind_text64(statement, index, text, text ? strlen(text) : 0, SQLITE_STATIC,
                                   SQLITE_UTF8);
    g_assert(code == SQLITE_OK);
}

void db_bind_span(sqlite3_stmt *statement, int index, struct span text)
{
    int code = sqlite3_bind_text64(statement, index, text.data ? text.data : "", text.len,
                                   SQLITE_STATIC, SQLITE_UTF8);
    g_assert(code == SQLITE_OK);
}

void db_bind_blob(sqlite3_stmt *statement, int index, struct span bytes)
{
    int code = sqlite3_bind_blob64(statement, index, bytes.data ? bytes.data : "", bytes.len,
                                   SQLITE_STATIC);
    g_assert(code == SQLITE_OK);
}

void db_bind_null(sqlite3_stmt *statement, int index)
{
    int code = sqlite3_bind_null(statement, index);
    g_assert(code == SQLITE_OK);
}

struct span db_column_span(sqlite3_stmt *statement, int column)
{
    /* The order matters: asking for the bytes may convert, asking for the length doesn't. */
    const char *data = sqlite3_column_blob(statement, column);
    int len = sqlite3_column_bytes(statement, column);
    return (struct span){.data = data ? data : "", .len = (size_t)len};
}

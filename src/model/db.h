/* Db: the few things that every SQLite file of marquee needs: opened with the same pragmas, its
 * errors told in our codes, transactions that take the write lock first. Everything else is
 * SQLite's own API on the sqlite3 * and sqlite3_stmt * given out here. One owner thread a
 * connection; several threads and processes may have the same file open.
 *
 * Errors: AGAIN, another writer holds the file for longer than DB_BUSY_TIMEOUT_MS: roll back,
 * repeat. BADDATA, the file is damaged or isn't a database (the text names it and says what to do).
 * NOTFOUND, a file to be read isn't there. CONFLICT, a constraint. DENIED, no right to the file.
 * FAILED, disk full, I/O and the rest. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <sqlite3.h>

#include "base/error.h"
#include "base/sql_file.h"
#include "model/record.h"

#define DB_BUSY_TIMEOUT_MS 5000
#define DB_WAL_BYTES_MAX                                                                           \
    (64 * 1024 * 1024) /* the WAL file is cut back to this after a checkpoint */

enum db_sync {
    DB_SYNC_FULL,   /* a commit survives a power cut */
    DB_SYNC_NORMAL, /* the file survives it; the last commits may be gone */
};

struct db_options {
    enum db_sync sync;
    bool read_only;  /* the file must exist; nothing can be written through this connection */
    int page_bytes;  /* of a file that is made now; 0: SQLite's default */
    int cache_bytes; /* page cache of this connection; 0: SQLite's default (2 MB) */
};

/* WAL, foreign keys on, busy time-out set. options may be NULL (all 0). The file is made where it
 * is absent, its folder isn't. */
sqlite3 *db_open(const char *path, const struct db_options *options, GError **error) MUST_CHECK;
void db_close(sqlite3 *db); /* accepts NULL; all statements must be finalized (asserted) */

/* Makes the tables of a new file: runs the script in one transaction and stores version as
 * user_version. Nothing to do where the file has this version already; FAILED where it has another.
 * version > 0. Several processes may call it at once. */
bool db_schema(sqlite3 *db, const char *script, int version, GError **error) MUST_CHECK;

/* Several statements without parameters or rows. */
bool db_exec(sqlite3 *db, const char *sql, GError **error) MUST_CHECK;

/* For statements that live as long as the connection. */
sqlite3_stmt *db_prepare(sqlite3 *db, const char *sql, GError **error) MUST_CHECK;

/* ret_row: a row is there to be read with sqlite3_column_*. Without one, and on error, the
 * statement has been reset, so that it holds no lock; who stops before the last row calls
 * sqlite3_reset. */
bool db_step(sqlite3_stmt *statement, bool *ret_row, GError **error) MUST_CHECK;

/* A statement whose rows nobody wants, to its end; reset afterwards. */
bool db_run(sqlite3_stmt *statement, GError **error) MUST_CHECK;

/* BEGIN IMMEDIATE: the write lock is taken here or not at all, so later statements don't fail with
 * AGAIN. */
bool db_begin(sqlite3 *db, GError **error) MUST_CHECK;
/* BEGIN: one consistent view for several reads. End it with db_commit or db_rollback. */
bool db_begin_read(sqlite3 *db, GError **error) MUST_CHECK;
/* On failure the transaction has been rolled back. */
bool db_commit(sqlite3 *db, GError **error) MUST_CHECK;
void db_rollback(sqlite3 *db); /* no transaction: nothing happens */

/* Sets error from the connection's last failure; what: the doing that failed ("read offsets").
 * Always false, so that it can be returned. */
bool db_error(sqlite3 *db, const char *what, GError **error);

/* Bindings are asserted: a wrong index is our mistake. Text and blobs must stay as they are until
 * the statement is reset. A span without bytes binds an empty text or blob, never NULL. */
void db_bind_int(sqlite3_stmt *statement, int index, int64_t value);
void db_bind_double(sqlite3_stmt *statement, int index, double value);
void db_bind_text(sqlite3_stmt *statement, int index, const char *text); /* NULL binds NULL */
void db_bind_span(sqlite3_stmt *statement, int index, struct span text);
void db_bind_blob(sqlite3_stmt *statement, int index, struct span bytes);
void db_bind_null(sqlite3_stmt *statement, int index);

/* The column's bytes, valid until the next step or reset. */
struct span db_column_span(sqlite3_stmt *statement, int column);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3, db_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)

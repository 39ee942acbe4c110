/* View store on SQLite: what its files share. Nobody else includes it.
 *
 *   view_sqlite.c         open, close, statements, leases, run history, the ops table
 *   view_sqlite_batch.c   generations and their documents
 *   view_sqlite_search.c  full text over the movies' documents
 *   view_sqlite_speed.c   speed documents, sync's state
 *
 * One file, data.dir/views.db, WAL. A commit is on the disk before it returns: sync prunes the
 * speed store's feed up to the position stored here, so a position must never be lost with the
 * documents that it stands for. */
#pragma once

#include <glib.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/sql_file.h"
#include "model/db.h"
#include "view/view_backend.h"

enum view_statement {
    GENERATION_STATE,
    POINTER_READ,
    POINTER_NOTE,
    GENERATION_BEGIN,
    DOC_LAST,
    DOC_PUT,
    SEARCH_PUT_TEXT,
    SEARCH_PUT_MOVIES,
    GENERATION_SUPERSEDE,
    GENERATION_PUBLISH,
    POINTER_SWITCH,
    CURRENT_READ,
    DOC_QUERY,
    DOC_QUERY_GENRE,
    SEARCH_WORDS,
    SEARCH_ALL,
    DOC_READ,
    SPEED_PUT,
    SPEED_DELETE,
    SYNC_READ,
    SYNC_WRITE,
    SPEED_QUERY,
    SPEED_QUERY_ALL,
    SPEED_SWEEP,
    GENERATION_RETIRE,
    GENERATION_GONE,
    DOC_SWEEP,
    GENERATION_FORGET,
    LEASE_READ,
    LEASE_WRITE,
    RUN_PUT,
    RUN_TRIM,
    RUN_LIST,
    VIEW_STATEMENT_COUNT
};

struct view_sqlite {
    struct view view;
    sqlite3 *db;
    struct sql_file *sql;
    sqlite3_stmt *statements[VIEW_STATEMENT_COUNT]; /* prepared at first use */
};

/* Reset and without bindings; lives as long as the store. NULL and error on failure. */
sqlite3_stmt *
view_sqlite_statement(struct view_sqlite *store, enum view_statement id, GError **error) MUST_CHECK;

/* Ends a write transaction: commit where ok, else roll back; returns whether it is committed. */
bool view_sqlite_end(struct view_sqlite *store, bool ok, GError **error) MUST_CHECK;

/* A column's text in the arena. */
const char *view_sqlite_text(sqlite3_stmt *statement, int column, struct arena *arena);

bool view_sqlite_put(struct view *view,
                     int64_t generation,
                     const struct view_doc *docs,
                     size_t count,
                     GError **error);
bool view_sqlite_publish(struct view *view,
                         const struct view_generation *generation,
                         int64_t lease_epoch,
                         GError **error);
bool view_sqlite_current(struct view *view,
                         struct arena *arena,
                         struct view_generation *ret_generation,
                         GError **error);
bool view_sqlite_last_generation(struct view *view, int64_t *ret_generation, GError **error);
bool view_sqlite_query(struct view *view,
                       int64_t generation,
                       const struct view_filter *filter,
                       const char *cursor,
                       size_t limit,
                       struct arena *arena,
                       struct view_doc **ret_docs,
                       size_t *ret_count,
                       const char **ret_cursor,
                       GError **error);
/* Within the caller's transaction: NOTFOUND where the generation isn't kept any more. */
bool view_sqlite_generation_kept(struct view_sqlite *store,
                                 int64_t generation,
                                 GError **error) MUST_CHECK;
bool view_sqlite_search(struct view *view,
                        int64_t generation,
                        const struct view_search *search,
                        size_t offset,
                        size_t limit,
                        struct arena *arena,
                        struct view_found **ret_found,
                        size_t *ret_count,
                        bool *ret_more,
                        GError **error);
/* Removes at most rows_max documents of superseded generations. */
bool view_sqlite_sweep_batch(struct view_sqlite *store,
                             size_t rows_max,
                             int64_t *ret_rows,
                             GError **error) MUST_CHECK;

bool view_sqlite_put_speed(struct view *view,
                           const struct speed_doc *docs,
                           size_t count,
                           int64_t feed_position,
                           int64_t synced_at_ms,
                           GError **error);
bool view_sqlite_sync_position(struct view *view,
                               int64_t *ret_feed_position,
                               int64_t *ret_synced_at_ms,
                               GError **error);
bool view_sqlite_earliest_hour(struct view *view, int64_t *ret_hour_ms, GError **error);
bool view_sqlite_query_speed(struct view *view,
                             const char *view_type,
                             int64_t movie_id,
                             int64_t from_hour_ms,
                             int64_t to_hour_ms,
                             struct arena *arena,
                             struct speed_doc **ret_docs,
                             size_t *ret_count,
                             GError **error);
/* Speed documents first, then superseded generations; together at most rows_max. */
bool view_sqlite_sweep(struct view *view, size_t rows_max, int64_t *ret_rows, GError **error);

/* Reads the lease within the caller's transaction; epoch 0: nobody ever held it. */
bool view_sqlite_lease_read(struct view_sqlite *store,
                            const char *name,
                            char **ret_owner,
                            int64_t *ret_epoch,
                            int64_t *ret_until_ms,
                            GError **error) MUST_CHECK;

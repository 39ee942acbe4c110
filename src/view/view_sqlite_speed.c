#include "view/view_sqlite.h"

#include <string.h>

#include "base/failpoint.h"

/* Speed documents live as long as the speed store's rows: to their hour's end and retention. */
static int64_t expires_at_ms(const struct view_sqlite *store, int64_t hour_ms)
{
    return hour_ms + MS_PER_HOUR + store->view.context->config->speed_retention_ms;
}

struct sync_state {
    int64_t feed_position, synced_at_ms, earliest_hour_ms;
};

static bool sync_read(struct view_sqlite *store, struct sync_state *ret_state, GError **error)
{
    sqlite3_stmt *read = view_sqlite_statement(store, SYNC_READ, error);
    if (!read)
        return false;
    bool row;
    if (!db_step(read, &row, error))
        return false;
    *ret_state = (struct sync_state){.feed_position = -1, .earliest_hour_ms = INT64_MAX};
    if (row) {
        ret_state->feed_position = sqlite3_column_int64(read, 0);
        ret_state->synced_at_ms = sqlite3_column_int64(read, 1);
        if (sqlite3_column_type(read, 2) != SQLITE_NULL)
            ret_state->earliest_hour_ms = sqlite3_column_int64(read, 2);
    }
    sqlite3_reset(read);
    return true;
}

static bool sync_write(struct view_sqlite *store,
                       int64_t feed_position,
                       int64_t synced_at_ms,
                       int64_t earliest_hour_ms,
                       GError **error)
{
    struct sync_state state;
    if (!sync_read(store, &state, error))
        return false;
    if (feed_position < state.feed_position) {
        error_set(error, CONFLICT,
                  "nothing was copied: sync stands at %" G_GINT64_FORMAT
                  " already, this one comes from %" G_GINT64_FORMAT,
                  state.feed_position, feed_position);
        return false;
    }
    sqlite3_stmt *write = view_sqlite_statement(store, SYNC_WRITE, error);
    if (!write)
        return false;
    db_bind_int(write, 1, feed_position);
    db_bind_int(write, 2, synced_at_ms);
    if (earliest_hour_ms != INT64_MAX)
        db_bind_int(write, 3, earliest_hour_ms);
    return db_run(write, error);
}

static bool put_doc(struct view_sqlite *store, const struct speed_doc *doc, GError **error)
{
    sqlite3_stmt *put = view_sqlite_statement(store, doc->data ? SPEED_PUT : SPEED_DELETE, error);
    if (!put)
        return false;
    db_bind_text(put, 1, doc->view_type);
    db_bind_int(put, 2, doc->movie_id);
    db_bind_int(put, 3, doc->hour_ms);
    if (doc->data) {
        db_bind_text(put, 4, doc->data);
        db_bind_int(put, 5, doc->synced_at_ms);
        db_bind_int(put, 6, expires_at_ms(store, doc->hour_ms));
    }
    return db_run(put, error);
}

static bool put_docs(struct view_sqlite *store,
                     const struct speed_doc *docs,
                     size_t count,
                     int64_t feed_position,
                     int64_t synced_at_ms,
                     GError **error)
{
    int64_t earliest_hour_ms = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        if (docs[i].data)
            earliest_hour_ms = MIN(earliest_hour_ms, docs[i].hour_ms);
    }
    /* The position first: a sync that is behind writes nothing. */
    if (!sync_write(store, feed_position, synced_at_ms, earliest_hour_ms, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!put_doc(store, &docs[i], error))
            return false;
    }
    return true;
}

bool view_sqlite_put_speed(struct view *view,
                           const struct speed_doc *docs,
                           size_t count,
                           int64_t feed_position,
                           int64_t synced_at_ms,
                           GError **error)
{
    struct view_sqlite *store = (struct view_sqlite *)view;
    if (!db_begin(store->db, error))
        return false;
    bool ok = put_docs(store, docs, count, feed_position, synced_at_ms, error);
    failpoint("view_put_speed_before_commit");
    return view_sqlite_end(store, ok, error);
}

bool view_sqlite_sync_position(struct view *view,
                               int64_t *ret_feed_position,
                               int64_t *ret_synced_at_ms,
                               GError **error)
{
    struct sync_state state;
    if (!sync_read((struct view_sqlite *)view, &state, error))
        return false;
    *ret_feed_position = state.feed_position;
    *ret_synced_at_ms = state.synced_at_ms;
    return true;
}

bool view_sqlite_earliest_hour(struct view *view, int64_t *ret_hour_ms, GError **error)
{
    struct sync_state state;
    if (!sync_read((struct view_sqlite *)view, &state, error))
        return false;
    *ret_hour_ms = state.earliest_hour_ms;
    return true;
}

static sqlite3_stmt *bind_query(struct view_sqlite *store,
                                const char *view_type,
                                int64_t movie_id,
                                int64_t from_hour_ms,
                                int64_t to_hour_ms,
                                GError **error)
{
    bool all = movie_id == VIEW_ANY_MOVIE;
    sqlite3_stmt *query = view_sqlite_statement(store, all ? SPEED_QUERY_ALL : SPEED_QUERY, error);
    if (!query)
        return NULL;
    int index = 1;
    db_bind_text(query, index++, view_type);
    if (!all)
        db_bind_int(query, index++, movie_id);
    db_bind_int(query, index++, from_hour_ms);
    db_bind_int(query, index++, to_hour_ms);
    db_bind_int(query, index++, clock_now_ms(store->view.context->clock));
    db_bind_int(query, index++, VIEW_SPEED_ROWS_MAX + 1);
    return query;
}

bool view_sqlite_query_speed(struct view *view,
                             const char *view_type,
                             int64_t movie_id,
                             int64_t from_hour_ms,
                             int64_t to_hour_ms,
                             struct arena *arena,
                             struct speed_doc **ret_docs,
                             size_t *ret_count,
                             GError **error)
{
    struct view_sqlite *store = (struct view_sqlite *)view;
    sqlite3_stmt *query = bind_query(store, view_type, movie_id, from_hour_ms, to_hour_ms, error);
    if (!query)
        return false;
    const char *type = arena_strdup(arena, view_type);
    g_autoptr(GArray) docs = g_array_new(FALSE, FALSE, sizeof(struct speed_doc));
    for (bool row;;) {
        if (!db_step(query, &row, error))
            return false;
        if (!row)
            break;
        if (docs->len == VIEW_SPEED_ROWS_MAX) {
            sqlite3_reset(query);
            error_set(error, BADDATA,
                      "view %s: these hours hold more than %d documents; ask for fewer hours",
                      view_type, VIEW_SPEED_ROWS_MAX);
            return false;
        }
        struct speed_doc doc = {
            .view_type = type,
            .movie_id = sqlite3_column_int64(query, 0),
            .hour_ms = sqlite3_column_int64(query, 1),
            .data = view_sqlite_text(query, 2, arena),
            .synced_at_ms = sqlite3_column_int64(query, 3),
        };
        g_array_append_val(docs, doc);
    }
    *ret_docs = arena_array(arena, struct speed_doc, docs->len);
    if (docs->len > 0)
        memcpy(*ret_docs, docs->data, docs->len * sizeof(struct speed_doc));
    *ret_count = docs->len;
    return true;
}

/* ---- the broom ---- */

/* Within a transaction. */
static bool sweep(struct view_sqlite *store, size_t rows_max, int64_t *ret_rows, GError **error)
{
    sqlite3_stmt *statement = view_sqlite_statement(store, SPEED_SWEEP, error);
    if (!statement)
        return false;
    db_bind_int(statement, 1, clock_now_ms(store->view.context->clock));
    db_bind_int(statement, 2, (int64_t)rows_max);
    if (!db_run(statement, error))
        return false;
    int64_t speed_rows = sqlite3_changes64(store->db), batch_rows = 0;
    if ((size_t)speed_rows < rows_max &&
        !view_sqlite_sweep_batch(store, rows_max - (size_t)speed_rows, &batch_rows, error))
        return false;
    *ret_rows = speed_rows + batch_rows;
    return true;
}

bool view_sqlite_sweep(struct view *view, size_t rows_max, int64_t *ret_rows, GError **error)
{
    struct view_sqlite *store = (struct view_sqlite *)view;
    if (!db_begin(store->db, error))
        return false;
    int64_t rows = 0;
    if (!view_sqlite_end(store, sweep(store, rows_max, &rows, error), error))
        return false;
    *ret_rows = rows;
    return true;
}

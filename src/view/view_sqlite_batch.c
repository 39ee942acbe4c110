#include "view/view_sqlite.h"

#include <string.h>

#include "base/failpoint.h"
#include "view/view_id.h"

/* "building", "published", "superseded", "gone", or "" where there is no such generation. */
static bool
generation_state(struct view_sqlite *store, int64_t generation, char **ret_state, GError **error)
{
    sqlite3_stmt *read = view_sqlite_statement(store, GENERATION_STATE, error);
    if (!read)
        return false;
    db_bind_int(read, 1, generation);
    bool row;
    if (!db_step(read, &row, error))
        return false;
    *ret_state = g_strdup(row ? (const char *)sqlite3_column_text(read, 0) : "");
    sqlite3_reset(read);
    return true;
}

static bool
pointer_read(struct view_sqlite *store, int64_t *ret_current, int64_t *ret_last, GError **error)
{
    sqlite3_stmt *read = view_sqlite_statement(store, POINTER_READ, error);
    if (!read)
        return false;
    bool row;
    if (!db_step(read, &row, error))
        return false;
    *ret_current = row ? sqlite3_column_int64(read, 0) : 0;
    *ret_last = row ? sqlite3_column_int64(read, 1) : 0;
    sqlite3_reset(read);
    return true;
}

/* ---- documents ---- */

static bool generation_begin(struct view_sqlite *store, int64_t generation, GError **error)
{
    int64_t current, last;
    if (!pointer_read(store, &current, &last, error))
        return false;
    if (generation <= current) {
        error_set(error, CONFLICT,
                  "generation %" G_GINT64_FORMAT
                  " takes no more documents: generation %" G_GINT64_FORMAT
                  " is served; take a number above %" G_GINT64_FORMAT,
                  generation, current, last);
        return false;
    }
    sqlite3_stmt *note = view_sqlite_statement(store, POINTER_NOTE, error);
    sqlite3_stmt *begin = note ? view_sqlite_statement(store, GENERATION_BEGIN, error) : NULL;
    if (!begin)
        return false;
    db_bind_int(note, 1, generation);
    db_bind_int(begin, 1, generation);
    return db_run(note, error) && db_run(begin, error);
}

static bool last_seq(struct view_sqlite *store, int64_t *ret_seq, GError **error)
{
    sqlite3_stmt *last = view_sqlite_statement(store, DOC_LAST, error);
    bool row;
    if (!last || !db_step(last, &row, error))
        return false;
    *ret_seq = sqlite3_column_int64(last, 0);
    sqlite3_reset(last);
    return true;
}

static bool put_rows(struct view_sqlite *store,
                     int64_t generation,
                     const struct view_doc *docs,
                     size_t count,
                     GError **error)
{
    sqlite3_stmt *put = view_sqlite_statement(store, DOC_PUT, error);
    if (!put)
        return false;
    g_autoptr(GString) id = g_string_new(NULL);
    for (size_t i = 0; i < count; i++) {
        const struct view_key *key = &docs[i].key;
        g_string_truncate(id, 0);
        view_id_append(id, generation, key);
        db_bind_text(put, 1, id->str);
        db_bind_int(put, 2, generation);
        db_bind_text(put, 3, key->view_type);
        db_bind_int(put, 4, key->movie_id);
        db_bind_text(put, 5, key->genre ? key->genre : "");
        db_bind_int(put, 6, key->year);
        db_bind_int(put, 7, key->month);
        db_bind_text(put, 8, key->window ? key->window : "");
        db_bind_int(put, 9, key->day_ms);
        db_bind_text(put, 10, docs[i].data);
        if (!db_run(put, error))
            return false;
    }
    /* The _id's buffer must not stay bound after it is freed. */
    sqlite3_clear_bindings(put);
    return true;
}

/* Those added after seq. */
static bool index_added(struct view_sqlite *store, int64_t seq, GError **error)
{
    static const enum view_statement statements[] = {SEARCH_PUT_TEXT, SEARCH_PUT_MOVIES};
    for (size_t i = 0; i < G_N_ELEMENTS(statements); i++) {
        sqlite3_stmt *statement = view_sqlite_statement(store, statements[i], error);
        if (!statement)
            return false;
        db_bind_int(statement, 1, seq);
        if (!db_run(statement, error))
            return false;
    }
    return true;
}

static bool put_docs(struct view_sqlite *store,
                     int64_t generation,
                     const struct view_doc *docs,
                     size_t count,
                     GError **error)
{
    int64_t seq;
    return generation_begin(store, generation, error) && last_seq(store, &seq, error) &&
           put_rows(store, generation, docs, count, error) && index_added(store, seq, error);
}

bool view_sqlite_put(struct view *view,
                     int64_t generation,
                     const struct view_doc *docs,
                     size_t count,
                     GError **error)
{
    struct view_sqlite *store = (struct view_sqlite *)view;
    return db_begin(store->db, error) &&
           view_sqlite_end(store, put_docs(store, generation, docs, count, error), error);
}

static const char *text_or_null(sqlite3_stmt *statement, int column, struct arena *arena)
{
    return sqlite3_column_bytes(statement, column) > 0 ? view_sqlite_text(statement, column, arena)
                                                       : NULL;
}

static struct view_doc read_doc(sqlite3_stmt *query, struct arena *arena)
{
    return (struct view_doc){
        .key =
            {
                .view_type = view_sqlite_text(query, 1, arena),
                .movie_id = sqlite3_column_int64(query, 2),
                .genre = text_or_null(query, 3, arena),
                .year = sqlite3_column_int(query, 4),
                .month = sqlite3_column_int(query, 5),
                .window = text_or_null(query, 6, arena),
                .day_ms = sqlite3_column_int64(query, 7),
            },
        .data = view_sqlite_text(query, 8, arena),
    };
}

/* Bindings of both queries; after and before must live until the statement is reset. */
static sqlite3_stmt *bind_query(struct view_sqlite *store,
                                int64_t generation,
                                const struct view_filter *filter,
                                const char *after,
                                const char *before,
                                size_t rows,
                                GError **error)
{
    const struct view_key *key = &filter->key;
    bool by_genre = key->genre && *key->genre && !key->movie_id;
    sqlite3_stmt *query =
        view_sqlite_statement(store, by_genre ? DOC_QUERY_GENRE : DOC_QUERY, error);
    if (!query)
        return NULL;
    db_bind_text(query, 1, after);
    db_bind_text(query, 2, before);
    db_bind_int(query, 3, key->movie_id);
    db_bind_text(query, 4, key->genre ? key->genre : "");
    db_bind_int(query, 5, key->year);
    db_bind_int(query, 6, key->month);
    db_bind_text(query, 7, key->window ? key->window : "");
    db_bind_int(query, 8, key->day_ms);
    db_bind_int(query, 9, filter->to_day_ms);
    db_bind_int(query, 10, filter->from_day_ms);
    db_bind_int(query, 11, (int64_t)rows);
    if (by_genre) {
        db_bind_int(query, 12, generation);
        db_bind_text(query, 13, key->view_type);
    }
    return query;
}

bool view_sqlite_generation_kept(struct view_sqlite *store, int64_t generation, GError **error)
{
    g_autofree char *state = NULL;
    if (!generation_state(store, generation, &state, error))
        return false;
    if (*state && strcmp(state, "gone") != 0)
        return true;
    error_set(error, NOTFOUND,
              "generation %" G_GINT64_FORMAT " is no longer kept; begin again without a cursor",
              generation);
    return false;
}

/* Within a read transaction. */
static bool query_docs(struct view_sqlite *store,
                       int64_t generation,
                       const struct view_filter *filter,
                       const char *cursor,
                       size_t limit,
                       struct arena *arena,
                       struct view_doc **ret_docs,
                       size_t *ret_count,
                       const char **ret_cursor,
                       GError **error)
{
    if (!view_sqlite_generation_kept(store, generation, error))
        return false;
    g_autoptr(GString) after = g_string_new(NULL);
    g_autoptr(GString) before = g_string_new(NULL);
    view_id_range(generation, filter, after, before);
    if (cursor && strcmp(cursor, after->str) > 0)
        g_string_assign(after, cursor);
    /* One more than asked for tells whether anything is left. */
    sqlite3_stmt *query =
        bind_query(store, generation, filter, after->str, before->str, limit + 1, error);
    if (!query)
        return false;
    g_autoptr(GArray) docs = g_array_new(FALSE, FALSE, sizeof(struct view_doc));
    const char *last_id = NULL, *next = NULL;
    for (bool row;;) {
        if (!db_step(query, &row, error))
            return false;
        if (!row)
            break;
        if (docs->len == limit) {
            next = last_id;
            sqlite3_reset(query);
            break;
        }
        struct view_doc doc = read_doc(query, arena);
        g_array_append_val(docs, doc);
        if (docs->len == limit)
            last_id = view_sqlite_text(query, 0, arena);
    }
    sqlite3_clear_bindings(query);
    *ret_docs = arena_array(arena, struct view_doc, docs->len);
    if (docs->len > 0)
        memcpy(*ret_docs, docs->data, docs->len * sizeof(struct view_doc));
    *ret_count = docs->len;
    *ret_cursor = next;
    return true;
}

bool view_sqlite_query(struct view *view,
                       int64_t generation,
                       const struct view_filter *filter,
                       const char *cursor,
                       size_t limit,
                       struct arena *arena,
                       struct view_doc **ret_docs,
                       size_t *ret_count,
                       const char **ret_cursor,
                       GError **error)
{
    struct view_sqlite *store = (struct view_sqlite *)view;
    if (!db_begin_read(store->db, error))
        return false;
    bool ok = query_docs(store, generation, filter, cursor, limit, arena, ret_docs, ret_count,
                         ret_cursor, error);
    db_rollback(store->db);
    return ok;
}

/* ---- the pointer ---- */

static bool check_lease(struct view_sqlite *store, const char *name, int64_t epoch, GError **error)
{
    int64_t found, until_ms;
    g_autofree char *owner = NULL;
    if (!view_sqlite_lease_read(store, name, &owner, &found, &until_ms, error))
        return false;
    if (found == epoch && *owner)
        return true;
    error_set(error, FENCED,
              "nothing was published: the lease '%s' has epoch %" G_GINT64_FORMAT
              " now, this run took it with epoch %" G_GINT64_FORMAT,
              name, found, epoch);
    return false;
}

static bool
switch_pointer(struct view_sqlite *store, const struct view_generation *generation, GError **error)
{
    sqlite3_stmt *supersede = view_sqlite_statement(store, GENERATION_SUPERSEDE, error);
    sqlite3_stmt *publish =
        supersede ? view_sqlite_statement(store, GENERATION_PUBLISH, error) : NULL;
    sqlite3_stmt *point = publish ? view_sqlite_statement(store, POINTER_SWITCH, error) : NULL;
    if (!point)
        return false;
    db_bind_int(supersede, 1, generation->generation);
    db_bind_int(supersede, 2, clock_now_ms(store->view.context->clock));
    db_bind_int(publish, 1, generation->generation);
    db_bind_text(publish, 2, generation->batch_run_id);
    db_bind_int(publish, 3, generation->through_ms);
    db_bind_int(publish, 4, generation->cut_at_ms);
    db_bind_int(publish, 5, generation->computed_at_ms);
    db_bind_text(publish, 6, generation->cut);
    db_bind_int(point, 1, generation->generation);
    return db_run(supersede, error) && db_run(publish, error) && db_run(point, error);
}

static bool publish_checked(struct view_sqlite *store,
                            const struct view_generation *generation,
                            int64_t lease_epoch,
                            GError **error)
{
    int64_t current, last;
    if (!check_lease(store, "batch", lease_epoch, error) ||
        !pointer_read(store, &current, &last, error))
        return false;
    if (generation->generation < current) {
        error_set(error, CONFLICT,
                  "generation %" G_GINT64_FORMAT " is older than %" G_GINT64_FORMAT
                  ", which is served",
                  generation->generation, current);
        return false;
    }
    return switch_pointer(store, generation, error);
}

bool view_sqlite_publish(struct view *view,
                         const struct view_generation *generation,
                         int64_t lease_epoch,
                         GError **error)
{
    struct view_sqlite *store = (struct view_sqlite *)view;
    if (!db_begin(store->db, error))
        return false;
    bool ok = publish_checked(store, generation, lease_epoch, error);
    failpoint("view_publish_before_commit");
    return view_sqlite_end(store, ok, error);
}

bool view_sqlite_current(struct view *view,
                         struct arena *arena,
                         struct view_generation *ret_generation,
                         GError **error)
{
    struct view_sqlite *store = (struct view_sqlite *)view;
    sqlite3_stmt *read = view_sqlite_statement(store, CURRENT_READ, error);
    if (!read)
        return false;
    bool row;
    if (!db_step(read, &row, error))
        return false;
    if (!row) {
        *ret_generation = (struct view_generation){.batch_run_id = "", .cut = "{}"};
        return true;
    }
    *ret_generation = (struct view_generation){
        .generation = sqlite3_column_int64(read, 0),
        .batch_run_id = view_sqlite_text(read, 1, arena),
        .through_ms = sqlite3_column_int64(read, 2),
        .cut_at_ms = sqlite3_column_int64(read, 3),
        .computed_at_ms = sqlite3_column_int64(read, 4),
        .cut = view_sqlite_text(read, 5, arena),
    };
    sqlite3_reset(read);
    return true;
}

bool view_sqlite_last_generation(struct view *view, int64_t *ret_generation, GError **error)
{
    int64_t current;
    return pointer_read((struct view_sqlite *)view, &current, ret_generation, error);
}

/* ---- the broom ---- */

/* Within a transaction: marks what may go. Readers see that before the first document is gone. */
static bool retire(struct view_sqlite *store, GError **error)
{
    const struct context *context = store->view.context;
    sqlite3_stmt *statement = view_sqlite_statement(store, GENERATION_RETIRE, error);
    if (!statement)
        return false;
    db_bind_int(statement, 1,
                clock_now_ms(context->clock) - context->config->views_generation_grace_ms);
    return db_run(statement, error);
}

static bool next_gone(struct view_sqlite *store, int64_t *ret_generation, GError **error)
{
    sqlite3_stmt *statement = view_sqlite_statement(store, GENERATION_GONE, error);
    bool row;
    if (!statement || !db_step(statement, &row, error))
        return false;
    *ret_generation = row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return true;
}

static bool sweep_generation(struct view_sqlite *store,
                             int64_t generation,
                             size_t rows_max,
                             int64_t *ret_rows,
                             GError **error)
{
    g_autoptr(GString) after = g_string_new(NULL);
    g_autoptr(GString) before = g_string_new(NULL);
    view_id_generation_range(generation, after, before);
    sqlite3_stmt *sweep = view_sqlite_statement(store, DOC_SWEEP, error);
    sqlite3_stmt *forget = sweep ? view_sqlite_statement(store, GENERATION_FORGET, error) : NULL;
    if (!forget)
        return false;
    db_bind_text(sweep, 1, after->str);
    db_bind_text(sweep, 2, before->str);
    db_bind_int(sweep, 3, (int64_t)rows_max);
    bool ok = db_run(sweep, error);
    sqlite3_clear_bindings(sweep);
    if (!ok)
        return false;
    *ret_rows = sqlite3_changes64(store->db);
    if ((size_t)*ret_rows == rows_max)
        return true; /* perhaps more: the row of the generation goes with its last document */
    db_bind_int(forget, 1, generation);
    return db_run(forget, error);
}

bool view_sqlite_sweep_batch(struct view_sqlite *store,
                             size_t rows_max,
                             int64_t *ret_rows,
                             GError **error)
{
    int64_t generation, rows = 0;
    if (!retire(store, error) || !next_gone(store, &generation, error))
        return false;
    if (generation && !sweep_generation(store, generation, rows_max, &rows, error))
        return false;
    *ret_rows = rows;
    return true;
}

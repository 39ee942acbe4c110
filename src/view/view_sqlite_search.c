#include "view/view_sqlite.h"

static sqlite3_stmt *bind_search(struct view_sqlite *store,
                                 int64_t generation,
                                 const struct view_search *search,
                                 size_t offset,
                                 size_t rows,
                                 GError **error)
{
    enum view_sort sort = search->sort;
    if (!search->words && sort == VIEW_SORT_RELEVANCE)
        sort = VIEW_SORT_POPULARITY;
    sqlite3_stmt *query =
        view_sqlite_statement(store, search->words ? SEARCH_WORDS : SEARCH_ALL, error);
    if (!query)
        return NULL;
    db_bind_int(query, 1, generation);
    db_bind_text(query, 2, search->genre ? search->genre : "");
    db_bind_int(query, 3, search->year_from);
    db_bind_int(query, 4, search->year_to);
    db_bind_double(query, 5, search->rating_min);
    db_bind_int(query, 6, sort);
    db_bind_int(query, 7, (int64_t)rows);
    db_bind_int(query, 8, (int64_t)offset);
    if (search->words)
        db_bind_text(query, 9, search->words);
    return query;
}

static bool read_document(struct view_sqlite *store,
                          int64_t seq,
                          struct arena *arena,
                          const char **ret_data,
                          GError **error)
{
    sqlite3_stmt *read = view_sqlite_statement(store, DOC_READ, error);
    bool row;
    if (!read)
        return false;
    db_bind_int(read, 1, seq);
    if (!db_step(read, &row, error))
        return false;
    *ret_data = row ? view_sqlite_text(read, 0, arena) : "{}";
    sqlite3_reset(read);
    return true;
}

/* Within a read transaction. */
static bool find(struct view_sqlite *store,
                 int64_t generation,
                 const struct view_search *search,
                 size_t offset,
                 size_t limit,
                 struct arena *arena,
                 struct view_found *found,
                 size_t *ret_count,
                 bool *ret_more,
                 GError **error)
{
    if (!view_sqlite_generation_kept(store, generation, error))
        return false;
    /* One more than asked for tells whether anything is left. */
    sqlite3_stmt *query = bind_search(store, generation, search, offset, limit + 1, error);
    if (!query)
        return false;
    size_t count = 0;
    bool row = true, more = false;
    while (db_step(query, &row, error) && row) {
        if (count == limit) {
            more = true;
            sqlite3_reset(query);
            break;
        }
        found[count].movie_id = sqlite3_column_int64(query, 1);
        found[count].score = search->words ? -sqlite3_column_double(query, 2) : 0;
        if (!read_document(store, sqlite3_column_int64(query, 0), arena, &found[count++].data,
                           error)) {
            sqlite3_reset(query);
            return false;
        }
    }
    sqlite3_clear_bindings(query);
    *ret_count = count;
    *ret_more = more;
    return more || !row;
}

bool view_sqlite_search(struct view *view,
                        int64_t generation,
                        const struct view_search *search,
                        size_t offset,
                        size_t limit,
                        struct arena *arena,
                        struct view_found **ret_found,
                        size_t *ret_count,
                        bool *ret_more,
                        GError **error)
{
    struct view_sqlite *store = (struct view_sqlite *)view;
    struct view_found *found = arena_array(arena, struct view_found, limit);
    if (!db_begin_read(store->db, error))
        return false;
    bool ok =
        find(store, generation, search, offset, limit, arena, found, ret_count, ret_more, error);
    db_rollback(store->db);
    if (ok)
        *ret_found = found;
    return ok;
}

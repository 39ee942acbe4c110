#include "view/view_sqlite.h"

#include <string.h>

#define VIEW_LAYOUT      3 /* of the tables; user_version of the file */
#define VIEW_CACHE_BYTES (4 * 1024 * 1024)

static const char *const statement_names[VIEW_STATEMENT_COUNT] = {
    [GENERATION_STATE] = "generation_state",
    [POINTER_READ] = "pointer_read",
    [POINTER_NOTE] = "pointer_note",
    [GENERATION_BEGIN] = "generation_begin",
    [DOC_LAST] = "doc_last",
    [DOC_PUT] = "doc_put",
    [SEARCH_PUT_TEXT] = "search_put_text",
    [SEARCH_PUT_MOVIES] = "search_put_movies",
    [GENERATION_SUPERSEDE] = "generation_supersede",
    [GENERATION_PUBLISH] = "generation_publish",
    [POINTER_SWITCH] = "pointer_switch",
    [CURRENT_READ] = "current_read",
    [DOC_QUERY] = "doc_query",
    [DOC_QUERY_GENRE] = "doc_query_genre",
    [SEARCH_WORDS] = "search_words",
    [SEARCH_ALL] = "search_all",
    [DOC_READ] = "doc_read",
    [SPEED_PUT] = "speed_put",
    [SPEED_DELETE] = "speed_delete",
    [SYNC_READ] = "sync_read",
    [SYNC_WRITE] = "sync_write",
    [SPEED_QUERY] = "speed_query",
    [SPEED_QUERY_ALL] = "speed_query_all",
    [SPEED_SWEEP] = "speed_sweep",
    [GENERATION_RETIRE] = "generation_retire",
    [GENERATION_GONE] = "generation_gone",
    [DOC_SWEEP] = "doc_sweep",
    [GENERATION_FORGET] = "generation_forget",
    [LEASE_READ] = "lease_read",
    [LEASE_WRITE] = "lease_write",
    [RUN_PUT] = "run_put",
    [RUN_TRIM] = "run_trim",
    [RUN_LIST] = "run_list",
};

static struct view_sqlite *store_of(struct view *view)
{
    g_assert(view->ops == &view_sqlite_ops);
    return (struct view_sqlite *)view;
}

sqlite3_stmt *
view_sqlite_statement(struct view_sqlite *store, enum view_statement id, GError **error)
{
    sqlite3_stmt **slot = &store->statements[id];
    if (!*slot)
        *slot = db_prepare(store->db, sql_file_get(store->sql, statement_names[id]), error);
    if (!*slot)
        return NULL;
    sqlite3_reset(*slot);
    sqlite3_clear_bindings(*slot);
    return *slot;
}

bool view_sqlite_end(struct view_sqlite *store, bool ok, GError **error)
{
    if (!ok) {
        db_rollback(store->db);
        return false;
    }
    return db_commit(store->db, error);
}

const char *view_sqlite_text(sqlite3_stmt *statement, int column, struct arena *arena)
{
    struct span text = db_column_span(statement, column);
    return arena_strndup(arena, text.data, text.len);
}

static void view_sqlite_close(struct view *view)
{
    struct view_sqlite *store = store_of(view);
    for (size_t i = 0; i < VIEW_STATEMENT_COUNT; i++)
        sqlite3_finalize(store->statements[i]);
    db_close(store->db);
    sql_file_free(store->sql);
    g_free(store);
}

struct view *view_sqlite_open_file(const struct context *context, const char *name, GError **error)
{
    const struct db_options options = {.sync = DB_SYNC_FULL, .cache_bytes = VIEW_CACHE_BYTES};
    struct view_sqlite *store = g_new0(struct view_sqlite, 1);
    store->view = (struct view){.ops = &view_sqlite_ops, .context = context};
    store->sql = sql_file_load("contracts/views.sql");
    g_autofree char *path = config_path(context->config, name);
    store->db = db_open(path, &options, error);
    if (!store->db ||
        !db_schema(store->db, sql_file_get(store->sql, "schema"), VIEW_LAYOUT, error)) {
        view_sqlite_close(&store->view);
        return NULL;
    }
    return &store->view;
}

static struct view *view_sqlite_open(const struct context *context, GError **error)
{
    return view_sqlite_open_file(context, "views.db", error);
}

/* ---- leases ---- */

bool view_sqlite_lease_read(struct view_sqlite *store,
                            const char *name,
                            char **ret_owner,
                            int64_t *ret_epoch,
                            int64_t *ret_until_ms,
                            GError **error)
{
    sqlite3_stmt *read = view_sqlite_statement(store, LEASE_READ, error);
    if (!read)
        return false;
    db_bind_text(read, 1, name);
    bool row;
    if (!db_step(read, &row, error))
        return false;
    *ret_owner = g_strdup(row ? (const char *)sqlite3_column_text(read, 0) : "");
    *ret_epoch = row ? sqlite3_column_int64(read, 1) : 0;
    *ret_until_ms = row ? sqlite3_column_int64(read, 2) : 0;
    sqlite3_reset(read);
    return true;
}

static bool lease_write(struct view_sqlite *store,
                        const char *name,
                        const char *owner,
                        int64_t epoch,
                        int64_t until_ms,
                        GError **error)
{
    sqlite3_stmt *write = view_sqlite_statement(store, LEASE_WRITE, error);
    if (!write)
        return false;
    db_bind_text(write, 1, name);
    db_bind_text(write, 2, owner);
    db_bind_int(write, 3, epoch);
    db_bind_int(write, 4, until_ms);
    return db_run(write, error);
}

/* Within a transaction. */
static bool lease_take(struct view_sqlite *store,
                       const char *name,
                       const char *owner,
                       int64_t ttl_ms,
                       struct view_lease *ret_lease,
                       GError **error)
{
    int64_t now_ms = clock_now_ms(store->view.context->clock), epoch, until_ms;
    g_autofree char *holder = NULL;
    if (!view_sqlite_lease_read(store, name, &holder, &epoch, &until_ms, error))
        return false;
    bool ours = strcmp(holder, owner) == 0;
    if (!ours && *holder && until_ms > now_ms) {
        char until[CLOCK_ISO_BYTES];
        error_set(error, CONFLICT, "the lease '%s' is held by %s until %s", name, holder,
                  clock_iso8601(until_ms, until));
        return false;
    }
    if (!ours)
        epoch++;
    if (!lease_write(store, name, owner, epoch, now_ms + ttl_ms, error))
        return false;
    *ret_lease = (struct view_lease){.epoch = epoch, .until_ms = now_ms + ttl_ms, .owner = owner};
    return true;
}

static bool view_sqlite_lease_acquire(struct view *view,
                                      const char *name,
                                      const char *owner,
                                      int64_t ttl_ms,
                                      struct view_lease *ret_lease,
                                      GError **error)
{
    struct view_sqlite *store = store_of(view);
    if (!db_begin(store->db, error))
        return false;
    struct view_lease lease;
    if (!view_sqlite_end(store, lease_take(store, name, owner, ttl_ms, &lease, error), error))
        return false;
    *ret_lease = lease;
    return true;
}

/* Within a transaction: the lease gets a new end, if it still has the epoch. until_ms 0 gives it
 * back. */
static bool lease_move(
    struct view_sqlite *store, const char *name, int64_t epoch, int64_t until_ms, GError **error)
{
    int64_t found, old_until_ms;
    g_autofree char *holder = NULL;
    if (!view_sqlite_lease_read(store, name, &holder, &found, &old_until_ms, error))
        return false;
    if (found != epoch || !*holder) {
        error_set(error, FENCED,
                  "the lease '%s' of epoch %" G_GINT64_FORMAT
                  " is lost: it has epoch %" G_GINT64_FORMAT ", held by %s",
                  name, epoch, found, *holder ? holder : "nobody");
        return false;
    }
    return lease_write(store, name, until_ms ? holder : "", epoch, until_ms, error);
}

static bool view_sqlite_lease_renew(
    struct view *view, const char *name, int64_t epoch, int64_t ttl_ms, GError **error)
{
    struct view_sqlite *store = store_of(view);
    int64_t until_ms = clock_now_ms(view->context->clock) + ttl_ms;
    return db_begin(store->db, error) &&
           view_sqlite_end(store, lease_move(store, name, epoch, until_ms, error), error);
}

static bool
view_sqlite_lease_release(struct view *view, const char *name, int64_t epoch, GError **error)
{
    struct view_sqlite *store = store_of(view);
    return db_begin(store->db, error) &&
           view_sqlite_end(store, lease_move(store, name, epoch, 0, error), error);
}

/* ---- run history ---- */

static bool put_run(struct view_sqlite *store, const struct view_run *run, GError **error)
{
    sqlite3_stmt *put = view_sqlite_statement(store, RUN_PUT, error);
    sqlite3_stmt *trim = put ? view_sqlite_statement(store, RUN_TRIM, error) : NULL;
    if (!trim)
        return false;
    db_bind_text(put, 1, run->run_id);
    db_bind_int(put, 2, run->started_ms);
    db_bind_int(put, 3, run->ended_ms);
    db_bind_text(put, 4, run->state);
    db_bind_text(put, 5, run->detail);
    db_bind_int(trim, 1, store->view.context->config->batch_runs_kept);
    return db_run(put, error) && db_run(trim, error);
}

static bool view_sqlite_put_run(struct view *view, const struct view_run *run, GError **error)
{
    struct view_sqlite *store = store_of(view);
    return db_begin(store->db, error) && view_sqlite_end(store, put_run(store, run, error), error);
}

static bool view_sqlite_runs(struct view *view,
                             size_t limit,
                             struct arena *arena,
                             struct view_run **ret_runs,
                             size_t *ret_count,
                             GError **error)
{
    sqlite3_stmt *list = view_sqlite_statement(store_of(view), RUN_LIST, error);
    if (!list)
        return false;
    db_bind_int(list, 1, (int64_t)limit);
    struct view_run *runs = arena_array(arena, struct view_run, limit);
    size_t count = 0;
    for (bool row;;) {
        if (!db_step(list, &row, error))
            return false;
        if (!row)
            break;
        runs[count++] = (struct view_run){
            .run_id = view_sqlite_text(list, 0, arena),
            .started_ms = sqlite3_column_int64(list, 1),
            .ended_ms = sqlite3_column_int64(list, 2),
            .state = view_sqlite_text(list, 3, arena),
            .detail = view_sqlite_text(list, 4, arena),
        };
    }
    *ret_runs = runs;
    *ret_count = count;
    return true;
}

const struct view_ops view_sqlite_ops = {
    .name = "sqlite",
    .open = view_sqlite_open,
    .close = view_sqlite_close,
    .put = view_sqlite_put,
    .publish = view_sqlite_publish,
    .current = view_sqlite_current,
    .last_generation = view_sqlite_last_generation,
    .query = view_sqlite_query,
    .search = view_sqlite_search,
    .put_speed = view_sqlite_put_speed,
    .sync_position = view_sqlite_sync_position,
    .earliest_hour = view_sqlite_earliest_hour,
    .query_speed = view_sqlite_query_speed,
    .sweep = view_sqlite_sweep,
    .lease_acquire = view_sqlite_lease_acquire,
    .lease_renew = view_sqlite_lease_renew,
    .lease_release = view_sqlite_lease_release,
    .put_run = view_sqlite_put_run,
    .runs = view_sqlite_runs,
};

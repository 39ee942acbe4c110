#include "view/view_mongo.h"

#include <string.h>

#include "base/log.h"

static void view_mongo_close(struct view *view)
{
    struct view_mongo *store = view_mongo_of(view);
    view_close(store->index);
    g_free(store->index_name);
    mongo_disconnect(store);
    g_free(store);
}

/* A server that doesn't answer now is no reason not to start: each call asks it again. */
static struct view *view_mongo_open(const struct context *context, GError **error)
{
    struct view_mongo *store = g_new0(struct view_mongo, 1);
    store->view = (struct view){.ops = &view_mongo_ops, .context = context};
    GError *failure = NULL;
    if (mongo_connect(store, &failure) && mongo_ready(store, &failure))
        return &store->view;
    if (error_is(failure, AGAIN)) {
        log_warn(context->log, "view", "MongoDB doesn't answer yet",
                 LOG_STR("why", failure->message));
        g_clear_error(&failure);
        return &store->view;
    }
    g_propagate_error(error, failure);
    view_mongo_close(&store->view);
    return NULL;
}

/* ---- leases: one document each, so one update is enough ---- */

static bool
lease_read(struct view_mongo *store, const char *name, bson_t **ret_lease, GError **error)
{
    return mongo_find_one(store, LEASES, BCON_NEW("_id", BCON_UTF8(name)), ret_lease, error);
}

/* Why the update found nothing to take. */
static bool lease_taken(struct view_mongo *store, const char *name, GError **error)
{
    bson_t *found;
    if (!lease_read(store, name, &found, error))
        return false;
    g_autoptr(bson_t) lease = found;
    char until[CLOCK_ISO_BYTES];
    error_set(error, CONFLICT, "the lease '%s' is held by %s until %s", name,
              lease ? mongo_text(lease, "owner") : "nobody",
              clock_iso8601(lease ? mongo_int(lease, "until_ms") : 0, until));
    return false;
}

/* The document after {ours, free or expired} ─► {ours, the same epoch or the next one}. Where it is
 * somebody else's, the upsert meets their _id: a duplicate key. */
static bson_t *lease_change(const char *name, const char *owner, int64_t now_ms, int64_t until_ms)
{
    return BCON_NEW("findAndModify", BCON_UTF8("leases"), "query", "{", "_id", BCON_UTF8(name),
                    "$or", "[", "{", "owner", BCON_UTF8(owner), "}", "{", "owner", BCON_UTF8(""),
                    "}", "{", "until_ms", "{", "$lte", BCON_INT64(now_ms), "}", "}", "]", "}",
                    "update", "[", "{", "$set", "{", "epoch", "{", "$cond", "[", "{", "$eq", "[",
                    BCON_UTF8("$owner"), "{", "$literal", BCON_UTF8(owner), "}", "]", "}",
                    BCON_UTF8("$epoch"), "{", "$add", "[", "{", "$ifNull", "[", BCON_UTF8("$epoch"),
                    BCON_INT64(0), "]", "}", BCON_INT64(1), "]", "}", "]", "}", "owner", "{",
                    "$literal", BCON_UTF8(owner), "}", "until_ms", BCON_INT64(until_ms), "}", "}",
                    "]", "upsert", BCON_BOOL(true), "new", BCON_BOOL(true));
}

static int64_t value_int(const bson_t *reply, const char *path)
{
    bson_iter_t iter, value;
    return bson_iter_init(&iter, reply) && bson_iter_find_descendant(&iter, path, &value)
               ? bson_iter_as_int64(&value)
               : 0;
}

static bool view_mongo_lease_acquire(struct view *view,
                                     const char *name,
                                     const char *owner,
                                     int64_t ttl_ms,
                                     struct view_lease *ret_lease,
                                     GError **error)
{
    struct view_mongo *store = view_mongo_of(view);
    if (!mongo_ready(store, error))
        return false;
    int64_t now_ms = clock_now_ms(view->context->clock);
    g_autoptr(bson_t) change = lease_change(name, owner, now_ms, now_ms + ttl_ms);
    bson_error_t failure = {0};
    bson_t reply;
    GError *trouble = NULL;
    bool ok = mongoc_client_write_command_with_opts(store->client, store->database, change, NULL,
                                                    &reply, &failure) ||
              mongo_fail(store, "lease", &reply, &failure, &trouble);
    if (ok)
        *ret_lease = (struct view_lease){
            .epoch = value_int(&reply, "value.epoch"), .until_ms = now_ms + ttl_ms, .owner = owner};
    bson_destroy(&reply);
    if (error_is(trouble, CONFLICT)) {
        g_clear_error(&trouble);
        return lease_taken(store, name, error);
    }
    if (trouble)
        g_propagate_error(error, trouble);
    return ok;
}

/* The lease gets a new end, if it still has the epoch. owner NULL: it stays whose it is. */
static bool lease_move(struct view_mongo *store,
                       const char *name,
                       int64_t epoch,
                       const char *owner,
                       int64_t until_ms,
                       GError **error)
{
    int64_t matched;
    bson_t *which = BCON_NEW("_id", BCON_UTF8(name), "epoch", BCON_INT64(epoch), "owner", "{",
                             "$ne", BCON_UTF8(""), "}");
    bson_t *change = bson_new(), set;
    BSON_APPEND_DOCUMENT_BEGIN(change, "$set", &set);
    BSON_APPEND_INT64(&set, "until_ms", until_ms);
    if (owner)
        BSON_APPEND_UTF8(&set, "owner", owner);
    bson_append_document_end(change, &set);
    if (!mongo_update_one(store, LEASES, which, change, false, &matched, error))
        return false;
    if (matched)
        return true;
    bson_t *found;
    if (!lease_read(store, name, &found, error))
        return false;
    g_autoptr(bson_t) lease = found;
    const char *holder = lease ? mongo_text(lease, "owner") : "";
    error_set(error, FENCED,
              "the lease '%s' of epoch %" G_GINT64_FORMAT " is lost: it has epoch %" G_GINT64_FORMAT
              ", held by %s",
              name, epoch, lease ? mongo_int(lease, "epoch") : 0, *holder ? holder : "nobody");
    return false;
}

static bool view_mongo_lease_renew(
    struct view *view, const char *name, int64_t epoch, int64_t ttl_ms, GError **error)
{
    struct view_mongo *store = view_mongo_of(view);
    int64_t until_ms = clock_now_ms(view->context->clock) + ttl_ms;
    return mongo_ready(store, error) && lease_move(store, name, epoch, NULL, until_ms, error);
}

static bool
view_mongo_lease_release(struct view *view, const char *name, int64_t epoch, GError **error)
{
    struct view_mongo *store = view_mongo_of(view);
    return mongo_ready(store, error) && lease_move(store, name, epoch, "", 0, error);
}

/* ---- run history ---- */

/* Forgets the oldest runs beyond batch.runs_kept. */
static bool trim_runs(struct view_mongo *store, GError **error)
{
    g_autoptr(bson_t) all = bson_new();
    g_autoptr(bson_t) options =
        BCON_NEW("sort", "{", "started_ms", BCON_INT32(-1), "_id", BCON_INT32(-1), "}", "skip",
                 BCON_INT64(store->view.context->config->batch_runs_kept), "projection", "{", "_id",
                 BCON_INT32(1), "}");
    g_autoptr(mongoc_cursor_t) rows =
        mongoc_collection_find_with_opts(store->collections[RUNS], all, options, NULL);
    int64_t deleted;
    for (const bson_t *row; mongoc_cursor_next(rows, &row);)
        if (!mongo_delete_many(store, RUNS, BCON_NEW("_id", BCON_UTF8(mongo_text(row, "_id"))),
                               &deleted, error))
            return false;
    return mongo_cursor_ok(store, rows, "runs", error);
}

static bool view_mongo_put_run(struct view *view, const struct view_run *run, GError **error)
{
    struct view_mongo *store = view_mongo_of(view);
    return mongo_ready(store, error) &&
           mongo_update_one(store, RUNS, BCON_NEW("_id", BCON_UTF8(run->run_id)),
                            BCON_NEW("$set", "{", "started_ms", BCON_INT64(run->started_ms),
                                     "ended_ms", BCON_INT64(run->ended_ms), "state",
                                     BCON_UTF8(run->state), "detail", BCON_UTF8(run->detail), "}"),
                            true, NULL, error) &&
           trim_runs(store, error);
}

static bool view_mongo_runs(struct view *view,
                            size_t limit,
                            struct arena *arena,
                            struct view_run **ret_runs,
                            size_t *ret_count,
                            GError **error)
{
    struct view_mongo *store = view_mongo_of(view);
    if (!mongo_ready(store, error))
        return false;
    g_autoptr(bson_t) all = bson_new();
    g_autoptr(bson_t) options = BCON_NEW("sort", "{", "started_ms", BCON_INT32(-1), "_id",
                                         BCON_INT32(-1), "}", "limit", BCON_INT64((int64_t)limit));
    g_autoptr(mongoc_cursor_t) rows =
        mongoc_collection_find_with_opts(store->collections[RUNS], all, options, NULL);
    struct view_run *runs = arena_array(arena, struct view_run, limit);
    size_t count = 0;
    for (const bson_t *row; count < limit && mongoc_cursor_next(rows, &row);)
        runs[count++] = (struct view_run){
            .run_id = arena_strdup(arena, mongo_text(row, "_id")),
            .started_ms = mongo_int(row, "started_ms"),
            .ended_ms = mongo_int(row, "ended_ms"),
            .state = arena_strdup(arena, mongo_text(row, "state")),
            .detail = arena_strdup(arena, mongo_text(row, "detail")),
        };
    if (!mongo_cursor_ok(store, rows, "runs", error))
        return false;
    *ret_runs = runs;
    *ret_count = count;
    return true;
}

const struct view_ops view_mongo_ops = {
    .name = "mongodb",
    .open = view_mongo_open,
    .close = view_mongo_close,
    .put = view_mongo_put,
    .publish = view_mongo_publish,
    .current = view_mongo_current,
    .last_generation = view_mongo_last_generation,
    .query = view_mongo_query,
    .prepare = view_mongo_prepare,
    .search = view_mongo_search,
    .put_speed = view_mongo_put_speed,
    .sync_position = view_mongo_sync_position,
    .earliest_hour = view_mongo_earliest_hour,
    .query_speed = view_mongo_query_speed,
    .sweep = view_mongo_sweep,
    .lease_acquire = view_mongo_lease_acquire,
    .lease_renew = view_mongo_lease_renew,
    .lease_release = view_mongo_lease_release,
    .put_run = view_mongo_put_run,
    .runs = view_mongo_runs,
    .inspect = view_mongo_inspect,
};

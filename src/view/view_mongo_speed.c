#include "view/view_mongo.h"

#include <string.h>

#include "base/failpoint.h"

#define SYNC_ID "sync"

/* A transaction of this many documents stays far from mongod's limit of a minute. */
#define DOCS_PER_TRANSACTION 5000

/* Speed documents live as long as the speed store's rows: to their hour's end and retention. */
static int64_t expires_at_ms(const struct view_mongo *store, int64_t hour_ms)
{
    return hour_ms + MS_PER_HOUR + store->view.context->config->speed_retention_ms;
}

/* ---- sync's state ---- */

static bool sync_read(struct view_mongo *store, bson_t **ret_state, GError **error)
{
    return mongo_find_one(store, SYNC_STATE, BCON_NEW("_id", BCON_UTF8(SYNC_ID)), ret_state, error);
}

struct put {
    const struct speed_doc *docs;
    size_t count;
    int64_t feed_position, synced_at_ms;
    bool last; /* of the parts of a call: the one that moves the position */
};

/* Written in each part, also where the position stays: two syncs can't both commit then. */
static bool sync_write(struct view_mongo *store,
                       const struct put *put,
                       int64_t earliest_hour_ms,
                       GError **error)
{
    bson_t *found;
    if (!sync_read(store, &found, error))
        return false;
    g_autoptr(bson_t) state = found;
    int64_t position = state ? mongo_int(state, "feed_position") : -1;
    if (put->feed_position < position) {
        error_set(error, CONFLICT,
                  "nothing was copied: sync stands at %" G_GINT64_FORMAT
                  " already, this one comes from %" G_GINT64_FORMAT,
                  position, put->feed_position);
        return false;
    }
    int64_t synced_at_ms = state ? mongo_int(state, "synced_at_ms") : 0;
    bson_t *update = BCON_NEW("$inc", "{", "puts", BCON_INT64(1), "}", "$set", "{", "feed_position",
                              BCON_INT64(put->last ? put->feed_position : position), "synced_at_ms",
                              BCON_INT64(put->last ? put->synced_at_ms : synced_at_ms), "}");
    if (earliest_hour_ms != INT64_MAX)
        BCON_APPEND(update, "$min", "{", "earliest_hour_ms", BCON_INT64(earliest_hour_ms), "}");
    return mongo_update_one(store, SYNC_STATE, BCON_NEW("_id", BCON_UTF8(SYNC_ID)), update, true,
                            NULL, error);
}

/* ---- documents ---- */

static bool add_doc(struct view_mongo *store,
                    mongoc_bulk_operation_t *bulk,
                    const struct speed_doc *doc,
                    const bson_t *upsert,
                    bson_error_t *failure)
{
    g_autofree char *id = g_strdup_printf("%s|%012" G_GINT64_FORMAT "|%015" G_GINT64_FORMAT,
                                          doc->view_type, doc->movie_id, doc->hour_ms);
    g_autoptr(bson_t) which = BCON_NEW("_id", BCON_UTF8(id));
    if (!doc->data)
        return mongoc_bulk_operation_remove_one_with_opts(bulk, which, NULL, failure);
    g_autoptr(bson_t) row = bson_copy(which);
    BSON_APPEND_UTF8(row, "view_type", doc->view_type);
    BSON_APPEND_INT64(row, "movie_id", doc->movie_id);
    BSON_APPEND_DATE_TIME(row, "hour", doc->hour_ms);
    BSON_APPEND_UTF8(row, "data", doc->data);
    BSON_APPEND_DATE_TIME(row, "synced_at", doc->synced_at_ms);
    BSON_APPEND_DATE_TIME(row, "ttl_expires_at", expires_at_ms(store, doc->hour_ms));
    return mongoc_bulk_operation_replace_one_with_opts(bulk, which, row, upsert, failure);
}

/* One key may stand twice in a call (the last counts), so the order is kept. */
static bool put_docs(struct view_mongo *store, void *user, GError **error)
{
    const struct put *put = user;
    int64_t earliest_hour_ms = INT64_MAX;
    for (size_t i = 0; i < put->count; i++)
        if (put->docs[i].data)
            earliest_hour_ms = MIN(earliest_hour_ms, put->docs[i].hour_ms);
    /* The position first: a sync that is behind writes nothing. */
    if (!sync_write(store, put, earliest_hour_ms, error))
        return false;
    if (put->count == 0)
        return true;
    g_autoptr(bson_t) options = mongo_options(store);
    BSON_APPEND_BOOL(options, "ordered", true);
    g_autoptr(bson_t) upsert = BCON_NEW("upsert", BCON_BOOL(true));
    g_autoptr(mongoc_bulk_operation_t) bulk =
        mongoc_collection_create_bulk_operation_with_opts(store->collections[SPEED_VIEWS], options);
    for (size_t i = 0; i < put->count; i++) {
        bson_error_t failure = {0};
        if (!add_doc(store, bulk, &put->docs[i], upsert, &failure))
            return mongo_fail(store, "speed_views", NULL, &failure, error);
    }
    bool ok = mongo_bulk(store, bulk, "speed_views", error);
    failpoint("view_put_speed_before_commit");
    return ok;
}

/* Many documents (a view store that is filled anew) go in parts, each a transaction, and only the
 * last one moves the position: a crash between them begins again, and documents are replaced whole.
 */
bool view_mongo_put_speed(struct view *view,
                          const struct speed_doc *docs,
                          size_t count,
                          int64_t feed_position,
                          int64_t synced_at_ms,
                          GError **error)
{
    for (size_t done = 0;;) {
        size_t part = MIN(count - done, DOCS_PER_TRANSACTION);
        struct put put = {.docs = docs ? docs + done : NULL,
                          .count = part,
                          .feed_position = feed_position,
                          .synced_at_ms = synced_at_ms,
                          .last = done + part == count};
        if (!mongo_transaction(view_mongo_of(view), "copied speed rows", put_docs, &put, error))
            return false;
        done += part;
        if (done == count)
            return true;
    }
}

bool view_mongo_sync_position(struct view *view,
                              int64_t *ret_feed_position,
                              int64_t *ret_synced_at_ms,
                              GError **error)
{
    struct view_mongo *store = view_mongo_of(view);
    bson_t *found;
    if (!mongo_ready(store, error) || !sync_read(store, &found, error))
        return false;
    g_autoptr(bson_t) state = found;
    *ret_feed_position = state ? mongo_int(state, "feed_position") : -1;
    *ret_synced_at_ms = state ? mongo_int(state, "synced_at_ms") : 0;
    return true;
}

bool view_mongo_earliest_hour(struct view *view, int64_t *ret_hour_ms, GError **error)
{
    struct view_mongo *store = view_mongo_of(view);
    bson_t *found;
    if (!mongo_ready(store, error) || !sync_read(store, &found, error))
        return false;
    g_autoptr(bson_t) state = found;
    *ret_hour_ms = state && bson_has_field(state, "earliest_hour_ms")
                       ? mongo_int(state, "earliest_hour_ms")
                       : INT64_MAX;
    return true;
}

static mongoc_cursor_t *ask(struct view_mongo *store,
                            const char *view_type,
                            int64_t movie_id,
                            int64_t from_hour_ms,
                            int64_t to_hour_ms)
{
    bool all = movie_id == VIEW_ANY_MOVIE;
    int64_t now_ms = clock_now_ms(store->view.context->clock);
    g_autoptr(bson_t) which = BCON_NEW(
        "view_type", BCON_UTF8(view_type), "hour", "{", "$gte", BCON_DATE_TIME(from_hour_ms), "$lt",
        BCON_DATE_TIME(to_hour_ms), "}", "ttl_expires_at", "{", "$gt", BCON_DATE_TIME(now_ms), "}");
    if (!all)
        BSON_APPEND_INT64(which, "movie_id", movie_id);
    g_autoptr(bson_t) options =
        BCON_NEW("sort", "{", "hour", BCON_INT32(1), "movie_id", BCON_INT32(1), "}", "limit",
                 BCON_INT64(VIEW_SPEED_ROWS_MAX + 1));
    return mongoc_collection_find_with_opts(store->collections[SPEED_VIEWS], which, options, NULL);
}

bool view_mongo_query_speed(struct view *view,
                            const char *view_type,
                            int64_t movie_id,
                            int64_t from_hour_ms,
                            int64_t to_hour_ms,
                            struct arena *arena,
                            struct speed_doc **ret_docs,
                            size_t *ret_count,
                            GError **error)
{
    struct view_mongo *store = view_mongo_of(view);
    if (!mongo_ready(store, error))
        return false;
    g_autoptr(mongoc_cursor_t) rows = ask(store, view_type, movie_id, from_hour_ms, to_hour_ms);
    const char *type = arena_strdup(arena, view_type);
    g_autoptr(GArray) docs = g_array_new(FALSE, FALSE, sizeof(struct speed_doc));
    for (const bson_t *row; mongoc_cursor_next(rows, &row);) {
        if (docs->len == VIEW_SPEED_ROWS_MAX) {
            error_set(error, BADDATA,
                      "view %s: these hours hold more than %d documents; ask for fewer hours",
                      view_type, VIEW_SPEED_ROWS_MAX);
            return false;
        }
        struct speed_doc doc = {
            .view_type = type,
            .movie_id = mongo_int(row, "movie_id"),
            .hour_ms = mongo_int(row, "hour"),
            .data = arena_strdup(arena, mongo_text(row, "data")),
            .synced_at_ms = mongo_int(row, "synced_at"),
        };
        g_array_append_val(docs, doc);
    }
    if (!mongo_cursor_ok(store, rows, "speed_views", error))
        return false;
    *ret_docs = arena_array(arena, struct speed_doc, docs->len);
    if (docs->len > 0)
        memcpy(*ret_docs, docs->data, docs->len * sizeof(struct speed_doc));
    *ret_count = docs->len;
    return true;
}

/* ---- the broom ---- */

bool view_mongo_sweep(struct view *view, size_t rows_max, int64_t *ret_rows, GError **error)
{
    struct view_mongo *store = view_mongo_of(view);
    int64_t now_ms = clock_now_ms(view->context->clock), speed_rows, batch_rows = 0;
    if (!mongo_ready(store, error) ||
        !mongo_delete_some(store, SPEED_VIEWS,
                           BCON_NEW("ttl_expires_at", "{", "$lte", BCON_DATE_TIME(now_ms), "}"),
                           BCON_NEW("ttl_expires_at", BCON_INT32(1)), rows_max, &speed_rows, error))
        return false;
    if ((size_t)speed_rows < rows_max &&
        !view_mongo_sweep_batch(store, rows_max - (size_t)speed_rows, &batch_rows, error))
        return false;
    *ret_rows = speed_rows + batch_rows;
    return true;
}

#include "view/view_mongo.h"

#include <string.h>

#include "base/failpoint.h"
#include "view/view_id.h"

#define POINTER_ID "pointer"

/* ---- documents ---- */

struct put {
    int64_t generation;
    const struct view_doc *docs;
    size_t count;
};

/* The pointer's document, or NULL before the first one. */
static bool pointer_read(struct view_mongo *store, bson_t **ret_pointer, GError **error)
{
    return mongo_find_one(store, POINTER, BCON_NEW("_id", BCON_UTF8(POINTER_ID)), ret_pointer,
                          error);
}

/* Writes the generation's own document too, so that a publication or a sweep of it meanwhile and
 * this put can't both be committed. */
static bool generation_begin(struct view_mongo *store, int64_t generation, GError **error)
{
    bson_t *found;
    if (!pointer_read(store, &found, error))
        return false;
    g_autoptr(bson_t) pointer = found;
    int64_t current = pointer ? mongo_int(pointer, "generation") : 0;
    int64_t last = pointer ? mongo_int(pointer, "last_generation") : 0;
    if (generation <= current) {
        error_set(error, CONFLICT,
                  "generation %" G_GINT64_FORMAT
                  " takes no more documents: generation %" G_GINT64_FORMAT
                  " is served; take a number above %" G_GINT64_FORMAT,
                  generation, current, last);
        return false;
    }
    if (generation > last &&
        !mongo_update_one(store, POINTER, BCON_NEW("_id", BCON_UTF8(POINTER_ID)),
                          BCON_NEW("$set", "{", "last_generation", BCON_INT64(generation), "}",
                                   "$setOnInsert", "{", "generation", BCON_INT64(0), "}"),
                          true, NULL, error))
        return false;
    return mongo_update_one(store, GENERATIONS, BCON_NEW("_id", BCON_INT64(generation)),
                            BCON_NEW("$inc", "{", "puts", BCON_INT64(1), "}", "$setOnInsert", "{",
                                     "state", BCON_UTF8("building"), "superseded_ms", BCON_INT64(0),
                                     "}"),
                            true, NULL, error);
}

static bool add_doc(mongoc_bulk_operation_t *bulk,
                    int64_t generation,
                    const struct view_doc *doc,
                    GString *id,
                    const bson_t *options,
                    bson_error_t *failure)
{
    const struct view_key *key = &doc->key;
    g_string_truncate(id, 0);
    view_id_append(id, generation, key);
    g_autoptr(bson_t) which = bson_new();
    bson_append_utf8(which, "_id", -1, id->str, (int)id->len);
    g_autoptr(bson_t) row = bson_copy(which);
    BSON_APPEND_INT64(row, "generation", generation);
    BSON_APPEND_UTF8(row, "view_type", key->view_type);
    BSON_APPEND_INT64(row, "movie_id", key->movie_id);
    BSON_APPEND_UTF8(row, "genre", key->genre ? key->genre : "");
    BSON_APPEND_INT32(row, "year", key->year);
    BSON_APPEND_INT32(row, "month", key->month);
    BSON_APPEND_UTF8(row, "window", key->window ? key->window : "");
    BSON_APPEND_INT64(row, "day_ms", key->day_ms);
    BSON_APPEND_UTF8(row, "data", doc->data);
    return mongoc_bulk_operation_replace_one_with_opts(bulk, which, row, options, failure);
}

static bool put_docs(struct view_mongo *store, void *user, GError **error)
{
    const struct put *put = user;
    if (!generation_begin(store, put->generation, error))
        return false;
    if (put->count == 0)
        return true;
    g_autoptr(bson_t) options = mongo_options(store);
    BSON_APPEND_BOOL(options, "ordered", false);
    g_autoptr(bson_t) upsert = BCON_NEW("upsert", BCON_BOOL(true));
    g_autoptr(mongoc_bulk_operation_t) bulk =
        mongoc_collection_create_bulk_operation_with_opts(store->collections[BATCH_VIEWS], options);
    g_autoptr(GString) id = g_string_new(NULL);
    for (size_t i = 0; i < put->count; i++) {
        bson_error_t failure = {0};
        if (!add_doc(bulk, put->generation, &put->docs[i], id, upsert, &failure))
            return mongo_fail(store, "batch_views", NULL, &failure, error);
    }
    return mongo_bulk(store, bulk, "batch_views", error);
}

bool view_mongo_put(struct view *view,
                    int64_t generation,
                    const struct view_doc *docs,
                    size_t count,
                    GError **error)
{
    struct put put = {.generation = generation, .docs = docs, .count = count};
    return mongo_transaction(view_mongo_of(view), "documents of a run", put_docs, &put, error);
}

/* An equality for each field that the filter gives. */
static bson_t *filter_of(int64_t generation,
                         const struct view_filter *filter,
                         const char *after,
                         const char *before)
{
    const struct view_key *key = &filter->key;
    bson_t *out = BCON_NEW("_id", "{", "$gt", BCON_UTF8(after), "$lt", BCON_UTF8(before), "}");
    if (key->movie_id)
        BSON_APPEND_INT64(out, "movie_id", key->movie_id);
    if (key->genre && *key->genre) {
        BSON_APPEND_INT64(out, "generation", generation);
        BSON_APPEND_UTF8(out, "view_type", key->view_type);
        BSON_APPEND_UTF8(out, "genre", key->genre);
    }
    if (key->year)
        BSON_APPEND_INT32(out, "year", key->year);
    if (key->month)
        BSON_APPEND_INT32(out, "month", key->month);
    if (key->window && *key->window)
        BSON_APPEND_UTF8(out, "window", key->window);
    if (key->day_ms || filter->to_day_ms) {
        bson_t day;
        BSON_APPEND_DOCUMENT_BEGIN(out, "day_ms", &day);
        if (key->day_ms)
            BSON_APPEND_INT64(&day, "$eq", key->day_ms);
        if (filter->to_day_ms) {
            BSON_APPEND_INT64(&day, "$gte", filter->from_day_ms);
            BSON_APPEND_INT64(&day, "$lt", filter->to_day_ms);
        }
        bson_append_document_end(out, &day);
    }
    return out;
}

static const char *text_or_null(const bson_t *doc, const char *field, struct arena *arena)
{
    const char *text = mongo_text(doc, field);
    return *text ? arena_strdup(arena, text) : NULL;
}

static struct view_doc read_doc(const bson_t *doc, struct arena *arena)
{
    return (struct view_doc){
        .key =
            {
                .view_type = arena_strdup(arena, mongo_text(doc, "view_type")),
                .movie_id = mongo_int(doc, "movie_id"),
                .genre = text_or_null(doc, "genre", arena),
                .year = (int32_t)mongo_int(doc, "year"),
                .month = (int32_t)mongo_int(doc, "month"),
                .window = text_or_null(doc, "window", arena),
                .day_ms = mongo_int(doc, "day_ms"),
            },
        .data = arena_strdup(arena, mongo_text(doc, "data")),
    };
}

bool view_mongo_generation_kept(struct view_mongo *store, int64_t generation, GError **error)
{
    bson_t *found;
    if (!mongo_find_one(store, GENERATIONS, BCON_NEW("_id", BCON_INT64(generation)), &found, error))
        return false;
    g_autoptr(bson_t) state = found;
    if (state && strcmp(mongo_text(state, "state"), "gone") != 0)
        return true;
    error_set(error, NOTFOUND,
              "generation %" G_GINT64_FORMAT " is no longer kept; begin again without a cursor",
              generation);
    return false;
}

bool view_mongo_query(struct view *view,
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
    struct view_mongo *store = view_mongo_of(view);
    if (!mongo_ready(store, error))
        return false;
    g_autoptr(GString) after = g_string_new(NULL);
    g_autoptr(GString) before = g_string_new(NULL);
    view_id_range(generation, filter, after, before);
    if (cursor && strcmp(cursor, after->str) > 0)
        g_string_assign(after, cursor);
    g_autoptr(bson_t) asked = filter_of(generation, filter, after->str, before->str);
    /* One more than asked for tells whether anything is left. */
    g_autoptr(bson_t) options =
        BCON_NEW("sort", "{", "_id", BCON_INT32(1), "}", "limit", BCON_INT64((int64_t)limit + 1));
    g_autoptr(mongoc_cursor_t) rows =
        mongoc_collection_find_with_opts(store->collections[BATCH_VIEWS], asked, options, NULL);
    struct view_doc *docs = arena_array(arena, struct view_doc, limit);
    const char *last_id = NULL, *next = NULL;
    size_t count = 0;
    for (const bson_t *row; !next && mongoc_cursor_next(rows, &row);) {
        if (count == limit) {
            next = last_id;
            break;
        }
        docs[count++] = read_doc(row, arena);
        if (count == limit)
            last_id = arena_strdup(arena, mongo_text(row, "_id"));
    }
    /* The state after the documents: see view_mongo.h. */
    if (!mongo_cursor_ok(store, rows, "batch_views", error) ||
        !view_mongo_generation_kept(store, generation, error))
        return false;
    *ret_docs = docs;
    *ret_count = count;
    *ret_cursor = next;
    return true;
}

/* ---- the pointer ---- */

struct publication {
    const struct view_generation *generation;
    int64_t lease_epoch;
};

/* Writes the lease, so that nobody can take it over while this is being committed. */
static bool check_lease(struct view_mongo *store, const char *name, int64_t epoch, GError **error)
{
    int64_t matched;
    if (!mongo_update_one(store, LEASES,
                          BCON_NEW("_id", BCON_UTF8(name), "epoch", BCON_INT64(epoch), "owner", "{",
                                   "$ne", BCON_UTF8(""), "}"),
                          BCON_NEW("$inc", "{", "publications", BCON_INT64(1), "}"), false,
                          &matched, error))
        return false;
    if (matched)
        return true;
    bson_t *found;
    if (!mongo_find_one(store, LEASES, BCON_NEW("_id", BCON_UTF8(name)), &found, error))
        return false;
    g_autoptr(bson_t) lease = found;
    error_set(error, FENCED,
              "nothing was published: the lease '%s' has epoch %" G_GINT64_FORMAT
              " now, this run took it with epoch %" G_GINT64_FORMAT,
              name, lease ? mongo_int(lease, "epoch") : 0, epoch);
    return false;
}

static bool
switch_pointer(struct view_mongo *store, const struct view_generation *generation, GError **error)
{
    int64_t number = generation->generation;
    int64_t now_ms = clock_now_ms(store->view.context->clock);
    return mongo_update_many(store, GENERATIONS,
                             BCON_NEW("state", BCON_UTF8("published"), "_id", "{", "$ne",
                                      BCON_INT64(number), "}"),
                             BCON_NEW("$set", "{", "state", BCON_UTF8("superseded"),
                                      "superseded_ms", BCON_INT64(now_ms), "}"),
                             error) &&
           mongo_update_one(store, GENERATIONS, BCON_NEW("_id", BCON_INT64(number)),
                            BCON_NEW("$set", "{", "state", BCON_UTF8("published"), "superseded_ms",
                                     BCON_INT64(0), "batch_run_id",
                                     BCON_UTF8(generation->batch_run_id), "}"),
                            true, NULL, error) &&
           mongo_update_one(store, POINTER, BCON_NEW("_id", BCON_UTF8(POINTER_ID)),
                            BCON_NEW("$set", "{", "generation", BCON_INT64(number), "batch_run_id",
                                     BCON_UTF8(generation->batch_run_id), "through_ms",
                                     BCON_INT64(generation->through_ms), "cut_at_ms",
                                     BCON_INT64(generation->cut_at_ms), "computed_at_ms",
                                     BCON_INT64(generation->computed_at_ms), "cut",
                                     BCON_UTF8(generation->cut), "}", "$max", "{",
                                     "last_generation", BCON_INT64(number), "}"),
                            true, NULL, error);
}

static bool publish(struct view_mongo *store, void *user, GError **error)
{
    const struct publication *publication = user;
    bson_t *found;
    if (!check_lease(store, "batch", publication->lease_epoch, error) ||
        !pointer_read(store, &found, error))
        return false;
    g_autoptr(bson_t) pointer = found;
    int64_t current = pointer ? mongo_int(pointer, "generation") : 0;
    if (publication->generation->generation < current) {
        error_set(error, CONFLICT,
                  "generation %" G_GINT64_FORMAT " is older than %" G_GINT64_FORMAT
                  ", which is served",
                  publication->generation->generation, current);
        return false;
    }
    bool ok = switch_pointer(store, publication->generation, error);
    failpoint("view_publish_before_commit");
    return ok;
}

bool view_mongo_publish(struct view *view,
                        const struct view_generation *generation,
                        int64_t lease_epoch,
                        GError **error)
{
    struct publication publication = {.generation = generation, .lease_epoch = lease_epoch};
    return mongo_transaction(view_mongo_of(view), "publication", publish, &publication, error);
}

bool view_mongo_current(struct view *view,
                        struct arena *arena,
                        struct view_generation *ret_generation,
                        GError **error)
{
    struct view_mongo *store = view_mongo_of(view);
    bson_t *found;
    if (!mongo_ready(store, error) || !pointer_read(store, &found, error))
        return false;
    g_autoptr(bson_t) pointer = found;
    if (!pointer || mongo_int(pointer, "generation") == 0) {
        *ret_generation = (struct view_generation){.batch_run_id = "", .cut = "{}"};
        return true;
    }
    *ret_generation = (struct view_generation){
        .generation = mongo_int(pointer, "generation"),
        .batch_run_id = arena_strdup(arena, mongo_text(pointer, "batch_run_id")),
        .through_ms = mongo_int(pointer, "through_ms"),
        .cut_at_ms = mongo_int(pointer, "cut_at_ms"),
        .computed_at_ms = mongo_int(pointer, "computed_at_ms"),
        .cut = arena_strdup(arena, mongo_text(pointer, "cut")),
    };
    return true;
}

bool view_mongo_last_generation(struct view *view, int64_t *ret_generation, GError **error)
{
    struct view_mongo *store = view_mongo_of(view);
    bson_t *found;
    if (!mongo_ready(store, error) || !pointer_read(store, &found, error))
        return false;
    g_autoptr(bson_t) pointer = found;
    *ret_generation = pointer ? mongo_int(pointer, "last_generation") : 0;
    return true;
}

/* ---- the broom ---- */

bool mongo_first_generation(
    struct view_mongo *store, const char *state, int order, int64_t *ret_generation, GError **error)
{
    g_autoptr(bson_t) which = BCON_NEW("state", BCON_UTF8(state));
    g_autoptr(bson_t) options =
        BCON_NEW("sort", "{", "_id", BCON_INT32(order), "}", "limit", BCON_INT64(1));
    g_autoptr(mongoc_cursor_t) rows =
        mongoc_collection_find_with_opts(store->collections[GENERATIONS], which, options, NULL);
    const bson_t *row;
    *ret_generation = mongoc_cursor_next(rows, &row) ? mongo_int(row, "_id") : 0;
    return mongo_cursor_ok(store, rows, "generations", error);
}

/* Marks whatever is below the pointer and isn't the previous generation within its grace. Each of
 * these conditions stays true once it is, so what was read before may be old without harm. */
static bool retire(struct view_mongo *store, GError **error)
{
    const struct context *context = store->view.context;
    int64_t previous,
        over_ms = clock_now_ms(context->clock) - context->config->views_generation_grace_ms;
    bson_t *found;
    if (!pointer_read(store, &found, error))
        return false;
    g_autoptr(bson_t) pointer = found;
    int64_t current = pointer ? mongo_int(pointer, "generation") : 0;
    if (!mongo_first_generation(store, "superseded", -1, &previous, error))
        return false;
    return mongo_update_many(store, GENERATIONS,
                             BCON_NEW("_id", "{", "$lt", BCON_INT64(current), "}", "state", "{",
                                      "$ne", BCON_UTF8("gone"), "}", "$or", "[", "{", "state",
                                      BCON_UTF8("building"), "}", "{", "superseded_ms", "{", "$lte",
                                      BCON_INT64(over_ms), "}", "}", "{", "_id", "{", "$lt",
                                      BCON_INT64(previous), "}", "}", "]"),
                             BCON_NEW("$set", "{", "state", BCON_UTF8("gone"), "}"), error);
}

bool view_mongo_sweep_batch(struct view_mongo *store,
                            size_t rows_max,
                            int64_t *ret_rows,
                            GError **error)
{
    int64_t generation, rows, forgotten;
    if (!retire(store, error) || !mongo_first_generation(store, "gone", 1, &generation, error))
        return false;
    *ret_rows = 0;
    if (generation == 0)
        return true;
    g_autoptr(GString) after = g_string_new(NULL);
    g_autoptr(GString) before = g_string_new(NULL);
    view_id_generation_range(generation, after, before);
    if (!mongo_delete_some(
            store, BATCH_VIEWS,
            BCON_NEW("_id", "{", "$gt", BCON_UTF8(after->str), "$lt", BCON_UTF8(before->str), "}"),
            NULL, rows_max, &rows, error))
        return false;
    *ret_rows = rows;
    /* Perhaps more: the generation's own document goes with its last one. */
    return (size_t)rows == rows_max ||
           mongo_delete_many(store, GENERATIONS,
                             BCON_NEW("_id", BCON_INT64(generation), "state", BCON_UTF8("gone")),
                             &forgotten, error);
}

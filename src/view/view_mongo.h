/* View store on MongoDB: what its files share. Nobody else includes it.
 *
 *   view_mongo.c         open, close, leases, run history, the ops table
 *   view_mongo_client.c  the connection: collections, errors, transactions, single reads and writes
 *   view_mongo_schema.c  collections and indexes
 *   view_mongo_batch.c   generations and their documents
 *   view_mongo_search.c  full text, by an index beside this process
 *   view_mongo_speed.c   speed documents, sync's state
 *   view_mongo_inspect.c what marquee doctor asks
 *
 * The collections are those of contracts/views.mongodb.json. Everything is written with write
 * concern majority and read with read concern majority from the primary, so that nothing which a
 * step-down could take back is ever served. Where several documents must change together, a
 * transaction does it; hence a replica set (of one, if need be).
 *
 * Reading needs no transaction: a document of a generation is removed only after the generation's
 * state says "gone", and that is never taken back. So who reads documents first and the state
 * afterwards, and finds it not gone, has read all of them. */
#pragma once

#include "view/mongoc_header.h"
#include <glib.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/finding.h"
#include "view/view_backend.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(bson_t, bson_destroy)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(mongoc_cursor_t, mongoc_cursor_destroy)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(mongoc_bulk_operation_t, mongoc_bulk_operation_destroy)

enum mongo_collection {
    BATCH_VIEWS,
    SPEED_VIEWS,
    GENERATIONS,
    POINTER,
    SYNC_STATE,
    LEASES,
    RUNS,
    MONGO_COLLECTION_COUNT
};

struct view_mongo {
    struct view view;
    mongoc_client_t *client;
    char *database;
    mongoc_collection_t *collections[MONGO_COLLECTION_COUNT];
    bool ready;                       /* collections and indexes are there */
    mongoc_client_session_t *session; /* NULL: no transaction is under way */
    bool transient;     /* the last failure may go away when the transaction is repeated */
    struct view *index; /* for search (view_mongo_search.c); NULL: not yet */
    char *index_name;   /* its file's */
};

static inline struct view_mongo *view_mongo_of(struct view *view)
{
    g_assert(view->ops == &view_mongo_ops);
    return (struct view_mongo *)view;
}

/* ---- view_mongo_client.c ---- */

/* Connects to nothing yet. CONFIG: the connection string is wrong; its password is not in the text.
 */
bool mongo_connect(struct view_mongo *store, GError **error) MUST_CHECK;
void mongo_disconnect(struct view_mongo *store);

/* (view_mongo_schema.c) Makes what contracts/views.mongodb.json asks for, once a handle. CONFIG: a
 * standalone server, or an index that is there with other options. Each function of the ops table
 * begins with it. */
bool mongo_ready(struct view_mongo *store, GError **error) MUST_CHECK;

/* Sets our error for the library's; reply may be NULL. Returns false. what: "batch views: put". */
bool mongo_fail(struct view_mongo *store,
                const char *what,
                const bson_t *reply,
                const bson_error_t *failure,
                GError **error);

/* Runs body in a transaction: all that it writes through the functions below, or nothing. Repeats
 * it, some times, where MongoDB asks for that; so body must set its results anew each time. AGAIN
 * where it isn't known whether the commit came through, too. */
typedef bool (*mongo_body)(struct view_mongo *store, void *user, GError **error);
bool mongo_transaction(struct view_mongo *store,
                       const char *what,
                       mongo_body body,
                       void *user,
                       GError **error) MUST_CHECK;

/* Options of a read or write: the transaction's, where one is under way. To be destroyed. */
bson_t *mongo_options(struct view_mongo *store);

/* The first document that matches; *ret_doc NULL: none does. filter is destroyed. */
bool mongo_find_one(struct view_mongo *store,
                    enum mongo_collection collection,
                    bson_t *filter,
                    bson_t **ret_doc,
                    GError **error) MUST_CHECK;

/* Updates one document. filter and update are destroyed. ret_matched may be NULL; with upsert it is
 * 0 where the document is new. */
bool mongo_update_one(struct view_mongo *store,
                      enum mongo_collection collection,
                      bson_t *filter,
                      bson_t *update,
                      bool upsert,
                      int64_t *ret_matched,
                      GError **error) MUST_CHECK;
bool mongo_update_many(struct view_mongo *store,
                       enum mongo_collection collection,
                       bson_t *filter,
                       bson_t *update,
                       GError **error) MUST_CHECK;
bool mongo_delete_many(struct view_mongo *store,
                       enum mongo_collection collection,
                       bson_t *filter,
                       int64_t *ret_deleted,
                       GError **error) MUST_CHECK;

/* Deletes at most rows_max documents that match, in order of sort (may be NULL). filter and sort
 * are destroyed. */
bool mongo_delete_some(struct view_mongo *store,
                       enum mongo_collection collection,
                       bson_t *filter,
                       bson_t *sort,
                       size_t rows_max,
                       int64_t *ret_deleted,
                       GError **error) MUST_CHECK;

/* What is left of a cursor's work: false and error where it failed. */
bool mongo_cursor_ok(struct view_mongo *store,
                     mongoc_cursor_t *cursor,
                     const char *what,
                     GError **error) MUST_CHECK;

/* Runs the bulk, which is not empty. */
bool mongo_bulk(struct view_mongo *store,
                mongoc_bulk_operation_t *bulk,
                const char *what,
                GError **error) MUST_CHECK;

/* A field's value: 0 or "" where it is absent or of another type. */
int64_t mongo_int(const bson_t *doc, const char *field);
const char *mongo_text(const bson_t *doc, const char *field);

/* ---- the ops ---- */

bool view_mongo_put(struct view *view,
                    int64_t generation,
                    const struct view_doc *docs,
                    size_t count,
                    GError **error);
bool view_mongo_publish(struct view *view,
                        const struct view_generation *generation,
                        int64_t lease_epoch,
                        GError **error);
bool view_mongo_current(struct view *view,
                        struct arena *arena,
                        struct view_generation *ret_generation,
                        GError **error);
bool view_mongo_last_generation(struct view *view, int64_t *ret_generation, GError **error);
bool view_mongo_query(struct view *view,
                      int64_t generation,
                      const struct view_filter *filter,
                      const char *cursor,
                      size_t limit,
                      struct arena *arena,
                      struct view_doc **ret_docs,
                      size_t *ret_count,
                      const char **ret_cursor,
                      GError **error);
/* NOTFOUND where the generation isn't kept any more. To be asked after reading. */
bool view_mongo_generation_kept(struct view_mongo *store,
                                int64_t generation,
                                GError **error) MUST_CHECK;
/* The least (order 1) or greatest (-1) generation in the state; 0: there is none. */
bool mongo_first_generation(struct view_mongo *store,
                            const char *state,
                            int order,
                            int64_t *ret_generation,
                            GError **error) MUST_CHECK;
bool view_mongo_prepare(struct view *view, int64_t generation, GError **error);
bool view_mongo_search(struct view *view,
                       int64_t generation,
                       const struct view_search *search,
                       size_t offset,
                       size_t limit,
                       struct arena *arena,
                       struct view_found **ret_found,
                       size_t *ret_count,
                       bool *ret_more,
                       GError **error);
bool view_mongo_sweep_batch(struct view_mongo *store,
                            size_t rows_max,
                            int64_t *ret_rows,
                            GError **error) MUST_CHECK;

bool view_mongo_put_speed(struct view *view,
                          const struct speed_doc *docs,
                          size_t count,
                          int64_t feed_position,
                          int64_t synced_at_ms,
                          GError **error);
bool view_mongo_sync_position(struct view *view,
                              int64_t *ret_feed_position,
                              int64_t *ret_synced_at_ms,
                              GError **error);
bool view_mongo_earliest_hour(struct view *view, int64_t *ret_hour_ms, GError **error);
bool view_mongo_query_speed(struct view *view,
                            const char *view_type,
                            int64_t movie_id,
                            int64_t from_hour_ms,
                            int64_t to_hour_ms,
                            struct arena *arena,
                            struct speed_doc **ret_docs,
                            size_t *ret_count,
                            GError **error);
bool view_mongo_sweep(struct view *view, size_t rows_max, int64_t *ret_rows, GError **error);
bool view_mongo_inspect(const struct context *context, struct findings *findings, GError **error);

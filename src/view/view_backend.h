/* For backends of view.h: the ops table. view_sqlite.c is the one to copy; view_contract.h is the
 * suite to pass. */
#pragma once

#include "view/view.h"

struct view_ops;

/* First member of every backend's struct. */
struct view {
    const struct view_ops *ops;
    const struct context *context;
};

/* Each function as its namesake in view.h, which has checked keys, data, names and limits. All are
 * called from the owner thread, may block on storage, and may be repeated after AGAIN. */
struct view_ops {
    const char *name; /* as in views.backend */
    struct view *(*open)(const struct context *context, GError **error);
    void (*close)(struct view *view);

    /* One transaction: all documents or none. */
    bool (*put)(struct view *view,
                int64_t generation,
                const struct view_doc *docs,
                size_t count,
                GError **error);
    /* Lease, pointer and states in one transaction. */
    bool (*publish)(struct view *view,
                    const struct view_generation *generation,
                    int64_t lease_epoch,
                    GError **error);
    bool (*current)(struct view *view,
                    struct arena *arena,
                    struct view_generation *ret_generation,
                    GError **error);
    bool (*last_generation)(struct view *view, int64_t *ret_generation, GError **error);
    /* generation > 0; cursor, where given, is an _id of this generation. The check that the
     * generation is still kept and the reading see one state. */
    bool (*query)(struct view *view,
                  int64_t generation,
                  const struct view_filter *filter,
                  const char *cursor,
                  size_t limit,
                  struct arena *arena,
                  struct view_doc **ret_docs,
                  size_t *ret_count,
                  const char **ret_cursor,
                  GError **error);

    /* NULL where there is nothing to be made ready. generation > 0. */
    bool (*prepare)(struct view *view, int64_t generation, GError **error);

    /* generation > 0; words, where given, is an FTS5 expression (search.h). */
    bool (*search)(struct view *view,
                   int64_t generation,
                   const struct view_search *search,
                   size_t offset,
                   size_t limit,
                   struct arena *arena,
                   struct view_found **ret_found,
                   size_t *ret_count,
                   bool *ret_more,
                   GError **error);

    bool (*put_speed)(struct view *view,
                      const struct speed_doc *docs,
                      size_t count,
                      int64_t feed_position,
                      int64_t synced_at_ms,
                      GError **error);
    bool (*sync_position)(struct view *view,
                          int64_t *ret_feed_position,
                          int64_t *ret_synced_at_ms,
                          GError **error);
    bool (*earliest_hour)(struct view *view, int64_t *ret_hour_ms, GError **error);
    bool (*query_speed)(struct view *view,
                        const char *view_type,
                        int64_t movie_id,
                        int64_t from_hour_ms,
                        int64_t to_hour_ms,
                        struct arena *arena,
                        struct speed_doc **ret_docs,
                        size_t *ret_count,
                        GError **error);
    bool (*sweep)(struct view *view, size_t rows_max, int64_t *ret_rows, GError **error);

    bool (*lease_acquire)(struct view *view,
                          const char *name,
                          const char *owner,
                          int64_t ttl_ms,
                          struct view_lease *ret_lease,
                          GError **error);
    bool (*lease_renew)(
        struct view *view, const char *name, int64_t epoch, int64_t ttl_ms, GError **error);
    bool (*lease_release)(struct view *view, const char *name, int64_t epoch, GError **error);

    bool (*put_run)(struct view *view, const struct view_run *run, GError **error);
    bool (*runs)(struct view *view,
                 size_t limit,
                 struct arena *arena,
                 struct view_run **ret_runs,
                 size_t *ret_count,
                 GError **error);

    /* Without an open store: opening makes what is missing. NULL: there is nothing to say. */
    bool (*inspect)(const struct context *context, struct findings *findings, GError **error);
};

extern const struct view_ops view_sqlite_ops;
extern const struct view_ops view_mongo_ops; /* where libmongoc was there: MARQUEE_MONGODB */

/* The SQLite store in another file of data.dir than views.db: for backends that keep documents
 * beside themselves. To be closed by view_close. */
struct view *
view_sqlite_open_file(const struct context *context, const char *name, GError **error) MUST_CHECK;

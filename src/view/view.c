#include "view/view.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "view/search.h"
#include "view/view_backend.h"

#define NAME_BYTES_MAX 200 /* view type, genre, window, lease, owner, run id */

static const struct view_ops *const backends[] = {
    &view_sqlite_ops,
#ifdef MARQUEE_MONGODB
    &view_mongo_ops,
#endif
};

static const struct view_ops *find_backend(const struct context *context, GError **error)
{
    const char *name = context->config->views_backend;
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    }
    error_set(error, CONFIG, "views.backend: '%s' isn't built into this program; use sqlite", name);
    return NULL;
}

struct view *view_open(const struct context *context, GError **error)
{
    const struct view_ops *ops = find_backend(context, error);
    return ops ? ops->open(context, error) : NULL;
}

bool view_inspect(const struct context *context, struct findings *findings, GError **error)
{
    const struct view_ops *ops = find_backend(context, error);
    return ops && (!ops->inspect || ops->inspect(context, findings, error));
}

void view_close(struct view *view)
{
    if (view)
        view->ops->close(view);
}

/* ---- what may be stored ---- */

static bool check_name(const char *what, const char *name, bool needed, GError **error)
{
    size_t len = name ? strlen(name) : 0;
    if (needed && len == 0) {
        error_set(error, BADDATA, "view: %s is empty", what);
        return false;
    }
    if (len > NAME_BYTES_MAX) {
        error_set(error, BADDATA, "view: %s has %zu bytes, at most %d are stored: '%.40s...'", what,
                  len, NAME_BYTES_MAX, name);
        return false;
    }
    if (len > 0 && !g_utf8_validate(name, (gssize)len, NULL)) {
        error_set(error, BADDATA, "view: %s isn't UTF-8", what);
        return false;
    }
    return true;
}

static bool check_number(const char *what, int64_t value, int64_t min, int64_t max, GError **error)
{
    if (value >= min && value <= max)
        return true;
    error_set(error, BADDATA,
              "view: %s is %" G_GINT64_FORMAT ", expected %" G_GINT64_FORMAT
              " to %" G_GINT64_FORMAT,
              what, value, min, max);
    return false;
}

#define DAY_MS_MAX INT64_C(253402300799999) /* the end of the year 9999 */

static bool check_key(const struct view_key *key, GError **error)
{
    return check_name("view_type", key->view_type, true, error) &&
           check_name("genre", key->genre, false, error) &&
           check_name("window", key->window, false, error) &&
           check_number("movie_id", key->movie_id, 0, VIEW_MOVIE_ID_MAX, error) &&
           check_number("year", key->year, 0, 9999, error) &&
           check_number("month", key->month, 0, 12, error) &&
           check_number("day_ms", key->day_ms, 0, DAY_MS_MAX, error);
}

/* One JSON object as text. Whether it is well-formed inside is its author's promise: it is spliced
 * into answers. */
static bool check_data(const char *view_type, const char *data, GError **error)
{
    size_t len = data ? strlen(data) : 0;
    if (len > VIEW_DATA_BYTES_MAX) {
        error_set(error, BADDATA, "view %s: a document has %zu bytes, at most %zu are stored",
                  view_type, len, VIEW_DATA_BYTES_MAX);
        return false;
    }
    if (len < 2 || data[0] != '{' || data[len - 1] != '}') {
        error_set(error, BADDATA, "view %s: data isn't a JSON object: '%.40s'", view_type,
                  data ? data : "(null)");
        return false;
    }
    return true;
}

/* ---- batch views ---- */

bool view_put(struct view *view,
              int64_t generation,
              const struct view_doc *docs,
              size_t count,
              GError **error)
{
    g_assert(generation > 0);
    for (size_t i = 0; i < count; i++) {
        if (!check_key(&docs[i].key, error) ||
            !check_data(docs[i].key.view_type, docs[i].data, error))
            return false;
    }
    return view->ops->put(view, generation, docs, count, error);
}

bool view_publish(struct view *view,
                  const struct view_generation *generation,
                  int64_t lease_epoch,
                  GError **error)
{
    g_assert(generation->generation > 0);
    return check_name("batch_run_id", generation->batch_run_id, true, error) &&
           check_data("cut", generation->cut, error) &&
           view->ops->publish(view, generation, lease_epoch, error);
}

bool view_current(struct view *view,
                  struct arena *arena,
                  struct view_generation *ret_generation,
                  GError **error)
{
    return view->ops->current(view, arena, ret_generation, error);
}

bool view_last_generation(struct view *view, int64_t *ret_generation, GError **error)
{
    return view->ops->last_generation(view, ret_generation, error);
}

bool view_cursor_generation(const char *cursor, int64_t *ret_generation, GError **error)
{
    char *end = NULL;
    gint64 generation = g_ascii_strtoll(cursor, &end, 10);
    if (end - cursor != 10 || *end != '|' || !g_ascii_isdigit(*cursor) || generation <= 0) {
        error_set(error, BADDATA, "'%.60s' isn't a cursor; take it from the answer before", cursor);
        return false;
    }
    *ret_generation = generation;
    return true;
}

/* A cursor goes out to clients and comes back: it must lead into the same generation and view. */
static bool
check_cursor(const char *cursor, int64_t generation, const char *view_type, GError **error)
{
    int64_t of;
    if (!check_name("cursor", cursor, true, error) || !view_cursor_generation(cursor, &of, error))
        return false;
    g_autofree char *prefix = g_strdup_printf("%s|", view_type);
    if (of != generation || !g_str_has_prefix(cursor + 11, prefix)) {
        error_set(error, BADDATA,
                  "the cursor '%.60s' is of another generation or view; begin without one", cursor);
        return false;
    }
    return true;
}

bool view_query(struct view *view,
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
    g_assert(limit > 0 && limit <= VIEW_QUERY_LIMIT_MAX);
    if (!check_key(&filter->key, error) ||
        (cursor && !check_cursor(cursor, generation, filter->key.view_type, error)))
        return false;
    if (generation == 0) {
        *ret_docs = NULL;
        *ret_count = 0;
        *ret_cursor = NULL;
        return true;
    }
    return view->ops->query(view, generation, filter, cursor, limit, arena, ret_docs, ret_count,
                            ret_cursor, error);
}

bool view_prepares(const struct view *view)
{
    return view->ops->prepare != NULL;
}

bool view_prepare(struct view *view, int64_t generation, GError **error)
{
    return !view->ops->prepare || generation == 0 || view->ops->prepare(view, generation, error);
}

bool view_search(struct view *view,
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
    g_assert(limit > 0 && offset + limit <= VIEW_SEARCH_ROWS_MAX);
    struct view_search asked = *search;
    g_autofree char *expression = NULL;
    if (!check_name("genre", search->genre, false, error) ||
        (search->words && !search_expression(search->words, &expression, error)))
        return false;
    asked.words = expression;
    if (generation == 0 || (search->words && !*expression)) {
        *ret_found = NULL;
        *ret_count = 0;
        *ret_more = false;
        return true;
    }
    return view->ops->search(view, generation, &asked, offset, limit, arena, ret_found, ret_count,
                             ret_more, error);
}

/* ---- speed views ---- */

bool view_put_speed(struct view *view,
                    const struct speed_doc *docs,
                    size_t count,
                    int64_t feed_position,
                    int64_t synced_at_ms,
                    GError **error)
{
    g_assert(feed_position >= -1);
    for (size_t i = 0; i < count; i++) {
        if (!check_name("view_type", docs[i].view_type, true, error) ||
            !check_number("movie_id", docs[i].movie_id, 0, VIEW_MOVIE_ID_MAX, error) ||
            (docs[i].data && !check_data(docs[i].view_type, docs[i].data, error)))
            return false;
    }
    return view->ops->put_speed(view, docs, count, feed_position, synced_at_ms, error);
}

bool view_sync_position(struct view *view,
                        int64_t *ret_feed_position,
                        int64_t *ret_synced_at_ms,
                        GError **error)
{
    return view->ops->sync_position(view, ret_feed_position, ret_synced_at_ms, error);
}

bool view_earliest_hour(struct view *view, int64_t *ret_hour_ms, GError **error)
{
    return view->ops->earliest_hour(view, ret_hour_ms, error);
}

bool view_query_speed(struct view *view,
                      const char *view_type,
                      int64_t movie_id,
                      int64_t from_hour_ms,
                      int64_t to_hour_ms,
                      struct arena *arena,
                      struct speed_doc **ret_docs,
                      size_t *ret_count,
                      GError **error)
{
    return check_name("view_type", view_type, true, error) &&
           check_number("movie_id", movie_id, VIEW_ANY_MOVIE, VIEW_MOVIE_ID_MAX, error) &&
           view->ops->query_speed(view, view_type, movie_id, from_hour_ms, to_hour_ms, arena,
                                  ret_docs, ret_count, error);
}

bool view_sweep(struct view *view, size_t rows_max, int64_t *ret_rows, GError **error)
{
    g_assert(rows_max > 0);
    return view->ops->sweep(view, rows_max, ret_rows, error);
}

/* ---- leases ---- */

bool view_lease_acquire(struct view *view,
                        const char *name,
                        const char *owner,
                        int64_t ttl_ms,
                        struct view_lease *ret_lease,
                        GError **error)
{
    g_assert(ttl_ms > 0);
    return check_name("lease", name, true, error) && check_name("owner", owner, true, error) &&
           view->ops->lease_acquire(view, name, owner, ttl_ms, ret_lease, error);
}

bool view_lease_renew(
    struct view *view, const char *name, int64_t epoch, int64_t ttl_ms, GError **error)
{
    g_assert(ttl_ms > 0);
    return view->ops->lease_renew(view, name, epoch, ttl_ms, error);
}

bool view_lease_release(struct view *view, const char *name, int64_t epoch, GError **error)
{
    return view->ops->lease_release(view, name, epoch, error);
}

/* ---- run history ---- */

bool view_put_run(struct view *view, const struct view_run *run, GError **error)
{
    struct view_run stored = *run;
    if (!stored.detail)
        stored.detail = "{}";
    if (strlen(stored.detail) > VIEW_DATA_BYTES_MAX) {
        error_set(error, BADDATA, "run %s: its detail has %zu bytes, at most %zu are stored",
                  run->run_id, strlen(stored.detail), VIEW_DATA_BYTES_MAX);
        return false;
    }
    return check_name("run_id", run->run_id, true, error) &&
           view->ops->put_run(view, &stored, error);
}

bool view_runs(struct view *view,
               size_t limit,
               struct arena *arena,
               struct view_run **ret_runs,
               size_t *ret_count,
               GError **error)
{
    g_assert(limit > 0 && limit <= VIEW_QUERY_LIMIT_MAX);
    return view->ops->runs(view, limit, arena, ret_runs, ret_count, error);
}

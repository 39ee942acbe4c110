/* Search stays ours (docs/decisions/0012): MongoDB's text index knows neither BM25 over fields of
 * different weight nor unfinished words, and both stores shall find the same. So each machine that
 * searches keeps an index of the generation beside it, an SQLite view store (view_sqlite.c) that
 * holds the generation's "movie" documents and nothing else:
 *
 *   data.dir/search-0000000041-1a2b3c4d.db        generation, hash of the run's id
 *
 * It is made once from MongoDB, under another name, and linked to its own when it is whole: a crash
 * leaves no half index. A file lock keeps others from making the same; they are told AGAIN. Indexes
 * of generations before the previous one go when a new one is made. Losing the files costs the time
 * to make them again. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/log.h"
#include "view/view_mongo.h"

#define INDEX_PREFIX  "search-"
#define INDEX_PAGE    500 /* documents that are copied at once */
#define FILE_MODE     0600
#define DIGITS_OF_RUN 8

/* ---- names ---- */

static char *index_name(int64_t generation, const char *run_id)
{
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, run_id, -1);
    return g_strdup_printf(INDEX_PREFIX "%010" G_GINT64_FORMAT "-%.*s.db", generation,
                           DIGITS_OF_RUN, hash);
}

static bool file_trouble(const char *what, const char *path, GError **error)
{
    error_set(error, FAILED, "the search index can't be made: %s %s: %s; data.dir must be writable",
              what, path, g_strerror(errno));
    return false;
}

/* Indexes below the generation, and what crashes left. Who has one open keeps it until it closes
 * it. */
static void remove_old(struct view_mongo *store, int64_t first_kept)
{
    const char *folder = store->view.context->config->data_dir;
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        if (!g_str_has_prefix(name, INDEX_PREFIX) ||
            g_ascii_strtoll(name + strlen(INDEX_PREFIX), NULL, 10) >= first_kept)
            continue;
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_unlink(path) != 0)
            log_warn(store->view.context->log, "view", "an old search index stays",
                     LOG_STR("path", path), LOG_STR("why", g_strerror(errno)));
    }
    if (dir)
        g_dir_close(dir);
}

/* ---- making one ---- */

static bool
copy_movies(struct view_mongo *store, struct view *index, int64_t generation, GError **error)
{
    const struct view_filter movies = {.key = {.view_type = "movie"}};
    struct arena *arena = arena_new();
    g_autofree char *cursor = NULL;
    bool ok;
    do {
        struct view_doc *docs;
        size_t count;
        const char *next = NULL;
        ok = view_mongo_query(&store->view, generation, &movies, cursor, INDEX_PAGE, arena, &docs,
                              &count, &next, error) &&
             index->ops->put(index, generation, docs, count, error);
        g_free(cursor);
        cursor = g_strdup(next);
        arena_reset(arena);
    } while (ok && cursor);
    arena_free(arena);
    return ok;
}

static bool fill(struct view_mongo *store, const char *name, int64_t generation, GError **error)
{
    struct view *index = view_sqlite_open_file(store->view.context, name, error);
    bool ok = index && copy_movies(store, index, generation, error);
    view_close(index);
    return ok;
}

/* With the lock held. */
static bool make_locked(struct view_mongo *store,
                        const char *name,
                        const char *path,
                        int64_t generation,
                        GError **error)
{
    static const char *const leftovers[] = {"", "-wal", "-shm"};
    const struct config *config = store->view.context->config;
    g_autofree char *part_name = g_strconcat(name, ".part", NULL);
    g_autofree char *part = config_path(config, part_name);
    for (size_t i = 0; i < G_N_ELEMENTS(leftovers); i++) {
        g_autofree char *left = g_strconcat(part, leftovers[i], NULL);
        g_unlink(left);
    }
    int64_t start_ms = clock_monotonic_ms(store->view.context->clock);
    bool ok = fill(store, part_name, generation, error);
    if (ok && link(part, path) != 0 && errno != EEXIST)
        ok = file_trouble("link", path, error);
    g_unlink(part);
    if (!ok)
        return false;
    log_info(store->view.context->log, "view", "search index made",
             LOG_INT("generation", generation),
             LOG_INT("ms", clock_monotonic_ms(store->view.context->clock) - start_ms));
    return true;
}

static bool make(struct view_mongo *store,
                 const char *name,
                 const char *path,
                 int64_t generation,
                 GError **error)
{
    g_autofree char *lock_path = g_strconcat(path, ".lock", NULL);
    int lock = open(lock_path, O_CREAT | O_RDWR | O_CLOEXEC, FILE_MODE);
    if (lock < 0)
        return file_trouble("open", lock_path, error);
    bool ok;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        error_set(error, AGAIN,
                  "the search index of generation %" G_GINT64_FORMAT
                  " is being made; it will be there in a moment",
                  generation);
        ok = false;
    } else {
        /* Made while we came here? */
        ok = g_access(path, R_OK) == 0 || make_locked(store, name, path, generation, error);
    }
    close(lock);
    return ok;
}

/* ---- finding it ---- */

/* The run that made a generation which is or was served; "" where it was never published. */
static bool run_of(struct view_mongo *store, int64_t generation, char **ret_run_id, GError **error)
{
    bson_t *found;
    if (!mongo_find_one(store, GENERATIONS, BCON_NEW("_id", BCON_INT64(generation)), &found, error))
        return false;
    g_autoptr(bson_t) state = found;
    const char *name = state ? mongo_text(state, "state") : "gone";
    if (strcmp(name, "published") != 0 && strcmp(name, "superseded") != 0) {
        error_set(error, NOTFOUND,
                  "generation %" G_GINT64_FORMAT
                  " is not served, or no longer kept; begin again without a cursor",
                  generation);
        return false;
    }
    *ret_run_id = g_strdup(mongo_text(state, "batch_run_id"));
    return true;
}

static bool previous_of(struct view_mongo *store, int64_t *ret_generation, GError **error)
{
    return mongo_first_generation(store, "superseded", -1, ret_generation, error);
}

/* Opens the generation's index as store->index, making it where it isn't there. */
static bool open_index(struct view_mongo *store, int64_t generation, GError **error)
{
    g_autofree char *run_id = NULL;
    if (!mongo_ready(store, error) || !run_of(store, generation, &run_id, error))
        return false;
    g_autofree char *name = index_name(generation, run_id);
    if (store->index && strcmp(name, store->index_name) == 0)
        return true;
    g_autofree char *path = config_path(store->view.context->config, name);
    if (g_access(path, R_OK) != 0) {
        int64_t previous;
        if (!previous_of(store, &previous, error) || !make(store, name, path, generation, error))
            return false;
        remove_old(store, previous ? MIN(previous, generation) : generation);
    }
    struct view *index = view_sqlite_open_file(store->view.context, name, error);
    if (!index)
        return false;
    view_close(store->index);
    g_free(store->index_name);
    store->index = index;
    store->index_name = g_steal_pointer(&name);
    return true;
}

bool view_mongo_prepare(struct view *view, int64_t generation, GError **error)
{
    return open_index(view_mongo_of(view), generation, error);
}

bool view_mongo_search(struct view *view,
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
    struct view_mongo *store = view_mongo_of(view);
    return open_index(store, generation, error) &&
           store->index->ops->search(store->index, generation, search, offset, limit, arena,
                                     ret_found, ret_count, ret_more, error);
}

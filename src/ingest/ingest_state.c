#include "ingest/ingest_state.h"

#include "base/config.h"
#include "model/db.h"

#define INGEST_SCHEMA_VERSION 1

#define CHANGES_READ    "changes_read_ms"
#define BACKFILLED_FROM "backfilled_from_ms"
#define BACKFILLED_TO   "backfilled_to_ms"

struct ingest_state {
    sqlite3 *db;
    struct sql_file *sql;
    sqlite3_stmt *put_movie, *leave_movie, *movies, *movie_ids, *facts_hash, *sweep_reviews,
        *sweep_movies, *put_review, *review_version, *put_progress, *progress;
    int64_t changes_read_ms; /* as saved */
};

/* The statements of contracts/ingest.sql and where they are kept. */
#define STATEMENT(name) #name, offsetof(struct ingest_state, name)
static const struct {
    const char *name;
    size_t offset;
} statements[] = {
    {STATEMENT(put_movie)},    {STATEMENT(leave_movie)}, {STATEMENT(movies)},
    {STATEMENT(movie_ids)},    {STATEMENT(facts_hash)},  {STATEMENT(sweep_reviews)},
    {STATEMENT(sweep_movies)}, {STATEMENT(put_review)},  {STATEMENT(review_version)},
    {STATEMENT(put_progress)}, {STATEMENT(progress)},
};

static sqlite3_stmt **statement_slot(struct ingest_state *state, size_t index)
{
    return (sqlite3_stmt **)(void *)((char *)state + statements[index].offset);
}

static bool prepare(struct ingest_state *state, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(statements); i++)
        if (!(*statement_slot(state, i) =
                  db_prepare(state->db, sql_file_get(state->sql, statements[i].name), error)))
            return false;
    return true;
}

struct ingest_state *ingest_state_open(const struct context *context, GError **error)
{
    g_autofree char *path = config_path(context->config, "ingest.db");
    struct ingest_state *state = g_new0(struct ingest_state, 1);
    state->sql = sql_file_load("contracts/ingest.sql");
    state->db = db_open(path, &(struct db_options){.sync = DB_SYNC_NORMAL}, error);
    if (!state->db ||
        !db_schema(state->db, sql_file_get(state->sql, "schema"), INGEST_SCHEMA_VERSION, error) ||
        !prepare(state, error)) {
        ingest_state_close(state);
        return NULL;
    }
    return state;
}

void ingest_state_close(struct ingest_state *state)
{
    if (!state)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(statements); i++)
        sqlite3_finalize(*statement_slot(state, i));
    db_close(state->db);
    sql_file_free(state->sql);
    g_free(state);
}

/* The first column of the statement's only row, fallback where there is none. */
static bool read_int(sqlite3_stmt *statement, int64_t fallback, int64_t *ret_value, GError **error)
{
    bool row;
    if (!db_step(statement, &row, error))
        return false;
    *ret_value = row ? sqlite3_column_int64(statement, 0) : fallback;
    if (row)
        sqlite3_reset(statement);
    return true;
}

static bool
read_progress(struct ingest_state *state, const char *name, int64_t *ret_value, GError **error)
{
    db_bind_text(state->progress, 1, name);
    return read_int(state->progress, 0, ret_value, error);
}

static bool
put_progress(struct ingest_state *state, const char *name, int64_t value, GError **error)
{
    db_bind_text(state->put_progress, 1, name);
    db_bind_int(state->put_progress, 2, value);
    return db_run(state->put_progress, error);
}

bool ingest_state_load(struct ingest_state *state, struct planner *planner, GError **error)
{
    bool row;
    if (!read_progress(state, CHANGES_READ, &state->changes_read_ms, error))
        return false;
    planner_restore_changes(planner, state->changes_read_ms);
    while (db_step(state->movies, &row, error)) {
        if (!row)
            return true;
        struct tracked_movie movie = {
            .movie_id = sqlite3_column_int(state->movies, 0),
            .popularity = sqlite3_column_double(state->movies, 1),
            .observed_ms = sqlite3_column_int64(state->movies, 2),
            .facts_hash = (uint64_t)sqlite3_column_int64(state->movies, 3),
            .stale = sqlite3_column_int(state->movies, 4) != 0,
            .whole_ms = sqlite3_column_int64(state->movies, 5),
            .reviews_due_ms = sqlite3_column_int64(state->movies, 6),
            .reviews_interval_ms = sqlite3_column_int64(state->movies, 7),
        };
        planner_restore(planner, &movie);
    }
    return false;
}

bool ingest_state_review_version(struct ingest_state *state,
                                 struct span review_id,
                                 int64_t *ret_version_ms,
                                 GError **error)
{
    db_bind_span(state->review_version, 1, review_id);
    return read_int(state->review_version, INT64_MIN, ret_version_ms, error);
}

bool ingest_state_facts_hash(struct ingest_state *state,
                             int32_t movie_id,
                             uint64_t *ret_facts_hash,
                             GError **error)
{
    int64_t hash;
    db_bind_int(state->facts_hash, 1, movie_id);
    if (!read_int(state->facts_hash, 0, &hash, error))
        return false;
    *ret_facts_hash = (uint64_t)hash;
    return true;
}

struct saving {
    struct ingest_state *state;
    int64_t now_ms;
    GError *error;
};

static void save_movie(int32_t movie_id, const struct tracked_movie *movie, void *user)
{
    struct saving *saving = user;
    sqlite3_stmt *put = movie ? saving->state->put_movie : saving->state->leave_movie;
    if (saving->error)
        return;
    db_bind_int(put, 1, movie_id);
    if (movie) {
        db_bind_double(put, 2, movie->popularity);
        db_bind_int(put, 3, movie->observed_ms);
        db_bind_int(put, 4, (int64_t)movie->facts_hash);
        db_bind_int(put, 5, movie->stale);
        db_bind_int(put, 6, movie->whole_ms);
        db_bind_int(put, 7, movie->reviews_due_ms);
        db_bind_int(put, 8, movie->reviews_interval_ms);
    } else {
        db_bind_int(put, 2, saving->now_ms);
    }
    if (!db_run(put, &saving->error))
        g_prefix_error(&saving->error, "remember movie %d: ", movie_id);
}

static bool save_all(struct saving *saving,
                     struct planner *planner,
                     const struct published_review *reviews,
                     size_t reviews_count,
                     GError **error)
{
    struct ingest_state *state = saving->state;
    planner_each_unsaved(planner, save_movie, saving);
    if (saving->error) {
        g_propagate_error(error, saving->error);
        return false;
    }
    for (size_t i = 0; i < reviews_count; i++) {
        db_bind_text(state->put_review, 1, reviews[i].review_id);
        db_bind_int(state->put_review, 2, reviews[i].movie_id);
        db_bind_int(state->put_review, 3, reviews[i].version_ms);
        if (!db_run(state->put_review, error))
            return false;
    }
    return put_progress(state, CHANGES_READ, planner_changes_read_ms(planner), error);
}

bool ingest_state_save(struct ingest_state *state,
                       struct planner *planner,
                       const struct published_review *reviews,
                       size_t reviews_count,
                       int64_t now_ms,
                       GError **error)
{
    struct saving saving = {.state = state, .now_ms = now_ms};
    if (!planner_unsaved(planner) && !reviews_count &&
        planner_changes_read_ms(planner) == state->changes_read_ms)
        return true;
    if (!db_begin(state->db, error))
        return false;
    if (!save_all(&saving, planner, reviews, reviews_count, error)) {
        db_rollback(state->db);
        return false;
    }
    if (!db_commit(state->db, error))
        return false;
    planner_saved(planner);
    state->changes_read_ms = planner_changes_read_ms(planner);
    return true;
}

bool ingest_state_sweep(struct ingest_state *state, int64_t now_ms, GError **error)
{
    if (!db_begin(state->db, error))
        return false;
    db_bind_int(state->sweep_reviews, 1, now_ms - INGEST_LEFT_KEEP_MS);
    db_bind_int(state->sweep_movies, 1, now_ms - INGEST_LEFT_KEEP_MS);
    if (!db_run(state->sweep_reviews, error) || !db_run(state->sweep_movies, error)) {
        db_rollback(state->db);
        return false;
    }
    return db_commit(state->db, error);
}

bool ingest_state_backfilled(struct ingest_state *state,
                             int64_t *ret_from_ms,
                             int64_t *ret_to_ms,
                             GError **error)
{
    int64_t from_ms, to_ms;
    if (!read_progress(state, BACKFILLED_FROM, &from_ms, error) ||
        !read_progress(state, BACKFILLED_TO, &to_ms, error))
        return false;
    *ret_from_ms = from_ms;
    *ret_to_ms = to_ms;
    return true;
}

bool ingest_state_set_backfilled(struct ingest_state *state,
                                 int64_t from_ms,
                                 int64_t to_ms,
                                 GError **error)
{
    if (!db_begin(state->db, error))
        return false;
    if (!put_progress(state, BACKFILLED_FROM, from_ms, error) ||
        !put_progress(state, BACKFILLED_TO, to_ms, error)) {
        db_rollback(state->db);
        return false;
    }
    return db_commit(state->db, error);
}

bool ingest_state_movie_ids(struct ingest_state *state, GHashTable **ret_movie_ids, GError **error)
{
    g_autoptr(GHashTable) movie_ids = g_hash_table_new(NULL, NULL);
    bool row;
    while (db_step(state->movie_ids, &row, error)) {
        if (!row) {
            *ret_movie_ids = g_steal_pointer(&movie_ids);
            return true;
        }
        g_hash_table_add(movie_ids, GINT_TO_POINTER(sqlite3_column_int(state->movie_ids, 0)));
    }
    return false;
}

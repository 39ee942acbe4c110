#include "ingest/ingest_state.h"

#include "base/config.h"
#include "model/db.h"

#define INGEST_SCHEMA_VERSION 1

struct ingest_state {
    sqlite3 *db;
    struct sql_file *sql;
    sqlite3_stmt *put_movie, *movies, *put_review, *review_version;
};

static bool prepare(struct ingest_state *state, GError **error)
{
    struct {
        sqlite3_stmt **slot;
        const char *name;
    } statements[] = {
        {&state->put_movie, "put_movie"},
        {&state->movies, "movies"},
        {&state->put_review, "put_review"},
        {&state->review_version, "review_version"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(statements); i++)
        if (!(*statements[i].slot =
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
    sqlite3_finalize(state->put_movie);
    sqlite3_finalize(state->movies);
    sqlite3_finalize(state->put_review);
    sqlite3_finalize(state->review_version);
    db_close(state->db);
    sql_file_free(state->sql);
    g_free(state);
}

bool ingest_state_load(struct ingest_state *state, struct planner *planner, GError **error)
{
    bool row;
    while (db_step(state->movies, &row, error)) {
        if (!row)
            return true;
        struct tracked_movie movie = {
            .movie_id = sqlite3_column_int(state->movies, 0),
            .popularity = sqlite3_column_double(state->movies, 1),
            .observed_ms = sqlite3_column_int64(state->movies, 2),
            .facts_hash = (uint64_t)sqlite3_column_int64(state->movies, 3),
            .stale = sqlite3_column_int(state->movies, 4) != 0,
            .reviews_due_ms = sqlite3_column_int64(state->movies, 5),
            .reviews_interval_ms = sqlite3_column_int64(state->movies, 6),
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
    bool row;
    db_bind_span(state->review_version, 1, review_id);
    if (!db_step(state->review_version, &row, error))
        return false;
    *ret_version_ms = row ? sqlite3_column_int64(state->review_version, 0) : 0;
    if (row)
        sqlite3_reset(state->review_version);
    return true;
}

struct saving {
    struct ingest_state *state;
    GError *error;
};

static void save_movie(const struct tracked_movie *movie, void *user)
{
    struct saving *saving = user;
    sqlite3_stmt *put = saving->state->put_movie;
    if (saving->error)
        return;
    db_bind_int(put, 1, movie->movie_id);
    db_bind_double(put, 2, movie->popularity);
    db_bind_int(put, 3, movie->observed_ms);
    db_bind_int(put, 4, (int64_t)movie->facts_hash);
    db_bind_int(put, 5, movie->stale);
    db_bind_int(put, 6, movie->reviews_due_ms);
    db_bind_int(put, 7, movie->reviews_interval_ms);
    if (!db_run(put, &saving->error))
        g_prefix_error(&saving->error, "remember movie %d: ", movie->movie_id);
}

static bool save_all(struct ingest_state *state,
                     struct planner *planner,
                     const struct published_review *reviews,
                     size_t reviews_count,
                     GError **error)
{
    if (!db_exec(state->db, sql_file_get(state->sql, "clear_movies"), error))
        return false;
    struct saving saving = {.state = state};
    planner_each(planner, save_movie, &saving);
    if (saving.error) {
        g_propagate_error(error, saving.error);
        return false;
    }
    for (size_t i = 0; i < reviews_count; i++) {
        db_bind_text(state->put_review, 1, reviews[i].review_id);
        db_bind_int(state->put_review, 2, reviews[i].movie_id);
        db_bind_int(state->put_review, 3, reviews[i].version_ms);
        if (!db_run(state->put_review, error))
            return false;
    }
    return db_exec(state->db, sql_file_get(state->sql, "clear_reviews"), error);
}

bool ingest_state_save(struct ingest_state *state,
                       struct planner *planner,
                       const struct published_review *reviews,
                       size_t reviews_count,
                       GError **error)
{
    if (!db_begin(state->db, error))
        return false;
    if (!save_all(state, planner, reviews, reviews_count, error)) {
        db_rollback(state->db);
        return false;
    }
    return db_commit(state->db, error);
}

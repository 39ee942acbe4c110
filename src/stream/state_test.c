/* Proves: the state finds the movie's windows before and after any instant, across hours, in memory
 * and on disk, as a plain list of windows does; and a cascade reaches exactly what
 * docs/semantics.md says; that a file which is written now and then holds what a file that plays
 * each commit's delta holds; and that rows which nothing can read any more go from both. */
#include "stream/state.h"

#include "model/db.h"
#include "stream/cascade.h"
#include "stream/delta.h"
#include "stream/window.h"

#define WINDOW_MS (5 * MS_PER_MINUTE)
#define NOON_MS   INT64_C(1767268800000)
#define SPAN      400 /* windows: 33 hours, so that the lookback of 25 h cuts */

static const struct stream_settings settings = {
    .partitions = 1,
    .window_ms = WINDOW_MS,
    .retention_ms = 52 * MS_PER_HOUR,
    .lookback_ms = 25 * MS_PER_HOUR,
};

struct world {
    sqlite3 *db;
    struct sql_file *sql;
    struct state *state;
};

static void open_state(struct world *world)
{
    GError *error = NULL;
    world->state = state_new(world->db, world->sql, &settings, 0, &error);
    g_assert_no_error(error);
    state_advance(world->state, BIN_RATINGS, NOON_MS + SPAN * WINDOW_MS);
}

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->db = db_open(":memory:", NULL, &error);
    world->sql = sql_file_load("contracts/stream.sql");
    g_assert_true(db_exec(world->db, sql_file_get(world->sql, "schema"), &error));
    open_state(world);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    state_free(world->state);
    sql_file_free(world->sql);
    db_close(world->db);
}

static struct movie *get_movie(struct world *world, int32_t movie_id)
{
    GError *error = NULL;
    struct movie *movie;
    g_assert_true(state_movie(world->state, movie_id, &movie, &error));
    return movie;
}

static void put(struct world *world, int32_t movie_id, int64_t event_ms, int32_t vote_count)
{
    GError *error = NULL;
    struct bin_window *window;
    bool new;
    g_assert_true(state_window(world->state, get_movie(world, movie_id), BIN_RATINGS, event_ms,
                               &window, &new, &error));
    window->rating.vote_count = vote_count;
}

static void commit(struct world *world)
{
    GError *error = NULL;
    g_assert_true(state_write(world->state, &error));
    g_assert_no_error(error);
    state_committed(world->state);
}

/* The number of the window found, or -1. */
static int found_window(struct world *world, int32_t movie_id, int window, bool after)
{
    GError *error = NULL;
    struct window_ref ref;
    bool found;
    int64_t start_ms = NOON_MS + window * WINDOW_MS;
    g_assert_true((after ? state_after : state_before)(
        world->state, get_movie(world, movie_id), BIN_RATINGS, start_ms, &ref, &found, &error));
    if (!found)
        return -1;
    int number = (int)((ref.start_ms - NOON_MS) / WINDOW_MS);
    g_assert_cmpint(window_ref_get(&ref)->rating.vote_count, ==, number);
    return number;
}

static int expected_window(const bool *there, int window, int direction)
{
    for (int at = window + direction;
         at >= 0 && at < SPAN && at * direction <= window * direction + 300; at += direction) {
        if (there[at])
            return at; /* 300 windows are 25 h, which is in */
    }
    return -1;
}

static void check_all(struct world *world, int32_t movie_id, const bool *there)
{
    for (int window = 0; window < SPAN; window++) {
        g_assert_cmpint(found_window(world, movie_id, window, false), ==,
                        expected_window(there, window, -1));
        g_assert_cmpint(found_window(world, movie_id, window, true), ==,
                        expected_window(there, window, 1));
    }
}

/* Sparse and dense movies, windows added in random order, asked in memory, after a commit, and by a
 * new life. */
static void test_neighbours(struct world *world, const void *data)
{
    (void)data;
    static const double densities[] = {0.004, 0.01, 0.1, 0.9};
    GRand *random = g_rand_new_with_seed(5);
    for (int32_t movie = 0; movie < (int32_t)G_N_ELEMENTS(densities); movie++) {
        bool there[SPAN] = {false};
        for (int i = 0; i < SPAN * densities[movie]; i++) {
            int window = g_rand_int_range(random, 0, SPAN);
            there[window] = true;
            put(world, movie, NOON_MS + window * WINDOW_MS + g_rand_int_range(random, 0, WINDOW_MS),
                window);
            if (g_rand_int_range(random, 0, 10) == 0)
                commit(world);
        }
        check_all(world, movie, there);
        commit(world);
        check_all(world, movie, there);
        state_free(world->state);
        open_state(world);
        check_all(world, movie, there);
    }
    g_rand_free(random);
}

/* Hours that no held window can read are forgotten, in memory and on disk; later ones stay. */
static void test_forget(struct world *world, const void *data)
{
    (void)data;
    put(world, 1, NOON_MS, 0);
    put(world, 1, NOON_MS + 12 * WINDOW_MS, 12);
    commit(world);
    /* The hour after noon is the first that is reachable: 52 h + 1 h - and 50 h of lookback before.
     */
    state_advance(world->state, BIN_RATINGS, NOON_MS + (1 + 52 + 50) * MS_PER_HOUR);
    put(world, 1, NOON_MS + 120 * 12 * WINDOW_MS, 1440);
    commit(world);
    g_assert_cmpint(found_window(world, 1, 13, false), ==, 12);
    g_assert_cmpint(found_window(world, 1, 12, false), ==, -1);
    GError *error = NULL;
    sqlite3_stmt *count = db_prepare(world->db, "SELECT count(*) FROM stream_bins", &error);
    bool row;
    g_assert_true(db_step(count, &row, &error));
    g_assert_cmpint(sqlite3_column_int(count, 0), ==, 2);
    sqlite3_finalize(count);
}

/* Windows 0, 3, 5, 6, 330 of a movie; a change of 3 reaches 3, 5 and 6; one of 6 only itself: 330
 * is 27 h away. */
static void test_cascade(struct world *world, const void *data)
{
    (void)data;
    static const int windows[] = {0, 3, 5, 6, 330};
    for (size_t i = 0; i < G_N_ELEMENTS(windows); i++)
        put(world, 1, NOON_MS + windows[i] * WINDOW_MS, windows[i]);
    commit(world);
    static const struct {
        int changed[2];
        int reached[5], depths[5];
        guint count;
    } cases[] = {
        {{3, 3}, {3, 5, 6}, {0, 1, 2}, 3},
        {{6, 6}, {6}, {0}, 1},
        {{0, 5}, {0, 3, 5, 6}, {0, 1, 0, 1}, 4},
        {{330, 330}, {330}, {0}, 1},
    };
    g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(struct cascade_window));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        for (int j = 0; j < 2; j++)
            put(world, 1, NOON_MS + cases[i].changed[j] * WINDOW_MS, cases[i].changed[j]);
        g_assert_true(cascade_collect(world->state, get_movie(world, 1), BIN_RATINGS, 2, WINDOW_MS,
                                      out, &error));
        g_assert_cmpuint(out->len, ==, cases[i].count);
        for (guint k = 0; k < out->len; k++) {
            const struct cascade_window *window = &g_array_index(out, struct cascade_window, k);
            g_assert_cmpint(window->ref.start_ms, ==, NOON_MS + cases[i].reached[k] * WINDOW_MS);
            g_assert_cmpint(window->depth, ==, cases[i].depths[k]);
        }
        commit(world);
    }
}

/* Rows of both tables, as text. */
static char *dump(sqlite3 *db)
{
    static const char *const queries[] = {
        "SELECT kind, hour, movie_id, hex(data) FROM stream_bins ORDER BY 1, 2, 3",
        "SELECT movie_id, title, title_time, hex(hours) FROM stream_movies ORDER BY 1",
    };
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++) {
        GError *error = NULL;
        g_autoptr(sqlite3_stmt) read = db_prepare(db, queries[i], &error);
        for (bool row; db_step(read, &row, &error) && row;) {
            for (int column = 0; column < sqlite3_column_count(read); column++)
                g_string_append_printf(text, "%s ",
                                       (const char *)sqlite3_column_text(read, column));
            g_string_append_c(text, '\n');
        }
        g_assert_no_error(error);
    }
    return g_string_free(text, FALSE);
}

/* A sweep that runs on a file with fewer rows than the delta's player has would stop earlier.
 * Memory for 1000 windows, and hours that pass, so that rows leave it and come back, and expire. */
static void test_file(struct world *world, const void *data)
{
    (void)data;
    enum { COMMITS = 600, RECORDS = 150, MOVIES = 80, TASKS = 1000 };
    GError *error = NULL;
    struct stream_settings small = settings;
    small.partitions = TASKS;
    state_free(world->state);
    world->state = state_new(world->db, world->sql, &small, 0, &error);
    g_autoptr(sqlite3) other = db_open(":memory:", NULL, &error);
    g_assert_true(db_exec(other, sql_file_get(world->sql, "schema"), &error));
    struct delta_player *player = delta_player_new(other, world->sql);
    g_autoptr(GByteArray) delta = g_byte_array_new();
    state_record(world->state, delta);
    g_autoptr(GRand) random = g_rand_new_with_seed(5);
    int64_t now_ms = NOON_MS;
    size_t filed = 0, most = 0;
    for (int i = 0; i < COMMITS; i++) {
        for (int j = 0; j < RECORDS; j++) {
            int64_t event_ms = now_ms - g_rand_int_range(random, 0, 3 * MS_PER_HOUR);
            if (event_ms >= hour_start_ms(first_held_hour(now_ms, small.retention_ms)))
                put(world, g_rand_int_range(random, 1, MOVIES), event_ms, i);
        }
        now_ms += g_rand_int_range(random, 0, (gint32)MS_PER_HOUR);
        if (g_rand_int_range(random, 0, 20) == 0)
            now_ms += 100 * MS_PER_HOUR; /* all that waits is no longer reachable */
        state_advance(world->state, BIN_RATINGS, now_ms);
        commit(world);
        most = MAX(most, state_windows_count(world->state));
        const struct span bytes = {(const char *)delta->data, delta->len};
        g_assert_true(delta_player_run(player, bytes, &error));
        g_byte_array_set_size(delta, 0);
        if (!state_full(world->state) && g_rand_int_range(random, 0, 10) > 0)
            continue;
        filed++;
        g_assert_true(state_file(world->state, &error));
        g_autofree char *here = dump(world->db), *there = dump(other);
        g_assert_cmpstr(here, ==, there);
    }
    g_assert_cmpuint(most, >, STATE_TASK_WINDOWS_MIN);
    g_assert_cmpuint(filed, >, 40);
    g_assert_cmpuint(filed, <, COMMITS / 2);
    delta_player_free(player);
}

struct expire_case {
    const char *name;
    bool recorded, filed, reopened;
};

static int count_rows(sqlite3 *db, int64_t hour)
{
    GError *error = NULL;
    g_autoptr(sqlite3_stmt) count =
        db_prepare(db, "SELECT count(*) FROM stream_bins WHERE hour = ?1", &error);
    bool row;
    db_bind_int(count, 1, hour);
    g_assert_true(db_step(count, &row, &error));
    return sqlite3_column_int(count, 0);
}

/* A commit, and what its delta makes of another file. Returns the delta's bytes. */
static guint
commit_recorded(struct world *world, GByteArray *delta, sqlite3 *other, struct delta_player *player)
{
    GError *error = NULL;
    g_byte_array_set_size(delta, 0);
    commit(world);
    g_assert_true(db_begin(other, &error));
    g_assert_true(
        delta_player_run(player, (struct span){(const char *)delta->data, delta->len}, &error));
    g_assert_true(db_commit(other, &error));
    return delta->len;
}

/* Rows of hours that are no longer reachable go, wherever they were when that came to be: in the
 * file, waiting for it, or in the file before the state was opened; as many as a commit may remove
 * at once, here and where its delta is played. Nothing is recorded where nothing goes, and what
 * doesn't go waits on. */
static void test_expire(struct world *world, const void *data)
{
    enum { MORE = 7 };
    const struct expire_case *c = data;
    GError *error = NULL;
    const int64_t noon = hour_of(NOON_MS), reach_ms = (1 + 52 + 50) * MS_PER_HOUR;
    g_autoptr(sqlite3) other = db_open(":memory:", NULL, &error);
    g_assert_true(db_exec(other, sql_file_get(world->sql, "schema"), &error));
    struct delta_player *player = delta_player_new(other, world->sql);
    g_autoptr(GByteArray) delta = g_byte_array_new();
    sqlite3 *files[] = {c->recorded ? other : world->db, world->db};
    g_assert_true(db_begin(world->db, &error));
    if (c->recorded)
        state_record(world->state, delta);
    for (int32_t i = 0; i < STATE_EXPIRE_ROWS_MAX + MORE; i++)
        put(world, i, NOON_MS, 0);
    put(world, 1, NOON_MS + 5 * MS_PER_HOUR, 0);
    commit_recorded(world, delta, other, player);
    if (c->filed)
        g_assert_true(state_file(world->state, &error));
    if (c->reopened) {
        state_free(world->state);
        open_state(world);
        if (c->recorded)
            state_record(world->state, delta);
    }
    /* Noon is the first reachable hour: nothing goes, and nothing is written for that. */
    state_advance(world->state, BIN_RATINGS, NOON_MS + reach_ms - MS_PER_HOUR);
    g_assert_cmpuint(commit_recorded(world, delta, other, player), ==, 0);
    const int there = STATE_EXPIRE_ROWS_MAX + MORE;
    g_assert_cmpint(count_rows(files[0], noon), ==, there);
    g_assert_cmpint(count_rows(files[1], noon), ==, c->recorded && !c->filed ? 0 : there);
    /* The hour behind it: all of noon's go, in two steps. */
    state_advance(world->state, BIN_RATINGS, NOON_MS + reach_ms);
    static const int left[] = {MORE, 0, 0};
    for (size_t i = 0; i < G_N_ELEMENTS(left); i++) {
        if (i == 0)
            put(world, 2, NOON_MS + 7 * MS_PER_HOUR, 0);
        commit_recorded(world, delta, other, player);
        for (size_t j = 0; j < G_N_ELEMENTS(files); j++)
            g_assert_cmpint(count_rows(files[j], noon), ==, left[i]);
    }
    g_assert_cmpuint(delta->len, ==, 0); /* of the last one */
    g_assert_cmpint(count_rows(files[0], noon + 5), ==, 1);
    g_assert_cmpint(count_rows(files[0], noon + 7), ==, 1);
    g_assert_cmpint(count_rows(world->db, noon + 7), ==, c->recorded ? 0 : 1);
    /* Hours later the row of noon and 5 goes, then the last one, which may still wait. */
    state_advance(world->state, BIN_RATINGS, NOON_MS + reach_ms + 6 * MS_PER_HOUR);
    commit_recorded(world, delta, other, player);
    for (size_t j = 0; j < G_N_ELEMENTS(files); j++)
        g_assert_cmpint(count_rows(files[j], noon + 5), ==, 0);
    g_assert_cmpint(count_rows(files[0], noon + 7), ==, 1);
    state_advance(world->state, BIN_RATINGS, NOON_MS + reach_ms + 7 * MS_PER_HOUR);
    commit_recorded(world, delta, other, player);
    for (size_t j = 0; j < G_N_ELEMENTS(files); j++)
        g_assert_cmpint(count_rows(files[j], noon + 7), ==, 0);
    g_assert_true(state_file(world->state, &error));
    g_assert_cmpint(count_rows(world->db, noon + 7), ==, 0);
    db_rollback(world->db);
    delta_player_free(player);
}

static const struct expire_case expire_cases[] = {
    {"embedded", false, false, false},        {"embedded-reopened", false, false, true},
    {"recorded-waiting", true, false, false}, {"recorded-filed", true, true, false},
    {"recorded-reopened", true, true, true},
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/stream/state/neighbours", struct world, NULL, world_open, test_neighbours,
               world_close);
    g_test_add("/stream/state/forget", struct world, NULL, world_open, test_forget, world_close);
    g_test_add("/stream/state/cascade", struct world, NULL, world_open, test_cascade, world_close);
    g_test_add("/stream/state/file", struct world, NULL, world_open, test_file, world_close);
    for (size_t i = 0; i < G_N_ELEMENTS(expire_cases); i++) {
        g_autofree char *path = g_strconcat("/stream/state/expire/", expire_cases[i].name, NULL);
        g_test_add(path, struct world, &expire_cases[i], world_open, test_expire, world_close);
    }
    return g_test_run();
}

/* Proves: a query sees the held rows of the speed tables as a person would type it, in both forms;
 * nothing but one SELECT is run, nothing can be written, attached or set, and rows, values and time
 * are bounded. */
#include "speed/speed_query.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "speed/speed.h"

#define NOON_MS INT64_C(1767268800000)

struct world {
    char *folder;
    struct config *config;
    struct clock *clock;
    struct metrics *metrics;
    struct context context;
};

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->folder = g_dir_make_tmp("speed-query-XXXXXX", &error);
    world->config = config_new_default();
    g_free(world->config->data_dir);
    world->config->data_dir = g_strdup(world->folder);
    world->clock = clock_new_manual(NOON_MS);
    world->metrics = metrics_new();
    world->context =
        (struct context){.config = world->config, .clock = world->clock, .metrics = world->metrics};
    struct stats_row rows[] = {
        {.movie_id = 11, .hour_ms = NOON_MS, .title = "Heat", .popularity_e4 = 105000},
        {.movie_id = 12, .hour_ms = NOON_MS - MS_PER_HOUR, .title = "two\nlines \"x\""},
        {.movie_id = 13, .hour_ms = NOON_MS - 52 * MS_PER_HOUR, .title = "old"},
    };
    const struct speed_batch batch = {.stats = rows, .stats_count = G_N_ELEMENTS(rows)};
    struct speed *speed = speed_open(&world->context, &error);
    g_assert_no_error(error);
    g_assert_true(speed_write(speed, &batch, &error));
    speed_close(speed);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    static const char *const names[] = {"stream.db", "stream.db-wal", "stream.db-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(world->folder, names[i], NULL);
        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(world->folder), ==, 0);
    g_free(world->folder);
    metrics_free(world->metrics);
    clock_free(world->clock);
    config_free(world->config);
}

/* What is printed; NULL: refused, with error. */
static char *
ask(struct world *world, const char *sql, enum speed_query_format format, GError **error)
{
    char *text = NULL;
    size_t len = 0;
    int64_t rows;
    FILE *out = open_memstream(&text, &len);
    bool done = speed_query(&world->context, sql, format, out, &rows, error);
    fclose(out);
    char *ret = done ? g_strdup(text) : NULL;
    g_assert_true(done || len == 0);
    free(text);
    return ret;
}

static void test_rows(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    g_autofree char *table = ask(world,
                                 "SELECT movie_id, title, popularity, rating_velocity FROM "
                                 "movie_stats WHERE movie_id < 13 ORDER BY 1;",
                                 SPEED_QUERY_TABLE, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(table, ==,
                    "movie_id  title          popularity  rating_velocity\n"
                    "11        Heat           10.5        null\n"
                    "12        two lines \"x\"  0.0         null\n");
    g_autofree char *json = ask(world,
                                "SELECT movie_id, title, popularity, null AS \"a\"\"b\" FROM "
                                "movie_stats WHERE movie_id < 13 ORDER BY 1",
                                SPEED_QUERY_JSON, &error);
    g_assert_cmpstr(json, ==,
                    "{\"movie_id\":11,\"title\":\"Heat\",\"popularity\":10.5,\"a\\\"b\":null}\n"
                    "{\"movie_id\":12,\"title\":\"two\\nlines "
                    "\\\"x\\\"\",\"popularity\":0,\"a\\\"b\":null}\n");
}

/* Rows leave with their hour, swept or not: hour + 1 h + 52 h > now, as for the store's readers. */
static void test_held(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    const char *sql = "SELECT count(*) AS n FROM movie_stats";
    g_autofree char *now = ask(world, sql, SPEED_QUERY_JSON, &error);
    g_assert_cmpstr(now, ==, "{\"n\":3}\n");
    clock_set_now(world->clock, NOON_MS + 53 * MS_PER_HOUR - 1);
    g_autofree char *held = ask(world, sql, SPEED_QUERY_JSON, &error);
    g_assert_cmpstr(held, ==, "{\"n\":1}\n");
    clock_set_now(world->clock, NOON_MS + 53 * MS_PER_HOUR);
    g_autofree char *gone = ask(world, sql, SPEED_QUERY_JSON, &error);
    g_assert_cmpstr(gone, ==, "{\"n\":0}\n");
}

static void test_refused(struct world *world, const void *data)
{
    (void)data;
    static const char *const texts[] = {
        "",
        "-- nothing",
        "SELECT 1; SELECT 2",
        "SELECT * FROM movie_stat",
        "DELETE FROM movie_stats",
        "DELETE FROM main.movie_stats",
        "DELETE FROM main.movie_stats RETURNING hour",
        "WITH x AS (SELECT 1) INSERT INTO hour_counts SELECT 1, 'a', 1, 1 FROM x",
        "UPDATE main.movie_stats SET title = 'x'",
        "DROP VIEW movie_stats",
        "CREATE TABLE x (a)",
        "CREATE TEMP TABLE x (a)",
        "ATTACH '/tmp/x.db' AS x",
        "VACUUM INTO '/tmp/x.db'",
        "PRAGMA query_only = 0",
        "PRAGMA journal_mode",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('x')",
        "BEGIN IMMEDIATE",
        "SELECT zeroblob(100000000)",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        GError *error = NULL;
        g_autofree char *text = ask(world, texts[i], SPEED_QUERY_TABLE, &error);
        g_test_message("%s: %s", texts[i], error ? error->message : "ran");
        g_assert_null(text);
        g_assert_true(error_is(error, BADDATA));
        g_assert_true(g_str_has_prefix(error->message, "query: "));
        g_error_free(error);
    }
    GError *error = NULL;
    g_autofree char *still =
        ask(world, "SELECT count(*) AS n FROM main.movie_stats", SPEED_QUERY_JSON, &error);
    g_assert_cmpstr(still, ==, "{\"n\":3}\n");
}

#define NUMBERS(n)                                                                                 \
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT " n ") SELECT i FROM n"

static void test_rows_max(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    g_autofree char *all = ask(world, NUMBERS("10000"), SPEED_QUERY_JSON, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(all, "{\"i\":10000}"));
    g_autofree char *more = ask(world, NUMBERS("10001"), SPEED_QUERY_JSON, &error);
    g_assert_null(more);
    g_assert_true(error_is(error, BADDATA));
    g_error_free(error);
}

struct mover {
    struct clock *clock;
    atomic_bool done;
};

static void *move_clock(void *data)
{
    struct mover *mover = data;
    while (!atomic_load(&mover->done)) {
        clock_advance_monotonic(mover->clock, MS_PER_SECOND);
        sched_yield();
    }
    return NULL;
}

/* A query without an end is stopped when the clock, which another thread moves, is past the limit.
 */
static void test_time_max(struct world *world, const void *data)
{
    (void)data;
    struct mover mover = {.clock = world->clock};
    pthread_t thread;
    g_assert_cmpint(pthread_create(&thread, NULL, move_clock, &mover), ==, 0);
    GError *error = NULL;
    g_autofree char *text = ask(world,
                                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                                "SELECT count(*) FROM n",
                                SPEED_QUERY_TABLE, &error);
    atomic_store(&mover.done, true);
    pthread_join(thread, NULL);
    g_assert_null(text);
    g_assert_true(error_is(error, BADDATA));
    g_assert_nonnull(strstr(error->message, "longer than"));
    g_error_free(error);
}

static void test_absent(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    char *folder = world->config->data_dir;
    world->config->data_dir = g_build_filename(folder, "nowhere", NULL);
    g_autofree char *text = ask(world, "SELECT 1", SPEED_QUERY_TABLE, &error);
    g_free(world->config->data_dir);
    world->config->data_dir = folder;
    g_assert_null(text);
    g_assert_true(error_is(error, NOTFOUND));
    g_error_free(error);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(struct world *world, const void *data);
    } tests[] = {
        {"/speed_query/rows", test_rows},         {"/speed_query/held", test_held},
        {"/speed_query/refused", test_refused},   {"/speed_query/rows_max", test_rows_max},
        {"/speed_query/time_max", test_time_max}, {"/speed_query/absent", test_absent},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct world, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}

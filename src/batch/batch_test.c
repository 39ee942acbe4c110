/* One run at a time; a log that lost its tail stops the run and the old views stay; a run that
 * can't succeed is given up; an answer of TMDB enters bronze once, wherever a run dies; a query is
 * a SELECT over one published run and nothing else. */
#include "batch/batch_run.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "batch/batch_fixture.h"
#include "batch/journal.h"
#include "batch/query.h"
#include "lake/raw_store.h"
#include "view/view.h"

#define MOVIE_ID 550

static void spool(struct test_world *world, const char *title)
{
    g_autofree char *body =
        g_strdup_printf("{\"id\":%d,\"title\":\"%s\",\"genres\":[{\"id\":18,\"name\":\"Drama\"}]}",
                        MOVIE_ID, title);
    fixture_spool(world, MOVIE_ID, body);
}

static void test_one_at_a_time(void)
{
    struct test_world world;
    test_world_open(&world);
    fixture_rate(&world, MOVIE_ID, 10);
    g_autofree char *path = config_path(world.config, "batch.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    g_assert_cmpint(flock(fd, LOCK_EX), ==, 0);
    GError *error = NULL;
    g_assert_false(fixture_run(&world, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFLICT);
    g_clear_error(&error);
    close(fd);
    /* Another machine has the lease. */
    struct view *view = view_open(&world.context, &error);
    struct view_lease lease;
    g_assert_true(view_lease_acquire(view, "batch", "elsewhere", MS_PER_HOUR, &lease, &error));
    g_assert_false(fixture_run(&world, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFLICT);
    g_clear_error(&error);
    clock_advance(world.context.clock, MS_PER_HOUR); /* it died */
    fixture_run_well(&world);
    g_assert_false(view_lease_renew(view, "batch", lease.epoch, MS_PER_HOUR, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_FENCED);
    g_clear_error(&error);
    view_close(view);
    test_world_close(&world);
}

static void test_lost_tail(void)
{
    struct test_world world;
    test_world_open(&world);
    fixture_rate(&world, MOVIE_ID, 10);
    fixture_rate(&world, MOVIE_ID, 11);
    fixture_run_well(&world);
    int64_t generation = fixture_generation(&world);
    static const char *const files[] = {"bus.db", "bus.db-wal", "bus.db-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = config_path(world.config, files[i]);
        (void)g_unlink(path);
    }
    fixture_rate(&world, MOVIE_ID, 12); /* a new bus that is shorter than what is archived */
    GError *error = NULL;
    g_assert_false(fixture_run(&world, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_FAILED);
    g_assert_nonnull(strstr(error->message, "lost its tail"));
    g_clear_error(&error);
    g_assert_cmpint(fixture_generation(&world), ==, generation);
    fixture_expect(&world, "SELECT count(*) AS n FROM bronze.ratings", "{\"n\":2}\n");
    test_world_close(&world);
}

/* After batch.attempts starts the journal is given up: the next run has another cut. */
static void test_given_up(void)
{
    struct test_world world;
    test_world_open(&world);
    fixture_rate(&world, MOVIE_ID, 10);
    g_assert_true(lake_put(world.lake, RAW_STORE_PREFIX "1-1-1.jsonl.zst", "damaged", 7, NULL));
    g_autofree char *first = NULL;
    for (int64_t i = 0; i <= world.config->batch_attempts; i++) {
        GError *error = NULL;
        g_assert_false(fixture_run(&world, &error));
        g_assert_nonnull(strstr(error->message, "1-1-1.jsonl.zst"));
        g_clear_error(&error);
        struct journal *journal;
        g_assert_true(journal_load(world.lake, &journal, &error));
        g_assert_nonnull(journal);
        g_assert_cmpint(journal->attempts, ==, i < world.config->batch_attempts ? i + 1 : 1);
        if (i == 0)
            first = g_strdup(journal->manifest->run_id);
        g_assert_cmpint(strcmp(first, journal->manifest->run_id) == 0, ==,
                        i < world.config->batch_attempts);
        journal_free(journal);
        clock_advance(world.context.clock, MS_PER_HOUR);
    }
    g_assert_cmpint(fixture_generation(&world), ==, 0);
    g_assert_true(lake_delete(world.lake, RAW_STORE_PREFIX "1-1-1.jsonl.zst", NULL));
    fixture_run_well(&world);
    test_world_close(&world);
}

static void test_answers_once(void)
{
    static const char *const points[] = {"batch.archive.stored",     "batch.archive.done",
                                         "batch.publish.saved",      "batch.publish.swapped",
                                         "batch.publish_views.done", "batch.release.committed"};
    for (size_t i = 0; i < G_N_ELEMENTS(points); i++) {
        struct test_world world;
        test_world_open(&world);
        fixture_rate(&world, MOVIE_ID, 10);
        spool(&world, "First");
        fixture_run_well(&world);
        clock_advance(world.context.clock, MS_PER_HOUR);
        spool(&world, "Second");
        fixture_die_at(&world, points[i]);
        clock_advance(world.context.clock, MS_PER_HOUR);
        fixture_run_well(&world);
        fixture_run_well(&world);
        fixture_expect(
            &world, "SELECT answer_title, count(*) AS n FROM bronze.movies GROUP BY 1 ORDER BY 1",
            "{\"answer_title\":\"First\",\"n\":1}\n{\"answer_title\":\"Second\",\"n\":1}\n");
        fixture_expect(&world, "SELECT title, genres FROM silver.movies",
                       "{\"title\":\"Second\",\"genres\":[\"Drama\"]}\n");
        struct arena *arena = arena_new();
        struct lake_object *objects;
        size_t count;
        g_assert_true(lake_list(world.lake, RAW_STORE_PREFIX, arena, &objects, &count, NULL));
        g_assert_cmpuint(count, ==, 0);
        arena_free(arena);
        test_world_close(&world);
    }
}

static void request_stop(void *user, size_t step, size_t steps_count, const char *name)
{
    (void)steps_count, (void)name;
    struct test_world *world = user;
    if (step == 3)
        stop_request(world->context.stop);
}

static void expect_history(struct test_world *world, const char *state)
{
    GError *error = NULL;
    struct view *view = view_open(&world->context, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    struct view_run *runs;
    size_t count;
    g_assert_true(view_runs(view, 1, arena, &runs, &count, &error));
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpstr(runs[0].state, ==, state);
    arena_free(arena);
    view_close(view);
}

/* A run that was stopped has not failed: its state says so, its exit code is that of one that was
 * asked to end, and the next one goes on with it. A step that was stopped isn't done. */
static void test_stopped(void)
{
    struct test_world world;
    test_world_open(&world);
    fixture_rate(&world, MOVIE_ID, 10);
    struct batch_report report;
    GError *error = NULL;
    g_assert_false(batch_run(&world.context, request_stop, &world, &report, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_AGAIN);
    g_clear_error(&error);
    expect_history(&world, "stopped");
    g_assert_cmpint(fixture_generation(&world), ==, 0);
    struct batch_ask ask = {0};
    g_assert_cmpint(batch_child_main(&world.context, &ask), ==, 0);
    ask.step = "silver_snapshots";
    g_assert_cmpint(batch_child_main(&world.context, &ask), ==, 1);
    expect_history(&world, "stopped");
    stop_free(world.context.stop);
    world.context.stop = stop_new();
    bool done = batch_run(&world.context, NULL, NULL, &report, &error);
    g_assert_no_error(error);
    g_assert_true(done && report.resumed);
    expect_history(&world, "done");
    g_assert_cmpint(fixture_generation(&world), ==, 1);
    test_world_close(&world);
}

/* What isn't one SELECT, or reaches beyond the lake, is refused with a reason. */
static void test_query(void)
{
    static const char *const refused[] = {
        "",
        "DROP VIEW silver.movies",
        "SELECT 1; SELECT 2",
        "SELECT 1) AS q; DROP VIEW silver.movies; SELECT * FROM (SELECT 1",
        "COPY silver.movies TO '/tmp/stolen.csv'",
        "ATTACH 'x.db'",
        "SET threads = 1",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "INSTALL httpfs",
        "PRAGMA database_list",
        "SELECT * FROM nowhere",
    };
    struct test_world world;
    test_world_open(&world);
    GError *error = NULL;
    int64_t rows;
    g_assert_false(batch_query(&world.context, "SELECT 1", QUERY_JSON, stdout, &rows, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_NOTFOUND); /* nothing is published yet */
    g_clear_error(&error);
    fixture_rate(&world, MOVIE_ID, 10);
    fixture_run_well(&world);
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_assert_false(batch_query(&world.context, refused[i], QUERY_JSON, stdout, &rows, &error));
        g_assert_nonnull(error);
        g_clear_error(&error);
    }
    fixture_expect(&world, "SELECT popularity_e4 FROM silver.snapshots; ",
                   "{\"popularity_e4\":100000}\n");
    fixture_expect(&world, "FROM silver.hours_sentiment", "");
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    g_assert_true(batch_query(&world.context, "SELECT 1 AS a, 'x\ny' AS long_name, NULL AS c",
                              QUERY_TABLE, out, &rows, &error));
    fclose(out);
    g_assert_cmpstr(text, ==, "a  long_name  c\n1  x y        null\n");
    free(text);
    test_world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/batch/one_at_a_time", test_one_at_a_time);
    g_test_add_func("/batch/lost_tail", test_lost_tail);
    g_test_add_func("/batch/given_up", test_given_up);
    g_test_add_func("/batch/answers_once", test_answers_once);
    g_test_add_func("/batch/stopped", test_stopped);
    g_test_add_func("/batch/query", test_query);
    return g_test_run();
}

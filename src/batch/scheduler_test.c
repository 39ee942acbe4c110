/* The scheduler runs once a slot of clock time, makes up for a missed slot once, tries a failed run
 * again with pauses and then gives it up until the next slot, and stops its child. The child is
 * /bin/sh: exit codes and a file say what happened. */
#include "batch/scheduler.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/metrics.h"
#include "batch/child.h"
#include "batch/test_world.h"
#include "view/view.h"

struct stage {
    struct test_world world;
    struct batch_spawn spawn;
    pthread_t thread;
    GError *error;
    bool done;
};

static void *run_stage(void *user)
{
    struct stage *stage = user;
    stage->done = batch_scheduler_run(&stage->world.context, &stage->spawn, &stage->error);
    return NULL;
}

/* sh FILE: "batch" and "run" become $1 and $2 of a script that is named as the program. */
static char *write_script(struct stage *stage, const char *body)
{
    char *path = g_build_filename(stage->world.config->data_dir, "child.sh", NULL);
    g_autofree char *text =
        g_strdup_printf("#!/bin/sh\ntest \"$1 $2 $3\" = 'batch run --flag' || exit 9\n%s\n", body);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_cmpint(g_chmod(path, 0700), ==, 0);
    return path;
}

static void begin(struct stage *stage)
{
    test_world_open(&stage->world);
    stage->world.context.metrics = metrics_new();
}

static void start(struct stage *stage, const char *body)
{
    static const char *const arguments[] = {"--flag", NULL};
    if (!stage->world.config)
        begin(stage);
    stage->world.config->batch_retry_base_ms = 10;
    stage->spawn =
        (struct batch_spawn){.program = write_script(stage, body), .arguments = arguments};
    g_assert_cmpint(pthread_create(&stage->thread, NULL, run_stage, stage), ==, 0);
}

static double runs(struct stage *stage, const char *result)
{
    return metrics_get(stage->world.context.metrics, METRIC_BATCH_RUNS, result);
}

/* Real time passes for the thread that is watched. */
static void pause_ms(int64_t real_ms)
{
    struct stop *nobody = stop_new();
    stop_wait_ms(nobody, real_ms);
    stop_free(nobody);
}

/* Waits for another thread's count, not for time: it gives up only when something is broken. */
static void await_runs(struct stage *stage, const char *result, double wanted)
{
    for (int i = 0; i < 3000 && runs(stage, result) < wanted; i++)
        pause_ms(10);
    g_assert_cmpfloat(runs(stage, result), ==, wanted);
}

static void finish(struct stage *stage)
{
    stop_request(stage->world.context.stop);
    pthread_join(stage->thread, NULL);
    g_assert_no_error(stage->error);
    g_assert_true(stage->done);
    g_free((char *)stage->spawn.program);
    metrics_free(stage->world.context.metrics);
    test_world_close(&stage->world);
}

static void test_slots(void)
{
    struct stage stage = {0};
    start(&stage, "exit 0");
    await_runs(&stage, "done", 1); /* nothing was published yet: at once */
    struct metrics *metrics = stage.world.context.metrics;
    g_assert_cmpfloat(metrics_get(metrics, METRIC_BATCH_PEAK_BYTES, NULL), >, 0);
    int64_t interval_ms = stage.world.config->batch_interval_ms;
    clock_advance(stage.world.context.clock, interval_ms - 1); /* one before the next slot */
    pause_ms(600); /* three looks at the clock: nothing may happen */
    g_assert_cmpfloat(runs(&stage, "done"), ==, 1);
    clock_advance(stage.world.context.clock, 1);
    await_runs(&stage, "done", 2);
    clock_advance(stage.world.context.clock,
                  3 * interval_ms); /* three slots passed: made up for once */
    await_runs(&stage, "done", 3);
    pause_ms(600);
    g_assert_cmpfloat(runs(&stage, "done"), ==, 3);
    g_assert_cmpfloat(runs(&stage, "failed"), ==, 0);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_BATCH_SECONDS, NULL), >=, 0);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_BATCH_LAST_SUCCESS_TIME, NULL), ==,
                      (double)(clock_now_ms(stage.world.context.clock) / MS_PER_SECOND));
    finish(&stage);
}

/* What the child found stands in the lake; the metrics of `up` have it when the run is done. The
 * numbers are the file's: 3 rows lost, 1 of nowhere, 2 wrong. */
static void test_drift(void)
{
    struct stage stage = {0};
    start(&stage,
          "cd \"$(dirname \"$0\")\" && mkdir -p lake/runs && printf '%s' "
          "'{\"run_id\":\"r\",\"at\":\"2026-03-03T04:00:00Z\",\"compared\":9,"
          "\"missing_speed\":3,\"missing_batch\":1,\"value\":2,\"repaired\":0,\"rows\":[]}' "
          "> lake/runs/drift.json");
    await_runs(&stage, "done", 1);
    struct metrics *metrics = stage.world.context.metrics;
    for (int i = 0; i < 3000 && metrics_get(metrics, METRIC_RECONCILE_DRIFT, "value") < 2; i++)
        pause_ms(10);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_RECONCILE_DRIFT, "missing_speed"), ==, 3);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_RECONCILE_DRIFT, "missing_batch"), ==, 1);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_RECONCILE_DRIFT, "value"), ==, 2);
    finish(&stage);
}

static void put_run(struct stage *stage, const char *run_id, int64_t started_ms, const char *state)
{
    GError *error = NULL;
    struct view *view = view_open(&stage->world.context, &error);
    g_assert_no_error(error);
    const struct view_run run = {.run_id = run_id,
                                 .started_ms = started_ms,
                                 .ended_ms = started_ms + 1,
                                 .state = state,
                                 .detail = "{}"};
    g_assert_true(view_put_run(view, &run, &error));
    view_close(view);
}

/* Cron's slots instead of the interval's; the history's rate of success, where what was stopped is
 * in neither count; the data quality that the child found. */
static void test_schedule(void)
{
    struct stage stage = {0};
    begin(&stage);
    g_free(stage.world.config->batch_schedule);
    stage.world.config->batch_schedule = g_strdup("30 5 * * *");
    put_run(&stage, "run-1", TEST_START_MS - 4, "done");
    put_run(&stage, "run-2", TEST_START_MS - 3, "failed");
    put_run(&stage, "run-3", TEST_START_MS - 2, "stopped");
    put_run(&stage, "run-4", TEST_START_MS - 1, "done");
    start(&stage, "cd \"$(dirname \"$0\")\" && mkdir -p lake/runs/r && printf r > lake/_current && "
                  "printf '%s' '{\"run_id\":\"r\",\"tables\":[{\"table\":\"silver.movies\","
                  "\"score\":0.75}]}' > lake/runs/r/quality.json");
    await_runs(&stage, "done", 1);
    struct metrics *metrics = stage.world.context.metrics;
    g_assert_cmpfloat(metrics_get(metrics, METRIC_BATCH_SUCCESS_RATIO, NULL), ==, 2.0 / 3);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_QUALITY_SCORE, "silver.movies"), ==, 0.75);
    clock_advance(stage.world.context.clock, 89 * MS_PER_MINUTE); /* 05:29 */
    pause_ms(600);
    g_assert_cmpfloat(runs(&stage, "done"), ==, 1);
    clock_advance(stage.world.context.clock, MS_PER_MINUTE);
    await_runs(&stage, "done", 2);
    finish(&stage);
}

/* Another run is under way, again and again: no failure, and the slot isn't given up. */
static void test_skipped(void)
{
    struct stage stage = {0};
    start(&stage, "echo x >> \"$0.count\"; test $(wc -l < \"$0.count\") -gt 5 || exit 99");
    await_runs(&stage, "done", 1);
    g_assert_cmpfloat(runs(&stage, "skipped"), ==, 5);
    g_assert_cmpfloat(runs(&stage, "failed"), ==, 0);
    finish(&stage);
}

static void test_retries(void)
{
    struct stage stage = {0};
    start(&stage, "exit 1");
    await_runs(&stage, "failed", (double)stage.world.config->batch_attempts);
    pause_ms(600);
    g_assert_cmpfloat(runs(&stage, "failed"), ==, (double)stage.world.config->batch_attempts);
    clock_advance(stage.world.context.clock, stage.world.config->batch_interval_ms);
    await_runs(&stage, "failed", 2 * (double)stage.world.config->batch_attempts);
    finish(&stage);
}

/* The wish to stop ends a child that would run for ever, and is no failed run. */
static void test_stop(void)
{
    struct stage stage = {0};
    start(&stage, "echo started > \"$0.started\"; exec sleep 600");
    g_autofree char *mark = g_strconcat(stage.spawn.program, ".started", NULL);
    for (int i = 0; i < 3000 && !g_file_test(mark, G_FILE_TEST_EXISTS); i++)
        pause_ms(10);
    stop_request(stage.world.context.stop);
    pthread_join(stage.thread, NULL);
    g_assert_true(stage.done);
    g_assert_cmpfloat(runs(&stage, "failed"), ==, 0);
    g_free((char *)stage.spawn.program);
    metrics_free(stage.world.context.metrics);
    test_world_close(&stage.world);
}

/* Exit codes and signals are told apart; a program that isn't there is an error. */
static void test_child(void)
{
    struct test_world world;
    test_world_open(&world);
    GError *error = NULL;
    struct child_end end;
    const char *exits[] = {"/bin/sh", "-c", "exit 7", NULL};
    g_assert_true(child_run(&world.context, exits, 1000, &end, &error));
    g_assert_cmpint(end.exit_code, ==, 7);
    g_assert_cmpint(end.peak_bytes, >, 0);
    const char *dies[] = {"/bin/sh", "-c", "kill -9 $$", NULL};
    g_assert_true(child_run(&world.context, dies, 1000, &end, &error));
    g_assert_cmpint(end.exit_code, ==, 128 + 9);
    const char *absent[] = {"/nonexistent/program", NULL};
    g_assert_false(child_run(&world.context, absent, 1000, &end, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_FAILED);
    g_clear_error(&error);
    stop_request(world.context.stop); /* a child that ignores SIGTERM is killed after the grace */
    const char *deaf[] = {"/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done", NULL};
    g_assert_true(child_run(&world.context, deaf, 300, &end, &error));
    g_assert_cmpint(end.exit_code, >=, 128);
    test_world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scheduler/child", test_child);
    g_test_add_func("/scheduler/slots", test_slots);
    g_test_add_func("/scheduler/drift", test_drift);
    g_test_add_func("/scheduler/schedule", test_schedule);
    g_test_add_func("/scheduler/skipped", test_skipped);
    g_test_add_func("/scheduler/retries", test_retries);
    g_test_add_func("/scheduler/stop", test_stop);
    return g_test_run();
}

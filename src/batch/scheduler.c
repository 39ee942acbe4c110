#include "batch/scheduler.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "batch/batch_run.h"
#include "batch/child.h"
#include "batch/drift.h"
#include "batch/quality_run.h"
#include "batch/schedule.h"
#include "bus/bus.h"
#include "view/view.h"

#define TICK_MS         200   /* real time between two looks at the clock */
#define HOUSEKEEPING_MS 5000  /* real time between two rounds of removing */
#define STOP_GRACE_MS   20000 /* a child that was asked to stop is killed after this */
#define SWEEP_ROWS                                                                                 \
    2000 /* a step of view_sweep: short, as readers and sync write the same store                  \
          */
#define SELF "/proc/self/exe"

struct scheduler {
    const struct context *context;
    GPtrArray *argv; /* of the child, NULL-terminated */
    struct view *view;
    struct bus *bus;
    struct lake *lake;
    int64_t done_slot_ms;         /* start of the last slot that was run or given up */
    int64_t next_housekeeping_ms; /* monotonic */
};

static bool stopping(const struct scheduler *scheduler)
{
    return stop_requested(scheduler->context->stop);
}

static int64_t monotonic_ms(const struct scheduler *scheduler)
{
    return clock_monotonic_us(scheduler->context->clock) / 1000;
}

static int64_t slot_of(const struct scheduler *scheduler, int64_t time_ms)
{
    return schedule_last_ms(scheduler->context->config, time_ms);
}

/* The slot of the last published cut: what was run before this process began needs no catching up.
 */
static bool find_done_slot(struct scheduler *scheduler, GError **error)
{
    struct arena *arena = arena_new();
    struct view_generation current;
    bool done = view_current(scheduler->view, arena, &current, error);
    if (done)
        scheduler->done_slot_ms = current.generation ? slot_of(scheduler, current.cut_at_ms) : -1;
    arena_free(arena);
    return done;
}

/* ---- housekeeping ---- */

static void expire_bus(struct scheduler *scheduler)
{
    const struct context *context = scheduler->context;
    g_autoptr(GError) error = NULL;
    struct arena *arena = arena_new();
    struct bus_topic *topics;
    size_t count;
    int64_t before_ms = clock_now_ms(context->clock) - context->config->bus_retention_ms;
    bool done = bus_topics(scheduler->bus, arena, &topics, &count, &error);
    for (size_t i = 0; done && i < count; i++) {
        int64_t records;
        done = bus_expire(scheduler->bus, topics[i].name, before_ms, &records, &error);
        if (done && records)
            log_info(context->log, "batch", "records expired on the bus",
                     LOG_STR("topic", topics[i].name), LOG_INT("records", records));
    }
    if (!done)
        log_warn(context->log, "batch", "the bus was not expired",
                 LOG_STR("error", error->message));
    arena_free(arena);
}

static void sweep_views(struct scheduler *scheduler)
{
    g_autoptr(GError) error = NULL;
    int64_t rows = 1;
    while (rows > 0 && !stopping(scheduler)) {
        if (!view_sweep(scheduler->view, SWEEP_ROWS, &rows, &error)) {
            log_warn(scheduler->context->log, "batch", "old views were not removed",
                     LOG_STR("error", error->message));
            return;
        }
    }
}

static void keep_house(struct scheduler *scheduler)
{
    if (monotonic_ms(scheduler) < scheduler->next_housekeeping_ms)
        return;
    expire_bus(scheduler);
    sweep_views(scheduler);
    scheduler->next_housekeeping_ms = monotonic_ms(scheduler) + HOUSEKEEPING_MS;
}

/* ---- runs ---- */

/* The child has counted it in a process that is gone. */
static void take_drift(struct scheduler *scheduler)
{
    g_autoptr(GError) error = NULL;
    struct drift *drift = drift_load(scheduler->lake, &error);
    if (drift)
        drift_measure(drift, scheduler->context->metrics);
    else if (!error_is(error, NOTFOUND))
        log_warn(scheduler->context->log, "batch", "the run's drift was not read",
                 LOG_STR("error", error->message));
    drift_free(drift);
}

static void take_quality(struct scheduler *scheduler)
{
    g_autoptr(GError) error = NULL;
    if (!quality_measure(scheduler->lake, scheduler->context->metrics, &error))
        log_warn(scheduler->context->log, "batch", "the run's data quality was not read",
                 LOG_STR("error", error->message));
}

/* The share of the history's finished runs that were done; 1 where there are none. Also whether the
 * last run of all was stopped on request. */
static bool take_history(struct scheduler *scheduler)
{
    const struct context *context = scheduler->context;
    g_autoptr(GError) error = NULL;
    struct arena *arena = arena_new();
    struct view_run *found;
    size_t count = 0;
    int64_t done = 0, failed = 0;
    bool stopped = false;
    if (!view_runs(scheduler->view, (size_t)context->config->batch_runs_kept, arena, &found, &count,
                   &error))
        log_warn(context->log, "batch", "the history of runs was not read",
                 LOG_STR("error", error->message));
    for (size_t i = 0; !error && i < count; i++) {
        done += strcmp(found[i].state, "done") == 0;
        failed += strcmp(found[i].state, "failed") == 0;
        stopped = stopped || (i == 0 && strcmp(found[i].state, "stopped") == 0);
    }
    if (!error)
        metrics_set(context->metrics, METRIC_BATCH_SUCCESS_RATIO, NULL,
                    done + failed ? (double)done / (double)(done + failed) : 1);
    arena_free(arena);
    return stopped;
}

enum outcome { OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_STOPPED, OUTCOME_SKIPPED };

static const char *const outcome_names[] = {"done", "failed", "stopped", "skipped"};

static void tell_child(const struct scheduler *scheduler,
                       enum outcome outcome,
                       const struct child_end *end,
                       double seconds)
{
    const struct context *context = scheduler->context;
    g_autofree char *text = g_strconcat("run ", outcome_names[outcome], NULL);
    metrics_set(context->metrics, METRIC_BATCH_SECONDS, NULL, seconds);
    metrics_set(context->metrics, METRIC_BATCH_PEAK_BYTES, NULL, (double)end->peak_bytes);
    log_at(context->log, outcome == OUTCOME_FAILED ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "batch", text,
           LOG_INT("exit_code", end->exit_code), LOG_NUM("seconds", seconds),
           LOG_INT("peak_bytes", end->peak_bytes));
    /* Last: who waits for the count finds the rest. */
    metrics_add(context->metrics, METRIC_BATCH_RUNS, outcome_names[outcome], 1);
}

/* One child. A child that was stopped by another ends like one that is done; the history tells. */
static enum outcome run_child(struct scheduler *scheduler)
{
    const struct context *context = scheduler->context;
    g_autoptr(GError) error = NULL;
    struct child_end end = {.exit_code = -1};
    int64_t start_us = clock_monotonic_us(context->clock);
    bool started = child_run(context, (const char *const *)scheduler->argv->pdata, STOP_GRACE_MS,
                             &end, &error);
    double seconds = (double)(clock_monotonic_us(context->clock) - start_us) / 1e6;
    if (!started) {
        log_error(context->log, "batch", "no run could be started",
                  LOG_STR("error", error->message));
        return OUTCOME_FAILED;
    }
    bool stopped = take_history(scheduler);
    enum outcome outcome = end.exit_code == BATCH_EXIT_SKIPPED ? OUTCOME_SKIPPED
                           : end.exit_code != 0                ? OUTCOME_FAILED
                           : stopped                           ? OUTCOME_STOPPED
                                                               : OUTCOME_DONE;
    if (outcome != OUTCOME_DONE && stopping(scheduler)) /* we asked it to */
        return OUTCOME_STOPPED;
    if (outcome == OUTCOME_DONE) {
        metrics_set(context->metrics, METRIC_BATCH_LAST_SUCCESS_TIME, NULL,
                    (double)(clock_now_ms(context->clock) / MS_PER_SECOND));
        take_drift(scheduler);
    }
    take_quality(scheduler);
    tell_child(scheduler, outcome, &end, seconds);
    return outcome;
}

/* What isn't a failure of ours (another's run goes on, or somebody stopped this one) is tried again
 * without counting, until the slot is over. */
static void run_slot(struct scheduler *scheduler, int64_t slot_ms)
{
    const struct context *context = scheduler->context;
    int64_t pause_ms = context->config->batch_retry_base_ms, failures = 0;
    while (!stopping(scheduler) && slot_of(scheduler, clock_now_ms(context->clock)) == slot_ms) {
        enum outcome outcome = run_child(scheduler);
        if (outcome == OUTCOME_DONE)
            break;
        if (outcome == OUTCOME_FAILED && ++failures >= context->config->batch_attempts) {
            log_error(context->log, "batch",
                      "the run is given up until the next slot; the old views stay",
                      LOG_INT("attempts", failures));
            break;
        }
        stop_wait_ms(context->stop, pause_ms);
        if (outcome == OUTCOME_FAILED)
            pause_ms *= 2;
    }
    scheduler->done_slot_ms = slot_ms;
}

static void wait_and_run(struct scheduler *scheduler)
{
    take_quality(scheduler);
    (void)take_history(scheduler);
    while (!stopping(scheduler)) {
        int64_t slot_ms = slot_of(scheduler, clock_now_ms(scheduler->context->clock));
        if (slot_ms > scheduler->done_slot_ms)
            run_slot(scheduler, slot_ms);
        keep_house(scheduler);
        stop_wait_ms(scheduler->context->stop, TICK_MS);
    }
}

static GPtrArray *make_argv(const struct batch_spawn *spawn)
{
    GPtrArray *argv = g_ptr_array_new();
    g_ptr_array_add(argv, (char *)(spawn && spawn->program ? spawn->program : SELF));
    g_ptr_array_add(argv, (char *)"batch");
    g_ptr_array_add(argv, (char *)"run");
    for (size_t i = 0; spawn && spawn->arguments && spawn->arguments[i]; i++)
        g_ptr_array_add(argv, (char *)spawn->arguments[i]);
    g_ptr_array_add(argv, NULL);
    return argv;
}

bool batch_scheduler_run(const struct context *context,
                         const struct batch_spawn *spawn,
                         GError **error)
{
    struct scheduler scheduler = {.context = context, .argv = make_argv(spawn)};
    bool done = (scheduler.view = view_open(context, error)) &&
                (scheduler.bus = bus_open(context, error)) &&
                (scheduler.lake = lake_open(context, error)) && find_done_slot(&scheduler, error);
    if (done)
        wait_and_run(&scheduler);
    lake_close(scheduler.lake);
    bus_close(scheduler.bus);
    view_close(scheduler.view);
    g_ptr_array_unref(scheduler.argv);
    return done;
}

#include "batch/batch_run.h"

#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/stop.h"
#include "batch/archive.h"
#include "batch/batch_lock.h"
#include "batch/engine_duckdb.h"
#include "batch/keeper.h"
#include "batch/plan.h"
#include "batch/schedule.h"
#include "batch/tables.h"

#define STOPPED    "batch: stopped; the next run goes on from here"
#define LEASE_NAME "batch"

struct run {
    const struct context *context;
    batch_progress_fn progress;
    void *user;
    const char *only; /* the one step that is asked for; NULL: all */
    bool if_due;
    int lock_fd;
    struct lake *lake;
    struct bus *bus;
    struct view *view;
    struct view_lease lease;
    bool leased;
    struct keeper *keeper;
    struct manifest *previous;
    struct journal *journal;
    struct run_state state;
    int64_t started_ms; /* world time */
    bool resumed;
};

/* ---- one at a time ---- */

/* Leases are in world time, but a run that died is dead in real time. */
static int64_t lease_ttl_ms(const struct context *context)
{
    double speed = clock_speed(context->clock);
    return (int64_t)((double)context->config->batch_lease_ms * MAX(speed, 1));
}

/* The owner is this machine and folder, not this process: the lock says that no other process of
 * ours is alive, so a lease that a killed run left is ours again at once. */
static bool take_lease(struct run *run, GError **error)
{
    g_autofree char *folder = g_canonicalize_filename(run->context->config->data_dir, NULL);
    g_autofree char *owner = g_strdup_printf("%s:%s", g_get_host_name(), folder);
    run->leased = view_lease_acquire(run->view, LEASE_NAME, owner, lease_ttl_ms(run->context),
                                     &run->lease, error);
    run->lease.owner = NULL;
    return run->leased;
}

/* ---- begin or go on ---- */

static char *make_run_id(int64_t generation, int64_t time_ms)
{
    char text[CLOCK_ISO_BYTES];
    g_autofree char *stamp = g_strdup(clock_iso8601(time_ms, text));
    char *out = stamp;
    for (const char *in = stamp; *in; in++) {
        if (*in != '-' && *in != ':')
            *out++ = *in;
    }
    *out = '\0';
    return g_strdup_printf("run-%06" PRId64 "-%s", generation, stamp);
}

static bool begin(struct run *run, GError **error)
{
    int64_t generation;
    if (!view_last_generation(run->view, &generation, error))
        return false;
    if (run->previous)
        generation = MAX(generation, run->previous->generation);
    generation++;
    int64_t now_ms = clock_now_ms(
        run->context->clock); /* before the offsets: what is below `through` is below the cut */
    g_autofree char *run_id = make_run_id(generation, now_ms);
    struct manifest *manifest = manifest_new(run_id);
    manifest->previous = run->previous ? g_strdup(run->previous->run_id) : NULL;
    manifest->generation = generation;
    manifest->cut_at_ms = now_ms;
    manifest->through_ms = now_ms / MS_PER_HOUR * MS_PER_HOUR;
    run->journal = journal_new(manifest);
    run->journal->attempts = 1;
    return archive_cut(run->bus, manifest, error) && journal_save(run->journal, run->lake, error);
}

/* A run whose lake is published must be finished, so that lake and views agree. */
static bool worth_going_on(const struct run *run, const struct journal *journal)
{
    bool published = run->previous && strcmp(run->previous->run_id, journal->manifest->run_id) == 0;
    g_autofree char *fingerprint = journal_fingerprint();
    bool same_base =
        g_strcmp0(journal->manifest->previous, run->previous ? run->previous->run_id : NULL) == 0;
    return published || (strcmp(fingerprint, journal->fingerprint) == 0 && same_base &&
                         journal->attempts < run->context->config->batch_attempts);
}

static bool go_on(struct run *run, struct journal *journal, GError **error)
{
    run->journal = journal;
    run->resumed = true;
    journal->attempts++;
    bool published = run->previous && strcmp(run->previous->run_id, journal->manifest->run_id) == 0;
    if (published) {
        manifest_free(run->previous);
        run->previous = NULL;
        if (journal->manifest->previous) {
            run->previous = manifest_load(run->lake, journal->manifest->previous, error);
            if (!run->previous)
                return false;
        }
    }
    return journal_save(journal, run->lake, error);
}

/* A single step begins a run only where it is the first. */
static bool may_begin(const struct run *run, GError **error)
{
    if (!run->only || strcmp(run->only, plan_steps[0].name) == 0)
        return true;
    error_set(error, NOTFOUND,
              "batch: no run is open that step %s could go on with: begin one with step %s",
              run->only, plan_steps[0].name);
    return false;
}

/* An open run is always due. */
static bool check_due(const struct run *run, GError **error)
{
    char cut[CLOCK_ISO_BYTES], next[CLOCK_ISO_BYTES];
    const struct config *config = run->context->config;
    int64_t now_ms = clock_now_ms(run->context->clock);
    if (!run->if_due || !run->previous ||
        run->previous->cut_at_ms < schedule_last_ms(config, now_ms))
        return true;
    error_set(error, CONFLICT, "batch: nothing is due: %s was cut at %s, the next run is due at %s",
              run->previous->run_id, clock_iso8601(run->previous->cut_at_ms, cut),
              clock_iso8601(schedule_next_ms(config, now_ms), next));
    return false;
}

static bool begin_or_go_on(struct run *run, GError **error)
{
    struct journal *unfinished = NULL;
    if (!manifest_load_current(run->lake, &run->previous, error) ||
        !journal_load(run->lake, &unfinished, error) || (!unfinished && !check_due(run, error)))
        return false;
    if (unfinished && worth_going_on(run, unfinished))
        return go_on(run, unfinished, error);
    if (!may_begin(run, error)) {
        journal_free(unfinished);
        return false;
    }
    if (unfinished) {
        log_warn(run->context->log, "batch", "an unfinished run is given up",
                 LOG_STR("run_id", unfinished->manifest->run_id),
                 LOG_INT("attempts", unfinished->attempts));
        bool done = journal_end(unfinished, run->lake, error);
        journal_free(unfinished);
        if (!done)
            return false;
    }
    return begin(run, error);
}

/* ---- steps ---- */

static bool check_going(struct run *run, GError **error)
{
    if (run->context->stop && stop_requested(run->context->stop)) {
        error_set(error, AGAIN, STOPPED);
        return false;
    }
    if (keeper_fenced(run->keeper)) {
        error_set(error, FENCED,
                  "batch: another machine has taken the lease: nothing was published");
        return false;
    }
    return true;
}

static bool run_step(struct run *run, size_t index, GError **error)
{
    const struct plan_step *plan = &plan_steps[index];
    struct manifest *manifest = run->journal->manifest;
    if (manifest_step_done(manifest, plan->name))
        return true;
    if (!check_going(run, error))
        return false;
    if (run->progress)
        run->progress(run->user, index, plan_steps_count, plan->name);
    int64_t start_us = clock_monotonic_us(run->context->clock);
    struct manifest_step step = {.name = (char *)plan->name};
    if (!plan->run(&run->state, &step, error)) {
        g_prefix_error(error, "batch: %s: ", plan->name);
        return false;
    }
    step.seconds = (double)(clock_monotonic_us(run->context->clock) - start_us) / 1e6;
    manifest_add_step(manifest, &step);
    if (!journal_save(run->journal, run->lake, error))
        return false;
    log_info(run->context->log, "batch", "step done", LOG_STR("run_id", manifest->run_id),
             LOG_STR("step", plan->name), LOG_INT("rows", step.rows),
             LOG_INT("bytes", step.size_bytes), LOG_NUM("seconds", step.seconds));
    g_autofree char *point = g_strdup_printf("batch.%s.done", plan->name);
    failpoint(point);
    return true;
}

static bool run_steps(struct run *run, GError **error)
{
    for (size_t i = 0; i < plan_steps_count; i++) {
        if (!run_step(run, i, error))
            return false;
    }
    return true;
}

static const char *state_of(const struct run *run, bool done)
{
    const struct stop *stop = run->context->stop;
    if (done)
        return "done";
    return stop && stop_requested(stop) && !keeper_fenced(run->keeper) ? "stopped" : "failed";
}

/* Whatever a step says when it is interrupted: the wish to stop is the reason, and no failure. */
static void explain_stop(const struct run *run, GError **trouble)
{
    const struct stop *stop = run->context->stop;
    if (!stop || !stop_requested(stop) || keeper_fenced(run->keeper) ||
        g_str_has_prefix((*trouble)->message, STOPPED))
        return;
    GError *interrupted = g_steal_pointer(trouble);
    error_set(trouble, AGAIN, STOPPED " (%s)", interrupted->message);
    g_error_free(interrupted);
}

/* A start that was stopped is no attempt that failed. */
static void forgive_stop(struct run *run)
{
    g_autoptr(GError) error = NULL;
    if (!run->journal || strcmp(state_of(run, false), "stopped") != 0)
        return;
    run->journal->attempts = MAX(run->journal->attempts - 1, 0);
    if (!journal_save(run->journal, run->lake, &error))
        log_warn(run->context->log, "batch", "the journal was not written",
                 LOG_STR("error", error->message));
}

/* ---- history ---- */

static int64_t peak_bytes(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}

/* Whether the history could be written must not decide what the run was. */
static void note(struct run *run, const char *state, const GError *trouble)
{
    if (!run->journal || !run->view)
        return;
    const struct manifest *manifest = run->journal->manifest;
    g_autoptr(GString) detail = g_string_new(NULL);
    json_write_object(detail);
    json_add_time(detail, "cut_at", manifest->cut_at_ms);
    json_add_time(detail, "through", manifest->through_ms);
    json_add_int(detail, "generation", manifest->generation);
    json_add_int(detail, "attempts", run->journal->attempts);
    json_add_int(detail, "peak_bytes", peak_bytes());
    json_write_key(detail, "steps");
    json_write_array(detail);
    for (guint i = 0; i < manifest->steps->len; i++) {
        const struct manifest_step *step = manifest->steps->pdata[i];
        json_write_object(detail);
        json_add_string(detail, "name", step->name);
        json_add_int(detail, "rows", step->rows);
        json_add_int(detail, "bytes", step->size_bytes);
        json_add_double(detail, "seconds", step->seconds);
        json_write_object_end(detail);
    }
    json_write_array_end(detail);
    if (trouble)
        json_add_string(detail, "error", trouble->message);
    json_write_object_end(detail);
    struct view_run entry = {
        .run_id = manifest->run_id,
        .started_ms = run->started_ms,
        .ended_ms = strcmp(state, "running") == 0 ? 0 : clock_now_ms(run->context->clock),
        .state = state,
        .detail = detail->str,
    };
    g_autoptr(GError) error = NULL;
    if (!view_put_run(run->view, &entry, &error))
        log_warn(run->context->log, "batch", "the run history was not written",
                 LOG_STR("error", error->message));
}

/* ---- life ---- */

static bool open_all(struct run *run, GError **error)
{
    const struct context *context = run->context;
    run->started_ms = clock_now_ms(context->clock);
    if (!(run->lake = lake_open(context, error)) ||
        (run->lock_fd = batch_lock_take(context->config, error)) < 0 ||
        !(run->bus = bus_open(context, error)) || !(run->view = view_open(context, error)) ||
        !take_lease(run, error) || !begin_or_go_on(run, error))
        return false;
    g_autofree char *lake_root = tables_lake_root(run->lake, error);
    run->state = (struct run_state){
        .context = context,
        .lake = run->lake,
        .bus = run->bus,
        .view = run->view,
        .previous = run->previous,
        .journal = run->journal,
        .manifest = run->journal->manifest,
        .lease_epoch = run->lease.epoch,
        .resumed = run->resumed,
    };
    run_state_init(&run->state);
    run->state.engine = lake_root ? engine_duckdb_open(context, lake_root, error) : NULL;
    run->keeper = run->state.engine ? keeper_start(context, run->state.engine, run->lease.epoch,
                                                   lease_ttl_ms(context), error)
                                    : NULL;
    return run->keeper != NULL;
}

static void close_all(struct run *run)
{
    keeper_stop(run->keeper);
    engine_close(run->state.engine);
    run_state_clear(&run->state);
    if (run->leased)
        (void)!view_lease_release(run->view, LEASE_NAME, run->lease.epoch, NULL);
    journal_free(run->journal);
    manifest_free(run->previous);
    view_close(run->view);
    bus_close(run->bus);
    lake_close(run->lake);
    if (run->lock_fd >= 0)
        close(run->lock_fd);
}

static struct batch_report report_of(const struct run *run, int64_t start_us)
{
    const struct manifest *manifest = run->journal->manifest;
    struct batch_report report = {
        .generation = manifest->generation,
        .through_ms = manifest->through_ms,
        .seconds = (double)(clock_monotonic_us(run->context->clock) - start_us) / 1e6,
        .peak_bytes = peak_bytes(),
        .resumed = run->resumed,
    };
    g_strlcpy(report.run_id, manifest->run_id, sizeof report.run_id);
    return report;
}

static bool run_whole(struct run *run, struct batch_report *ret_report, GError **error)
{
    int64_t start_us = clock_monotonic_us(run->context->clock);
    GError *trouble = NULL;
    bool done = open_all(run, &trouble);
    if (done) {
        note(run, "running", NULL);
        failpoint("batch.begin");
        done = run_steps(run, &trouble);
        if (!done) {
            explain_stop(run, &trouble);
            forgive_stop(run);
        }
    }
    note(run, state_of(run, done), trouble);
    if (done)
        done = journal_end(run->journal, run->lake, &trouble);
    if (done)
        *ret_report = report_of(run, start_us);
    else
        g_propagate_error(error, trouble);
    close_all(run);
    return done;
}

bool batch_run(const struct context *context,
               batch_progress_fn progress,
               void *user,
               struct batch_report *ret_report,
               GError **error)
{
    struct run run = {.context = context, .progress = progress, .user = user, .lock_fd = -1};
    return run_whole(&run, ret_report, error);
}

bool batch_run_if_due(const struct context *context,
                      batch_progress_fn progress,
                      void *user,
                      struct batch_report *ret_report,
                      GError **error)
{
    struct run run = {
        .context = context, .progress = progress, .user = user, .if_due = true, .lock_fd = -1};
    return run_whole(&run, ret_report, error);
}

/* ---- one step ---- */

static bool find_step(const char *name, size_t *ret_index)
{
    for (size_t i = 0; i < plan_steps_count; i++) {
        if (strcmp(plan_steps[i].name, name) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool check_order(const struct run *run, size_t index, GError **error)
{
    for (size_t i = 0; i < index; i++) {
        if (manifest_step_done(run->journal->manifest, plan_steps[i].name))
            continue;
        error_set(error, FAILED, "batch: step %s must be done before %s in %s", plan_steps[i].name,
                  plan_steps[index].name, run->journal->manifest->run_id);
        return false;
    }
    return true;
}

/* A step that went well is no failed start: an orchestrator starts a process for each. */
static bool end_step(struct run *run, size_t index, GError **error)
{
    if (index + 1 == plan_steps_count)
        return journal_end(run->journal, run->lake, error);
    run->journal->attempts = 0;
    return journal_save(run->journal, run->lake, error);
}

bool batch_step(const struct context *context,
                const char *name,
                struct batch_report *ret_report,
                GError **error)
{
    struct run run = {.context = context, .only = name, .lock_fd = -1};
    int64_t start_us = clock_monotonic_us(context->clock);
    GError *trouble = NULL;
    size_t index;
    if (!find_step(name, &index)) {
        error_set(error, BADDATA, "batch: there is no step %s", name);
        return false;
    }
    bool last = index + 1 == plan_steps_count;
    bool done = open_all(&run, &trouble);
    if (!done && last && run.previous && error_is(trouble, NOTFOUND)) {
        /* The last step ends the run, so when it is asked for again there is none. */
        g_clear_error(&trouble);
        struct batch_report report = {.generation = run.previous->generation,
                                      .through_ms = run.previous->through_ms,
                                      .resumed = true};
        g_strlcpy(report.run_id, run.previous->run_id, sizeof report.run_id);
        *ret_report = report;
        close_all(&run);
        return true;
    }
    if (done) {
        note(&run, "running", NULL);
        done = check_order(&run, index, &trouble) && run_step(&run, index, &trouble) &&
               end_step(&run, index, &trouble);
        if (!done) {
            explain_stop(&run, &trouble);
            forgive_stop(&run);
        }
    }
    note(&run, done && !last ? "running" : state_of(&run, done), trouble);
    if (done)
        *ret_report = report_of(&run, start_us);
    else
        g_propagate_error(error, trouble);
    close_all(&run);
    return done;
}

bool batch_has_step(const char *name)
{
    size_t index;
    return find_step(name, &index);
}

size_t batch_steps_count(void)
{
    return plan_steps_count;
}

const char *batch_step_name(size_t index)
{
    g_assert(index < plan_steps_count);
    return plan_steps[index].name;
}

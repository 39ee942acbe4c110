/* Batch run: one run from cut to publication, in this process.
 *
 *   cut ─► archive ─► silver ─► gold ─► views ─► reconcile ─► compact
 *       ─► publish lake ─► publish views ─► release
 *
 * One run at a time: a file lock keeps out other processes of this machine (it ends with its
 * process, however that dies), the lease "batch" other machines; what a run publishes is fenced by
 * the lease's epoch. A run that died is continued by the next one at its first unfinished step,
 * with its own cut; after batch.attempts starts, or with other SQL, it is given up and a new one
 * begins. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"
#include "base/error.h"

#define BATCH_RUN_ID_BYTES 64

struct batch_report {
    char run_id[BATCH_RUN_ID_BYTES];
    int64_t generation, through_ms;
    double seconds;
    int64_t peak_bytes; /* of this process */
    bool resumed;
};

/* Called before each step, from the run's thread. */
typedef void (*batch_progress_fn)(void *user, size_t step, size_t steps_count, const char *name);

/* CONFLICT: another run is under way. FENCED: the lease was lost, or another run has published;
 * nothing was published. AGAIN: stop was requested. Else the step's own error; the old views stay.
 */
bool batch_run(const struct context *context,
               batch_progress_fn progress,
               void *user,
               struct batch_report *ret_report,
               GError **error) MUST_CHECK;

/* The same, but begins a run only where one was due since the last cut (batch/schedule.h). CONFLICT
 * also: none was. */
bool batch_run_if_due(const struct context *context,
                      batch_progress_fn progress,
                      void *user,
                      struct batch_report *ret_report,
                      GError **error) MUST_CHECK;

/* One step of the plan, for an orchestrator that starts a process for each: in the run that is
 * open, or, the first step, in one that it begins. A step that is done already is done again by
 * doing nothing; the last one ends the run. Errors as batch_run; also FAILED: an earlier step
 * isn't done; NOTFOUND: no run is open; BADDATA: there is no such step. */
bool batch_step(const struct context *context,
                const char *name,
                struct batch_report *ret_report,
                GError **error) MUST_CHECK;

/* The plan's steps, in order. */
size_t batch_steps_count(void);
const char *batch_step_name(size_t index);
bool batch_has_step(const char *name);

/* What `marquee batch run | step` is asked for. */
struct batch_ask {
    const char *step;  /* one step; NULL: a whole run */
    const char *as_of; /* ISO 8601: a past instant (batch/as_of.h); NULL: now */
    bool if_due;       /* a whole run: only where one is due */
    bool json;
};

/* Does it in this process (batch_main.c): prints progress on a terminal, then what was done.
 * Returns the exit code: 0 done, or a run that was stopped on request; 1 failed; 2 what is asked
 * for makes no sense; BATCH_EXIT_SKIPPED: not begun, as another run is under way or none is due. */
#define BATCH_EXIT_SKIPPED 99 /* which Airflow's BashOperator takes as skipped */
int batch_child_main(const struct context *context, const struct batch_ask *ask);

/* Scheduler: the stage "batch" of `marquee up`: runs a batch whenever one is due by clock
 * (batch/schedule.h).
 *
 *   wait for the slot ─► child process `marquee batch run`
 *     ok       the slot is noted
 *     failed   a pause (it doubles), then again, batch.attempts in all
 *
 * A child that couldn't begin, as another run is under way, or that somebody stopped, is started
 * again without counting as a failure, until the next slot. A slot that passed while nothing ran is
 * made up for once, at the start. The run is another process: its memory goes back when it ends,
 * and its crash takes nobody along. Between runs the stage lets the bus expire what is archived and
 * the view store drop what is superseded. */
#pragma once

#include <stdbool.h>

#include "base/context.h"
#include "base/error.h"

/* How the child is started: this program with "batch run" and what makes it read the same settings.
 */
struct batch_spawn {
    const char *program;          /* NULL: /proc/self/exe */
    const char *const *arguments; /* behind "batch run": --config FILE, --set KEY=VALUE ...;
                                     NULL-terminated, or NULL */
};

/* Until stop is requested; then a child is asked to stop (SIGTERM) and waited for. Runs that fail
 * are counted and logged, the stage goes on; an error is only that it can't begin. spawn may be
 * NULL. */
bool batch_scheduler_run(const struct context *context,
                         const struct batch_spawn *spawn,
                         GError **error) MUST_CHECK;

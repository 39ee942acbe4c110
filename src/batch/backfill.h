/* Backfill: past instants, each as batch_as_of computes it: all those at which a run was due
 * (batch/schedule.h) from a start to an end, both included, oldest first.
 *
 * Each is whole or not there, so a backfill that was stopped or killed goes on where it was: what
 * is computed, with this program's SQL, is left as it is. Between two instants the lock is free: a
 * scheduled run goes first, and the backfill waits for it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"
#include "base/error.h"

#define BACKFILL_INSTANTS_MAX 10000

struct backfill_progress {
    int64_t total, done; /* instants; done: those that were there before, too */
    int64_t computed;    /* by this call */
    int64_t at_ms;       /* the instant that is next, or the last one */
};

/* progress may be NULL; it is called before each instant and at the end. BADDATA: a part of it is
 * beyond what bronze reaches, or after the last cut (the text names the limit; nothing is
 * computed), or holds no due instant, or too many. NOTFOUND: nothing is published. AGAIN: stop was
 * requested; what was computed stays. CONFLICT: another run took longer than is waited for. */
bool batch_backfill(const struct context *context,
                    int64_t start_ms,
                    int64_t end_ms,
                    void (*progress)(const struct backfill_progress *progress, void *user),
                    void *user,
                    struct backfill_progress *ret_progress,
                    GError **error) MUST_CHECK;

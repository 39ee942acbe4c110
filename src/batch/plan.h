/* Plan: the steps of a batch run, in order. Each may be run again from its start after a crash; the
 * journal says which are done. Fail points: "batch.<step>.done" behind each step's entry in the
 * journal, and those of batch_failpoints within. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "batch/run_state.h"

struct plan_step {
    const char *name;
    /* ret_step: rows and bytes; what it doesn't set is 0. */
    bool (*run)(struct run_state *state, struct manifest_step *ret_step, GError **error);
};

extern const struct plan_step plan_steps[];
extern const size_t plan_steps_count;

/* Fail points inside steps, for crash tests. */
extern const char *const plan_failpoints[];
extern const size_t plan_failpoints_count;

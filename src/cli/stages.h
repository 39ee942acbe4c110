/* Stages: the roles of one process, a thread each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/context.h"
#include "base/error.h"

struct stage {
    const char *name, *summary;
    /* Runs until stop is requested (true), or until it can't go on. */
    bool (*run)(const struct context *context, GError **error);
    /* Instead of run, for a stage that starts this program again: settings are the arguments that
     * make the child read the same settings (app_settings). */
    bool (*run_with_children)(const struct context *context,
                              const char *const *settings,
                              GError **error);
    /* Whether `up` runs it under these settings; NULL: always. */
    bool (*wanted)(const struct config *config);
};

/* All roles that `up` runs and `run ROLE` knows; ends with {0}. */
extern const struct stage stages[];
const struct stage *stage_find(const char *name);

/* Runs them side by side until stop is requested. When one fails, all are asked to stop, and its
 * error is returned. */
bool stages_run(const struct context *context,
                const char *const *settings,
                const struct stage *const *wanted,
                size_t count,
                GError **error) MUST_CHECK;

/* Child: one process that is started, watched and told how it ended. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"
#include "base/error.h"

struct child_end {
    int exit_code; /* 128 + signal where a signal ended it */
    int64_t peak_bytes;
};

/* Starts argv[0] with the environment of this process and waits. When stop is requested the child
 * gets SIGTERM, and after grace_ms (real time) SIGKILL. */
bool child_run(const struct context *context,
               const char *const *argv,
               int64_t grace_ms,
               struct child_end *ret_end,
               GError **error) MUST_CHECK;

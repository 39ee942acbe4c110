/* Progress: one line that is drawn over itself on a terminal; nothing elsewhere. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct progress {
    const struct clock *clock;
    const char *what;
    bool shown; /* stderr is a terminal */
    int64_t drawn_ms, started_ms;
};

void progress_start(struct progress *progress, const struct clock *clock, const char *what);
/* note: what stands behind the bar ("12,345 records"); may be NULL. */
void progress_draw(struct progress *progress, double done, double total, const char *note);
void progress_end(struct progress *progress);

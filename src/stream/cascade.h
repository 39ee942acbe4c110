/* Cascade: which windows of a movie must be evaluated again because a window changed. A formula
 * reads its own window, the previous one, and (acceleration) the one before that; so a change
 * reaches
 *
 *     ... [w-1]  [w: changed] ──► [next] ──► [next but one]      depth 0, 1, 2
 *
 * as far as each is within the lookback of the one before it. */
#pragma once

#include <glib.h>

#include "stream/state.h"

struct cascade_window {
    struct window_ref ref;
    int depth; /* the least distance from a changed window */
};

/* Windows within depth_max of a changed one, ascending, each once. out: of struct cascade_window,
 * emptied first. Valid as long as no window is added. */
bool cascade_collect(struct state *state,
                     struct movie *movie,
                     enum bin_kind kind,
                     int depth_max,
                     int64_t window_ms,
                     GArray *out,
                     GError **error) MUST_CHECK;

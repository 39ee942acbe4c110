/* Tables: the speed tables of a data folder as text, a row a line, sorted: two runs agree when
 * their texts do. Only hours that every partition holds (docs/semantics.md, Equality); trending's
 * titles are outside the equality. */
#pragma once

#include <glib.h>

#include "base/context.h"
#include "stream/stream_status.h"

struct sim_view {
    /* Leaves out the counts that a producer's retries may raise: ratings and metadata have no
     * duplicates. */
    bool without_repeats;
    int64_t highest_event_ms; /* of the log */
};

/* Of struct char *, in order. Aborts where the store can't be read. */
GPtrArray *sim_tables_read(const struct context *context, const struct sim_view *view);

/* Counters by class, appended: a line a topic and partition. */
void sim_tables_add_counters(GPtrArray *lines, const struct stream_status *status);

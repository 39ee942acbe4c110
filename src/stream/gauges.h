/* Gauges: what the tasks of a process hold in memory and how far they are, as metrics, each beside
 * the limit that bounds it:
 *
 *   marquee_stream_state_windows, _movies   STATE_WINDOWS_MAX, STATE_MOVIES_MAX
 *   marquee_stream_seen_entries             SEEN_ENTRIES_MAX a task
 *   marquee_stream_lag_records, _seconds    none: the log's
 *   marquee_stream_idle_partitions          the inputs of the tasks
 *
 * A sum over tasks: gauges_add for each, then gauges_set. The caller's thread. */
#pragma once

#include "base/metrics.h"
#include "stream/task.h"

struct gauges {
    int64_t lag_records[INPUT_COUNT], lag_ms[INPUT_COUNT];
    size_t windows, movies, seen_entries;
    unsigned idle;
    int64_t watermark_ms; /* the least; a task that has seen nothing doesn't count */
};

/* Of no task. */
struct gauges gauges_none(void);

/* now_ms: the world's time. */
void gauges_add(struct gauges *gauges, const struct task *task, int64_t now_ms);

void gauges_set(const struct gauges *gauges, struct metrics *metrics, int64_t now_ms);

/* Windows that a commit evaluates: those that changed and those whose formulas read them
 * (cascade.h). Before output's rows are given away. */
void gauges_count_evaluated(const struct output *output, struct metrics *metrics);

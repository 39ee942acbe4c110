#include "stream/gauges.h"

#include "base/clock.h"

struct gauges gauges_none(void)
{
    return (struct gauges){.watermark_ms = WATERMARK_NONE};
}

/* The first record that waits came at or behind the last one that was read: so long at most. */
static void
add_lag(struct gauges *gauges, unsigned input, const struct position *position, int64_t now_ms)
{
    const int64_t records = position->end_offset - position->next_offset;
    if (records <= 0)
        return;
    gauges->lag_records[input] += records;
    if (position->has_append)
        gauges->lag_ms[input] = MAX(gauges->lag_ms[input], now_ms - position->highest_append_ms);
}

void gauges_add(struct gauges *gauges, const struct task *task, int64_t now_ms)
{
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        add_lag(gauges, input, &task->positions[input], now_ms);
        gauges->idle += task->watermark.inputs[input].idle;
    }
    gauges->windows += state_windows_count(task->state);
    gauges->movies += state_movies_count(task->state);
    gauges->seen_entries += seen_count(task->seen);
    const int64_t watermark_ms = task->watermark.value_ms;
    if (watermark_ms != WATERMARK_NONE &&
        (gauges->watermark_ms == WATERMARK_NONE || watermark_ms < gauges->watermark_ms))
        gauges->watermark_ms = watermark_ms;
}

void gauges_set(const struct gauges *gauges, struct metrics *metrics, int64_t now_ms)
{
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        const char *topic = topic_info(input_topics[input])->name;
        metrics_set(metrics, METRIC_STREAM_LAG_RECORDS, topic, (double)gauges->lag_records[input]);
        metrics_set(metrics, METRIC_STREAM_LAG_SECONDS, topic,
                    (double)gauges->lag_ms[input] / (double)MS_PER_SECOND);
    }
    metrics_set(metrics, METRIC_STREAM_STATE_WINDOWS, NULL, (double)gauges->windows);
    metrics_set(metrics, METRIC_STREAM_STATE_MOVIES, NULL, (double)gauges->movies);
    metrics_set(metrics, METRIC_STREAM_SEEN_ENTRIES, NULL, (double)gauges->seen_entries);
    metrics_set(metrics, METRIC_STREAM_IDLE_PARTITIONS, NULL, gauges->idle);
    if (gauges->watermark_ms != WATERMARK_NONE)
        metrics_set(metrics, METRIC_STREAM_WATERMARK_DELAY_SECONDS, NULL,
                    (double)(now_ms - gauges->watermark_ms) / (double)MS_PER_SECOND);
}

void gauges_count_evaluated(const struct output *output, struct metrics *metrics)
{
    metrics_add(metrics, METRIC_STREAM_EVALUATED, "trending", output->measures->len);
    metrics_add(metrics, METRIC_STREAM_EVALUATED, "sentiment", output->sentiment->len);
    metrics_add(metrics, METRIC_STREAM_EVALUATED, "stats", output->stats->len);
}

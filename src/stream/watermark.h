/* Watermark of a task: how far event time has come on all its inputs.
 *
 *   of an input   highest event time seen - delay
 *   of the task   the least over its inputs; one without records for idle_timeout of monotonic time
 * no longer holds it back. Never goes back.
 *
 * It says which windows are final and which records late: flags and counters, never values. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WATERMARK_INPUTS_MAX 8
#define WATERMARK_NONE       INT64_MIN /* nothing seen yet */

struct watermark {
    int64_t delay_ms, idle_timeout_ms;
    int64_t value_ms; /* WATERMARK_NONE at first */
    unsigned inputs_count;
    struct watermark_input {
        int64_t highest_event_ms;  /* WATERMARK_NONE at first */
        int64_t seen_monotonic_ms; /* of the last record, or the start */
        bool idle;
    } inputs[WATERMARK_INPUTS_MAX];
};

void watermark_init(struct watermark *watermark,
                    unsigned inputs_count,
                    int64_t delay_ms,
                    int64_t idle_timeout_ms,
                    int64_t monotonic_ms);

/* A record that isn't bad came. */
void watermark_observe(struct watermark *watermark,
                       unsigned input,
                       int64_t event_ms,
                       int64_t monotonic_ms);

/* Time went by: inputs may have become idle. */
void watermark_pass(struct watermark *watermark, int64_t monotonic_ms);

/* A window is final when the watermark has passed its end: at or above. */
static inline bool watermark_final(const struct watermark *watermark, int64_t window_end_ms)
{
    return watermark->value_ms >= window_end_ms;
}

#include "stream/watermark.h"

#include <assert.h>

void watermark_init(struct watermark *watermark,
                    unsigned inputs_count,
                    int64_t delay_ms,
                    int64_t idle_timeout_ms,
                    int64_t monotonic_ms)
{
    assert(inputs_count > 0 && inputs_count <= WATERMARK_INPUTS_MAX);
    *watermark = (struct watermark){
        .delay_ms = delay_ms,
        .idle_timeout_ms = idle_timeout_ms,
        .value_ms = WATERMARK_NONE,
        .inputs_count = inputs_count,
    };
    for (unsigned i = 0; i < inputs_count; i++)
        watermark->inputs[i] = (struct watermark_input){.highest_event_ms = WATERMARK_NONE,
                                                        .seen_monotonic_ms = monotonic_ms};
}

/* The least over the inputs that hold it back; when all are idle nothing does, so the highest. */
static void advance(struct watermark *watermark)
{
    int64_t least = INT64_MAX, highest = WATERMARK_NONE;
    for (unsigned i = 0; i < watermark->inputs_count; i++) {
        const struct watermark_input *input = &watermark->inputs[i];
        int64_t of_input = input->highest_event_ms == WATERMARK_NONE
                               ? WATERMARK_NONE
                               : input->highest_event_ms - watermark->delay_ms;
        if (!input->idle && of_input < least)
            least = of_input;
        if (of_input > highest)
            highest = of_input;
    }
    int64_t reached = least == INT64_MAX ? highest : least;
    if (reached > watermark->value_ms)
        watermark->value_ms = reached;
}

void watermark_observe(struct watermark *watermark,
                       unsigned input,
                       int64_t event_ms,
                       int64_t monotonic_ms)
{
    assert(input < watermark->inputs_count);
    struct watermark_input *seen = &watermark->inputs[input];
    bool woke = seen->idle;
    seen->idle = false;
    seen->seen_monotonic_ms = monotonic_ms;
    if (event_ms > seen->highest_event_ms)
        seen->highest_event_ms = event_ms;
    else if (!woke)
        return;
    advance(watermark);
}

void watermark_pass(struct watermark *watermark, int64_t monotonic_ms)
{
    bool changed = false;
    for (unsigned i = 0; i < watermark->inputs_count; i++) {
        struct watermark_input *input = &watermark->inputs[i];
        if (!input->idle && monotonic_ms - input->seen_monotonic_ms >= watermark->idle_timeout_ms)
            changed = input->idle = true;
    }
    if (changed)
        advance(watermark);
}

#include "stream/job.h"

#include <glib.h>

const enum topic input_topics[INPUT_COUNT] = {
    [INPUT_RATINGS] = TOPIC_RATINGS,
    [INPUT_METADATA] = TOPIC_METADATA,
    [INPUT_REVIEWS] = TOPIC_REVIEWS,
    [INPUT_EVENTS] = TOPIC_EVENTS,
};

const struct job_ops *const stream_jobs[] = {&job_stats, &job_sentiment, &job_trending, &job_live};
const size_t stream_jobs_count = G_N_ELEMENTS(stream_jobs);

/* Job: what is computed from the records. A job is two verbs; the engine calls the first for each
 * used record in offset order and the second for each changed movie at a commit.
 *
 *   record ─► windows of the movie change (state.h)          collect ─► rows of the speed tables
 * (output.h)
 *
 * collect must be repeatable: when a commit fails it is called again on the same state. Results
 * depend on the windows alone, never on how many commits it took to build them. */
#pragma once

#include "model/topic.h"
#include "stream/output.h"
#include "stream/state.h"

/* The input topics, in the order of their numbers in positions and watermarks. */
enum { INPUT_RATINGS, INPUT_METADATA, INPUT_REVIEWS, INPUT_EVENTS, INPUT_COUNT };
extern const enum topic input_topics[INPUT_COUNT];

struct live;
struct seen;

/* One used record. */
struct input {
    enum topic topic;
    const void *record; /* struct rating, metadata, review or user_event */
    int64_t event_ms;
    bool late; /* its window is final */
    struct movie *movie;
    struct seen *seen;
    bool replaces; /* a review: a lower version is in the windows */
    int64_t old_compound_e4;
};

/* What a job works on: one task's. */
struct job_context {
    const struct stream_settings *settings;
    struct state *state;
    struct live *live; /* the engine's, for all tasks */
};

struct job_ops {
    const char *name;
    bool (*record)(const struct job_context *job, const struct input *input, GError **error);
    bool (*collect)(const struct job_context *job,
                    struct movie *movie,
                    struct output *output,
                    GError **error);
};

extern const struct job_ops job_stats, job_sentiment, job_trending, job_live;

extern const struct job_ops *const stream_jobs[];
extern const size_t stream_jobs_count;

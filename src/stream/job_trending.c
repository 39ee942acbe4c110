/* Trending, the tasks' part: per movie and window how fast popularity and votes move, against the
 * previous window, and how that speed changed; and the used user events as engagement
 * (docs/semantics.md, Trending). The windows of ratings are job_stats'. Ranking needs all movies of
 * all tasks: that is the ranker's. */
#include "stream/cascade.h"
#include "stream/job.h"
#include "stream/measure.h"
#include "stream/velocity.h"
#include "stream/window.h"

/* acceleration reads the previous window's velocity, so two windows back. */
#define TRENDING_DEPTH 2

static bool
trending_record(const struct job_context *job, const struct input *input, GError **error)
{
    if (input->topic != TOPIC_EVENTS)
        return true;
    struct bin_window *window;
    bool new;
    if (!state_window(job->state, input->movie, BIN_EVENTS, input->event_ms, &window, &new, error))
        return false;
    window->events.count++;
    return true;
}

/* A window's speed against its previous window, which is returned too; false in ret_has: there is
 * none. */
static bool speed_of(const struct job_context *job,
                     struct movie *movie,
                     const struct window_ref *ref,
                     double *ret_velocity,
                     double *ret_vote_velocity,
                     struct window_ref *ret_before,
                     bool *ret_has,
                     GError **error)
{
    if (!state_before(job->state, movie, BIN_RATINGS, ref->start_ms, ret_before, ret_has, error))
        return false;
    if (!*ret_has)
        return true;
    const struct bin_rating *now = &window_ref_get(ref)->rating,
                            *before = &window_ref_get(ret_before)->rating;
    double hours = hours_between(ret_before->start_ms, ref->start_ms);
    *ret_velocity = velocity_e4(before->popularity_e4, now->popularity_e4, hours);
    *ret_vote_velocity = velocity_count(before->vote_count, now->vote_count, hours);
    return true;
}

static bool read_engagement(const struct job_context *job,
                            struct movie *movie,
                            const struct window_ref *ref,
                            int32_t *ret_count,
                            GError **error)
{
    struct bin *bin;
    if (!state_bin(job->state, movie, BIN_EVENTS, ref->bin->hour, &bin, error))
        return false;
    const struct bin_window *window = bin ? bin_find(bin, window_ref_get(ref)->index) : NULL;
    *ret_count = window ? window->events.count : 0;
    return true;
}

static bool collect_window(const struct job_context *job,
                           struct movie *movie,
                           const struct window_ref *ref,
                           struct output *output,
                           GError **error)
{
    struct measure measure = {.movie_id = movie->movie_id, .window_start_ms = ref->start_ms};
    struct window_ref before, before_that;
    bool has;
    double velocity, vote_velocity;
    if (!speed_of(job, movie, ref, &measure.velocity, &measure.vote_velocity, &before, &has, error))
        return false;
    if (!has)
        return true; /* not in the population */
    if (!speed_of(job, movie, &before, &velocity, &vote_velocity, &before_that,
                  &measure.has_acceleration, error))
        return false;
    if (measure.has_acceleration)
        measure.acceleration = velocity_double(velocity, measure.velocity,
                                               hours_between(before.start_ms, ref->start_ms));
    if (!read_engagement(job, movie, ref, &measure.engagement, error))
        return false;
    g_array_append_val(output->measures, measure);
    return true;
}

/* Windows whose engagement alone has changed. */
static bool collect_engaged(const struct job_context *job,
                            struct movie *movie,
                            struct output *output,
                            GError **error)
{
    if (!cascade_collect(job->state, movie, BIN_EVENTS, 0, job->settings->window_ms,
                         output->cascade, error))
        return false;
    for (guint i = 0; i < output->cascade->len; i++) {
        const struct window_ref engaged =
            g_array_index(output->cascade, struct cascade_window, i).ref;
        const int32_t index = window_ref_get(&engaged)->index;
        struct bin *bin;
        if (!state_bin(job->state, movie, BIN_RATINGS, engaged.bin->hour, &bin, error))
            return false;
        struct bin_window *window = bin ? bin_find(bin, index) : NULL;
        if (!window)
            continue;
        struct window_ref ref = {bin, (uint32_t)(window - bin->windows), engaged.start_ms};
        if (!collect_window(job, movie, &ref, output, error))
            return false;
    }
    return true;
}

static bool trending_collect(const struct job_context *job,
                             struct movie *movie,
                             struct output *output,
                             GError **error)
{
    if (!cascade_collect(job->state, movie, BIN_RATINGS, TRENDING_DEPTH, job->settings->window_ms,
                         output->cascade, error))
        return false;
    for (guint i = 0; i < output->cascade->len; i++) {
        const struct window_ref ref = g_array_index(output->cascade, struct cascade_window, i).ref;
        if (!collect_window(job, movie, &ref, output, error))
            return false;
    }
    return collect_engaged(job, movie, output, error);
}

const struct job_ops job_trending = {
    .name = "trending",
    .record = trending_record,
    .collect = trending_collect,
};

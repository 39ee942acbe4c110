/* Statistics per movie and hour: the last observation of the hour, joined with the movie's last
 * title, and rating_velocity, from the window that holds that observation against the movie's
 * previous one (docs/semantics.md, Stats).
 *
 * It owns the windows of ratings, which trending reads too: per window the last observation. An
 * hour's last observation stands in the last window of its bin, so a row is due where a window that
 * is the last of its hour was changed, or has a changed one as its previous. */
#include "model/record.h"
#include "stream/cascade.h"
#include "stream/job.h"
#include "stream/velocity.h"
#include "stream/window.h"

/* rating_velocity reads one window back. */
#define STATS_DEPTH 1

static bool record_rating(const struct job_context *job, const struct input *input, GError **error)
{
    const struct rating *rating = input->record;
    struct bin_window *window;
    bool new;
    if (!state_window(job->state, input->movie, BIN_RATINGS, input->event_ms, &window, &new, error))
        return false;
    int32_t event_ms = (int32_t)(input->event_ms - hour_start_ms(hour_of(input->event_ms)));
    if (!new &&event_ms < window->rating.event_ms)
        return true; /* not the last one; of equal times the higher offset is */
    window->rating = (struct bin_rating){
        .event_ms = event_ms,
        .popularity_e4 = e4_from_double(rating->popularity),
        .vote_average_e4 = e4_from_double(rating->vote_average),
        .vote_count = rating->vote_count,
    };
    return true;
}

static bool record_metadata(const struct job_context *job, const struct input *input)
{
    const struct metadata *metadata = input->record;
    if (!input->movie->title || input->event_ms >= input->movie->title_time_ms)
        state_title(job->state, input->movie, metadata->title, input->event_ms);
    return true;
}

static bool stats_record(const struct job_context *job, const struct input *input, GError **error)
{
    switch (input->topic) {
    case TOPIC_RATINGS:
        return record_rating(job, input, error);
    case TOPIC_METADATA:
        return record_metadata(job, input);
    default:
        return true;
    }
}

/* The row of the hour whose last window is ref. */
static bool collect_hour(const struct job_context *job,
                         struct movie *movie,
                         const struct window_ref *ref,
                         struct output *output,
                         GError **error)
{
    const struct bin_rating rating = window_ref_get(ref)->rating;
    struct stats_row row = {
        .movie_id = movie->movie_id,
        .hour_ms = hour_start_ms(ref->bin->hour),
        .title = movie->title,
        .popularity_e4 = rating.popularity_e4,
        .vote_average_e4 = rating.vote_average_e4,
        .vote_count = rating.vote_count,
        .last_updated_ms = hour_start_ms(ref->bin->hour) + rating.event_ms,
    };
    struct window_ref before;
    if (!state_before(job->state, movie, BIN_RATINGS, ref->start_ms, &before, &row.has_velocity,
                      error))
        return false;
    if (row.has_velocity)
        row.rating_velocity =
            velocity_e4(window_ref_get(&before)->rating.vote_average_e4, rating.vote_average_e4,
                        hours_between(before.start_ms, ref->start_ms));
    g_array_append_val(output->stats, row);
    return true;
}

/* After a new title: the rows of all hours that are kept. */
static bool collect_all_hours(const struct job_context *job,
                              struct movie *movie,
                              struct output *output,
                              GError **error)
{
    for (int64_t hour = INT64_MIN; hour_set_after(&movie->hours[BIN_RATINGS], hour, &hour);) {
        struct bin *bin;
        if (!state_bin(job->state, movie, BIN_RATINGS, hour, &bin, error))
            return false;
        if (!bin || hour < state_first_held(job->state, BIN_RATINGS))
            continue;
        uint32_t last = bin->count - 1;
        struct window_ref ref = {
            bin, last, window_start_ms(hour, bin->windows[last].index, job->settings->window_ms)};
        if (!collect_hour(job, movie, &ref, output, error))
            return false;
    }
    return true;
}

static bool stats_collect(const struct job_context *job,
                          struct movie *movie,
                          struct output *output,
                          GError **error)
{
    if (movie->title_changed)
        return collect_all_hours(job, movie, output, error);
    if (!cascade_collect(job->state, movie, BIN_RATINGS, STATS_DEPTH, job->settings->window_ms,
                         output->cascade, error))
        return false;
    for (guint i = 0; i < output->cascade->len; i++) {
        const struct window_ref ref = g_array_index(output->cascade, struct cascade_window, i).ref;
        if (ref.at + 1 == ref.bin->count && !collect_hour(job, movie, &ref, output, error))
            return false;
    }
    return true;
}

const struct job_ops job_stats = {
    .name = "stats",
    .record = stats_record,
    .collect = stats_collect,
};

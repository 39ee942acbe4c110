/* Sentiment per movie and window: counts, sum and average of VADER's compound over the highest
 * version of each review, and sentiment_velocity against the movie's previous window
 * (docs/semantics.md, Sentiment).
 *
 * An edit has the same created_at, so it stays in its window: the old version's contribution goes,
 * the new one's comes, and the count is as before. What the old one contributed is remembered with
 * its version (repeat.h) for as long as the hour is held. */
#include "sentiment/vader.h"
#include "stream/cascade.h"
#include "stream/job.h"
#include "stream/repeat.h"
#include "stream/velocity.h"
#include "stream/window.h"

/* sentiment_velocity reads one window back. */
#define SENTIMENT_DEPTH 1

/* sign 1 adds a review's contribution, -1 takes it back. */
static void contribute(struct bin_reviews *reviews, int64_t compound_e4, int sign)
{
    enum vader_label label = vader_label((int)compound_e4);
    reviews->sum_e4 += sign * compound_e4;
    reviews->count += sign;
    reviews->positive += label == VADER_POSITIVE ? sign : 0;
    reviews->negative += label == VADER_NEGATIVE ? sign : 0;
}

static bool
sentiment_record(const struct job_context *job, const struct input *input, GError **error)
{
    if (input->topic != TOPIC_REVIEWS)
        return true;
    const struct review *review = input->record;
    struct bin_window *window;
    bool new;
    if (!state_window(job->state, input->movie, BIN_REVIEWS, input->event_ms, &window, &new, error))
        return false;
    int64_t compound_e4 = vader_compound_e4(review->content.data, review->content.len);
    if (input->replaces)
        contribute(&window->reviews, input->old_compound_e4, -1);
    contribute(&window->reviews, compound_e4, 1);
    repeat_note_review(input->seen, review, compound_e4);
    return true;
}

static double average(const struct bin_reviews *reviews)
{
    return (double)reviews->sum_e4 / reviews->count / 10000.0;
}

static bool collect_window(const struct job_context *job,
                           struct movie *movie,
                           const struct window_ref *ref,
                           struct output *output,
                           GError **error)
{
    const struct bin_reviews reviews = window_ref_get(ref)->reviews;
    struct sentiment_row row = {
        .movie_id = movie->movie_id,
        .hour_ms = hour_start_ms(ref->bin->hour),
        .window_start_ms = ref->start_ms,
        .window_end_ms = ref->start_ms + job->settings->window_ms,
        .sentiment_sum_e4 = reviews.sum_e4,
        .review_count = reviews.count,
        .positive_count = reviews.positive,
        .negative_count = reviews.negative,
        .neutral_count = reviews.count - reviews.positive - reviews.negative,
        .avg_sentiment = average(&reviews),
    };
    struct window_ref before;
    if (!state_before(job->state, movie, BIN_REVIEWS, ref->start_ms, &before, &row.has_velocity,
                      error))
        return false;
    if (row.has_velocity)
        row.sentiment_velocity =
            velocity_double(average(&window_ref_get(&before)->reviews), row.avg_sentiment,
                            hours_between(before.start_ms, ref->start_ms));
    g_array_append_val(output->sentiment, row);
    return true;
}

static bool sentiment_collect(const struct job_context *job,
                              struct movie *movie,
                              struct output *output,
                              GError **error)
{
    if (!cascade_collect(job->state, movie, BIN_REVIEWS, SENTIMENT_DEPTH, job->settings->window_ms,
                         output->cascade, error))
        return false;
    for (guint i = 0; i < output->cascade->len; i++) {
        const struct window_ref ref = g_array_index(output->cascade, struct cascade_window, i).ref;
        if (!collect_window(job, movie, &ref, output, error))
            return false;
    }
    return true;
}

const struct job_ops job_sentiment = {
    .name = "sentiment",
    .record = sentiment_record,
    .collect = sentiment_collect,
};

/* A movie's sentiment over time: windows added up to buckets.
 *
 *   windows (5 min, each from its side)  ─► bucket of a window, an hour or a day: sums and counts
 * add ─► all of them: data.total
 *
 * An average is sum_e4 / count / 10000 of its own bucket (docs/semantics.md), never one of
 * averages. */
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "serve/json_scan.h"
#include "serve/movie.h"
#include "serve/worker.h"

#define SENTIMENT_WINDOW_DEFAULT "7d"
#define SENTIMENT_DAYS_MAX       400
/* 8640 windows of five minutes: what one answer may hold of the finest grain. */
#define SENTIMENT_FINE_DAYS_MAX 30
#define BAR_MS                  (5 * MS_PER_MINUTE)

#define SENTIMENT_NOTE                                                                             \
    "Scores are VADER's compound, -1 to 1: it weighs words and rules, and knows neither irony "    \
    "nor "                                                                                         \
    "the plot. A film about war reads as negative. Stars that a reviewer gave are not used."

struct grain {
    const char *name;
    int64_t length_ms;
};

static const struct grain grains[] = {
    {"hour", MS_PER_HOUR}, {"window", BAR_MS}, {"day", MS_PER_DAY}};

struct bucket {
    int64_t start_ms;
    int64_t sum_e4, reviews, positive, negative, neutral;
    struct span velocity; /* of a single window */
    bool from_batch, from_speed;
};

struct question {
    int64_t movie_id, from_ms, to_ms;
    const char *window;
    const struct grain *grain;
};

/* ---- what is asked ---- */

static bool grain_of(struct answer *answer, const struct grain **ret_grain)
{
    const char *asked = http_request_query(answer->request, "granularity");
    for (size_t i = 0; i < G_N_ELEMENTS(grains); i++) {
        if (!asked || strcmp(asked, grains[i].name) == 0) {
            *ret_grain = &grains[i];
            return true;
        }
    }
    http_problem(answer->request, answer->response, 400,
                 "query argument granularity is \"%.64s\"; expected window (five minutes), hour or "
                 "day",
                 asked);
    return false;
}

static bool question_of(struct answer *answer, struct question *ret_question)
{
    struct question question;
    int64_t window_ms;
    if (!http_param_int(answer->request, answer->response, "id", 1, INT32_MAX,
                        &question.movie_id) ||
        !grain_of(answer, &question.grain) ||
        !answer_window(
            answer, SENTIMENT_WINDOW_DEFAULT,
            (question.grain->length_ms == BAR_MS ? SENTIMENT_FINE_DAYS_MAX : SENTIMENT_DAYS_MAX) *
                MS_PER_DAY,
            &question.window, &window_ms))
        return false;
    int64_t now_ms = answer->merge->now_ms;
    /* Whole buckets, so that the first one isn't cut; whole hours, as the merge's are. Events may
     * be ahead of the clock by some minutes: the next hour is asked for too. */
    int64_t whole_ms = MAX(question.grain->length_ms, MS_PER_HOUR);
    question.from_ms = MAX(0, (now_ms - window_ms) / whole_ms * whole_ms);
    question.to_ms = now_ms / MS_PER_HOUR * MS_PER_HOUR + 2 * MS_PER_HOUR;
    *ret_question = question;
    return true;
}

/* ---- adding up ---- */

static int64_t count_of(struct span object, const char *key)
{
    struct span value;
    int64_t count = 0;
    if (json_scan_member(object, key, &value))
        (void)json_scan_int(value, &count);
    return count;
}

static void bucket_add(struct bucket *bucket, const struct merge_point *point)
{
    bucket->sum_e4 += count_of(point->json, "sentiment_sum_e4");
    bucket->reviews += count_of(point->json, "review_count");
    bucket->positive += count_of(point->json, "positive_count");
    bucket->negative += count_of(point->json, "negative_count");
    bucket->neutral += count_of(point->json, "neutral_count");
    bucket->from_batch |= !point->from_speed;
    bucket->from_speed |= point->from_speed;
}

static int64_t start_of(const struct merge_point *point)
{
    struct span value;
    int64_t start_ms = point->hour_ms;
    if (json_scan_member(point->json, "window_start", &value))
        (void)json_scan_time(value, &start_ms);
    return start_ms;
}

/* points are in the order of time, and so are the buckets. */
static GArray *
make_buckets(const struct grain *grain, const struct merge_point *points, size_t count)
{
    GArray *buckets = g_array_new(FALSE, TRUE, sizeof(struct bucket));
    for (size_t i = 0; i < count; i++) {
        int64_t start_ms = start_of(&points[i]) / grain->length_ms * grain->length_ms;
        struct bucket *last =
            buckets->len ? &g_array_index(buckets, struct bucket, buckets->len - 1) : NULL;
        if (!last || last->start_ms != start_ms) {
            g_array_set_size(buckets, buckets->len + 1);
            last = &g_array_index(buckets, struct bucket, buckets->len - 1);
            last->start_ms = start_ms;
        }
        bucket_add(last, &points[i]);
        if (grain->length_ms == BAR_MS)
            (void)json_scan_member(points[i].json, "sentiment_velocity", &last->velocity);
    }
    return buckets;
}

/* ---- the answer ---- */

static void write_sums(GString *out, const struct bucket *bucket)
{
    json_write_key(out, "avg_sentiment");
    if (bucket->reviews > 0)
        json_write_double(out, (double)bucket->sum_e4 / (double)bucket->reviews / 10000);
    else
        json_write_null(out);
    json_add_int(out, "sentiment_sum_e4", bucket->sum_e4);
    json_add_int(out, "review_count", bucket->reviews);
    json_add_int(out, "positive_count", bucket->positive);
    json_add_int(out, "negative_count", bucket->negative);
    json_add_int(out, "neutral_count", bucket->neutral);
}

static void write_bucket(GString *out, const struct bucket *bucket, const struct grain *grain)
{
    json_write_object(out);
    json_add_time(out, "start", bucket->start_ms);
    json_add_time(out, "end", bucket->start_ms + grain->length_ms);
    write_sums(out, bucket);
    json_write_key(out, "sentiment_velocity");
    if (bucket->velocity.len)
        json_write_raw(out, bucket->velocity.data, bucket->velocity.len);
    else
        json_write_null(out);
    json_add_string(out, "source",
                    !bucket->from_speed   ? "batch"
                    : !bucket->from_batch ? "speed"
                                          : "both");
    json_write_object_end(out);
}

static void write_data(GString *out, const struct question *question, const GArray *buckets)
{
    struct bucket total = {0};
    for (guint i = 0; i < buckets->len; i++) {
        const struct bucket *bucket = &g_array_index(buckets, struct bucket, i);
        total.sum_e4 += bucket->sum_e4;
        total.reviews += bucket->reviews;
        total.positive += bucket->positive;
        total.negative += bucket->negative;
        total.neutral += bucket->neutral;
    }
    json_write_key(out, "data");
    json_write_object(out);
    json_add_int(out, "movie_id", question->movie_id);
    json_add_string(out, "window", question->window);
    json_add_string(out, "granularity", question->grain->name);
    json_add_time(out, "from", question->from_ms);
    json_add_time(out, "to", question->to_ms);
    json_write_key(out, "total");
    json_write_object(out);
    write_sums(out, &total);
    json_write_object_end(out);
    json_write_key(out, "points");
    json_write_array(out);
    for (guint i = 0; i < buckets->len; i++)
        write_bucket(out, &g_array_index(buckets, struct bucket, i), question->grain);
    json_write_array_end(out);
    json_add_string(out, "note", SENTIMENT_NOTE);
    json_write_object_end(out);
}

static bool sentiment_write(struct answer *answer, GError **error)
{
    struct question question;
    struct merge_point *points;
    size_t count;
    if (!question_of(answer, &question) ||
        !merge_sentiment(answer->worker->view, answer->merge, question.movie_id, question.from_ms,
                         question.to_ms, answer->arena, &points, &count, error))
        return false;
    bool known = count > 0;
    if (!known && !movie_known(answer, question.movie_id, &known, error))
        return false;
    if (!known) {
        http_problem(answer->request, answer->response, 404,
                     "movie %" G_GINT64_FORMAT " is not known", question.movie_id);
        return false;
    }
    g_autoptr(GArray) buckets = make_buckets(question.grain, points, count);
    write_data(answer->body, &question, buckets);
    return true;
}

static const char *const sentiment_arguments[] = {"window", "granularity", NULL};

const struct endpoint movie_sentiment_endpoint = {.arguments = sentiment_arguments,
                                                  .write = sentiment_write};

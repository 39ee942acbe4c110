/* Proves: rows come back as they went, all tables and every optional field; bytes cut short or
 * changed are BADDATA or other rows, never a crash. */
#include "stream/rows.h"

#include <string.h>

#define ROWS 40

static struct stats_row stats[ROWS];
static struct sentiment_row sentiment[ROWS];
static struct trending_row trending[ROWS];
static struct live_row live[ROWS];
static struct hour_count_row hour_counts[ROWS];
static int64_t gone[ROWS];

static struct speed_batch batch_new(GRand *random)
{
    for (int i = 0; i < ROWS; i++) {
        const int64_t hour_ms = g_rand_int_range(random, -5, 500000) * INT64_C(3600000);
        const int32_t movie_id = g_rand_int_range(random, -5, 1000000);
        const bool has = g_rand_boolean(random);
        const double real = g_rand_double(random) - 0.5;
        gone[i] = hour_ms;
        stats[i] = (struct stats_row){movie_id, hour_ms, has ? "Ä title" : NULL, 123,        -4,
                                      i,        has,     has ? real : 0,         hour_ms + i};
        sentiment[i] = (struct sentiment_row){
            movie_id, hour_ms, hour_ms + 300000, hour_ms + 600000, -77, 9, 1, 2, 6,
            real,     has,     has ? real : 0};
        trending[i] = (struct trending_row){
            hour_ms, hour_ms + 300000, i, movie_id, has ? NULL : "", real, -real,
            has,     has ? real : 0};
        live[i] = (struct live_row){"users", hour_ms, hour_ms + 60000, real};
        hour_counts[i] = (struct hour_count_row){"movie.ratings", i, hour_ms, INT64_MAX - i};
    }
    return (struct speed_batch){
        .stats = stats,
        .stats_count = ROWS,
        .sentiment = sentiment,
        .sentiment_count = ROWS,
        .trending = trending,
        .trending_count = ROWS,
        .trending_gone = gone,
        .trending_gone_count = ROWS,
        .live = live,
        .live_count = ROWS,
        .hour_counts = hour_counts,
        .hour_counts_count = ROWS,
        .sentiment_gone = sentiment,
        .sentiment_gone_count = 1,
        .stats_gone = stats,
        .stats_gone_count = 2,
    };
}

static void check_stats(const struct stats_row *a, const struct stats_row *b)
{
    g_assert_cmpint(a->movie_id, ==, b->movie_id);
    g_assert_cmpint(a->hour_ms, ==, b->hour_ms);
    g_assert_cmpstr(a->title, ==, b->title);
    g_assert_cmpint(a->popularity_e4, ==, b->popularity_e4);
    g_assert_cmpint(a->vote_average_e4, ==, b->vote_average_e4);
    g_assert_cmpint(a->vote_count, ==, b->vote_count);
    g_assert_cmpint(a->has_velocity, ==, b->has_velocity);
    g_assert_cmpfloat(a->rating_velocity, ==, b->rating_velocity);
    g_assert_cmpint(a->last_updated_ms, ==, b->last_updated_ms);
}

static void check_sentiment(const struct sentiment_row *a, const struct sentiment_row *b)
{
    g_assert_cmpint(a->movie_id, ==, b->movie_id);
    g_assert_cmpint(a->hour_ms, ==, b->hour_ms);
    g_assert_cmpint(a->window_start_ms, ==, b->window_start_ms);
    g_assert_cmpint(a->window_end_ms, ==, b->window_end_ms);
    g_assert_cmpint(a->sentiment_sum_e4, ==, b->sentiment_sum_e4);
    g_assert_cmpint(a->review_count, ==, b->review_count);
    g_assert_cmpint(a->positive_count, ==, b->positive_count);
    g_assert_cmpint(a->negative_count, ==, b->negative_count);
    g_assert_cmpint(a->neutral_count, ==, b->neutral_count);
    g_assert_cmpfloat(a->avg_sentiment, ==, b->avg_sentiment);
    g_assert_cmpint(a->has_velocity, ==, b->has_velocity);
    g_assert_cmpfloat(a->sentiment_velocity, ==, b->sentiment_velocity);
}

static void check_trending(const struct trending_row *a, const struct trending_row *b)
{
    g_assert_cmpint(a->hour_ms, ==, b->hour_ms);
    g_assert_cmpint(a->window_end_ms, ==, b->window_end_ms);
    g_assert_cmpint(a->rank, ==, b->rank);
    g_assert_cmpint(a->movie_id, ==, b->movie_id);
    g_assert_cmpstr(a->title, ==, b->title);
    g_assert_cmpfloat(a->trending_score, ==, b->trending_score);
    g_assert_cmpfloat(a->velocity, ==, b->velocity);
    g_assert_cmpint(a->has_acceleration, ==, b->has_acceleration);
    g_assert_cmpfloat(a->acceleration, ==, b->acceleration);
}

static void check_rest(const struct speed_batch *batch, int i)
{
    g_assert_cmpint(batch->trending_gone[i], ==, gone[i]);
    g_assert_cmpstr(batch->live[i].metric, ==, live[i].metric);
    g_assert_cmpint(batch->live[i].hour_ms, ==, live[i].hour_ms);
    g_assert_cmpint(batch->live[i].window_start_ms, ==, live[i].window_start_ms);
    g_assert_cmpfloat(batch->live[i].value, ==, live[i].value);
    g_assert_cmpstr(batch->hour_counts[i].topic, ==, hour_counts[i].topic);
    g_assert_cmpint(batch->hour_counts[i].partition, ==, hour_counts[i].partition);
    g_assert_cmpint(batch->hour_counts[i].hour_ms, ==, hour_counts[i].hour_ms);
    g_assert_cmpint(batch->hour_counts[i].used_records, ==, hour_counts[i].used_records);
}

static void test_round_trip(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    const struct speed_batch batch = batch_new(random);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    rows_encode(&batch, bytes);
    struct arena *arena = arena_new();
    struct speed_batch found;
    GError *error = NULL;
    g_assert_true(
        rows_decode((struct span){(const char *)bytes->data, bytes->len}, arena, &found, &error));
    g_assert_cmpuint(found.stats_count, ==, ROWS);
    g_assert_cmpuint(found.sentiment_count, ==, ROWS);
    g_assert_cmpuint(found.trending_count, ==, ROWS);
    g_assert_cmpuint(found.trending_gone_count, ==, ROWS);
    g_assert_cmpuint(found.live_count, ==, ROWS);
    g_assert_cmpuint(found.hour_counts_count, ==, ROWS);
    g_assert_cmpuint(found.sentiment_gone_count, ==, 1);
    g_assert_cmpuint(found.stats_gone_count, ==, 2);
    for (int i = 0; i < ROWS; i++) {
        check_stats(&found.stats[i], &stats[i]);
        check_sentiment(&found.sentiment[i], &sentiment[i]);
        check_trending(&found.trending[i], &trending[i]);
        check_rest(&found, i);
    }
    g_assert_cmpint(found.stats_gone[1].movie_id, ==, stats[1].movie_id);
    g_assert_cmpint(found.sentiment_gone[0].window_start_ms, ==, sentiment[0].window_start_ms);
    arena_free(arena);
}

static void test_damage(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(2);
    const struct speed_batch batch = batch_new(random);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    rows_encode(&batch, bytes);
    struct arena *arena = arena_new();
    struct speed_batch found;
    for (guint len = 0; len < bytes->len; len++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(
            rows_decode((struct span){(const char *)bytes->data, len}, arena, &found, &error));
        g_assert_true(error_is(error, BADDATA));
        arena_reset(arena);
    }
    for (int i = 0; i < 5000; i++) {
        g_autofree char *changed = g_memdup2(bytes->data, bytes->len);
        changed[g_rand_int_range(random, 0, (gint32)bytes->len)] ^=
            (char)(1 << g_rand_int_range(random, 0, 8));
        g_autoptr(GError) error = NULL;
        if (!rows_decode((struct span){changed, bytes->len}, arena, &found, &error))
            g_assert_true(error_is(error, BADDATA));
        arena_reset(arena);
    }
    arena_free(arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rows/round_trip", test_round_trip);
    g_test_add_func("/rows/damage", test_damage);
    return g_test_run();
}

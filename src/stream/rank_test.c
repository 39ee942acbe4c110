/* Proves: scores and ranks are those of docs/semantics.md: its example with numbers, and each
 * branch of the scale by hand. Medians by selection equal those by sorting: the oracle test
 * compares them over random windows. */
#include "stream/rank.h"

#include <math.h>
#include <stdlib.h>

static const struct stream_settings settings = {
    .weight_velocity = 0.5,
    .weight_votes = 0.25,
    .weight_acceleration = 0.15,
    .weight_engagement = 0.1,
};

/* docs/semantics.md, "An example with numbers": two movies, all scales 1. */
static void test_example(void)
{
    const struct measure measures[] = {
        {.movie_id = 11, .velocity = 6, .vote_velocity = 24, .engagement = 1},
        {.movie_id = 12, .velocity = 0, .vote_velocity = 12},
    };
    struct ranked ranked[RANK_TOP];
    g_assert_cmpuint(rank_window(measures, 2, &settings, ranked), ==, 1);
    g_assert_cmpint(ranked[0].movie_id, ==, 11);
    g_assert_cmpint(ranked[0].rank, ==, 1);
    g_assert_true(rint(ranked[0].trending_score * 1e9) == 3034657359);
    g_assert_false(ranked[0].has_acceleration);
}

/* Five movies, velocities 1 2 3 4 10: median 3, deviations 2 1 0 1 7, their median 1, scale 1.4826.
 * Scores are 0.5 * z, as all else stands still: (10 - 3) / 1.4826 * 0.5 = 2.3607176581681... */
static void test_mad(void)
{
    struct measure measures[5];
    static const double velocities[] = {1, 2, 3, 4, 10};
    for (int i = 0; i < 5; i++)
        measures[i] = (struct measure){.movie_id = i, .velocity = velocities[i]};
    struct ranked ranked[RANK_TOP];
    g_assert_cmpuint(rank_window(measures, 5, &settings, ranked), ==, 5);
    g_assert_cmpint(ranked[0].movie_id, ==, 4);
    g_assert_true(ranked[0].trending_score == 0.5 * (7 / 1.4826));
    g_assert_cmpint(ranked[4].movie_id, ==, 0);
    g_assert_true(ranked[4].trending_score == 0.5 * (-2 / 1.4826));
}

/* A burst among 63 movies that stand still: the median deviation is 0, so the mean one
 * counts: 1.2533 * 64 / 64, z = 64 / 1.2533 clipped to 10. */
static void test_burst(void)
{
    struct measure measures[64] = {0};
    for (int i = 0; i < 64; i++)
        measures[i].movie_id = 100 + i;
    measures[40].velocity = 64;
    struct ranked ranked[RANK_TOP];
    g_assert_cmpuint(rank_window(measures, 64, &settings, ranked), ==, 1);
    g_assert_cmpint(ranked[0].movie_id, ==, 140);
    g_assert_true(ranked[0].trending_score == 5);
}

/* Null accelerations are left out of median and scale and have z = 0: with 2 4 6 8 10 of six,
 * median 6, deviations' median 2, scale 2.9652; the movie without gets 0 there. */
static void test_null_acceleration(void)
{
    struct measure measures[6] = {0};
    for (int i = 0; i < 6; i++)
        measures[i] = (struct measure){
            .movie_id = i, .velocity = 1, .has_acceleration = i < 5, .acceleration = 2 * (i + 1)};
    struct ranked ranked[RANK_TOP];
    g_assert_cmpuint(rank_window(measures, 6, &settings, ranked), ==, 6);
    g_assert_cmpint(ranked[0].movie_id, ==, 4);
    g_assert_true(ranked[0].trending_score == 0.15 * (4 / (1.4826 * 2)));
    /* Scores 0: movie 2 and movie 5; equal scores stand by movie_id. */
    g_assert_cmpint(ranked[2].movie_id, ==, 2);
    g_assert_cmpint(ranked[3].movie_id, ==, 5);
    g_assert_true(ranked[3].trending_score == 0);
}

/* At most 100 ranks; nobody rises: none. */
static void test_limits(void)
{
    struct measure measures[150] = {0};
    struct ranked ranked[RANK_TOP];
    g_assert_cmpuint(rank_window(measures, 0, &settings, ranked), ==, 0);
    for (int i = 0; i < 150; i++)
        measures[i] = (struct measure){.movie_id = i, .velocity = -1 - i};
    g_assert_cmpuint(rank_window(measures, 150, &settings, ranked), ==, 0);
    for (int i = 0; i < 150; i++)
        measures[i].velocity = 1 + i % 7;
    g_assert_cmpuint(rank_window(measures, 150, &settings, ranked), ==, RANK_TOP);
    for (int i = 1; i < RANK_TOP; i++)
        g_assert_true(ranked[i - 1].trending_score >= ranked[i].trending_score);
}

static int compare_by_rank(gconstpointer a, gconstpointer b)
{
    const struct measure *x = a, *y = b;
    if (x->velocity != y->velocity)
        return x->velocity > y->velocity ? -1 : 1;
    return (x->movie_id > y->movie_id) - (x->movie_id < y->movie_id);
}

/* Which 100 of many: scores rise with the velocity alone (no z reaches its limit), so the ranks are
 * the movies sorted by it, then by movie_id; whatever order they come in, around the limit and with
 * many equal ones. */
static void test_top(void)
{
    static const size_t counts[] = {99, 100, 101, 102, 700};
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    for (size_t round = 0; round < 1000; round++) {
        const size_t count = counts[round % G_N_ELEMENTS(counts)];
        g_autofree struct measure *measures = g_new0(struct measure, count);
        const int32_t velocities = g_rand_int_range(random, 1, 400);
        for (size_t i = 0; i < count; i++) {
            size_t swap = (size_t)g_rand_int_range(random, 0, (gint32)i + 1);
            measures[i].movie_id = measures[swap].movie_id;
            measures[swap].movie_id = (int32_t)i;
        }
        for (size_t i = 0; i < count; i++)
            measures[i].velocity = g_rand_int_range(random, 1, velocities + 1);
        struct ranked ranked[RANK_TOP];
        const size_t ranks = rank_window(measures, count, &settings, ranked);
        g_assert_cmpuint(ranks, ==, MIN(count, (size_t)RANK_TOP));
        qsort(measures, count, sizeof *measures, compare_by_rank);
        for (size_t i = 0; i < ranks; i++) {
            g_assert_cmpint(ranked[i].rank, ==, (int)i + 1);
            g_assert_cmpint(ranked[i].movie_id, ==, measures[i].movie_id);
        }
    }
}

/* The mean deviation's sum is that of the values sorted ascending, to the last bit: 0.1, 0.2, ...
 * 0.9 before 1e16, of 30 movies whose others stand still. */
static void test_mean_order(void)
{
    enum { MOVIES = 30, MOVING = 10 };
    struct measure measures[MOVIES] = {0};
    double sum = 0;
    for (int i = 0; i < MOVIES; i++)
        measures[i].movie_id = i;
    for (int i = 1; i < MOVING; i++) {
        sum += i / 10.0;
        measures[(MOVING - i) * 2].velocity = i / 10.0;
    }
    measures[0].velocity = 1e16;
    sum += 1e16;
    struct ranked ranked[RANK_TOP];
    g_assert_cmpuint(rank_window(measures, MOVIES, &settings, ranked), ==, MOVING);
    const double scale = 1.2533 * (sum / MOVIES);
    g_assert_cmpint(ranked[1].movie_id, ==, 2);
    g_assert_true(ranked[0].trending_score == 0.5 * MIN(1e16 / scale, 10));
    g_assert_true(ranked[1].trending_score == 0.5 * (0.9 / scale));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/rank/example", test_example);
    g_test_add_func("/stream/rank/mad", test_mad);
    g_test_add_func("/stream/rank/burst", test_burst);
    g_test_add_func("/stream/rank/null_acceleration", test_null_acceleration);
    g_test_add_func("/stream/rank/limits", test_limits);
    g_test_add_func("/stream/rank/top", test_top);
    g_test_add_func("/stream/rank/mean_order", test_mean_order);
    return g_test_run();
}

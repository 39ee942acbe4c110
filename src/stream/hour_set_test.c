/* Proves: the hour set answers as a plain sorted array does, over random operations, before the
 * epoch too. */
#include "stream/hour_set.h"

#include <glib.h>

#define SPAN  400
#define STEPS 20000

struct plain {
    bool there[SPAN];
    int64_t first;
};

static bool plain_near(const struct plain *plain, int64_t hour, int direction, int64_t *ret_hour)
{
    for (int64_t at = hour + direction; at >= plain->first && at < plain->first + SPAN;
         at += direction) {
        if (plain->there[at - plain->first]) {
            *ret_hour = at;
            return true;
        }
    }
    return false;
}

static void run(int64_t first, guint32 seed)
{
    struct plain plain = {.first = first};
    struct hour_set set = {0};
    GRand *random = g_rand_new_with_seed(seed);
    for (int step = 0; step < STEPS; step++) {
        int64_t hour = first + g_rand_int_range(random, 0, SPAN), expected = 0, found = 0;
        if (g_rand_int_range(random, 0, 4) == 0) {
            hour_set_add(&set, hour);
            plain.there[hour - first] = true;
        }
        if (g_rand_int_range(random, 0, 300) == 0) {
            hour_set_drop_below(&set, hour);
            for (int64_t i = first; i < hour; i++)
                plain.there[i - first] = false;
        }
        g_assert_cmpint(hour_set_has(&set, hour), ==, plain.there[hour - first]);
        g_assert_cmpint(hour_set_before(&set, hour, &found), ==,
                        plain_near(&plain, hour, -1, &expected));
        g_assert_cmpint(found, ==, expected);
        found = expected = 0;
        g_assert_cmpint(hour_set_after(&set, hour, &found), ==,
                        plain_near(&plain, hour, 1, &expected));
        g_assert_cmpint(found, ==, expected);
    }
    g_rand_free(random);
    hour_set_clear(&set);
}

static void test_random(void)
{
    run(490900, 1); /* 2026 */
    run(-200, 2);   /* across the epoch */
    run(-17000000, 3);
}

/* The empty set, and one whose only hour was dropped. */
static void test_empty(void)
{
    struct hour_set set = {0};
    int64_t hour;
    g_assert_false(hour_set_has(&set, 0));
    g_assert_false(hour_set_before(&set, INT64_MAX, &hour));
    g_assert_false(hour_set_after(&set, INT64_MIN, &hour));
    hour_set_add(&set, 7);
    g_assert_true(hour_set_after(&set, INT64_MIN, &hour));
    g_assert_cmpint(hour, ==, 7);
    hour_set_drop_below(&set, 8);
    g_assert_false(hour_set_has(&set, 7));
    hour_set_drop_below(&set, 1000);
    g_assert_cmpuint(set.words_count, ==, 0);
    hour_set_clear(&set);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/hour_set/random", test_random);
    g_test_add_func("/stream/hour_set/empty", test_empty);
    return g_test_run();
}

/* Proves that the bucket gives `burst` at once, then `rate` a second and never more, with
 * hand-counted times. */
#include "net/rate_limit.h"

#include <glib.h>

static void test_burst_then_rate(void)
{
    struct rate_limit limit;
    rate_limit_init(&limit, 4, 10, 1000000);
    for (int i = 0; i < 10; i++)
        g_assert_cmpint(rate_limit_take(&limit, 1000000), ==, 0);
    /* Empty: the next token is there after a quarter of a second. */
    g_assert_cmpint(rate_limit_take(&limit, 1000000), ==, 250000);
    g_assert_cmpint(rate_limit_take(&limit, 1100000), ==, 150000);
    g_assert_cmpint(rate_limit_take(&limit, 1250000), ==, 0);
    g_assert_cmpint(rate_limit_take(&limit, 1250000), >, 0);
}

static void test_any_second_is_bounded(void)
{
    struct rate_limit limit;
    rate_limit_init(&limit, 4, 10, 0);
    int taken = 0;
    for (int64_t now_us = 0; now_us <= 60000000; now_us += 1000)
        taken += rate_limit_take(&limit, now_us) == 0;
    /* 10 at once and 4 in each of 60 seconds. */
    g_assert_cmpint(taken, ==, 250);
}

static void test_idle_time_does_not_save_up(void)
{
    struct rate_limit limit;
    rate_limit_init(&limit, 4, 10, 0);
    for (int i = 0; i < 10; i++)
        g_assert_cmpint(rate_limit_take(&limit, 0), ==, 0);
    int taken = 0;
    while (rate_limit_take(&limit, INT64_C(3600000000)) == 0)
        taken++;
    g_assert_cmpint(taken, ==, 10);
}

static void test_time_that_goes_back_gives_nothing(void)
{
    struct rate_limit limit;
    rate_limit_init(&limit, 1, 1, 5000000);
    g_assert_cmpint(rate_limit_take(&limit, 5000000), ==, 0);
    g_assert_cmpint(rate_limit_take(&limit, 4000000), ==, 1000000);
    g_assert_cmpint(rate_limit_take(&limit, 6000000), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rate_limit/burst_then_rate", test_burst_then_rate);
    g_test_add_func("/rate_limit/any_second_is_bounded", test_any_second_is_bounded);
    g_test_add_func("/rate_limit/idle_time_does_not_save_up", test_idle_time_does_not_save_up);
    g_test_add_func("/rate_limit/time_that_goes_back_gives_nothing",
                    test_time_that_goes_back_gives_nothing);
    return g_test_run();
}

/* 20 at once, then 100 a minute, each key by itself, and the headers' numbers are true. */
#include "serve/quota.h"

#include <glib.h>

#include "base/clock.h"

static void test_bucket(void)
{
    struct context context = {.clock = clock_new_manual(0)};
    struct quota *quota = quota_new(&context, 2);
    for (int i = 0; i < QUOTA_BURST; i++) {
        struct quota_state state = quota_take(quota, 0);
        g_assert_true(state.allowed);
        g_assert_cmpint(state.remaining, ==, QUOTA_BURST - 1 - i);
    }
    struct quota_state state = quota_take(quota, 0);
    g_assert_false(state.allowed);
    g_assert_cmpint(state.remaining, ==, 0);
    g_assert_cmpint(state.reset_s, ==, 1); /* 0.6 s, rounded up */
    g_assert_true(quota_take(quota, 1).allowed);
    clock_advance_monotonic(context.clock, 599);
    g_assert_false(quota_take(quota, 0).allowed);
    clock_advance_monotonic(context.clock, 1);
    g_assert_true(quota_take(quota, 0).allowed);
    g_assert_false(quota_take(quota, 0).allowed);
    /* A minute of asking all the time: 100 more. */
    int allowed = 0;
    for (int i = 0; i < 600; i++) {
        clock_advance_monotonic(context.clock, 100);
        allowed += quota_take(quota, 0).allowed;
    }
    g_assert_cmpint(allowed, ==, QUOTA_REQUESTS);
    /* A long rest fills no more than the burst. */
    clock_advance_monotonic(context.clock, 3600 * 1000);
    g_assert_cmpint(quota_take(quota, 0).remaining, ==, QUOTA_BURST - 1);
    quota_free(quota);
    clock_free(context.clock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/quota/bucket", test_bucket);
    return g_test_run();
}

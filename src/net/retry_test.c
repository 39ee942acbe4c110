/* Proves the bounds of the back-off for every seed, that Retry-After is honoured up to the cap, and
 * which answers are tried again (FACTS: time-outs, 408, 429, 5xx). */
#include "net/retry.h"

#include <glib.h>

static void test_delay_stays_in_its_bounds(void)
{
    /* base 500: ceilings 1000, 2000, 4000, then the cap of 5000. */
    static const int64_t ceilings_ms[] = {1000, 2000, 4000, 5000, 5000};
    bool spread = false;
    int64_t first_ms = -1;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct retry retry = {.base_ms = 500, .cap_ms = 5000, .tries_max = 5, .random = seed};
        for (int i = 0; i < 5; i++) {
            int64_t delay_ms = retry_delay_ms(&retry, i + 1, -1);
            g_assert_cmpint(delay_ms, >=, 500);
            g_assert_cmpint(delay_ms, <=, ceilings_ms[i]);
            if (i == 2 && first_ms < 0)
                first_ms = delay_ms;
            spread |= i == 2 && ABS(delay_ms - first_ms) > 1000;
        }
        g_assert_cmpint(retry_delay_ms(&retry, 6, -1), ==, -1);
    }
    g_assert_true(spread); /* jitter: seeds differ */
}

static void test_retry_after_is_honoured(void)
{
    struct retry retry = {.base_ms = 10, .cap_ms = 60000, .tries_max = 5, .random = 7};
    g_assert_cmpint(retry_delay_ms(&retry, 1, 30000), ==, 30000);
    g_assert_cmpint(retry_delay_ms(&retry, 1, 90000), ==, 60000);
    /* 0, as TMDB sometimes says, must not become a hot loop. */
    g_assert_cmpint(retry_delay_ms(&retry, 1, 0), >=, 10);
}

static void test_retry_after_forms(void)
{
    g_assert_cmpint(retry_after_parse("120", 0), ==, 120000);
    g_assert_cmpint(retry_after_parse(" 0 ", 0), ==, 0);
    g_assert_cmpint(retry_after_parse(NULL, 0), ==, -1);
    g_assert_cmpint(retry_after_parse("soon", 0), ==, -1);
    g_assert_cmpint(retry_after_parse("99999999999999999999", 0), ==, -1);
    /* 1994-11-06 08:49:37 UTC is 784111777 s. */
    g_assert_cmpint(retry_after_parse("Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111770000)), ==,
                    7000);
    g_assert_cmpint(retry_after_parse("Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111780000)), ==,
                    0);
}

static void test_statuses(void)
{
    static const int again[] = {408, 429, 500, 502, 503, 504, 520};
    static const int final[] = {200, 304, 400, 401, 404, 422, 501, 505};
    for (size_t i = 0; i < G_N_ELEMENTS(again); i++)
        g_assert_true(retry_status(again[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(final); i++)
        g_assert_false(retry_status(final[i]));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/retry/delay_stays_in_its_bounds", test_delay_stays_in_its_bounds);
    g_test_add_func("/retry/retry_after_is_honoured", test_retry_after_is_honoured);
    g_test_add_func("/retry/retry_after_forms", test_retry_after_forms);
    g_test_add_func("/retry/statuses", test_statuses);
    return g_test_run();
}

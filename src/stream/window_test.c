/* Proves: windows and hours are floors, before the epoch too, and the held hours begin where
 * docs/semantics.md says. */
#include "stream/window.h"

#include <glib.h>

#define MINUTES_5 (5 * MS_PER_MINUTE)

/* 1767268800000 is 2026-01-01 12:00. */
static void test_alignment(void)
{
    g_assert_cmpint(hour_start_ms(hour_of(INT64_C(1767268800000))), ==, INT64_C(1767268800000));
    g_assert_cmpint(hour_start_ms(hour_of(INT64_C(1767268799999))), ==, INT64_C(1767265200000));
    g_assert_cmpint(window_index(INT64_C(1767268800000), MINUTES_5), ==, 0);
    g_assert_cmpint(window_index(INT64_C(1767268800000) + MINUTES_5 - 1, MINUTES_5), ==, 0);
    g_assert_cmpint(window_index(INT64_C(1767268800000) + MINUTES_5, MINUTES_5), ==, 1);
    g_assert_cmpint(window_index(INT64_C(1767268799999), MINUTES_5), ==, 11);
    g_assert_cmpint(window_start_ms(hour_of(0), 11, MINUTES_5), ==, 55 * MS_PER_MINUTE);
}

/* One ms before the epoch lies in the last window of the hour before it, not in the first of it. */
static void test_before_epoch(void)
{
    g_assert_cmpint(floor_div(-1, 60), ==, -1);
    g_assert_cmpint(floor_div(-60, 60), ==, -1);
    g_assert_cmpint(floor_div(-61, 60), ==, -2);
    g_assert_cmpint(hour_of(-1), ==, -1);
    g_assert_cmpint(window_index(-1, MINUTES_5), ==, 11);
    g_assert_cmpint(window_index(-MS_PER_HOUR, MINUTES_5), ==, 0);
}

/* Hour h is held while (h + 1) hours + retention > highest. */
static void test_held(void)
{
    const int64_t retention_ms = 52 * MS_PER_HOUR, hour = 1000;
    int64_t limit_ms = hour_start_ms(hour + 1) + retention_ms;
    g_assert_cmpint(first_held_hour(limit_ms - 1, retention_ms), ==, hour);
    g_assert_cmpint(first_held_hour(limit_ms, retention_ms), ==, hour + 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/window/alignment", test_alignment);
    g_test_add_func("/stream/window/before_epoch", test_before_epoch);
    g_test_add_func("/stream/window/held", test_held);
    return g_test_run();
}

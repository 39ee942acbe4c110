/* Every day from year 1 to 2400 agrees with GLib's calendar; partitions read as Hive writes them.
 */
#include "batch/calendar.h"

#include <glib.h>

#include "base/clock.h"

static void test_every_day(void)
{
    g_autoptr(GDateTime) first = g_date_time_new_utc(1, 1, 1, 0, 0, 0);
    int64_t start_ms = g_date_time_to_unix(first) * 1000;
    for (int64_t day_ms = start_ms; day_ms < INT64_C(13569465600000); day_ms += MS_PER_DAY) {
        g_autoptr(GDateTime) day = g_date_time_new_from_unix_utc(day_ms / 1000);
        int year, month, of_month;
        g_date_time_get_ymd(day, &year, &month, &of_month);
        int64_t month_ms = day_ms - (of_month - 1) * MS_PER_DAY;
        g_assert_cmpint(calendar_start(CALENDAR_MONTH, day_ms + 1), ==, month_ms);
        g_assert_cmpint(calendar_next(CALENDAR_DAY, day_ms), ==, day_ms + MS_PER_DAY);
        if (of_month == 1) {
            g_assert_cmpint(calendar_next(CALENDAR_MONTH, day_ms - 1), ==, day_ms);
            g_autofree char *expected = g_strdup_printf("year=%04d/month=%02d", year, month);
            g_autofree char *found = calendar_partition(CALENDAR_MONTH, day_ms);
            g_assert_cmpstr(found, ==, expected);
        }
        if (of_month == 1 && month == 1) {
            g_assert_cmpint(calendar_next(CALENDAR_YEAR, day_ms - 1), ==, day_ms);
            g_assert_cmpint(calendar_start(CALENDAR_YEAR, day_ms + 300 * MS_PER_DAY), ==, day_ms);
        }
    }
}

static void test_partition(void)
{
    g_autofree char *hour =
        calendar_partition(CALENDAR_HOUR, INT64_C(1772510400000) + 4 * MS_PER_HOUR + 59);
    g_assert_cmpstr(hour, ==, "year=2026/month=03/day=03/hour=08");
    g_autofree char *before = calendar_partition(CALENDAR_HOUR, -1);
    g_assert_cmpstr(before, ==, "year=1969/month=12/day=31/hour=23");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/calendar/every_day", test_every_day);
    g_test_add_func("/calendar/partition", test_partition);
    return g_test_run();
}

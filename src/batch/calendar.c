/* Days to dates and back by Howard Hinnant's algorithms ("chrono-Compatible Low-Level Date
 * Algorithms"): years are counted from March, so that the leap day is a year's last. */
#include "batch/calendar.h"

#include <glib.h>

#include "base/clock.h"

#define DAYS_PER_ERA 146097
#define EPOCH_SHIFT  719468 /* days from 0000-03-01 to 1970-01-01 */

struct date {
    int64_t year;
    int month, day;
};

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static struct date date_of(int64_t time_ms)
{
    int64_t days = floor_div(time_ms, MS_PER_DAY) + EPOCH_SHIFT;
    int64_t era = floor_div(days, DAYS_PER_ERA);
    int64_t of_era = days - era * DAYS_PER_ERA;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int month = (int)((5 * of_year + 2) / 153);
    struct date date = {
        .year = year + era * 400 + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = (int)(of_year - (153 * month + 2) / 5 + 1),
    };
    return date;
}

static int64_t time_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400);
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t days = era * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return (days - EPOCH_SHIFT) * MS_PER_DAY;
}

int64_t calendar_start(enum calendar_unit unit, int64_t time_ms)
{
    struct date date = date_of(time_ms);
    switch (unit) {
    case CALENDAR_HOUR:
        return floor_div(time_ms, MS_PER_HOUR) * MS_PER_HOUR;
    case CALENDAR_DAY:
        return floor_div(time_ms, MS_PER_DAY) * MS_PER_DAY;
    case CALENDAR_MONTH:
        return time_of(date.year, date.month, 1);
    case CALENDAR_YEAR:
        return time_of(date.year, 1, 1);
    }
    g_assert_not_reached();
}

int64_t calendar_next(enum calendar_unit unit, int64_t time_ms)
{
    struct date date = date_of(time_ms);
    switch (unit) {
    case CALENDAR_HOUR:
        return calendar_start(unit, time_ms) + MS_PER_HOUR;
    case CALENDAR_DAY:
        return calendar_start(unit, time_ms) + MS_PER_DAY;
    case CALENDAR_MONTH:
        return date.month == 12 ? time_of(date.year + 1, 1, 1)
                                : time_of(date.year, date.month + 1, 1);
    case CALENDAR_YEAR:
        return time_of(date.year + 1, 1, 1);
    }
    g_assert_not_reached();
}

char *calendar_partition(enum calendar_unit unit, int64_t time_ms)
{
    struct date date = date_of(time_ms);
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "year=%04d", (int)date.year);
    if (unit <= CALENDAR_MONTH)
        g_string_append_printf(text, "/month=%02d", date.month);
    if (unit <= CALENDAR_DAY)
        g_string_append_printf(text, "/day=%02d", date.day);
    if (unit == CALENDAR_HOUR)
        g_string_append_printf(
            text, "/hour=%02d",
            (int)((time_ms - calendar_start(CALENDAR_DAY, time_ms)) / MS_PER_HOUR));
    return g_string_free(text, FALSE);
}

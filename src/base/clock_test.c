/* Proves that the three clocks show the time that their header promises, and that ISO 8601 is read
 * and written as GNU date does (the seconds below are from `date -u -d TEXT +%s`). */
#include "base/clock.h"

#include <time.h>

#include <glib.h>

static const struct {
    const char *text;
    int64_t seconds;
} known[] = {
    {"1970-01-01T00:00:00Z", 0},          {"1999-12-31T23:59:59Z", 946684799},
    {"2000-02-29T12:00:00Z", 951825600},  {"2024-02-29T23:59:59Z", 1709251199},
    {"2026-03-03T04:00:00Z", 1772510400}, {"2100-03-01T00:00:00Z", 4107542400},
};

static void test_iso_known(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        char text[CLOCK_ISO_BYTES];
        int64_t time_ms = known[i].seconds * 1000;
        g_assert_cmpint(clock_parse_iso8601(known[i].text), ==, time_ms);
        g_assert_cmpstr(clock_iso8601(time_ms, text), ==, known[i].text);
        g_assert_cmpstr(clock_iso8601(time_ms + 999, text), ==, known[i].text);
    }
    g_assert_cmpint(clock_parse_iso8601("2026-03-03"), ==, 1772496000000);
    g_assert_cmpint(clock_parse_iso8601("2026-03-03T04:00:00.123Z"), ==, 1772510400123);
    g_assert_cmpint(clock_parse_iso8601("2026-03-03 04:00:00 UTC"), ==, 1772510400000);
    g_assert_cmpint(clock_parse_iso8601("2026-03-03T04:00:00.1234567Z"), ==, 1772510400123);
}

/* Every day of 400 years, against the C library's timegm. */
static void test_iso_every_day(void)
{
    struct tm tm = {.tm_year = 1970 - 1900, .tm_mday = 1};
    for (int day = 0; day < 146097; day++) {
        struct tm date = tm;
        date.tm_mday += day;
        time_t seconds = timegm(&date); /* normalizes date */
        char text[CLOCK_ISO_BYTES];
        strftime(text, sizeof text, "%Y-%m-%d", &date);
        g_assert_cmpint(clock_parse_iso8601(text), ==, (int64_t)seconds * 1000);
    }
}

static void test_iso_refused(void)
{
    static const char *const texts[] = {
        "",
        "2026",
        "2026-3-3",
        "2026-13-01",
        "2026-00-01",
        "2026-02-29",
        "2100-02-29",
        "2026-04-31",
        "2026-01-00",
        "2026-03-03T24:00:00Z",
        "2026-03-03T04:60:00Z",
        "2026-03-03T04:00:61Z",
        "2026-03-03T04:00",
        "2026-03-03T04:00:00+01:00",
        "2026-03-03T04:00:00Zx",
        " 2026-03-03",
        "tomorrow",
    };
    g_assert_cmpint(clock_parse_iso8601(NULL), ==, -1);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (clock_parse_iso8601(texts[i]) != -1)
            g_error("'%s' was taken for a time", texts[i]);
}

static int64_t real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void test_real(void)
{
    struct clock *clock = clock_new_real();
    int64_t before = real_ms(), now = clock_now_ms(clock), after = real_ms();
    g_assert_cmpint(now, >=, before);
    g_assert_cmpint(now, <=, after);
    int64_t first = clock_monotonic_us(clock);
    g_assert_cmpint(clock_monotonic_us(clock), >=, first);
    g_assert_cmpfloat(clock_speed(clock), ==, 1);
    clock_free(clock);
    clock_free(NULL);
}

static void test_scaled(void)
{
    enum { SPEED = 60 };
    int64_t start = 1772510400000, anchor = real_ms() - 10000;
    struct clock *clock = clock_new_anchored(start, anchor, SPEED);
    int64_t before = real_ms(), now = clock_now_ms(clock), after = real_ms();
    g_assert_cmpint(now, >=, start + (before - anchor) * SPEED);
    g_assert_cmpint(now, <=, start + (after - anchor) * SPEED);
    g_assert_cmpfloat(clock_speed(clock), ==, SPEED);
    clock_free(clock);

    before = real_ms();
    clock = clock_new_scaled(start, SPEED);
    now = clock_now_ms(clock);
    g_assert_cmpint(now, >=, start);
    g_assert_cmpint(now, <=, start + (real_ms() - before) * SPEED);
    clock_free(clock);
}

static void test_manual(void)
{
    struct clock *clock = clock_new_manual(1000);
    g_assert_cmpint(clock_now_ms(clock), ==, 1000);
    g_assert_cmpint(clock_monotonic_ms(clock), ==, 0);
    clock_advance(clock, 50);
    g_assert_cmpint(clock_now_ms(clock), ==, 1050);
    g_assert_cmpint(clock_monotonic_ms(clock), ==, 50);
    g_assert_cmpint(clock_monotonic_us(clock), ==, 50000);
    clock_set_now(clock, 7);
    g_assert_cmpint(clock_now_ms(clock), ==, 7);
    g_assert_cmpint(clock_monotonic_ms(clock), ==, 50);
    clock_advance_monotonic(clock, 5);
    g_assert_cmpint(clock_now_ms(clock), ==, 7);
    g_assert_cmpint(clock_monotonic_ms(clock), ==, 55);
    g_assert_cmpfloat(clock_speed(clock), ==, 0);
    clock_free(clock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clock/iso-known", test_iso_known);
    g_test_add_func("/clock/iso-every-day", test_iso_every_day);
    g_test_add_func("/clock/iso-refused", test_iso_refused);
    g_test_add_func("/clock/real", test_real);
    g_test_add_func("/clock/scaled", test_scaled);
    g_test_add_func("/clock/manual", test_manual);
    return g_test_run();
}

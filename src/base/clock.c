#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include <glib.h>

struct clock {
    enum { CLOCK_REAL, CLOCK_SCALED, CLOCK_MANUAL } kind;
    int64_t start_ms;
    int64_t anchor_ms; /* real time at which a scaled clock showed start_ms */
    double speed;
    _Atomic int64_t manual_now_ms, manual_monotonic_ms;
};

static int64_t read_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / 1000000;
}

struct timespec clock_deadline(int64_t timeout_ms)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += (time_t)(timeout_ms / MS_PER_SECOND);
    deadline.tv_nsec += (long)(timeout_ms % MS_PER_SECOND) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    return deadline;
}

struct clock *clock_new_real(void)
{
    struct clock *clock = g_new0(struct clock, 1);
    clock->kind = CLOCK_REAL;
    clock->speed = 1;
    return clock;
}

struct clock *clock_new_anchored(int64_t start_ms, int64_t anchor_ms, double speed)
{
    g_assert(speed > 0);
    struct clock *clock = g_new0(struct clock, 1);
    clock->kind = CLOCK_SCALED;
    clock->start_ms = start_ms;
    clock->anchor_ms = anchor_ms;
    clock->speed = speed;
    return clock;
}

struct clock *clock_new_scaled(int64_t start_ms, double speed)
{
    return clock_new_anchored(start_ms, read_ms(CLOCK_REALTIME), speed);
}

struct clock *clock_new_manual(int64_t start_ms)
{
    struct clock *clock = g_new0(struct clock, 1);
    clock->kind = CLOCK_MANUAL;
    atomic_store(&clock->manual_now_ms, start_ms);
    return clock;
}

void clock_free(struct clock *clock)
{
    g_free(clock);
}

int64_t clock_now_ms(const struct clock *clock)
{
    switch (clock->kind) {
    case CLOCK_REAL:
        return read_ms(CLOCK_REALTIME);
    case CLOCK_SCALED:
        return clock->start_ms +
               (int64_t)((double)(read_ms(CLOCK_REALTIME) - clock->anchor_ms) * clock->speed);
    case CLOCK_MANUAL:
        break;
    }
    return atomic_load(&clock->manual_now_ms);
}

int64_t clock_monotonic_ms(const struct clock *clock)
{
    return clock->kind == CLOCK_MANUAL ? atomic_load(&clock->manual_monotonic_ms)
                                       : read_ms(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_us(const struct clock *clock)
{
    if (clock->kind == CLOCK_MANUAL)
        return atomic_load(&clock->manual_monotonic_ms) * 1000;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

double clock_speed(const struct clock *clock)
{
    return clock->kind == CLOCK_MANUAL ? 0 : clock->speed;
}

void clock_advance(struct clock *clock, int64_t delta_ms)
{
    g_assert(clock->kind == CLOCK_MANUAL && delta_ms >= 0);
    atomic_fetch_add(&clock->manual_now_ms, delta_ms);
    atomic_fetch_add(&clock->manual_monotonic_ms, delta_ms);
}

void clock_set_now(struct clock *clock, int64_t now_ms)
{
    g_assert(clock->kind == CLOCK_MANUAL);
    atomic_store(&clock->manual_now_ms, now_ms);
}

void clock_advance_monotonic(struct clock *clock, int64_t delta_ms)
{
    g_assert(clock->kind == CLOCK_MANUAL && delta_ms >= 0);
    atomic_fetch_add(&clock->manual_monotonic_ms, delta_ms);
}

static char *put_digits(char *at, int value, int count, char separator)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    at[count] = separator;
    return at + count + 1;
}

/* Digit by digit, without strftime: documents are full of times. */
char *clock_iso8601(int64_t time_ms, char buffer[CLOCK_ISO_BYTES])
{
    int64_t seconds = time_ms / MS_PER_SECOND - (time_ms % MS_PER_SECOND < 0);
    time_t unix_time = (time_t)seconds;
    struct tm tm = {0};
    gmtime_r(&unix_time, &tm);
    int year = tm.tm_year + 1900;
    if (year >= 1000 && year <= 9999) {
        char *at = put_digits(buffer, year, 4, '-');
        at = put_digits(at, tm.tm_mon + 1, 2, '-');
        at = put_digits(at, tm.tm_mday, 2, 'T');
        at = put_digits(at, tm.tm_hour, 2, ':');
        at = put_digits(at, tm.tm_min, 2, ':');
        at = put_digits(at, tm.tm_sec, 2, 'Z');
        *at = '\0';
        return buffer;
    }
    if (strftime(buffer, CLOCK_ISO_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        buffer[0] = '\0';
    return buffer;
}

/* Reads exactly count digits at *text; false where there are fewer. */
static bool read_digits(const char **text, int count, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *text += count;
    *ret_value = value;
    return true;
}

static bool read_char(const char **text, char wanted)
{
    if (**text != wanted)
        return false;
    (*text)++;
    return true;
}

/* Days since 1970-01-01 of a proleptic Gregorian date.
 * Source: Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil. */
static int64_t days_from_civil(int year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int64_t clock_parse_iso8601(const char *text)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, hour = 0, minute = 0, second = 0, ms = 0;
    if (!text || !read_digits(&text, 4, &year) || !read_char(&text, '-') ||
        !read_digits(&text, 2, &month) || !read_char(&text, '-') || !read_digits(&text, 2, &day))
        return -1;
    if (month < 1 || month > 12 || day < 1)
        return -1;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > month_days[month - 1] + (month == 2 && leap))
        return -1;
    if (*text != '\0') {
        if ((*text != 'T' && *text != ' ') || !text++ || !read_digits(&text, 2, &hour) ||
            !read_char(&text, ':') || !read_digits(&text, 2, &minute) || !read_char(&text, ':') ||
            !read_digits(&text, 2, &second) || hour > 23 || minute > 59 || second > 59)
            return -1;
        if (*text == '.') {
            text++;
            int scale = 100;
            for (; *text >= '0' && *text <= '9'; text++, scale /= 10)
                ms += (*text - '0') * scale;
        }
        if (*text == 'Z')
            text++;
        else if (*text == ' ' && g_str_equal(text, " UTC"))
            text += 4;
        if (*text != '\0')
            return -1;
    }
    return days_from_civil(year, month, day) * MS_PER_DAY + hour * MS_PER_HOUR +
           minute * MS_PER_MINUTE + second * MS_PER_SECOND + ms;
}

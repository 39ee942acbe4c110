#include "base/cron.h"

#include <string.h>

#include "base/clock.h"

#define EPOCH_JULIAN   719163    /* GDate's number of 1970-01-01 */
#define DAYS_LOOKED_AT (9 * 366) /* 29 February may be eight years away */
#define SOME_TIME_MS                                                                               \
    INT64_C(946684800000) /* 2000-01-01: the eight years from 2096 on are rarer                    \
                           */
#define FIELDS       5
#define NAME_LETTERS 3

struct field {
    const char *name;
    int low, high;
    const char *const *names; /* of low, low + 1 ...; NULL: numbers only */
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct field fields[FIELDS] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of the month", 1, 31, NULL},
    {"month", 1, 12, month_names},
    {"day of the week", 0, 7, weekday_names},
};

static const struct {
    const char *word, *line;
} shorthands[] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

/* ---- reading ---- */

static bool read_number(const char **at, int *ret_value)
{
    if (!g_ascii_isdigit(**at))
        return false;
    char *end;
    guint64 value = g_ascii_strtoull(*at, &end, 10);
    if (value > 99)
        return false;
    *at = end;
    *ret_value = (int)value;
    return true;
}

static bool read_value(const struct field *field, const char **at, int *ret_value)
{
    for (int i = 0; field->names && field->names[i]; i++) {
        if (g_ascii_strncasecmp(*at, field->names[i], NAME_LETTERS) == 0) {
            *at += NAME_LETTERS;
            *ret_value = field->low + i;
            return true;
        }
    }
    return read_number(at, ret_value) && *ret_value >= field->low && *ret_value <= field->high;
}

/* "*", "5", "5-9", each perhaps with "/step"; "5/2" is 5-high/2. */
static bool read_item(const struct field *field, const char **at, uint64_t *bits)
{
    int low = field->low, high = field->high, step = 1;
    if (field->names == weekday_names)
        high = 6; /* "*" has Sunday once */
    if (**at == '*') {
        ++*at;
    } else {
        if (!read_value(field, at, &low))
            return false;
        bool range = **at == '-';
        if (range && (++*at, !read_value(field, at, &high)))
            return false;
        if (!range && **at != '/')
            high = low;
    }
    if (**at == '/' && (++*at, !read_number(at, &step)))
        return false;
    if (step == 0 || high < low)
        return false;
    for (int value = low; value <= high; value += step)
        *bits |= UINT64_C(1) << value;
    return true;
}

static bool read_field(const struct field *field, const char *text, uint64_t *ret_bits)
{
    uint64_t bits = 0;
    const char *at = text;
    if (!read_item(field, &at, &bits))
        return false;
    while (*at == ',') {
        at++;
        if (!read_item(field, &at, &bits))
            return false;
    }
    *ret_bits = bits;
    return *at == '\0';
}

/* The fields that aren't empty; count: how many. */
static void split(const char *text, GPtrArray *words)
{
    g_auto(GStrv) parts = g_strsplit_set(text, " \t", -1);
    for (char **part = parts; *part; part++) {
        if (**part)
            g_ptr_array_add(words, g_strdup(*part));
    }
}

static const char *long_form(const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(shorthands); i++) {
        if (g_ascii_strcasecmp(text, shorthands[i].word) == 0)
            return shorthands[i].line;
    }
    return text;
}

/* ---- days ---- */

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static bool has(uint64_t bits, int value)
{
    return bits >> value & 1;
}

static bool day_is_due(const struct cron *cron, int64_t day)
{
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_julian(&date, (guint32)(day + EPOCH_JULIAN));
    bool of_month = has(cron->days, g_date_get_day(&date));
    bool of_week = has(cron->weekdays, (int)g_date_get_weekday(&date) % 7); /* GLib's Sunday is 7 */
    return has(cron->months, (int)g_date_get_month(&date)) &&
           (cron->either_day ? of_month || of_week : of_month && of_week);
}

/* The nearest due minute of a day from one on, in a direction (+1, -1); -1: none. */
static int find_minute(const struct cron *cron, int from, int direction)
{
    for (int minute = from; minute >= 0 && minute < 24 * 60; minute += direction) {
        if (has(cron->hours, minute / 60) && has(cron->minutes, minute % 60))
            return minute;
    }
    return -1;
}

/* The nearest due minute since the epoch; -1: none within sight. */
static int64_t find(const struct cron *cron, int64_t minute, int direction)
{
    int64_t day = floor_div(minute, 24 * 60);
    int from = (int)(minute - day * 24 * 60);
    for (int days = 0; days < DAYS_LOOKED_AT; days++, day += direction) {
        int found = day_is_due(cron, day) ? find_minute(cron, from, direction) : -1;
        if (found >= 0)
            return day * 24 * 60 + found;
        from = direction > 0 ? 0 : 24 * 60 - 1;
    }
    return -1;
}

/* ---- public ---- */

bool cron_parse(const char *text, struct cron *ret_cron, GError **error)
{
    if (strlen(text) > CRON_TEXT_BYTES_MAX) {
        error_set(error, CONFIG, "expected a cron line of at most %d bytes", CRON_TEXT_BYTES_MAX);
        return false;
    }
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    split(long_form(text), words);
    if (words->len != FIELDS) {
        error_set(
            error, CONFIG,
            "expected a cron line of %d fields (minute, hour, day of the month, month, day of "
            "the week) such as \"0 */4 * * *\", found %u",
            FIELDS, words->len);
        return false;
    }
    uint64_t bits[FIELDS];
    for (int i = 0; i < FIELDS; i++) {
        if (read_field(&fields[i], words->pdata[i], &bits[i]))
            continue;
        error_set(error, CONFIG, "%s: expected *, or numbers from %d to %d%s, such as 1,5-9 or */2",
                  fields[i].name, fields[i].low, fields[i].high,
                  fields[i].names ? " (or names such as jan, mon)" : "");
        return false;
    }
    const char *day = words->pdata[2], *weekday = words->pdata[4];
    struct cron cron = {
        .minutes = bits[0],
        .hours = (uint32_t)bits[1],
        .days = (uint32_t)bits[2],
        .months = (uint32_t)bits[3],
        .weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f),
        .either_day = *day != '*' && *weekday != '*',
    };
    if (find(&cron, SOME_TIME_MS / MS_PER_MINUTE, 1) < 0) {
        error_set(error, CONFIG, "no such day ever comes");
        return false;
    }
    *ret_cron = cron;
    return true;
}

int64_t cron_last(const struct cron *cron, int64_t time_ms)
{
    return find(cron, floor_div(time_ms, MS_PER_MINUTE), -1) * MS_PER_MINUTE;
}

int64_t cron_next(const struct cron *cron, int64_t time_ms)
{
    return find(cron, floor_div(time_ms, MS_PER_MINUTE) + 1, 1) * MS_PER_MINUTE;
}

int64_t cron_longest_gap_ms(const struct cron *cron)
{
    int64_t longest_ms = 0, last_ms = cron_next(cron, SOME_TIME_MS);
    for (int i = 0; i < CRON_GAPS_LOOKED_AT; i++) {
        int64_t next_ms = cron_next(cron, last_ms);
        longest_ms = MAX(longest_ms, next_ms - last_ms);
        last_ms = next_ms;
    }
    return longest_ms;
}

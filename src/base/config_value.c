/* Texts of settings and their values.
 *
 *   duration  one or more of <whole number><unit>, units falling: d h m s ms    "30s" "1h30m"   ->
 * ms size      <whole number><unit>, units B KB MB GB of 1024                    "64KB"          ->
 * bytes number    decimal, with point and exponent as in C; no hexadecimal, no inf, no nan
 *
 * Every value has exactly one shortest text, which config_value_text writes and config_value_parse
 * reads. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/config_table.h"
#include "base/number.h"

#define QUOTED_CHARS_MAX 60

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit duration_units[] = {
    {"d", MS_PER_DAY}, {"h", MS_PER_HOUR}, {"m", MS_PER_MINUTE}, {"s", MS_PER_SECOND}, {"ms", 1},
};
static const struct unit size_units[] = {
    {"GB", INT64_C(1) << 30},
    {"MB", 1 << 20},
    {"KB", 1 << 10},
    {"B", 1},
};

/* Reads digits at *text; false where there are none or they pass 2^63. */
static bool read_whole(const char **text, int64_t *ret_value)
{
    int64_t value = 0;
    const char *at = *text;
    for (; g_ascii_isdigit(*at); at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *at - '0', &value))
            return false;
    if (at == *text)
        return false;
    *text = at;
    *ret_value = value;
    return true;
}

static const struct unit *read_unit(const char **text, const struct unit *units, size_t count)
{
    size_t len = 0;
    while (g_ascii_isalpha((*text)[len]))
        len++;
    for (size_t i = 0; i < count; i++)
        if (strlen(units[i].name) == len && memcmp(units[i].name, *text, len) == 0) {
            *text += len;
            return &units[i];
        }
    return NULL;
}

/* Terms of falling units, at most terms_max of them. */
static bool read_units(
    const char *text, const struct unit *units, size_t count, size_t terms_max, int64_t *ret_value)
{
    int64_t total = 0;
    const struct unit *last = NULL;
    for (size_t terms = 0; terms == 0 || *text; terms++) {
        int64_t term;
        if (terms == terms_max || !read_whole(&text, &term))
            return false;
        const struct unit *unit = read_unit(&text, units, count);
        if (!unit || (last && unit <= last) || __builtin_mul_overflow(term, unit->factor, &term) ||
            __builtin_add_overflow(total, term, &total))
            return false;
        last = unit;
    }
    *ret_value = total;
    return true;
}

static bool read_integer(const char *text, int64_t *ret_value)
{
    bool negative = *text == '-';
    text += negative;
    int64_t value;
    if (!read_whole(&text, &value) || *text)
        return false;
    *ret_value = negative ? -value : value;
    return true;
}

static bool read_number(const char *text, double *ret_value)
{
    char *end = NULL;
    if (!*text || text[strspn(text, "+-.0123456789eE")] != '\0')
        return false;
    errno = 0;
    double value = g_ascii_strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        return false;
    *ret_value = value;
    return true;
}

/* Integers, durations and sizes alike. */
static bool read_row_integer(const struct config_row *row, const char *text, int64_t *ret_value)
{
    if (row->type == CONFIG_TYPE_DURATION)
        return read_units(text, duration_units, G_N_ELEMENTS(duration_units),
                          G_N_ELEMENTS(duration_units), ret_value);
    if (row->type == CONFIG_TYPE_SIZE)
        return read_units(text, size_units, G_N_ELEMENTS(size_units), 1, ret_value);
    return read_integer(text, ret_value);
}

static bool in_integer_range(const struct config_row *row, int64_t value)
{
    int64_t min = INT64_MIN, max = INT64_MAX;
    bool sane = read_row_integer(row, row->min, &min) && read_row_integer(row, row->max, &max);
    g_assert(sane); /* config.def is ours */
    return value >= min && value <= max;
}

static bool in_number_range(const struct config_row *row, double value)
{
    double min = 0, max = 0;
    bool sane = read_number(row->min, &min) && read_number(row->max, &max);
    g_assert(sane);
    return value >= min && value <= max;
}

static bool is_choice(const struct config_row *row, const char *text)
{
    g_auto(GStrv) choices = g_strsplit(row->choices, "|", -1);
    return g_strv_contains((const char *const *)choices, text);
}

static bool is_one_line(const char *text)
{
    if (strlen(text) > CONFIG_TEXT_BYTES_MAX || !g_utf8_validate(text, -1, NULL))
        return false;
    for (; *text; text++)
        if (g_ascii_iscntrl(*text))
            return false;
    return true;
}

static bool parse(const struct config_row *row, const char *text, union config_value *value)
{
    if (!is_one_line(text))
        return false;
    switch (row->type) {
    case CONFIG_TYPE_BOOL:
        value->truth = g_str_equal(text, "true");
        return value->truth || g_str_equal(text, "false");
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_DURATION:
    case CONFIG_TYPE_SIZE:
        return read_row_integer(row, text, &value->integer) &&
               in_integer_range(row, value->integer);
    case CONFIG_TYPE_DOUBLE:
        return read_number(text, &value->number) && in_number_range(row, value->number);
    case CONFIG_TYPE_CHOICE:
        if (!is_choice(row, text))
            return false;
        break;
    case CONFIG_TYPE_STRING:
    case CONFIG_TYPE_SECRET:
        break;
    }
    value->text = row->type == CONFIG_TYPE_SECRET && !*text ? NULL : g_strdup(text);
    return true;
}

bool config_value_parse(const struct config_row *row,
                        const char *text,
                        union config_value *ret_value,
                        GError **error)
{
    union config_value value = {0};
    if (parse(row, text, &value)) {
        *ret_value = value;
        return true;
    }
    g_autofree char *expected = config_expectation(row);
    g_autofree char *found =
        row->type == CONFIG_TYPE_SECRET ? g_strdup("something else") : config_quote(text);
    error_set(error, CONFIG, "expected %s, found %s", expected, found);
    return false;
}

char *config_duration_text(int64_t duration_ms)
{
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(duration_units); i++) {
        int64_t count = duration_ms / duration_units[i].factor;
        duration_ms -= count * duration_units[i].factor;
        if (count)
            g_string_append_printf(out, "%" G_GINT64_FORMAT "%s", (gint64)count,
                                   duration_units[i].name);
    }
    if (!out->len)
        g_string_append(out, "0s");
    return g_string_free(out, FALSE);
}

static char *size_text(int64_t bytes)
{
    const struct unit *unit = size_units;
    while (unit->factor > 1 && (bytes % unit->factor || !bytes))
        unit++;
    return g_strdup_printf("%" G_GINT64_FORMAT "%s", (gint64)(bytes / unit->factor), unit->name);
}

char *config_value_text(const struct config *config, const struct config_row *row)
{
    const void *field = (const char *)config + row->offset;
    char number[NUMBER_TEXT_BYTES];
    switch (row->type) {
    case CONFIG_TYPE_BOOL:
        return g_strdup(*(const bool *)field ? "true" : "false");
    case CONFIG_TYPE_INT:
        return g_strdup_printf("%" G_GINT64_FORMAT, (gint64) * (const int64_t *)field);
    case CONFIG_TYPE_DOUBLE:
        return g_strdup(number_text(*(const double *)field, number));
    case CONFIG_TYPE_DURATION:
        return config_duration_text(*(const int64_t *)field);
    case CONFIG_TYPE_SIZE:
        return size_text(*(const int64_t *)field);
    case CONFIG_TYPE_STRING:
    case CONFIG_TYPE_SECRET:
    case CONFIG_TYPE_CHOICE:
        break;
    }
    const char *text = *(char *const *)field;
    return g_strdup(text ? text : "");
}

char *config_expectation(const struct config_row *row)
{
    switch (row->type) {
    case CONFIG_TYPE_BOOL:
        return g_strdup("true or false");
    case CONFIG_TYPE_INT:
        return g_strdup_printf("a whole number from %s to %s", row->min, row->max);
    case CONFIG_TYPE_DOUBLE:
        return g_strdup_printf("a number from %s to %s", row->min, row->max);
    case CONFIG_TYPE_DURATION:
        return g_strdup_printf("a duration from %s to %s (such as 250ms, 30s, 5m, 1h30m, 2d)",
                               row->min, row->max);
    case CONFIG_TYPE_SIZE:
        return g_strdup_printf("a size from %s to %s (such as 512B, 64KB, 8MB, 2GB)", row->min,
                               row->max);
    case CONFIG_TYPE_CHOICE: {
        g_auto(GStrv) choices = g_strsplit(row->choices, "|", -1);
        g_autofree char *list = g_strjoinv(", ", choices);
        return g_strdup_printf("one of %s", list);
    }
    case CONFIG_TYPE_STRING:
    case CONFIG_TYPE_SECRET:
        break;
    }
    return g_strdup_printf("one line of text (UTF-8, at most %zu bytes)", CONFIG_TEXT_BYTES_MAX);
}

char *config_mask_url(const char *text)
{
    const char *scheme = strstr(text, "://");
    if (!scheme)
        return g_strdup(text);
    const char *host = scheme + 3;
    const char *end = host + strcspn(host, "/?#");
    const char *at = memrchr(host, '@', (size_t)(end - host));
    const char *colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;
    if (!colon)
        return g_strdup(text);
    return g_strdup_printf("%.*s***%s", (int)(colon + 1 - text), text, at);
}

char *config_quote(const char *text)
{
    if (!*text)
        return g_strdup("nothing");
    g_autofree char *masked = config_mask_url(text);
    g_autofree char *valid =
        g_utf8_make_valid(masked, (gssize)MIN(strlen(masked), CONFIG_TEXT_BYTES_MAX));
    g_autofree char *start =
        g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), QUOTED_CHARS_MAX));
    GString *out = g_string_new("\"");
    for (const char *at = start; *at; at++) {
        if (g_ascii_iscntrl(*at))
            g_string_append_printf(out, "\\x%02x", (unsigned char)*at);
        else
            g_string_append_c(out, *at);
    }
    g_string_append(out, strlen(start) < strlen(valid) ? "…\"" : "\"");
    return g_string_free(out, FALSE);
}

char *config_variable(const struct config_row *row)
{
    g_autofree char *name = g_strdup_printf("MARQUEE_%s_%s", row->section, row->key);
    return g_ascii_strup(name, -1);
}

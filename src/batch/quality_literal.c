#include "batch/quality_literal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/number.h"

#define DATE_LEN strlen("2026-03-03")

enum quality_class quality_class_of(const char *type)
{
    static const struct {
        const char *type;
        enum quality_class class;
    } known[] = {
        {"TINYINT", QUALITY_CLASS_WHOLE},     {"SMALLINT", QUALITY_CLASS_WHOLE},
        {"INTEGER", QUALITY_CLASS_WHOLE},     {"BIGINT", QUALITY_CLASS_WHOLE},
        {"HUGEINT", QUALITY_CLASS_WHOLE},     {"UTINYINT", QUALITY_CLASS_WHOLE},
        {"USMALLINT", QUALITY_CLASS_WHOLE},   {"UINTEGER", QUALITY_CLASS_WHOLE},
        {"UBIGINT", QUALITY_CLASS_WHOLE},     {"FLOAT", QUALITY_CLASS_FLOAT},
        {"DOUBLE", QUALITY_CLASS_FLOAT},      {"VARCHAR", QUALITY_CLASS_TEXT},
        {"BOOLEAN", QUALITY_CLASS_BOOL},      {"DATE", QUALITY_CLASS_DATE},
        {"TIMESTAMP", QUALITY_CLASS_TIME},    {"TIMESTAMP_S", QUALITY_CLASS_TIME},
        {"TIMESTAMP_MS", QUALITY_CLASS_TIME}, {"TIMESTAMP_NS", QUALITY_CLASS_TIME},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (strcmp(known[i].type, type) == 0)
            return known[i].class;
    }
    bool decimal = g_str_has_prefix(type, "DECIMAL(") && g_str_has_suffix(type, ")");
    return decimal ? QUALITY_CLASS_NUMBER : QUALITY_CLASS_NESTED;
}

const char *quality_class_name(enum quality_class class)
{
    static const char *const names[] = {
        [QUALITY_CLASS_WHOLE] = "a number",
        [QUALITY_CLASS_FLOAT] = "a number",
        [QUALITY_CLASS_NUMBER] = "a number",
        [QUALITY_CLASS_TEXT] = "a text",
        [QUALITY_CLASS_BOOL] = "a bool",
        [QUALITY_CLASS_DATE] = "a date (2026-03-03)",
        [QUALITY_CLASS_TIME] = "a time (2026-03-03T04:05:06)",
        [QUALITY_CLASS_NESTED] = "a list or struct",
    };
    return names[class];
}

bool quality_class_is_number(enum quality_class class)
{
    return class == QUALITY_CLASS_WHOLE || class == QUALITY_CLASS_FLOAT ||
           class == QUALITY_CLASS_NUMBER;
}

void quality_literal_name(GString *out, const char *name)
{
    g_string_append_c(out, '"');
    for (; *name; name++) {
        if (*name == '"')
            g_string_append_c(out, '"');
        g_string_append_c(out, *name);
    }
    g_string_append_c(out, '"');
}

/* A statement is text that ends at a NUL, so one within is put together: 'a' || chr(0) || 'b'. */
void quality_literal_text(GString *out, const char *text, size_t len)
{
    g_string_append(out, "('");
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\0')
            g_string_append(out, "' || chr(0) || '");
        else if (text[i] == '\'')
            g_string_append(out, "''");
        else
            g_string_append_c(out, text[i]);
    }
    g_string_append(out, "')");
}

static void append_number(GString *out, const json_t *value)
{
    char number[NUMBER_TEXT_BYTES];
    if (json_is_integer(value))
        g_string_append_printf(out, "(%" JSON_INTEGER_FORMAT ")", json_integer_value(value));
    else
        g_string_append_printf(out, "CAST('%s' AS DOUBLE)",
                               number_text(json_real_value(value), number));
}

/* Reads n digits. */
static bool take_digits(const char **at, int n, unsigned *ret_value)
{
    unsigned value = 0;
    for (int i = 0; i < n; i++) {
        if (!g_ascii_isdigit(**at))
            return false;
        value = value * 10 + (unsigned)(*(*at)++ - '0');
    }
    *ret_value = value;
    return true;
}

static bool take_date(const char **at)
{
    unsigned year, month, day;
    return take_digits(at, 4, &year) && *(*at)++ == '-' && take_digits(at, 2, &month) &&
           *(*at)++ == '-' && take_digits(at, 2, &day) && year > 0 && month >= 1 && month <= 12 &&
           g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)year);
}

static bool is_date(const char *text)
{
    return strlen(text) == DATE_LEN && take_date(&text);
}

/* A date, or with a time of day: "T" or a space, HH:MM:SS. */
static bool is_time(const char *text)
{
    unsigned hour, minute, second;
    if (is_date(text))
        return true;
    return strlen(text) == strlen("2026-03-03T04:05:06") && take_date(&text) &&
           (*text == 'T' || *text == ' ') && text++ && take_digits(&text, 2, &hour) &&
           *text++ == ':' && take_digits(&text, 2, &minute) && *text++ == ':' &&
           take_digits(&text, 2, &second) && hour < 24 && minute < 60 && second < 60;
}

bool quality_class_takes(enum quality_class class, const json_t *value)
{
    switch (class) {
    case QUALITY_CLASS_WHOLE:
    case QUALITY_CLASS_FLOAT:
    case QUALITY_CLASS_NUMBER:
        return json_is_integer(value) || (json_is_real(value) && isfinite(json_real_value(value)));
    case QUALITY_CLASS_TEXT:
        return json_is_string(value);
    case QUALITY_CLASS_BOOL:
        return json_is_boolean(value);
    case QUALITY_CLASS_DATE:
    case QUALITY_CLASS_TIME:
        if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
            return false;
        return class == QUALITY_CLASS_DATE ? is_date(json_string_value(value))
                                           : is_time(json_string_value(value));
    case QUALITY_CLASS_NESTED:
        return false;
    }
    return false;
}

bool quality_literal(GString *out, enum quality_class class, const json_t *value, GError **error)
{
    if (!quality_class_takes(class, value)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        error_set(error, BADDATA, "%.64s can't be compared with %s", text ? text : "null",
                  quality_class_name(class));
        free(text);
        return false;
    }
    if (quality_class_is_number(class)) {
        append_number(out, value);
    } else if (class == QUALITY_CLASS_BOOL) {
        g_string_append(out, json_is_true(value) ? "TRUE" : "FALSE");
    } else if (class == QUALITY_CLASS_TEXT) {
        quality_literal_text(out, json_string_value(value), json_string_length(value));
    } else {
        g_string_append(out, "CAST(");
        quality_literal_text(out, json_string_value(value), json_string_length(value));
        g_string_append(out, class == QUALITY_CLASS_DATE ? " AS DATE)" : " AS TIMESTAMP)");
    }
    return true;
}

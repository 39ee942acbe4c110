#include "base/json_writer.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"

/* Before a key or a value. */
static void separate(GString *out)
{
    if (out->len == 0)
        return;
    char last = out->str[out->len - 1];
    if (last != '{' && last != '[' && last != ':')
        g_string_append_c(out, ',');
}

void json_write_object(GString *out)
{
    separate(out);
    g_string_append_c(out, '{');
}

void json_write_object_end(GString *out)
{
    g_string_append_c(out, '}');
}

void json_write_array(GString *out)
{
    separate(out);
    g_string_append_c(out, '[');
}

void json_write_array_end(GString *out)
{
    g_string_append_c(out, ']');
}

void json_write_key(GString *out, const char *key)
{
    separate(out);
    g_string_append_c(out, '"');
    g_string_append(out, key);
    g_string_append(out, "\":");
}

static void append_control(GString *out, unsigned char byte)
{
    switch (byte) {
    case '\n':
        g_string_append(out, "\\n");
        break;
    case '\r':
        g_string_append(out, "\\r");
        break;
    case '\t':
        g_string_append(out, "\\t");
        break;
    default:
        g_string_append_printf(out, "\\u%04x", byte);
    }
}

static void append_escaped(GString *out, const char *text, size_t len)
{
    size_t plain = 0; /* start of what needs no escape */
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        g_string_append_len(out, text + plain, (gssize)(i - plain));
        plain = i + 1;
        if (byte < 0x20) {
            append_control(out, byte);
        } else {
            g_string_append_c(out, '\\');
            g_string_append_c(out, (char)byte);
        }
    }
    g_string_append_len(out, text + plain, (gssize)(len - plain));
}

void json_write_string(GString *out, const char *text)
{
    if (!text) {
        json_write_null(out);
        return;
    }
    separate(out);
    g_string_append_c(out, '"');
    size_t len = strlen(text);
    if (g_utf8_validate(text, (gssize)len, NULL)) {
        append_escaped(out, text, len);
    } else {
        g_autofree char *valid = g_utf8_make_valid(text, (gssize)len);
        append_escaped(out, valid, strlen(valid));
    }
    g_string_append_c(out, '"');
}

/* Digits of a number, at least so many. A document has thousands of numbers, and printf would be
 * most of what it costs to write it. */
static void append_digits(GString *out, uint64_t value, int least)
{
    char text[20]; /* 2^64 has as many */
    int at = (int)sizeof text;
    for (; value > 0 || (int)sizeof text - at < least; value /= 10)
        text[--at] = (char)('0' + value % 10);
    g_string_append_len(out, text + at, (gssize)sizeof text - at);
}

void json_write_int(GString *out, int64_t value)
{
    separate(out);
    if (value < 0)
        g_string_append_c(out, '-');
    append_digits(out, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
}

void json_write_double(GString *out, double value)
{
    if (!isfinite(value)) {
        json_write_null(out);
        return;
    }
    char text[NUMBER_TEXT_BYTES];
    separate(out);
    g_string_append(out, number_text(value, text));
}

void json_write_e4(GString *out, int64_t value_e4)
{
    int64_t whole = value_e4 / 10000, rest = value_e4 % 10000;
    separate(out);
    if (value_e4 < 0)
        g_string_append_c(out, '-');
    append_digits(out, (uint64_t)(whole < 0 ? -whole : whole), 1);
    if (rest == 0)
        return;
    g_string_append_c(out, '.');
    append_digits(out, (uint64_t)(rest < 0 ? -rest : rest), 4);
    while (out->str[out->len - 1] == '0')
        g_string_truncate(out, out->len - 1);
}

void json_write_bool(GString *out, bool value)
{
    separate(out);
    g_string_append(out, value ? "true" : "false");
}

void json_write_null(GString *out)
{
    separate(out);
    g_string_append(out, "null");
}

void json_write_time(GString *out, int64_t time_ms)
{
    char text[CLOCK_ISO_BYTES];
    separate(out);
    g_string_append_c(out, '"');
    g_string_append(out, clock_iso8601(time_ms, text));
    g_string_append_c(out, '"');
}

void json_write_raw(GString *out, const char *json, size_t len)
{
    separate(out);
    g_string_append_len(out, json, (gssize)len);
}

void json_add_string(GString *out, const char *key, const char *text)
{
    json_write_key(out, key);
    json_write_string(out, text);
}

void json_add_int(GString *out, const char *key, int64_t value)
{
    json_write_key(out, key);
    json_write_int(out, value);
}

void json_add_double(GString *out, const char *key, double value)
{
    json_write_key(out, key);
    json_write_double(out, value);
}

void json_add_e4(GString *out, const char *key, int64_t value_e4)
{
    json_write_key(out, key);
    json_write_e4(out, value_e4);
}

void json_add_bool(GString *out, const char *key, bool value)
{
    json_write_key(out, key);
    json_write_bool(out, value);
}

void json_add_null(GString *out, const char *key)
{
    json_write_key(out, key);
    json_write_null(out);
}

void json_add_time(GString *out, const char *key, int64_t time_ms)
{
    json_write_key(out, key);
    json_write_time(out, time_ms);
}

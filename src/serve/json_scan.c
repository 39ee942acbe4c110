#include "serve/json_scan.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"

#define NUMBER_BYTES_MAX 63

struct span json_scan_text(const char *text)
{
    return (struct span){.data = text, .len = strlen(text)};
}

static size_t skip_space(struct span text, size_t at)
{
    while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\n' ||
                             text.data[at] == '\t' || text.data[at] == '\r'))
        at++;
    return at;
}

/* at stands on the opening quote; the place behind the closing one, or 0. */
static size_t skip_string(struct span text, size_t at)
{
    for (at++; at < text.len; at++) {
        if (text.data[at] == '\\')
            at++;
        else if (text.data[at] == '"')
            return at + 1;
    }
    return 0;
}

/* at stands on '{' or '['; the place behind its partner, or 0. */
static size_t skip_container(struct span text, size_t at)
{
    char closing[JSON_SCAN_DEPTH_MAX];
    size_t depth = 0;
    while (at < text.len) {
        char c = text.data[at];
        if (c == '"') {
            at = skip_string(text, at);
            if (at == 0)
                return 0;
            continue;
        }
        if (c == '{' || c == '[') {
            if (depth == JSON_SCAN_DEPTH_MAX)
                return 0;
            closing[depth++] = c == '{' ? '}' : ']';
        } else if (c == '}' || c == ']') {
            if (closing[depth - 1] != c)
                return 0;
            if (--depth == 0)
                return at + 1;
        }
        at++;
    }
    return 0;
}

/* A number or a word: up to what can't be in one. */
static size_t skip_plain(struct span text, size_t at)
{
    size_t start = at;
    while (at < text.len && !strchr(",:]}[{\" \t\r\n", text.data[at]))
        at++;
    return at > start ? at : 0;
}

static size_t skip_value(struct span text, size_t at)
{
    if (at >= text.len)
        return 0;
    switch (text.data[at]) {
    case '"':
        return skip_string(text, at);
    case '{':
    case '[':
        return skip_container(text, at);
    default:
        return skip_plain(text, at);
    }
}

static struct span cut(struct span text, size_t from, size_t to)
{
    return (struct span){.data = text.data + from, .len = to - from};
}

/* at stands on a key's quote; sets the key, returns the place of the value, or 0. */
static size_t read_key(struct span text, size_t at, struct span *ret_key)
{
    if (at >= text.len || text.data[at] != '"')
        return 0;
    size_t end = skip_string(text, at);
    if (end == 0)
        return 0;
    *ret_key = cut(text, at + 1, end - 1);
    end = skip_space(text, end);
    if (end >= text.len || text.data[end] != ':')
        return 0;
    return skip_space(text, end + 1);
}

bool json_scan_next(struct span container,
                    size_t *cursor,
                    struct span *ret_key,
                    struct span *ret_value)
{
    size_t at = skip_space(container, *cursor == 0 ? 0 : *cursor);
    if (at >= container.len)
        return false;
    char c = container.data[at];
    if (*cursor == 0 ? c != '{' && c != '[' : c != ',')
        return false; /* not a container; or its end */
    at = skip_space(container, at + 1);
    size_t first = skip_space(container, 0);
    bool object = container.data[first] == '{';
    if (at < container.len && container.data[at] == (object ? '}' : ']'))
        return false;
    struct span key = {0};
    if (object && (at = read_key(container, at, &key)) == 0)
        return false;
    size_t end = skip_value(container, at);
    if (end == 0)
        return false;
    if (ret_key)
        *ret_key = key;
    *ret_value = cut(container, at, end);
    *cursor = end;
    return true;
}

bool json_scan_member(struct span object, const char *key, struct span *ret_value)
{
    size_t key_len = strlen(key), first = skip_space(object, 0);
    if (first >= object.len || object.data[first] != '{')
        return false;
    struct span name, value;
    for (size_t cursor = 0; json_scan_next(object, &cursor, &name, &value);) {
        if (name.len == key_len && memcmp(name.data, key, key_len) == 0) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

bool json_scan_double(struct span value, double *ret_value)
{
    char text[NUMBER_BYTES_MAX + 1];
    if (value.len == 0 || value.len > NUMBER_BYTES_MAX ||
        !(g_ascii_isdigit(value.data[0]) || value.data[0] == '-'))
        return false;
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    char *end;
    double number = g_ascii_strtod(text, &end);
    if (*end || !isfinite(number))
        return false;
    *ret_value = number;
    return true;
}

bool json_scan_int(struct span value, int64_t *ret_value)
{
    char text[NUMBER_BYTES_MAX + 1];
    if (value.len == 0 || value.len > NUMBER_BYTES_MAX ||
        !(g_ascii_isdigit(value.data[0]) || value.data[0] == '-'))
        return false;
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    char *end;
    errno = 0;
    int64_t number = g_ascii_strtoll(text, &end, 10);
    if (*end || errno)
        return false;
    *ret_value = number;
    return true;
}

bool json_scan_time(struct span value, int64_t *ret_time_ms)
{
    char text[CLOCK_ISO_BYTES];
    if (value.len < 2 || value.len - 2 >= sizeof text || value.data[0] != '"')
        return false;
    memcpy(text, value.data + 1, value.len - 2);
    text[value.len - 2] = '\0';
    int64_t time_ms = clock_parse_iso8601(text);
    if (time_ms < 0)
        return false;
    *ret_time_ms = time_ms;
    return true;
}

/* Four hex digits at text[at]; -1 where they aren't. */
static int read_hex4(struct span text, size_t at)
{
    int number = 0;
    for (size_t i = at; i < at + 4; i++) {
        int digit = i < text.len ? g_ascii_xdigit_value(text.data[i]) : -1;
        if (digit < 0)
            return -1;
        number = number * 16 + digit;
    }
    return number;
}

/* at stands behind "\u"; the code point, and how many characters it took. A lone surrogate is
 * U+FFFD. */
static gunichar read_code_point(struct span text, size_t at, size_t *ret_used)
{
    int high = read_hex4(text, at);
    *ret_used = 4;
    if (high < 0)
        return 0xFFFD;
    if (high < 0xD800 || high > 0xDFFF)
        return (gunichar)high;
    if (high <= 0xDBFF && at + 6 <= text.len && text.data[at + 4] == '\\' &&
        text.data[at + 5] == 'u') {
        int low = read_hex4(text, at + 6);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *ret_used = 10;
            return 0x10000 + (((gunichar)high - 0xD800) << 10) + ((gunichar)low - 0xDC00);
        }
    }
    return 0xFFFD;
}

static char simple_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

bool json_scan_string(struct span value, struct arena *arena, const char **ret_text)
{
    if (value.len < 2 || value.data[0] != '"' || value.data[value.len - 1] != '"')
        return false;
    struct span inner = cut(value, 1, value.len - 1);
    /* An escape is never shorter than what it stands for. */
    char *out = arena_alloc(arena, inner.len + 4);
    size_t len = 0;
    for (size_t i = 0; i < inner.len; i++) {
        if (inner.data[i] != '\\' || i + 1 == inner.len) {
            out[len++] = inner.data[i];
        } else if (inner.data[++i] != 'u') {
            out[len++] = simple_escape(inner.data[i]);
        } else {
            size_t used;
            gunichar code = read_code_point(inner, i + 1, &used);
            len += (size_t)g_unichar_to_utf8(code, out + len);
            i += used;
        }
    }
    out[len] = '\0';
    *ret_text = out;
    return true;
}

#include "tmdb_sim/decimal.h"

#define TEXT_BYTES 32

void decimal_write_int(GString *out, int64_t value)
{
    char text[TEXT_BYTES];
    char *at = text + sizeof text;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        *--at = '-';
    g_string_append_len(out, at, text + sizeof text - at);
}

void decimal_write(GString *out, int64_t value, int digits)
{
    g_assert(value >= 0 && digits >= 1 && digits <= DECIMAL_DIGITS_MAX);
    char text[TEXT_BYTES];
    char *end = text + sizeof text, *at = end;
    for (int i = 0; i < digits; i++, value /= 10)
        *--at = (char)('0' + value % 10);
    char *fraction = at;
    while (end > fraction + 1 && end[-1] == '0')
        end--;
    *--at = '.';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    g_string_append_len(out, at, end - at);
}

/* unicode.c: see unicode.h. The well-formed byte sequences are Table 3-7 of the Unicode Standard.
 */
#include "sentiment/unicode.h"

#include <assert.h>

uint32_t unicode_decode(const unsigned char *at, const unsigned char *end, size_t *ret_len)
{
    uint32_t lead = at[0], code;
    unsigned char low = 0x80, high = 0xBF; /* what the second byte may be */
    size_t len;

    *ret_len = 1;
    if (lead < 0x80)
        return lead;
    if (lead < 0xC2 || lead > 0xF4)
        return UNICODE_REPLACEMENT;
    if (lead < 0xE0) {
        len = 2;
        code = lead & 0x1F;
    } else if (lead < 0xF0) {
        len = 3;
        code = lead & 0x0F;
        if (lead == 0xE0) /* below would be overlong, above a surrogate */
            low = 0xA0;
        else if (lead == 0xED)
            high = 0x9F;
    } else {
        len = 4;
        code = lead & 0x07;
        if (lead == 0xF0)
            low = 0x90;
        else if (lead == 0xF4)
            high = 0x8F;
    }
    for (size_t i = 1; i < len; i++) {
        if (at + i == end || at[i] < low || at[i] > high) {
            *ret_len = i;
            return UNICODE_REPLACEMENT;
        }
        code = code << 6 | (at[i] & 0x3Fu);
        low = 0x80;
        high = 0xBF;
    }
    *ret_len = len;
    return code;
}

const char *unicode_emoji_description(uint32_t code)
{
    size_t from = 0, to = EMOJI_COUNT;

    while (from + 1 < to) {
        size_t middle = from + (to - from) / 2;
        if (unicode_emoji[middle].code <= code)
            from = middle;
        else
            to = middle;
    }
    assert(unicode_emoji[from].code == code);
    return unicode_emoji[from].description;
}

/* unicode.h: UTF-8 as Python decodes it, and what Python's str methods say about a code point.
 *
 * The classes are those of Unicode 14.0.0 (Python 3.11), from data/vader/unicode14.tsv, not of the
 * C library or of GLib, whose tables change under us: docs/decisions/0003-vader-exactness.md.
 */
#ifndef MARQUEE_SENTIMENT_UNICODE_H
#define MARQUEE_SENTIMENT_UNICODE_H

#include <stddef.h>
#include <stdint.h>

#include "sentiment/vader_tables.h"

#define UNICODE_REPLACEMENT 0xFFFDu

struct emoji {
    uint32_t code;
    const char *description; /* UTF-8, words separated by single spaces */
};

extern const struct emoji unicode_emoji[EMOJI_COUNT]; /* sorted by code */
extern const uint8_t unicode_stages[CODE_STAGE_COUNT];
extern const uint8_t unicode_blocks[CODE_BLOCK_COUNT][1 << CODE_BLOCK_BITS];

/* The class of a code point up to U+10FFFF. */
static inline enum code_class unicode_class(uint32_t code)
{
    uint32_t block = unicode_stages[code >> CODE_BLOCK_BITS];

    return (enum code_class)unicode_blocks[block][code & ((1u << CODE_BLOCK_BITS) - 1)];
}

/* The code point at `at` (before `end`); *ret_len is the number of bytes that it takes. Ill-formed
 * bytes give U+FFFD for each maximal subpart (Unicode, 3.9, U+FFFD substitution), as in Python. */
uint32_t unicode_decode(const unsigned char *at, const unsigned char *end, size_t *ret_len);

/* The description of a code point of class CODE_EMOJI. */
const char *unicode_emoji_description(uint32_t code);

#endif

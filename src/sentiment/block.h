/* block.h: 64 bytes of text at once, as bit masks: bit i is about byte i.
 *
 * The tokenizer asks for word ends, letters and capitals by bit arithmetic, which costs no
 * mispredicted branch a word. x86-64 always has SSE2; elsewhere (or with MARQUEE_NO_SIMD, which a
 * test uses to compare) a loop over a table of classes gives the same masks.
 */
#ifndef MARQUEE_SENTIMENT_BLOCK_H
#define MARQUEE_SENTIMENT_BLOCK_H

#include <stdint.h>

#if defined(__SSE2__) && !defined(MARQUEE_NO_SIMD)
#include <emmintrin.h>
#define BLOCK_SSE2 1
#endif

#define BLOCK_BYTES 64
/* block_scan reads so many more, to see an n't whole. */
#define BLOCK_BYTES_AHEAD 2

struct block {
    uint64_t space; /* white space to str.split(): 09-0D 1C-1F 20 */
    uint64_t upper; /* A-Z */
    uint64_t lower; /* a-z */
    uint64_t digit; /* 0-9 */
    uint64_t odd;   /* not plain: other controls, 7F and all that isn't ASCII */
    uint64_t nt;    /* the n of n't, in any case */
};

#ifdef BLOCK_SSE2

/* Bytes from `first` to `last` become FF: x - first <= last - first, unsigned. */
static inline __m128i block_range(__m128i x, unsigned char first, unsigned char last)
{
    __m128i from = _mm_sub_epi8(x, _mm_set1_epi8((char)first));

    return _mm_cmpeq_epi8(_mm_min_epu8(from, _mm_set1_epi8((char)(last - first))), from);
}

static inline __m128i block_load(const unsigned char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Letters to lower case; other bytes may become anything but a letter. */
static inline __m128i block_fold(__m128i x)
{
    return _mm_or_si128(x, _mm_set1_epi8(0x20));
}

static inline uint64_t block_bits(__m128i x)
{
    return (uint64_t)(uint32_t)_mm_movemask_epi8(x);
}

static inline struct block block_scan(const unsigned char *at)
{
    struct block b = {0};

    for (int i = 0; i < BLOCK_BYTES; i += 16) {
        __m128i x = block_load(at + i);
        __m128i space = _mm_or_si128(block_range(x, 0x1C, 0x20), block_range(x, 0x09, 0x0D));
        __m128i upper = block_range(x, 'A', 'Z');
        /* Signed: bytes from 80 up are below 20 as well. */
        __m128i odd = _mm_or_si128(_mm_cmplt_epi8(x, _mm_set1_epi8(0x20)),
                                   _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7F)));
        b.space |= block_bits(space) << i;
        b.upper |= block_bits(upper) << i;
        b.lower |= block_bits(block_range(x, 'a', 'z')) << i;
        b.digit |= block_bits(block_range(x, '0', '9')) << i;
        b.odd |= block_bits(_mm_andnot_si128(space, odd)) << i;
        __m128i n = _mm_cmpeq_epi8(block_fold(x), _mm_set1_epi8('n'));
        __m128i quote = _mm_cmpeq_epi8(block_load(at + i + 1), _mm_set1_epi8('\''));
        __m128i t = _mm_cmpeq_epi8(block_fold(block_load(at + i + 2)), _mm_set1_epi8('t'));
        b.nt |= block_bits(_mm_and_si128(n, _mm_and_si128(quote, t))) << i;
    }
    return b;
}

#else

static inline struct block block_scan(const unsigned char *at)
{
    struct block b = {0};

    for (int i = 0; i < BLOCK_BYTES; i++) {
        unsigned c = at[i];
        uint64_t bit = (uint64_t)1 << i;
        uint64_t space = c - 0x09u <= 4 || c - 0x1Cu <= 4;
        b.space |= space << i;
        b.upper |= (c - 'A' < 26) * bit;
        b.lower |= (c - 'a' < 26) * bit;
        b.digit |= (c - '0' < 10) * bit;
        b.odd |= ((c < 0x20 || c >= 0x7F) && !space) * bit;
        b.nt |= ((c | 0x20) == 'n' && at[i + 1] == '\'' && (at[i + 2] | 0x20) == 't') * bit;
    }
    return b;
}

#endif
#endif

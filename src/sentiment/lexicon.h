/* lexicon.h: what the rules know about a word, found in one probe of a perfect hash table.
 *
 * A word of the text becomes one number, a "word", and from then on no rule looks at letters:
 *
 *     31     30     29    28     27       26 25    24        23..16   15..0
 *     -      acts   but   caps   negates  boost    lexicon   role     slot
 *
 * slot: its place in lexicon_lexemes (0 when the word is in no list), role: which of the words
 * that a rule or a phrase names (enum word_role), boost: up or down, acts: no rule changes the
 * valence of a word without such a one near (but the rules about capitals and "but"). Caps and the
 * negation of unknown words ("ain't", "n't" anywhere) are added by the tokenizer. The tables and
 * the layout of the hash are made by tools/gen_vader.py from data/vader.
 */
#ifndef MARQUEE_SENTIMENT_LEXICON_H
#define MARQUEE_SENTIMENT_LEXICON_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "sentiment/vader_tables.h"

#define WORD_CAPS_SHIFT   28
#define WORD_CAPS         (1u << WORD_CAPS_SHIFT) /* str.isupper() of the token */
#define WORD_NEGATE_SHIFT 27
#define WORD_SLOT_MASK    0xFFFFu

/* lexicon_find reads this many bytes from the word's first, whatever its length. */
#define LEXICON_READ_BYTES 24

struct lexeme {
    char key[LEXICON_KEY_BYTES]; /* lower case, padded with zeros, not terminated */
    uint32_t word;
    double valence;
};

enum phrase_kind { PHRASE_NONE, PHRASE_SPECIAL, PHRASE_BOOSTER, PHRASE_TRIPLE };

struct phrase {
    double value; /* the valence it sets (special, triple) or adds (booster) */
    uint8_t kind; /* enum phrase_kind */
    uint8_t last; /* triple: the role of its third word */
};

extern const uint16_t lexicon_displacements[1 << LEXICON_BUCKET_BITS];
extern const struct lexeme lexicon_lexemes[1 << LEXICON_SLOT_BITS];
extern const uint8_t lexicon_pairs[ROLE_COUNT][ROLE_COUNT];
extern const struct phrase lexicon_phrases[PHRASE_COUNT];

static inline enum word_role word_role(uint32_t word)
{
    return (enum word_role)(word >> WORD_ROLE_SHIFT & 0xFF);
}

static inline double word_valence(uint32_t word)
{
    return lexicon_lexemes[word & WORD_SLOT_MASK].valence;
}

/* ASCII letters of eight bytes to lower case. Every byte must be below 0x80. */
static inline uint64_t lexicon_lower8(uint64_t bytes)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t from_a = bytes + (0x80 - 'A') * ones;
    uint64_t past_z = bytes + (0x80 - 'Z' - 1) * ones;

    return bytes | ((from_a & ~past_z & 0x80 * ones) >> 2);
}

static inline uint64_t lexicon_load8(const unsigned char *at)
{
    uint64_t bytes;

    memcpy(&bytes, at, sizeof bytes);
    return le64toh(bytes);
}

/* Sixteen characters, and the same as two numbers (the compiler's vector extension: SSE2, NEON or
 * plain C). */
typedef signed char lexicon_chars __attribute__((vector_size(16)));
typedef uint64_t lexicon_halves __attribute__((vector_size(16)));

/* The word of `len` ASCII bytes, none of them NUL, in any case; 0 when no list has it.
 * LEXICON_READ_BYTES from `at` must be readable and, as far as `len` reaches, below 0x80. */
static inline uint32_t lexicon_find(const unsigned char *at, size_t len)
{
    static const unsigned char keep[2 * LEXICON_READ_BYTES] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    };

    if (len > LEXICON_KEY_BYTES)
        return 0;
    const unsigned char *mask = keep + LEXICON_READ_BYTES - len;
    lexicon_chars head, head_mask;
    memcpy(&head, at, sizeof head);
    memcpy(&head_mask, mask, sizeof head_mask);
    head &= head_mask;
    head |= (head >= 'A') & (head <= 'Z') & ('a' - 'A');
    uint64_t w0 = le64toh(((lexicon_halves)head)[0]), w1 = le64toh(((lexicon_halves)head)[1]),
             w2 = 0;
    if (len > sizeof head) /* one word in some hundreds */
        w2 = lexicon_lower8(lexicon_load8(at + 16) & lexicon_load8(mask + 16));

    __extension__ typedef unsigned __int128 product_type;
    product_type product =
        (product_type)((w0 + w2 * LEXICON_FOLD_K2) ^ LEXICON_FOLD_K0) * (w1 ^ LEXICON_FOLD_K1);
    uint64_t hash = (uint64_t)product ^ (uint64_t)(product >> 64);
    uint32_t high = (uint32_t)(hash >> 32);
    uint32_t displacement = lexicon_displacements[hash >> (64 - LEXICON_BUCKET_BITS)];
    uint32_t slot = ((uint32_t)hash + displacement * (high | 1)) & ((1u << LEXICON_SLOT_BITS) - 1);

    const struct lexeme *lexeme = &lexicon_lexemes[slot];
    const unsigned char *key = (const unsigned char *)lexeme->key;
    uint32_t key_end;
    memcpy(&key_end, key + 16, sizeof key_end);
    /* Padding is zero and a word has no NUL, so equal bytes mean equal lengths. */
    uint64_t differs =
        (lexicon_load8(key) ^ w0) | (lexicon_load8(key + 8) ^ w1) | (le32toh(key_end) ^ w2);
    return lexeme->word & -(uint32_t)(differs == 0);
}

#endif

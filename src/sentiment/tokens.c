/* tokens.c: see tokens.h. The fast path: plain ASCII, 64 bytes at a time.
 *
 *     text   ...  I  d i d n ' t   l i k e   i t .     S t i l l , ...
 *     space       0 1 0 0 0 0 0 0 1 0 0 0 0 1 0 0 0 1 ...
 *     first       1 0 1 0 ...          a non-space after a space
 *     last        0 1 0 0 0 0 0 0 1    a space after a non-space
 *
 * A block always begins where a word may begin (after a space, or at the text's start). All words
 * that end within it are taken; the next block begins at the first word that doesn't. So no word
 * is ever stitched together, and some bytes are looked at twice. Words that hold anything but
 * plain ASCII, or are longer than a block, go to segment.c.
 */
#include "sentiment/tokens.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sentiment/block.h"
#include "sentiment/lexicon.h"
#include "sentiment/segment.h"
#include "sentiment/vader.h"

/* From a block's first byte on so many must be readable: a word may begin at its last one. */
#define BLOCK_READ_BYTES (BLOCK_BYTES + LEXICON_READ_BYTES)
static_assert(BLOCK_BYTES_AHEAD <= LEXICON_READ_BYTES,
              "block_scan reads less ahead than lexicon_find");
/* Texts of up to so many bytes are copied whole: that saves the mispredicted branches of an end. */
#define COPIED_MAX 512
static_assert(COPIED_MAX >= BLOCK_READ_BYTES, "what split_blocks leaves fits into the copy");
/* More of one punctuation mark than this makes no difference: see rules_emphasis. */
#define MARKS_MAX 5

static uint32_t *grow(uint32_t *held, uint32_t *inlined, size_t count, size_t capacity)
{
    uint32_t *grown = realloc(held == inlined ? NULL : held, capacity * sizeof *grown);

    if (!grown)
        abort(); /* as GLib does */
    if (held == inlined)
        memcpy(grown, inlined, count * sizeof *grown);
    return grown;
}

void tokens_grow(struct tokens *tokens, size_t more)
{
    size_t capacity = 2 * (tokens->count + more);

    tokens->words = grow(tokens->words, tokens->inline_words, tokens->count, capacity);
    tokens->hits = grow(tokens->hits, tokens->inline_hits, tokens->hit_count, capacity);
    tokens->capacity = capacity;
    if (tokens->with_spans) {
        tokens->spans = realloc(tokens->spans, capacity * sizeof *tokens->spans);
        if (!tokens->spans)
            abort();
    }
}

void tokens_clear(struct tokens *tokens)
{
    if (tokens->words != tokens->inline_words) {
        free(tokens->words);
        free(tokens->hits);
    }
    free(tokens->spans);
}

/* Counts "!" and "?", up to MARKS_MAX or a little more of each. */
static void count_marks(struct tokens *tokens, const unsigned char *at, size_t len)
{
    while (len > 0 && (tokens->bangs < MARKS_MAX || tokens->questions < MARKS_MAX)) {
        size_t step = len < BLOCK_BYTES ? len : BLOCK_BYTES;
        uint8_t bangs = 0, questions = 0; /* a byte each: so the compiler counts in many lanes */
        for (size_t i = 0; i < step; i++) {
            bangs = (uint8_t)(bangs + (at[i] == '!'));
            questions = (uint8_t)(questions + (at[i] == '?'));
        }
        tokens->bangs += bangs;
        tokens->questions += questions;
        at += step;
        len -= step;
    }
}

static bool is_space(unsigned char c)
{
    return c - 0x09u <= 0x0D - 0x09 || c - 0x1Cu <= 0x20 - 0x1C;
}

/* The word at bits [first, last) of the block, all plain ASCII. */
static inline void push_plain(struct tokens *tokens,
                              const struct block *b,
                              const unsigned char *at,
                              int first,
                              int last,
                              size_t offset)
{
    uint64_t bits = ((uint64_t)1 << last) - ((uint64_t)1 << first);
    uint64_t core = (b->upper | b->lower | b->digit) & bits; /* all but punctuation */

    /* Punctuation goes, unless two characters or fewer stay: then it may be an emoticon. */
    if (core) {
        int core_first = __builtin_ctzll(core), core_last = 64 - __builtin_clzll(core);
        bool is_word = core_last - core_first > EMOTICON_CORE_MAX;
        first = is_word ? core_first : first;
        last = is_word ? core_last : last;
    }
    size_t len = (size_t)(last - first);
    uint32_t caps = (b->upper & bits) && !(b->lower & bits);
    uint32_t negates = (b->nt & bits) != 0;
    uint32_t word = lexicon_find(at + first, len);
    tokens_push(tokens, word | caps << WORD_CAPS_SHIFT | negates << WORD_NEGATE_SHIFT, caps,
                offset + (size_t)first, len);
}

/* Takes the words of [at, end) while BLOCK_READ_BYTES can be read; returns where it stopped, at a
 * word's beginning. `readable` is how far reading is allowed; `offset` is where `at` stands. */
static const unsigned char *split_blocks(struct tokens *tokens,
                                         const unsigned char *at,
                                         const unsigned char *end,
                                         const unsigned char *readable,
                                         size_t offset)
{
    const unsigned char *text = at;

    while (at < end && (size_t)(readable - at) >= BLOCK_READ_BYTES) {
        struct block b = block_scan(at);
        uint64_t after_space = b.space << 1 | 1;
        uint64_t firsts = ~b.space & after_space, lasts = b.space & ~after_space;
        size_t here = offset + (size_t)(at - text);

        if (!lasts && firsts & 1) { /* longer than a block */
            const unsigned char *stop = at + BLOCK_BYTES;
            while (stop < end && !is_space(*stop))
                stop++;
            segment_split(tokens, at, (size_t)(stop - at), here);
            at = stop;
            continue;
        }
        tokens_reserve(tokens, BLOCK_BYTES / 2);
        for (; lasts; lasts &= lasts - 1, firsts &= firsts - 1) {
            int first = __builtin_ctzll(firsts), last = __builtin_ctzll(lasts);
            uint64_t bits = ((uint64_t)1 << last) - ((uint64_t)1 << first);
            if (b.odd & bits) {
                segment_split(tokens, at + first, (size_t)(last - first), here + (size_t)first);
                tokens_reserve(tokens, BLOCK_BYTES / 2); /* emoji are wordy */
            } else {
                push_plain(tokens, &b, at, first, last, here);
            }
        }
        at += firsts ? __builtin_ctzll(firsts) : BLOCK_BYTES;
    }
    return at;
}

void tokens_split(struct tokens *tokens, const char *text, size_t len, bool with_spans)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + len;
    unsigned char rest[COPIED_MAX + BLOCK_READ_BYTES];

    tokens->words = tokens->inline_words;
    tokens->hits = tokens->inline_hits;
    tokens->count = tokens->hit_count = tokens->caps = 0;
    tokens->capacity = with_spans ? 0 : TOKENS_INLINE; /* spans are made by the first growth */
    tokens->but = TOKENS_NO_BUT;
    tokens->spans = NULL;
    tokens->with_spans = with_spans;
    tokens->bangs = tokens->questions = 0;
    if (len == 0) /* then `text` may be NULL */
        return;

    if (len > COPIED_MAX) {
        at = split_blocks(tokens, at, end, end, 0);
        count_marks(tokens, (const unsigned char *)text, len - (size_t)(end - at));
    }
    /* The last bytes, or all of a short text, in a copy with white space behind it, so that nothing
     * reads past the end. */
    size_t left = (size_t)(end - at);
    memcpy(rest, at, left);
    memset(rest + left, ' ', BLOCK_READ_BYTES);
    split_blocks(tokens, rest, rest + left, rest + left + BLOCK_READ_BYTES, len - left);
    /* White space is no mark, so whole blocks can be counted. */
    count_marks(tokens, rest, (left + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES);
}

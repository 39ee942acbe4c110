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
/* More of one punctuation mark than this makes no difference: see rules_emphasis. */
#define MARKS_MAX 5

void tokens_grow(struct tokens *tokens, size_t more)
{
    size_t capacity = 2 * (tokens->count + more);
    uint32_t *held = tokens->words == tokens->inline_words ? NULL : tokens->words;
    uint32_t *words = realloc(held, capacity * sizeof *words);

    if (!words)
        abort(); /* as GLib does */
    if (!held)
        memcpy(words, tokens->inline_words, tokens->count * sizeof *words);
    tokens->words = words;
    tokens->capacity = capacity;
    if (tokens->with_spans) {
        tokens->spans = realloc(tokens->spans, capacity * sizeof *tokens->spans);
        if (!tokens->spans)
            abort();
    }
}

void tokens_clear(struct tokens *tokens)
{
    if (tokens->words != tokens->inline_words)
        free(tokens->words);
    free(tokens->spans);
}

/* How often `mark` occurs, counted up to MARKS_MAX or a little more. */
static unsigned count_mark(const char *text, size_t len, char mark)
{
    unsigned count = 0;

    while (len > 0 && count < MARKS_MAX) {
        size_t step = len < UINT8_MAX ? len : UINT8_MAX;
        uint8_t found = 0; /* a byte each, so that the compiler counts many lanes at once */
        for (size_t i = 0; i < step; i++)
            found = (uint8_t)(found + (text[i] == mark));
        count += found;
        text += step;
        len -= step;
    }
    return count;
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
    unsigned char rest[2 * BLOCK_READ_BYTES];

    tokens->words = tokens->inline_words;
    tokens->count = tokens->caps = 0;
    tokens->capacity = with_spans ? 0 : TOKENS_INLINE; /* spans are made by the first growth */
    tokens->spans = NULL;
    tokens->with_spans = with_spans;
    tokens->bangs = count_mark(text, len, '!');
    tokens->questions = count_mark(text, len, '?');

    at = split_blocks(tokens, at, end, end, 0);
    if (at == end)
        return;
    /* The last bytes, in a copy with white space behind it, so that nothing reads past the end. */
    size_t left = (size_t)(end - at);
    memset(rest, ' ', sizeof rest);
    memcpy(rest, at, left);
    split_blocks(tokens, rest, rest + left, rest + sizeof rest, len - left);
}

/* tokens.h: a text as the reference's SentiText sees it, a list of words.
 *
 * The text is split at white space, emoji are spelled out (each begins a word; what follows
 * sticks to the last word of its description), and a token loses ASCII punctuation at both ends
 * unless two characters or fewer would be left, for then it may be an emoticon.
 */
#ifndef MARQUEE_SENTIMENT_TOKENS_H
#define MARQUEE_SENTIMENT_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sentiment/lexicon.h"

/* Words that fit without asking for memory. */
#define TOKENS_INLINE 2048

/* A token is an emoticon if no more is left of it without its punctuation. */
#define EMOTICON_CORE_MAX 2

#define TOKENS_NO_BUT UINT32_MAX

struct token_span {
    uint32_t offset, len; /* bytes of the text */
};

struct tokens {
    uint32_t *words; /* see lexicon.h; `count` of them */
    uint32_t *hits;  /* which of them are in the lexicon, ascending; `hit_count` */
    size_t count, hit_count, capacity;
    uint32_t but;              /* the first word "but", or TOKENS_NO_BUT */
    size_t caps;               /* how many words are upper case */
    unsigned bangs, questions; /* "!" and "?" of the whole text, counted up to a few */
    struct token_span *spans;  /* where the words stand; only when asked for, and then allocated */
    bool with_spans;
    uint32_t inline_words[TOKENS_INLINE], inline_hits[TOKENS_INLINE];
};

/* Splits a text of at most VADER_TEXT_BYTES_MAX. Spans are only right for a text without emoji.
 * Call tokens_clear when done. */
void tokens_split(struct tokens *tokens, const char *text, size_t len, bool with_spans);

void tokens_clear(struct tokens *tokens);

/* Room for `more` words after `count`. */
void tokens_grow(struct tokens *tokens, size_t more);

static inline void tokens_reserve(struct tokens *tokens, size_t more)
{
    if (tokens->capacity - tokens->count < more)
        tokens_grow(tokens, more);
}

/* Appends a word; there must be room. */
static inline void
tokens_push(struct tokens *tokens, uint32_t word, uint32_t caps, size_t offset, size_t len)
{
    if (tokens->with_spans)
        tokens->spans[tokens->count] = (struct token_span){(uint32_t)offset, (uint32_t)len};
    /* Without branches: which words are known can't be predicted. */
    uint32_t at = (uint32_t)tokens->count++, but = word & WORD_BUT ? at : TOKENS_NO_BUT;
    tokens->words[at] = word;
    tokens->hits[tokens->hit_count] = at;
    tokens->hit_count += (word & WORD_LEXICON) != 0;
    tokens->but = but < tokens->but ? but : tokens->but;
    tokens->caps += caps;
}

#endif

/* segment.h: the tokenizer's careful path, for what lies between two pieces of ASCII white space
 * and isn't plain ASCII, or is very long. */
#ifndef MARQUEE_SENTIMENT_SEGMENT_H
#define MARQUEE_SENTIMENT_SEGMENT_H

#include "sentiment/tokens.h"

/* Appends the words of [at, at + len), which stands at `offset` in the text. */
void segment_split(struct tokens *tokens, const unsigned char *at, size_t len, size_t offset);

/* The text with emoji spelled out and ill-formed bytes as U+FFFD, as the reference's
 * polarity_scores makes it, without the strip(). Free it with free(). */
char *segment_spell_emoji(const char *text, size_t len, size_t *ret_len);

#endif

/* rules.h: VADER's rules about one word and its neighbours, in the reference's order. */
#ifndef MARQUEE_SENTIMENT_RULES_H
#define MARQUEE_SENTIMENT_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "sentiment/tokens.h"

/* Hears of each step; see struct vader_step. */
struct rules_listener {
    void (*on_step)(size_t word, const char *rule, double valence, void *user);
    void *user;
};

/* The valence of word i, after all rules but the one about "but", which needs every word's.
 * `cap_diff`: some words of the text, but not all, are upper case. `listener` may be NULL. */
double rules_valence(const struct tokens *tokens,
                     size_t i,
                     bool cap_diff,
                     const struct rules_listener *listener);

/* What the text's "!" and "?" add to the strength of its sentiment. */
double rules_emphasis(unsigned bangs, unsigned questions);

#endif

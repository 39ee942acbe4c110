/* Phrases: a small grammar that writes what nobody wrote: reviews, names and titles.
 *
 *   "{title} is {good}."  ─►  "Star Wars is wonderful."
 *
 * Rules are data/catalogue/phrases.tsv (its README tells the notation). The text is a function of
 * the dice's chain alone. Immutable; any thread. */
#pragma once

#include <stdint.h>

#include <glib.h>

struct phrases;

enum phrase_tone { TONE_ANY, TONE_GOOD, TONE_BAD, TONE_NEUTRAL };

/* What the movie's own slots stand for; NULL where a text has none of them. */
struct phrase_slots {
    const char *title, *director, *actor, *genre;
};

struct phrases *phrases_open(void);
void phrases_close(struct phrases *phrases); /* accepts NULL */

/* Appends one phrase of that kind and tone. An unknown kind is our own mistake (asserted). */
void phrases_say(const struct phrases *phrases,
                 const char *kind,
                 enum phrase_tone tone,
                 const struct phrase_slots *slots,
                 uint64_t *chain,
                 GString *out);

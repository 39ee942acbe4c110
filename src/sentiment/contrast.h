/* contrast.h: VADER's rule about "but": what comes before it counts half, what comes after it half
 * as much again. */
#ifndef MARQUEE_SENTIMENT_CONTRAST_H
#define MARQUEE_SENTIMENT_CONTRAST_H

#include <stddef.h>
#include <stdint.h>

/* Changes the valences of a text whose first "but" is word `but`. valences[k], none of them 0, is
 * that of word words[k], ascending; words that are left out have valence 0 and keep it. */
void contrast_apply(double *valences, const uint32_t *words, size_t count, uint32_t but);

#endif

/* sentences.h: a second score, for texts of many sentences: the mean compound of those that say
 * something.
 *
 * VADER was made for sentences; the compound of a long text runs into +1 or -1. Its authors advise
 * to average over sentences. On TMDB's reviews the mean agrees better with the stars that the
 * writers gave (docs/sentiment.md has the numbers). It is an addition: the score that tables, views
 * and other implementations mean is vader.h's.
 */
#ifndef MARQUEE_SENTIMENT_SENTENCES_H
#define MARQUEE_SENTIMENT_SENTENCES_H

#include <stddef.h>

/* The mean of the sentences' compounds that aren't 0, in ten-thousandths, rounded to the nearest
 * and from a half away from 0; 0 when there is none. A sentence ends at a line's end or at ".", "!"
 * or
 * "?" before white space. Threads, bytes and time as in vader.h. */
int sentences_compound_e4(const char *text, size_t len);

#endif

/* vader.h: how positive or negative an English text sounds, as VADER says.
 *
 *     struct vader_scores scores;
 *     vader_score(text, strlen(text), &scores);   // scores.compound: -1 (worst) to +1 (best)
 *
 * The numbers are those of the reference, the Python package vaderSentiment 3.3.2 on Python 3.11
 * (Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
 * Media Text", ICWSM 2014), digit for digit, on every text; docs/sentiment.md tells what it is
 * good for and docs/decisions/0003-vader-exactness.md how equality is defined and kept.
 *
 * All functions are pure: no state but constant tables, so any thread may call at any time.
 * Texts are bytes with a length, need no terminator and may hold NUL (and be NULL if empty). Bytes
 * that are not UTF-8 count as U+FFFD, just as Python's bytes.decode("utf-8", "replace") would read
 * them. Time is linear in the length. Nothing is allocated for texts of up to about 2,000 words;
 * longer ones borrow memory during the call (and, as with GLib, running out of it ends the
 * program).
 */
#ifndef MARQUEE_SENTIMENT_VADER_H
#define MARQUEE_SENTIMENT_VADER_H

#include <stddef.h>

/* Of a longer text only this many bytes are scored. */
#define VADER_TEXT_BYTES_MAX ((size_t)1 << 30)

/* A compound at or beyond these (in ten-thousandths) is called positive or negative. */
#define VADER_POSITIVE_E4 500
#define VADER_NEGATIVE_E4 (-500)

struct vader_scores {
    double neg, neu, pos; /* shares of the text, 0 to 1, 3 decimals; their sum is about 1 */
    double compound;      /* the one to use: -1 to +1, 4 decimals */
};

/* Scores a text. A text without words (empty, or all white space) scores 0 in all four. */
void vader_score(const char *text, size_t len, struct vader_scores *ret_scores);

/* The compound alone, in ten-thousandths: -10000 to 10000. */
int vader_compound_e4(const char *text, size_t len);

/* The compound of scores in ten-thousandths. */
int vader_scores_e4(const struct vader_scores *scores);

enum vader_label { VADER_NEGATIVE = -1, VADER_NEUTRAL = 0, VADER_POSITIVE = 1 };

/* The label that the authors recommend: positive at >= 0.05, negative at <= -0.05. */
enum vader_label vader_label(int compound_e4);

/* "negative", "neutral" or "positive". */
const char *vader_label_name(enum vader_label label);

/* The word of a step that is about the text as a whole. */
#define VADER_NO_WORD ((size_t)-1)

/* One change of one word's valence, as vader_explain reports it. */
struct vader_step {
    size_t word;       /* which word, from 0; VADER_NO_WORD: the text's marks */
    const char *token; /* the word as the rules see it: emoji spelled out, punctuation stripped; */
    size_t token_len;  /*   not terminated, valid during the call */
    const char *rule;  /* the rule that spoke, e.g. "lexicon", "booster", "negation" */
    double valence;    /* the word's valence after it */
};

/* Scores as vader_score does and tells every step on the way: for each word at least one, in the
 * order in which the reference applies its rules. For people who ask why; not fast. */
void vader_explain(const char *text,
                   size_t len,
                   void (*on_step)(const struct vader_step *step, void *user),
                   void *user,
                   struct vader_scores *ret_scores);

#endif

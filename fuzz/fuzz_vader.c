/* Any bytes as a text: scores within their bounds, the same from vader_explain, never a crash. That
 * they are the right ones is tests/sentiment/differential.py's to prove. */
#include "sentiment/vader.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_step(const struct vader_step *step, void *user)
{
    size_t *words = user;

    g_assert(step->rule && isfinite(step->valence));
    if (step->word == VADER_NO_WORD)
        return;
    g_assert(step->token_len > 0);
    *words += step->token[0] != ' ';
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes;
    struct vader_scores scores, explained;
    size_t words = 0;

    vader_score(text, len, &scores);
    g_assert(fabs(scores.compound) <= 1);
    g_assert(scores.neg >= 0 && scores.neu >= 0 && scores.pos >= 0);
    /* Each of the three is rounded by at most half a thousandth. */
    double sum = scores.neg + scores.neu + scores.pos;
    g_assert(sum == 0 || fabs(sum - 1) < 0.0016);
    g_assert(abs(vader_compound_e4(text, len)) <= 10000);
    vader_explain(text, len, check_step, &words, &explained);
    g_assert(memcmp(&scores, &explained, sizeof scores) == 0);
    g_assert((words == 0) == (sum == 0));
    return 0;
}

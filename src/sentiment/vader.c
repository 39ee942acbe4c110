/* vader.c: from words to scores [polarity_scores, score_valence]; see vader.h.
 *
 *     text --tokens_split--> words --rules_valence--> valences --contrast_apply--> valences
 *          --score--> sum, positive, negative and neutral shares --round--> scores
 *
 * Only valences other than 0 are kept, with their word's number: zeros change neither a sum nor
 * each other, they are only counted.
 */
#include "sentiment/vader.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sentiment/contrast.h"
#include "sentiment/decimal.h"
#include "sentiment/lexicon.h"
#include "sentiment/rules.h"
#include "sentiment/segment.h"
#include "sentiment/tokens.h"

/* Approximates the highest expected sum of valences. */
#define NORMALIZE_ALPHA 15.0
#define E3              1000.0
#define E4              10000.0
/* Valences that need no memory. */
#define INLINE_COUNT 512

struct valences {
    double *values;
    uint32_t *words;
    size_t count, capacity;
    double inline_values[INLINE_COUNT];
    uint32_t inline_words[INLINE_COUNT];
};

static void valences_grow(struct valences *valences)
{
    size_t capacity = 2 * valences->capacity;
    bool held = valences->values != valences->inline_values;
    double *values = realloc(held ? valences->values : NULL, capacity * sizeof *values);
    uint32_t *words = realloc(held ? valences->words : NULL, capacity * sizeof *words);

    if (!values || !words)
        abort(); /* as GLib does */
    if (!held) {
        memcpy(values, valences->inline_values, sizeof valences->inline_values);
        memcpy(words, valences->inline_words, sizeof valences->inline_words);
    }
    valences->values = values;
    valences->words = words;
    valences->capacity = capacity;
}

static void valences_add(struct valences *valences, uint32_t word, double value)
{
    if (valences->count == valences->capacity)
        valences_grow(valences);
    valences->values[valences->count] = value;
    valences->words[valences->count++] = word;
}

static void valences_clear(struct valences *valences)
{
    if (valences->values != valences->inline_values) {
        free(valences->values);
        free(valences->words);
    }
}

/* Applies the rules to each word. */
static void valences_find(struct valences *valences,
                          const struct tokens *tokens,
                          const struct rules_listener *listener)
{
    /* [allcap_differential] Capitals are emphasis only where not all words have them. */
    bool cap_diff = tokens->caps > 0 && tokens->caps < tokens->count;
    /* Whoever listens wants to hear of neutral words as well. */
    size_t count = listener ? tokens->count : tokens->hit_count;

    valences->values = valences->inline_values;
    valences->words = valences->inline_words;
    valences->count = 0;
    valences->capacity = INLINE_COUNT;
    for (size_t k = 0; k < count; k++) {
        uint32_t i = listener ? (uint32_t)k : tokens->hits[k];
        double valence = rules_valence(tokens, i, cap_diff, listener);
        if (valence != 0)
            valences_add(valences, i, valence);
    }
    if (tokens->but == TOKENS_NO_BUT)
        return;
    contrast_apply(valences->values, valences->words, valences->count, tokens->but);
    for (size_t k = 0; listener && k < valences->count; k++)
        listener->on_step(valences->words[k],
                          valences->words[k] < tokens->but ? "before but" : "after but",
                          valences->values[k], listener->user);
}

static int sign(double x)
{
    return (x > 0) - (x < 0);
}

/* [score_valence, _sift_sentiment_scores] */
static void
score(const struct tokens *tokens, const struct valences *valences, struct vader_scores *ret_scores)
{
    double sum = 0, positive = 0, negative = 0;

    if (tokens->count == 0) {
        *ret_scores = (struct vader_scores){0};
        return;
    }
    for (size_t k = 0; k < valences->count; k++) {
        double valence = valences->values[k];
        sum += valence;
        /* One more each, to weigh against neutral words, which count 1. (Written as sums of zeros,
         * for a sign can't be predicted.) */
        positive += valence > 0 ? valence + 1 : 0;
        negative += valence < 0 ? valence - 1 : 0;
    }
    double neutral = (double)(tokens->count - valences->count);
    double emphasis = rules_emphasis(tokens->bangs, tokens->questions);

    sum += emphasis * sign(sum);
    double compound = sum / sqrt(sum * sum + NORMALIZE_ALPHA);
    compound = compound < -1 ? -1 : compound > 1 ? 1 : compound;

    int leading = sign(positive - fabs(negative));
    positive += leading > 0 ? emphasis : 0;
    negative -= leading < 0 ? emphasis : 0;
    double total = positive + fabs(negative) + neutral;
    ret_scores->neg = decimal_round(fabs(negative / total), E3);
    ret_scores->neu = decimal_round(fabs(neutral / total), E3);
    ret_scores->pos = decimal_round(fabs(positive / total), E3);
    ret_scores->compound = decimal_round(compound, E4);
}

static size_t clip(size_t len)
{
    return len < VADER_TEXT_BYTES_MAX ? len : VADER_TEXT_BYTES_MAX;
}

void vader_score(const char *text, size_t len, struct vader_scores *ret_scores)
{
    struct tokens tokens;
    struct valences valences;

    tokens_split(&tokens, text, clip(len), false);
    valences_find(&valences, &tokens, NULL);
    score(&tokens, &valences, ret_scores);
    valences_clear(&valences);
    tokens_clear(&tokens);
}

int vader_scores_e4(const struct vader_scores *scores)
{
    return (int)lrint(scores->compound * E4);
}

int vader_compound_e4(const char *text, size_t len)
{
    struct vader_scores scores;

    vader_score(text, len, &scores);
    return vader_scores_e4(&scores);
}

enum vader_label vader_label(int compound_e4)
{
    if (compound_e4 >= VADER_POSITIVE_E4)
        return VADER_POSITIVE;
    return compound_e4 <= VADER_NEGATIVE_E4 ? VADER_NEGATIVE : VADER_NEUTRAL;
}

const char *vader_label_name(enum vader_label label)
{
    return label == VADER_POSITIVE ? "positive" : label == VADER_NEGATIVE ? "negative" : "neutral";
}

struct explanation {
    void (*on_step)(const struct vader_step *step, void *user);
    void *user;
    const char *text; /* with the emoji spelled out */
    const struct tokens *tokens;
};

static void explain_step(size_t word, const char *rule, double valence, void *user)
{
    struct explanation *explanation = user;
    struct token_span span = explanation->tokens->spans[word];
    struct vader_step step = {
        .word = word,
        .token = explanation->text + span.offset,
        .token_len = span.len,
        .rule = rule,
        .valence = valence,
    };

    explanation->on_step(&step, explanation->user);
}

void vader_explain(const char *text,
                   size_t len,
                   void (*on_step)(const struct vader_step *step, void *user),
                   void *user,
                   struct vader_scores *ret_scores)
{
    struct tokens tokens;
    struct valences valences;
    size_t spelled_len;
    char *spelled = segment_spell_emoji(text, clip(len), &spelled_len);
    struct explanation explanation = {on_step, user, spelled, &tokens};
    struct rules_listener listener = {explain_step, &explanation};

    tokens_split(&tokens, spelled, spelled_len, true);
    valences_find(&valences, &tokens, &listener);
    score(&tokens, &valences, ret_scores);
    double emphasis = rules_emphasis(tokens.bangs, tokens.questions);
    if (emphasis != 0)
        on_step(&(struct vader_step){VADER_NO_WORD, "", 0, "punctuation", emphasis}, user);
    valences_clear(&valences);
    tokens_clear(&tokens);
    free(spelled);
}

/* rules.c: see rules.h. The names in brackets are the functions of vaderSentiment.py, whose order
 * of floating-point operations is kept: (a * b) + c is never a * b + c fused (see meson.build). */
#include "sentiment/rules.h"

#include "sentiment/lexicon.h"

/* Empirically derived by the authors. */
#define BOOSTER          0.293 /* "very" */
#define CAPS             0.733 /* GREAT among words that aren't in capitals */
#define NEGATION         (-0.74)
#define NEVER_SO         1.25 /* "never so good" strengthens */
#define BOOSTER_AT_TWO   0.95 /* a booster two words away counts less */
#define BOOSTER_AT_THREE 0.9
#define BANG             0.292 /* each "!", up to */
#define BANGS_MAX        4
#define QUESTION         0.18 /* each "?" when there are two or three */
#define QUESTIONS_FEW    3
#define QUESTIONS_MANY   0.96 /* all together when there are more */

#define tell(rule, valence)                                                                        \
    do {                                                                                           \
        if (listener)                                                                              \
            listener->on_step(i, rule, valence, listener->user);                                   \
    } while (0)

static bool in_lexicon(uint32_t word)
{
    return word & WORD_LEXICON;
}

/* [scalar_inc_dec] A booster strengthens what follows, a dampener weakens it. */
static double boost(uint32_t word, double valence, bool cap_diff)
{
    if (!(word & (WORD_BOOST_UP | WORD_BOOST_DOWN)))
        return 0.0;
    double scalar = word & WORD_BOOST_UP ? BOOSTER : -BOOSTER;
    if (valence < 0)
        scalar = -scalar;
    if (word & WORD_CAPS && cap_diff)
        scalar = valence > 0 ? scalar + CAPS : scalar - CAPS;
    return scalar;
}

/* [_negation_check] What the word `distance` before word i negates. "never so" and "never this"
 * strengthen, "without doubt" doesn't negate. At distance 3 the reference's missing brackets make
 * any "so" or "this" right before the word strengthen it, with or without "never". */
static double negate(const uint32_t *words, size_t i, size_t distance, double valence)
{
    enum word_role at = word_role(words[i - distance]), one = word_role(words[i - 1]);

    if (distance == 2) {
        if (at == ROLE_NEVER && (one == ROLE_SO || one == ROLE_THIS))
            return valence * NEVER_SO;
        if (at == ROLE_WITHOUT && one == ROLE_DOUBT)
            return valence;
    } else if (distance == 3) {
        enum word_role two = word_role(words[i - 2]);
        if ((at == ROLE_NEVER && (two == ROLE_SO || two == ROLE_THIS)) || one == ROLE_SO ||
            one == ROLE_THIS)
            return valence * NEVER_SO;
        if (at == ROLE_WITHOUT && (two == ROLE_DOUBT || one == ROLE_DOUBT))
            return valence;
    }
    return words[i - distance] & WORD_NEGATE ? valence * NEGATION : valence;
}

static const struct phrase *pair(uint32_t first, uint32_t second)
{
    return &lexicon_phrases[lexicon_pairs[word_role(first)][word_role(second)]];
}

/* Sets the valence if the words are a special case; pairs are special, or begin a triple. */
static bool special_pair(const uint32_t *at, double *valence)
{
    const struct phrase *phrase = pair(at[0], at[1]);

    if (phrase->kind != PHRASE_SPECIAL)
        return false;
    *valence = phrase->value;
    return true;
}

static bool special_triple(const uint32_t *at, double *valence)
{
    const struct phrase *phrase = pair(at[0], at[1]);

    if (phrase->kind != PHRASE_TRIPLE || word_role(at[2]) != phrase->last)
        return false;
    *valence = phrase->value;
    return true;
}

/* [_special_idioms_check] "the bomb", "kiss of death" ...: of those that end here or before, the
 * first found; then those that begin here. At last "kind of", "sort of", "just enough" before. */
static double idioms(const uint32_t *words, size_t count, size_t i, double valence)
{
    const uint32_t *at = words + i;

    if (!special_pair(at - 1, &valence) && !special_triple(at - 2, &valence) &&
        !special_pair(at - 2, &valence) && !special_triple(at - 3, &valence))
        special_pair(at - 3, &valence);
    if (i + 1 < count)
        special_pair(at, &valence);
    if (i + 2 < count)
        special_triple(at, &valence);
    if (pair(at[-3], at[-2])->kind == PHRASE_BOOSTER)
        valence += pair(at[-3], at[-2])->value;
    if (pair(at[-2], at[-1])->kind == PHRASE_BOOSTER)
        valence += pair(at[-2], at[-1])->value;
    return valence;
}

/* [_least_check] "least" negates, "at least" and "very least" don't. */
static double least(const uint32_t *words, size_t i, double valence)
{
    if (i == 0 || in_lexicon(words[i - 1]) || word_role(words[i - 1]) != ROLE_LEAST)
        return valence;
    if (i > 1) {
        enum word_role two = word_role(words[i - 2]);
        if (two == ROLE_AT || two == ROLE_VERY)
            return valence;
    }
    return valence * NEGATION;
}

/* "no" one or two words before, or three with "or" or "nor" in between: "no thrills or fun". */
static bool after_no(const uint32_t *words, size_t i)
{
    if (i > 0 && word_role(words[i - 1]) == ROLE_NO)
        return true;
    if (i > 1 && word_role(words[i - 2]) == ROLE_NO)
        return true;
    return i > 2 && word_role(words[i - 3]) == ROLE_NO &&
           (word_role(words[i - 1]) == ROLE_OR || word_role(words[i - 1]) == ROLE_NOR);
}

/* Whether any rule below can apply; mostly none can, and one branch tells. A window of six words
 * sees all that look back up to three and forward up to two. */
static inline bool acts_near(const struct tokens *tokens, size_t i)
{
    size_t from = i < 3 ? 0 : i - 3, to = i + 3 < tokens->count ? i + 3 : tokens->count;
    uint32_t any = 0;

    for (size_t at = from; at < to; at++)
        any |= tokens->words[at];
    return any & (WORD_ACTS | WORD_NEGATE);
}

/* [sentiment_valence] Inlined twice below, so that the listener costs nothing without one. */
static inline __attribute__((always_inline)) double valence_of(
    const struct tokens *tokens, size_t i, bool cap_diff, const struct rules_listener *listener)
{
    const uint32_t *words = tokens->words;
    uint32_t word = words[i];

    /* Boosters have no valence of their own, and "kind of" is one. [polarity_scores] */
    if (word & (WORD_BOOST_UP | WORD_BOOST_DOWN)) {
        tell("is a booster", 0.0);
        return 0.0;
    }
    bool has_next = i + 1 < tokens->count;
    if (has_next && word_role(word) == ROLE_KIND && word_role(words[i + 1]) == ROLE_OF) {
        tell("kind of", 0.0);
        return 0.0;
    }
    if (!in_lexicon(word)) {
        tell("neutral", 0.0);
        return 0.0;
    }
    double valence = word_valence(word);
    tell("lexicon", valence);

    bool acts = acts_near(tokens, i);
    /* "no" before a word of the lexicon negates it and says nothing itself. */
    if (acts && word_role(word) == ROLE_NO && has_next && in_lexicon(words[i + 1])) {
        valence = 0.0;
        tell("no as negation", valence);
    }
    if (acts && after_no(words, i)) {
        valence = word_valence(word) * NEGATION;
        tell("after no", valence);
    }
    if (word & WORD_CAPS && cap_diff) {
        valence = valence > 0 ? valence + CAPS : valence - CAPS;
        tell("capitals", valence);
    }
    if (!acts)
        return valence;
    /* Up to three words back; words of the lexicon don't boost or negate. */
    for (size_t distance = 1; distance <= 3 && distance <= i; distance++) {
        uint32_t before = words[i - distance];
        if (in_lexicon(before))
            continue;
        double scalar = boost(before, valence, cap_diff);
        if (scalar != 0.0) {
            if (distance == 2)
                scalar *= BOOSTER_AT_TWO;
            else if (distance == 3)
                scalar *= BOOSTER_AT_THREE;
            valence += scalar;
            tell("booster", valence);
        }
        double old = valence;
        valence = negate(words, i, distance, valence);
        if (old != valence)
            tell("negation", valence);
        if (distance == 3) {
            old = valence;
            valence = idioms(words, tokens->count, i, valence);
            if (old != valence)
                tell("idiom", valence);
        }
    }
    double old = valence;
    valence = least(words, i, valence);
    if (old != valence)
        tell("least", valence);
    return valence;
}

double rules_valence(const struct tokens *tokens,
                     size_t i,
                     bool cap_diff,
                     const struct rules_listener *listener)
{
    return listener ? valence_of(tokens, i, cap_diff, listener)
                    : valence_of(tokens, i, cap_diff, NULL);
}

/* [_amplify_ep, _amplify_qm] */
double rules_emphasis(unsigned bangs, unsigned questions)
{
    double emphasis = (bangs < BANGS_MAX ? bangs : BANGS_MAX) * BANG;

    if (questions > QUESTIONS_FEW)
        return emphasis + QUESTIONS_MANY;
    return questions > 1 ? emphasis + questions * QUESTION : emphasis;
}

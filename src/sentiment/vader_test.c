/* Proves that scores equal the reference's on hand-picked texts, one group a rule, and on every
 * text that once differed (tests/sentiment/cases.jsonl, regressions.jsonl: the values are the
 * reference's own); that any bytes of any length have an answer, on any thread; and that an
 * explanation ends with the same scores. */
#include "sentiment/vader.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include <glib.h>
#include <jansson.h>

/* Ten megabytes, as a review that someone pasted a book into. */
#define LONG_BYTES ((size_t)10 << 20)
#define THREADS    4

typedef void case_check(const char *text, size_t len, const double *expected, const char *line);

static unsigned char *unhex(const char *hex, size_t *ret_len)
{
    *ret_len = strlen(hex) / 2;
    unsigned char *bytes = g_malloc(*ret_len + 1);
    for (size_t i = 0; i < *ret_len; i++)
        bytes[i] = (unsigned char)(g_ascii_xdigit_value(hex[2 * i]) << 4 |
                                   g_ascii_xdigit_value(hex[2 * i + 1]));
    return bytes;
}

/* Calls check for each case of a file; returns how many there were. */
static int for_each_case(const char *name, case_check *check)
{
    g_autofree char *path =
        g_build_filename(g_getenv("MARQUEE_SOURCE_ROOT"), "tests/sentiment", name, NULL);
    g_autofree char *all = NULL;
    g_autoptr(GError) error = NULL;
    int count = 0;

    g_file_get_contents(path, &all, NULL, &error);
    g_assert_no_error(error);
    g_auto(GStrv) lines = g_strsplit(all, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (!**line)
            continue;
        json_t *object = json_loads(*line, JSON_ALLOW_NUL, NULL);
        const json_t *text = json_object_get(object, "text"), *hex = json_object_get(object, "hex");
        const json_t *scores = json_object_get(object, "expected");
        double expected[4];
        size_t len;
        g_autofree unsigned char *bytes = NULL;
        for (size_t i = 0; i < 4; i++)
            expected[i] = json_number_value(json_array_get(scores, i));
        if (hex) {
            bytes = unhex(json_string_value(hex), &len);
        } else {
            /* A copy of the exact size: a sanitizer sees each byte read too many. */
            len = json_string_length(text);
            bytes = g_memdup2(json_string_value(text), len);
        }
        check((const char *)bytes, len, expected, *line);
        json_decref(object);
        count++;
    }
    return count;
}

static void check_scores(const char *text, size_t len, const double *expected, const char *line)
{
    struct vader_scores scores;

    vader_score(text, len, &scores);
    const double got[] = {scores.neg, scores.neu, scores.pos, scores.compound};
    for (int i = 0; i < 4; i++)
        if (got[i] != expected[i] || signbit(got[i]) != signbit(expected[i])) {
            g_test_message("number %d is %.17g, the reference says %.17g: %.200s", i, got[i],
                           expected[i], line);
            g_test_fail();
        }
    g_assert_cmpint(vader_compound_e4(text, len), ==, (int)lrint(expected[3] * 10000));
}

static void test_cases(void)
{
    g_assert_cmpint(for_each_case("cases.jsonl", check_scores), >, 300);
}

static void test_regressions(void)
{
    for_each_case("regressions.jsonl", check_scores);
}

static void count_step(const struct vader_step *step, void *user)
{
    size_t *words = user;

    g_assert_nonnull(step->rule);
    g_assert_true(g_utf8_validate_len(step->token, step->token_len, NULL) ||
                  memchr(step->token, 0, step->token_len));
    if (step->word != VADER_NO_WORD && step->word >= *words)
        *words = step->word + 1;
}

static void check_explained(const char *text, size_t len, const double *expected, const char *line)
{
    struct vader_scores plain, explained;
    size_t words = 0;

    (void)line;
    vader_score(text, len, &plain);
    vader_explain(text, len, count_step, &words, &explained);
    g_assert_true(memcmp(&plain, &explained, sizeof plain) == 0);
    g_assert_true((words == 0) == (expected[0] + expected[1] + expected[2] == 0));
}

static void test_explain_agrees(void)
{
    for_each_case("cases.jsonl", check_explained);
}

static void append_step(const struct vader_step *step, void *user)
{
    g_string_append_printf(user, "%.*s|%s|%.4f\n", (int)step->token_len, step->token, step->rule,
                           step->valence);
}

/* The valences of each step by hand, from the lexicon: smart 1.7, bad -2.5, great 3.1. */
static void test_explain_steps(void)
{
    const char *text = "(VERY smart!), not bad but GREAT";
    g_autoptr(GString) steps = g_string_new(NULL);
    struct vader_scores scores;

    vader_explain(text, strlen(text), append_step, steps, &scores);
    g_assert_cmpstr(steps->str, ==,
                    "VERY|is a booster|0.0000\n"
                    "smart|lexicon|1.7000\n"
                    "smart|booster|2.7260\n" /* + 0.293 + 0.733 for its capitals */
                    "not|neutral|0.0000\n"
                    "bad|lexicon|-2.5000\n"
                    "bad|negation|1.8500\n" /* * -0.74 */
                    "bad|booster|2.7734\n"  /* + 0.9 * 1.026: VERY is three words before */
                    "but|neutral|0.0000\n"
                    "GREAT|lexicon|3.1000\n"
                    "GREAT|capitals|3.8330\n"
                    "GREAT|negation|-2.8364\n"
                    "smart|before but|1.3630\n"
                    "bad|before but|1.3867\n"
                    "GREAT|after but|-4.2546\n"
                    "|punctuation|0.2920\n");
}

static void test_labels(void)
{
    g_assert_cmpstr(vader_label_name(vader_label(500)), ==, "positive");
    g_assert_cmpstr(vader_label_name(vader_label(499)), ==, "neutral");
    g_assert_cmpstr(vader_label_name(vader_label(-499)), ==, "neutral");
    g_assert_cmpstr(vader_label_name(vader_label(-500)), ==, "negative");
}

/* Texts at which something quadratic or a recursion would be felt: the test's time limit and the
 * stack tell. The scores of the repeated words follow from the formula. */
static void test_long(void)
{
    static const char *const units[] = {
        "good ", "a",    "!",        ". ",        "\xE2\x9D\xA4", "\xF0\x9F\x98\x80", "\xFF",
        "",      "n't ", "\xC2\xA0", "but good ", "no ",          "so good "};
    g_autofree char *text = g_malloc(LONG_BYTES);
    struct vader_scores scores;

    for (size_t u = 0; u < G_N_ELEMENTS(units); u++) {
        size_t unit = strlen(units[u]) ? strlen(units[u]) : 1; /* "" is NUL bytes */
        for (size_t i = 0; i < LONG_BYTES; i++)
            text[i] = units[u][i % unit];
        vader_score(text, LONG_BYTES, &scores);
        g_assert_true(fabs(scores.compound) <= 1);
        g_assert_true(fabs(scores.neg + scores.neu + scores.pos - 1) < 0.0021 || scores.neu == 0);
        if (u == 0)
            g_assert_true(scores.compound == 1 && scores.pos == 1);
    }
}

/* A million valences of many values around a "but", so that positions are found again and again. */
static void test_long_but(void)
{
    static const char *const words[] = {"good",  "bad", "very good", "not bad",    "great",
                                        "GREAT", "sad", "fun",       "hardly fun", "so nice",
                                        "ok",    "win", "the",       "fine"};
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    g_autoptr(GString) text = g_string_new(NULL);
    struct vader_scores scores;

    for (int i = 0; i < 1000000; i++) {
        g_string_append(text, words[g_rand_int_range(rand, 0, G_N_ELEMENTS(words))]);
        g_string_append(text, i == 500000 ? " but " : " ");
    }
    vader_score(text->str, text->len, &scores);
    g_assert_true(fabs(scores.compound) <= 1);
}

static void *score_cases(void *user)
{
    (void)user;
    for_each_case("cases.jsonl", check_scores);
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, score_cases, NULL), ==, 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vader/cases", test_cases);
    g_test_add_func("/vader/regressions", test_regressions);
    g_test_add_func("/vader/explain-agrees", test_explain_agrees);
    g_test_add_func("/vader/explain-steps", test_explain_steps);
    g_test_add_func("/vader/labels", test_labels);
    g_test_add_func("/vader/long", test_long);
    g_test_add_func("/vader/long-but", test_long_but);
    g_test_add_func("/vader/threads", test_threads);
    return g_test_run();
}

/* Proves that a number's text is the short one a person would write, reads back as the same number,
 * and does not change with the locale. */
#include "base/number.h"

#include <locale.h>
#include <math.h>

#include <glib.h>

static void test_short(void)
{
    static const struct {
        double number;
        const char *text;
    } known[] = {
        {0, "0"},
        {4, "4"},
        {0.1, "0.1"},
        {0.15, "0.15"},
        {-2.5, "-2.5"},
        {1e9, "1000000000"},
        {100000, "100000"},
        {0.0025, "0.0025"},
        {NAN, "NaN"},
        {INFINITY, "+Inf"},
        {-INFINITY, "-Inf"},
    };
    char text[NUMBER_TEXT_BYTES];
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        g_assert_cmpstr(number_text(known[i].number, text), ==, known[i].text);
}

static void test_reads_back(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    char text[NUMBER_TEXT_BYTES];
    for (int i = 0; i < 20000; i++) {
        double number = ldexp(g_rand_double(random) - 0.5, g_rand_int_range(random, -1000, 1000));
        g_assert_cmpfloat(g_ascii_strtod(number_text(number, text), NULL), ==, number);
    }
}

static void test_locale(void)
{
    char text[NUMBER_TEXT_BYTES];
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
        g_test_skip("no locale with a decimal comma is installed");
        return;
    }
    g_assert_cmpstr(number_text(1.5, text), ==, "1.5");
    setlocale(LC_NUMERIC, "C");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/number/short", test_short);
    g_test_add_func("/number/reads-back", test_reads_back);
    g_test_add_func("/number/locale", test_locale);
    return g_test_run();
}

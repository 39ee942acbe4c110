/* Proves that contrast_apply gives what the reference's loop gives, written down here literally, on
 * random lists in which values meet one another again and again, and is quick on a million. */
#include "sentiment/contrast.h"

#include <string.h>

#include <glib.h>

#define COUNT_MAX 700 /* past the sizes that need no memory */

/* _but_check of vaderSentiment.py: the first position that holds the value is changed. */
static void literal(double *values, const uint32_t *words, size_t count, uint32_t but)
{
    for (size_t i = 0; i < count; i++) {
        size_t first = 0;
        while (values[first] != values[i])
            first++;
        values[first] *= words[first] < but ? 0.5 : 1.5;
    }
}

static void test_random(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    /* Halves and one-and-a-halves of one another. */
    static const double few[] = {1,    2,    4,  0.5, 8,  3,    1.5, 6,
                                 0.75, 2.25, -2, -1,  -4, -0.5, 16,  0.25};

    for (int round = 0; round < 4000; round++) {
        double values[COUNT_MAX], expected[COUNT_MAX];
        uint32_t words[COUNT_MAX];
        size_t count = (size_t)g_rand_int_range(rand, 0, round % 50 ? 40 : COUNT_MAX);
        int variety = g_rand_int_range(rand, 1, G_N_ELEMENTS(few) + 1);
        uint32_t but = (uint32_t)g_rand_int_range(rand, 0, 2 * (int)count + 2);
        for (size_t i = 0; i < count; i++) {
            words[i] = (uint32_t)(2 * i + 1);
            values[i] = few[g_rand_int_range(rand, 0, variety)];
            if (round % 50 == 0 && g_rand_boolean(rand))
                values[i] += (double)i; /* many different ones: the table grows */
        }
        but &= ~1u; /* "but" itself has valence 0 and is not in the list */
        memcpy(expected, values, sizeof values);
        literal(expected, words, count, but);
        contrast_apply(values, words, count, but);
        g_assert_true(memcmp(values, expected, count * sizeof *values) == 0);
    }
}

static void test_million(void)
{
    const size_t count = 1000000;
    g_autofree double *values = g_new(double, count);
    g_autofree uint32_t *words = g_new(uint32_t, count);

    for (size_t i = 0; i < count; i++) {
        values[i] = (double)(1u << (i * 7 % 13));
        words[i] = (uint32_t)i;
    }
    contrast_apply(values, words, count, (uint32_t)count / 2);
    for (size_t i = 0; i < count; i++)
        g_assert_cmpfloat(values[i], >, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/contrast/random", test_random);
    g_test_add_func("/contrast/million", test_million);
    return g_test_run();
}

/* Proves where sentences end and what their mean is; the compounds are the reference's: good
 * 0.4404, bad -0.5423, good! 0.4926, "not good." -0.3412. */
#include "sentiment/sentences.h"

#include <string.h>

#include <glib.h>

static void test_mean(void)
{
    static const struct {
        const char *text;
        int e4;
    } rows[] = {
        {"", 0},
        {"\n\n", 0},
        {"The plot. The cast.", 0},
        {"good", 4404},
        {"It was good. It was bad.", -510}, /* (4404 - 5423) / 2 = -509.5 */
        {"good! The plot.\n\nbad", -249},   /* (4926 - 5423) / 2 = -248.5; the plot says nothing */
        {"good\ngood\nbad", 1128},          /* 3385 / 3 = 1128.3 */
        {"not good. good", 496},            /* (4404 - 3412) / 2 */
        {"good.bad", 0},                    /* no white space: one word, and unknown */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(sentences_compound_e4(rows[i].text, strlen(rows[i].text)), ==, rows[i].e4);
}

/* A text that is all ends of sentences, or has none, takes linear time. */
static void test_long(void)
{
    size_t len = (size_t)4 << 20;
    g_autofree char *text = g_malloc(len);

    memset(text, '\n', len);
    g_assert_cmpint(sentences_compound_e4(text, len), ==, 0);
    memset(text, '.', len);
    g_assert_cmpint(sentences_compound_e4(text, len), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sentences/mean", test_mean);
    g_test_add_func("/sentences/long", test_long);
    return g_test_run();
}

/* Proves that decimal_round is Python's round(): tests/sentiment/rounding.tsv holds Python's
 * answers, most of them at or next to a tie. */
#include "sentiment/decimal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

static void test_python(void)
{
    g_autofree char *path =
        g_build_filename(g_getenv("MARQUEE_SOURCE_ROOT"), "tests/sentiment/rounding.tsv", NULL);
    g_autofree char *all = NULL;
    g_autoptr(GError) error = NULL;
    int count = 0;

    g_file_get_contents(path, &all, NULL, &error);
    g_assert_no_error(error);
    g_auto(GStrv) lines = g_strsplit(all, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (!**line || **line == '#')
            continue;
        g_auto(GStrv) fields = g_strsplit(*line, "\t", 3);
        double x = g_ascii_strtod(fields[0], NULL), expected = g_ascii_strtod(fields[2], NULL);
        double got = decimal_round(x, strcmp(fields[1], "3") == 0 ? 1e3 : 1e4);
        if (got != expected || signbit(got) != signbit(expected))
            g_error("round(%s, %s) is %a, expected %s", fields[0], fields[1], got, fields[2]);
        count++;
    }
    g_assert_cmpint(count, >, 1000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/decimal/python", test_python);
    return g_test_run();
}

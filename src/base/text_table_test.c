/* Proves: columns are as wide as their widest cell, in characters and not in bytes; the last one
 * has no spaces behind it; numbers stand below each other; no cell breaks a line, moves a cursor or
 * is longer than the limit. */
#include "base/text_table.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

static char *print(const struct text_table *table)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    text_table_print(table, out);
    fclose(out);
    return text;
}

static void test_aligned(void)
{
    struct text_table *table = text_table_new(3);
    static const char *const cells[] = {"id", "title", "n", "1", "Amélie", "22", "100", "M", "3"};
    for (size_t i = 0; i < G_N_ELEMENTS(cells); i++)
        g_assert_cmpuint(text_table_add(table, cells[i], -1), ==, strlen(cells[i]));
    char *text = print(table);
    g_assert_cmpstr(text, ==,
                    "id   title   n\n"
                    "1    Amélie  22\n"
                    "100  M       3\n");
    free(text);
    text_table_free(table);
}

static void test_numbers(void)
{
    struct text_table *table = text_table_new(3);
    static const char *const cells[] = {"topic", "n", "lag", "a", "1000", "-", "bcdefg", "2", "30"};
    text_table_align_right(table, 1);
    text_table_align_right(table, 2);
    for (size_t i = 0; i < G_N_ELEMENTS(cells); i++)
        text_table_add(table, cells[i], -1);
    char *text = print(table);
    g_assert_cmpstr(text, ==,
                    "topic      n  lag\n"
                    "a       1000    -\n"
                    "bcdefg     2   30\n");
    free(text);
    text_table_free(table);
}

static void test_cells(void)
{
    struct text_table *table = text_table_new(1);
    g_autofree char *many = g_strnfill(TEXT_TABLE_CELL_MAX + 1, 'x');
    text_table_add(table, "two\nlines\x1b[2J\x7f", -1);
    text_table_add(table, "wrong \xff", -1);
    text_table_add(table, "cut here", 3);
    g_assert_cmpuint(text_table_add(table, many, -1), ==, TEXT_TABLE_CELL_MAX);
    char *text = print(table);
    many[TEXT_TABLE_CELL_MAX] = '\0';
    g_autofree char *expected =
        g_strconcat("two lines [2J \nwrong \ufffd\ncut\n", many, "\n", NULL);
    g_assert_cmpstr(text, ==, expected);
    free(text);
    text_table_free(table);
}

static void test_empty(void)
{
    struct text_table *table = text_table_new(2);
    char *text = print(table);
    g_assert_cmpstr(text, ==, "");
    free(text);
    text_table_free(table);
    text_table_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text_table/aligned", test_aligned);
    g_test_add_func("/text_table/numbers", test_numbers);
    g_test_add_func("/text_table/cells", test_cells);
    g_test_add_func("/text_table/empty", test_empty);
    return g_test_run();
}

#include "base/text_table.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#define GAP       2 /* spaces between columns */
#define DELETE    0x7f
#define PRINTABLE 0x20 /* the first one */

struct text_table {
    size_t columns;
    bool *right; /* columns that are aligned so */
    GPtrArray *cells;
};

struct text_table *text_table_new(size_t columns)
{
    g_assert(columns > 0);
    struct text_table *table = g_new(struct text_table, 1);
    *table =
        (struct text_table){columns, g_new0(bool, columns), g_ptr_array_new_with_free_func(g_free)};
    return table;
}

void text_table_free(struct text_table *table)
{
    if (!table)
        return;
    g_ptr_array_unref(table->cells);
    g_free(table->right);
    g_free(table);
}

void text_table_align_right(struct text_table *table, size_t column)
{
    g_assert(column < table->columns);
    table->right[column] = true;
}

size_t text_table_add(struct text_table *table, const char *text, long len)
{
    char *cell = g_utf8_make_valid(text, len);
    for (char *at = cell; *at; at++) {
        if ((unsigned char)*at < PRINTABLE || *at == DELETE)
            *at = ' ';
    }
    if (g_utf8_strlen(cell, -1) > TEXT_TABLE_CELL_MAX)
        *g_utf8_offset_to_pointer(cell, TEXT_TABLE_CELL_MAX) = '\0';
    g_ptr_array_add(table->cells, cell);
    return strlen(cell);
}

void text_table_print(const struct text_table *table, FILE *out)
{
    const GPtrArray *cells = table->cells;
    size_t columns = table->columns;
    g_assert(cells->len % columns == 0);
    g_autofree size_t *widths = g_new0(size_t, columns);
    for (size_t i = 0; i < cells->len; i++)
        widths[i % columns] = MAX(widths[i % columns], (size_t)g_utf8_strlen(cells->pdata[i], -1));
    for (size_t i = 0; i < cells->len; i++) {
        const char *cell = cells->pdata[i];
        size_t column = i % columns;
        bool last = column + 1 == columns, right = table->right[column];
        int pad = (int)(widths[column] - (size_t)g_utf8_strlen(cell, -1));
        fprintf(out, "%*s%s", right ? pad : 0, "", cell);
        fprintf(out, "%*s%s", last ? 0 : GAP + (right ? 0 : pad), "", last ? "\n" : "");
    }
}

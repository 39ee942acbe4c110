/* Text table: rows of text in aligned columns, for people:
 *
 *   movie_id  title          popularity
 *   11        Heat           10.5
 *
 * A cell is one line: text that isn't UTF-8 gets U+FFFD for its wrong bytes, control characters
 * become spaces (so that no value moves a terminal's cursor), and what is longer than
 * TEXT_TABLE_CELL_MAX characters is cut. One owner thread. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#define TEXT_TABLE_CELL_MAX 60

struct text_table;

struct text_table *text_table_new(size_t columns); /* at least 1 */
void text_table_free(struct text_table *table);    /* accepts NULL */

/* The next cell, row by row; the first row are the columns' names. len < 0: to the byte 0. Returns
 * the bytes that it takes. */
size_t text_table_add(struct text_table *table, const char *text, long len);

/* The column's cells and its name end where the column ends: for numbers. */
void text_table_align_right(struct text_table *table, size_t column);

/* Whole rows only. */
void text_table_print(const struct text_table *table, FILE *out);

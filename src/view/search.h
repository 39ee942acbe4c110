/* Search: what a person typed, as an expression of SQLite's FTS5. Pure; any thread.
 *
 *   matrix rel        ->  "matrix" "rel" *
 *   "NEAR(" a* OR 1'  ->  "NEAR" "a" "OR" "1"          nothing of it is syntax
 *
 * Words are runs of letters, digits and marks, each in quotes, so no text can be an operator, a
 * column or an error. All must occur; the last one may be unfinished (as-you-type) once it has
 * SEARCH_PREFIX_CHARS_MIN characters: a single letter begins half of all words. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

#define SEARCH_WORDS_MAX        16
#define SEARCH_PREFIX_CHARS_MIN 2

/* To be freed; empty where the text has no word. BADDATA: not UTF-8, more than SEARCH_WORDS_MAX
 * words. */
bool search_expression(const char *text, char **ret_expression, GError **error) MUST_CHECK;

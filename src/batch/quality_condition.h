/* Quality condition: which rows an expectation is about (kwargs.row_condition), in any of the forms
 * in which Great Expectations 1.x reads or writes one, as one tree:
 *
 *   {"type":"comparison","column":{"name":"genre"},"operator":"==","parameter":"Drama"}
 *                        operators == != < <= > >= IN NOT_IN
 *   {"type":"nullity","column":{"name":"votes"},"is_null":false}
 *   {"type":"and"|"or","conditions":[...]}
 *   {"type":"pass_through","pass_through_filter":TEXT}, or TEXT itself
 *
 * TEXT is for pandas, so any Python could stand there; read are comparisons joined by "and" or "&":
 *
 *   TERM  = COLUMN OP LITERAL | col("NAME").is_null() | col("NAME").is_not_null()
 *   COLUMN= NAME | `NAME` | col("NAME")       OP = == != < <= > >=
 *   LITERAL = number | "text" | 'text' without backslashes and that quote
 *
 * Anything else is an error. Any thread. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"

#define QUALITY_CONDITIONS_MAX 100
#define QUALITY_DEPTH_MAX      8

/* A new reference to a sound tree of comparison, nullity, and, or. BADDATA says what is wrong. */
bool quality_condition_read(const json_t *value, json_t **ret_condition, GError **error) MUST_CHECK;

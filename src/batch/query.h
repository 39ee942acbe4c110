/* Query: one SELECT over the published lake, for `marquee query`.
 *
 * The tables of the current manifest are there as views: bronze.ratings, silver.movies,
 * gold.genre_analytics ... Nothing can be written, attached or read outside the lake; the text is
 * run as a subquery, so that it can be nothing but a SELECT. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/context.h"
#include "base/error.h"

enum query_format {
    QUERY_TABLE, /* aligned columns for people */
    QUERY_JSON,  /* one JSON object a line */
};

#define QUERY_TABLE_ROWS_MAX                                                                       \
    10000 /* a table is held in memory to be aligned; more is BADDATA, JSON has no limit */

/* NOTFOUND: no batch has run yet. BADDATA: DuckDB refuses the text, with its reason. */
bool batch_query(const struct context *context,
                 const char *sql,
                 enum query_format format,
                 FILE *out,
                 int64_t *ret_rows,
                 GError **error) MUST_CHECK;

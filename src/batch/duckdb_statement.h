/* DuckDB statement: the engine's own statements (sql/prelude/statements_duckdb.sql) with names,
 * URLs and queries put in. */
#pragma once

#include <stddef.h>

#include <glib.h>

#include "base/error.h"

struct duckdb_statement {
    const char *name;     /* of the statement in the file */
    const char *relation; /* ours, never from outside; schema.table for a query's view */
    const char *select;   /* text of a SELECT */
    const char *url;
    const char *const *urls;
    size_t urls_count;
};

/* Newly allocated. BADDATA where a URL holds a quote. What the statement doesn't name may be left
 * out. */
char *duckdb_statement_text(const struct duckdb_statement *statement, GError **error) MUST_CHECK;

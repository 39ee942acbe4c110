/* Quality SQL: compiles a suite to one statement over a table, whose one row holds all figures that
 * the results are made of.
 *
 *   row[0] rows   row[1] rows that pass what is critical   row[slot.first ...] of an expectation:
 *     judges rows            elements, looked at, unexpected, JSON list of the first unexpected
 *     figure with bounds     JSON of what is observed, whether it is expected
 *     quantiles              JSON list of values
 *     most common value      JSON list of the first modes, modes, modes in the set
 *     distinct values        unexpected, JSON list of the first, JSON list of those in the set
 *     row count              rows
 *     columns, types         nothing: quality_result looks at the columns
 *
 * The pieces are in sql/prelude/quality_duckdb.sql. What doesn't fit the table (no such column, a
 * text compared with numbers) is the expectation's own trouble: it fails, with the reason, as in
 * Great Expectations. A row fails what is critical where it is unexpected for any critical
 * expectation that judges rows, whatever its `mostly`; such an expectation that is in trouble fails
 * every row. Any thread. */
#pragma once

#include "batch/quality_literal.h"
#include "batch/quality_suite.h"

#define QUALITY_LIST_MAX          20  /* values of a list in a result */
#define QUALITY_SAMPLE_CHARACTERS 100 /* of a text in such a list */

struct quality_column {
    char *name, *type; /* as the engine names them */
    enum quality_class class;
};

struct quality_columns {
    struct quality_column *items;
    size_t count;
};

struct quality_slot {
    size_t first;  /* column of the row; 0: none */
    char *trouble; /* why it can't be judged; NULL */
};

struct quality_plan {
    char *sql;
    size_t width;               /* columns of the row */
    struct quality_slot *slots; /* one an expectation of the suite */
    size_t slots_count;
};

/* relation is a name that is ours. */
struct quality_plan *quality_plan_new(const struct quality_suite *suite,
                                      const struct quality_columns *columns,
                                      const char *relation);
void quality_plan_free(struct quality_plan *plan); /* accepts NULL */

void quality_columns_add(struct quality_columns *columns, const char *name, const char *type);
void quality_columns_clear(struct quality_columns *columns);
/* NULL where there is none. */
const struct quality_column *quality_columns_find(const struct quality_columns *columns,
                                                  const char *name);

/* Statement that lists a relation's columns (name, type, ...), and one that fails where the engine
 * can't read a regular expression. Newly allocated. */
char *quality_sql_describe(const char *relation);
char *quality_sql_probe(const char *pattern, size_t len);

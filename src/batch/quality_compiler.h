/* For the files of the compiler (quality_sql.c, quality_rows.c, quality_figures.c): the statement
 * as it grows, and the pieces that it is made of.
 *
 *   with SELECT ... failed, outputs FROM (SELECT entries.*, judged FROM (rows) joins)
 *
 * Names in the statement: c<n> column n of the table; e<i>, n<i>, u<i> whether a row is an element
 * of expectation i, is looked at, is unexpected (never null); d<i> its own relation. */
#pragma once

#include "base/sql_file.h"
#include "batch/quality_sql.h"

struct compiler {
    const struct quality_columns *columns;
    const char *relation;
    struct sql_file *pieces;
    bool *used; /* of the columns */
    GString *with, *joins, *judged, *failed, *outputs;
    /* The expectation under way, and its index in the suite. */
    const struct quality_expectation *now;
    size_t index;
};

void compiler_open(struct compiler *compiler,
                   const struct quality_columns *columns,
                   const char *relation);
void compiler_close(struct compiler *compiler);

/* Appends a piece of sql/prelude/quality_duckdb.sql with its {names} put in: pairs of name and
 * text, up to NULL. Appends nothing else. */
void compiler_put(const struct compiler *compiler, GString *out, const char *piece, ...)
    G_GNUC_NULL_TERMINATED;
#define PUT(out, ...) compiler_put(compiler, out, __VA_ARGS__, NULL)

/* prefix and number; newly allocated. */
char *compiler_name(const char *prefix, size_t number);

/* The rows with the columns that are named (NULL-terminated), or, NULL, all that are used. */
char *compiler_source(const struct compiler *compiler, const char *const *aliases);

/* Adds a relation to WITH, and how the rows join it. */
void compiler_join(struct compiler *compiler, const char *with, const char *join);

/* What an expectation reads. */
struct scope {
    GPtrArray *columns; /* const struct quality_column *: the subjects */
    GPtrArray *keys;    /* char *: their aliases */
    GPtrArray *aliases; /* char *: all that is read, NULL-terminated */
    char *elements;     /* rows that the condition keeps */
    char *considered;   /* of these, those that are looked at */
};

/* To be cleared also on false. BADDATA: the table has no such column, or the condition compares a
 * column with what it can't be compared with. */
bool scope_open(struct scope *scope, struct compiler *compiler, GError **error) MUST_CHECK;
void scope_clear(struct scope *scope);
const struct quality_column *scope_column(const struct scope *scope, guint index);
const char *scope_key(const struct scope *scope, guint index);
const char *const *scope_aliases(const struct scope *scope);

/* Adds e<i>, n<i> and, where what is expected of a row is given, u<i>. */
void compiler_judge(struct compiler *compiler, const struct scope *scope, const char *expected);

/* "x IN (...)": values of other types than the column's equal none. */
bool compiler_in_set(GString *out,
                     const char *expression,
                     enum quality_class class,
                     const json_t *values,
                     GError **error) MUST_CHECK;

/* " AND x >= 1 AND x < 5" from min_value, max_value and their strict_, or nothing. */
bool compiler_bounds(const struct compiler *compiler,
                     GString *out,
                     const char *expression,
                     enum quality_class class,
                     GError **error) MUST_CHECK;

/* A value as a list in a result shows it. */
void compiler_sample(const struct compiler *compiler,
                     GString *out,
                     const struct quality_column *column,
                     const char *expression);

/* BADDATA where the column's type doesn't fit. */
bool compiler_fits(const struct quality_column *column, bool fits, GError **error) MUST_CHECK;

/* Each appends to outputs and says how many columns of the row that takes. */
bool compile_rows(struct compiler *compiler,
                  const struct scope *scope,
                  size_t *ret_width,
                  GError **error) MUST_CHECK;
bool compile_figure(struct compiler *compiler,
                    const struct scope *scope,
                    size_t *ret_width,
                    GError **error) MUST_CHECK;

/* Quality kinds: which expectations are known, what each is about and which arguments it takes.
 * Names and arguments are those of Great Expectations 1.x; docs/quality.md lists them. Constant
 * tables, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum quality_id {
    QUALITY_NOT_NULL,
    QUALITY_NULL,
    QUALITY_UNIQUE,
    QUALITY_BETWEEN,
    QUALITY_IN_SET,
    QUALITY_NOT_IN_SET,
    QUALITY_REGEX,
    QUALITY_NOT_REGEX,
    QUALITY_REGEX_LIST,
    QUALITY_NOT_REGEX_LIST,
    QUALITY_LIKE,
    QUALITY_NOT_LIKE,
    QUALITY_LIKE_LIST,
    QUALITY_NOT_LIKE_LIST,
    QUALITY_LENGTH_BETWEEN,
    QUALITY_LENGTH_EQUAL,
    QUALITY_INCREASING,
    QUALITY_DECREASING,
    QUALITY_Z_SCORE,
    QUALITY_JSON,
    QUALITY_PAIR_GREATER,
    QUALITY_PAIR_EQUAL,
    QUALITY_PAIR_IN_SET,
    QUALITY_COMPOUND_UNIQUE,
    QUALITY_UNIQUE_WITHIN_RECORD,
    QUALITY_SUM_EQUAL,
    QUALITY_OF_TYPE,
    QUALITY_IN_TYPE_LIST,
    QUALITY_MIN,
    QUALITY_MAX,
    QUALITY_SUM,
    QUALITY_MEAN,
    QUALITY_MEDIAN,
    QUALITY_STDEV,
    QUALITY_UNIQUE_COUNT,
    QUALITY_UNIQUE_PROPORTION,
    QUALITY_NON_NULL_PROPORTION,
    QUALITY_QUANTILES,
    QUALITY_MOST_COMMON,
    QUALITY_DISTINCT_IN_SET,
    QUALITY_DISTINCT_EQUAL_SET,
    QUALITY_DISTINCT_CONTAIN_SET,
    QUALITY_ROW_COUNT_BETWEEN,
    QUALITY_ROW_COUNT_EQUAL,
    QUALITY_COLUMN_COUNT_BETWEEN,
    QUALITY_COLUMN_COUNT_EQUAL,
    QUALITY_COLUMN_EXISTS,
    QUALITY_COLUMNS_SET,
    QUALITY_COLUMNS_LIST,
};

/* What an expectation is about. The first three judge each row and take part in the score. */
enum quality_domain {
    QUALITY_DOMAIN_COLUMN,  /* the values of a column */
    QUALITY_DOMAIN_PAIR,    /* two columns of a row */
    QUALITY_DOMAIN_COLUMNS, /* several columns of a row */
    QUALITY_DOMAIN_FIGURE,  /* one figure of a column */
    QUALITY_DOMAIN_TYPE,    /* a column's type */
    QUALITY_DOMAIN_ROWS,    /* how many rows there are */
    QUALITY_DOMAIN_TABLE,   /* the table's columns */
};

enum quality_argument_type {
    QUALITY_ARGUMENT_BOOL,
    QUALITY_ARGUMENT_COUNT,     /* whole number from 0 */
    QUALITY_ARGUMENT_NUMBER,    /* finite */
    QUALITY_ARGUMENT_SHARE,     /* 0 to 1 */
    QUALITY_ARGUMENT_BOUND,     /* number, or text: a date too */
    QUALITY_ARGUMENT_TEXT,      /* not empty */
    QUALITY_ARGUMENT_TEXTS,     /* list of these, not empty */
    QUALITY_ARGUMENT_ESCAPE,    /* one ASCII character */
    QUALITY_ARGUMENT_VALUES,    /* list of scalars */
    QUALITY_ARGUMENT_PAIRS,     /* list of lists of two scalars */
    QUALITY_ARGUMENT_QUANTILES, /* {quantiles: [0 to 1], value_ranges: [[least, most]]} */
    QUALITY_ARGUMENT_CONDITION, /* quality_condition.h */
    QUALITY_ARGUMENT_CHOICE,
};

struct quality_argument {
    const char *name; /* NULL ends a list */
    enum quality_argument_type type;
    bool required;
    const char *choices; /* "any|all" */
};

#define QUALITY_ARGUMENTS_MAX 8

struct quality_kind {
    const char *type; /* "expect_column_values_to_not_be_null" */
    enum quality_id id;
    enum quality_domain domain;
    struct quality_argument arguments[QUALITY_ARGUMENTS_MAX]; /* beside those of its domain */
};

extern const struct quality_kind quality_kinds[];
extern const size_t quality_kinds_count;

/* NULL where it isn't known. */
const struct quality_kind *quality_kind_find(const char *type);

/* The argument of that name, the domain's own among them; NULL where there is none. */
const struct quality_argument *quality_kind_argument(const struct quality_kind *kind,
                                                     const char *name);
/* One after another, from *at = 0; NULL behind the last. */
const struct quality_argument *quality_kind_next(const struct quality_kind *kind, size_t *at);

/* Whether it judges each row. */
bool quality_kind_is_row_level(const struct quality_kind *kind);

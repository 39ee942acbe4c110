#include "batch/quality_kind.h"

#include <string.h>

#include <glib.h>

#define BOUNDS(type)                                                                               \
    {"min_value", type}, {"max_value", type}, {"strict_min", QUALITY_ARGUMENT_BOOL},               \
    {                                                                                              \
        "strict_max", QUALITY_ARGUMENT_BOOL                                                        \
    }
#define VALUE_SET                                                                                  \
    {                                                                                              \
        "value_set", QUALITY_ARGUMENT_VALUES, true                                                 \
    }
#define MATCH_ON                                                                                   \
    {                                                                                              \
        "match_on", QUALITY_ARGUMENT_CHOICE, false, "any|all"                                      \
    }
#define ESCAPE                                                                                     \
    {                                                                                              \
        "escape", QUALITY_ARGUMENT_ESCAPE                                                          \
    }
#define STRICTLY                                                                                   \
    {                                                                                              \
        "strictly", QUALITY_ARGUMENT_BOOL                                                          \
    }
#define REGEX                                                                                      \
    {                                                                                              \
        "regex", QUALITY_ARGUMENT_TEXT, true                                                       \
    }
#define REGEX_LIST                                                                                 \
    {                                                                                              \
        "regex_list", QUALITY_ARGUMENT_TEXTS, true                                                 \
    }
#define LIKE                                                                                       \
    {                                                                                              \
        "like_pattern", QUALITY_ARGUMENT_TEXT, true                                                \
    }
#define LIKE_LIST                                                                                  \
    {                                                                                              \
        "like_pattern_list", QUALITY_ARGUMENT_TEXTS, true                                          \
    }

#define COLUMN  QUALITY_DOMAIN_COLUMN
#define PAIR    QUALITY_DOMAIN_PAIR
#define COLUMNS QUALITY_DOMAIN_COLUMNS
#define FIGURE  QUALITY_DOMAIN_FIGURE
#define TYPE    QUALITY_DOMAIN_TYPE
#define ROWS    QUALITY_DOMAIN_ROWS
#define TABLE   QUALITY_DOMAIN_TABLE
#define BOUND   QUALITY_ARGUMENT_BOUND
#define COUNT   QUALITY_ARGUMENT_COUNT
#define NUMBER  QUALITY_ARGUMENT_NUMBER

/* clang-format off */
const struct quality_kind quality_kinds[] = {
    {"expect_column_values_to_not_be_null", QUALITY_NOT_NULL, COLUMN, {{0}}},
    {"expect_column_values_to_be_null", QUALITY_NULL, COLUMN, {{0}}},
    {"expect_column_values_to_be_unique", QUALITY_UNIQUE, COLUMN, {{0}}},
    {"expect_column_values_to_be_between", QUALITY_BETWEEN, COLUMN, {BOUNDS(BOUND)}},
    {"expect_column_values_to_be_in_set", QUALITY_IN_SET, COLUMN, {VALUE_SET}},
    {"expect_column_values_to_not_be_in_set", QUALITY_NOT_IN_SET, COLUMN, {VALUE_SET}},
    {"expect_column_values_to_match_regex", QUALITY_REGEX, COLUMN, {REGEX}},
    {"expect_column_values_to_not_match_regex", QUALITY_NOT_REGEX, COLUMN, {REGEX}},
    {"expect_column_values_to_match_regex_list", QUALITY_REGEX_LIST, COLUMN,
     {REGEX_LIST, MATCH_ON}},
    {"expect_column_values_to_not_match_regex_list", QUALITY_NOT_REGEX_LIST, COLUMN, {REGEX_LIST}},
    {"expect_column_values_to_match_like_pattern", QUALITY_LIKE, COLUMN, {LIKE, ESCAPE}},
    {"expect_column_values_to_not_match_like_pattern", QUALITY_NOT_LIKE, COLUMN, {LIKE, ESCAPE}},
    {"expect_column_values_to_match_like_pattern_list", QUALITY_LIKE_LIST, COLUMN,
     {LIKE_LIST, MATCH_ON, ESCAPE}},
    {"expect_column_values_to_not_match_like_pattern_list", QUALITY_NOT_LIKE_LIST, COLUMN,
     {LIKE_LIST, ESCAPE}},
    {"expect_column_value_lengths_to_be_between", QUALITY_LENGTH_BETWEEN, COLUMN, {BOUNDS(COUNT)}},
    {"expect_column_value_lengths_to_equal", QUALITY_LENGTH_EQUAL, COLUMN,
     {{"value", COUNT, true}}},
    {"expect_column_values_to_be_increasing", QUALITY_INCREASING, COLUMN, {STRICTLY}},
    {"expect_column_values_to_be_decreasing", QUALITY_DECREASING, COLUMN, {STRICTLY}},
    {"expect_column_value_z_scores_to_be_less_than", QUALITY_Z_SCORE, COLUMN,
     {{"threshold", NUMBER, true}, {"double_sided", QUALITY_ARGUMENT_BOOL, true}}},
    {"expect_column_values_to_be_json_parseable", QUALITY_JSON, COLUMN, {{0}}},
    {"expect_column_pair_values_a_to_be_greater_than_b", QUALITY_PAIR_GREATER, PAIR,
     {{"or_equal", QUALITY_ARGUMENT_BOOL}}},
    {"expect_column_pair_values_to_be_equal", QUALITY_PAIR_EQUAL, PAIR, {{0}}},
    {"expect_column_pair_values_to_be_in_set", QUALITY_PAIR_IN_SET, PAIR,
     {{"value_pairs_set", QUALITY_ARGUMENT_PAIRS, true}}},
    {"expect_compound_columns_to_be_unique", QUALITY_COMPOUND_UNIQUE, COLUMNS, {{0}}},
    {"expect_select_column_values_to_be_unique_within_record", QUALITY_UNIQUE_WITHIN_RECORD,
     COLUMNS, {{0}}},
    {"expect_multicolumn_sum_to_equal", QUALITY_SUM_EQUAL, COLUMNS, {{"sum_total", NUMBER, true}}},
    {"expect_column_values_to_be_of_type", QUALITY_OF_TYPE, TYPE,
     {{"type_", QUALITY_ARGUMENT_TEXT, true}}},
    {"expect_column_values_to_be_in_type_list", QUALITY_IN_TYPE_LIST, TYPE,
     {{"type_list", QUALITY_ARGUMENT_TEXTS, true}}},
    {"expect_column_min_to_be_between", QUALITY_MIN, FIGURE, {BOUNDS(BOUND)}},
    {"expect_column_max_to_be_between", QUALITY_MAX, FIGURE, {BOUNDS(BOUND)}},
    {"expect_column_sum_to_be_between", QUALITY_SUM, FIGURE, {BOUNDS(NUMBER)}},
    {"expect_column_mean_to_be_between", QUALITY_MEAN, FIGURE, {BOUNDS(NUMBER)}},
    {"expect_column_median_to_be_between", QUALITY_MEDIAN, FIGURE, {BOUNDS(NUMBER)}},
    {"expect_column_stdev_to_be_between", QUALITY_STDEV, FIGURE, {BOUNDS(NUMBER)}},
    {"expect_column_unique_value_count_to_be_between", QUALITY_UNIQUE_COUNT, FIGURE,
     {BOUNDS(COUNT)}},
    {"expect_column_proportion_of_unique_values_to_be_between", QUALITY_UNIQUE_PROPORTION, FIGURE,
     {BOUNDS(NUMBER)}},
    {"expect_column_proportion_of_non_null_values_to_be_between", QUALITY_NON_NULL_PROPORTION,
     FIGURE, {BOUNDS(NUMBER)}},
    {"expect_column_quantile_values_to_be_between", QUALITY_QUANTILES, FIGURE,
     {{"quantile_ranges", QUALITY_ARGUMENT_QUANTILES, true},
      {"allow_relative_error", QUALITY_ARGUMENT_CHOICE, false, "nearest"}}},
    {"expect_column_most_common_value_to_be_in_set", QUALITY_MOST_COMMON, FIGURE,
     {VALUE_SET, {"ties_okay", QUALITY_ARGUMENT_BOOL}}},
    {"expect_column_distinct_values_to_be_in_set", QUALITY_DISTINCT_IN_SET, FIGURE, {VALUE_SET}},
    {"expect_column_distinct_values_to_equal_set", QUALITY_DISTINCT_EQUAL_SET, FIGURE, {VALUE_SET}},
    {"expect_column_distinct_values_to_contain_set", QUALITY_DISTINCT_CONTAIN_SET, FIGURE,
     {VALUE_SET}},
    {"expect_table_row_count_to_be_between", QUALITY_ROW_COUNT_BETWEEN, ROWS, {BOUNDS(COUNT)}},
    {"expect_table_row_count_to_equal", QUALITY_ROW_COUNT_EQUAL, ROWS, {{"value", COUNT, true}}},
    {"expect_table_column_count_to_be_between", QUALITY_COLUMN_COUNT_BETWEEN, TABLE,
     {{"min_value", COUNT}, {"max_value", COUNT}}},
    {"expect_table_column_count_to_equal", QUALITY_COLUMN_COUNT_EQUAL, TABLE,
     {{"value", COUNT, true}}},
    {"expect_column_to_exist", QUALITY_COLUMN_EXISTS, TABLE,
     {{"column", QUALITY_ARGUMENT_TEXT, true}, {"column_index", COUNT}}},
    {"expect_table_columns_to_match_set", QUALITY_COLUMNS_SET, TABLE,
     {{"column_set", QUALITY_ARGUMENT_TEXTS, true}, {"exact_match", QUALITY_ARGUMENT_BOOL}}},
    {"expect_table_columns_to_match_ordered_list", QUALITY_COLUMNS_LIST, TABLE,
     {{"column_list", QUALITY_ARGUMENT_TEXTS, true}}},
};
/* clang-format on */
const size_t quality_kinds_count = G_N_ELEMENTS(quality_kinds);

#define MOSTLY                                                                                     \
    {                                                                                              \
        "mostly", QUALITY_ARGUMENT_SHARE                                                           \
    }
#define CONDITION                                                                                  \
    {"row_condition", QUALITY_ARGUMENT_CONDITION},                                                 \
    {                                                                                              \
        "condition_parser", QUALITY_ARGUMENT_CHOICE, false,                                        \
            "great_expectations|great_expectations__experimental__|pandas|spark"                   \
    }
#define ONE_COLUMN                                                                                 \
    {                                                                                              \
        "column", QUALITY_ARGUMENT_TEXT, true                                                      \
    }

#define SHARED_MAX 7
static const struct quality_argument shared[][SHARED_MAX] = {
    [QUALITY_DOMAIN_COLUMN] = {ONE_COLUMN, MOSTLY, CONDITION},
    [QUALITY_DOMAIN_PAIR] = {{"column_A", QUALITY_ARGUMENT_TEXT, true},
                             {"column_B", QUALITY_ARGUMENT_TEXT, true},
                             MOSTLY,
                             CONDITION,
                             {"ignore_row_if", QUALITY_ARGUMENT_CHOICE, false,
                              "both_values_are_missing|either_value_is_missing|neither"}},
    [QUALITY_DOMAIN_COLUMNS] = {{"column_list", QUALITY_ARGUMENT_TEXTS, true},
                                MOSTLY,
                                CONDITION,
                                {"ignore_row_if", QUALITY_ARGUMENT_CHOICE, false,
                                 "all_values_are_missing|any_value_is_missing|never"}},
    [QUALITY_DOMAIN_FIGURE] = {ONE_COLUMN, CONDITION},
    /* Of a type mostly could only be all or nothing. */
    [QUALITY_DOMAIN_TYPE] = {ONE_COLUMN},
    [QUALITY_DOMAIN_ROWS] = {CONDITION},
    [QUALITY_DOMAIN_TABLE] = {{0}},
};

const struct quality_kind *quality_kind_find(const char *type)
{
    for (size_t i = 0; i < quality_kinds_count; i++) {
        if (strcmp(quality_kinds[i].type, type) == 0)
            return &quality_kinds[i];
    }
    return NULL;
}

const struct quality_argument *quality_kind_next(const struct quality_kind *kind, size_t *at)
{
    const struct quality_argument *of_domain = shared[kind->domain];
    size_t count = 0;
    while (count < SHARED_MAX && of_domain[count].name)
        count++;
    size_t index = (*at)++;
    if (index < count)
        return &of_domain[index];
    index -= count;
    if (index >= QUALITY_ARGUMENTS_MAX || !kind->arguments[index].name)
        return NULL;
    return &kind->arguments[index];
}

const struct quality_argument *quality_kind_argument(const struct quality_kind *kind,
                                                     const char *name)
{
    size_t at = 0;
    const struct quality_argument *argument;
    while ((argument = quality_kind_next(kind, &at))) {
        if (strcmp(argument->name, name) == 0)
            return argument;
    }
    return NULL;
}

bool quality_kind_is_row_level(const struct quality_kind *kind)
{
    return kind->domain == QUALITY_DOMAIN_COLUMN || kind->domain == QUALITY_DOMAIN_PAIR ||
           kind->domain == QUALITY_DOMAIN_COLUMNS;
}

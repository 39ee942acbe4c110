/* Quality result: the figures of a statement's row as Great Expectations' validation result, format
 * BASIC:
 *
 *   {"success":false,"results":[{"success":true,"expectation_config":{...},"result":{...},
 *    "meta":{},"exception_info":{...}}, ...],"suite_name":"silver.movies","suite_parameters":{},
 *    "statistics":{"evaluated_expectations":9,"successful_expectations":7,
 *    "unsuccessful_expectations":2,"success_percent":77.8},"meta":{...},"id":null}
 *
 * Results stand in the order of the suite. Texts are cut at QUALITY_SAMPLE_CHARACTERS, lists at
 * QUALITY_LIST_MAX. Any thread. */
#pragma once

#include "batch/engine.h"
#include "batch/quality_sql.h"

struct quality_result {
    json_t *document; /* the validation result */
    int64_t rows;     /* of the table */
    int64_t passed;   /* rows that pass all critical expectations that judge rows */
    size_t evaluated, successful;
    bool critical_failed; /* some critical expectation isn't met */
};

/* values: the statement's one row, plan->width long. run_id and time_ms stand in meta. */
struct quality_result *quality_result_new(const struct quality_suite *suite,
                                          const struct quality_plan *plan,
                                          const struct quality_columns *columns,
                                          const struct engine_value *values,
                                          const char *run_id,
                                          int64_t time_ms);
void quality_result_free(struct quality_result *result); /* accepts NULL */

/* passed / rows; 1 where there are no rows. */
double quality_result_score(const struct quality_result *result);

/* Appends any JSON value; doubles as base/number.h writes them. */
void quality_result_write(GString *out, const json_t *value);

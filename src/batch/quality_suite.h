/* Quality suite: an expectation suite in Great Expectations' own JSON, as its 1.x writes it:
 *
 *   {"name":"silver.movies","expectations":[{"type":"expect_column_values_to_not_be_null",
 *    "kwargs":{"column":"movie_id"},"meta":{},"severity":"critical","id":"..."}]}
 *
 * Their reader drops an expectation that it doesn't know and goes on; here an unknown type,
 * argument or field is an error, and names the file, the expectation's index and what is known.
 * severity is critical unless said otherwise, as theirs. Immutable after parsing; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/error.h"
#include "batch/quality_kind.h"

#define QUALITY_SUITE_BYTES_MAX   ((size_t)1024 * 1024)
#define QUALITY_EXPECTATIONS_MAX  200 /* of a suite: each is a few columns of one statement */
#define QUALITY_VALUES_MAX        1000
#define QUALITY_COUNT_MAX         9007199254740992.0 /* 2^53: exact as a double */
#define QUALITY_TEXT_BYTES_MAX    4096               /* of a text in kwargs */
#define QUALITY_SEVERITY_CRITICAL "critical"

struct quality_expectation {
    const struct quality_kind *kind;
    const json_t *config; /* as in the file */
    const json_t *kwargs;
    double mostly;        /* 1 where not given */
    json_t *condition;    /* quality_condition_read's tree; NULL: all rows */
    const char *severity; /* "critical", "warning", "info" */
};

struct quality_suite {
    char *path; /* for messages */
    const char *name;
    json_t *document;
    struct quality_expectation *items;
    size_t count;
};

/* BADDATA with path, index and what is known. */
struct quality_suite *
quality_suite_parse(const char *path, const char *text, size_t len, GError **error) MUST_CHECK;
void quality_suite_free(struct quality_suite *suite); /* accepts NULL */

/* Whether it counts for the score: it judges rows and is critical. */
bool quality_expectation_gates(const struct quality_expectation *expectation);

/* kwargs; NULL where not given. */
const json_t *quality_expectation_get(const struct quality_expectation *expectation,
                                      const char *name);
const char *quality_expectation_text(const struct quality_expectation *expectation,
                                     const char *name);
bool quality_expectation_flag(const struct quality_expectation *expectation, const char *name);

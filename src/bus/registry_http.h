/* Registry HTTP: one request after another to a Confluent-compatible registry, JSON both ways, with
 * bounded retries. Private to registry_rest.c. One owner thread. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "base/context.h"
#include "base/error.h"

struct registry_http;

struct registry_answer {
    int status;
    int error_code; /* the registry's own, such as 40403; 0 where it gives none */
    json_t *body;   /* owned; NULL where it was no JSON */
    char *message;  /* owned; what the registry says, "" where it says nothing */
};

/* base_url: http(s), a path allowed. context outlives it. */
struct registry_http *
registry_http_new(const struct context *context, const char *base_url, GError **error) MUST_CHECK;
void registry_http_free(struct registry_http *http); /* accepts NULL */

/* method: "GET", "POST", "PUT". path begins with a slash; body: NULL, or borrowed JSON. True for
 * any answer that time won't mend, also 404 and 409: the caller judges those. AGAIN: no answer, or
 * 408, 429, 5xx, after the last try. DENIED: 401, 403. */
bool registry_http_run(struct registry_http *http,
                       const char *method,
                       const char *path,
                       const json_t *body,
                       struct registry_answer *ret_answer,
                       GError **error) MUST_CHECK;
void registry_answer_clear(struct registry_answer *answer);

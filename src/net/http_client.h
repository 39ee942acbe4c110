/* HTTP client: libcurl multi with keep-alive, many requests under way, one rate limit and one retry
 * rule in front. No movie knowledge.
 *
 *   http_client_get ─► wait for a token ─► curl ─► answer
 *                       ▲                   │ time-out, 408, 429, 5xx, or what the caller says
 *                       └ back-off, jitter, Retry-After ◄┘
 *
 * An answer 429 or 503 that says Retry-After holds back all requests, not only its own: the limit
 * is the caller's, and each further one would be refused as well.
 *
 * One owner thread: requests are queued, http_client_run drives them and calls back on that thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"
#include "base/error.h"

#define HTTP_ANSWER_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define HTTP_PENDING_MAX      10000

struct http_client;

struct http_answer {
    int status;       /* 0: no answer, see error */
    const char *body; /* NUL-terminated; lives during the callback */
    size_t body_len;
    const char *content_type; /* "" where absent */
    const char *url;          /* without secrets */
    int tries;                /* 1: the first one succeeded */
    const char *error;        /* NULL, or why there is no answer after the last try */
};

enum http_verdict { HTTP_DONE, HTTP_RETRY };

struct http_client_options {
    double rate_per_s; /* token bucket; 0: no limit */
    int burst;
    /* The bucket is empty at the start, so that starts, too, stay within the rate; else full. */
    bool starts_empty;
    int concurrency;
    int retry_max;
    int64_t retry_base_ms, retry_cap_ms, timeout_ms;
    uint64_t jitter_seed;
    const char *const
        *headers; /* "Name: value", NULL-terminated; sent with each request, never logged */
    const char *secret_query; /* "api_key=...": added to each URL on the wire only; NULL: none */
    /* Looks at an answer of status 200..399 or of a status that isn't retried by itself; NULL: all
     * are done. */
    enum http_verdict (*judge)(const struct http_answer *answer, void *user);
    void *user;
};

typedef void (*http_answer_fn)(const struct http_answer *answer, void *user);

struct http_client *http_client_new(const struct context *context,
                                    const struct http_client_options *options,
                                    GError **error) MUST_CHECK;
void http_client_free(
    struct http_client *client); /* accepts NULL; what is under way is dropped without callback */

/* Queues a GET. AGAIN where HTTP_PENDING_MAX requests wait already. */
bool http_client_get(struct http_client *client,
                     const char *url,
                     http_answer_fn fn,
                     void *user,
                     GError **error) MUST_CHECK;

/* Drives what is queued for at most timeout_ms; returns early when nothing is pending, a callback
 * ran, or stop was requested. */
void http_client_run(struct http_client *client, int64_t timeout_ms);
size_t http_client_pending(const struct http_client *client);

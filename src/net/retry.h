/* Retry: exponential back-off with full jitter, and Retry-After.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (full jitter);
 * RFC 9110, 10.2.3 (Retry-After). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct retry {
    int64_t base_ms, cap_ms;
    int tries_max;
    uint64_t random; /* state of the generator: a seed gives a sequence */
};

/* Pause before try number next_try (1 is the first retry): uniform in [base, min(cap, base *
 * 2^next_try)]; at least retry_after_ms where that is >= 0, but never above cap. -1: no further
 * try. */
int64_t retry_delay_ms(struct retry *retry, int next_try, int64_t retry_after_ms);

/* Parses "120" or an HTTP date; ms from now_ms (never negative), or -1 where there is none or it is
 * unreadable. */
int64_t retry_after_parse(const char *value, int64_t now_ms);

/* Time-outs and refusals that time mends: 408, 429, 500, 502, 503, 504 and other 5xx but 501 and
 * 505. */
bool retry_status(int status);

/* Rate limit: a token bucket on monotonic time. rate tokens a second flow in, at most burst are
 * held; a request takes one. Not thread-safe: the owner locks or is alone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
    double rate_per_s, burst, tokens;
    int64_t updated_us;
};

void rate_limit_init(struct rate_limit *limit, double rate_per_s, double burst, int64_t now_us);

/* Takes a token; 0 when it was there, else the microseconds until one is (nothing is taken then).
 */
int64_t rate_limit_take(struct rate_limit *limit, int64_t now_us);

#include "net/rate_limit.h"

#include <math.h>

#include <glib.h>

#define US_PER_SECOND 1e6

void rate_limit_init(struct rate_limit *limit, double rate_per_s, double burst, int64_t now_us)
{
    g_assert(rate_per_s > 0 && burst >= 1);
    *limit = (struct rate_limit){
        .rate_per_s = rate_per_s, .burst = burst, .tokens = burst, .updated_us = now_us};
}

int64_t rate_limit_take(struct rate_limit *limit, int64_t now_us)
{
    double passed_s = (double)MAX(0, now_us - limit->updated_us) / US_PER_SECOND;
    limit->tokens = fmin(limit->burst, limit->tokens + passed_s * limit->rate_per_s);
    limit->updated_us = MAX(limit->updated_us, now_us);
    if (limit->tokens >= 1) {
        limit->tokens -= 1;
        return 0;
    }
    /* Rounded up, so that a token is there when the caller comes back. */
    return (int64_t)ceil((1 - limit->tokens) / limit->rate_per_s * US_PER_SECOND);
}

/* Quota: requests a minute for each API key, as token buckets. Any thread.
 *
 * Headers as the IETF draft has them (draft-ietf-httpapi-ratelimit-headers, since -08):
 *   RateLimit-Policy: "default";q=100;w=60        RateLimit: "default";r=19;t=1 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

#define QUOTA_REQUESTS 100 /* in QUOTA_WINDOW_S */
#define QUOTA_WINDOW_S 60
#define QUOTA_BURST    20

struct quota;

struct quota *quota_new(const struct context *context, size_t keys);
void quota_free(struct quota *quota); /* accepts NULL */

struct quota_state {
    bool allowed;
    int remaining; /* requests that would be allowed at once now */
    int reset_s; /* until remaining is one more; for a refused request: until it may be repeated */
};

/* Counts a request of a key. */
struct quota_state quota_take(struct quota *quota, size_t key);

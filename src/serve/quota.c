#include "serve/quota.h"

#include <math.h>
#include <pthread.h>

#include <glib.h>

#include "base/clock.h"
#include "net/rate_limit.h"

#define US_PER_S 1e6

struct quota {
    const struct context *context;
    pthread_mutex_t lock; /* a leaf */
    struct rate_limit *buckets;
    size_t keys;
};

static int64_t now_us(const struct quota *quota)
{
    return clock_monotonic_ms(quota->context->clock) * 1000;
}

struct quota *quota_new(const struct context *context, size_t keys)
{
    struct quota *quota = g_new0(struct quota, 1);
    quota->context = context;
    quota->keys = keys;
    quota->buckets = g_new0(struct rate_limit, keys);
    pthread_mutex_init(&quota->lock, NULL);
    for (size_t i = 0; i < keys; i++)
        rate_limit_init(&quota->buckets[i], (double)QUOTA_REQUESTS / QUOTA_WINDOW_S, QUOTA_BURST,
                        now_us(quota));
    return quota;
}

void quota_free(struct quota *quota)
{
    if (!quota)
        return;
    pthread_mutex_destroy(&quota->lock);
    g_free(quota->buckets);
    g_free(quota);
}

struct quota_state quota_take(struct quota *quota, size_t key)
{
    g_assert(key < quota->keys);
    pthread_mutex_lock(&quota->lock);
    struct rate_limit *bucket = &quota->buckets[key];
    int64_t wait_us = rate_limit_take(bucket, now_us(quota));
    double tokens = bucket->tokens, rate_per_s = bucket->rate_per_s;
    pthread_mutex_unlock(&quota->lock);
    double next_s = (1 - (tokens - floor(tokens))) / rate_per_s;
    return (struct quota_state){
        .allowed = wait_us == 0,
        .remaining = (int)MAX(0, floor(tokens)),
        .reset_s = (int)ceil(wait_us > 0 ? (double)wait_us / US_PER_S : next_s),
    };
}

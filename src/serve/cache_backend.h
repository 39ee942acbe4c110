/* For backends of cache.h: the ops table. cache_mem.c is the one to copy; cache_test.c is the suite
 * to pass. */
#pragma once

#include "serve/cache.h"

struct cache_ops;

/* First member of every backend's struct. */
struct cache {
    const struct cache_ops *ops;
    const struct context *context;
};

/* Each function as its namesake in cache.h, which has checked the name. Called from any thread at
 * once; none may fail: what a backend can't do now it leaves out. */
struct cache_ops {
    const char *name; /* as in cache.backend */
    struct cache *(*open)(const struct context *context, GError **error);
    void (*close)(struct cache *cache);
    bool (*get)(struct cache *cache,
                const char *name,
                struct arena *arena,
                const char **ret_value,
                size_t *ret_len);
    void (*put)(
        struct cache *cache, const char *name, const char *value, size_t len, int64_t ttl_ms);
    void (*invalidate)(struct cache *cache, const char *name);
};

extern const struct cache_ops cache_mem_ops;
extern const struct cache_ops cache_redis_ops; /* where hiredis was there: MARQUEE_REDIS */

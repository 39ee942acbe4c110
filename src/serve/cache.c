#include "serve/cache.h"

#include <string.h>

#include "base/config.h"
#include "serve/cache_backend.h"

static const struct cache_ops *const backends[] = {
    &cache_mem_ops,
#ifdef MARQUEE_REDIS
    &cache_redis_ops,
#endif
};

struct cache *cache_open(const struct context *context, GError **error)
{
    const char *name = context->config->cache_backend;
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i]->open(context, error);
    }
    error_set(error, CONFIG, "cache.backend: '%s' isn't built into this program; use memory", name);
    return NULL;
}

void cache_close(struct cache *cache)
{
    if (cache)
        cache->ops->close(cache);
}

bool cache_get(struct cache *cache,
               const char *name,
               struct arena *arena,
               const char **ret_value,
               size_t *ret_len)
{
    return strlen(name) <= CACHE_NAME_BYTES_MAX &&
           cache->ops->get(cache, name, arena, ret_value, ret_len);
}

void cache_put(struct cache *cache, const char *name, const char *value, size_t len, int64_t ttl_ms)
{
    g_assert(ttl_ms > 0);
    if (strlen(name) <= CACHE_NAME_BYTES_MAX)
        cache->ops->put(cache, name, value, len, ttl_ms);
}

void cache_invalidate(struct cache *cache, const char *name)
{
    cache->ops->invalidate(cache, name);
}

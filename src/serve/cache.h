/* Cache: answers and parts of answers by name, for a while. Any thread.
 *
 * A name carries all that its value depends on (the generation, say), so that a switch needs no
 * invalidation: old names are never asked for again and leave by age. A cache may forget anything
 * at any time; losing it is never an error. Values are bytes, copied in and out. Times are
 * monotonic. Callers include this; backends include cache_backend.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"

struct cache;

#define CACHE_NAME_BYTES_MAX 512

/* The backend that cache.backend names; cache.size 0 caches nothing. */
struct cache *cache_open(const struct context *context, GError **error) MUST_CHECK;
void cache_close(struct cache *cache); /* accepts NULL */

/* The value in the arena (NUL-terminated), or false. */
bool cache_get(struct cache *cache,
               const char *name,
               struct arena *arena,
               const char **ret_value,
               size_t *ret_len);

/* Keeps the value for ttl_ms. Names and values that are too large are left out. */
void cache_put(
    struct cache *cache, const char *name, const char *value, size_t len, int64_t ttl_ms);

/* Forgets a name, or with a '*' at its end all that begin so. */
void cache_invalidate(struct cache *cache, const char *name);

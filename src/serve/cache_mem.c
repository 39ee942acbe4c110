/* Cache in this process' memory: a hash table of entries in order of their last use.
 *
 *   head [newest] ⇄ [ ] ⇄ [ ] ⇄ [oldest] tail      bytes <= cache.size: what is put pushes out from
 * the tail
 *
 * One lock, a leaf: nothing else is called while it is held. */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "serve/cache_backend.h"

/* What an entry costs beside its name and value: the struct, a slot of the table, malloc's own. */
#define ENTRY_BYTES ((size_t)160)
/* One value may take at most this part of the cache. */
#define VALUE_PART 4

struct entry {
    char *name, *value;
    size_t len;
    int64_t ends_ms; /* monotonic */
    GList link;      /* its data is the entry */
};

struct cache_mem {
    struct cache cache;
    size_t bytes_max;
    pthread_mutex_t lock;
    size_t bytes;
    GHashTable *entries; /* name -> entry */
    GQueue recent;       /* head: used last */
};

static size_t entry_bytes(const struct entry *entry)
{
    return ENTRY_BYTES + strlen(entry->name) + entry->len;
}

static void entry_drop(struct cache_mem *cache, struct entry *entry)
{
    cache->bytes -= entry_bytes(entry);
    g_queue_unlink(&cache->recent, &entry->link);
    g_hash_table_remove(cache->entries, entry->name);
    g_free(entry->name);
    g_free(entry->value);
    g_free(entry);
}

static void cache_mem_close(struct cache *base)
{
    struct cache_mem *cache = (struct cache_mem *)base;
    while (cache->recent.tail)
        entry_drop(cache, cache->recent.tail->data);
    g_hash_table_unref(cache->entries);
    pthread_mutex_destroy(&cache->lock);
    g_free(cache);
}

static struct cache *cache_mem_open(const struct context *context, GError **error)
{
    (void)error;
    struct cache_mem *cache = g_new0(struct cache_mem, 1);
    cache->cache = (struct cache){.ops = &cache_mem_ops, .context = context};
    cache->bytes_max = (size_t)context->config->cache_size_bytes;
    cache->entries = g_hash_table_new(g_str_hash, g_str_equal);
    g_queue_init(&cache->recent);
    pthread_mutex_init(&cache->lock, NULL);
    return &cache->cache;
}

static bool cache_mem_get(struct cache *base,
                          const char *name,
                          struct arena *arena,
                          const char **ret_value,
                          size_t *ret_len)
{
    struct cache_mem *cache = (struct cache_mem *)base;
    int64_t now_ms = clock_monotonic_ms(base->context->clock);
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = g_hash_table_lookup(cache->entries, name);
    if (entry && entry->ends_ms <= now_ms) {
        entry_drop(cache, entry);
        entry = NULL;
    }
    if (entry) {
        g_queue_unlink(&cache->recent, &entry->link);
        g_queue_push_head_link(&cache->recent, &entry->link);
        *ret_value = arena_strndup(arena, entry->value, entry->len);
        *ret_len = entry->len;
    }
    pthread_mutex_unlock(&cache->lock);
    return entry != NULL;
}

static void
cache_mem_put(struct cache *base, const char *name, const char *value, size_t len, int64_t ttl_ms)
{
    struct cache_mem *cache = (struct cache_mem *)base;
    if (ENTRY_BYTES + strlen(name) + len > cache->bytes_max / VALUE_PART)
        return;
    struct entry *entry = g_new0(struct entry, 1);
    entry->name = g_strdup(name);
    /* Any bytes, and a NUL behind them. */
    entry->value = g_malloc(len + 1);
    memcpy(entry->value, value, len);
    entry->value[len] = '\0';
    entry->len = len;
    entry->ends_ms = clock_monotonic_ms(base->context->clock) + ttl_ms;
    entry->link.data = entry;
    pthread_mutex_lock(&cache->lock);
    struct entry *old = g_hash_table_lookup(cache->entries, name);
    if (old)
        entry_drop(cache, old);
    cache->bytes += entry_bytes(entry);
    g_hash_table_insert(cache->entries, entry->name, entry);
    g_queue_push_head_link(&cache->recent, &entry->link);
    while (cache->bytes > cache->bytes_max)
        entry_drop(cache, cache->recent.tail->data);
    pthread_mutex_unlock(&cache->lock);
}

static void cache_mem_invalidate(struct cache *base, const char *name)
{
    struct cache_mem *cache = (struct cache_mem *)base;
    size_t len = strlen(name);
    bool all = len > 0 && name[len - 1] == '*';
    pthread_mutex_lock(&cache->lock);
    struct entry *found = all ? NULL : g_hash_table_lookup(cache->entries, name);
    if (found)
        entry_drop(cache, found);
    for (GList *link = all ? cache->recent.head : NULL, *next; link; link = next) {
        struct entry *entry = link->data;
        next = link->next;
        if (strncmp(entry->name, name, len - 1) == 0)
            entry_drop(cache, entry);
    }
    pthread_mutex_unlock(&cache->lock);
}

const struct cache_ops cache_mem_ops = {
    .name = "memory",
    .open = cache_mem_open,
    .close = cache_mem_close,
    .get = cache_mem_get,
    .put = cache_mem_put,
    .invalidate = cache_mem_invalidate,
};

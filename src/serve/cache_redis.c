#include "serve/cache_redis.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"

/* One value may take at most this part of cache.size, as in the cache in memory. */
#define VALUE_PART 4
/* Keys of a prefix that one invalidation removes from Redis; more are left to their age. */
#define SCAN_STEPS_MAX 1000
#define SCAN_COUNT     "1000"

unsigned redis_slot(const char *name)
{
    return g_str_hash(name) % REDIS_SLOTS;
}

/* ---- connections of requests ---- */

void redis_down(struct cache_redis *cache, const char *why)
{
    if (!atomic_exchange(&cache->up, false))
        return;
    redisContext *old[REDIS_LINKS_MAX];
    pthread_mutex_lock(&cache->lock);
    size_t count = cache->idle_count;
    memcpy(old, cache->idle, count * sizeof *old);
    cache->idle_count = 0;
    cache->links -= count;
    cache->age++;
    pthread_mutex_unlock(&cache->lock);
    for (size_t i = 0; i < count; i++)
        redisFree(old[i]);
    metrics_set(cache->cache.context->metrics, METRIC_REDIS_UP, NULL, 0);
    if (why) {
        metrics_add(cache->cache.context->metrics, METRIC_REDIS_LOSSES, NULL, 1);
        log_warn(cache->cache.context->log, "cache", "Redis is lost; the local cache goes on alone",
                 LOG_STR("why", why));
    }
    uint64_t one = 1;
    if (write(cache->wake_fd, &one, sizeof one) < 0)
        log_debug(cache->cache.context->log, "cache", "the listener is awake already");
}

struct loan {
    redisContext *link;
    unsigned age;
};

/* False: Redis isn't up, or too many ask it already. */
static bool borrow(struct cache_redis *cache, struct loan *ret_loan)
{
    if (!atomic_load(&cache->up))
        return false;
    struct loan loan = {0};
    pthread_mutex_lock(&cache->lock);
    loan.age = cache->age;
    if (cache->idle_count > 0)
        loan.link = cache->idle[--cache->idle_count];
    bool room = loan.link || cache->links < REDIS_LINKS_MAX;
    if (!loan.link && room)
        cache->links++;
    pthread_mutex_unlock(&cache->lock);
    if (!room)
        return false;
    g_autofree char *why = NULL;
    if (!loan.link) {
        int64_t timeout_ms = cache->cache.context->config->cache_timeout_ms;
        loan.link = redis_link_open(&cache->address, timeout_ms, &why);
    }
    if (!loan.link) {
        pthread_mutex_lock(&cache->lock);
        cache->links--;
        pthread_mutex_unlock(&cache->lock);
        redis_down(cache, why);
        return false;
    }
    *ret_loan = loan;
    return true;
}

/* why: the connection failed, and is closed. */
static void give_back(struct cache_redis *cache, struct loan loan, const char *why)
{
    pthread_mutex_lock(&cache->lock);
    bool current = loan.age == cache->age;
    bool keep = !why && current;
    if (keep)
        cache->idle[cache->idle_count++] = loan.link;
    else
        cache->links--;
    pthread_mutex_unlock(&cache->lock);
    if (!keep)
        redisFree(loan.link);
    /* One that was opened before the last outage says nothing about now. */
    if (why && current)
        redis_down(cache, why);
}

/* ---- life ---- */

static void cache_redis_close(struct cache *base)
{
    struct cache_redis *cache = (struct cache_redis *)base;
    redis_listen_stop(cache);
    for (size_t i = 0; i < cache->idle_count; i++)
        redisFree(cache->idle[i]);
    cache_close(cache->local);
    redis_address_clear(&cache->address);
    pthread_mutex_destroy(&cache->lock);
    g_free(cache->prefix);
    g_free(cache);
}

/* Redis needn't be there: the listener looks for it. */
static struct cache *cache_redis_open(const struct context *context, GError **error)
{
    struct cache_redis *cache = g_new0(struct cache_redis, 1);
    cache->cache = (struct cache){.ops = &cache_redis_ops, .context = context};
    cache->value_bytes_max = (size_t)context->config->cache_size_bytes / VALUE_PART;
    cache->wake_fd = -1;
    /* Another version may write its answers otherwise. */
    cache->prefix = g_strdup_printf("%s:%s:", context->config->cache_prefix, MARQUEE_VERSION);
    pthread_mutex_init(&cache->lock, NULL);
    if (!redis_address_parse(context->config->cache_url, &cache->address, error) ||
        !(cache->local = cache_mem_ops.open(context, error)) ||
        (context->config->cache_size_bytes > 0 && !redis_listen_start(cache, error))) {
        cache_redis_close(&cache->cache);
        return NULL;
    }
    return &cache->cache;
}

/* ---- get ---- */

/* A value and how long it is still good for; NULL: Redis hasn't got it. */
struct fetched {
    redisReply *value;
    int64_t ttl_ms;
};

/* Both in one round trip. */
static bool fetch(redisContext *link, const char *key, struct fetched *ret_fetched, char **ret_why)
{
    const char *get[] = {"GET", key}, *ttl[] = {"PTTL", key};
    const size_t lengths[] = {3, strlen(key)}, ttl_lengths[] = {4, strlen(key)};
    if (!redis_send(link, G_N_ELEMENTS(get), get, lengths, ret_why))
        return false;
    if (!redis_send(link, G_N_ELEMENTS(ttl), ttl, ttl_lengths, ret_why))
        return false;
    redisReply *value = redis_receive(link, ret_why);
    if (!value)
        return false;
    redisReply *age = redis_receive(link, ret_why);
    int64_t ttl_ms = age ? age->integer : 0;
    bool usable = value->type == REDIS_REPLY_STRING;
    if (age)
        freeReplyObject(age);
    if (!age || !usable)
        freeReplyObject(value);
    *ret_fetched = (struct fetched){.value = age && usable ? value : NULL, .ttl_ms = ttl_ms};
    return age != NULL;
}

static void count_lookup(struct cache_redis *cache, const char *outcome)
{
    metrics_add(cache->cache.context->metrics, METRIC_REDIS_LOOKUPS, outcome, 1);
}

/* Keeps what was fetched in the local tier, unless the name was changed while it was on its way.
 * The version is looked at after keeping: a listener that comes later drops it. */
static void
keep(struct cache_redis *cache, const char *name, const struct fetched *fetched, unsigned version)
{
    if (fetched->ttl_ms <= 0)
        return;
    cache->local->ops->put(cache->local, name, fetched->value->str, (size_t)fetched->value->len,
                           fetched->ttl_ms);
    if (atomic_load(&cache->versions[redis_slot(name)]) != version)
        cache->local->ops->invalidate(cache->local, name);
}

static bool cache_redis_get(struct cache *base,
                            const char *name,
                            struct arena *arena,
                            const char **ret_value,
                            size_t *ret_len)
{
    struct cache_redis *cache = (struct cache_redis *)base;
    if (cache->local->ops->get(cache->local, name, arena, ret_value, ret_len)) {
        count_lookup(cache, "local");
        return true;
    }
    struct loan loan;
    unsigned version = atomic_load(&cache->versions[redis_slot(name)]);
    if (!borrow(cache, &loan)) {
        count_lookup(cache, "none");
        return false;
    }
    g_autofree char *key = g_strconcat(cache->prefix, name, NULL), *why = NULL;
    struct fetched fetched = {0};
    bool ok = fetch(loan.link, key, &fetched, &why);
    give_back(cache, loan, ok ? NULL : why);
    if (fetched.value) {
        *ret_value = arena_strndup(arena, fetched.value->str, (size_t)fetched.value->len);
        *ret_len = (size_t)fetched.value->len;
        keep(cache, name, &fetched, version);
        freeReplyObject(fetched.value);
    }
    count_lookup(cache, fetched.value ? "redis" : "none");
    return fetched.value != NULL;
}

/* ---- put, invalidate ---- */

/* A command whose reply says nothing new. */
static void
tell(struct cache_redis *cache, int argc, const char *const *argv, const size_t *lengths)
{
    struct loan loan;
    if (!borrow(cache, &loan))
        return;
    g_autofree char *why = NULL;
    redisReply *reply = redis_ask(loan.link, argc, argv, lengths, &why);
    give_back(cache, loan, reply ? NULL : why);
    if (reply)
        freeReplyObject(reply);
}

static void
cache_redis_put(struct cache *base, const char *name, const char *value, size_t len, int64_t ttl_ms)
{
    struct cache_redis *cache = (struct cache_redis *)base;
    cache->local->ops->put(cache->local, name, value, len, ttl_ms);
    if (len > cache->value_bytes_max)
        return;
    g_autofree char *key = g_strconcat(cache->prefix, name, NULL);
    g_autofree char *ttl = g_strdup_printf("%" G_GINT64_FORMAT, ttl_ms);
    const char *words[] = {"SET", key, value, "PX", ttl};
    const size_t lengths[] = {3, strlen(key), len, 2, strlen(ttl)};
    tell(cache, G_N_ELEMENTS(words), words, lengths);
}

/* The pattern that matches the names which begin so: nothing of it is a wildcard but its end. */
static char *pattern_of(const struct cache_redis *cache, const char *name)
{
    GString *pattern = g_string_new(NULL);
    g_autofree char *begin = g_strdup_printf("%s%.*s", cache->prefix, (int)strlen(name) - 1, name);
    for (const char *c = begin; *c; c++) {
        if (strchr("*?[]\\", *c))
            g_string_append_c(pattern, '\\');
        g_string_append_c(pattern, *c);
    }
    g_string_append_c(pattern, '*');
    return g_string_free(pattern, FALSE);
}

static bool remove_keys(redisContext *link, const redisReply *keys, char **ret_why)
{
    if (keys->elements == 0)
        return true;
    g_autofree const char **words = g_new(const char *, keys->elements + 1);
    g_autofree size_t *lengths = g_new(size_t, keys->elements + 1);
    words[0] = "UNLINK";
    lengths[0] = strlen(words[0]);
    for (size_t i = 0; i < keys->elements; i++) {
        words[i + 1] = keys->element[i]->str;
        lengths[i + 1] = (size_t)keys->element[i]->len;
    }
    redisReply *reply = redis_ask(link, (int)keys->elements + 1, words, lengths, ret_why);
    if (reply)
        freeReplyObject(reply);
    return reply != NULL;
}

static bool remove_all(redisContext *link, const char *pattern, char **ret_why)
{
    g_autofree char *cursor = g_strdup("0");
    for (int i = 0; i < SCAN_STEPS_MAX; i++) {
        redisReply *page =
            redis_say(link, ret_why, "SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT, NULL);
        bool ok = page && page->elements == 2 && remove_keys(link, page->element[1], ret_why);
        if (ok) {
            g_free(cursor);
            cursor = g_strdup(page->element[0]->str);
        }
        if (page)
            freeReplyObject(page);
        if (!ok || strcmp(cursor, "0") == 0)
            return ok;
    }
    return true;
}

static void cache_redis_invalidate(struct cache *base, const char *name)
{
    struct cache_redis *cache = (struct cache_redis *)base;
    cache->local->ops->invalidate(cache->local, name);
    if (!g_str_has_suffix(name, "*")) {
        g_autofree char *key = g_strconcat(cache->prefix, name, NULL);
        const char *words[] = {"DEL", key};
        const size_t lengths[] = {3, strlen(key)};
        tell(cache, G_N_ELEMENTS(words), words, lengths);
        return;
    }
    struct loan loan;
    if (!borrow(cache, &loan))
        return;
    g_autofree char *pattern = pattern_of(cache, name), *why = NULL;
    bool ok = remove_all(loan.link, pattern, &why);
    give_back(cache, loan, ok ? NULL : why ? why : "an answer that isn't SCAN's");
}

const struct cache_ops cache_redis_ops = {
    .name = "redis",
    .open = cache_redis_open,
    .close = cache_redis_close,
    .get = cache_redis_get,
    .put = cache_redis_put,
    .invalidate = cache_redis_invalidate,
};

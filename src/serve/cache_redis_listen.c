/* The listener: two connections and a thread.
 *
 *   ears:   SUBSCRIBE __redis__:invalidate
 *   voice:  CLIENT TRACKING ON BCAST PREFIX p REDIRECT <id of ears>, then PING now and then
 *
 * hiredis before 1.0 reads no RESP3 and so no pushes (docs/decisions/0016); Redis sends the same
 * messages to a second connection that speaks RESP2. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "serve/cache_redis.h"

#define PING_MS        1000
#define BACKOFF_MS     50
#define BACKOFF_MAX_MS 2000
#define CHANNEL        "__redis__:invalidate"

struct ears {
    struct cache_redis *cache;
    redisContext *ears, *voice;
};

static void ears_close(struct ears *ears)
{
    if (ears->ears)
        redisFree(ears->ears);
    if (ears->voice)
        redisFree(ears->voice);
    ears->ears = ears->voice = NULL;
}

/* ---- what is heard ---- */

static void forget_all(struct cache_redis *cache)
{
    for (size_t i = 0; i < REDIS_SLOTS; i++)
        atomic_fetch_add(&cache->versions[i], 1);
    cache->local->ops->invalidate(cache->local, "*");
}

static void forget(struct cache_redis *cache, const redisReply *key)
{
    size_t len = strlen(cache->prefix);
    if (key->type != REDIS_REPLY_STRING || !g_str_has_prefix(key->str, cache->prefix))
        return;
    const char *name = key->str + len;
    atomic_fetch_add(&cache->versions[redis_slot(name)], 1);
    cache->local->ops->invalidate(cache->local, name);
}

/* ["message", channel, [key, ...]]; nil for the keys: the database was emptied. */
static void hear(struct cache_redis *cache, const redisReply *message)
{
    if (message->type != REDIS_REPLY_ARRAY || message->elements != 3 ||
        message->element[0]->type != REDIS_REPLY_STRING ||
        strcmp(message->element[0]->str, "message") != 0)
        return;
    const redisReply *keys = message->element[2];
    if (keys->type != REDIS_REPLY_ARRAY) {
        forget_all(cache);
        return;
    }
    for (size_t i = 0; i < keys->elements; i++)
        forget(cache, keys->element[i]);
}

static bool hear_all(struct ears *ears, char **ret_why)
{
    if (redisBufferRead(ears->ears) != REDIS_OK) {
        *ret_why = g_strdup(ears->ears->errstr);
        return false;
    }
    for (;;) {
        void *message = NULL;
        if (redisGetReplyFromReader(ears->ears, &message) != REDIS_OK) {
            *ret_why = g_strdup(ears->ears->errstr);
            return false;
        }
        if (!message)
            return true;
        hear(ears->cache, message);
        freeReplyObject(message);
    }
}

/* ---- up and down ---- */

static bool subscribe(struct ears *ears, char **ret_why)
{
    redisReply *id = redis_say(ears->ears, ret_why, "CLIENT", "ID", NULL);
    if (!id)
        return false;
    g_autofree char *number = g_strdup_printf("%lld", id->integer);
    freeReplyObject(id);
    redisReply *reply = redis_say(ears->ears, ret_why, "SUBSCRIBE", CHANNEL, NULL);
    if (!reply)
        return false;
    freeReplyObject(reply);
    reply = redis_say(ears->voice, ret_why, "CLIENT", "TRACKING", "ON", "REDIRECT", number, "BCAST",
                      "PREFIX", ears->cache->prefix, NULL);
    if (reply)
        freeReplyObject(reply);
    return reply != NULL;
}

static bool ears_open(struct ears *ears, char **ret_why)
{
    struct cache_redis *cache = ears->cache;
    int64_t timeout_ms = cache->cache.context->config->cache_timeout_ms;
    ears->ears = redis_link_open(&cache->address, timeout_ms, ret_why);
    ears->voice = ears->ears ? redis_link_open(&cache->address, timeout_ms, ret_why) : NULL;
    if (!ears->voice || !subscribe(ears, ret_why)) {
        ears_close(ears);
        return false;
    }
    /* From here on nothing is missed: what the local tier held before may be old. */
    forget_all(cache);
    atomic_store(&cache->up, true);
    metrics_set(cache->cache.context->metrics, METRIC_REDIS_UP, NULL, 1);
    log_info(cache->cache.context->log, "cache", "Redis answers");
    return true;
}

static bool ping(struct ears *ears, char **ret_why)
{
    redisReply *reply = redis_say(ears->voice, ret_why, "PING", NULL);
    if (reply)
        freeReplyObject(reply);
    return reply != NULL;
}

static void hush(struct cache_redis *cache)
{
    uint64_t count;
    if (read(cache->wake_fd, &count, sizeof count) < 0)
        log_debug(cache->cache.context->log, "cache", "nothing woke the listener");
}

/* Listens until something fails, somebody calls redis_down, or the end. */
static void listen_while_up(struct ears *ears)
{
    struct cache_redis *cache = ears->cache;
    g_autofree char *why = NULL;
    bool ok = true;
    while (ok && !atomic_load(&cache->ending) && atomic_load(&cache->up)) {
        struct pollfd fds[] = {{.fd = ears->ears->fd, .events = POLLIN},
                               {.fd = cache->wake_fd, .events = POLLIN}};
        int ready = poll(fds, G_N_ELEMENTS(fds), PING_MS);
        if (ready < 0 && errno != EINTR) {
            why = g_strdup(g_strerror(errno));
            break;
        }
        if (ready > 0 && fds[1].revents)
            hush(cache);
        if (ready > 0 && fds[0].revents)
            ok = hear_all(ears, &why);
        else if (ready == 0)
            ok = ping(ears, &why);
    }
    redis_down(cache, why);
}

/* Waits, unless somebody wakes it. */
static void rest(struct cache_redis *cache, int64_t wait_ms)
{
    struct pollfd fd = {.fd = cache->wake_fd, .events = POLLIN};
    if (poll(&fd, 1, (int)wait_ms) > 0)
        hush(cache);
}

static void *listen_main(void *user)
{
    struct cache_redis *cache = user;
    struct ears ears = {.cache = cache};
    int64_t backoff_ms = BACKOFF_MS;
    bool told = false; /* one warning an outage */
    while (!atomic_load(&cache->ending)) {
        g_autofree char *why = NULL;
        if (ears_open(&ears, &why)) {
            backoff_ms = BACKOFF_MS;
            told = false;
            listen_while_up(&ears);
            ears_close(&ears);
        } else if (!told) {
            told = true;
            log_warn(cache->cache.context->log, "cache",
                     "Redis doesn't answer; the local cache goes on alone", LOG_STR("why", why));
        }
        if (!atomic_load(&cache->ending))
            rest(cache, backoff_ms);
        backoff_ms = MIN(backoff_ms * 2, BACKOFF_MAX_MS);
    }
    return NULL;
}

bool redis_listen_start(struct cache_redis *cache, GError **error)
{
    cache->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cache->wake_fd < 0 || pthread_create(&cache->listener, NULL, listen_main, cache) != 0) {
        error_set(error, FAILED,
                  "no thread or descriptor for the listener of Redis: raise the process' limits");
        return false;
    }
    cache->listening = true;
    return true;
}

void redis_listen_stop(struct cache_redis *cache)
{
    atomic_store(&cache->ending, true);
    if (cache->listening) {
        uint64_t one = 1;
        if (write(cache->wake_fd, &one, sizeof one) < 0)
            log_debug(cache->cache.context->log, "cache", "the listener is awake already");
        pthread_join(cache->listener, NULL);
    }
    if (cache->wake_fd >= 0)
        close(cache->wake_fd);
}

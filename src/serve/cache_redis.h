/* Cache on Redis with a local tier in front: what its files share. Nobody else includes it.
 *
 *   cache_redis.c         the ops table: two tiers and the order in which they are asked
 *   cache_redis_link.c    one connection: URL, passwords, commands, time-outs
 *   cache_redis_listen.c  the thread that hears which names others changed, and knows whether Redis
 *                         is there
 *
 *   get:  local ─ hit ─► answer            put:  local, and SET name value PX ttl
 *         └ miss ─► GET, PTTL ─► local
 *
 *   invalidation: every write of a name with our prefix, by whichever process, is told to the
 *   listener (CLIENT TRACKING ON BCAST PREFIX ... REDIRECT), which drops it from the local tier.
 *   A value that was being fetched meanwhile isn't kept: each name has a slot of versions, the
 *   listener raises the version before it drops, who fetches looks at it before and after.
 *
 * up: the listener hears everything since the local tier was last emptied. Where it isn't up, the
 * local tier works alone, as the cache in memory does; Redis is then not asked, so nobody waits for
 * it. Any failed or late answer takes it down; the listener brings it up again by itself. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include <glib.h>
#include <hiredis/hiredis.h>

#include "serve/cache_backend.h"

#define REDIS_LINKS_MAX 16 /* connections of requests; who finds none asks nobody */
#define REDIS_SLOTS     4096

/* Where Redis is, from cache.url. */
struct redis_address {
    char *host, *user, *password; /* user, password: NULL where there is none */
    int port, database;
};

struct cache_redis {
    struct cache cache;
    struct cache *local;
    struct redis_address address;
    char *prefix; /* "marquee:0.1.0:" */
    size_t value_bytes_max;

    atomic_bool up;
    atomic_uint versions[REDIS_SLOTS];

    pthread_mutex_t lock; /* of the idle connections; a leaf */
    redisContext *idle[REDIS_LINKS_MAX];
    size_t idle_count, links; /* links: idle ones and those in use */
    unsigned age;             /* connections of an older age are closed */

    bool listening; /* the thread runs */
    pthread_t listener;
    int wake_fd; /* eventfd: look at `ending` and `up` again */
    atomic_bool ending;
};

/* ---- cache_redis_link.c ---- */

/* CONFIG: no URL of Redis; the text shows no password. */
bool redis_address_parse(const char *url,
                         struct redis_address *ret_address,
                         GError **error) MUST_CHECK;
void redis_address_clear(struct redis_address *address);

/* A connection that has said who it is and chosen its database. NULL, and why. */
redisContext *
redis_link_open(const struct redis_address *address, int64_t timeout_ms, char **ret_why) MUST_CHECK;

/* One command of binary-safe words into the connection's buffer; one reply of it. */
bool redis_send(redisContext *link,
                int argc,
                const char *const *argv,
                const size_t *lengths,
                char **ret_why) MUST_CHECK;
redisReply *redis_receive(redisContext *link, char **ret_why) MUST_CHECK;

/* Sends a command of binary-safe words, and waits for its reply. NULL: no reply in time, or an
 * error of the server, and why. To be freed by freeReplyObject. */
redisReply *redis_ask(redisContext *link,
                      int argc,
                      const char *const *argv,
                      const size_t *lengths,
                      char **ret_why) MUST_CHECK;
/* The same for words without NULs. */
redisReply *redis_say(redisContext *link, char **ret_why, ...) MUST_CHECK G_GNUC_NULL_TERMINATED;

/* ---- cache_redis_listen.c ---- */

bool redis_listen_start(struct cache_redis *cache, GError **error) MUST_CHECK;
void redis_listen_stop(struct cache_redis *cache);

/* ---- cache_redis.c ---- */

unsigned redis_slot(const char *name);

/* Redis isn't to be asked any more until the listener says so. Any thread. */
void redis_down(struct cache_redis *cache, const char *why);

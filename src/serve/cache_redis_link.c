#include <stdarg.h>
#include <string.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/config_table.h"
#include "serve/cache_redis.h"

#define PORT_DEFAULT 6379
#define DATABASE_MAX 1000000
#define WORDS_MAX    16

void redis_address_clear(struct redis_address *address)
{
    g_free(address->host);
    g_free(address->user);
    g_free(address->password);
    *address = (struct redis_address){0};
}

static bool read_database(const char *path, int *ret_database)
{
    if (!path || !*path || strcmp(path, "/") == 0)
        return true;
    guint64 number;
    if (!g_ascii_string_to_unsigned(path + 1, 10, 0, DATABASE_MAX, &number, NULL))
        return false;
    *ret_database = (int)number;
    return true;
}

bool redis_address_parse(const char *url, struct redis_address *ret_address, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_HAS_PASSWORD, NULL);
    const char *host = uri ? g_uri_get_host(uri) : NULL;
    int database = 0;
    if (!uri || strcmp(g_uri_get_scheme(uri), "redis") != 0 || !host || !*host ||
        !read_database(g_uri_get_path(uri), &database)) {
        g_autofree char *masked = config_mask_url(url);
        error_set(error, CONFIG,
                  "cache.url: '%s' is no URL of Redis; expected redis://host:port/database, with "
                  "user:password@ before the host where one is needed (rediss, TLS, isn't spoken)",
                  masked);
        return false;
    }
    const char *user = g_uri_get_user(uri), *password = g_uri_get_password(uri);
    *ret_address = (struct redis_address){
        .host = g_strdup(host),
        .port = g_uri_get_port(uri) > 0 ? g_uri_get_port(uri) : PORT_DEFAULT,
        .user = user && *user ? g_strdup(user) : NULL,
        .password = password && *password ? g_strdup(password) : NULL,
        .database = database,
    };
    return true;
}

/* ---- commands ---- */

bool redis_send(
    redisContext *link, int argc, const char *const *argv, const size_t *lengths, char **ret_why)
{
    /* hiredis doesn't write through its argv, which it declares without the inner const. */
    if (redisAppendCommandArgv(link, argc, (const char **)(gpointer)argv, lengths) == REDIS_OK)
        return true;
    *ret_why = g_strdup(link->errstr);
    return false;
}

redisReply *redis_receive(redisContext *link, char **ret_why)
{
    void *found = NULL;
    if (redisGetReply(link, &found) != REDIS_OK) {
        *ret_why = g_strdup(link->errstr);
        return NULL;
    }
    redisReply *reply = found;
    if (reply->type != REDIS_REPLY_ERROR)
        return reply;
    *ret_why = g_strdup(reply->str);
    freeReplyObject(reply);
    return NULL;
}

redisReply *redis_ask(
    redisContext *link, int argc, const char *const *argv, const size_t *lengths, char **ret_why)
{
    return redis_send(link, argc, argv, lengths, ret_why) ? redis_receive(link, ret_why) : NULL;
}

redisReply *redis_say(redisContext *link, char **ret_why, ...)
{
    const char *words[WORDS_MAX];
    size_t lengths[WORDS_MAX];
    int count = 0;
    va_list args;
    va_start(args, ret_why);
    for (const char *word; (word = va_arg(args, const char *)) != NULL; count++) {
        g_assert(count < WORDS_MAX);
        words[count] = word;
        lengths[count] = strlen(word);
    }
    va_end(args);
    return redis_ask(link, count, words, lengths, ret_why);
}

/* ---- opening ---- */

static bool done(redisReply *reply)
{
    if (reply)
        freeReplyObject(reply);
    return reply != NULL;
}

static bool introduce(redisContext *link, const struct redis_address *address, char **ret_why)
{
    if (address->password &&
        !done(address->user
                  ? redis_say(link, ret_why, "AUTH", address->user, address->password, NULL)
                  : redis_say(link, ret_why, "AUTH", address->password, NULL)))
        return false;
    char database[16];
    g_snprintf(database, sizeof database, "%d", address->database);
    return !address->database || done(redis_say(link, ret_why, "SELECT", database, NULL));
}

redisContext *
redis_link_open(const struct redis_address *address, int64_t timeout_ms, char **ret_why)
{
    struct timeval timeout = {.tv_sec = timeout_ms / MS_PER_SECOND,
                              .tv_usec = timeout_ms % MS_PER_SECOND * 1000};
    redisContext *link = redisConnectWithTimeout(address->host, address->port, timeout);
    if (!link || link->err) {
        *ret_why = g_strdup(link ? link->errstr : "out of memory");
        if (link)
            redisFree(link);
        return NULL;
    }
    if (redisSetTimeout(link, timeout) != REDIS_OK || !introduce(link, address, ret_why)) {
        if (!*ret_why)
            *ret_why = g_strdup(link->errstr);
        redisFree(link);
        return NULL;
    }
    return link;
}

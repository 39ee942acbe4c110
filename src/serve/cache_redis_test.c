/* The cache on Redis, with a redis-server of the test's own that is killed, paused and started
 * again: what one process puts the others see, what one changes the others forget, and losing Redis
 * is never an error and never a wait. Runs where MARQUEE_REDIS is set (tests/cluster/servers.sh).
 */
#include "serve/cache.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"

#define LONG_MS    600000 /* a time to live that no test reaches */
#define TIMEOUT_MS 5000   /* on a crowded machine nothing but an outage may look like one */
#define POLL_MS    2
#define POLLS_MAX  60000 /* for hangs */
#define PASSWORD   "hunter2"
#define PORT_TRIES 5

/* ---- a server ---- */

struct server {
    GPid pid; /* 0: not running */
    int port;
    const char *password;
};

static int free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
    close(fd);
    return ntohs(address.sin_port);
}

static redisContext *server_link(const struct server *server)
{
    redisContext *link = redisConnect("127.0.0.1", server->port);
    if (link && link->err) {
        redisFree(link);
        return NULL;
    }
    if (link && server->password)
        freeReplyObject(redisCommand(link, "AUTH %s", server->password));
    return link;
}

/* In the child: it ends with the test, however that ends. */
static void die_together(gpointer user)
{
    (void)user;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static bool alive(const struct server *server)
{
    int status;
    return waitpid(server->pid, &status, WNOHANG) == 0;
}

/* Starts it on its port; false where it ended again: somebody took the port. */
static bool try_start(struct server *server)
{
    g_autofree char *port = g_strdup_printf("%d", server->port);
    char *argv[] = {"redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "",
                    "--appendonly", "no",     NULL,        NULL,     NULL};
    if (server->password) {
        argv[9] = "--requirepass";
        argv[10] = (char *)(gpointer)server->password;
    }
    GError *error = NULL;
    g_spawn_async(NULL, argv, NULL,
                  G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL |
                      G_SPAWN_STDERR_TO_DEV_NULL,
                  die_together, NULL, &server->pid, &error);
    g_assert_no_error(error);
    for (int polls = 0; polls < POLLS_MAX; polls++) {
        if (!alive(server))
            return false;
        redisContext *link = server_link(server);
        if (link) {
            redisFree(link);
            return true;
        }
        poll(NULL, 0, POLL_MS);
    }
    g_assert_not_reached();
}

static void server_start(struct server *server)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        server->port = free_port();
        if (try_start(server))
            return;
    }
    g_assert_not_reached();
}

static void server_kill(struct server *server)
{
    int status;
    g_assert_cmpint(kill(server->pid, SIGKILL), ==, 0);
    g_assert_cmpint(waitpid(server->pid, &status, 0), ==, server->pid);
    server->pid = 0;
}

/* ---- a process' cache ---- */

struct site {
    struct context context;
    struct config *config;
    struct cache *cache;
    struct arena *arena;
    FILE *log_file;
};

static void site_open(struct site *site, const struct server *server)
{
    GError *error = NULL;
    site->config = config_new_default();
    g_autofree char *url = server->password ? g_strdup_printf("redis://:%s@127.0.0.1:%d/0",
                                                              server->password, server->port)
                                            : g_strdup_printf("redis://127.0.0.1:%d", server->port);
    bool ok = config_set(site->config, "cache.backend", "redis", &error) &&
              config_set(site->config, "cache.url", url, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    site->config->cache_size_bytes = 256 * 1024;
    site->config->cache_timeout_ms = TIMEOUT_MS;
    site->log_file = tmpfile();
    g_assert_nonnull(site->log_file);
    struct clock *clock = clock_new_real();
    site->context = (struct context){
        .config = site->config,
        .clock = clock,
        .metrics = metrics_new(),
        .log = log_new(fileno(site->log_file), LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT, clock)};
    site->cache = cache_open(&site->context, &error);
    g_assert_no_error(error);
    site->arena = arena_new();
}

static void site_close(struct site *site)
{
    cache_close(site->cache);
    arena_free(site->arena);
    log_free(site->context.log);
    fclose(site->log_file);
    metrics_free(site->context.metrics);
    clock_free(site->context.clock);
    config_free(site->config);
}

static void wait_up(struct site *site, bool up)
{
    for (int polls = 0; (metrics_get(site->context.metrics, METRIC_REDIS_UP, NULL) > 0) != up;
         polls++) {
        g_assert_cmpint(polls, <, POLLS_MAX);
        poll(NULL, 0, POLL_MS);
    }
}

static const char *get(struct site *site, const char *name)
{
    const char *value;
    size_t len;
    return cache_get(site->cache, name, site->arena, &value, &len) ? value : NULL;
}

static void put(struct site *site, const char *name, const char *value)
{
    cache_put(site->cache, name, value, strlen(value), LONG_MS);
}

/* expected NULL: the name is forgotten. */
static void wait_for(struct site *site, const char *name, const char *expected)
{
    for (int polls = 0;; polls++) {
        if (g_strcmp0(get(site, name), expected) == 0)
            return;
        g_assert_cmpint(polls, <, POLLS_MAX);
        poll(NULL, 0, POLL_MS);
        arena_reset(site->arena);
    }
}

struct fixture {
    struct server server;
    struct site a, b; /* two processes */
};

static void setup(struct fixture *fixture, gconstpointer password)
{
    fixture->server.password = password;
    server_start(&fixture->server);
    site_open(&fixture->a, &fixture->server);
    site_open(&fixture->b, &fixture->server);
    wait_up(&fixture->a, true);
    wait_up(&fixture->b, true);
}

static void teardown(struct fixture *fixture, gconstpointer password)
{
    (void)password;
    site_close(&fixture->a);
    site_close(&fixture->b);
    if (fixture->server.pid)
        server_kill(&fixture->server);
}

/* ---- tests ---- */

static double lookups(struct site *site, const char *outcome)
{
    return metrics_get(site->context.metrics, METRIC_REDIS_LOOKUPS, outcome);
}

/* What one puts the other gets, byte for byte; the second time from its own memory. */
static void test_shared(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    static const char bytes[] = "a\0b\0\xff";
    const char *value;
    size_t len;
    cache_put(fixture->a.cache, "bytes", bytes, sizeof bytes, LONG_MS);
    g_assert_true(cache_get(fixture->b.cache, "bytes", fixture->b.arena, &value, &len));
    g_assert_cmpint((int)lookups(&fixture->b, "redis"), ==, 1);
    /* The word of the put may come in between: then it is fetched once more. */
    for (int polls = 0; lookups(&fixture->b, "local") < 1; polls++) {
        g_assert_cmpint(polls, <, POLLS_MAX);
        poll(NULL, 0, POLL_MS);
        g_assert_true(cache_get(fixture->b.cache, "bytes", fixture->b.arena, &value, &len));
        g_assert_cmpuint(len, ==, sizeof bytes);
        g_assert_true(memcmp(value, bytes, len) == 0);
    }
    put(&fixture->a, "empty", "");
    g_assert_cmpstr(get(&fixture->b, "empty"), ==, "");
    g_assert_null(get(&fixture->b, "never"));
    g_autofree char *huge = g_strnfill(100 * 1024, 'x');
    put(&fixture->a, "huge", huge);
    g_assert_null(get(&fixture->b, "huge"));
}

/* A change in one is seen by the other long before the old value's time is over. */
static void test_invalidated(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    put(&fixture->a, "g1:x", "1");
    put(&fixture->a, "g1:[y]*", "2");
    put(&fixture->a, "g1:y", "3");
    g_assert_cmpstr(get(&fixture->b, "g1:x"), ==, "1");
    g_assert_cmpstr(get(&fixture->b, "g1:[y]*"), ==, "2");
    g_assert_cmpstr(get(&fixture->b, "g1:y"), ==, "3");
    put(&fixture->a, "g1:x", "11");
    wait_for(&fixture->b, "g1:x", "11");
    cache_invalidate(fixture->a.cache, "g1:x");
    wait_for(&fixture->b, "g1:x", NULL);
    cache_invalidate(fixture->a.cache, "g1:[y*");
    wait_for(&fixture->b, "g1:[y]*", NULL);
    g_assert_cmpstr(get(&fixture->b, "g1:y"), ==, "3");
    redisContext *link = server_link(&fixture->server);
    freeReplyObject(redisCommand(link, "FLUSHALL"));
    redisFree(link);
    wait_for(&fixture->b, "g1:y", NULL);
}

/* The time to live is Redis' too, and what is fetched late lives only for the rest of it. */
static void test_ttl(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    cache_put(fixture->a.cache, "short", "1", 1, 200);
    put(&fixture->a, "long", "1");
    redisContext *link = server_link(&fixture->server);
    redisReply *keys = redisCommand(link, "KEYS *");
    g_assert_cmpuint(keys->elements, ==, 2);
    for (size_t i = 0; i < keys->elements; i++) {
        g_assert_true(g_str_has_prefix(keys->element[i]->str, "marquee:"));
        redisReply *ttl = redisCommand(link, "PTTL %s", keys->element[i]->str);
        g_assert_cmpint((int)ttl->integer, <=,
                        g_str_has_suffix(keys->element[i]->str, "short") ? 200 : LONG_MS);
        freeReplyObject(ttl);
    }
    freeReplyObject(keys);
    redisFree(link);
    wait_for(&fixture->a, "short", NULL);
    wait_for(&fixture->b, "short", NULL);
    g_assert_cmpstr(get(&fixture->b, "long"), ==, "1");
}

/* ---- under load ---- */

struct load {
    struct site *site;
    const char *name;
    atomic_bool *ending;
    atomic_int rounds;
};

/* Each thread has names of its own in one cache: what it put is what it gets, or nothing. */
static void *hammer(void *user)
{
    struct load *load = user;
    struct arena *arena = arena_new();
    for (int i = 0; !atomic_load(load->ending); i++) {
        char name[32], value[32];
        const char *found;
        size_t len;
        g_snprintf(name, sizeof name, "%s%d", load->name, i % 37);
        g_snprintf(value, sizeof value, "value of %d", i % 37);
        if (cache_get(load->site->cache, name, arena, &found, &len))
            g_assert_cmpstr(found, ==, value);
        cache_put(load->site->cache, name, value, strlen(value), LONG_MS);
        if (i % 53 == 0)
            cache_invalidate(load->site->cache, name);
        atomic_fetch_add(&load->rounds, 1);
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

static void wait_rounds(struct load *loads, size_t count, int more)
{
    for (size_t i = 0; i < count; i++) {
        int target = atomic_load(&loads[i].rounds) + more;
        for (int polls = 0; atomic_load(&loads[i].rounds) < target; polls++) {
            g_assert_cmpint(polls, <, POLLS_MAX);
            poll(NULL, 0, POLL_MS);
        }
    }
}

/* Killed, started again, paused and resumed while four threads of two processes ask: no error, no
 * wrong value, no standstill; and afterwards changes are heard again. */
static void test_outages(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    struct site *sites[] = {&fixture->a, &fixture->b};
    atomic_bool ending = false;
    pthread_t threads[4];
    struct load loads[4] = {{.site = sites[0], .name = "p"},
                            {.site = sites[0], .name = "q"},
                            {.site = sites[1], .name = "r"},
                            {.site = sites[1], .name = "s"}};
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
        loads[i].ending = &ending;
        g_assert_cmpint(pthread_create(&threads[i], NULL, hammer, &loads[i]), ==, 0);
    }
    for (int round = 0; round < 3; round++) {
        wait_rounds(loads, G_N_ELEMENTS(loads), 200);
        bool killed = round != 1;
        if (killed)
            server_kill(&fixture->server);
        else
            kill(fixture->server.pid, SIGSTOP);
        wait_up(sites[0], false);
        wait_up(sites[1], false);
        /* Alone, the local tier answers at its own speed. */
        wait_rounds(loads, G_N_ELEMENTS(loads), 2000);
        if (killed)
            g_assert_true(try_start(&fixture->server));
        else
            kill(fixture->server.pid, SIGCONT);
        wait_up(sites[0], true);
        wait_up(sites[1], true);
    }
    atomic_store(&ending, true);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    put(sites[0], "after", "1");
    wait_for(sites[1], "after", "1");
    put(sites[0], "after", "2");
    wait_for(sites[1], "after", "2");
}

/* What was put while Redis was away doesn't hide what others put afterwards. */
static void test_returns(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    server_kill(&fixture->server);
    wait_up(&fixture->a, false);
    wait_up(&fixture->b, false);
    put(&fixture->a, "x", "old");
    put(&fixture->b, "x", "new");
    g_assert_cmpstr(get(&fixture->a, "x"), ==, "old");
    g_assert_true(try_start(&fixture->server));
    wait_up(&fixture->a, true);
    wait_up(&fixture->b, true);
    g_assert_cmpint((int)metrics_get(fixture->a.context.metrics, METRIC_REDIS_LOSSES, NULL), >=, 1);
    put(&fixture->b, "x", "newest");
    wait_for(&fixture->a, "x", "newest");
}

static void *write_numbers(void *user)
{
    struct load *load = user;
    for (int i = 1; i <= 3000; i++) {
        char value[16];
        g_snprintf(value, sizeof value, "%d", i);
        put(load->site, "number", value);
    }
    atomic_store(load->ending, true);
    return NULL;
}

/* A value that is fetched while another process changes it isn't kept: the last one wins. */
static void test_race(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    for (int round = 0; round < 3; round++) {
        atomic_bool ending = false;
        struct load load = {.site = &fixture->a, .ending = &ending};
        pthread_t writer;
        g_assert_cmpint(pthread_create(&writer, NULL, write_numbers, &load), ==, 0);
        while (!atomic_load(&ending)) {
            (void)get(&fixture->b, "number");
            arena_reset(fixture->b.arena);
        }
        pthread_join(writer, NULL);
        wait_for(&fixture->b, "number", "3000");
        cache_invalidate(fixture->a.cache, "number");
        wait_for(&fixture->b, "number", NULL);
    }
}

/* ---- settings ---- */

static void test_bad_url(void)
{
    static const char *const urls[] = {"redis://u:" PASSWORD "@", "rediss://:" PASSWORD "@h",
                                       "redis://:" PASSWORD "@h/x", "http://u:" PASSWORD "@h",
                                       "nonsense"};
    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
        struct config *config = config_new_default();
        GError *error = NULL;
        g_assert_true(config_set(config, "cache.backend", "redis", &error));
        g_assert_true(config_set(config, "cache.url", urls[i], &error));
        struct context context = {.config = config, .clock = clock_new_real()};
        g_assert_null(cache_open(&context, &error));
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFIG);
        g_assert_null(strstr(error->message, PASSWORD));
        g_clear_error(&error);
        clock_free(context.clock);
        config_free(config);
    }
}

/* Refused by the server, it is as if Redis weren't there; the log says why, without the password.
 */
static void test_refused(void)
{
    struct server server = {.password = PASSWORD};
    server_start(&server);
    struct server wrong = server;
    wrong.password = "secret-of-ours";
    struct site site;
    site_open(&site, &wrong);
    put(&site, "x", "1");
    g_assert_cmpstr(get(&site, "x"), ==, "1");
    char text[4096] = "";
    for (int polls = 0; !strstr(text, "WRONGPASS"); polls++) {
        g_assert_cmpint(polls, <, POLLS_MAX);
        ssize_t len = pread(fileno(site.log_file), text, sizeof text - 1, 0);
        text[MAX(len, 0)] = '\0';
        poll(NULL, 0, POLL_MS);
    }
    g_assert_null(strstr(text, wrong.password));
    site_close(&site);
    server_kill(&server);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *password;
        void (*run)(struct fixture *fixture, gconstpointer data);
    } tests[] = {{"shared", NULL, test_shared},
                 {"password", PASSWORD, test_shared},
                 {"invalidated", NULL, test_invalidated},
                 {"ttl", NULL, test_ttl},
                 {"race", NULL, test_race},
                 {"outages", NULL, test_outages},
                 {"returns", NULL, test_returns}};
    const char *there = g_getenv("MARQUEE_REDIS");
    if (!there || !*there) {
        printf("1..0 # SKIP MARQUEE_REDIS is not set; make test-cluster sets it\n");
        return 0;
    }
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN); /* as the program does: cli/signals.c */
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/cache-redis/%s", tests[i].name);
        g_test_add(path, struct fixture, tests[i].password, setup, tests[i].run, teardown);
    }
    g_test_add_func("/cache-redis/bad-url", test_bad_url);
    g_test_add_func("/cache-redis/refused", test_refused);
    return g_test_run();
}

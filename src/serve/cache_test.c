/* Every cache backend: what was put comes back until its time is over, memory stays bounded, the
 * least used goes first. */
#include "serve/cache.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"

struct fixture {
    struct context context;
    struct config *config;
    struct cache *cache;
    struct arena *arena;
};

static void setup(struct fixture *fixture, gconstpointer backend)
{
    GError *error = NULL;
    fixture->config = config_new_default();
    bool ok = config_set(fixture->config, "cache.backend", backend, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    fixture->config->cache_size_bytes = 16 * 1024;
    fixture->context = (struct context){.config = fixture->config, .clock = clock_new_manual(0)};
    fixture->cache = cache_open(&fixture->context, &error);
    g_assert_no_error(error);
    fixture->arena = arena_new();
}

static void teardown(struct fixture *fixture, gconstpointer backend)
{
    (void)backend;
    cache_close(fixture->cache);
    arena_free(fixture->arena);
    clock_free(fixture->context.clock);
    config_free(fixture->config);
}

static const char *get(struct fixture *fixture, const char *name)
{
    const char *value;
    size_t len;
    if (!cache_get(fixture->cache, name, fixture->arena, &value, &len))
        return NULL;
    g_assert_cmpuint(strlen(value), ==, len);
    return value;
}

static void put(struct fixture *fixture, const char *name, const char *value, int64_t ttl_ms)
{
    cache_put(fixture->cache, name, value, strlen(value), ttl_ms);
}

static void test_ttl(struct fixture *fixture, gconstpointer backend)
{
    (void)backend;
    g_assert_null(get(fixture, "a"));
    put(fixture, "a", "1", 1000);
    put(fixture, "b", "", 2000);
    g_assert_cmpstr(get(fixture, "a"), ==, "1");
    g_assert_cmpstr(get(fixture, "b"), ==, "");
    put(fixture, "a", "2", 500); /* replaces value and time */
    g_assert_cmpstr(get(fixture, "a"), ==, "2");
    clock_advance_monotonic(fixture->context.clock, 499);
    g_assert_cmpstr(get(fixture, "a"), ==, "2");
    clock_advance_monotonic(fixture->context.clock, 1);
    g_assert_null(get(fixture, "a"));
    g_assert_nonnull(get(fixture, "b"));
}

/* A value is bytes: NULs in it come back, packed answers have them. */
static void test_bytes(struct fixture *fixture, gconstpointer backend)
{
    (void)backend;
    static const char bytes[] = "a\0b\0\xff";
    const char *value;
    size_t len;
    cache_put(fixture->cache, "bytes", bytes, sizeof bytes, 1000);
    g_assert_true(cache_get(fixture->cache, "bytes", fixture->arena, &value, &len));
    g_assert_cmpuint(len, ==, sizeof bytes);
    g_assert_true(memcmp(value, bytes, len) == 0);
}

static void test_invalidate(struct fixture *fixture, gconstpointer backend)
{
    (void)backend;
    put(fixture, "g1:a", "1", 1000);
    put(fixture, "g1:b", "2", 1000);
    put(fixture, "g2:a", "3", 1000);
    cache_invalidate(fixture->cache, "g1:a");
    g_assert_null(get(fixture, "g1:a"));
    g_assert_nonnull(get(fixture, "g1:b"));
    cache_invalidate(fixture->cache, "g1:*");
    g_assert_null(get(fixture, "g1:b"));
    g_assert_nonnull(get(fixture, "g2:a"));
}

/* 16 KB hold at most 16 values of 1 KB; the one that is used again and again survives; a huge one
 * is left out. */
static void test_bounded(struct fixture *fixture, gconstpointer backend)
{
    (void)backend;
    g_autofree char *value = g_strnfill(1024, 'x');
    for (int i = 0; i < 100; i++) {
        g_autofree char *name = g_strdup_printf("n%d", i);
        put(fixture, name, value, 1000);
        g_assert_nonnull(get(fixture, "n0"));
    }
    int kept = 0;
    for (int i = 0; i < 100; i++) {
        g_autofree char *name = g_strdup_printf("n%d", i);
        kept += get(fixture, name) != NULL;
    }
    g_assert_cmpint(kept, >, 8);
    g_assert_cmpint(kept, <=, 16);
    g_assert_nonnull(get(fixture, "n99"));
    g_assert_null(get(fixture, "n1"));
    g_autofree char *huge = g_strnfill(10000, 'x');
    put(fixture, "huge", huge, 1000);
    g_assert_null(get(fixture, "huge"));
    g_assert_nonnull(get(fixture, "n99"));
    g_autofree char *name = g_strnfill(CACHE_NAME_BYTES_MAX + 1, 'n');
    put(fixture, name, "1", 1000);
    g_assert_null(get(fixture, name));
}

static void test_off(void)
{
    struct config *config = config_new_default();
    config->cache_size_bytes = 0;
    struct context context = {.config = config, .clock = clock_new_manual(0)};
    GError *error = NULL;
    struct cache *cache = cache_open(&context, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    const char *value;
    size_t len;
    cache_put(cache, "a", "1", 1, 1000);
    g_assert_false(cache_get(cache, "a", arena, &value, &len));
    arena_free(arena);
    cache_close(cache);
    clock_free(context.clock);
    config_free(config);
}

static void *hammer(void *user)
{
    struct fixture *fixture = user;
    struct arena *arena = arena_new();
    for (int i = 0; i < 3000; i++) {
        char name[16], value[32];
        g_snprintf(name, sizeof name, "n%d", i % 37);
        g_snprintf(value, sizeof value, "value of %d", i % 37);
        const char *found;
        size_t len;
        if (cache_get(fixture->cache, name, arena, &found, &len))
            g_assert_cmpstr(found, ==, value);
        cache_put(fixture->cache, name, value, strlen(value), 1000);
        if (i % 97 == 0)
            cache_invalidate(fixture->cache, "n1*");
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

/* From several threads at once (a sanitizer watches). */
static void test_threads(struct fixture *fixture, gconstpointer backend)
{
    (void)backend;
    pthread_t threads[3];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, hammer, fixture), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    static const char *const backends[] = {"memory"};
    static const struct {
        const char *name;
        void (*run)(struct fixture *fixture, gconstpointer backend);
    } tests[] = {{"ttl", test_ttl},
                 {"bytes", test_bytes},
                 {"invalidate", test_invalidate},
                 {"bounded", test_bounded},
                 {"threads", test_threads}};
    g_test_init(&argc, &argv, NULL);
    for (size_t b = 0; b < G_N_ELEMENTS(backends); b++) {
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
            g_autofree char *path = g_strdup_printf("/cache/%s/%s", backends[b], tests[i].name);
            g_test_add(path, struct fixture, backends[b], setup, tests[i].run, teardown);
        }
    }
    g_test_add_func("/cache/off", test_off);
    return g_test_run();
}

#include "lake/lake_contract.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct lake *one, *two;
    struct arena *arena;
};

static struct lake *(*open_lake)(int number);
static int tests_run;

static void set_up(struct fixture *fixture, gconstpointer unused)
{
    (void)unused;
    tests_run++;
    fixture->one = open_lake(tests_run);
    fixture->two = open_lake(tests_run);
    fixture->arena = arena_new();
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
    (void)unused;
    lake_close(fixture->one);
    lake_close(fixture->two);
    arena_free(fixture->arena);
}

static char *get(struct fixture *fixture, struct lake *lake, const char *name)
{
    GError *error = NULL;
    char *data = NULL;
    size_t len = 0;
    if (!lake_get(lake, name, fixture->arena, &data, &len, &error)) {
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_NOTFOUND);
        g_error_free(error);
        return NULL;
    }
    g_assert_cmpuint(strlen(data), ==, len);
    return data;
}

static void put(struct lake *lake, const char *name, const char *data)
{
    GError *error = NULL;
    bool done = lake_put(lake, name, data, strlen(data), &error);
    g_assert_no_error(error);
    g_assert_true(done);
}

/* What one handle put, another gets, replaced as a whole; an absent name is NOTFOUND. */
static void test_put_get(struct fixture *fixture, gconstpointer unused)
{
    (void)unused;
    g_assert_null(get(fixture, fixture->two, "a/b/c"));
    put(fixture->one, "a/b/c", "first");
    g_assert_cmpstr(get(fixture, fixture->two, "a/b/c"), ==, "first");
    put(fixture->two, "a/b/c", "");
    g_assert_cmpstr(get(fixture, fixture->one, "a/b/c"), ==, "");
    g_assert_null(get(fixture, fixture->one, "a/b")); /* a prefix is no object */
}

/* A list holds the names with the prefix (which may end inside a component), sorted, with sizes. */
static void test_list(struct fixture *fixture, gconstpointer unused)
{
    (void)unused;
    put(fixture->one, "t/year=2026/x", "12345");
    put(fixture->one, "t/year=2025/x", "1");
    put(fixture->one, "t/yearly", "");
    put(fixture->one, "tt", "");
    struct lake_object *objects;
    size_t count;
    GError *error = NULL;
    g_assert_true(lake_list(fixture->two, "t/year=", fixture->arena, &objects, &count, &error));
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpstr(objects[0].name, ==, "t/year=2025/x");
    g_assert_cmpstr(objects[1].name, ==, "t/year=2026/x");
    g_assert_cmpint(objects[1].size_bytes, ==, 5);
    g_assert_cmpint(objects[1].modified_ms, >, 0);
    g_assert_true(lake_list(fixture->two, "", fixture->arena, &objects, &count, &error));
    g_assert_cmpuint(count, ==, 4);
    g_assert_cmpstr(objects[3].name, ==, "tt");
    g_assert_true(lake_list(fixture->two, "absent/", fixture->arena, &objects, &count, &error));
    g_assert_cmpuint(count, ==, 0);
}

/* Deleting takes away one object and no other, also twice. */
static void test_delete(struct fixture *fixture, gconstpointer unused)
{
    (void)unused;
    GError *error = NULL;
    put(fixture->one, "d/x", "1");
    put(fixture->one, "d/y", "2");
    g_assert_true(lake_delete(fixture->two, "d/x", &error));
    g_assert_true(lake_delete(fixture->two, "d/x", &error));
    g_assert_null(get(fixture, fixture->one, "d/x"));
    g_assert_cmpstr(get(fixture, fixture->one, "d/y"), ==, "2");
    g_assert_true(lake_delete(fixture->two, "d/y", &error));
    put(fixture->one, "d/z", "3"); /* the folder may be gone: put makes it again */
    g_assert_cmpstr(get(fixture, fixture->two, "d/z"), ==, "3");
}

/* A swap replaces only what is expected; of several that expect the same, one wins. */
static void test_swap(struct fixture *fixture, gconstpointer unused)
{
    (void)unused;
    GError *error = NULL;
    g_assert_false(lake_swap(fixture->one, "_current", "x", "y", &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_true(lake_swap(fixture->one, "_current", NULL, "run-1", &error));
    g_assert_false(lake_swap(fixture->two, "_current", NULL, "run-2", &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_true(lake_swap(fixture->two, "_current", "run-1", "run-2", &error));
    g_assert_cmpstr(get(fixture, fixture->one, "_current"), ==, "run-2");
}

struct racer {
    struct lake *lake;
    int wins;
};

/* Counts up to RACE_SWAPS together with the other thread; each win is one step of the pointer. */
#define RACE_SWAPS 40
static void *race(void *user)
{
    struct racer *racer = user;
    struct arena *arena = arena_new();
    for (;;) {
        char *data;
        size_t len;
        bool got = lake_get(racer->lake, "pointer", arena, &data, &len, NULL);
        g_assert_true(got);
        int value = (int)g_ascii_strtoll(data, NULL, 10);
        if (value >= RACE_SWAPS)
            break;
        char *next = arena_printf(arena, "%d", value + 1);
        racer->wins += lake_swap(racer->lake, "pointer", data, next, NULL);
    }
    arena_free(arena);
    return NULL;
}

/* Two threads that swap the same pointer never both win a step. */
static void test_swap_race(struct fixture *fixture, gconstpointer unused)
{
    (void)unused;
    put(fixture->one, "pointer", "0");
    struct racer racers[2] = {{.lake = fixture->one}, {.lake = fixture->two}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, race, &racers[i]), ==, 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpint(racers[0].wins + racers[1].wins, ==, RACE_SWAPS);
}

#define READS 200
#define LONG  100000

static void *read_while_written(void *user)
{
    struct lake *lake = user;
    struct arena *arena = arena_new();
    for (int i = 0; i < READS; i++) {
        char *data;
        size_t len;
        bool got = lake_get(lake, "big", arena, &data, &len, NULL);
        g_assert_true(got);
        g_assert_cmpuint(len, ==, LONG);
        g_assert_cmpint(data[0], ==, data[LONG - 1]);
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

/* A reader never sees half of an object that is being replaced. */
static void test_never_half(struct fixture *fixture, gconstpointer unused)
{
    (void)unused;
    g_autofree char *data = g_malloc(LONG + 1);
    data[LONG] = '\0';
    memset(data, 'a', LONG);
    put(fixture->one, "big", data);
    pthread_t reader;
    g_assert_cmpint(pthread_create(&reader, NULL, read_while_written, fixture->two), ==, 0);
    for (int i = 0; i < 40; i++) {
        memset(data, 'a' + i % 26, LONG);
        put(fixture->one, "big", data);
    }
    pthread_join(reader, NULL);
}

/* A file that somebody wrote at a temporary name's URL gets its name by rename, its old name is
 * gone. */
static void test_url_rename(struct fixture *fixture, gconstpointer unused)
{
    (void)unused;
    GError *error = NULL;
    const char *url = lake_url(fixture->one, "tmp/run/file", fixture->arena, &error);
    g_assert_no_error(error);
    if (url[0] != '/') {
        g_test_skip("not a local folder: nothing can be written at the URL here");
        return;
    }
    FILE *file = fopen(url, "w");
    g_assert_nonnull(file);
    fputs("engine", file);
    fclose(file);
    g_assert_true(lake_rename(fixture->one, "tmp/run/file", "silver/new/file", &error));
    g_assert_cmpstr(get(fixture, fixture->two, "silver/new/file"), ==, "engine");
    g_assert_null(get(fixture, fixture->two, "tmp/run/file"));
    g_assert_false(lake_rename(fixture->one, "tmp/run/file", "silver/new/file", &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_NOTFOUND);
    g_clear_error(&error);
}

/* Names that leave the lake, hide, or would need quoting in SQL are refused everywhere. */
static void test_names(struct fixture *fixture, gconstpointer unused)
{
    (void)unused;
    g_autofree char *long_name = g_strnfill(LAKE_NAME_BYTES_MAX + 1, 'x');
    const char *bad[] = {"",     "/abs", "..",  "../x", "a/../b", "a/..", ".tmp/x", "a/.b",
                         "a//b", "a/",   "a'b", "a\nb", "a*b",    "a?b",  "a\\b",   long_name};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        GError *error = NULL;
        g_assert_false(lake_put(fixture->one, bad[i], "x", 1, &error));
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
        g_clear_error(&error);
        char *data;
        size_t len;
        g_assert_false(lake_get(fixture->one, bad[i], fixture->arena, &data, &len, &error));
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
        g_clear_error(&error);
        g_assert_null(lake_url(fixture->one, bad[i], fixture->arena, &error));
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
        g_clear_error(&error);
        g_assert_false(lake_rename(fixture->one, "x", bad[i], &error));
        g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
        g_clear_error(&error);
    }
}

void lake_contract_add(const char *backend, struct lake *(*open)(int number))
{
    static const struct {
        const char *name;
        void (*run)(struct fixture *, gconstpointer);
    } tests[] = {
        {"put_get", test_put_get},       {"list", test_list},
        {"delete", test_delete},         {"swap", test_swap},
        {"swap_race", test_swap_race},   {"never_half", test_never_half},
        {"url_rename", test_url_rename}, {"names", test_names},
    };
    open_lake = open;
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/lake/%s/%s", backend, tests[i].name);
        g_test_add(path, struct fixture, NULL, set_up, tests[i].run, tear_down);
    }
}

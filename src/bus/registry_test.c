/* Proves: one schema has one id, also across subjects, openings and processes' handles; what
 * BACKWARD forbids is refused with the field and the reason. */
#include "bus/registry.h"

#include <pthread.h>
#include <string.h>

#include <glib/gstdio.h>

#include "base/config.h"

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define A              "{\"name\":\"a\",\"type\":\"int\"}"
#define A_LONG         "{\"name\":\"a\",\"type\":\"long\"}"
#define B              ",{\"name\":\"b\",\"type\":\"int\"}"
#define B_DEFAULT      ",{\"name\":\"b\",\"type\":\"int\",\"default\":0}"
#define THREADS        4

static int32_t add(struct registry *registry, const char *subject, const char *json)
{
    int32_t id = -1;
    g_autoptr(GError) error = NULL;
    bool done = registry_register(registry, subject, json, &id, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    return id;
}

static void assert_conflict(struct registry *registry, const char *json, const char *part)
{
    int32_t id = -1;
    g_autoptr(GError) error = NULL;
    g_assert_false(registry_register(registry, "s", json, &id, &error));
    g_assert_true(error_is(error, CONFLICT));
    g_assert_nonnull(strstr(error->message, part));
    g_assert_cmpint(id, ==, -1);
}

static void test_ids(void)
{
    struct registry *registry = registry_new_mem();
    int32_t first = add(registry, "s", RECORD(A));
    g_assert_cmpint(first, >, 0);
    g_assert_cmpint(add(registry, "s",
                        "{ \"fields\": [" A
                        "], \"doc\": \"same\", \"type\": \"record\", \"name\": \"R\"}"),
                    ==, first);
    g_assert_cmpint(add(registry, "other", RECORD(A)), ==, first);
    int32_t second = add(registry, "s", RECORD(A B_DEFAULT));
    g_assert_cmpint(second, !=, first);
    g_assert_cmpint(add(registry, "s", RECORD(A)), ==, first); /* an older version keeps its id */

    g_autoptr(GError) error = NULL;
    const struct schema *schema = registry_schema(registry, second, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(schema_canonical(schema), "\"b\""));
    g_assert_true(registry_schema(registry, second, &error) == schema);
    g_assert_null(registry_schema(registry, 99, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_clear_error(&error);
    g_assert_null(registry_schema(registry, -1, &error));
    g_assert_true(error_is(error, NOTFOUND));
    registry_close(registry);
}

static void test_backward(void)
{
    struct registry *registry = registry_new_mem();
    add(registry, "s", RECORD(A));
    assert_conflict(registry, RECORD(A B), "b: the reader needs it");
    assert_conflict(
        registry,
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}",
        "a: the reader's string can't read the writer's int");
    assert_conflict(registry, "{\"type\":\"record\",\"name\":\"S\",\"fields\":[]}", "version 1");
    add(registry, "s", RECORD(A B_DEFAULT)); /* added with a default */
    add(registry, "s", RECORD(A_LONG));      /* removed, and widened */
    assert_conflict(registry,
                    RECORD(A B_DEFAULT ",{\"name\":\"c\",\"type\":\"null\",\"default\":null}"),
                    "a: the reader's int can't read the writer's long");
    assert_conflict(registry, RECORD(A_LONG B), "version 3");
    add(registry, "t", RECORD(A B)); /* another subject */
    g_autoptr(GError) error = NULL;
    int32_t id;
    g_assert_false(registry_register(registry, "s", "{", &id, &error));
    g_assert_true(error_is(error, BADDATA));
    registry_close(registry);
}

struct world {
    struct config *config;
    struct context context;
    int32_t id;
};

static void *register_in_thread(void *data)
{
    struct world *world = data;
    g_autoptr(GError) error = NULL;
    struct registry *registry = registry_open(&world->context, &error);
    g_assert_no_error(error);
    uint32_t ids = 0;
    for (int i = 0; i < 20; i++) {
        g_autofree char *json =
            g_strdup_printf(RECORD("{\"name\":\"f%d\",\"type\":\"int\",\"default\":0}"), i);
        int32_t new_id = add(registry, "s", json);
        g_assert_cmpint(new_id, >, 0);
        ids = ids * 31 + (uint32_t)new_id;
    }
    registry_close(registry);
    return GUINT_TO_POINTER(ids);
}

/* Threads with handles of their own bring the same schemas at once and get the same ids; so does a
 * later opening. */
static void test_file(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("registry-XXXXXX", &error);
    struct world world = {.config = config_new_default()};
    g_free(world.config->data_dir);
    world.config->data_dir = g_strdup(folder);
    world.context.config = world.config;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, register_in_thread, &world), ==, 0);
    void *ids[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], &ids[i]);
    for (int i = 1; i < THREADS; i++)
        g_assert_true(ids[i] == ids[0]);
    g_assert_true(register_in_thread(&world) == ids[0]);
    static const char *const names[] = {"registry.db", "registry.db-wal", "registry.db-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0);

    g_free(world.config->registry_url);
    world.config->registry_url = g_strdup("http://registry:8081");
    g_assert_null(registry_open(&world.context, &error));
    g_assert_true(error_is(error, CONFIG));
    config_free(world.config);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/registry/ids", test_ids);
    g_test_add_func("/registry/backward", test_backward);
    g_test_add_func("/registry/file", test_file);
    return g_test_run();
}

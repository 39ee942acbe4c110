/* Proves: the built-in registry keeps the contract in memory and in a file; one schema has one id
 * also across openings and threads' handles. */
#include "bus/registry.h"

#include <pthread.h>
#include <string.h>

#include <glib/gstdio.h>

#include "base/config.h"
#include "bus/registry_contract.h"

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
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
    config_free(world.config);
}

static struct registry *open_mem(void *user)
{
    (void)user;
    return registry_new_mem();
}

static char *same_subject(void *user, const char *name)
{
    (void)user;
    return g_strdup(name);
}

static const struct registry_contract contract = {
    .name = "mem",
    .open = open_mem,
    .subject = same_subject,
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    registry_contract_add(&contract);
    g_test_add_func("/registry/file", test_file);
    return g_test_run();
}

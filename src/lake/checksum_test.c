/* SHA-256 as FIPS 180-4's examples say; an object of more than one read; an absent one. */
#include "lake/checksum.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"

struct world {
    struct config *config;
    struct context context;
    struct lake *lake;
};

static void world_open(struct world *world)
{
    GError *error = NULL;
    world->config = config_new_default();
    g_free(world->config->data_dir);
    world->config->data_dir = g_dir_make_tmp("marquee-checksum-XXXXXX", NULL);
    world->context = (struct context){.config = world->config, .clock = clock_new_manual(0)};
    world->lake = lake_open(&world->context, &error);
    g_assert_no_error(error);
}

static void world_close(struct world *world)
{
    static const char *const rests[] = {"lake/bronze/a", "lake/bronze", "lake/.tmp", "lake", ""};
    lake_close(world->lake);
    for (size_t i = 0; i < G_N_ELEMENTS(rests); i++) {
        g_autofree char *path = g_build_filename(world->config->data_dir, rests[i], NULL);
        g_assert_cmpint(g_remove(path), ==, 0);
    }
    clock_free(world->context.clock);
    config_free(world->config);
}

static void check(struct world *world, const void *data, size_t len, const char *wanted)
{
    GError *error = NULL;
    char hex[CHECKSUM_HEX_BYTES];
    int64_t size_bytes;
    g_assert_true(lake_put(world->lake, "bronze/a", data, len, &error));
    g_assert_true(checksum_object(world->lake, "bronze/a", hex, &size_bytes, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(hex, ==, wanted);
    g_assert_cmpint(size_bytes, ==, (int64_t)len);
}

static void test_examples(void)
{
    struct world world;
    world_open(&world);
    check(&world, "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check(&world, "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    g_autofree char *many = g_malloc(1000000);
    memset(many, 'a', 1000000);
    check(&world, many, 1000000,
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    world_close(&world);
}

static void test_absent(void)
{
    struct world world;
    GError *error = NULL;
    char hex[CHECKSUM_HEX_BYTES];
    int64_t size_bytes;
    world_open(&world);
    g_assert_true(lake_put(world.lake, "bronze/a", "x", 1, &error));
    g_assert_false(checksum_object(world.lake, "bronze/b", hex, &size_bytes, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_NOTFOUND);
    g_assert_nonnull(strstr(error->message, "bronze/b"));
    g_clear_error(&error);
    world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/checksum/examples", test_examples);
    g_test_add_func("/checksum/absent", test_absent);
    return g_test_run();
}

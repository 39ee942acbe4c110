/* What the tests of this folder share: settings, a clock moved by hand and a data folder that goes
 * away. */
#pragma once

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/context.h"
#include "base/stop.h"
#include "lake/lake.h"

#define TEST_START_MS INT64_C(1772510400000) /* 2026-03-03T04:00:00Z */

struct test_world {
    struct config *config;
    struct context context;
    struct lake *lake;
};

static inline void test_world_open(struct test_world *world)
{
    GError *error = NULL;
    world->config = config_new_default();
    g_free(world->config->data_dir);
    world->config->data_dir = g_dir_make_tmp("marquee-batch-XXXXXX", NULL);
    world->context = (struct context){
        .config = world->config, .clock = clock_new_manual(TEST_START_MS), .stop = stop_new()};
    world->lake = lake_open(&world->context, &error);
    g_assert_no_error(error);
}

static inline void test_remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, entry, NULL);
        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            test_remove_tree(child);
        else
            (void)g_unlink(child);
    }
    (void)g_rmdir(path);
}

static inline void test_world_close(struct test_world *world)
{
    lake_close(world->lake);
    test_remove_tree(world->config->data_dir);
    stop_free(world->context.stop);
    clock_free(world->context.clock);
    config_free(world->config);
}

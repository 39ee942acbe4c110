/* Proves: on Kafka the status is read from the tasks' files below data.dir, of each task the one
 * that stands furthest; late records of all tasks come together, newest first, and no more than
 * asked for. (What the embedded engine says is in stream_test.c.) */
#include "stream/stream_status.h"

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "model/db.h"
#include "stream/delta.h"
#include "stream/task_file.h"

#define HOUR_MS INT64_C(1767268800000)

struct world {
    struct config *config;
    struct context context;
    struct sql_file *sql;
    struct arena *arena;
    char *folder;
};

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->folder = g_dir_make_tmp("marquee-status-XXXXXX", &error);
    g_assert_no_error(error);
    world->config = config_new_default();
    g_assert_true(config_set(world->config, "data.dir", world->folder, &error));
    g_assert_true(config_set(world->config, "bus.backend", "kafka", &error));
    world->context = (struct context){.config = world->config};
    world->sql = sql_file_load("contracts/stream.sql");
    world->arena = arena_new();
}

static char *instance_folder(const struct world *world, const char *instance)
{
    return g_build_filename(world->folder, "stream", instance, NULL);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    static const char *const instances[] = {"a", "b"};
    for (size_t i = 0; i < G_N_ELEMENTS(instances); i++) {
        g_autofree char *folder = instance_folder(world, instances[i]);
        for (int task = 0; task < (int)world->config->bus_partitions; task++)
            g_assert_true(task_file_remove(folder, task, NULL));
        g_rmdir(folder);
    }
    g_autofree char *stream = g_build_filename(world->folder, "stream", NULL);
    g_rmdir(stream);
    g_assert_cmpint(g_rmdir(world->folder), ==, 0);
    arena_free(world->arena);
    sql_file_free(world->sql);
    config_free(world->config);
    g_free(world->folder);
}

/* One more commit of a task, up to this offset of its changelog, with a record that came late_ms
 * late. */
static void
add_late(struct world *world, const char *instance, int task, int64_t next_offset, int64_t late_ms)
{
    GError *error = NULL;
    g_autofree char *folder = instance_folder(world, instance);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    struct task_file *file = task_file_open(folder, task, world->sql, &error);
    g_assert_no_error(error);
    g_assert_true(task_file_begin(file, &error));
    sqlite3_stmt *put = db_prepare(file->db, sql_file_get(world->sql, "put_late"), &error);
    const struct value values[] = {
        value_text("movie.ratings"), value_int(task),    value_int(1), value_int(603),
        value_int(HOUR_MS),          value_int(late_ms), value_null(), value_double(2.5)};
    g_assert_true(delta_run(file->delta, DELTA_PUT_LATE, put, values, &error));
    sqlite3_finalize(put);
    const struct chain chain = {next_offset, 1};
    g_assert_true(task_file_commit(file, &chain, next_offset, &error));
    task_file_close(file);
}

static void test_late(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    struct late_entry *entries;
    size_t count;
    g_assert_true(stream_status_late(&world->context, world->arena, 9, &entries, &count, &error));
    g_assert_cmpuint(count, ==, 0);
    add_late(world, "a", 0, 10, 5000);
    add_late(world, "a", 0, 20, 9000);
    add_late(world, "b", 0, 15, 70000); /* it stands behind a's */
    add_late(world, "b", 4, 3, 7000);
    g_assert_true(stream_status_late(&world->context, world->arena, 9, &entries, &count, &error));
    static const struct {
        int32_t partition;
        int64_t late_ms;
    } expected[] = {{0, 9000}, {4, 7000}, {0, 5000}};
    g_assert_cmpuint(count, ==, G_N_ELEMENTS(expected));
    for (size_t i = 0; i < count; i++) {
        g_assert_cmpint(entries[i].partition, ==, expected[i].partition);
        g_assert_cmpint(entries[i].late_ms, ==, expected[i].late_ms);
        g_assert_false(entries[i].before.has);
        g_assert_cmpfloat(entries[i].after.value, ==, 2.5);
    }
    g_assert_true(stream_status_late(&world->context, world->arena, 2, &entries, &count, &error));
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpint(entries[1].late_ms, ==, 7000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/stream/status/late_on_kafka", struct world, NULL, world_open, test_late,
               world_close);
    return g_test_run();
}

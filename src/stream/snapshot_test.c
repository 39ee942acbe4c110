/* Proves: a file comes back as it stood when the snapshot was begun, whatever was committed while
 * it was written; of a snapshot that isn't whole nothing is used, and a damaged chunk is BADDATA,
 * so that the one before is. */
#include "stream/snapshot.h"

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus_mem.h"
#include "model/db.h"
#include "stream/delta.h"

#define TASK       3
#define PARTITIONS 7
#define ROW_BYTES  300
#define STEPS_MAX  1000
#define FETCH      ((size_t)1 << 20)

struct world {
    struct config *config;
    struct clock *clock;
    struct metrics *metrics;
    struct context context;
    struct bus *bus;
    struct sql_file *sql;
    char *folder, *other;
    struct task_file *file;
    struct chain chain;
};

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->config = config_new_default();
    world->config->bus_record_max_bytes = 20000;
    world->clock = clock_new_manual(0);
    world->metrics = metrics_new();
    world->context =
        (struct context){.config = world->config, .clock = world->clock, .metrics = world->metrics};
    world->bus = bus_mem_new(&world->context);
    g_assert_true(bus_create_topic(world->bus, SNAPSHOT_TOPIC, PARTITIONS, &error));
    world->sql = sql_file_load("contracts/stream.sql");
    world->folder = g_dir_make_tmp("marquee-snapshot-XXXXXX", &error);
    world->other = g_dir_make_tmp("marquee-snapshot-XXXXXX", &error);
    g_assert_no_error(error);
    world->file = task_file_open(world->folder, TASK, world->sql, &error);
    g_assert_no_error(error);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    task_file_close(world->file);
    g_assert_true(task_file_remove(world->folder, TASK, NULL));
    g_assert_true(task_file_remove(world->other, TASK, NULL));
    g_assert_cmpint(g_rmdir(world->folder), ==, 0);
    g_assert_cmpint(g_rmdir(world->other), ==, 0);
    g_free(world->folder);
    g_free(world->other);
    sql_file_free(world->sql);
    bus_close(world->bus);
    metrics_free(world->metrics);
    clock_free(world->clock);
    config_free(world->config);
}

/* One more commit of so many rows. */
static void add_rows(struct world *world, int64_t first, int64_t count)
{
    GError *error = NULL;
    g_assert_true(task_file_begin(world->file, &error));
    sqlite3_stmt *put =
        db_prepare(world->file->db, sql_file_get(world->sql, "put_measures"), &error);
    g_assert_no_error(error);
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)first);
    for (int64_t i = first; i < first + count; i++) {
        char bytes[ROW_BYTES];
        for (size_t j = 0; j < sizeof bytes; j++)
            bytes[j] = (char)g_rand_int_range(random, 0, 256);
        const struct value values[] = {value_int(i),
                                       value_blob((struct span){bytes, sizeof bytes})};
        g_assert_true(delta_run(NULL, DELTA_PUT_MEASURES, put, values, &error));
    }
    sqlite3_finalize(put);
    world->chain.commits++;
    world->chain.digest += 7;
    g_assert_true(task_file_commit(world->file, &world->chain, 10 * world->chain.commits, &error));
}

static int64_t rows_of(const struct task_file *file)
{
    GError *error = NULL;
    sqlite3_stmt *read = db_prepare(file->db, "SELECT count(*) FROM stream_measures", &error);
    bool row;
    g_assert_true(db_step(read, &row, &error) && row);
    int64_t count = sqlite3_column_int64(read, 0);
    sqlite3_finalize(read);
    return count;
}

static struct snapshot *begin(struct world *world)
{
    GError *error = NULL;
    struct snapshot *snapshot = snapshot_begin(&world->context, world->bus, world->file, &error);
    g_assert_no_error(error);
    return snapshot;
}

static void write_whole(struct world *world, struct snapshot *snapshot)
{
    (void)world;
    bool done = false;
    for (int i = 0; i < STEPS_MAX && !done; i++) {
        GError *error = NULL;
        g_assert_true(snapshot_step(snapshot, &done, &error));
    }
    g_assert_true(done);
    snapshot_free(snapshot);
}

static size_t find(struct world *world, struct snapshot_place places[SNAPSHOTS_KEPT])
{
    GError *error = NULL;
    size_t count;
    g_assert_true(snapshot_find(world->bus, TASK, places, &count, &error));
    return count;
}

/* Opens what was fetched; NULL where a part of it was bad. */
static struct task_file *fetch(struct world *world, const struct snapshot_place *place)
{
    g_autoptr(GError) error = NULL;
    struct snapshot_fetch *fetching =
        snapshot_fetch_begin(world->bus, TASK, place, world->other, &error);
    g_assert_no_error(error);
    bool done = false, right = true;
    for (int i = 0; i < STEPS_MAX && right && !done; i++)
        right = snapshot_fetch_step(fetching, &done, &error);
    snapshot_fetch_free(fetching);
    if (!right) {
        g_assert_true(error_is(error, BADDATA));
        return NULL;
    }
    struct task_file *file = task_file_open(world->other, TASK, world->sql, &error);
    g_assert_no_error(error);
    return file;
}

static void test_round_trip(struct world *world, const void *data)
{
    (void)data;
    struct snapshot_place places[SNAPSHOTS_KEPT];
    g_assert_cmpuint(find(world, places), ==, 0);
    add_rows(world, 0, 500);
    struct snapshot *snapshot = begin(world);
    add_rows(world, 500, 100); /* not in it */
    write_whole(world, snapshot);
    g_assert_cmpuint(find(world, places), ==, 1);
    g_assert_cmpint(places[0].first_offset, ==, 0);
    g_assert_cmpint(places[0].manifest_offset, >, 5);
    g_assert_cmpint(places[0].changelog_offset, ==, 0); /* nothing is sunk yet */
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_SNAPSHOT_BYTES, NULL) >
                  500 * ROW_BYTES);
    struct task_file *file = fetch(world, &places[0]);
    g_assert_cmpint(rows_of(file), ==, 500);
    g_assert_cmpint(file->chain.commits, ==, 1);
    g_assert_cmpint(file->chain.digest, ==, 7);
    g_assert_cmpint(file->next_offset, ==, 10);
    task_file_close(file);
}

/* Three: two whole ones around one that was never finished. */
static void test_unfinished(struct world *world, const void *data)
{
    (void)data;
    struct snapshot_place places[SNAPSHOTS_KEPT];
    bool done;
    add_rows(world, 0, 200);
    write_whole(world, begin(world));
    add_rows(world, 200, 200);
    struct snapshot *unfinished = begin(world);
    for (int i = 0; i < 4; i++)
        g_assert_true(snapshot_step(unfinished, &done, NULL) && !done);
    snapshot_free(unfinished);
    g_assert_cmpuint(find(world, places), ==, 1);
    struct task_file *file = fetch(world, &places[0]);
    g_assert_cmpint(rows_of(file), ==, 200);
    task_file_close(file);
    write_whole(world, begin(world));
    g_assert_cmpuint(find(world, places), ==, 2);
    g_assert_cmpint(places[1].first_offset, ==, 0);
    file = fetch(world, &places[0]);
    g_assert_cmpint(rows_of(file), ==, 400);
    task_file_close(file);
}

/* A record of the snapshot again, with one byte changed, as a log of its own. */
static void test_damage(struct world *world, const void *data)
{
    (void)data;
    struct snapshot_place places[SNAPSHOTS_KEPT];
    GError *error = NULL;
    add_rows(world, 0, 200);
    write_whole(world, begin(world));
    g_assert_cmpuint(find(world, places), ==, 1);
    struct arena *arena = arena_new();
    struct bus *sound = world->bus;
    struct bus_batch batch;
    g_assert_true(bus_fetch(sound, SNAPSHOT_TOPIC, TASK, 0, FETCH, arena, &batch, &error));
    for (size_t damaged = 0; damaged + 1 < batch.count; damaged++) {
        world->bus = bus_mem_new(&world->context);
        g_assert_true(bus_create_topic(world->bus, SNAPSHOT_TOPIC, PARTITIONS, &error));
        for (size_t i = 0; i < batch.count; i++) {
            struct span value = batch.records[i].value;
            char *bytes = arena_strndup(arena, value.data, value.len);
            if (i == damaged)
                bytes[value.len / 2] ^= 1;
            const struct bus_message message = {SNAPSHOT_TOPIC, TASK, {"", 0}, {bytes, value.len}};
            g_assert_true(bus_produce(world->bus, &message, 1, NULL, &error));
        }
        g_assert_cmpuint(find(world, places), ==, 1);
        g_assert_null(fetch(world, &places[0]));
        bus_close(world->bus);
    }
    world->bus = sound;
    arena_free(arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/snapshot/round_trip", struct world, NULL, world_open, test_round_trip,
               world_close);
    g_test_add("/snapshot/unfinished", struct world, NULL, world_open, test_unfinished,
               world_close);
    g_test_add("/snapshot/damage", struct world, NULL, world_open, test_damage, world_close);
    return g_test_run();
}

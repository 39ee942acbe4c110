/* Proves: an engine with much state goes on at once and right, and the store answers meanwhile.
 * 20,000 movies have a window each; the engine is closed and opened again and again while another
 * connection, in a thread of its own, asks for one movie after another: every answer is whole. Then
 * each movie's next window comes; what its velocity is made of was on disk only.
 *
 * How long opening takes for a million movies is measured by bench_stream --resume, not here. */
#include <pthread.h>
#include <stdatomic.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus_mem.h"
#include "bus/registry.h"
#include "speed/speed.h"
#include "stream/stream.h"

#define NOON_MS   INT64_C(1767268800000) /* 2026-01-01 12:00 */
#define WINDOW_MS (5 * MS_PER_MINUTE)
#define MOVIES    20000
#define OPENINGS  10
#define LATER     500 /* movies whose next window comes */

struct world {
    char *folder;
    struct config *config;
    struct context context;
    struct bus *bus;
    struct registry *registry;
    struct serde *serde;
    struct stream *stream;
};

static void open_stream(struct world *world)
{
    GError *error = NULL;
    world->stream = stream_open(&world->context, world->bus, world->serde, &error);
    g_assert_no_error(error);
}

static void world_open(struct world *world)
{
    GError *error = NULL;
    world->folder = g_dir_make_tmp("stream-resume-XXXXXX", &error);
    g_assert_no_error(error);
    world->config = config_new_default();
    g_free(world->config->data_dir);
    world->config->data_dir = g_strdup(world->folder);
    world->context = (struct context){.config = world->config,
                                      .clock = clock_new_manual(NOON_MS + 30 * MS_PER_MINUTE),
                                      .metrics = metrics_new()};
    world->bus = bus_mem_new(&world->context);
    world->registry = registry_new_mem();
    world->serde = serde_new(world->registry, &error);
    g_assert_no_error(error);
    open_stream(world);
}

static void world_close(struct world *world)
{
    static const char *const names[] = {"stream.db", "stream.db-wal", "stream.db-shm"};
    stream_close(world->stream);
    serde_free(world->serde);
    registry_close(world->registry);
    bus_close(world->bus);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(world->folder, names[i], NULL);
        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(world->folder), ==, 0);
    g_free(world->folder);
    metrics_free(world->context.metrics);
    clock_free(world->context.clock);
    config_free(world->config);
}

static void append_rating(struct world *world, int32_t movie_id, int64_t event_ms, double average)
{
    GError *error = NULL;
    char key[TOPIC_KEY_BYTES];
    size_t key_len = topic_movie_key(movie_id, key);
    const struct rating rating = {.movie_id = movie_id,
                                  .vote_average = average,
                                  .vote_count = movie_id,
                                  .popularity = 10,
                                  .timestamp_ms = event_ms};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    serde_encode(world->serde, TOPIC_RATINGS, &rating, bytes);
    const struct bus_message message = {
        .topic = topic_info(TOPIC_RATINGS)->name,
        .partition = BUS_PARTITION_BY_KEY,
        .key = {key, key_len},
        .value = {(const char *)bytes->data, bytes->len},
    };
    g_assert_true(bus_produce(world->bus, &message, 1, NULL, &error));
}

static void settle(struct world *world)
{
    GError *error = NULL;
    for (bool idle = false; !idle;)
        g_assert_true(stream_step(world->stream, &idle, &error));
    g_assert_true(stream_commit(world->stream, &error));
    g_assert_no_error(error);
}

/* ---- who asks meanwhile ---- */

struct asker {
    struct world *world;
    atomic_bool done;
    atomic_int answers;
};

static void *ask(void *data)
{
    struct asker *asker = data;
    GError *error = NULL;
    struct speed *speed = speed_open(&asker->world->context, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    for (int32_t movie = 1; !atomic_load(&asker->done); movie = movie % MOVIES + 1) {
        struct stats_row *rows;
        size_t count;
        g_assert_true(speed_read_stats(speed, movie, NOON_MS, NOON_MS + MS_PER_HOUR, arena, &rows,
                                       &count, &error));
        g_assert_cmpuint(count, ==, 1);
        g_assert_cmpint(rows[0].vote_count, ==, movie);
        arena_reset(arena);
        atomic_fetch_add(&asker->answers, 1);
    }
    arena_free(arena);
    speed_close(speed);
    return NULL;
}

/* Each opening is asked during: it waits for an answer that came after the one before it. */
static void open_while_asked(struct world *world)
{
    struct asker asker = {.world = world};
    pthread_t thread;
    g_assert_cmpint(pthread_create(&thread, NULL, ask, &asker), ==, 0);
    for (int i = 0; i < OPENINGS; i++) {
        int before = atomic_load(&asker.answers);
        stream_close(world->stream);
        open_stream(world);
        settle(world);
        while (atomic_load(&asker.answers) == before)
            g_thread_yield();
    }
    atomic_store(&asker.done, true);
    pthread_join(thread, NULL);
    g_assert_cmpint(atomic_load(&asker.answers), >=, OPENINGS);
}

static void check_velocities(struct world *world)
{
    GError *error = NULL;
    struct speed *speed = speed_open(&world->context, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    for (int32_t movie = 1; movie <= MOVIES; movie += MOVIES / LATER) {
        struct stats_row *rows;
        size_t count;
        g_assert_true(speed_read_stats(speed, movie, NOON_MS, NOON_MS + MS_PER_HOUR, arena, &rows,
                                       &count, &error));
        g_assert_cmpuint(count, ==, 1);
        g_assert_cmpint(rows[0].vote_average_e4, ==, 75000);
        g_assert_true(rows[0].has_velocity);
        /* From 7.0 to 7.5 in five minutes: 5000 / 10000 / (300000 / 3600000). */
        g_assert_true(rows[0].rating_velocity == 0.5 / (300000.0 / 3600000.0));
    }
    arena_free(arena);
    speed_close(speed);
}

static void test_resume(void)
{
    struct world world = {0};
    world_open(&world);
    for (int32_t movie = 1; movie <= MOVIES; movie++)
        append_rating(&world, movie, NOON_MS + movie % WINDOW_MS, 7.0);
    settle(&world);
    open_while_asked(&world);
    for (int32_t movie = 1; movie <= MOVIES; movie += MOVIES / LATER)
        append_rating(&world, movie, NOON_MS + WINDOW_MS + movie, 7.5);
    settle(&world);
    struct stream_counts counts;
    stream_counts(world.stream, NULL, &counts);
    g_assert_cmpint(counts.classes[RECORD_USED], ==, MOVIES + LATER);
    check_velocities(&world);
    world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/resume", test_resume);
    return g_test_run();
}

/* Proves, from the generator through a failing bus and the stream engine: no event is lost and none
 * is counted twice. What was published once, and only that, is used; what stands on the log twice
 * is a duplicate; produced = used + duplicates + expired + bad, at every moment, also across
 * restarts of the producer under new epochs. */
#include <string.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus_faulty.h"
#include "bus/bus_mem.h"
#include "events/events.h"
#include "stream/stream.h"

#define NOW_MS     INT64_C(1772510400000)
#define PARTITIONS 6
#define TOPIC      "user.events"
#define RESTARTS   4
#define STEPS      50 /* of a start, half a second each */
#define GARBAGE    3  /* undecodable records a start */

static const struct bus_faults producer_faults = {
    .seed = 11, .produce_lost = 0.2, .produce_unknown = 0.2};
static const struct bus_faults reader_faults = {.seed = 12, .fetch_fails = 0.1, .fetch_short = 0.2};
static const int32_t movies[] = {603, 11, 550, 13, 680, 155, 27205, 122, 238, 278};

struct world {
    char *folder;
    struct config *config;
    struct context context;
    struct bus *plain, *producer, *reader; /* one log */
    struct registry *registry;
    struct serde *serde;
    struct stream *stream;
};

static void world_open(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    world->folder = g_dir_make_tmp("conservation-XXXXXX", &error);
    world->config = config_new_default();
    g_free(world->config->data_dir);
    world->config->data_dir = g_strdup(world->folder);
    world->config->events_rate_per_s = 100;
    world->context = (struct context){
        .config = world->config, .clock = clock_new_manual(NOW_MS), .metrics = metrics_new()};
    world->plain = bus_mem_new(&world->context);
    world->producer = bus_faulty_new(bus_mem_share(world->plain), producer_faults);
    world->reader = bus_faulty_new(bus_mem_share(world->plain), reader_faults);
    world->registry = registry_new_mem();
    world->serde = serde_new(world->registry, &error);
    g_assert_no_error(error);
    world->stream = stream_open(&world->context, world->reader, world->serde, &error);
    g_assert_no_error(error);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    stream_close(world->stream);
    serde_free(world->serde);
    registry_close(world->registry);
    bus_close(world->producer);
    bus_close(world->reader);
    bus_close(world->plain);
    metrics_free(world->context.metrics);
    clock_free(world->context.clock);
    config_free(world->config);
    g_autoptr(GDir) dir = g_dir_open(world->folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(world->folder, name, NULL);
        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_assert_cmpint(g_rmdir(world->folder), ==, 0);
    g_free(world->folder);
}

static int64_t log_records(struct world *world)
{
    int64_t start, end, records = 0;
    for (int partition = 0; partition < PARTITIONS; partition++) {
        g_assert_true(bus_offsets(world->plain, TOPIC, partition, &start, &end, NULL));
        records += end;
    }
    return records;
}

/* Records whose whole bytes stood on their partition before. */
static int64_t log_repeats(struct world *world)
{
    int64_t repeats = 0;
    struct arena *arena = arena_new();
    for (int partition = 0; partition < PARTITIONS; partition++) {
        g_autoptr(GHashTable) seen =
            g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
        struct bus_batch batch = {0};
        do {
            arena_reset(arena);
            g_assert_true(bus_fetch(world->plain, TOPIC, partition, batch.next_offset, 1 << 20,
                                    arena, &batch, NULL));
            for (size_t i = 0; i < batch.count; i++)
                repeats += !g_hash_table_add(
                    seen, g_bytes_new(batch.records[i].value.data, batch.records[i].value.len));
        } while (batch.next_offset < batch.end_offset);
    }
    arena_free(arena);
    return repeats;
}

static void read_all(struct world *world)
{
    for (bool idle = false; !idle;) {
        g_autoptr(GError) error = NULL;
        if (!stream_step(world->stream, &idle, &error))
            g_assert_true(error_is(error, AGAIN));
    }
}

static void step_events(struct events *events)
{
    for (bool idle = false; !idle;) {
        g_autoptr(GError) error = NULL;
        if (!events_step(events, &idle, &error))
            g_assert_true(error_is(error, AGAIN));
    }
}

/* Each in bytes of its own, so that none is a repeat. */
static void append_garbage(struct world *world, int epoch)
{
    for (int i = 0; i < GARBAGE; i++) {
        g_autofree char *bytes = g_strdup_printf("garbage %d.%d", epoch, i);
        struct bus_message message = {
            .topic = TOPIC, .partition = i, .key = {"0", 1}, .value = {bytes, strlen(bytes)}};
        g_assert_true(bus_produce(world->plain, &message, 1, NULL, NULL));
    }
}

static struct stream_counts counts_now(struct world *world)
{
    struct stream_counts counts;
    int64_t sum = 0;
    stream_counts(world->stream, TOPIC, &counts);
    for (int class = 0; class < RECORD_CLASS_COUNT; class ++)
        sum += counts.classes[class];
    g_assert_cmpint(sum, ==, log_records(world)); /* each is exactly one of them */
    return counts;
}

static struct stream_counts run_all(struct world *world)
{
    for (int epoch = 1; epoch <= RESTARTS; epoch++) {
        g_autoptr(GError) error = NULL;
        struct events *events =
            events_open(&world->context, world->producer, world->serde, epoch, &error);
        g_assert_no_error(error);
        events_set_catalogue(events, catalogue_new(movies, G_N_ELEMENTS(movies), 1));
        append_garbage(world, epoch);
        for (int step = 0; step < STEPS; step++) {
            clock_advance(world->context.clock, MS_PER_SECOND / 2);
            step_events(events);
            read_all(world);
            counts_now(world);
        }
        events_close(events);
    }
    GError *error = NULL;
    g_assert_true(stream_commit(world->stream, &error));
    return counts_now(world);
}

/* Late by minutes at most: nothing expires, and every event that was published is used once. */
static void test_on_time(struct world *world, const void *data)
{
    (void)data;
    struct stream_counts counts = run_all(world);
    int64_t published = (int64_t)metrics_total(world->context.metrics, METRIC_EVENTS_RECORDS);
    g_assert_cmpint(published, >, 5000);
    g_assert_cmpint(log_repeats(world), >, 500);
    g_assert_cmpint(counts.classes[RECORD_USED], ==, published);
    g_assert_cmpint(counts.classes[RECORD_DUPLICATE], ==, log_repeats(world));
    g_assert_cmpint(counts.classes[RECORD_EXPIRED], ==, 0);
    g_assert_cmpint(counts.classes[RECORD_BAD], ==, RESTARTS * GARBAGE);
}

/* Three in ten up to a week late: the retention is 52 hours, so of every class there are some. */
static void test_late(struct world *world, const void *data)
{
    (void)data;
    world->config->events_late_share = 0.3;
    world->config->events_late_max_ms = 7 * MS_PER_DAY;
    struct stream_counts counts = run_all(world);
    int64_t published = (int64_t)metrics_total(world->context.metrics, METRIC_EVENTS_RECORDS);
    g_assert_cmpint(published + log_repeats(world) + RESTARTS * GARBAGE, ==, log_records(world));
    g_assert_cmpint(counts.classes[RECORD_BAD], ==, RESTARTS * GARBAGE);
    g_assert_cmpint(counts.classes[RECORD_DUPLICATE], >, 300);
    g_assert_cmpint(counts.classes[RECORD_DUPLICATE], <, log_repeats(world)); /* some are expired */
    g_assert_cmpint(counts.late, >, 100);
    /* 0.3 * (7 days - 52..53 h) / 7 days, give or take five standard errors. */
    double expired = (double)counts.classes[RECORD_EXPIRED] / (double)log_records(world);
    g_assert_cmpfloat(expired, >, 0.3 * (168 - 53) / 168 - 0.025);
    g_assert_cmpfloat(expired, <, 0.3 * (168 - 52) / 168 + 0.025);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
    g_test_add("/conservation/" name, struct world, NULL, world_open, function, world_close)
    ADD("on_time", test_on_time);
    ADD("late", test_late);
    return g_test_run();
}

/* Proves: a healthy deployment gets no warning; each planted trouble is found by its check, with
 * its numbers and an advice; what was never there or can't be opened is said, not taken for health;
 * the examination writes no record and no schema. */
#include "doctor/doctor.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/stop.h"
#include "bus/bus.h"
#include "bus/registry.h"
#include "bus/serde.h"
#include "doctor/doctor_internal.h"
#include "lake/manifest.h"
#include "speed/speed.h"
#include "view/view.h"

#define NOW_MS     INT64_C(1772510400000) /* 2026-03-03T04:00:00Z */
#define PARTITIONS 2

struct world {
    char *folder;
    struct config *config;
    struct context context;
    struct bus *bus;
    struct registry *registry;
    struct serde *serde;
    struct findings *findings;
};

static void world_open(struct world *world)
{
    GError *error = NULL;
    world->folder = g_dir_make_tmp("marquee-doctor-XXXXXX", &error);
    world->config = config_new_default();
    g_free(world->config->data_dir);
    world->config->data_dir = g_strdup(world->folder);
    world->config->bus_partitions = PARTITIONS;
    world->context = (struct context){
        .config = world->config, .clock = clock_new_manual(NOW_MS), .stop = stop_new()};
    world->bus = bus_open(&world->context, &error);
    world->registry = registry_open(&world->context, &error);
    world->serde = serde_new(world->registry, &error);
    g_assert_no_error(error);
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        g_assert_true(
            bus_create_topic(world->bus, topic_info((enum topic)topic)->name, PARTITIONS, &error));
    world->findings = findings_new();
}

static void remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, entry, NULL);
        if (g_file_test(child, G_FILE_TEST_IS_DIR))
            remove_tree(child);
        else
            (void)g_unlink(child);
    }
    (void)g_rmdir(path);
}

static void world_close(struct world *world)
{
    findings_free(world->findings);
    serde_free(world->serde);
    registry_close(world->registry);
    bus_close(world->bus);
    stop_free(world->context.stop);
    clock_free(world->context.clock);
    config_free(world->config);
    remove_tree(world->folder);
    g_free(world->folder);
}

static void
send(struct world *world, const char *topic, int partition, const void *data, size_t len)
{
    GError *error = NULL;
    struct bus_message message = {
        .topic = topic, .partition = partition, .key = {"7", 1}, .value = {data, len}};
    g_assert_true(bus_produce(world->bus, &message, 1, NULL, &error));
    g_assert_no_error(error);
}

static void rate(struct world *world, int partition)
{
    struct rating rating = {.movie_id = 7,
                            .vote_average = 8,
                            .vote_count = 10,
                            .popularity = 5,
                            .timestamp_ms = clock_now_ms(world->context.clock)};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    serde_encode(world->serde, TOPIC_RATINGS, &rating, bytes);
    send(world, topic_info(TOPIC_RATINGS)->name, partition, bytes->data, bytes->len);
}

static void examine(struct world *world)
{
    findings_free(world->findings);
    world->findings = findings_new();
    doctor_examine(&world->context, world->findings);
}

/* The check's first finding. */
static const struct finding *of(struct world *world, const char *check)
{
    for (size_t i = 0; i < findings_count(world->findings); i++) {
        const struct finding *finding = findings_get(world->findings, i);
        if (g_str_equal(finding->check, check))
            return finding;
    }
    g_error("no finding of %s", check);
}

static void
expect(struct world *world, const char *check, enum finding_level level, const char *text)
{
    const struct finding *finding = of(world, check);
    g_test_message("%s: %s", check, finding->text);
    g_assert_cmpint(finding->level, ==, level);
    g_assert_nonnull(strstr(finding->text, text));
    g_assert_true((finding->advice != NULL) == (level >= FINDING_WARN) || level == FINDING_NOTE);
}

static void publish(struct world *world, int64_t generation, int64_t through_ms)
{
    GError *error = NULL;
    struct view *view = view_open(&world->context, &error);
    struct view_lease lease;
    struct view_generation run = {.generation = generation,
                                  .batch_run_id = "run-000001",
                                  .through_ms = through_ms,
                                  .cut_at_ms = through_ms,
                                  .computed_at_ms = through_ms,
                                  .cut = "{}"};
    g_assert_true(view_lease_acquire(view, "batch", "test", MS_PER_HOUR, &lease, &error));
    g_assert_true(view_publish(view, &run, lease.epoch, &error));
    g_assert_no_error(error);
    view_close(view);
}

static void put_run(struct world *world, const char *id, const char *state)
{
    GError *error = NULL;
    struct view *view = view_open(&world->context, &error);
    struct view_run run = {.run_id = id,
                           .started_ms = NOW_MS - MS_PER_HOUR,
                           .ended_ms = NOW_MS,
                           .state = state,
                           .detail = "{}"};
    g_assert_true(view_put_run(view, &run, &error));
    view_close(view);
}

static void test_healthy(void)
{
    struct world world;
    world_open(&world);
    rate(&world, 0);
    rate(&world, 1);
    publish(&world, 1, NOW_MS - MS_PER_HOUR);
    put_run(&world, "run-000001", "done");
    examine(&world);
    g_assert_cmpint(findings_worst(world.findings, NULL), <=, FINDING_NOTE);
    expect(&world, "bus.idle-partition", FINDING_OK, "no partition");
    expect(&world, "bus.schema", FINDING_OK, "this program's contracts");
    expect(&world, "batch.late", FINDING_OK, "run-000001 was cut 60 min ago");
    expect(&world, "batch.success-rate", FINDING_OK, "all ended well");
    expect(&world, "stream.lag", FINDING_NOTE, "never run");
    expect(&world, "sync.late", FINDING_NOTE, "nothing was ever copied");
    world_close(&world);
}

/* What wasn't looked at isn't said to be right. */
static void test_empty(void)
{
    struct world world;
    world_open(&world);
    examine(&world);
    expect(&world, "bus.schema", FINDING_NOTE, "nothing to check");
    world_close(&world);
}

static void test_idle_partition(void)
{
    struct world world;
    world_open(&world);
    rate(&world, 0);
    rate(&world, 1);
    clock_advance(world.context.clock, DOCTOR_IDLE_PARTITION_MS + MS_PER_HOUR);
    rate(&world, 0);
    examine(&world);
    expect(&world, "bus.idle-partition", FINDING_WARN, "movie.ratings/1: nothing for 2.0 h");
    world_close(&world);
}

/* A writer with one field more is read by Avro's rules; one whose field has another type is not. */
static void test_schemas(void)
{
    static const char more[] =
        "{\"type\":\"record\",\"name\":\"DeadLetter\",\"namespace\":\"com.moviepipeline."
        "deadletter\","
        "\"fields\":[{\"name\":\"topic\",\"type\":\"string\"},{\"name\":\"partition\",\"type\":"
        "\"int\"},"
        "{\"name\":\"offset\",\"type\":\"long\"},{\"name\":\"reason\",\"type\":\"string\"},"
        "{\"name\":\"bytes\",\"type\":\"bytes\"},{\"name\":\"more\",\"type\":\"int\"}]}";
    static const char other[] =
        "{\"type\":\"record\",\"name\":\"Rating\",\"namespace\":\"com.moviepipeline.rating\","
        "\"fields\":[{\"name\":\"movie_id\",\"type\":\"string\"}]}";
    struct world world;
    int32_t id;
    world_open(&world);
    /* Under subjects of their own: whoever checks compatibility was by-passed. */
    g_assert_true(registry_register(world.registry, "elsewhere", more, &id, NULL));
    unsigned char bytes[] = {0, 0, 0, 0, (unsigned char)id, 0};
    send(&world, "marquee.deadletter", 0, bytes, sizeof bytes);
    examine(&world);
    expect(&world, "bus.schema", FINDING_NOTE, "marquee.deadletter/0: the newest record");
    g_assert_true(registry_register(world.registry, "other", other, &id, NULL));
    bytes[4] = (unsigned char)id;
    send(&world, "movie.ratings", 1, bytes, sizeof bytes);
    send(&world, "movie.reviews", 0, "text", 4);
    examine(&world);
    g_assert_cmpint(findings_worst(world.findings, "bus.schema"), ==, FINDING_BAD);
    world_close(&world);
}

static void test_deadletters(void)
{
    struct world world;
    GError *error = NULL;
    world_open(&world);
    g_assert_true(serde_deadletter(world.serde, world.bus, "movie.ratings", 1, 17, "too old",
                                   (struct span){"x", 1}, &error));
    examine(&world);
    expect(&world, "bus.deadletters", FINDING_WARN, "1 records");
    expect(&world, "bus.deadletters", FINDING_WARN, "movie.ratings/1 offset 17: too old");
    clock_advance(world.context.clock, DOCTOR_DEADLETTERS_AGE_MS + 1);
    examine(&world);
    expect(&world, "bus.deadletters", FINDING_OK, "none");
    world_close(&world);
}

static void test_batch(void)
{
    struct world world;
    world_open(&world);
    examine(&world);
    expect(&world, "batch.late", FINDING_NOTE, "no run was ever published");
    publish(&world, 1, NOW_MS - 9 * MS_PER_HOUR);
    put_run(&world, "run-000001", "done");
    put_run(&world, "run-000002", "failed");
    put_run(&world, "run-000003", "stopped"); /* on request: in neither count */
    examine(&world);
    expect(&world, "batch.late", FINDING_WARN, "was cut 9.0 h ago; one is due every 4.0 h");
    expect(&world, "batch.success-rate", FINDING_WARN, "1 of the last 2 runs failed");
    clock_advance(world.context.clock, 2 * MS_PER_DAY);
    examine(&world);
    expect(&world, "batch.late", FINDING_BAD, "in neither");
    world_close(&world);
}

static void test_sync(void)
{
    struct world world;
    GError *error = NULL;
    world_open(&world);
    struct view *view = view_open(&world.context, &error);
    g_assert_true(view_put_speed(view, NULL, 0, 0, NOW_MS, &error));
    view_close(view);
    examine(&world);
    expect(&world, "sync.late", FINDING_OK, "have what");
    struct speed *speed = speed_open(&world.context, &error);
    struct stats_row row = {.movie_id = 7, .hour_ms = NOW_MS, .last_updated_ms = NOW_MS};
    struct speed_batch batch = {.stats = &row, .stats_count = 1};
    g_assert_true(speed_write(speed, &batch, &error));
    speed_close(speed);
    clock_advance(world.context.clock, 3 * world.config->sync_interval_ms);
    examine(&world);
    expect(&world, "sync.late", FINDING_WARN, "as of 15 min ago");
    world_close(&world);
}

static void test_small_files(void)
{
    struct world world;
    GError *error = NULL;
    world_open(&world);
    struct lake *lake = lake_open(&world.context, &error);
    struct manifest *manifest = manifest_new("run-000001");
    manifest->generation = 1;
    for (int i = 0; i < DOCTOR_SMALL_FILES_MIN; i++) {
        g_autofree char *name = g_strdup_printf("gold/genre_analytics/%d.parquet", i);
        g_autofree char *sha256 = g_strnfill(64, '0');
        struct manifest_file file = {.name = name, .rows = 1, .size_bytes = 100, .sha256 = sha256};
        manifest_add_file(manifest, "gold/genre_analytics", &file);
    }
    g_assert_true(manifest_save(manifest, lake, &error));
    g_assert_true(lake_put(lake, MANIFEST_CURRENT, "run-000001", strlen("run-000001"), &error));
    g_assert_no_error(error);
    examine(&world);
    expect(&world, "lake.small-files", FINDING_WARN, "gold/genre_analytics: 64 of 64 files");
    manifest_free(manifest);
    lake_close(lake);
    world_close(&world);
}

/* A store that can't be opened is one finding; the others are still looked at. */
static void test_broken_store(void)
{
    struct world world;
    world_open(&world);
    g_autofree char *views = g_build_filename(world.folder, "views.db", NULL);
    g_assert_true(g_file_set_contents(views, "this is no database, whatever its name", -1, NULL));
    examine(&world);
    expect(&world, "views.open", FINDING_BAD, "views.db");
    expect(&world, "batch.late", FINDING_NOTE, "couldn't be looked at");
    expect(&world, "bus.deadletters", FINDING_OK, "none");
    world_close(&world);
}

/* So is one that can't even be looked at. */
static void test_no_store(void)
{
    struct world world;
    world_open(&world);
    g_free(world.config->views_backend);
    g_free(world.config->views_uri);
    world.config->views_backend = g_strdup("mongodb");
    world.config->views_uri = g_strdup("no connection string");
    examine(&world);
    expect(&world, "views.open", FINDING_BAD, "");
    expect(&world, "bus.deadletters", FINDING_OK, "none");
    world_close(&world);
}

/* The check alone: with its brokers away the whole examination takes as long as their time-outs. */
static void test_transactions(void)
{
    struct world world;
    world_open(&world);
    struct doctor doctor = {
        .context = &world.context, .findings = world.findings, .arena = arena_new()};
    check_transactions(&doctor);
    g_assert_cmpuint(findings_count(world.findings), ==, 0); /* no Kafka, nothing to say */
    g_free(world.config->bus_backend);
    world.config->bus_backend = g_strdup("kafka");
    world.config->stream_transaction_timeout_ms = 3000;
    world.config->stream_commit_interval_ms = 1000;
    check_transactions(&doctor);
    expect(&world, "stream.transactions", FINDING_WARN, "is 3 s, a commit is made every 1 s");
    arena_free(doctor.arena);
    world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/doctor/healthy", test_healthy);
    g_test_add_func("/doctor/empty", test_empty);
    g_test_add_func("/doctor/idle_partition", test_idle_partition);
    g_test_add_func("/doctor/schemas", test_schemas);
    g_test_add_func("/doctor/deadletters", test_deadletters);
    g_test_add_func("/doctor/batch", test_batch);
    g_test_add_func("/doctor/sync", test_sync);
    g_test_add_func("/doctor/small_files", test_small_files);
    g_test_add_func("/doctor/broken_store", test_broken_store);
    g_test_add_func("/doctor/no_store", test_no_store);
    g_test_add_func("/doctor/transactions", test_transactions);
    return g_test_run();
}

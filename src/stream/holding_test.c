/* Proves: a task that is given restores, runs, and commits what it read: its rows reach the speed
 * store once, its place the group; the next owner goes on from the changelog with or without the
 * file; what was abandoned is read again, unless it was committed after all; the file is saved when
 * that is due and not before; enough changelog makes a snapshot; two tasks that are written at the
 * same time say what they say one after the other. Votes and places by hand. */
#include "stream/holding.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/helper.h"
#include "base/metrics.h"
#include "bus/bus_mem.h"
#include "stream/member_fake.h"
#include "stream/part.h"

#define NOW_MS     INT64_C(1772510400000) /* 2026-03-03T04:00:00Z */
#define PARTITIONS 2
#define TASK       0
#define MOVIE      7
#define STEPS_MAX  100
#define MINUTES    10 /* more ahead of the clock would be bad records */
#define FETCH      ((size_t)1 << 20)

struct world {
    char *folder, *other; /* of two processes */
    struct config *config;
    struct metrics *metrics;
    struct context context;
    struct bus *bus;
    struct registry *registry;
    struct serde *serde;
    struct member_fake member;
    struct speed *speed;
    struct stream_settings settings;
    struct sql_file *sql;
    struct intake *intake;
    struct part *part;
    struct arena *arena;
    int votes; /* of the last rating on the bus */
};

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->folder = g_dir_make_tmp("marquee-holding-XXXXXX", &error);
    world->other = g_dir_make_tmp("marquee-holding-XXXXXX", &error);
    world->config = config_new_default();
    g_free(world->config->data_dir);
    world->config->data_dir = g_strdup(world->folder);
    world->config->bus_partitions = PARTITIONS;
    world->metrics = metrics_new();
    world->context = (struct context){
        .config = world->config, .clock = clock_new_manual(NOW_MS), .metrics = world->metrics};
    world->bus = bus_mem_new(&world->context);
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        g_assert_true(
            bus_create_topic(world->bus, topic_info((enum topic)topic)->name, PARTITIONS, &error));
    g_assert_true(bus_create_topic(world->bus, CHANGELOG_TOPIC, PARTITIONS + 1, &error));
    g_assert_true(bus_create_topic(world->bus, SNAPSHOT_TOPIC, PARTITIONS + 1, &error));
    g_assert_true(bus_create_topic(world->bus, REPORT_TOPIC, 1, &error));
    world->registry = registry_open(&world->context, &error);
    world->serde = serde_new(world->registry, &error);
    world->speed = speed_open(&world->context, &error);
    g_assert_true(stream_settings_read(&world->settings, world->config, &error));
    g_assert_no_error(error);
    member_fake_init(&world->member, world->bus);
    world->sql = sql_file_load("contracts/stream.sql");
    world->intake = intake_new(&world->context, world->serde, &world->settings);
    world->part = part_new(false, (size_t)world->config->bus_record_max_bytes);
    world->arena = arena_new();
}

static void remove_folder(char *folder)
{
    GDir *names = g_dir_open(folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(names));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_assert_cmpint(g_remove(path), ==, 0);
    }
    g_dir_close(names);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_free(folder);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    arena_free(world->arena);
    part_free(world->part);
    intake_free(world->intake);
    sql_file_free(world->sql);
    speed_close(world->speed);
    serde_free(world->serde);
    registry_close(world->registry);
    bus_close(world->bus);
    metrics_free(world->metrics);
    clock_free(world->context.clock);
    config_free(world->config);
    remove_folder(world->folder);
    remove_folder(world->other);
}

/* ---- what stream_cluster.c does with a holding ---- */

/* The task in this folder, until it runs. */
static struct holding *hold(struct world *world, const char *folder, int task)
{
    GError *error = NULL;
    struct holding *holding = holding_new(&(struct restore_options){
        .context = &world->context,
        .bus = world->bus,
        .member = &world->member.member,
        .speed = world->speed,
        .settings = &world->settings,
        .sql = world->sql,
        .folder = folder,
        .task = task,
        .patience_ms = 1,
    });
    g_assert_false(holding_running(holding));
    for (int i = 0; i < STEPS_MAX && !holding_running(holding); i++) {
        bool idle;
        g_assert_true(holding_restore(holding, world->serde, &idle, &error));
        g_assert_false(idle);
    }
    g_assert_no_error(error);
    g_assert_true(holding_running(holding));
    return holding;
}

static void restore_again(struct world *world, struct holding *holding)
{
    for (int i = 0; i < STEPS_MAX && !holding_running(holding); i++) {
        bool idle;
        g_assert_true(holding_restore(holding, world->serde, &idle, NULL));
    }
    g_assert_true(holding_running(holding));
}

/* One more vote for the movie a minute. */
static void rate_movie(struct world *world, int task, int32_t movie_id)
{
    GError *error = NULL;
    world->votes++;
    const struct rating rating = {.movie_id = movie_id,
                                  .vote_average = 8,
                                  .vote_count = world->votes,
                                  .popularity = 5,
                                  .timestamp_ms = NOW_MS + world->votes % MINUTES * MS_PER_MINUTE};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    serde_encode(world->serde, TOPIC_RATINGS, &rating, bytes);
    const struct bus_message message = {
        "movie.ratings", task, {"7", 1}, {(char *)bytes->data, bytes->len}};
    g_assert_true(bus_produce(world->bus, &message, 1, NULL, &error));
}

static void rate(struct world *world)
{
    rate_movie(world, TASK, MOVIE);
}

static int64_t ratings_read(const struct holding *holding)
{
    return holding->shard->task->positions[INPUT_RATINGS].next_offset;
}

static void read_ratings(struct world *world, struct holding *holding)
{
    GError *error = NULL;
    struct bus_batch batch;
    arena_reset(world->arena);
    g_assert_true(bus_fetch(world->bus, "movie.ratings", holding->number, ratings_read(holding),
                            FETCH, world->arena, &batch, &error));
    g_assert_true(intake_take(world->intake, holding->shard->task, holding->shard->late_ledger,
                              INPUT_RATINGS, &batch, &error));
    holding->shard->pending = true;
}

static int64_t monotonic_ms(const struct world *world)
{
    return clock_monotonic_ms(world->context.clock);
}

/* Up to the transaction's end, and that: decided: it was committed. Whether the process hears of it
 * is the caller's. The offset after its entry. */
static int64_t send_entry(struct world *world, struct holding *holding, bool decided)
{
    GError *error = NULL;
    g_assert_true(part_write(world->part, holding, monotonic_ms(world), &error));
    const GArray *messages = world->part->messages;
    if (decided)
        g_assert_true(bus_produce(world->bus, (const struct bus_message *)messages->data,
                                  messages->len, NULL, &error));
    part_clear(world->part);
    g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(struct bus_position));
    holding_positions(holding, positions);
    for (guint i = 0; i < positions->len; i++) {
        const struct bus_position *position = &g_array_index(positions, struct bus_position, i);
        g_assert_cmpstr(position->topic, ==, "movie.ratings");
        g_assert_cmpint(position->partition, ==, TASK);
        if (decided)
            world->member.committed[INPUT_RATINGS] = position->offset;
    }
    int64_t start, end;
    g_assert_true(bus_offsets(world->bus, CHANGELOG_TOPIC, holding->number, &start, &end, &error));
    return end;
}

static void commit(struct world *world, struct holding *holding)
{
    GError *error = NULL;
    holding_commit(holding, send_entry(world, holding, true));
    g_assert_true(holding_sink(holding, &error));
    g_assert_no_error(error);
    intake_clear(world->intake);
}

/* ---- what is there ---- */

/* The movie's votes in the speed store's newest hour; 0: nothing. */
static int stored_votes(struct world *world)
{
    GError *error = NULL;
    struct stats_row *rows;
    size_t count;
    g_assert_true(speed_scan_stats(world->speed, world->arena, &rows, &count, &error));
    for (size_t i = 0; i < count; i++)
        g_assert_cmpint(rows[i].movie_id, ==, MOVIE);
    return count ? rows[count - 1].vote_count : 0;
}

static int64_t stored_sequence(struct world *world)
{
    GError *error = NULL;
    int64_t sequence;
    g_assert_true(speed_written(world->speed, TASK, &sequence, &error));
    return sequence;
}

static void test_commit(struct world *world, const void *data)
{
    (void)data;
    struct holding *holding = hold(world, world->folder, TASK);
    g_assert_false(holding_pending(holding, 0));
    rate(world);
    rate(world);
    read_ratings(world, holding);
    g_assert_true(holding_pending(holding, 0));
    g_assert_cmpint(stored_votes(world), ==, 0);
    commit(world, holding);
    g_assert_cmpint(world->member.committed[INPUT_RATINGS], ==, 2);
    g_assert_cmpint(stored_votes(world), ==, 2);
    g_assert_cmpint(stored_sequence(world), ==, 1); /* the entry's offset, and 1 */
    g_assert_false(holding_pending(holding, 0));
    g_assert_true(holding_sink(holding, NULL)); /* nothing is left to write */
    rate(world);
    read_ratings(world, holding);
    commit(world, holding);
    g_assert_cmpint(stored_votes(world), ==, 3);
    g_assert_cmpint(stored_sequence(world), ==, 2);
    holding_free(holding);
}

static void test_next_owner(struct world *world, const void *data)
{
    (void)data;
    struct holding *holding = hold(world, world->folder, TASK);
    rate(world);
    rate(world);
    read_ratings(world, holding);
    commit(world, holding);
    holding_free(holding);
    const char *const folders[] = {world->folder, world->other, world->folder};
    for (int i = 0; i < (int)G_N_ELEMENTS(folders); i++) {
        holding = hold(world, folders[i], TASK);
        g_assert_cmpint(ratings_read(holding), ==, 2 + i);
        g_assert_cmpint(holding->file->chain.commits, ==, 1 + i);
        rate(world);
        read_ratings(world, holding);
        commit(world, holding);
        g_assert_cmpint(stored_votes(world), ==, 3 + i);
        holding_free(holding);
    }
}

static void test_abandoned(struct world *world, const void *data)
{
    (void)data;
    struct holding *holding = hold(world, world->folder, TASK);
    rate(world);
    read_ratings(world, holding);
    commit(world, holding);
    rate(world);
    read_ratings(world, holding);
    send_entry(world, holding, false);
    holding_abandon(holding);
    holding_abandon(holding); /* it is already */
    g_assert_false(holding_running(holding));
    g_assert_false(holding_pending(holding, 0));
    intake_clear(world->intake);
    restore_again(world, holding);
    g_assert_cmpint(ratings_read(holding), ==, 1);
    g_assert_cmpint(stored_votes(world), ==, 1);
    read_ratings(world, holding);
    commit(world, holding);
    g_assert_cmpint(ratings_read(holding), ==, 2);
    g_assert_cmpint(stored_votes(world), ==, 2);
    holding_free(holding);
}

/* The brokers had committed it, and the answer was lost. */
static void test_committed_after_all(struct world *world, const void *data)
{
    (void)data;
    struct holding *holding = hold(world, world->folder, TASK);
    rate(world);
    read_ratings(world, holding);
    send_entry(world, holding, true);
    holding_abandon(holding);
    intake_clear(world->intake);
    g_assert_cmpint(stored_votes(world), ==, 0);
    restore_again(world, holding);
    g_assert_cmpint(ratings_read(holding), ==, 1);
    g_assert_cmpint(stored_votes(world), ==, 1);
    g_assert_cmpint(stored_sequence(world), ==, 1);
    holding_free(holding);
}

static void test_filing(struct world *world, const void *data)
{
    (void)data;
    clock_advance_monotonic(world->context.clock, 2 * HOLDING_FILE_MS);
    struct holding *holding = hold(world, world->folder, TASK);
    rate(world);
    g_assert_true(task_file_hold(holding->file, NULL)); /* reading opens the transaction */
    read_ratings(world, holding);
    /* What isn't committed doesn't go into the file, however long ago that was saved. */
    g_assert_cmpint(holding_filing(holding, monotonic_ms(world) + HOLDING_FILE_MS), ==,
                    HOLDING_FILED);
    commit(world, holding);
    g_assert_cmpint(holding->file->saved.next_offset, ==, 0);
    g_assert_cmpint(holding_filing(holding, monotonic_ms(world) + HOLDING_FILE_MS - 1), ==,
                    HOLDING_FILED);
    g_assert_cmpint(holding_filing(holding, monotonic_ms(world) + HOLDING_FILE_MS), ==,
                    HOLDING_FILE_DUE);
    g_assert_true(holding_file(holding, NULL));
    g_assert_cmpint(holding->file->saved.next_offset, ==, 1);
    g_assert_cmpint(holding_filing(holding, monotonic_ms(world) + HOLDING_FILE_MS), ==,
                    HOLDING_FILED);
    holding_free(holding);
}

static int64_t snapshot_records(struct world *world)
{
    int64_t start, end;
    g_assert_true(bus_offsets(world->bus, SNAPSHOT_TOPIC, TASK, &start, &end, NULL));
    return end - start;
}

static void test_snapshot(struct world *world, const void *data)
{
    (void)data;
    bool idle;
    struct holding *holding = hold(world, world->folder, TASK);
    rate(world);
    read_ratings(world, holding);
    commit(world, holding);
    world->config->stream_snapshot_after_bytes = holding->unsaved_bytes + 1;
    g_assert_true(holding_save(holding, &idle, NULL));
    g_assert_true(idle);
    g_assert_null(holding->snapshot);
    world->config->stream_snapshot_after_bytes--;
    for (int i = 0; i < STEPS_MAX && (i == 0 || holding->snapshot); i++)
        g_assert_true(holding_save(holding, &idle, NULL));
    g_assert_cmpint(snapshot_records(world), >=, 2); /* a chunk and a manifest */
    struct snapshot_place places[SNAPSHOTS_KEPT];
    size_t count;
    g_assert_true(snapshot_find(world->bus, TASK, places, &count, NULL));
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpint(places[0].changelog_offset, <=, 1);
    g_assert_cmpint(holding->unsaved_bytes, ==, 0);
    holding_free(holding);
}

/* ---- two at the same time ---- */

struct writing {
    struct part *part;
    struct holding *holding;
    bool written;
};

static void write_part(void *data)
{
    struct writing *writing = data;
    writing->written = part_write(writing->part, writing->holding, 0, NULL);
}

static void append_messages(GByteArray *out, const struct part *part)
{
    for (guint i = 0; i < part->messages->len; i++) {
        const struct bus_message *message = &g_array_index(part->messages, struct bus_message, i);
        g_byte_array_append(out, (const guint8 *)message->value.data, (guint)message->value.len);
    }
}

/* What both tasks say of all ratings, from nothing; with a helper the second one in its thread,
 * while the first is written here. */
static GByteArray *write_two(struct world *world, const char *folder, struct helper *helper)
{
    struct writing writing[PARTITIONS];
    GByteArray *said = g_byte_array_new();
    for (int task = 0; task < PARTITIONS; task++) {
        writing[task] =
            (struct writing){.part = part_new(false, (size_t)world->config->bus_record_max_bytes),
                             .holding = hold(world, folder, task)};
        read_ratings(world, writing[task].holding);
        g_assert_cmpuint(world->intake->letters->len, ==, 0);
    }
    intake_clear(world->intake);
    if (helper)
        helper_start(helper, write_part, &writing[1]);
    write_part(&writing[0]);
    if (helper)
        helper_wait(helper);
    else
        write_part(&writing[1]);
    for (int task = 0; task < PARTITIONS; task++) {
        g_assert_true(writing[task].written);
        g_assert_true(writing[task].holding->wrote);
        append_messages(said, writing[task].part);
        holding_free(writing[task].holding);
        part_free(writing[task].part);
    }
    return said;
}

static void test_two_at_once(struct world *world, const void *data)
{
    (void)data;
    enum { RATINGS = 2000, MOVIES = 300 };
    GError *error = NULL;
    for (int i = 0; i < RATINGS; i++)
        rate_movie(world, i % PARTITIONS, 1 + i % MOVIES);
    struct helper *helper = helper_new("test", &error);
    g_assert_no_error(error);
    g_autoptr(GByteArray) one_by_one = write_two(world, world->folder, NULL);
    g_autoptr(GByteArray) at_once = write_two(world, world->other, helper);
    helper_free(helper);
    g_assert_cmpuint(one_by_one->len, >, RATINGS); /* an entry and a report of each */
    g_assert_cmpuint(at_once->len, ==, one_by_one->len);
    g_assert_cmpint(memcmp(at_once->data, one_by_one->data, one_by_one->len), ==, 0);
}

/* The last number is the global task's. */
static void test_global(struct world *world, const void *data)
{
    (void)data;
    struct holding *holding = hold(world, world->folder, PARTITIONS);
    g_assert_nonnull(holding->global);
    g_assert_null(holding->shard);
    g_assert_true(holding_output(holding) == &holding->global->output);
    holding_free(holding);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(struct world *world, const void *data);
    } tests[] = {
        {"/stream/holding/commit", test_commit},
        {"/stream/holding/next_owner", test_next_owner},
        {"/stream/holding/abandoned", test_abandoned},
        {"/stream/holding/committed_after_all", test_committed_after_all},
        {"/stream/holding/filing", test_filing},
        {"/stream/holding/snapshot", test_snapshot},
        {"/stream/holding/two_at_once", test_two_at_once},
        {"/stream/holding/global", test_global},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct world, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}

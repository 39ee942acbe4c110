/* Proves: a task's file comes to what its changelog and its group say: from nothing, from a
 * snapshot, from its own offset on (nothing is played twice); rows go to the speed store that the
 * last entry doesn't call sunk; an undecided transaction is waited for; a file that has another
 * past is made again; what can't be brought together is an error that names the offsets, and only
 * after the patience. The changelog is made by hand, entry by entry. */
#include "stream/restore.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus_mem.h"
#include "model/db.h"
#include "stream/member_fake.h"
#include "stream/position.h"
#include "stream/rows.h"
#include "stream/snapshot.h"

#define TASK        2
#define PARTITIONS  4
#define PATIENCE_MS 60000
#define STEPS_MAX   100
/* Ratings that each entry has read. */
#define ENTRY_RECORDS 10

struct world {
    struct config *config;
    struct clock *clock;
    struct metrics *metrics;
    struct context context;
    struct bus *bus;
    struct member_fake member;
    struct speed *speed;
    struct stream_settings settings;
    struct sql_file *sql;
    struct arena *arena;
    char *folder, *elsewhere;
    struct task_file *owner; /* of the process that wrote the changelog */
    struct changelog_writer *writer;
};

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->folder = g_dir_make_tmp("marquee-restore-XXXXXX", &error);
    world->elsewhere = g_dir_make_tmp("marquee-restore-XXXXXX", &error);
    world->config = config_new_default();
    g_free(world->config->data_dir);
    world->config->data_dir = g_strdup(world->folder);
    world->clock = clock_new_manual(0);
    world->metrics = metrics_new();
    world->context =
        (struct context){.config = world->config, .clock = world->clock, .metrics = world->metrics};
    world->bus = bus_mem_new(&world->context);
    g_assert_true(bus_create_topic(world->bus, CHANGELOG_TOPIC, PARTITIONS + 1, &error));
    g_assert_true(bus_create_topic(world->bus, SNAPSHOT_TOPIC, PARTITIONS + 1, &error));
    member_fake_init(&world->member, world->bus);
    world->speed = speed_open(&world->context, &error);
    g_assert_no_error(error);
    world->settings.partitions = PARTITIONS;
    world->sql = sql_file_load("contracts/stream.sql");
    world->arena = arena_new();
    world->owner = task_file_open(world->elsewhere, TASK, world->sql, &error);
    g_assert_no_error(error);
    world->writer = changelog_writer_new();
}

static void remove_folder(char *folder)
{
    GError *error = NULL;
    GDir *names = g_dir_open(folder, 0, &error);
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
    changelog_writer_free(world->writer);
    task_file_close(world->owner);
    speed_close(world->speed);
    arena_free(world->arena);
    sql_file_free(world->sql);
    bus_close(world->bus);
    metrics_free(world->metrics);
    clock_free(world->clock);
    config_free(world->config);
    remove_folder(world->folder);
    remove_folder(world->elsewhere);
}

/* ---- the changelog ---- */

static void put_ratings_position(struct task_file *file, int64_t next_offset)
{
    GError *error = NULL;
    struct position_store *store = position_store_new(file->db, file->sql, &error);
    g_assert_no_error(error);
    position_store_record(store, file->delta);
    const struct position position = {.next_offset = next_offset, .started = true};
    g_assert_true(position_write(store, "movie.ratings", TASK, &position, &error));
    position_store_free(store);
}

/* A row of the movie whose number is the entry's. */
static GByteArray *rows_of(int32_t number)
{
    GByteArray *bytes = g_byte_array_new();
    struct stats_row row = {.movie_id = number, .vote_count = number};
    rows_encode(&(struct speed_batch){.stats = &row, .stats_count = 1}, bytes);
    return bytes;
}

/* The owner's next entry: it has read ENTRY_RECORDS ratings more, and knows that the rows of
 * entries before the offset sunk are in the speed store. It is one record, so entry n, counted from
 * 0, stands at offset n. */
static void commit_entry(struct world *world, int64_t sunk)
{
    GError *error = NULL;
    struct task_file *owner = world->owner;
    const int64_t number = owner->chain.commits;
    g_autoptr(GByteArray) rows = rows_of((int32_t)number);
    g_assert_true(task_file_begin(owner, &error));
    put_ratings_position(owner, (number + 1) * ENTRY_RECORDS);
    g_assert_true(task_file_set_sunk(owner, sunk, &error));
    const struct changelog_entry entry = {TASK,
                                          owner->chain,
                                          {(char *)owner->delta->data, owner->delta->len},
                                          {(char *)rows->data, rows->len}};
    struct span *values;
    size_t count;
    struct chain after;
    g_assert_true(changelog_encode(world->writer, &entry,
                                   (size_t)world->config->bus_record_max_bytes, world->arena,
                                   &values, &count, &after, &error));
    g_assert_cmpuint(count, ==, 1);
    const struct bus_message message = {CHANGELOG_TOPIC, TASK, {"", 0}, values[0]};
    g_assert_true(bus_produce(world->bus, &message, 1, NULL, &error));
    g_assert_true(task_file_commit(owner, &after, number + 1, &error));
    world->member.committed[INPUT_RATINGS] = (number + 1) * ENTRY_RECORDS;
}

/* ---- restoring ---- */

static struct restore *begin(struct world *world)
{
    return restore_new(
        &(struct restore_options){
            .context = &world->context,
            .bus = world->bus,
            .member = &world->member.member,
            .speed = world->speed,
            .settings = &world->settings,
            .sql = world->sql,
            .folder = world->folder,
            .task = TASK,
            .patience_ms = PATIENCE_MS,
        },
        NULL);
}

enum outcome { DONE, WAITS, FAILED };

/* Until it is done, waits or fails. */
static enum outcome run(struct restore *restore, GError **error)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        bool done, idle;
        if (!restore_step(restore, &done, &idle, error))
            return FAILED;
        if (done || idle)
            return done ? DONE : WAITS;
    }
    g_error("no end in sight");
}

static struct task_file *restore_whole(struct world *world)
{
    g_autoptr(GError) error = NULL;
    struct restore *restore = begin(world);
    enum outcome outcome = run(restore, &error);
    g_assert_no_error(error);
    g_assert_cmpint(outcome, ==, DONE);
    return restore_finish(restore);
}

/* The file is what the owner's is. */
static void assert_equal_to_owner(const struct world *world, const struct task_file *file)
{
    GError *error = NULL;
    struct position position;
    struct position_store *store = position_store_new(file->db, file->sql, &error);
    g_assert_true(position_read(store, "movie.ratings", TASK, &position, &error));
    position_store_free(store);
    g_assert_cmpint(file->chain.commits, ==, world->owner->chain.commits);
    g_assert_cmpuint(file->chain.digest, ==, world->owner->chain.digest);
    g_assert_cmpint(file->next_offset, ==, world->owner->next_offset);
    g_assert_cmpint(position.next_offset, ==, world->owner->chain.commits * ENTRY_RECORDS);
}

/* The movies of the rows in the speed store, in order: "0 1 2". */
static char *movies_stored(struct world *world)
{
    GError *error = NULL;
    GString *text = g_string_new(NULL);
    struct stats_row *rows;
    size_t count;
    g_assert_true(speed_scan_stats(world->speed, world->arena, &rows, &count, &error));
    for (size_t i = 0; i < count; i++)
        g_string_append_printf(text, "%s%d", i ? " " : "", rows[i].movie_id);
    return g_string_free(text, FALSE);
}

static void assert_movies_stored(struct world *world, const char *expected)
{
    g_autofree char *found = movies_stored(world);
    g_assert_cmpstr(found, ==, expected);
}

/* A table that no entry makes: still there, the file is still the same one. */
static void mark(const struct task_file *file)
{
    g_assert_true(db_exec(file->db, "CREATE TABLE mark (id INTEGER)", NULL));
}

static bool marked(const struct task_file *file)
{
    g_autoptr(sqlite3_stmt) read = db_prepare(file->db, "SELECT * FROM mark", NULL);
    return read != NULL;
}

static void test_nothing(struct world *world, const void *data)
{
    (void)data;
    struct task_file *file = restore_whole(world);
    g_assert_cmpint(file->chain.commits, ==, 0);
    g_assert_cmpint(file->next_offset, ==, 0);
    task_file_close(file);
}

/* Entry 2 says that what stands before offset 2 is sunk: its own rows alone are written. */
static void test_from_nothing(struct world *world, const void *data)
{
    (void)data;
    commit_entry(world, 0);
    commit_entry(world, 1);
    commit_entry(world, 2);
    struct task_file *file = restore_whole(world);
    assert_equal_to_owner(world, file);
    assert_movies_stored(world, "2");
    task_file_close(file);
}

/* Nothing is played twice; but rows of entries that the file has already may be missing in the
 * store: here it is another one. Entry 2 says that what stands before offset 1 is sunk. */
static void test_tail(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    commit_entry(world, 0);
    commit_entry(world, 0);
    struct task_file *file = restore_whole(world);
    assert_movies_stored(world, "0 1");
    mark(file);
    task_file_close(file);
    speed_close(world->speed);
    g_free(world->config->data_dir);
    world->config->data_dir = g_strdup(world->elsewhere);
    world->speed = speed_open(&world->context, &error);
    g_assert_no_error(error);
    commit_entry(world, 1);
    file = restore_whole(world);
    assert_equal_to_owner(world, file);
    g_assert_true(marked(file));
    assert_movies_stored(world, "1 2");
    task_file_close(file);
}

static void test_snapshot(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    commit_entry(world, 0);
    commit_entry(world, 2);
    mark(world->owner);
    struct snapshot *snapshot = snapshot_begin(&world->context, world->bus, world->owner, &error);
    g_assert_no_error(error);
    for (bool done = false; !done;)
        g_assert_true(snapshot_step(snapshot, &done, &error));
    snapshot_free(snapshot);
    commit_entry(world, 2);
    struct task_file *file = restore_whole(world);
    assert_equal_to_owner(world, file);
    g_assert_true(marked(file)); /* no entry could have made that */
    assert_movies_stored(world, "2");
    task_file_close(file);
}

/* The changelog's end is behind what can be read: somebody's transaction is undecided. */
static void test_undecided(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    commit_entry(world, 0);
    struct restore *restore = begin(world);
    world->member.end = 2;
    g_assert_cmpint(run(restore, &error), ==, WAITS);
    g_assert_cmpint(run(restore, &error), ==, WAITS);
    g_assert_no_error(error);
    commit_entry(world, 0);
    world->member.end = MEMBER_FAKE_END;
    /* The group's offsets that it asked for are older than that commit, so it asks again. */
    const int questions = world->member.questions;
    while (run(restore, &error) == WAITS)
        g_assert_cmpint(world->member.questions, <=, questions + 2);
    g_assert_no_error(error);
    struct task_file *file = restore_finish(restore);
    assert_equal_to_owner(world, file);
    task_file_close(file);
}

static void test_other_past(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    struct task_file *file = task_file_open(world->folder, TASK, world->sql, &error);
    mark(file);
    g_assert_true(task_file_begin(file, &error));
    g_assert_true(task_file_commit(file, &(struct chain){1, 4711}, 1, &error));
    task_file_close(file);
    commit_entry(world, 0);
    commit_entry(world, 0);
    file = restore_whole(world);
    assert_equal_to_owner(world, file);
    g_assert_false(marked(file));
    task_file_close(file);
}

/* A file that is ahead of the changelog: records were lost. */
static void test_lost_tail(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    commit_entry(world, 0);
    struct task_file *file = task_file_open(world->folder, TASK, world->sql, &error);
    g_assert_true(task_file_begin(file, &error));
    g_assert_true(task_file_set_sunk(file, 7, &error));
    g_assert_true(task_file_commit(file, &(struct chain){7, 4711}, 7, &error));
    task_file_close(file);
    struct restore *restore = begin(world);
    g_assert_cmpint(run(restore, &error), ==, FAILED);
    g_assert_true(error_is(error, FAILED));
    g_assert_nonnull(strstr(error->message, "task 2: marquee.stream.changelog partition 2 ends at "
                                            "offset 1, before what"));
    restore_free(restore);
}

/* The group has committed more than the changelog tells of: for a while that may be, then not. */
static void test_disagreement(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    commit_entry(world, 0);
    world->member.committed[INPUT_RATINGS] = 25;
    struct restore *restore = begin(world);
    g_assert_cmpint(run(restore, &error), ==, WAITS);
    clock_advance(world->clock, PATIENCE_MS - 1);
    g_assert_cmpint(run(restore, &error), ==, WAITS);
    clock_advance(world->clock, 1);
    g_assert_cmpint(run(restore, &error), ==, FAILED);
    g_assert_true(error_is(error, FAILED));
    g_assert_nonnull(strstr(error->message,
                            "has read movie.ratings partition 2 up to 10, the group "
                            "has committed 25"));
    restore_free(restore);
}

/* A group that has forgotten its offsets says nothing against the changelog. */
static void test_forgotten_offsets(struct world *world, const void *data)
{
    (void)data;
    commit_entry(world, 0);
    world->member.committed[INPUT_RATINGS] = -1;
    struct task_file *file = restore_whole(world);
    assert_equal_to_owner(world, file);
    task_file_close(file);
}

static void test_away(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    commit_entry(world, 0);
    world->member.away = true;
    struct restore *restore = begin(world);
    g_assert_cmpint(run(restore, &error), ==, FAILED);
    g_assert_true(error_is(error, AGAIN));
    g_clear_error(&error);
    world->member.away = false;
    g_assert_cmpint(run(restore, &error), ==, DONE);
    struct task_file *file = restore_finish(restore);
    assert_equal_to_owner(world, file);
    task_file_close(file);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(struct world *world, const void *data);
    } tests[] = {
        {"/stream/restore/nothing", test_nothing},
        {"/stream/restore/from_nothing", test_from_nothing},
        {"/stream/restore/tail", test_tail},
        {"/stream/restore/snapshot", test_snapshot},
        {"/stream/restore/undecided", test_undecided},
        {"/stream/restore/other_past", test_other_past},
        {"/stream/restore/lost_tail", test_lost_tail},
        {"/stream/restore/disagreement", test_disagreement},
        {"/stream/restore/forgotten_offsets", test_forgotten_offsets},
        {"/stream/restore/away", test_away},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct world, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}

/* Proves: speed_sqlite keeps the speed store's contract; on a connection of the caller's it takes
 * part in the caller's transaction; a lost file's feed and its successor's don't meet. */
#include "speed/speed_sqlite.h"

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "model/db.h"
#include "speed/speed_contract.h"

static const char *const db_names[] = {"stream.db", "stream.db-wal", "stream.db-shm"};

struct fixture {
    const struct context *context;
    char *folder;
};

static void *setup(const struct context *context)
{
    GError *error = NULL;
    struct fixture *fixture = g_new0(struct fixture, 1);
    fixture->context = context;
    fixture->folder = g_dir_make_tmp("speed-XXXXXX", &error);
    g_assert_no_error(error);
    g_free(context->config->data_dir);
    ((struct config *)context->config)->data_dir = g_strdup(fixture->folder);
    return fixture;
}

static void teardown(void *data)
{
    struct fixture *fixture = data;
    for (size_t i = 0; i < G_N_ELEMENTS(db_names); i++) {
        g_autofree char *path = g_build_filename(fixture->folder, db_names[i], NULL);
        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    g_free(fixture->folder);
    g_free(fixture);
}

static struct speed *open_handle(void *data)
{
    struct fixture *fixture = data;
    GError *error = NULL;
    struct speed *speed = speed_open(fixture->context, &error);
    g_assert_no_error(error);
    return speed;
}

static size_t rows_of(struct speed *speed)
{
    GError *error = NULL;
    struct arena *arena = arena_new();
    struct stats_row *rows;
    size_t count = 0;
    g_assert_true(speed_scan_stats(speed, arena, &rows, &count, &error));
    arena_free(arena);
    return count;
}

/* Rolled back with the caller's transaction, there after its commit. */
static void test_attach(void)
{
    GError *error = NULL;
    struct config *config = config_new_default();
    struct clock *clock = clock_new_manual(0);
    const struct context context = {.config = config, .clock = clock};
    struct fixture *fixture = setup(&context);
    g_autofree char *path = config_path(config, SPEED_SQLITE_FILE);
    sqlite3 *db = db_open(path, NULL, &error);
    g_assert_no_error(error);
    struct speed *attached = speed_sqlite_attach(&context, db, &error),
                 *reader = open_handle(fixture);
    g_assert_no_error(error);
    struct stats_row row = {.movie_id = 1};
    const struct speed_batch batch = {.stats = &row, .stats_count = 1};
    g_assert_true(db_begin(db, &error));
    g_assert_true(speed_write(attached, &batch, &error));
    g_assert_cmpuint(rows_of(attached), ==, 1);
    g_assert_cmpuint(rows_of(reader), ==, 0);
    db_rollback(db);
    g_assert_cmpuint(rows_of(attached), ==, 0);
    g_assert_true(db_begin(db, &error));
    g_assert_true(speed_write(attached, &batch, &error));
    g_assert_true(db_commit(db, &error));
    g_assert_cmpuint(rows_of(reader), ==, 1);
    speed_close(reader);
    speed_close(attached);
    db_close(db);
    teardown(fixture);
    clock_free(clock);
    config_free(config);
}

static const struct speed_contract contract = {
    .name = "sqlite",
    .setup = setup,
    .teardown = teardown,
    .open = open_handle,
};

static int64_t write_and_feed(struct fixture *fixture, int32_t movie_id, int64_t after)
{
    GError *error = NULL;
    struct speed *speed = open_handle(fixture);
    struct arena *arena = arena_new();
    struct speed_change *changes;
    struct stats_row row = {.movie_id = movie_id};
    const struct speed_batch batch = {.stats = &row, .stats_count = 1};
    size_t count = 0;
    g_assert_true(speed_write(speed, &batch, &error));
    g_assert_true(speed_feed(speed, after, 10, arena, &changes, &count, &error));
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpint(changes[0].movie_id, ==, movie_id);
    int64_t sequence = changes[0].sequence;
    arena_free(arena);
    speed_close(speed);
    return sequence;
}

/* The file is lost, and made again: who has read the old feed finds all of the new one behind it.
 */
static void test_a_lost_file(void)
{
    struct config *config = config_new_default();
    struct clock *clock = clock_new_manual(MS_PER_MINUTE);
    const struct context context = {.config = config, .clock = clock};
    struct fixture *fixture = setup(&context);
    int64_t position = 0;
    for (int32_t movie_id = 1; movie_id <= 100; movie_id++)
        position = write_and_feed(fixture, movie_id, position);
    for (size_t i = 0; i < G_N_ELEMENTS(db_names); i++) {
        g_autofree char *path = g_build_filename(fixture->folder, db_names[i], NULL);
        g_unlink(path);
    }
    clock_advance(clock, 1);
    write_and_feed(fixture, 7, position);
    teardown(fixture);
    clock_free(clock);
    config_free(config);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    speed_contract_add(&contract);
    g_test_add_func("/speed/sqlite/attach", test_attach);
    g_test_add_func("/speed/sqlite/a_lost_file", test_a_lost_file);
    return g_test_run();
}

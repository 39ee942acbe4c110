/* Proves: speed_sqlite keeps the speed store's contract; on a connection of the caller's it takes
 * part in the caller's transaction. */
#include "speed/speed_sqlite.h"

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "model/db.h"
#include "speed/speed_contract.h"

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
    static const char *const names[] = {"stream.db", "stream.db-wal", "stream.db-shm"};
    struct fixture *fixture = data;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(fixture->folder, names[i], NULL);
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    speed_contract_add(&contract);
    g_test_add_func("/speed/sqlite/attach", test_attach);
    return g_test_run();
}

/* Proves: the late ledger keeps the newest entries only, of a commit and of all; what isn't
 * committed leaves nothing; and an engine's late records are entered with window, lateness, before
 * and after in stream_test. */
#include "stream/late_ledger.h"

#include "model/db.h"

struct world {
    sqlite3 *db;
    struct sql_file *sql;
    struct late_ledger *ledger;
};

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->db = db_open(":memory:", NULL, &error);
    world->sql = sql_file_load("contracts/stream.sql");
    world->ledger = late_ledger_new(world->db, world->sql, &error);
    g_assert_no_error(error);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    late_ledger_free(world->ledger);
    sql_file_free(world->sql);
    db_close(world->db);
}

static void add(struct world *world, int64_t first, int64_t count)
{
    for (int64_t i = first; i < first + count; i++)
        late_ledger_add(world->ledger, &(struct late_entry){.topic = "movie.ratings", .offset = i});
}

static void write_ledger(struct world *world)
{
    GError *error = NULL;
    g_assert_true(db_begin(world->db, &error));
    g_assert_true(late_ledger_write(world->ledger, &error));
    g_assert_true(db_commit(world->db, &error));
    g_assert_no_error(error);
}

static int64_t ask(struct world *world, const char *sql)
{
    GError *error = NULL;
    bool row;
    g_autoptr(sqlite3_stmt) statement = db_prepare(world->db, sql, &error);
    g_assert_true(db_step(statement, &row, &error) && row);
    return sqlite3_column_int64(statement, 0);
}

static void test_newest_of_a_commit(struct world *world, const void *data)
{
    (void)data;
    add(world, 0, LATE_LEDGER_COMMIT_MAX + 7);
    write_ledger(world);
    g_assert_cmpint(ask(world, "SELECT count(*) FROM stream_late"), ==, LATE_LEDGER_COMMIT_MAX);
    g_assert_cmpint(ask(world, "SELECT min(offset) FROM stream_late"), ==, 7);
    /* In the order in which they came. */
    g_assert_cmpint(ask(world, "SELECT offset FROM stream_late ORDER BY id LIMIT 1"), ==, 7);
    g_assert_cmpint(ask(world, "SELECT offset FROM stream_late ORDER BY id DESC LIMIT 1"), ==,
                    LATE_LEDGER_COMMIT_MAX + 6);
}

static void test_newest_of_all(struct world *world, const void *data)
{
    (void)data;
    enum { COMMITS = LATE_LEDGER_ROWS_MAX / LATE_LEDGER_COMMIT_MAX + 2 };
    for (int64_t i = 0; i < COMMITS; i++) {
        add(world, i * LATE_LEDGER_COMMIT_MAX, LATE_LEDGER_COMMIT_MAX);
        write_ledger(world);
        late_ledger_clear(world->ledger);
    }
    g_assert_cmpint(ask(world, "SELECT count(*) FROM stream_late"), ==, LATE_LEDGER_ROWS_MAX);
    g_assert_cmpint(ask(world, "SELECT min(offset) FROM stream_late"), ==,
                    2 * LATE_LEDGER_COMMIT_MAX);
}

/* A commit that fails is written again with the next one; what is read again is entered once. */
static void test_rollback(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    add(world, 0, 3);
    g_assert_true(db_begin(world->db, &error));
    g_assert_true(late_ledger_write(world->ledger, &error));
    db_rollback(world->db);
    g_assert_cmpint(ask(world, "SELECT count(*) FROM stream_late"), ==, 0);
    write_ledger(world);
    late_ledger_clear(world->ledger);
    write_ledger(world);
    g_assert_cmpint(ask(world, "SELECT count(*) FROM stream_late"), ==, 3);
    add(world, 3, 2);
    late_ledger_clear(world->ledger);
    write_ledger(world);
    g_assert_cmpint(ask(world, "SELECT count(*) FROM stream_late"), ==, 3);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(struct world *world, const void *data);
    } tests[] = {
        {"/late_ledger/newest_of_a_commit", test_newest_of_a_commit},
        {"/late_ledger/newest_of_all", test_newest_of_all},
        {"/late_ledger/rollback", test_rollback},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct world, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}

/* Proves: SQLite's errors come out in our codes with the file's name; the schema is made once,
 * whoever comes first; a transaction is all or nothing; a reader can't write. */
#include "model/db.h"

#include <string.h>

#include <glib/gstdio.h>

#define SCHEMA "CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB) STRICT"

struct world {
    char *folder, *path;
};

static void setup(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    world->folder = g_dir_make_tmp("db-XXXXXX", &error);
    g_assert_no_error(error);
    world->path = g_build_filename(world->folder, "some.db", NULL);
}

static void teardown(struct world *world, const void *data)
{
    (void)data;
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *path = g_strconcat(world->path, suffixes[i], NULL);
        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(world->folder), ==, 0);
    g_free(world->path);
    g_free(world->folder);
}

static sqlite3 *open_new(struct world *world)
{
    g_autoptr(GError) error = NULL;
    sqlite3 *db = db_open(world->path, NULL, &error);
    g_assert_no_error(error);
    bool made = db_schema(db, SCHEMA, 1, &error);
    g_assert_no_error(error);
    g_assert_true(made);
    return db;
}

static int64_t scalar(sqlite3 *db, const char *sql)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(sqlite3_stmt) statement = db_prepare(db, sql, &error);
    g_assert_no_error(error);
    bool row;
    g_assert_true(db_step(statement, &row, &error));
    g_assert_true(row);
    return sqlite3_column_int64(statement, 0);
}

static void test_pragmas(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    const struct db_options options = {
        .sync = DB_SYNC_NORMAL, .page_bytes = 8192, .cache_bytes = 1024 * 1024};
    g_autoptr(sqlite3) db = db_open(world->path, &options, &error);
    g_assert_no_error(error);
    g_assert_cmpint(scalar(db, "PRAGMA synchronous"), ==, 1);
    g_assert_cmpint(scalar(db, "PRAGMA foreign_keys"), ==, 1);
    g_assert_cmpint(scalar(db, "PRAGMA page_size"), ==, 8192);
    g_assert_cmpint(scalar(db, "PRAGMA cache_size"), ==, -1024);
    g_assert_cmpint(
        scalar(db, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), ==, 1);
    g_autoptr(sqlite3) full = db_open(world->path, NULL, &error);
    g_assert_cmpint(scalar(full, "PRAGMA synchronous"), ==, 2);
}

static void test_schema(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(sqlite3) db = open_new(world);
    g_autoptr(sqlite3) again = open_new(world); /* finds it */
    g_autoptr(GError) error = NULL;
    g_assert_false(db_schema(db, SCHEMA, 2, &error));
    g_assert_true(error_is(error, FAILED));
    g_assert_nonnull(strstr(error->message, world->path));
    /* A script that fails leaves nothing behind. */
    g_clear_error(&error);
    g_autofree char *other = g_strconcat(world->folder, "/other.db", NULL);
    sqlite3 *broken = db_open(other, NULL, &error);
    g_assert_false(db_schema(broken, SCHEMA "; CREATE TABLE t (k)", 1, &error));
    g_assert_true(error_is(error, FAILED));
    g_assert_cmpint(scalar(broken, "SELECT count(*) FROM sqlite_master"), ==, 0);
    g_clear_error(&error);
    g_assert_true(db_schema(broken, SCHEMA, 1, &error));
    db_close(broken);
    g_assert_cmpint(g_unlink(other), ==, 0);
}

static void test_transactions(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(sqlite3) db = open_new(world);
    g_autoptr(GError) error = NULL;
    g_autoptr(sqlite3_stmt) insert = db_prepare(db, "INSERT INTO t VALUES (?1, ?2)", &error);
    g_assert_true(db_begin(db, &error));
    db_bind_int(insert, 1, 1);
    db_bind_blob(insert, 2, (struct span){"a\0b", 3});
    g_assert_true(db_run(insert, &error));
    db_rollback(db);
    db_rollback(db); /* nothing to do */
    g_assert_cmpint(scalar(db, "SELECT count(*) FROM t"), ==, 0);
    g_assert_true(db_begin(db, &error));
    g_assert_true(db_run(insert, &error));
    g_assert_true(db_commit(db, &error));
    g_assert_false(db_run(insert, &error)); /* the same key */
    g_assert_true(error_is(error, CONFLICT));

    g_clear_error(&error);
    g_autoptr(sqlite3_stmt) select = db_prepare(db, "SELECT v, CAST(x'' AS BLOB) FROM t", &error);
    bool row;
    g_assert_true(db_step(select, &row, &error));
    g_assert_true(row);
    struct span bytes = db_column_span(select, 0);
    g_assert_cmpuint(bytes.len, ==, 3);
    g_assert_true(memcmp(bytes.data, "a\0b", 3) == 0);
    g_assert_cmpuint(db_column_span(select, 1).len, ==, 0);
    g_assert_nonnull(db_column_span(select, 1).data);
    g_assert_true(db_step(select, &row, &error));
    g_assert_false(row);
}

/* A second writer gets AGAIN, and can go on once the first is done. */
static void test_busy(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(sqlite3) first = open_new(world);
    g_autoptr(sqlite3) second = open_new(world);
    sqlite3_busy_timeout(second, 1);
    g_autoptr(GError) error = NULL;
    g_assert_true(db_begin(first, &error));
    g_assert_false(db_begin(second, &error));
    g_assert_true(error_is(error, AGAIN));
    g_clear_error(&error);
    g_assert_true(db_commit(first, &error));
    g_assert_true(db_begin(second, &error));
}

static void test_read_only(struct world *world, const void *data)
{
    (void)data;
    const struct db_options options = {.read_only = true};
    g_autoptr(GError) error = NULL;
    g_assert_null(db_open(world->path, &options, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_clear_error(&error);
    g_autoptr(sqlite3) writer = open_new(world);
    g_autoptr(sqlite3) reader = db_open(world->path, &options, &error);
    g_assert_no_error(error);
    g_assert_false(db_exec(reader, "INSERT INTO t VALUES (1, NULL)", &error));
    g_assert_true(error_is(error, DENIED));
    g_clear_error(&error);
    g_assert_true(db_exec(writer, "INSERT INTO t VALUES (1, NULL)", &error));
    g_assert_cmpint(scalar(reader, "SELECT count(*) FROM t"), ==, 1);
}

static void test_not_a_database(struct world *world, const void *data)
{
    (void)data;
    g_autofree char *garbage = g_strnfill(10000, 'x');
    g_autoptr(GError) error = NULL;
    g_assert_true(g_file_set_contents(world->path, garbage, -1, &error));
    g_assert_null(db_open(world->path, NULL, &error));
    g_assert_true(error_is(error, BADDATA));
    g_assert_nonnull(strstr(error->message, world->path));
    g_clear_error(&error);
    g_autofree char *nowhere = g_build_filename(world->folder, "no", "where.db", NULL);
    g_assert_null(db_open(nowhere, NULL, &error));
    g_assert_true(error_is(error, FAILED));
    g_assert_nonnull(strstr(error->message, nowhere));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *path;
        void (*run)(struct world *world, const void *data);
    } cases[] = {
        {"/db/pragmas", test_pragmas},           {"/db/schema", test_schema},
        {"/db/transactions", test_transactions}, {"/db/busy", test_busy},
        {"/db/read_only", test_read_only},       {"/db/not_a_database", test_not_a_database},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_test_add(cases[i].path, struct world, NULL, setup, cases[i].run, teardown);
    return g_test_run();
}

/* The engine puts in typed parameters and nothing else, reads and writes below the lake and nowhere
 * else, writes the same bytes again, and names the file that failed. */
#include <stdio.h>
#include <string.h>

#include "batch/engine_duckdb.h"
#include "batch/sql_text.h"
#include "batch/tables.h"
#include "batch/test_world.h"

static struct engine *open_engine(struct test_world *world)
{
    GError *error = NULL;
    g_autofree char *root = tables_lake_root(world->lake, &error);
    struct engine *engine = engine_open(&world->context, root, &error);
    g_assert_no_error(error);
    return engine;
}

static void expect_bad_param(struct engine_param param, const char *words)
{
    GError *error = NULL;
    struct engine_params params = {&param, 1};
    g_assert_null(sql_text_fill("sql/reconcile/stats.sql", &params, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
    g_assert_nonnull(strstr(error->message, "sql/reconcile/stats.sql"));
    g_assert_nonnull(strstr(error->message, words));
    g_error_free(error);
}

/* Only sound values become SQL text. */
static void test_parameters(void)
{
    GError *error = NULL;
    struct engine_param param = {.name = "held_from_ms", .type = ENGINE_INT, .integer = -5};
    struct engine_params params = {&param, 1};
    g_autofree char *sql = sql_text_fill("sql/reconcile/stats.sql", &params, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(sql, "hour >= (-5)"));
    g_assert_null(strstr(sql, "${"));
    expect_bad_param((struct engine_param){.name = "other"}, "is no parameter");
    static const char *const names[] = {"a'; DROP", "", "a b", "a\"b", "a;b"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        expect_bad_param(
            (struct engine_param){.name = "held_from_ms", .type = ENGINE_NAME, .text = names[i]},
            "sound");
    expect_bad_param(
        (struct engine_param){.name = "held_from_ms", .type = ENGINE_DATE, .text = "2026-1-1"},
        "sound");
    expect_bad_param(
        (struct engine_param){.name = "held_from_ms", .type = ENGINE_DOUBLE, .number = 1.0 / 0.0},
        "sound");
}

/* What a statement could reach besides the lake: files, the network, other databases, settings. */
static void test_sandbox(void)
{
    struct test_world world;
    test_world_open(&world);
    struct engine *engine = open_engine(&world);
    g_autofree char *outside = g_build_filename(world.config->data_dir, "secret.txt", NULL);
    g_assert_true(g_file_set_contents(outside, "secret", -1, NULL));
    g_autofree char *read_outside = g_strdup_printf("SELECT * FROM read_text('%s')", outside);
    g_autofree char *read_above =
        g_strdup_printf("SELECT * FROM read_text('%s/lake/../secret.txt')", world.config->data_dir);
    g_autofree char *copy_outside = g_strdup_printf("COPY (SELECT 1) TO '%s.csv'", outside);
    g_autofree char *attach_outside = g_strdup_printf("ATTACH '%s.db' AS other", outside);
    const char *const statements[] = {
        "SELECT * FROM read_text('/etc/passwd')",
        read_outside,
        read_above,
        copy_outside,
        attach_outside,
        "SELECT * FROM glob('/*')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET memory_limit = '1TB'",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(statements); i++) {
        GError *error = NULL;
        g_assert_false(
            duckdb_session_run(engine_duckdb_session(engine), statements[i], NULL, &error));
        g_assert_nonnull(error);
        g_clear_error(&error);
    }
    engine_close(engine);
    test_world_close(&world);
}

static bool count_rows(void *user,
                       const struct engine_column *columns,
                       const struct engine_value *values,
                       size_t count,
                       GError **error)
{
    (void)columns, (void)values, (void)count, (void)error;
    ++*(int *)user;
    return true;
}

static char *checksum(struct test_world *world, struct engine *engine, const char *name)
{
    GError *error = NULL;
    struct manifest_file file;
    bool done = tables_write(
        "sql/bronze/store_log.sql",
        &(struct engine_params){
            (struct engine_param[]){{.name = "from_ms", .type = ENGINE_INT},
                                    {.name = "to_ms", .type = ENGINE_INT, .integer = INT64_MAX}},
            2},
        name, "run-test", engine, world->lake, &file, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_cmpint(file.rows, ==, 300000);
    char *sum = g_strdup(file.sha256);
    manifest_file_clear(&file);
    return sum;
}

/* The same rows give the same file, several row groups and two threads or not; the file reads back.
 */
static void test_same_bytes(void)
{
    struct test_world world;
    test_world_open(&world);
    struct engine *engine = open_engine(&world);
    GError *error = NULL;
    g_assert_true(duckdb_session_run(
        engine_duckdb_session(engine),
        "CREATE TEMP TABLE incoming AS SELECT range AS append_time, (range * 7919) % 300000 AS "
        "log_offset, range % 6 AS log_partition, hash(range) AS x FROM range(300000)",
        NULL, &error));
    g_autofree char *one = checksum(&world, engine, "silver/one.parquet");
    g_autofree char *two = checksum(&world, engine, "silver/two.parquet");
    g_assert_cmpstr(one, ==, two);
    engine_close(engine);
    test_world_close(&world);
}

/* A table without files has its columns and no rows; a damaged file is told with its name and never
 * read in part. */
static void test_views(void)
{
    struct test_world world;
    test_world_open(&world);
    struct engine *engine = open_engine(&world);
    GError *error = NULL;
    struct engine_param param = {.name = "held_from_ms", .type = ENGINE_INT};
    struct engine_params params = {&param, 1};
    int rows = 0;
    g_assert_true(engine_view(engine, "silver_hours_stats", "sql/silver/hours_stats_columns.sql",
                              NULL, 0, &error));
    g_assert_true(
        engine_select(engine, "sql/reconcile/stats.sql", &params, count_rows, &rows, &error));
    g_assert_cmpint(rows, ==, 0);

    g_assert_true(lake_put(world.lake, "silver/short.parquet", "PAR1short", 9, &error));
    struct arena *arena = arena_new();
    const char *url = lake_url(world.lake, "silver/short.parquet", arena, &error);
    bool done =
        engine_view(engine, "silver_hours_stats", "sql/silver/hours_stats_columns.sql", &url, 1,
                    &error) &&
        engine_select(engine, "sql/reconcile/stats.sql", &params, count_rows, &rows, &error);
    g_assert_false(done);
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
    g_assert_nonnull(strstr(error->message, "short.parquet"));
    g_clear_error(&error);
    arena_free(arena);

    g_assert_false(
        engine_select(engine, "sql/silver/hours_stats.sql", &params, count_rows, &rows, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
    g_assert_nonnull(strstr(error->message, "sql/silver/hours_stats.sql"));
    g_clear_error(&error);
    engine_close(engine);
    test_world_close(&world);
}

/* rint and log1p are the C library's, null for null; floor_to goes down also below 0. */
static void test_functions(void)
{
    struct test_world world;
    test_world_open(&world);
    struct engine *engine = open_engine(&world);
    GError *error = NULL;
    duckdb_result result;
    g_assert_true(duckdb_session_run(engine_duckdb_session(engine),
                                     "SELECT rint(0.5) = 0 AND rint(1.5) = 2 AND rint(-2.5) = -2 "
                                     "AND rint(2.5000000000000004) = 3 AND rint(NULL) IS NULL "
                                     "AND log1p(1e-20) = 1e-20 AND floor_to(-1, 300000) = -300000 "
                                     "AND floor_to(300000, 300000) = 300000 "
                                     "AND to_e4(7.00005) = 70000 AND vader_compound_e4('') = 0 AND "
                                     "vader_compound_e4('VADER is smart, handsome, and "
                                     "funny!') = 8439 AND vader_compound_e4(NULL) IS NULL AND "
                                     "sum_ascending([1e16, 1.0, -1e16]) = 0.0 "
                                     "AND date_from_text('2026-02-30') IS NULL AND "
                                     "date_from_text('2026-03-03') = DATE '2026-03-03'",
                                     &result, &error));
    g_assert_no_error(error);
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    g_assert_true(*(bool *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)));
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    engine_close(engine);
    test_world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/parameters", test_parameters);
    g_test_add_func("/engine/sandbox", test_sandbox);
    g_test_add_func("/engine/same_bytes", test_same_bytes);
    g_test_add_func("/engine/views", test_views);
    g_test_add_func("/engine/functions", test_functions);
    return g_test_run();
}

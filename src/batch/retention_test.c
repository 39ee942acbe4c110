/* Small files of the archive become one when their day, then their month, is over; the files that
 * they were stay for the readers of the last three runs; what is older than lake.bronze_retention
 * goes, and the manifest says how far back the archive reaches; silver keeps its rows. */
#include "batch/retention.h"

#include <string.h>

#include "batch/as_of.h"
#include "batch/batch_fixture.h"
#include "lake/manifest.h"

#define MOVIE_ID 550
#define RUNS     4

static struct manifest *current(struct test_world *world)
{
    GError *error = NULL;
    struct manifest *manifest = NULL;
    g_assert_true(manifest_load_current(world->lake, &manifest, &error));
    g_assert_no_error(error);
    return manifest;
}

/* How many files the manifest has of the table, and how many stand below its name. */
static void expect_files(struct test_world *world, const char *table, guint named, size_t there)
{
    struct manifest *manifest = current(world);
    struct arena *arena = arena_new();
    struct lake_object *objects;
    size_t count;
    g_autofree char *prefix = g_strconcat(table, "/", NULL);
    g_assert_true(lake_list(world->lake, prefix, arena, &objects, &count, NULL));
    g_assert_cmpuint(manifest_find_table(manifest, table)->files->len, ==, named);
    g_assert_cmpuint(count, ==, there);
    arena_free(arena);
    manifest_free(manifest);
}

static void expect_rows(struct test_world *world, const char *table, int rows)
{
    g_autofree char *sql = g_strdup_printf("SELECT count(*) AS n FROM %s", table);
    g_autofree char *wanted = g_strdup_printf("{\"n\":%d}\n", rows);
    fixture_expect(world, sql, wanted);
}

/* From 04:00 on a run every four hours: the last of a day is at 20:00. */
static void run_after(struct test_world *world, int64_t ms)
{
    clock_advance(world->context.clock, ms);
    fixture_rate(world, MOVIE_ID, 10);
    fixture_run_well(world);
}

static void test_compaction(void)
{
    struct test_world world;
    test_world_open(&world);
    for (int i = 0; i < RUNS; i++)
        run_after(&world, 4 * MS_PER_HOUR);
    expect_files(&world, "bronze/ratings", RUNS, RUNS);
    g_autofree char *before = fixture_ask(&world, "SELECT * FROM bronze.ratings ORDER BY 3");
    run_after(&world, 8 * MS_PER_HOUR); /* 04:00 of the next day */
    expect_rows(&world, "bronze.ratings", RUNS + 1);
    expect_files(&world, "bronze/ratings", 2,
                 RUNS + 2); /* the day and the new hour; the old ones */
    g_autofree char *after =
        fixture_ask(&world, "SELECT * FROM bronze.ratings WHERE log_offset < 4 ORDER BY 3");
    g_assert_cmpstr(after, ==, before);
    run_after(&world, MS_PER_HOUR);
    expect_files(&world, "bronze/ratings", 3, RUNS + 3); /* two runs before still name them */
    run_after(&world, MS_PER_HOUR);
    expect_files(&world, "bronze/ratings", 4, 4); /* nobody does */
    run_after(&world, 30 * MS_PER_DAY);
    expect_rows(&world, "bronze.ratings", RUNS + 4);
    expect_files(&world, "bronze/ratings", 2, 6); /* March and the new hour; March's four files */
    test_world_close(&world);
}

static void test_retention(void)
{
    struct test_world world;
    test_world_open(&world);
    world.config->lake_bronze_retention_ms = MS_PER_DAY; /* less than hours may need: raised */
    int64_t least_ms = config_bronze_least_ms(world.config);
    int64_t first_ms = clock_now_ms(world.context.clock);
    fixture_rate(&world, MOVIE_ID, 10);
    fixture_run_well(&world);
    run_after(&world, least_ms - MS_PER_HOUR);
    expect_rows(&world, "bronze.ratings", 2);
    struct manifest *manifest = current(&world);
    g_assert_cmpint(manifest->bronze_from_ms, ==, INT64_MIN);
    manifest_free(manifest);
    run_after(&world, MS_PER_DAY);
    expect_rows(&world, "bronze.ratings", 2);
    expect_rows(&world, "silver.snapshots", 3);
    manifest = current(&world);
    g_assert_cmpint(manifest->bronze_from_ms, >, first_ms);
    g_assert_cmpint(manifest->bronze_from_ms, <=, manifest->cut_at_ms - least_ms);
    /* What bronze no longer has can't be computed again, and the limit is named. */
    GError *error = NULL;
    struct batch_report report;
    char limit[CLOCK_ISO_BYTES];
    clock_iso8601(retention_exact_from_ms(world.config, manifest), limit);
    g_assert_false(batch_as_of(&world.context, first_ms, NULL, NULL, &report, &error));
    g_assert_nonnull(strstr(error->message, limit));
    g_clear_error(&error);
    manifest_free(manifest);
    test_world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/retention/compaction", test_compaction);
    g_test_add_func("/retention/retention", test_retention);
    return g_test_run();
}

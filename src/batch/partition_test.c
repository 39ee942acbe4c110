/* Which rows stand in which file: cells that are big enough alone, the rest of a month, of a year,
 * and what is left, counted by hand; a small table is one file. Whatever the files, the table is
 * the same, and the next run reads it. */
#include "batch/partition.h"

#include <string.h>

#include "batch/batch_fixture.h"
#include "lake/manifest.h"

#define TEXT_LETTERS 1200
#define CELL_ROWS    24 /* what lake.partition_min is set to, in rows of this test */

struct group {
    int movies;
    const char *date, *genre;
};

/* In files of at least 24 rows: Drama of 2020-01 alone; War and none of 2022-03 together as the
 * month; 2021's months are too small, the year is not; the others are the rest. */
static const struct group groups[] = {
    {40, "2020-01-15", "Drama"},
    {10, "2020-01-15", "War & Peace/.."},
    {20, "2022-03-01", "War"},
    {20, "2022-03-31", ""},
    {15, "2021-05-01", "Drama"},
    {15, "2021-06-01", "Drama"},
    {5, "", "Drama"},
};

static const struct {
    const char *folder;
    int64_t rows;
} wanted[] = {
    {"silver/movies", 15},
    {"silver/movies/year=2021", 30},
    {"silver/movies/year=2022/month=03", 40},
    {"silver/movies/year=2020/month=01/genre=Drama", 40},
};

static void spool_movies(struct test_world *world)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    int32_t id = 1;
    for (size_t i = 0; i < G_N_ELEMENTS(groups); i++) {
        for (int j = 0; j < groups[i].movies; j++, id++) {
            char text[TEXT_LETTERS + 1];
            for (size_t k = 0; k < TEXT_LETTERS; k++)
                text[k] = (char)g_rand_int_range(random, 'a', 'z' + 1);
            text[TEXT_LETTERS] = '\0';
            g_autofree char *genre = g_strdup_printf("{\"id\":1,\"name\":\"%s\"}", groups[i].genre);
            g_autofree char *body = g_strdup_printf(
                "{\"id\":%d,\"title\":\"Movie %d\",\"release_date\":\"%s\",\"overview\":\"%s\","
                "\"genres\":[%s]}",
                id, id, groups[i].date, text, *groups[i].genre ? genre : "");
            fixture_spool(world, id, body);
        }
    }
}

static struct manifest *published(struct test_world *world)
{
    GError *error = NULL;
    struct manifest *manifest = NULL;
    g_assert_true(manifest_load_current(world->lake, &manifest, &error));
    g_assert_no_error(error);
    return manifest;
}

/* The files of a table below tables' names, without the run's name; and that the lake has no other.
 */
static void expect_files(struct test_world *world)
{
    struct manifest *manifest = published(world);
    const struct manifest_table *table = manifest_find_table(manifest, "silver/movies");
    for (guint i = 0; i < table->files->len; i++) {
        const struct manifest_file *file = table->files->pdata[i];
        g_autofree char *folder = g_path_get_dirname(file->name);
        g_test_message("%s: %d rows, %d bytes", file->name, (int)file->rows, (int)file->size_bytes);
        g_assert_cmpuint(i, <, G_N_ELEMENTS(wanted));
        g_assert_cmpstr(folder, ==, wanted[i].folder);
        g_assert_cmpint(file->rows, ==, wanted[i].rows);
    }
    g_assert_cmpuint(table->files->len, ==, G_N_ELEMENTS(wanted));
    manifest_free(manifest);
}

static char *all_rows(struct test_world *world)
{
    return fixture_ask(world, "SELECT movie_id, title, release_date, genres, overview, "
                              "quality_reasons, facts_at FROM silver.movies ORDER BY movie_id");
}

static void test_movies(void)
{
    struct test_world world;
    test_world_open(&world);
    spool_movies(&world);
    fixture_run_well(&world);
    struct manifest *manifest = published(&world);
    const struct manifest_table *table = manifest_find_table(manifest, "silver/movies");
    g_assert_cmpuint(table->files->len, ==, 1); /* 100 kB are one file */
    const struct manifest_file *file = table->files->pdata[0];
    world.config->lake_partition_min_bytes = CELL_ROWS * file->size_bytes / file->rows;
    manifest_free(manifest);
    char *before = all_rows(&world);
    for (int i = 0; i < 2; i++) { /* the second one starts from the first one's files */
        clock_advance(world.context.clock, MS_PER_HOUR);
        fixture_run_well(&world);
        expect_files(&world);
        char *after = all_rows(&world);
        g_assert_cmpstr(before, ==, after);
        free(after);
    }
    free(before);
    test_world_close(&world);
}

static void send_review(struct test_world *world, int number, int32_t movie_id, int64_t created_ms)
{
    char id[16], text[64];
    g_snprintf(id, sizeof id, "r%d", number);
    g_snprintf(text, sizeof text, "a great film, number %d", number);
    struct review review = {.review_id = {id, strlen(id)},
                            .movie_id = movie_id,
                            .author = {"a", 1},
                            .content = {text, strlen(text)},
                            .url = {"", 0},
                            .created_at_ms = created_ms};
    fixture_produce(world, TOPIC_REVIEWS, movie_id, &review);
}

/* Reviews go by when they were written, and by the first genre of their movie. */
static void test_reviews(void)
{
    struct test_world world;
    test_world_open(&world);
    fixture_spool(&world, 1, "{\"id\":1,\"title\":\"A\",\"genres\":[{\"name\":\"TV Movie\"}]}");
    world.config->lake_partition_min_bytes = 1; /* every cell is big enough */
    send_review(&world, 1, 1, TEST_START_MS - 2 * MS_PER_HOUR);
    send_review(&world, 2, 1, TEST_START_MS - MS_PER_HOUR);
    send_review(&world, 3, 1, TEST_START_MS - 10 * MS_PER_DAY);
    send_review(&world, 4, 2, TEST_START_MS - MS_PER_HOUR); /* of a movie that isn't known */
    fixture_run_well(&world);
    static const char *const folders[] = {"silver/reviews/year=2026/month=02/genre=TV%20Movie",
                                          "silver/reviews/year=2026/month=03/genre=none",
                                          "silver/reviews/year=2026/month=03/genre=TV%20Movie"};
    static const int64_t rows[] = {1, 1, 2};
    struct manifest *manifest = published(&world);
    const struct manifest_table *table = manifest_find_table(manifest, "silver/reviews");
    g_assert_cmpuint(table->files->len, ==, G_N_ELEMENTS(folders));
    for (guint i = 0; i < table->files->len; i++) {
        const struct manifest_file *file = table->files->pdata[i];
        g_autofree char *folder = g_path_get_dirname(file->name);
        g_assert_cmpstr(folder, ==, folders[i]);
        g_assert_cmpint(file->rows, ==, rows[i]);
    }
    manifest_free(manifest);
    fixture_expect(&world, "SELECT count(*) AS n FROM silver.reviews", "{\"n\":4}\n");
    test_world_close(&world);
}

/* All rows are in one cell: the file is that cell's. */
static void test_one_cell(void)
{
    struct test_world world;
    test_world_open(&world);
    world.config->lake_partition_min_bytes = 1;
    for (int32_t id = 1; id <= 2; id++) {
        g_autofree char *body =
            g_strdup_printf("{\"id\":%d,\"title\":\"A\",\"release_date\":\"2020-05-01\"}", id);
        fixture_spool(&world, id, body);
    }
    fixture_run_well(&world);
    struct manifest *manifest = published(&world);
    const struct manifest_table *table = manifest_find_table(manifest, "silver/movies");
    g_assert_cmpuint(table->files->len, ==, 1);
    const struct manifest_file *file = table->files->pdata[0];
    g_autofree char *folder = g_path_get_dirname(file->name);
    g_assert_cmpstr(folder, ==, "silver/movies/year=2020/month=05/genre=none");
    g_assert_cmpint(file->rows, ==, 2);
    struct arena *arena = arena_new();
    struct lake_object *objects;
    size_t count;
    g_assert_true(lake_list(world.lake, "silver/movies/", arena, &objects, &count, NULL));
    g_assert_cmpuint(count, ==, 1);
    arena_free(arena);
    manifest_free(manifest);
    fixture_expect(&world, "SELECT count(*) AS n FROM silver.movies", "{\"n\":2}\n");
    test_world_close(&world);
}

/* A death between two files leaves nothing behind, and the rerun makes the same ones. */
static void test_death(void)
{
    struct test_world world;
    test_world_open(&world);
    spool_movies(&world);
    fixture_run_well(&world);
    struct manifest *manifest = published(&world);
    const struct manifest_file *file =
        manifest_find_table(manifest, "silver/movies")->files->pdata[0];
    world.config->lake_partition_min_bytes = CELL_ROWS * file->size_bytes / file->rows;
    manifest_free(manifest);
    clock_advance(world.context.clock, MS_PER_HOUR);
    fixture_die_at(&world, "batch.partition.written:3");
    fixture_run_well(&world);
    expect_files(&world);
    struct arena *arena = arena_new();
    struct lake_object *objects;
    size_t count;
    g_assert_true(lake_list(world.lake, "tmp/", arena, &objects, &count, NULL));
    g_assert_cmpuint(count, ==, 0);
    arena_free(arena);
    test_world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/partition/movies", test_movies);
    g_test_add_func("/partition/reviews", test_reviews);
    g_test_add_func("/partition/one_cell", test_one_cell);
    g_test_add_func("/partition/death", test_death);
    return g_test_run();
}

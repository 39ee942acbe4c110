/* The same inputs give the same bytes: a second run over them, and a past instant computed again,
 * also after later runs, leave the same Parquet files and the same documents, those on data quality
 * among them. The inputs are such that sources of one moment disagree: an answer of TMDB, facts and
 * a rating, as ingest publishes them together. */
#include <string.h>

#include <sqlite3.h>

#include "batch/as_of.h"
#include "batch/batch_fixture.h"
#include "lake/manifest.h"

#define MOVIES 30

static void facts_of(struct test_world *world, int32_t movie_id, const char *title)
{
    struct metadata metadata = {
        .movie_id = movie_id,
        .title = {title, strlen(title)},
        .event_type = {"new", 3},
        .timestamp_ms = clock_now_ms(world->context.clock),
    };
    fixture_produce(world, TOPIC_METADATA, movie_id, &metadata);
}

static void review_of(struct test_world *world, int32_t movie_id, const char *id)
{
    static const char text[] = "A wonderful film, but the ending was not good at all.";
    struct review review = {
        .review_id = {id, strlen(id)},
        .movie_id = movie_id,
        .author = {"ann", 3},
        .content = {text, sizeof text - 1},
        .url = {"", 0},
        .created_at_ms = clock_now_ms(world->context.clock),
    };
    fixture_produce(world, TOPIC_REVIEWS, movie_id, &review);
}

/* Answers with budgets, of which the log at the same moment knows nothing, and other numbers. */
static void bring(struct test_world *world, int32_t first)
{
    for (int32_t id = first; id < first + MOVIES; id++) {
        g_autofree char *review_id =
            g_strdup_printf("%d-%" G_GINT64_FORMAT, id, clock_now_ms(world->context.clock));
        g_autofree char *body = g_strdup_printf(
            "{\"id\":%d,\"title\":\"Movie %d\",\"release_date\":\"2020-01-%02d\",\"runtime\":%d,"
            "\"budget\":%d,\"revenue\":%d,\"popularity\":%d.5,\"vote_average\":7.25,"
            "\"vote_count\":50,\"genres\":[{\"id\":18,\"name\":\"Drama\"}],\"credits\":{\"cast\":[{"
            "\"id\":%d,\"name\":\"Ann\",\"character\":\"X\",\"order\":0}],\"crew\":[]}}",
            id, id, id % 28 + 1, 60 + id, 1000 * id, 3000 * id, id, id % 7 + 1);
        fixture_spool(world, id, body);
        facts_of(world, id, "As the log says");
        fixture_rate(world, id, id * 2);
        review_of(world, id, review_id);
    }
}

static gint compare_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Name and checksum of each file of silver and gold, without the run's id. */
static char *files_of(const struct manifest *manifest)
{
    GString *text = g_string_new(NULL);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < manifest->tables->len; i++) {
        const struct manifest_table *table = manifest->tables->pdata[i];
        if (!g_str_has_prefix(table->name, "silver/") && !g_str_has_prefix(table->name, "gold/"))
            continue;
        for (guint j = 0; j < table->files->len; j++)
            g_ptr_array_add(
                lines,
                g_strdup_printf("%s %s\n", table->name,
                                ((const struct manifest_file *)table->files->pdata[j])->sha256));
    }
    g_ptr_array_sort(lines, compare_text);
    for (guint i = 0; i < lines->len; i++)
        g_string_append(text, lines->pdata[i]);
    return g_string_free(text, FALSE);
}

static char *published_files(struct test_world *world)
{
    GError *error = NULL;
    struct manifest *manifest = NULL;
    g_assert_true(manifest_load_current(world->lake, &manifest, &error));
    char *text = files_of(manifest);
    manifest_free(manifest);
    return text;
}

static char *past_files(struct test_world *world, int64_t as_of_ms)
{
    GError *error = NULL;
    struct batch_report report;
    bool done = batch_as_of(&world->context, as_of_ms, NULL, NULL, &report, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    struct manifest *manifest = manifest_load(world->lake, report.run_id, &error);
    g_assert_no_error(error);
    char *text = files_of(manifest);
    manifest_free(manifest);
    return text;
}

/* All documents of the served generation: a line each, key and data. */
static char *documents(struct test_world *world, const char *view_type)
{
    g_autofree char *path = config_path(world->config, "views.db");
    GString *text = g_string_new(NULL);
    sqlite3 *db;
    sqlite3_stmt *query;
    g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
    g_assert_cmpint(
        sqlite3_prepare_v2(db,
                           "SELECT substr(_id, 12), data FROM batch_views WHERE generation = "
                           "(SELECT generation FROM pointer) AND view_type LIKE ?1 ORDER BY _id",
                           -1, &query, NULL),
        ==, SQLITE_OK);
    sqlite3_bind_text(query, 1, view_type, -1, SQLITE_STATIC);
    while (sqlite3_step(query) == SQLITE_ROW)
        g_string_append_printf(text, "%s %s\n", sqlite3_column_text(query, 0),
                               sqlite3_column_text(query, 1));
    sqlite3_finalize(query);
    sqlite3_close(db);
    return g_string_free(text, FALSE);
}

static void test_again(void)
{
    struct test_world world;
    test_world_open(&world);
    bring(&world, 1);
    clock_advance(world.context.clock, MS_PER_HOUR);
    int64_t first_ms = clock_now_ms(world.context.clock);
    fixture_run_well(&world);
    g_autofree char *files = published_files(&world), *docs = documents(&world, "%");
    g_autofree char *quality = documents(&world, "quality");
    g_assert_nonnull(strstr(quality, "silver.movies"));
    fixture_expect(&world, "SELECT budget, popularity_e4 FROM silver.movies WHERE movie_id = 5",
                   "{\"budget\":5000,\"popularity_e4\":55000}\n");

    fixture_run_well(&world);
    g_autofree char *files_again = published_files(&world), *docs_again = documents(&world, "%");
    g_assert_cmpstr(files_again, ==, files);
    g_assert_cmpstr(docs_again, ==, docs);

    clock_advance(world.context.clock, MS_PER_HOUR);
    bring(&world, MOVIES / 2); /* half of them again, half new */
    clock_advance(world.context.clock, MS_PER_HOUR);
    int64_t second_ms = clock_now_ms(world.context.clock);
    fixture_run_well(&world);
    g_autofree char *later = published_files(&world);
    g_assert_cmpstr(later, !=, files);

    g_autofree char *past = past_files(&world, first_ms), *now = past_files(&world, second_ms);
    g_assert_cmpstr(past, ==, files);
    g_assert_cmpstr(now, ==, later);
    g_autofree char *past_again = past_files(&world, first_ms);
    g_assert_cmpstr(past_again, ==, files);
    test_world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recompute/again", test_again);
    return g_test_run();
}

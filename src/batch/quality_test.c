/* Each expectation gives the counts that a person wrote down: the files of tests/quality/cases hold
 * a table, and expectations with what they find in it. The score counts rows by what is critical.
 * A run whose rows fail it isn't published, and says why; results are stored with the run. */
#include "batch/quality_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"
#include "base/metrics.h"
#include "batch/batch_run.h"
#include "batch/duckdb_session.h"
#include "batch/engine_duckdb.h"
#include "batch/tables.h"
#include "batch/test_world.h"
#include "bus/bus.h"
#include "bus/registry.h"
#include "bus/serde.h"
#include "view/view.h"

#define RELATION "given"

/* ---- one suite over a table ---- */

static struct engine *open_engine(struct test_world *world)
{
    GError *error = NULL;
    g_autofree char *root = tables_lake_root(world->lake, &error);
    struct engine *engine = engine_open(&world->context, root, &error);
    g_assert_no_error(error);
    return engine;
}

static void make_table(struct engine *engine, const char *select)
{
    GError *error = NULL;
    g_autofree char *sql =
        g_strdup_printf("CREATE OR REPLACE TEMP TABLE " RELATION " AS %s", select);
    bool done = duckdb_session_run(engine_duckdb_session(engine), sql, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(done);
}

static struct quality_suite *make_suite(json_t *expectations)
{
    GError *error = NULL;
    json_t *document = json_pack("{s:s, s:O}", "name", "given", "expectations", expectations);
    char *text = json_dumps(document, 0);
    struct quality_suite *suite = quality_suite_parse("given.json", text, strlen(text), &error);
    g_assert_no_error(error);
    free(text);
    json_decref(document);
    return suite;
}

static struct quality_result *judge(struct engine *engine, const struct quality_suite *suite)
{
    GError *error = NULL;
    struct quality_result *result =
        quality_check(engine, suite, RELATION, "run-1", TEST_START_MS, &error);
    g_assert_no_error(error);
    g_assert_nonnull(result);
    return result;
}

/* Numbers by value: 4 is 4.0. */
static bool alike(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        double x = json_number_value(a), y = json_number_value(b);
        return !(x < y || x > y);
    }
    if (json_is_array(a) && json_is_array(b)) {
        bool same = json_array_size(a) == json_array_size(b);
        for (size_t i = 0; same && i < json_array_size(a); i++)
            same = alike(json_array_get(a, i), json_array_get(b, i));
        return same;
    }
    if (!json_is_object(a) || !json_is_object(b) || json_object_size(a) != json_object_size(b))
        return json_equal(a, b);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)a, key, value)
    {
        if (!alike(value, json_object_get(b, key)))
            return false;
    }
    return true;
}

/* An expected result names the fields that it is about. */
static void compare(const char *file, const json_t *wanted, const json_t *found)
{
    g_autoptr(GString) text = g_string_new(NULL);
    quality_result_write(text, found);
    const json_t *trouble = json_object_get(wanted, "trouble");
    const json_t *info = json_object_get(found, "exception_info");
    bool same = json_equal(json_object_get(wanted, "success"), json_object_get(found, "success")) &&
                json_is_true(json_object_get(info, "raised_exception")) == (trouble != NULL) &&
                (!trouble || json_equal(trouble, json_object_get(info, "exception_message")));
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(wanted, "result"), key, value) same =
        same && alike(value, json_object_get(json_object_get(found, "result"), key));
    if (!same)
        g_error("%s: wanted %s, found %s", file, json_dumps(wanted, 0), text->str);
}

static json_t *strip(json_t *cases)
{
    json_t *expectations = json_array();
    for (size_t i = 0; i < json_array_size(cases); i++) {
        json_t *one = json_array_get(cases, i);
        json_array_append_new(expectations,
                              json_pack("{s:O, s:O}", "type", json_object_get(one, "type"),
                                        "kwargs", json_object_get(one, "kwargs")));
    }
    return expectations;
}

static void run_file(struct engine *engine, const char *path, GHashTable *seen)
{
    json_error_t trouble;
    json_t *file = json_load_file(path, 0, &trouble);
    if (!file)
        g_error("%s: %s", path, trouble.text);
    json_t *cases = json_object_get(file, "cases");
    json_t *expectations = strip(cases);
    make_table(engine, json_string_value(json_object_get(file, "table")));
    struct quality_suite *suite = make_suite(expectations);
    struct quality_result *result = judge(engine, suite);
    g_assert_cmpint(result->rows, ==, json_integer_value(json_object_get(file, "rows")));
    g_assert_cmpuint(result->evaluated, ==, json_array_size(cases));
    const json_t *results = json_object_get(result->document, "results");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        compare(path, json_array_get(cases, i), json_array_get(results, i));
        g_hash_table_add(seen, (char *)suite->items[i].kind->type);
    }
    quality_result_free(result);
    quality_suite_free(suite);
    json_decref(expectations);
    json_decref(file);
}

static void test_cases(void)
{
    static const char *const files[] = {"values.json", "rows.json", "figures.json", "empty.json"};
    struct test_world world;
    test_world_open(&world);
    struct engine *engine = open_engine(&world);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(g_getenv("MARQUEE_SOURCE_ROOT"), "tests",
                                                 "quality", "cases", files[i], NULL);
        run_file(engine, path, seen);
    }
    for (size_t i = 0; i < quality_kinds_count; i++) {
        if (!g_hash_table_contains(seen, quality_kinds[i].type))
            g_error("no case is about %s", quality_kinds[i].type);
    }
    engine_close(engine);
    test_world_close(&world);
}

/* ---- the score ---- */

static void expect_score(struct engine *engine, const char *expectations, int64_t passed)
{
    json_t *list = json_loads(expectations, 0, NULL);
    g_assert_nonnull(list);
    struct quality_suite *suite = make_suite(list);
    struct quality_result *result = judge(engine, suite);
    g_assert_cmpint(result->rows, ==, 5);
    g_assert_cmpint(result->passed, ==, passed);
    quality_result_free(result);
    quality_suite_free(suite);
    json_decref(list);
}

#define NOT_NULL(column, more)                                                                     \
    "{\"type\":\"expect_column_values_to_not_be_null\",\"kwargs\":{\"column\":\"" column           \
    "\"}" more "}"
#define UNIQUE(column)                                                                             \
    "{\"type\":\"expect_column_values_to_be_unique\",\"kwargs\":{\"column\":\"" column "\"}}"

/* Rows (1, a), (2, null), (2, b), (null, null), (5, c): n is missing in one and twice the same in
 * two, g is missing in two, one of which lacks n. */
static void test_score(void)
{
    struct test_world world;
    test_world_open(&world);
    struct engine *engine = open_engine(&world);
    make_table(engine, "SELECT * FROM (VALUES (1, 'a'), (2, NULL), (2, 'b'), (NULL, NULL), (5, "
                       "'c')) AS t(n, g)");
    expect_score(engine, "[]", 5);
    expect_score(engine, "[" NOT_NULL("n", "") "]", 4);
    expect_score(engine, "[" NOT_NULL("n", ",\"severity\":\"critical\"") "]", 4);
    expect_score(engine, "[" NOT_NULL("n", ",\"severity\":\"warning\"") "]", 5);
    expect_score(engine, "[" NOT_NULL("n", "") "," NOT_NULL("g", "") "]", 3);
    expect_score(engine, "[" NOT_NULL("n", "") "," NOT_NULL("g", "") "," UNIQUE("n") "]", 2);
    expect_score(engine, "[" NOT_NULL("absent", "") "]", 0);
    expect_score(engine, "[" NOT_NULL("absent", ",\"severity\":\"info\"") "]", 5);
    expect_score(engine,
                 "[{\"type\":\"expect_table_row_count_to_equal\",\"kwargs\":{\"value\":9}}]", 5);
    engine_close(engine);
    test_world_close(&world);
}

/* The first 20 stand in a list, texts are cut, and the document is theirs in form. */
static void test_lists(void)
{
    struct test_world world;
    test_world_open(&world);
    struct engine *engine = open_engine(&world);
    make_table(engine,
               "SELECT 100 - CAST(range AS INT) AS n, repeat('ä', 300) AS t FROM range(50)");
    json_t *list =
        json_loads("[{\"type\":\"expect_column_values_to_be_null\",\"kwargs\":{\"column\":\"n\"}},"
                   "{\"type\":\"expect_column_values_to_be_null\",\"kwargs\":{\"column\":\"t\"},"
                   "\"id\":\"x\",\"severity\":\"info\"}]",
                   0, NULL);
    struct quality_suite *suite = make_suite(list);
    struct quality_result *result = judge(engine, suite);
    const json_t *results = json_object_get(result->document, "results");
    const json_t *numbers = json_object_get(json_object_get(json_array_get(results, 0), "result"),
                                            "partial_unexpected_list");
    g_assert_cmpuint(json_array_size(numbers), ==, 20);
    g_assert_cmpint(json_integer_value(json_array_get(numbers, 0)), ==, 100);
    g_assert_cmpint(json_integer_value(json_array_get(numbers, 19)), ==, 81);
    const json_t *texts = json_object_get(json_object_get(json_array_get(results, 1), "result"),
                                          "partial_unexpected_list");
    g_assert_cmpint(g_utf8_strlen(json_string_value(json_array_get(texts, 0)), -1), ==, 100);
    g_autoptr(GString) text = g_string_new(NULL);
    json_object_del((json_t *)json_object_get(json_array_get(results, 0), "result"),
                    "partial_unexpected_list");
    quality_result_write(text, json_array_get(results, 0));
    g_assert_cmpstr(text->str, ==,
                    "{\"success\":false,\"expectation_config\":{\"type\":\"expect_column_values_to_"
                    "be_null\",\"kwargs\":{\"column\":\"n\"},\"meta\":{},\"severity\":\"critical\"}"
                    ",\"result\":{\"element_count\":50,\"unexpected_count\":50,"
                    "\"unexpected_percent\":100},\"meta\":{},\"exception_info\":{\"raised_"
                    "exception\":false,\"exception_traceback\":null,\"exception_message\":null}}");
    quality_result_free(result);
    quality_suite_free(suite);
    json_decref(list);
    engine_close(engine);
    test_world_close(&world);
}

/* A pattern that this engine can't read stops the check, and the text says which. */
static void test_pattern(void)
{
    struct test_world world;
    test_world_open(&world);
    struct engine *engine = open_engine(&world);
    make_table(engine, "SELECT 'a' AS t");
    json_t *list = json_loads("[{\"type\":\"expect_column_values_to_match_regex_list\",\"kwargs\":{"
                              "\"column\":\"t\",\"regex_list\":[\"a\",\"(?=b)\"]}}]",
                              0, NULL);
    struct quality_suite *suite = make_suite(list);
    GError *error = NULL;
    g_assert_null(quality_check(engine, suite, RELATION, "run-1", 0, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
    g_assert_nonnull(strstr(error->message, "given.json: expectation 0: "));
    g_error_free(error);
    quality_suite_free(suite);
    json_decref(list);
    engine_close(engine);
    test_world_close(&world);
}

/* ---- the suites of this build ---- */

static const char *const tables[] = {"gold.genre_analytics",    "gold.people",
                                     "gold.revenue_analytics",  "gold.sentiment_trends",
                                     "gold.temporal_analytics", "gold.trending_scores",
                                     "silver.hours_sentiment",  "silver.hours_stats",
                                     "silver.hours_trending",   "silver.movies",
                                     "silver.people",           "silver.quarantine",
                                     "silver.reviews",          "silver.snapshots"};

/* Each suite fits its table: on the table without rows nothing is in trouble, and the list of
 * columns is met. */
static void test_suites(void)
{
    struct test_world world;
    test_world_open(&world);
    struct engine *engine = open_engine(&world);
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        GError *error = NULL;
        g_autofree char *path = g_strdup_printf(QUALITY_FOLDER "%s.json", tables[i]);
        size_t len;
        const char *text = embedded_text(path, &len);
        struct quality_suite *suite = quality_suite_parse(path, text, len, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(suite->name, ==, tables[i]);
        g_autofree char *table = g_strdup(tables[i]);
        g_strdelimit(table, ".", '/');
        g_autofree char *columns = g_strdup_printf("sql/%s_columns.sql", table);
        bool done = tables_view(RELATION, columns, NULL, engine, world.lake, &error);
        g_assert_no_error(error);
        g_assert_true(done);
        struct quality_result *result = judge(engine, suite);
        if (result->successful != result->evaluated)
            g_error("%s: %s", path, json_dumps(result->document, 0));
        quality_result_free(result);
        quality_suite_free(suite);
    }
    engine_close(engine);
    test_world_close(&world);
}

/* ---- a run ---- */

static void produce(struct test_world *world, int movie_id, const char *title)
{
    GError *error = NULL;
    struct bus *bus = bus_open(&world->context, &error);
    g_assert_no_error(error);
    struct registry *registry = registry_open(&world->context, &error);
    g_assert_no_error(error);
    struct serde *serde = serde_new(registry, &error);
    g_assert_no_error(error);
    const char *topic = topic_info(TOPIC_METADATA)->name;
    g_assert_true(bus_create_topic(bus, topic, (int)world->config->bus_partitions, &error));
    struct metadata metadata = {.movie_id = movie_id,
                                .title = {title, strlen(title)},
                                .event_type = {"new", 3},
                                .timestamp_ms = clock_now_ms(world->context.clock)};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    serde_encode(serde, TOPIC_METADATA, &metadata, bytes);
    char key[TOPIC_KEY_BYTES];
    struct bus_message message = {.topic = topic,
                                  .partition = BUS_PARTITION_BY_KEY,
                                  .key = {key, topic_movie_key(movie_id, key)},
                                  .value = {(const char *)bytes->data, bytes->len}};
    g_assert_true(bus_produce(bus, &message, 1, NULL, &error));
    serde_free(serde);
    registry_close(registry);
    bus_close(bus);
}

static bool run(struct test_world *world, struct batch_report *ret_report, GError **error)
{
    clock_advance(world->context.clock, 60 * 1000);
    return batch_run(&world->context, NULL, NULL, ret_report, error);
}

/* The stored result of a run, or the documents of the served generation. */
static json_t *stored(struct test_world *world, const char *run_id)
{
    GError *error = NULL;
    struct arena *arena = arena_new();
    g_autofree char *name = quality_object_name(run_id);
    char *text;
    size_t len;
    bool found = lake_get(world->lake, name, arena, &text, &len, &error);
    g_assert_no_error(error);
    g_assert_true(found);
    json_t *document = json_loadb(text, len, 0, NULL);
    g_assert_nonnull(document);
    arena_free(arena);
    return document;
}

static json_t *served(struct test_world *world, const char *table)
{
    GError *error = NULL;
    struct view *view = view_open(&world->context, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    struct view_generation generation;
    g_assert_true(view_current(view, arena, &generation, &error));
    struct view_filter filter = {.key = {.view_type = "quality"}};
    struct view_doc *docs;
    size_t count;
    const char *cursor;
    bool done = view_query(view, generation.generation, &filter, NULL, 100, arena, &docs, &count,
                           &cursor, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    json_t *document = NULL;
    for (size_t i = 0; i < count; i++) {
        if (g_strcmp0(docs[i].key.window ? docs[i].key.window : "", table) == 0)
            document = json_loads(docs[i].data, 0, NULL);
    }
    g_assert_nonnull(document);
    arena_free(arena);
    view_close(view);
    return document;
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* One movie of four without a title is 75 %: below the floor of 80 % nothing is published, with a
 * floor of 75 % it is, and the score is on the gauge. */
static void test_gate(void)
{
    struct test_world world;
    GError *error = NULL;
    struct batch_report report;
    test_world_open(&world);
    world.context.metrics = metrics_new();
    produce(&world, 1, "Dune");
    produce(&world, 2, "Alien");
    produce(&world, 3, "Heat");
    g_assert_true(run(&world, &report, &error));
    int64_t good = report.generation;
    json_t *overview = served(&world, "");
    g_assert_cmpfloat(number_of(overview, "score"), ==, 1);
    g_assert_cmpfloat(number_of(overview, "floor"), ==, 0.8);
    g_assert_cmpuint(json_array_size(json_object_get(overview, "tables")), ==,
                     G_N_ELEMENTS(tables));
    json_decref(overview);
    json_t *result = stored(&world, report.run_id);
    g_assert_cmpstr(json_string_value(json_object_get(result, "run_id")), ==, report.run_id);
    json_decref(result);

    produce(&world, 4, "");
    g_assert_false(run(&world, &report, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
    g_assert_nonnull(strstr(error->message,
                            "silver.movies: 75.00 % of 4 rows pass all critical expectations, "
                            "below quality.floor (80 %): nothing is published; most rows fail"));
    g_assert_nonnull(strstr(error->message, "(1 rows)"));
    g_clear_error(&error);
    overview = served(&world, "");
    g_assert_cmpfloat(number_of(overview, "score"), ==, 1);
    json_decref(overview);
    g_assert_cmpfloat(metrics_get(world.context.metrics, METRIC_QUALITY_SCORE, "silver.movies"), ==,
                      0.75);

    world.config->quality_floor = 0.75;
    bool done = run(&world, &report, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_cmpint(report.generation, >, good);
    overview = served(&world, "");
    g_assert_cmpfloat(number_of(overview, "lowest_score"), ==, 0.75);
    g_assert_cmpstr(json_string_value(json_object_get(overview, "lowest_table")), ==,
                    "silver.movies");
    json_decref(overview);
    json_t *movies = served(&world, "silver.movies");
    g_assert_cmpfloat(number_of(movies, "rows_passed"), ==, 3);
    g_assert_true(json_is_false(json_object_get(json_object_get(movies, "validation"), "success")));
    json_decref(movies);
    metrics_free(world.context.metrics);
    test_world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/quality/cases", test_cases);
    g_test_add_func("/quality/score", test_score);
    g_test_add_func("/quality/lists", test_lists);
    g_test_add_func("/quality/pattern", test_pattern);
    g_test_add_func("/quality/suites", test_suites);
    g_test_add_func("/quality/gate", test_gate);
    return g_test_run();
}

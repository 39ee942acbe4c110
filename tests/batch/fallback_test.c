/* Proves that credits and keywords which TMDB leaves out of an answer, and which ingest then asks
 * for by calls of their own, go the whole way: spool, bronze, silver, gold, the served documents. A
 * later answer without the blocks takes nothing away, and a later call wins over what was there. */
#include <string.h>

#include <jansson.h>

#include "batch/batch_run.h"
#include "batch/query.h"
#include "ingest/fake_tmdb.h"
#include "ingest/ingest_fixture.h"
#include "ingest/ingest_internal.h"
#include "view/view.h"

#define NOW_MS INT64_C(1772510400000) /* 2026-03-03T04:00:00Z */
#define LIST   "{\"page\":1,\"total_pages\":1,\"results\":[%s]}"
#define NUMBERS                                                                                    \
    "\"id\":603,\"vote_count\":10,\"vote_average\":7.5,\"popularity\":60.25,\"original_"           \
    "language\":\"en\""
#define MOVIE                                                                                      \
    "{" NUMBERS ",\"title\":\"The Matrix\",\"release_date\":\"1999-03-31\","                       \
    "\"genres\":[{\"id\":28,\"name\":\"Action\"}]}"
#define CREDITS                                                                                    \
    "{\"id\":603,\"cast\":[{\"id\":6384,\"name\":\"Keanu Reeves\",\"character\":\"Neo\","          \
    "\"order\":0}],\"crew\":[{\"id\":9340,\"name\":\"Lana Wachowski\",\"job\":\"Director\","       \
    "\"department\":\"Directing\"}]}"
#define RECAST                                                                                     \
    "{\"id\":603,\"cast\":[{\"id\":6384,\"name\":\"Keanu Reeves\",\"character\":\"Thomas "         \
    "Anderson\",\"order\":0}],\"crew\":[]}"
#define KEYWORDS "{\"id\":603,\"keywords\":[{\"id\":83,\"name\":\"saving the world\"}]}"

struct world {
    struct ingest_fixture base;
    struct context http_context;
    struct fake_tmdb *fake;
};

static void world_open(struct world *world)
{
    static const char *const lists[] = {"/trending/movie/day", "/movie/now_playing",
                                        "/movie/top_rated", "/movie/changes"};
    ingest_fixture_open(&world->base, clock_new_manual(NOW_MS));
    world->fake = fake_tmdb_start();
    g_free(world->base.config->tmdb_base_url);
    world->base.config->tmdb_base_url = g_strdup(fake_tmdb_url(world->fake));
    world->base.config->ingest_list_pages = 1;
    world->http_context = world->base.context;
    world->http_context.clock = clock_new_real();
    g_autofree char *none = g_strdup_printf(LIST, ""),
                    *one = g_strdup_printf(LIST, "{" NUMBERS "}");
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        fake_tmdb_set(world->fake, lists[i], 200, none);
    fake_tmdb_set(world->fake, "/movie/latest", 404, "{}");
    fake_tmdb_set(world->fake, "/movie/popular", 200, one);
    fake_tmdb_set(world->fake, "/movie/603", 200, MOVIE);
    fake_tmdb_set(world->fake, "/movie/603/reviews", 200, none);
    fake_tmdb_set(world->fake, "/movie/603/credits", 200, CREDITS);
    fake_tmdb_set(world->fake, "/movie/603/keywords", 200, KEYWORDS);
}

static void world_close(struct world *world)
{
    fake_tmdb_stop(world->fake);
    clock_free(world->http_context.clock);
    ingest_fixture_close(&world->base);
}

/* A start of ingest that asks what is due, and a batch run. */
static void ingest_and_run(struct world *world)
{
    GError *error = NULL;
    struct batch_report report;
    struct ingest *ingest = ingest_open(&world->base.context, &world->http_context, 0, &error);
    g_assert_no_error(error);
    while (ingest_ask(ingest) || tmdb_client_pending(ingest->client))
        tmdb_client_run(ingest->client, 1000);
    bool done = ingest_flush(ingest, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    ingest_close(ingest);
    clock_advance(world->base.context.clock, MS_PER_MINUTE);
    done = batch_run(&world->base.context, NULL, NULL, &report, &error);
    g_assert_no_error(error);
    g_assert_true(done);
}

static void expect(struct world *world, const char *sql, const char *wanted)
{
    GError *error = NULL;
    char *text = NULL;
    size_t len = 0;
    int64_t rows;
    FILE *out = open_memstream(&text, &len);
    bool done = batch_query(&world->base.context, sql, QUERY_JSON, out, &rows, &error);
    fclose(out);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_cmpstr(text, ==, wanted);
    free(text);
}

/* The served document of a view about one id. */
static json_t *document(struct world *world, const char *view_type, int32_t id)
{
    GError *error = NULL;
    struct view *view = view_open(&world->base.context, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    struct view_generation generation;
    struct view_filter filter = {.key = {.view_type = view_type, .movie_id = id}};
    struct view_doc *docs;
    size_t count;
    const char *cursor;
    bool done = view_current(view, arena, &generation, &error) &&
                view_query(view, generation.generation, &filter, NULL, 1, arena, &docs, &count,
                           &cursor, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_cmpuint(count, ==, 1);
    json_t *object = json_loads(docs[0].data, 0, NULL);
    g_assert_nonnull(object);
    arena_free(arena);
    view_close(view);
    return object;
}

static void test_single_calls(void)
{
    static const char credits_sql[] =
        "SELECT name, movie_id, credit, role FROM silver.people ORDER BY name, role";
    struct world world;
    world_open(&world);
    ingest_and_run(&world);
    g_assert_cmpuint(fake_tmdb_count(world.fake, "/movie/603/credits"), ==, 1);
    expect(&world, "SELECT api_endpoint FROM bronze.movies ORDER BY 1",
           "{\"api_endpoint\":\"/movie/603/credits\"}\n"
           "{\"api_endpoint\":\"/movie/603/keywords\"}\n"
           "{\"api_endpoint\":\"/movie/603?append_to_response=credits,keywords\"}\n");
    expect(&world, credits_sql,
           "{\"name\":\"Keanu Reeves\",\"movie_id\":603,\"credit\":\"cast\",\"role\":\"Neo\"}\n"
           "{\"name\":\"Lana "
           "Wachowski\",\"movie_id\":603,\"credit\":\"crew\",\"role\":\"Director\"}\n");
    expect(&world, "SELECT keywords FROM silver.movies", "{\"keywords\":[\"saving the world\"]}\n");
    expect(&world, "SELECT count(*) AS n FROM silver.quarantine", "{\"n\":0}\n");
    expect(&world, "SELECT name, movie_count FROM gold.people ORDER BY name",
           "{\"name\":\"Keanu Reeves\",\"movie_count\":1}\n"
           "{\"name\":\"Lana Wachowski\",\"movie_count\":1}\n");
    json_t *person = document(&world, "people", 6384);
    g_assert_cmpstr(json_string_value(json_object_get(person, "name")), ==, "Keanu Reeves");
    json_decref(person);

    /* A week later the calls fail: what was known stays. */
    clock_advance(world.base.context.clock, 7 * MS_PER_DAY);
    fake_tmdb_set(world.fake, "/movie/603/credits", 404, "{}");
    fake_tmdb_set(world.fake, "/movie/603/keywords", 404, "{}");
    ingest_and_run(&world);
    g_assert_cmpuint(fake_tmdb_count(world.fake, "/movie/603/credits"), >, 1);
    expect(&world, "SELECT name, movie_count FROM gold.people ORDER BY name",
           "{\"name\":\"Keanu Reeves\",\"movie_count\":1}\n"
           "{\"name\":\"Lana Wachowski\",\"movie_count\":1}\n");
    expect(&world, "SELECT keywords FROM silver.movies", "{\"keywords\":[\"saving the world\"]}\n");

    /* Another week later they say something else, which is all there is then. */
    clock_advance(world.base.context.clock, 7 * MS_PER_DAY);
    fake_tmdb_set(world.fake, "/movie/603/credits", 200, RECAST);
    ingest_and_run(&world);
    expect(&world, credits_sql,
           "{\"name\":\"Keanu Reeves\",\"movie_id\":603,\"credit\":\"cast\",\"role\":\"Thomas "
           "Anderson\"}\n");
    world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fallback/single_calls", test_single_calls);
    return g_test_run();
}

/* What comes in wrong goes the whole way, from spool and log through bronze, silver and gold to the
 * views: bronze keeps it as it came, the row is flagged or put in quarantine with the reason, sums
 * leave out what can't be, and the sound movie beside it is served as if nothing had been. */
#include <string.h>

#include <jansson.h>

#include "batch/batch_fixture.h"

#define SOUND_ID     1
#define BAD_ID       550
#define REVIEW_BYTES ((size_t)1000 * 1000) /* the bus takes 1 MiB a record */

static void spool_sound(struct test_world *world)
{
    fixture_spool(world, SOUND_ID,
                  "{\"id\":1,\"title\":\"Sound\",\"release_date\":\"2020-05-01\",\"runtime\":100,"
                  "\"budget\":1000000,\"revenue\":3000000,\"popularity\":12.5,\"vote_average\":7,"
                  "\"vote_count\":50,\"genres\":[{\"id\":18,\"name\":\"Drama\"}]}");
}

/* A document that is there and is JSON. */
static json_t *document(struct test_world *world, const char *view_type, int32_t movie_id)
{
    g_autofree char *text = fixture_document(world, view_type, movie_id);
    g_assert_nonnull(text);
    json_t *object = json_loads(text, JSON_ALLOW_NUL, NULL);
    g_assert_nonnull(object);
    return object;
}

static void expect_served(struct test_world *world, int32_t movie_id, const char *reasons)
{
    json_t *movie = document(world, "movie", movie_id);
    g_assert_cmpstr(json_string_value(json_object_get(movie, "quality_flag")), ==,
                    *reasons ? "WARNING" : "OK");
    g_assert_cmpstr(json_string_value(json_object_get(movie, "quality_reasons")), ==, reasons);
    json_decref(movie);
}

static void expect_not_served(struct test_world *world, int32_t movie_id)
{
    g_autofree char *text = fixture_document(world, "movie", movie_id);
    g_assert_null(text);
}

/* Bronze keeps an answer byte for byte. */
static void expect_raw(struct test_world *world, int32_t movie_id, const char *body)
{
    json_t *row = json_pack("{s:s}", "raw_json", body);
    char *text = json_dumps(row, JSON_COMPACT);
    g_autofree char *sql =
        g_strdup_printf("SELECT raw_json FROM bronze.movies WHERE movie_id = %d", movie_id);
    g_autofree char *wanted = g_strconcat(text, "\n", NULL);
    fixture_expect(world, sql, wanted);
    free(text);
    json_decref(row);
}

struct bad_answer {
    const char *body, *why;
};

/* All of them beside a sound one, in one run; the movies are BAD_ID and those that follow. */
static void run_with(struct test_world *world, const struct bad_answer *answers, size_t count)
{
    test_world_open(world);
    spool_sound(world);
    for (size_t i = 0; i < count; i++)
        fixture_spool(world, BAD_ID + (int32_t)i, answers[i].body);
    fixture_run_well(world);
    expect_served(world, SOUND_ID, "");
    for (size_t i = 0; i < count; i++)
        expect_raw(world, BAD_ID + (int32_t)i, answers[i].body);
}

/* Answers that are no movie: kept, in quarantine with the reason, served nowhere. */
static void test_quarantined(void)
{
    static const struct bad_answer answers[] = {
        {"{\"id\":550,\"title\":\"Fight Cl", "no JSON object with an id"},
        {"", "no JSON object with an id"},
        {"[552]", "no JSON object with an id"},
        {"{\"title\":\"No id\",\"release_date\":\"2020-01-01\"}", "no JSON object with an id"},
        {"{\"id\":\"554\",\"title\":\"Text id\"}", "no JSON object with an id"},
        {"{\"id\":1,\"title\":\"Another\"}", "the id of another movie"},
        {"{\"id\":556,\"release_date\":\"2020-01-01\"}", "no title"},
        {"{\"id\":557,\"title\":\"\"}", "no title"},
        {"{\"id\":558,\"title\":null}", "no title"},
    };
    struct test_world world;
    run_with(&world, answers, G_N_ELEMENTS(answers));
    g_autoptr(GString) wanted = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        int32_t movie_id = BAD_ID + (int32_t)i;
        expect_not_served(&world, movie_id);
        g_string_append_printf(wanted,
                               "{\"source\":\"tmdb\",\"movie_id\":%d,\"api_endpoint\":"
                               "\"/movie/%d\",\"reason\":\"%s\"}\n",
                               movie_id, movie_id, answers[i].why);
    }
    static const char sql[] =
        "SELECT source, movie_id, api_endpoint, reason FROM silver.quarantine ORDER BY movie_id";
    fixture_expect(&world, sql, wanted->str);
    fixture_expect(&world, "SELECT movie_id FROM silver.movies", "{\"movie_id\":1}\n");
    clock_advance(world.context.clock, MS_PER_HOUR);
    fixture_run_well(&world);
    fixture_expect(&world, sql, wanted->str); /* the next run has it still, and once */
    test_world_close(&world);
}

#define MOVIE(id, title, date, more)                                                               \
    "{\"id\":" id ",\"title\":\"" title "\",\"release_date\":\"" date "\"," more                   \
    "\"genres\":[{\"id\":18,\"name\":\"Drama\"}]}"

/* Movies that lack or overdo something: served, and flagged with why. */
static void test_flagged(void)
{
    static const struct bad_answer answers[] = {
        {"{\"id\":550,\"title\":\"A\",\"genres\":[{\"id\":18,\"name\":\"Drama\"}]}",
         "no release date"},
        {MOVIE("551", "A", "", ""), "no release date"},
        {MOVIE("552", "A", "2020-02-31", ""), "no release date"},
        {MOVIE("553", "A", "1800-01-01", ""), "release date out of range"},
        {MOVIE("554", "A", "2099-12-31", ""), "release date out of range"},
        {MOVIE("555", "A", "2020-01-01", "\"budget\":-5,\"revenue\":7,"), "negative budget"},
        {MOVIE("556", "A", "2020-01-01", "\"budget\":5,\"revenue\":-7,"), "negative revenue"},
        {MOVIE("557", "<script>alert(1)</script>", "2020-01-01", ""), "markup in the title"},
        {MOVIE("558", "Be\\u0007ep\\u001b[2J", "2020-01-01", ""),
         "control characters in the title"},
    };
    struct test_world world;
    run_with(&world, answers, G_N_ELEMENTS(answers));
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++)
        expect_served(&world, BAD_ID + (int32_t)i, answers[i].why);
    fixture_expect(&world, "SELECT count(*) AS n FROM silver.quarantine", "{\"n\":0}\n");
    /* A negative budget or revenue is in no sum, and makes no return. */
    fixture_expect(
        &world,
        "SELECT movie_count, total_budget, total_revenue FROM gold.genre_analytics WHERE "
        "genre = 'Drama' AND year = 0 AND popularity_tier = ''",
        "{\"movie_count\":10,\"total_budget\":1000005,\"total_revenue\":3000007}\n");
    fixture_expect(&world,
                   "SELECT movie_count FROM gold.revenue_analytics WHERE genre = '' AND year = 0 "
                   "AND budget_tier = ''",
                   "{\"movie_count\":1}\n");
    /* Titles are as they came: who shows them escapes them. */
    json_t *movie = document(&world, "movie", BAD_ID + 7);
    g_assert_cmpstr(json_string_value(json_object_get(movie, "title")), ==,
                    "<script>alert(1)</script>");
    json_decref(movie);
    movie = document(&world, "movie", BAD_ID + 8);
    g_assert_cmpstr(json_string_value(json_object_get(movie, "title")), ==, "Be\aep\033[2J");
    json_decref(movie);
    test_world_close(&world);
}

static void send_review(struct test_world *world, const char *id, const char *text, size_t len)
{
    struct review review = {.review_id = {id, strlen(id)},
                            .movie_id = SOUND_ID,
                            .author = {"a", 1},
                            .content = {text, len},
                            .url = {"", 0},
                            .created_at_ms = clock_now_ms(world->context.clock)};
    fixture_produce(world, TOPIC_REVIEWS, SOUND_ID, &review);
}

/* A review of a megabyte is scored, flagged and counted; its text is in no view. */
static void test_long_review(void)
{
    struct test_world world;
    test_world_open(&world);
    spool_sound(&world);
    g_autofree char *text = g_malloc(REVIEW_BYTES);
    for (size_t i = 0; i < REVIEW_BYTES; i++)
        text[i] = "great "[i % 6];
    send_review(&world, "long", text, REVIEW_BYTES);
    send_review(&world, "empty", "", 0);
    fixture_run_well(&world);
    fixture_expect(&world,
                   "SELECT review_id, content_length, sentiment_label, quality_flag, "
                   "quality_reasons FROM silver.reviews ORDER BY review_id",
                   "{\"review_id\":\"empty\",\"content_length\":0,\"sentiment_label\":\"neutral\","
                   "\"quality_flag\":\"WARNING\",\"quality_reasons\":\"no text\"}\n"
                   "{\"review_id\":\"long\",\"content_length\":1000000,\"sentiment_label\":"
                   "\"positive\",\"quality_flag\":\"WARNING\",\"quality_reasons\":\"text too "
                   "long\"}\n");
    fixture_expect(
        &world,
        "SELECT review_count, positive_count FROM gold.sentiment_trends WHERE movie_id = "
        "1 AND year = 0",
        "{\"review_count\":2,\"positive_count\":1}\n");
    json_decref(document(&world, "sentiment_trends", SOUND_ID));
    test_world_close(&world);
}

/* Records of the log that are none, or from a clock that is wrong: in quarantine, with their place
 * in the log, from every topic. */
static void test_bad_records(void)
{
    static const enum topic topics[] = {TOPIC_METADATA, TOPIC_RATINGS, TOPIC_REVIEWS, TOPIC_EVENTS};
    struct test_world world;
    test_world_open(&world);
    spool_sound(&world);
    for (size_t i = 0; i < G_N_ELEMENTS(topics); i++)
        fixture_produce_bytes(&world, topics[i], "this is no Avro");
    struct rating rating = {.movie_id = SOUND_ID,
                            .popularity = 1e300,
                            .timestamp_ms = clock_now_ms(world.context.clock) + MS_PER_HOUR};
    fixture_produce(&world, TOPIC_RATINGS, SOUND_ID, &rating);
    fixture_run_well(&world);
    expect_served(&world, SOUND_ID, "");
    fixture_expect(&world,
                   "SELECT source, count(*) AS n, min(log_offset) AS low FROM silver.quarantine "
                   "GROUP BY source ORDER BY source",
                   "{\"source\":\"movie.metadata\",\"n\":1,\"low\":0}\n"
                   "{\"source\":\"movie.ratings\",\"n\":2,\"low\":0}\n"
                   "{\"source\":\"movie.reviews\",\"n\":1,\"low\":0}\n"
                   "{\"source\":\"user.events\",\"n\":1,\"low\":0}\n");
    fixture_expect(&world,
                   "SELECT movie_id, reason FROM silver.quarantine WHERE movie_id IS NOT NULL",
                   "{\"movie_id\":1,\"reason\":\"its time or a number is out of range\"}\n");
    fixture_expect(&world, "SELECT count(*) AS n FROM silver.snapshots", "{\"n\":0}\n");
    test_world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bad_input/quarantined", test_quarantined);
    g_test_add_func("/bad_input/flagged", test_flagged);
    g_test_add_func("/bad_input/long_review", test_long_review);
    g_test_add_func("/bad_input/bad_records", test_bad_records);
    return g_test_run();
}

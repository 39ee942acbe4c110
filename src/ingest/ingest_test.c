/* Proves, against a fake TMDB that is told what to say: what an answer becomes on the bus and in
 * the spool, that nothing is published twice, also after a restart, that a missing block is asked
 * for alone, that trouble costs what it touches and is told once, and what stays bounded. */
#include <string.h>

#include "bus/bus_faulty.h"
#include "ingest/exports.h"
#include "ingest/fake_tmdb.h"
#include "ingest/ingest_fixture.h"
#include "ingest/ingest_internal.h"

#define NOW_MS INT64_C(1772510400000) /* 2026-03-03T04:00:00Z */

#define NUMBERS(id, language)                                                                      \
    "\"id\":" #id ",\"vote_count\":10,\"vote_average\":7.5,\"popularity\":" #id                    \
    ".25,\"original_language\":\"" language "\""
#define LIST(items)       "{\"page\":1,\"total_pages\":1,\"results\":[" items "]}"
#define MOVIE(id, title)  "{" NUMBERS(id, "en") ",\"title\":\"" title "\",\"genres\":[]"
#define CREDITS           ",\"credits\":{\"cast\":[],\"crew\":[]}"
#define KEYWORDS          ",\"keywords\":{\"keywords\":[]}"
#define WHOLE(id, title)  MOVIE(id, title) CREDITS KEYWORDS "}"
#define REVIEW(id, stamp) "{\"id\":\"" id "\",\"content\":\"c\",\"created_at\":" stamp "}"
#define DAY_1             "\"2026-02-01T00:00:00.000Z\""
#define DAY_2             DAY_1 ",\"updated_at\":\"2026-02-02T00:00:00.000Z\""
#define REVIEWS(id, page, pages, items)                                                            \
    "{\"id\":" #id ",\"page\":" #page ",\"total_pages\":" #pages ",\"results\":[" items "]}"

struct fixture {
    struct ingest_fixture base;
    struct context http_context;
    struct fake_tmdb *fake;
    struct ingest *ingest;
};

static void open_ingest(struct fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    fixture->ingest = ingest_open(&fixture->base.context, &fixture->http_context, 0, &error);
    g_assert_no_error(error);
}

/* TMDB knows nothing but empty lists. */
static void fixture_open(struct fixture *fixture)
{
    static const char *const lists[] = {"/movie/popular", "/trending/movie/day",
                                        "/movie/now_playing", "/movie/top_rated", "/movie/changes"};
    ingest_fixture_open(&fixture->base, clock_new_manual(NOW_MS));
    fixture->fake = fake_tmdb_start();
    g_free(fixture->base.config->tmdb_base_url);
    fixture->base.config->tmdb_base_url = g_strdup(fake_tmdb_url(fixture->fake));
    fixture->base.config->ingest_list_pages = 1;
    fixture->http_context = fixture->base.context;
    fixture->http_context.clock = clock_new_real();
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        fake_tmdb_set(fixture->fake, lists[i], 200, LIST(""));
    fake_tmdb_set(fixture->fake, "/movie/latest", 200, "{" NUMBERS(1, "fr") "}");
    open_ingest(fixture);
}

static void fixture_close(struct fixture *fixture)
{
    ingest_close(fixture->ingest);
    fake_tmdb_stop(fixture->fake);
    clock_free(fixture->http_context.clock);
    ingest_fixture_close(&fixture->base);
}

static void flush(struct fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    bool flushed = ingest_flush(fixture->ingest, &error);
    g_assert_no_error(error);
    g_assert_true(flushed);
}

/* Asks and answers all that is due at the clock's time. */
static void run(struct fixture *fixture)
{
    struct ingest *ingest = fixture->ingest;
    while (ingest_ask(ingest) || tmdb_client_pending(ingest->client))
        tmdb_client_run(ingest->client, 1000);
    flush(fixture);
}

static void run_later(struct fixture *fixture, int64_t ms)
{
    clock_advance(fixture->base.context.clock, ms);
    run(fixture);
}

static void restart(struct fixture *fixture)
{
    ingest_close(fixture->ingest);
    open_ingest(fixture);
}

static size_t count(struct fixture *fixture, enum topic topic)
{
    size_t count;
    ingest_fixture_records(&fixture->base, topic, &count);
    return count;
}

static double invalid(struct fixture *fixture, const char *reason)
{
    return metrics_get(fixture->base.context.metrics, METRIC_INGEST_INVALID, reason);
}

static void test_a_movie_from_the_list_to_the_bus(void)
{
    struct fixture fixture;
    size_t records;
    fixture_open(&fixture);
    fake_tmdb_set(fixture.fake, "/movie/popular", 200,
                  LIST("{" NUMBERS(603, "en") "},{" NUMBERS(5, "fr") "}"));
    fake_tmdb_set(fixture.fake, "/movie/603", 200, WHOLE(603, "The Matrix"));
    fake_tmdb_set(fixture.fake, "/movie/603/reviews?page=1", 200,
                  REVIEWS(603, 1, 2, REVIEW("a", DAY_1)));
    fake_tmdb_set(fixture.fake, "/movie/603/reviews?page=2", 200,
                  REVIEWS(603, 2, 2, REVIEW("b", DAY_2)));
    run(&fixture);
    /* One observation by the list, one by the movie itself; nothing of the French one. */
    const struct rating *ratings = ingest_fixture_records(&fixture.base, TOPIC_RATINGS, &records);
    g_assert_cmpuint(records, ==, 2);
    for (size_t i = 0; i < records; i++) {
        g_assert_cmpint(ratings[i].movie_id, ==, 603);
        g_assert_cmpint(ratings[i].timestamp_ms, ==, NOW_MS);
        g_assert_cmpfloat(ratings[i].popularity, ==, 603.25);
    }
    const struct metadata *facts = ingest_fixture_records(&fixture.base, TOPIC_METADATA, &records);
    g_assert_cmpuint(records, ==, 1);
    g_assert_cmpmem(facts->title.data, (int)facts->title.len, "The Matrix", 10);
    g_assert_cmpmem(facts->event_type.data, (int)facts->event_type.len, "new", 3);
    const struct review *reviews = ingest_fixture_records(&fixture.base, TOPIC_REVIEWS, &records);
    g_assert_cmpuint(records, ==, 2);
    g_assert_cmpmem(reviews[0].review_id.data, (int)reviews[0].review_id.len, "a", 1);
    g_assert_true(!reviews[0].has_updated_at && reviews[1].has_updated_at);
    /* New reviews on the first of two pages: sooner next time. */
    g_assert_cmpint(planner_find(fixture.ingest->planner, 603)->reviews_interval_ms, ==,
                    REVIEWS_INTERVAL_MS_FIRST / 2);
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/5"), ==, 0);
    g_assert_cmpfloat(metrics_get(fixture.base.context.metrics, METRIC_INGEST_TRACKED, NULL), ==,
                      1);
    fixture_close(&fixture); /* spools what is left */
}

/* The same again is an observation and nothing else; an edit and other facts are new versions; a
 * restart changes nothing about it. */
static void test_once_by_id_and_version(void)
{
    struct fixture fixture;
    size_t records;
    fixture_open(&fixture);
    fake_tmdb_set(fixture.fake, "/movie/popular", 200, LIST("{" NUMBERS(603, "en") "}"));
    fake_tmdb_set(fixture.fake, "/movie/603", 200, WHOLE(603, "The Matrix"));
    fake_tmdb_set(fixture.fake, "/movie/603/reviews", 200,
                  REVIEWS(603, 1, 1, REVIEW("a", DAY_1) "," REVIEW("b", DAY_1)));
    run(&fixture);
    g_assert_cmpuint(count(&fixture, TOPIC_REVIEWS), ==, 2);
    restart(&fixture);
    run_later(&fixture, 5 * MS_PER_HOUR); /* whole answer, reviews, all lists again */
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/603/reviews"), ==, 2);
    g_assert_cmpuint(count(&fixture, TOPIC_REVIEWS), ==, 2);
    g_assert_cmpuint(count(&fixture, TOPIC_METADATA), ==, 1);
    fake_tmdb_set(fixture.fake, "/movie/603", 200, WHOLE(603, "Matrix"));
    fake_tmdb_set(fixture.fake, "/movie/603/reviews", 200,
                  REVIEWS(603, 1, 1, REVIEW("a", DAY_2) "," REVIEW("b", DAY_1)));
    run_later(&fixture, 5 * MS_PER_HOUR);
    const struct review *reviews = ingest_fixture_records(&fixture.base, TOPIC_REVIEWS, &records);
    g_assert_cmpuint(records, ==, 3);
    g_assert_cmpmem(reviews[2].review_id.data, (int)reviews[2].review_id.len, "a", 1);
    g_assert_true(reviews[2].has_updated_at);
    const struct metadata *facts = ingest_fixture_records(&fixture.base, TOPIC_METADATA, &records);
    g_assert_cmpuint(records, ==, 2);
    g_assert_cmpmem(facts[1].event_type.data, (int)facts[1].event_type.len, "update", 6);
    /* It leaves and comes back: still known. */
    planner_forget(fixture.ingest->planner, 603);
    flush(&fixture);
    restart(&fixture);
    run_later(&fixture, MS_PER_HOUR);
    g_assert_nonnull(planner_find(fixture.ingest->planner, 603));
    g_assert_cmpuint(count(&fixture, TOPIC_METADATA), ==, 2);
    g_assert_cmpuint(count(&fixture, TOPIC_REVIEWS), ==, 3);
    fixture_close(&fixture);
}

/* A crash between the bus and the state publishes again, and loses nothing. */
static void test_a_crash_before_the_state(void)
{
    struct fixture fixture;
    g_autoptr(GError) error = NULL;
    fixture_open(&fixture);
    fake_tmdb_set(fixture.fake, "/movie/popular", 200, LIST("{" NUMBERS(603, "en") "}"));
    fake_tmdb_set(fixture.fake, "/movie/603", 200, WHOLE(603, "The Matrix"));
    fake_tmdb_set(fixture.fake, "/movie/603/reviews", 200, REVIEWS(603, 1, 1, REVIEW("a", DAY_1)));
    while (ingest_ask(fixture.ingest) || tmdb_client_pending(fixture.ingest->client))
        tmdb_client_run(fixture.ingest->client, 1000);
    g_assert_true(publisher_flush(fixture.ingest->publisher, &error));
    restart(&fixture);
    run(&fixture);
    g_assert_cmpuint(count(&fixture, TOPIC_REVIEWS), ==, 2);
    g_assert_cmpuint(count(&fixture, TOPIC_METADATA), ==, 2);
    restart(&fixture);
    run_later(&fixture, 5 * MS_PER_HOUR);
    g_assert_cmpuint(count(&fixture, TOPIC_REVIEWS), ==, 2);
    fixture_close(&fixture);
}

static bool collect(void *user, const struct raw_answer *answer, GError **error)
{
    (void)error;
    g_string_append_printf(user, "%d %s\n", answer->movie_id, answer->endpoint);
    return true;
}

static void spooled(struct fixture *fixture, GString *out)
{
    struct lake_object *objects;
    size_t objects_count;
    g_autoptr(GError) error = NULL;
    g_assert_true(raw_store_flush(fixture->ingest->raw_store, &error));
    g_assert_true(lake_list(fixture->ingest->lake, RAW_STORE_PREFIX, fixture->base.arena, &objects,
                            &objects_count, &error));
    for (size_t i = 0; i < objects_count; i++)
        g_assert_true(raw_store_read(fixture->ingest->lake, objects[i].name, collect, out, &error));
}

/* append_to_response isn't honoured: the blocks come by single calls, and bronze has them all. An
 * observation between two whole answers is no answer for bronze. */
static void test_missing_blocks(void)
{
    struct fixture fixture;
    g_autoptr(GString) raw = g_string_new(NULL);
    fixture_open(&fixture);
    fake_tmdb_set(fixture.fake, "/movie/popular", 200,
                  LIST("{" NUMBERS(603, "en") "},{" NUMBERS(11, "en") "}"));
    fake_tmdb_set(fixture.fake, "/movie/603", 200, MOVIE(603, "The Matrix") "}");
    fake_tmdb_set(fixture.fake, "/movie/11", 200, MOVIE(11, "Star Wars") CREDITS "}");
    fake_tmdb_set(fixture.fake, "/movie/603/credits", 200, "{\"cast\":[],\"crew\":[]}");
    fake_tmdb_set(fixture.fake, "/movie/603/keywords", 200, "{\"keywords\":[]}");
    fake_tmdb_set(fixture.fake, "/movie/11/keywords", 200, "{\"keywords\":[]}");
    fake_tmdb_set(fixture.fake, "/movie/603/reviews", 200, REVIEWS(603, 1, 1, ""));
    fake_tmdb_set(fixture.fake, "/movie/11/reviews", 200, REVIEWS(11, 1, 1, ""));
    run(&fixture);
    fake_tmdb_set(fixture.fake, "/movie/popular", 200, LIST(""));
    run_later(&fixture, 5 * MS_PER_MINUTE);
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/603"), ==, 5);
    spooled(&fixture, raw);
    static const char *const expected[] = {
        "603 /movie/603?append_to_response=credits,keywords\n",
        "11 /movie/11?append_to_response=credits,keywords\n",
        "603 /movie/603/credits\n",
        "603 /movie/603/keywords\n",
        "11 /movie/11/keywords\n",
    };
    size_t len = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_assert_nonnull(strstr(raw->str, expected[i]));
        len += strlen(expected[i]);
    }
    g_assert_cmpuint(raw->len, ==, len); /* once each */
    g_assert_cmpfloat(invalid(&fixture, "missing_block"), ==, 3);
    fixture_close(&fixture);
}

/* Broken answers: nothing of them is used, the rest goes on, one line a minute tells of them. */
static void test_broken_answers(void)
{
    struct fixture fixture;
    fixture_open(&fixture);
    fake_tmdb_set(
        fixture.fake, "/movie/popular", 200,
        LIST("{" NUMBERS(603, "en") "},{\"id\":null},{" NUMBERS(
            11, "en") "},"
                      "{" NUMBERS(12, "en") "},{" NUMBERS(13, "en") "},{" NUMBERS(14, "en") "}"));
    fake_tmdb_set(fixture.fake, "/movie/603", 200, WHOLE(604, "Another one"));
    fake_tmdb_set(fixture.fake, "/movie/11", 200, "{\"id\":11}");
    fake_tmdb_set(fixture.fake, "/movie/12", 200, "<html>");
    fake_tmdb_set(fixture.fake, "/movie/13", 200, WHOLE(13, "Fine"));
    fake_tmdb_set(fixture.fake, "/movie/13/reviews", 200,
                  REVIEWS(14, 1, 1, REVIEW("other", DAY_1)));
    run(&fixture); /* 14 is unknown: 404 */
    g_assert_cmpuint(count(&fixture, TOPIC_METADATA), ==, 1);
    g_assert_cmpuint(count(&fixture, TOPIC_REVIEWS), ==, 0);
    g_assert_cmpuint(count(&fixture, TOPIC_RATINGS), ==, 5 + 1);
    g_assert_null(planner_find(fixture.ingest->planner, 14));
    g_assert_cmpfloat(invalid(&fixture, "entry"), ==, 1);
    g_assert_cmpfloat(invalid(&fixture, "invalid"), ==, 3); /* 603, 11 and the reviews of 13 */
    g_assert_cmpfloat(invalid(&fixture, "failed"), ==, 1);  /* 12 */
    g_assert_cmpuint(ingest_fixture_log_count(&fixture.base, "can't be used"), ==, 1);
    /* They are mended: asked for again, and whole. */
    fake_tmdb_set(fixture.fake, "/movie/603", 200, WHOLE(603, "The Matrix"));
    fake_tmdb_set(fixture.fake, "/movie/11", 200, WHOLE(11, "Star Wars"));
    fake_tmdb_set(fixture.fake, "/movie/12", 200, WHOLE(12, "Finding"));
    fake_tmdb_set(fixture.fake, "/movie/13/reviews", 200, REVIEWS(13, 1, 1, REVIEW("own", DAY_1)));
    run_later(&fixture, 15 * MS_PER_MINUTE);
    g_assert_cmpuint(count(&fixture, TOPIC_METADATA), ==, 4);
    g_assert_cmpuint(count(&fixture, TOPIC_REVIEWS), ==, 1);
    fixture_close(&fixture);
}

static void test_a_failed_page_is_asked_for_again(void)
{
    struct fixture fixture;
    fixture_open(&fixture);
    fake_tmdb_set(fixture.fake, "/movie/top_rated", 500, "{}");
    run(&fixture);
    fake_tmdb_set(fixture.fake, "/movie/top_rated", 200, LIST("{" NUMBERS(603, "en") "}"));
    run_later(&fixture, 14 * MS_PER_MINUTE);
    g_assert_cmpuint(count(&fixture, TOPIC_RATINGS), ==, 0);
    run_later(&fixture, MS_PER_MINUTE); /* a quarter of the hour, not the next hour */
    g_assert_cmpuint(count(&fixture, TOPIC_RATINGS), ==, 1);
    fixture_close(&fixture);
}

/* latest: in scope and not adult, it is tracked. */
static void test_latest(void)
{
    struct fixture fixture;
    fixture_open(&fixture);
    fake_tmdb_set(fixture.fake, "/movie/latest", 200, "{" NUMBERS(900, "en") ",\"adult\":true}");
    fake_tmdb_set(fixture.fake, "/movie/900", 200, WHOLE(900, "Not for us"));
    fake_tmdb_set(fixture.fake, "/movie/900/reviews", 200, REVIEWS(900, 1, 1, ""));
    run(&fixture);
    g_assert_null(planner_find(fixture.ingest->planner, 900));
    fake_tmdb_set(fixture.fake, "/movie/latest", 200,
                  "{" NUMBERS(901, "en") ",\"title\":\"\",\"imdb_id\":null}");
    fake_tmdb_set(fixture.fake, "/movie/901", 200, WHOLE(901, "Newest"));
    fake_tmdb_set(fixture.fake, "/movie/901/reviews", 200, REVIEWS(901, 1, 1, ""));
    run_later(&fixture, MS_PER_HOUR);
    g_assert_nonnull(planner_find(fixture.ingest->planner, 901));
    fixture_close(&fixture);
}

static void test_a_review_that_is_too_large(void)
{
    struct fixture fixture;
    fixture_open(&fixture);
    g_autofree char *content = g_strnfill((size_t)fixture.base.config->bus_record_max_bytes, 'x');
    g_autofree char *reviews = g_strdup_printf(
        "{\"id\":603,\"page\":1,\"total_pages\":1,\"results\":[{\"id\":\"big\",\"content\":\"%s\","
        "\"created_at\":" DAY_1 "}," REVIEW("a", DAY_1) "]}",
        content);
    fake_tmdb_set(fixture.fake, "/movie/popular", 200, LIST("{" NUMBERS(603, "en") "}"));
    fake_tmdb_set(fixture.fake, "/movie/603", 200, WHOLE(603, "The Matrix"));
    fake_tmdb_set(fixture.fake, "/movie/603/reviews", 200, reviews);
    run(&fixture);
    g_assert_cmpuint(count(&fixture, TOPIC_REVIEWS), ==, 1);
    g_assert_cmpuint(count(&fixture, TOPIC_METADATA), ==, 1);
    run_later(&fixture, 9 * MS_PER_HOUR); /* not tried for ever */
    g_assert_cmpfloat(invalid(&fixture, "too_large"), ==, 1);
    fixture_close(&fixture);
}

/* Refused from the start: it ends, and says what to set. */
static void test_denied_at_the_start(void)
{
    struct fixture fixture;
    fixture_open(&fixture);
    fake_tmdb_fail(fixture.fake, 1000, 401, "{\"status_code\":7}", NULL);
    ingest_ask(fixture.ingest);
    while (!fixture.ingest->fatal)
        tmdb_client_run(fixture.ingest->client, 1000);
    g_assert_true(error_is(fixture.ingest->fatal, DENIED));
    g_assert_nonnull(strstr(fixture.ingest->fatal->message, "TMDB_API_KEY"));
    fixture_close(&fixture);
}

/* An hour of trouble after it worked: few requests, few lines, and all goes on afterwards. */
static void trouble(int status, const char *body, int64_t pause_ms)
{
    struct fixture fixture;
    fixture_open(&fixture);
    fake_tmdb_set(fixture.fake, "/movie/popular", 200, LIST("{" NUMBERS(603, "en") "}"));
    fake_tmdb_set(fixture.fake, "/movie/603", 200, WHOLE(603, "The Matrix"));
    fake_tmdb_set(fixture.fake, "/movie/603/reviews", 200, REVIEWS(603, 1, 1, ""));
    run(&fixture);
    fake_tmdb_fail(fixture.fake, INT32_MAX, status, body, NULL);
    size_t before = fake_tmdb_count(fixture.fake, "/");
    for (int64_t ms = 0; ms < MS_PER_HOUR; ms += pause_ms)
        run_later(&fixture, pause_ms);
    /* One ask a pause with its two tries more, and the few before it was seen. */
    size_t asks = (size_t)(MS_PER_HOUR / pause_ms) + HEALTH_FAILURES_MAX + 16;
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/") - before, <=, 3 * asks);
    g_assert_null(fixture.ingest->fatal);
    g_assert_cmpuint(ingest_fixture_log_count(&fixture.base, "asking once in a while"), ==, 1);
    g_assert_cmpuint(ingest_fixture_log_count(&fixture.base, "\"warn\""), <=,
                     HEALTH_FAILURES_MAX + 1);
    fake_tmdb_fail(fixture.fake, 0, 0, NULL, NULL);
    run_later(&fixture, pause_ms);
    g_assert_cmpuint(ingest_fixture_log_count(&fixture.base, "answers again"), ==, 1);
    size_t ratings = count(&fixture, TOPIC_RATINGS);
    run_later(&fixture, 15 * MS_PER_MINUTE);
    g_assert_cmpuint(count(&fixture, TOPIC_RATINGS), >, ratings);
    g_assert_null(fixture.ingest->fatal);
    fixture_close(&fixture);
}

static void test_an_hour_without_tmdb(void)
{
    trouble(503, "<html>", HEALTH_DOWN_PAUSE_MS);
}

static void test_denied_later(void)
{
    trouble(401, "{\"status_code\":7}", HEALTH_DENIED_PAUSE_MS);
}

/* A bus that takes nothing: answers that are under way are kept, nothing more is asked, and what
 * was kept is published when it does. */
static void test_back_pressure(void)
{
    struct fixture fixture;
    fixture_open(&fixture);
    struct ingest *ingest = fixture.ingest;
    GString *list = g_string_new(NULL);
    for (int i = 1; i <= 20; i++)
        g_string_append_printf(list,
                               "%s{\"id\":%d,\"vote_count\":1,\"vote_average\":1,"
                               "\"popularity\":1,\"original_language\":\"en\"}",
                               i > 1 ? "," : "", i);
    g_autofree char *items = g_string_free(list, FALSE);
    g_autofree char *page =
        g_strdup_printf("{\"page\":1,\"total_pages\":1,\"results\":[%s]}", items);
    fake_tmdb_set(fixture.fake, "/movie/popular", 200, page);
    publisher_free(ingest->publisher);
    ingest->bus = bus_faulty_new(ingest->bus, (struct bus_faults){.seed = 3, .produce_lost = 1.0});
    ingest->publisher = publisher_new(ingest->context, ingest->bus, ingest->serde);
    fixture.base.config->ingest_observe_interval_ms = 1000;
    size_t steps = 0;
    while (!publisher_full(ingest->publisher)) {
        g_autoptr(GError) error = NULL;
        clock_advance(fixture.base.context.clock, MS_PER_HOUR); /* so that each list is due */
        while (ingest_ask(ingest) || tmdb_client_pending(ingest->client))
            tmdb_client_run(ingest->client, 1000);
        g_assert_false(ingest_flush(ingest, &error));
        g_assert_true(error_is(error, AGAIN));
        g_assert_cmpuint(++steps, <, PUBLISHER_RECORDS_MAX);
    }
    size_t pending = publisher_pending_records(ingest->publisher), asked;
    g_assert_cmpuint(pending, <, PUBLISHER_RECORDS_MAX + 16 * 20);
    asked = fake_tmdb_count(fixture.fake, "/");
    clock_advance(fixture.base.context.clock, MS_PER_HOUR);
    g_assert_false(ingest_ask(ingest));
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/"), ==, asked);
    /* The same log without faults. */
    g_assert_cmpuint(count(&fixture, TOPIC_RATINGS), ==, 0);
    fixture_close(&fixture);
}

static void put_spool(struct fixture *fixture, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(lake_put(fixture->ingest->lake, name, "x", 1, &error));
}

/* TMDB's terms: what no batch took in within ingest.raw_retention is removed all the same. */
static void test_sweep(void)
{
    struct fixture fixture;
    g_autoptr(GError) error = NULL;
    fixture_open(&fixture);
    int64_t limit_ms = NOW_MS - fixture.base.config->ingest_raw_retention_ms;
    for (int64_t ms = limit_ms - 1; ms <= limit_ms; ms++) {
        g_autofree char *name =
            g_strdup_printf(RAW_STORE_PREFIX "%" G_GINT64_FORMAT "-7-0.jsonl.zst", ms);
        put_spool(&fixture, name);
    }
    put_spool(&fixture, RAW_STORE_PREFIX "README");
    /* 180 days before 2026-03-03T04:00 are 2025-09-04T04:00. */
    put_spool(&fixture, EXPORTS_PREFIX "2025-09-04" EXPORTS_SUFFIX);
    put_spool(&fixture, EXPORTS_PREFIX "2025-09-05" EXPORTS_SUFFIX);
    bool swept = ingest_sweep(fixture.ingest, &error);
    g_assert_no_error(error);
    g_assert_true(swept);
    g_assert_cmpuint(ingest_fixture_objects(&fixture.base, RAW_STORE_PREFIX), ==, 2);
    g_assert_cmpuint(ingest_fixture_objects(&fixture.base, EXPORTS_PREFIX), ==, 1);
    g_assert_cmpuint(ingest_fixture_log_count(&fixture.base, "raw_retention"), ==, 1);
    fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ingest/a_movie_from_the_list_to_the_bus",
                    test_a_movie_from_the_list_to_the_bus);
    g_test_add_func("/ingest/once_by_id_and_version", test_once_by_id_and_version);
    g_test_add_func("/ingest/a_crash_before_the_state", test_a_crash_before_the_state);
    g_test_add_func("/ingest/missing_blocks", test_missing_blocks);
    g_test_add_func("/ingest/broken_answers", test_broken_answers);
    g_test_add_func("/ingest/a_failed_page_is_asked_for_again",
                    test_a_failed_page_is_asked_for_again);
    g_test_add_func("/ingest/latest", test_latest);
    g_test_add_func("/ingest/a_review_that_is_too_large", test_a_review_that_is_too_large);
    g_test_add_func("/ingest/denied_at_the_start", test_denied_at_the_start);
    g_test_add_func("/ingest/an_hour_without_tmdb", test_an_hour_without_tmdb);
    g_test_add_func("/ingest/denied_later", test_denied_later);
    g_test_add_func("/ingest/back_pressure", test_back_pressure);
    g_test_add_func("/ingest/sweep", test_sweep);
    return g_test_run();
}

/* Proves: each ask becomes TMDB's own path, the key goes where it belongs and nowhere else, broken
 * and refused answers are tried again or given up as they should, a pause that TMDB asks for holds
 * all requests, and what is under way is let go cleanly. */
#include "ingest/tmdb_client.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "ingest/fake_tmdb.h"

#define V3_KEY   "0123456789abcdef0123456789ABCDEF"
#define V4_TOKEN "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJ4In0.c2VjcmV0"
#define NO_KEY   ""
/* 2026-03-03T04:00:00Z: date -u -d 2026-03-03T04:00:00Z +%s gives 1772510400 */
#define MARCH_3_MS INT64_C(1772510400000)

struct fixture {
    struct context context;
    struct config *config;
    struct fake_tmdb *fake;
    struct tmdb_client *client;
    int answers;
    enum tmdb_result result;
    char *error, *endpoint, *body;
};

static void keep(const struct ask *ask, const struct tmdb_answer *answer, void *user)
{
    struct fixture *fixture = user;
    (void)ask;
    fixture->answers++;
    fixture->result = answer->result;
    g_free(fixture->error);
    g_free(fixture->endpoint);
    g_free(fixture->body);
    fixture->error = g_strdup(answer->error);
    fixture->endpoint = g_strdup(answer->endpoint);
    fixture->body = g_strndup(answer->body ? answer->body : "", answer->body_len);
}

static void fixture_open(struct fixture *fixture, const char *key)
{
    g_autoptr(GError) error = NULL;
    *fixture = (struct fixture){.config = config_new_default(), .fake = fake_tmdb_start()};
    struct config *config = fixture->config;
    fixture->context = (struct context){
        .config = config, .clock = clock_new_real(), .metrics = metrics_new(), .stop = stop_new()};
    g_free(config->tmdb_base_url);
    g_free(config->tmdb_api_key);
    config->tmdb_base_url = g_strconcat(fake_tmdb_url(fixture->fake), "/", NULL);
    config->tmdb_api_key = g_strdup(key);
    config->ingest_retry_base_ms = 1;
    config->ingest_retry_cap_ms = 8;
    config->ingest_retry_max = 3;
    fixture->client = tmdb_client_new(&fixture->context, 0, keep, fixture, &error);
    g_assert_no_error(error);
}

static void fixture_close(struct fixture *fixture)
{
    tmdb_client_free(fixture->client);
    fake_tmdb_stop(fixture->fake);
    stop_free(fixture->context.stop);
    metrics_free(fixture->context.metrics);
    clock_free(fixture->context.clock);
    config_free(fixture->config);
    g_free(fixture->error);
    g_free(fixture->endpoint);
    g_free(fixture->body);
}

static void ask(struct fixture *fixture, struct ask what)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(tmdb_client_ask(fixture->client, &what, &error));
    g_assert_no_error(error);
}

static void drain(struct fixture *fixture)
{
    while (tmdb_client_pending(fixture->client))
        tmdb_client_run(fixture->client, 1000);
}

static void test_urls(void)
{
    static const struct {
        struct ask ask;
        const char *path;
    } expected[] = {
        {{.kind = ASK_LIST, .list = LIST_POPULAR, .page = 2}, "/movie/popular?page=2"},
        {{.kind = ASK_LIST, .list = LIST_TRENDING, .page = 1}, "/trending/movie/day?page=1"},
        {{.kind = ASK_LIST, .list = LIST_NOW_PLAYING, .page = 1}, "/movie/now_playing?page=1"},
        {{.kind = ASK_LIST, .list = LIST_TOP_RATED, .page = 500}, "/movie/top_rated?page=500"},
        {{.kind = ASK_LATEST, .page = 1}, "/movie/latest"},
        {{.kind = ASK_CHANGES, .page = 3}, "/movie/changes?page=3"},
        {{.kind = ASK_CHANGES,
          .page = 1,
          .since_ms = MARCH_3_MS - 2 * MS_PER_DAY,
          .until_ms = MARCH_3_MS},
         "/movie/changes?page=1&start_date=2026-03-01&end_date=2026-03-04"},
        {{.kind = ASK_MOVIE, .movie_id = 603, .whole = true},
         "/movie/603?append_to_response=credits,keywords"},
        {{.kind = ASK_MOVIE, .movie_id = 603}, "/movie/603"},
        {{.kind = ASK_CREDITS, .movie_id = 603}, "/movie/603/credits"},
        {{.kind = ASK_KEYWORDS, .movie_id = 603}, "/movie/603/keywords"},
        {{.kind = ASK_REVIEWS, .movie_id = 603, .page = 4}, "/movie/603/reviews?page=4"},
    };
    struct fixture fixture;
    fixture_open(&fixture, NO_KEY);
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        ask(&fixture, expected[i].ask);
        drain(&fixture);
        g_assert_cmpstr(fixture.endpoint, ==, expected[i].path); /* as bronze keeps it */
    }
    tmdb_client_set_as_of(fixture.client, MARCH_3_MS);
    ask(&fixture, (struct ask){.kind = ASK_MOVIE, .movie_id = 603});
    drain(&fixture);
    g_assert_cmpstr(fixture.endpoint, ==, "/movie/603");
    g_auto(GStrv) seen = fake_tmdb_seen(fixture.fake);
    g_assert_cmpuint(g_strv_length(seen), ==, G_N_ELEMENTS(expected) + 1);
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_cmpstr(seen[i], ==, expected[i].path);
    g_assert_cmpstr(seen[G_N_ELEMENTS(expected)], ==, "/movie/603 as_of=1772510400000");
    fixture_close(&fixture);
}

static void try_key(const char *key, const char *expected)
{
    struct fixture fixture;
    fixture_open(&fixture, key);
    fake_tmdb_set(fixture.fake, "/movie/1", 500, "{}");
    ask(&fixture, (struct ask){.kind = ASK_MOVIE, .movie_id = 1});
    drain(&fixture);
    g_auto(GStrv) seen = fake_tmdb_seen(fixture.fake);
    g_assert_cmpstr(seen[0], ==, expected);
    /* What is kept and told doesn't show it. */
    g_assert_cmpstr(fixture.endpoint, ==, "/movie/1");
    g_assert_cmpstr(fixture.error, ==, "/movie/1: status 500 after 4 tries");
    fixture_close(&fixture);
}

static void test_the_key(void)
{
    try_key(V3_KEY, "/movie/1 api_key=" V3_KEY);
    try_key(V4_TOKEN, "/movie/1 Authorization: Bearer " V4_TOKEN);
    try_key(NO_KEY, "/movie/1");
    static const char *const broken[] = {"abc def", "abc\n", "abc\r\nX-Other: 1", "abc\xc3\xa4"};
    struct fixture fixture;
    fixture_open(&fixture, NO_KEY);
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(GError) error = NULL;
        g_free(fixture.config->tmdb_api_key);
        fixture.config->tmdb_api_key = g_strdup(broken[i]);
        g_assert_null(tmdb_client_new(&fixture.context, 0, keep, &fixture, &error));
        g_assert_true(error_is(error, CONFIG));
        g_assert_nonnull(strstr(error->message, "character 4"));
        g_assert_null(strstr(error->message, "abc"));
    }
    fixture_close(&fixture);
}

/* No connection: curl's own text names host and port, never the query with the key. */
static void test_a_failed_connection_shows_no_key(void)
{
    struct fixture fixture;
    fixture_open(&fixture, V3_KEY);
    tmdb_client_free(fixture.client);
    g_free(fixture.config->tmdb_base_url);
    fixture.config->tmdb_base_url = g_strdup("http://127.0.0.1:1/3");
    g_autoptr(GError) error = NULL;
    fixture.client = tmdb_client_new(&fixture.context, 0, keep, &fixture, &error);
    g_assert_no_error(error);
    ask(&fixture, (struct ask){.kind = ASK_MOVIE, .movie_id = 1});
    drain(&fixture);
    g_assert_cmpint(fixture.result, ==, TMDB_FAILED);
    g_assert_nonnull(strstr(fixture.error, "127.0.0.1"));
    g_assert_null(strstr(fixture.error, "0123456789"));
    g_assert_null(strstr(fixture.error, "api_key"));
    fixture_close(&fixture);
}

/* Broken answers are asked for again; what comes at last counts. */
static void test_judge(void)
{
    static const struct {
        int status;
        const char *body;
        size_t tries;
        enum tmdb_result at_last;
    } cases[] = {
        {200, "<html>maintenance</html>", 4, TMDB_FAILED},
        {200, "", 4, TMDB_FAILED},
        {200, "{\"id\":1,\"credits\":{\"cast\":[{}]", 4, TMDB_OK}, /* the parser says no to it */
        {200, "{\"id\":1,\"genres\":[{\"id\":2}", 4, TMDB_OK},
        {401, "{\"status_code\":7}", 1, TMDB_DENIED},
        {403, "<html>", 1, TMDB_DENIED},
        {404, "{\"status_code\":34}", 1, TMDB_MISSING},
        {400, "{\"status_code\":22}", 1, TMDB_FAILED},
        {422, "{\"status_code\":20}", 1, TMDB_FAILED},
        {400, "{\"status_code\":24}", 4, TMDB_FAILED}, /* connection to the backend timed out */
        {429, "{\"status_code\":25}", 4, TMDB_FAILED},
        {502, "<html>", 4, TMDB_FAILED},
        {503, "{\"status_code\":9}", 4, TMDB_FAILED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct fixture fixture;
        fixture_open(&fixture, NO_KEY);
        fake_tmdb_set(fixture.fake, "/movie/1", cases[i].status, cases[i].body);
        ask(&fixture, (struct ask){.kind = ASK_MOVIE, .movie_id = 1});
        drain(&fixture);
        g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/1"), ==, cases[i].tries);
        g_assert_cmpint(fixture.result, ==, cases[i].at_last);
        g_assert_cmpint(fixture.answers, ==, 1);
        g_assert_true((fixture.error != NULL) == (cases[i].at_last != TMDB_OK));
        /* The same, but for the first try only. */
        if (cases[i].tries > 1) {
            fake_tmdb_set(fixture.fake, "/movie/1", 200, "{\"id\":1}");
            fake_tmdb_fail(fixture.fake, 1, cases[i].status, cases[i].body, NULL);
            ask(&fixture, (struct ask){.kind = ASK_MOVIE, .movie_id = 1});
            drain(&fixture);
            g_assert_cmpint(fixture.result, ==, TMDB_OK);
            g_assert_cmpstr(fixture.body, ==, "{\"id\":1}");
        }
        fixture_close(&fixture);
    }
}

/* Retry-After of one answer holds them all: after 429 nothing is sent until the pause is over. The
 * cap of the settings (here 100 ms) is the longest pause, whatever TMDB asks for. */
static void test_a_pause_holds_all(void)
{
    struct fixture fixture;
    g_autoptr(GError) error = NULL;
    fixture_open(&fixture, NO_KEY);
    tmdb_client_free(fixture.client);
    fixture.config->ingest_retry_cap_ms = 100;
    fixture.client = tmdb_client_new(&fixture.context, 0, keep, &fixture, &error);
    g_assert_no_error(error);
    fake_tmdb_set(fixture.fake, "/movie/1", 200, "{}");
    fake_tmdb_set(fixture.fake, "/movie/2", 200, "{}");
    fake_tmdb_fail(fixture.fake, 1, 429, "{\"status_code\":25}", "3600");
    ask(&fixture, (struct ask){.kind = ASK_MOVIE, .movie_id = 1});
    int64_t started_us = clock_monotonic_us(fixture.context.clock);
    while (metrics_get(fixture.context.metrics, METRIC_INGEST_RETRIES, NULL) < 1)
        tmdb_client_run(fixture.client, 1);
    ask(&fixture, (struct ask){.kind = ASK_MOVIE, .movie_id = 2});
    tmdb_client_run(fixture.client, 50);
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/2"), ==, 0);
    drain(&fixture);
    g_assert_cmpint(fixture.answers, ==, 2);
    g_assert_cmpint(clock_monotonic_us(fixture.context.clock) - started_us, >=, 99000);
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/"), ==, 3);
    fixture_close(&fixture);
}

/* The bucket starts empty: at 50 a second, 5 requests take 5 times 20 ms, whatever the burst. */
static void test_a_start_is_no_burst(void)
{
    struct fixture fixture;
    fixture_open(&fixture, NO_KEY);
    tmdb_client_free(fixture.client);
    g_autoptr(GError) error = NULL;
    int64_t started_us = clock_monotonic_us(fixture.context.clock);
    fixture.client = tmdb_client_new(&fixture.context, 50, keep, &fixture, &error);
    g_assert_no_error(error);
    for (int i = 0; i < 5; i++)
        ask(&fixture, (struct ask){.kind = ASK_LATEST});
    drain(&fixture);
    g_assert_cmpint(clock_monotonic_us(fixture.context.clock) - started_us, >=, 99000);
    g_assert_cmpfloat(metrics_get(fixture.context.metrics, METRIC_INGEST_WAIT_SECONDS, NULL), ==,
                      5);
    fixture_close(&fixture);
}

/* Requests that hang end with the wish to stop, within the time of one look at it, and what they
 * held is let go (ASan counts). */
static void test_stop_while_requests_hang(void)
{
    struct fixture fixture;
    fixture_open(&fixture, NO_KEY);
    fake_tmdb_set(fixture.fake, "/movie/latest", 0, "");
    for (int i = 0; i < 5; i++)
        ask(&fixture, (struct ask){.kind = ASK_LATEST});
    tmdb_client_run(fixture.client, 20);
    stop_request(fixture.context.stop);
    int64_t started_us = clock_monotonic_us(fixture.context.clock);
    tmdb_client_run(fixture.client, 60000);
    tmdb_client_free(fixture.client);
    fixture.client = NULL;
    g_assert_cmpint(clock_monotonic_us(fixture.context.clock) - started_us, <, 1000000);
    g_assert_cmpint(fixture.answers, ==, 0);
    fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tmdb_client/urls", test_urls);
    g_test_add_func("/tmdb_client/the_key", test_the_key);
    g_test_add_func("/tmdb_client/a_failed_connection_shows_no_key",
                    test_a_failed_connection_shows_no_key);
    g_test_add_func("/tmdb_client/judge", test_judge);
    g_test_add_func("/tmdb_client/a_pause_holds_all", test_a_pause_holds_all);
    g_test_add_func("/tmdb_client/a_start_is_no_burst", test_a_start_is_no_burst);
    g_test_add_func("/tmdb_client/stop_while_requests_hang", test_stop_while_requests_hang);
    return g_test_run();
}

/* Proves: an outage and a refused key are told once when they begin and once when they end, asking
 * slows down meanwhile, and what is wrong with one request alone is no outage. */
#include "ingest/tmdb_health.h"

static bool
answered(struct tmdb_health *health, enum tmdb_result result, int status, int64_t now_ms)
{
    struct tmdb_answer answer = {.result = result, .status = status};
    int64_t lasted_ms;
    return tmdb_health_answered(health, &answer, now_ms, &lasted_ms);
}

static void test_outage(void)
{
    struct tmdb_health health = {0};
    int64_t lasted_ms;
    g_assert_false(answered(&health, TMDB_OK, 200, 0));
    for (int i = 1; i < HEALTH_FAILURES_MAX; i++)
        g_assert_false(answered(&health, TMDB_FAILED, i % 2 ? 503 : 0, 1000));
    g_assert_true(tmdb_health_may_ask(&health, 7, 1000));
    g_assert_true(answered(&health, TMDB_FAILED, 0, 1000));
    g_assert_cmpint(health.state, ==, TMDB_IS_DOWN);
    /* An hour of it: one ask at a time, and nothing more to tell. */
    g_assert_false(tmdb_health_may_ask(&health, 0, 1000 + HEALTH_DOWN_PAUSE_LEAST_MS - 1));
    g_assert_true(tmdb_health_may_ask(&health, 0, 1000 + HEALTH_DOWN_PAUSE_MS));
    g_assert_false(tmdb_health_may_ask(&health, 1, 1000 + HEALTH_DOWN_PAUSE_MS));
    for (int64_t now_ms = 16000; now_ms < 3600000; now_ms += 15000)
        g_assert_false(answered(&health, TMDB_FAILED, 0, now_ms));
    struct tmdb_answer answer = {.result = TMDB_OK, .status = 200};
    g_assert_true(tmdb_health_answered(&health, &answer, 3601000, &lasted_ms));
    g_assert_cmpint(lasted_ms, ==, 3600000);
    g_assert_true(tmdb_health_may_ask(&health, 7, 3601000));
    /* Single failures between answers are no outage. */
    for (int i = 0; i < 3 * HEALTH_FAILURES_MAX; i++)
        g_assert_false(
            answered(&health, i % 2 ? TMDB_OK : TMDB_FAILED, i % 2 ? 200 : 500, 3601000));
}

/* The pauses grow to the most and are spread: asked in vain 1000 times, they meet every second of
 * an outage that comes and goes every 4 s, and once it is over the next one begins short again. */
static void test_pauses_are_spread(void)
{
    enum { TRIES = 1000, PERIOD_S = 4 };
    struct tmdb_health health = {.state = TMDB_IS_DOWN, .random = 7};
    int64_t now_ms = 0, longest_ms = 0;
    bool met[PERIOD_S] = {false};
    for (int i = 0; i < TRIES; i++) {
        g_assert_false(answered(&health, TMDB_FAILED, 429, now_ms));
        int64_t pause_ms = health.ask_at_ms - now_ms;
        g_assert_cmpint(pause_ms, >=, HEALTH_DOWN_PAUSE_LEAST_MS);
        g_assert_cmpint(pause_ms, <=, HEALTH_DOWN_PAUSE_MS);
        if (i == 0)
            g_assert_cmpint(pause_ms, <=, 2 * HEALTH_DOWN_PAUSE_LEAST_MS);
        longest_ms = MAX(longest_ms, pause_ms);
        now_ms = health.ask_at_ms;
        met[now_ms / 1000 % PERIOD_S] = true;
    }
    g_assert_cmpint(longest_ms, >, HEALTH_DOWN_PAUSE_MS * 9 / 10);
    for (int i = 0; i < PERIOD_S; i++)
        g_assert_true(met[i]);
    g_assert_true(answered(&health, TMDB_OK, 200, now_ms));
    for (int i = 0; i < HEALTH_FAILURES_MAX; i++)
        answered(&health, TMDB_FAILED, 429, now_ms);
    g_assert_cmpint(health.ask_at_ms - now_ms, <=, 2 * HEALTH_DOWN_PAUSE_LEAST_MS);
}

static void test_one_request_alone_is_no_outage(void)
{
    struct tmdb_health health = {0};
    for (int i = 0; i < 3 * HEALTH_FAILURES_MAX; i++) {
        g_assert_false(answered(&health, TMDB_FAILED, 422, 0));
        g_assert_false(answered(&health, TMDB_FAILED, 400, 0));
    }
    g_assert_cmpint(health.state, ==, TMDB_UP);
    g_assert_false(health.answered);
    g_assert_false(answered(&health, TMDB_MISSING, 404, 0));
    g_assert_true(health.answered);
}

static void test_refused_key(void)
{
    struct tmdb_health health = {0};
    g_assert_true(answered(&health, TMDB_DENIED, 401, 100));
    g_assert_false(health.answered); /* from the start: the caller ends */
    g_assert_true(answered(&health, TMDB_OK, 200, 200));
    g_assert_true(answered(&health, TMDB_DENIED, 401, 300));
    g_assert_true(health.answered);
    g_assert_false(answered(&health, TMDB_DENIED, 401, 400));
    g_assert_false(answered(&health, TMDB_FAILED, 0, 500)); /* still refused, as far as we know */
    g_assert_false(tmdb_health_may_ask(&health, 0, 500 + HEALTH_DENIED_PAUSE_MS - 1));
    g_assert_true(tmdb_health_may_ask(&health, 0, 500 + HEALTH_DENIED_PAUSE_MS));
    g_assert_true(answered(&health, TMDB_MISSING, 404, 600));
    g_assert_cmpint(health.state, ==, TMDB_UP);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tmdb_health/outage", test_outage);
    g_test_add_func("/tmdb_health/pauses_are_spread", test_pauses_are_spread);
    g_test_add_func("/tmdb_health/one_request_alone_is_no_outage",
                    test_one_request_alone_is_no_outage);
    g_test_add_func("/tmdb_health/refused_key", test_refused_key);
    return g_test_run();
}

/* Proves: one process leads and the others wait; a leader that lost its lease stops and says so;
 * the wish to stop is heard within a second while requests hang; a refused key ends the start. */
#include <pthread.h>
#include <string.h>

#include "ingest/fake_tmdb.h"
#include "ingest/ingest.h"
#include "ingest/ingest_fixture.h"
#include "view/view.h"

#define EMPTY_LIST  "{\"page\":1,\"total_pages\":1,\"results\":[]}"
#define WAIT_MS_MAX 20000

struct fixture {
    struct ingest_fixture base;
    struct fake_tmdb *fake;
    pthread_t thread;
    bool done;
    GError *error;
};

static void fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){.fake = fake_tmdb_start()};
    ingest_fixture_open(&fixture->base, clock_new_real());
    g_free(fixture->base.config->tmdb_base_url);
    fixture->base.config->tmdb_base_url = g_strdup(fake_tmdb_url(fixture->fake));
    fixture->base.config->ingest_rate_per_s = 1000;
}

static void fixture_close(struct fixture *fixture)
{
    fake_tmdb_stop(fixture->fake);
    g_clear_error(&fixture->error);
    ingest_fixture_close(&fixture->base);
}

static void *run(void *user)
{
    struct fixture *fixture = user;
    fixture->done = ingest_run(&fixture->base.context, &fixture->error);
    return NULL;
}

static void start(struct fixture *fixture)
{
    g_assert_cmpint(pthread_create(&fixture->thread, NULL, run, fixture), ==, 0);
}

static void join(struct fixture *fixture)
{
    g_assert_cmpint(pthread_join(fixture->thread, NULL), ==, 0);
}

static int64_t now_us(struct fixture *fixture)
{
    return clock_monotonic_us(fixture->base.context.clock);
}

/* Until TMDB was asked for it; a limit only for a test that fails. */
static void wait_asked(struct fixture *fixture, const char *path)
{
    int64_t started_us = now_us(fixture);
    while (!fake_tmdb_count(fixture->fake, path)) {
        g_assert_cmpint(now_us(fixture) - started_us, <, WAIT_MS_MAX * 1000);
        g_thread_yield();
    }
}

static struct view *lead_elsewhere(struct fixture *fixture, struct view_lease *ret_lease)
{
    g_autoptr(GError) error = NULL;
    struct view *view = view_open(&fixture->base.context, &error);
    g_assert_no_error(error);
    g_assert_true(view_lease_acquire(view, "ingest", "elsewhere", 60000, ret_lease, &error));
    return view;
}

static void test_stop_while_requests_hang(void)
{
    struct fixture fixture;
    fixture_open(&fixture);
    fake_tmdb_set(fixture.fake, "/movie/popular", 0, "");
    start(&fixture);
    wait_asked(&fixture, "/movie/popular");
    int64_t started_us = now_us(&fixture);
    stop_request(fixture.base.context.stop);
    join(&fixture);
    g_assert_cmpint(now_us(&fixture) - started_us, <, 1000000);
    g_assert_no_error(fixture.error);
    g_assert_true(fixture.done);
    /* The lease was given back: nobody waits for its end. */
    struct view_lease lease;
    view_close(lead_elsewhere(&fixture, &lease));
    fixture_close(&fixture);
}

static void test_another_leads(void)
{
    struct fixture fixture;
    struct view_lease lease;
    g_autoptr(GError) error = NULL;
    fixture_open(&fixture);
    struct view *view = lead_elsewhere(&fixture, &lease);
    start(&fixture);
    int64_t started_us = now_us(&fixture);
    while (!ingest_fixture_log_count(&fixture.base, "another process leads"))
        g_assert_cmpint(now_us(&fixture) - started_us, <, WAIT_MS_MAX * 1000);
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/"), ==, 0);
    g_assert_true(view_lease_release(view, "ingest", lease.epoch, &error));
    wait_asked(&fixture, "/movie/popular");
    stop_request(fixture.base.context.stop);
    join(&fixture);
    g_assert_true(fixture.done);
    g_assert_cmpuint(ingest_fixture_log_count(&fixture.base, "another process leads"), ==, 1);
    view_close(view);
    fixture_close(&fixture);
}

/* Time on a manual clock: the lease runs out in the world, another process takes it, and this one
 * finds out at its next renewal. */
static void test_a_lost_lease(void)
{
    struct fixture fixture;
    struct view_lease lease;
    fixture_open(&fixture);
    clock_free(fixture.base.context.clock);
    log_free(fixture.base.context.log);
    fixture.base.context.clock = clock_new_manual(INT64_C(1772510400000));
    fixture.base.context.log =
        log_new(fixture.base.log_fd, LOG_LEVEL_DEBUG, LOG_FORMAT_JSON, fixture.base.context.clock);
    fake_tmdb_set(fixture.fake, "/movie/popular", 200, EMPTY_LIST);
    start(&fixture);
    while (!fake_tmdb_count(fixture.fake, "/movie/popular")) {
        clock_advance_monotonic(fixture.base.context.clock, 1); /* the rate limit is on it too */
        g_thread_yield();
    }
    clock_set_now(fixture.base.context.clock, INT64_C(1772510400000) + 31000);
    struct view *view = lead_elsewhere(&fixture, &lease);
    clock_advance_monotonic(fixture.base.context.clock, 10000); /* a third of the lease */
    join(&fixture);
    g_assert_false(fixture.done);
    g_assert_true(error_is(fixture.error, FENCED));
    g_assert_nonnull(strstr(fixture.error->message, "the ingest lease is lost"));
    view_close(view);
    fixture_close(&fixture);
}

static void test_a_refused_key(void)
{
    struct fixture fixture;
    fixture_open(&fixture);
    fake_tmdb_fail(fixture.fake, INT32_MAX, 401, "{\"status_code\":7}", NULL);
    g_free(fixture.base.config->tmdb_api_key);
    fixture.base.config->tmdb_api_key = g_strdup("sesame");
    start(&fixture);
    join(&fixture);
    g_assert_false(fixture.done);
    g_assert_true(error_is(fixture.error, DENIED));
    g_assert_null(strstr(fixture.error->message, "sesame"));
    g_assert_cmpuint(ingest_fixture_log_count(&fixture.base, "sesame"), ==, 0);
    fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stage/stop_while_requests_hang", test_stop_while_requests_hang);
    g_test_add_func("/stage/another_leads", test_another_leads);
    g_test_add_func("/stage/a_lost_lease", test_a_lost_lease);
    g_test_add_func("/stage/a_refused_key", test_a_refused_key);
    return g_test_run();
}

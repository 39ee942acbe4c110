/* Proves against a real server on loopback: what is tried again and what is final, Retry-After,
 * time-outs, the limit on an answer's size, secrets that stay off the answers, and that the rate
 * limit holds over all requests. */
#include "net/http_client.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "net/http_server.h"

struct fixture {
    struct context context;
    struct http_server *server;
    struct http_client *client;
    atomic_int flaky_left; /* failures before /flaky answers */
    atomic_int requests;
    atomic_bool hold;
    char *seen_key;
};

static void ok(const struct http_request *request, struct http_response *response, void *worker)
{
    struct fixture *fixture = worker;
    atomic_fetch_add(&fixture->requests, 1);
    const char *key = http_request_query(request, "api_key");
    if (key) {
        g_free(fixture->seen_key);
        fixture->seen_key =
            g_strdup_printf("%s|%s", key, http_request_header(request, "Authorization"));
    }
    http_reply(response, 200, "application/json", "{\"ok\":true}", 11);
}

static void flaky(const struct http_request *request, struct http_response *response, void *worker)
{
    struct fixture *fixture = worker;
    atomic_fetch_add(&fixture->requests, 1);
    if (atomic_fetch_sub(&fixture->flaky_left, 1) > 0) {
        http_problem(request, response, 429, "not now");
        http_header_add(response, "Retry-After", "0");
    } else {
        http_reply(response, 200, "application/json", "{}", 2);
    }
}

static void
missing(const struct http_request *request, struct http_response *response, void *worker)
{
    atomic_fetch_add(&((struct fixture *)worker)->requests, 1);
    http_problem(request, response, 404, "no such movie");
}

static void half(const struct http_request *request, struct http_response *response, void *worker)
{
    (void)request;
    atomic_fetch_add(&((struct fixture *)worker)->requests, 1);
    http_reply(response, 200, "text/html", "<html>", 6);
}

static void huge(const struct http_request *request, struct http_response *response, void *worker)
{
    (void)worker;
    size_t len = HTTP_ANSWER_BYTES_MAX + 1;
    http_reply(response, 200, "text/plain", arena_zalloc(http_request_arena(request), len), len);
}

/* Never ends by itself: the event stream has nothing to say. */
static void silence(void *user, GString *out)
{
    (void)user;
    (void)out;
}

static void silence_close(void *user)
{
    (void)user;
}

static void hangs(const struct http_request *request, struct http_response *response, void *worker)
{
    struct http_event_source *source =
        arena_new0(http_request_arena(request), struct http_event_source);
    atomic_fetch_add(&((struct fixture *)worker)->requests, 1);
    *source = (struct http_event_source){silence, silence_close, NULL, 1000};
    response->status = 200;
    response->events = source;
}

static const struct http_route routes[] = {
    {"GET", "/ok", ok, "ok"},
    {"GET", "/flaky", flaky, "flaky"},
    {"GET", "/missing", missing, "missing"},
    {"GET", "/half", half, "half"},
    {"GET", "/huge", huge, "huge"},
    {"GET", "/hangs", hangs, "hangs"},
};

static void *worker_open(void *user, GError **error)
{
    (void)error;
    return user;
}

static enum http_verdict judge(const struct http_answer *answer, void *user)
{
    (void)user;
    return g_str_has_prefix(answer->content_type, "text/html") ? HTTP_RETRY : HTTP_DONE;
}

static void fixture_open(struct fixture *fixture, struct http_client_options client_options)
{
    *fixture = (struct fixture){.context = {.clock = clock_new_real(), .metrics = metrics_new()}};
    struct http_server_options options = {
        .host = "127.0.0.1",
        .threads = 1,
        .connections_max = 32,
        .idle_timeout_ms = 5000,
        .routes = routes,
        .routes_count = G_N_ELEMENTS(routes),
        .worker_open = worker_open,
        .user = fixture,
    };
    g_autoptr(GError) error = NULL;
    fixture->server = http_server_start(&fixture->context, &options, &error);
    g_assert_no_error(error);
    client_options.concurrency = client_options.concurrency ? client_options.concurrency : 4;
    client_options.retry_base_ms = 1;
    client_options.retry_cap_ms = 4;
    client_options.timeout_ms = client_options.timeout_ms ? client_options.timeout_ms : 10000;
    fixture->client = http_client_new(&fixture->context, &client_options, &error);
    g_assert_no_error(error);
}

static void fixture_close(struct fixture *fixture)
{
    http_client_free(fixture->client);
    http_server_stop(fixture->server);
    metrics_free(fixture->context.metrics);
    clock_free(fixture->context.clock);
    g_free(fixture->seen_key);
}

struct seen {
    int answers, status, tries;
    char *body, *url, *error;
};

static void keep(const struct http_answer *answer, void *user)
{
    struct seen *seen = user;
    seen->answers++;
    seen->status = answer->status;
    seen->tries = answer->tries;
    g_free(seen->body);
    seen->body = g_strndup(answer->body, MIN(answer->body_len, 64));
    g_free(seen->url);
    seen->url = g_strdup(answer->url);
    g_free(seen->error);
    seen->error = g_strdup(answer->error);
}

static void seen_clear(struct seen *seen)
{
    g_free(seen->body);
    g_free(seen->url);
    g_free(seen->error);
}

static void get(struct fixture *fixture, const char *path, struct seen *seen)
{
    g_autofree char *url =
        g_strdup_printf("http://127.0.0.1:%d%s", http_server_port(fixture->server), path);
    g_autoptr(GError) error = NULL;
    bool queued = http_client_get(fixture->client, url, keep, seen, &error);
    g_assert_no_error(error);
    g_assert_true(queued);
}

static void drain(struct fixture *fixture)
{
    while (http_client_pending(fixture->client))
        http_client_run(fixture->client, 1000);
}

static void test_retries_until_it_works(void)
{
    struct fixture fixture;
    fixture_open(&fixture, (struct http_client_options){.retry_max = 5});
    atomic_store(&fixture.flaky_left, 3);
    struct seen seen = {0};
    get(&fixture, "/flaky", &seen);
    drain(&fixture);
    g_assert_cmpint(seen.answers, ==, 1);
    g_assert_cmpint(seen.status, ==, 200);
    g_assert_cmpint(seen.tries, ==, 4);
    g_assert_cmpfloat(metrics_get(fixture.context.metrics, METRIC_INGEST_RETRIES, NULL), ==, 3);
    g_assert_cmpfloat(metrics_get(fixture.context.metrics, METRIC_INGEST_REQUESTS, "429"), ==, 3);
    g_assert_cmpfloat(metrics_get(fixture.context.metrics, METRIC_INGEST_REQUESTS, "200"), ==, 1);
    seen_clear(&seen);
    fixture_close(&fixture);
}

static void test_gives_up_after_retry_max(void)
{
    struct fixture fixture;
    fixture_open(&fixture, (struct http_client_options){.retry_max = 2});
    atomic_store(&fixture.flaky_left, 100);
    struct seen seen = {0};
    get(&fixture, "/flaky", &seen);
    drain(&fixture);
    g_assert_cmpint(seen.status, ==, 429);
    g_assert_cmpint(seen.tries, ==, 3);
    g_assert_cmpint(atomic_load(&fixture.requests), ==, 3);
    seen_clear(&seen);
    fixture_close(&fixture);
}

static void test_404_is_final_and_the_judge_can_ask_again(void)
{
    struct fixture fixture;
    fixture_open(&fixture, (struct http_client_options){.retry_max = 2, .judge = judge});
    struct seen seen = {0};
    get(&fixture, "/missing", &seen);
    drain(&fixture);
    g_assert_cmpint(seen.status, ==, 404);
    g_assert_cmpint(seen.tries, ==, 1);
    get(&fixture, "/half", &seen);
    drain(&fixture);
    g_assert_cmpint(seen.status, ==, 200);
    g_assert_cmpint(seen.tries, ==, 3);
    seen_clear(&seen);
    fixture_close(&fixture);
}

static void test_time_out_and_size_limit(void)
{
    struct fixture fixture;
    fixture_open(&fixture, (struct http_client_options){.retry_max = 1, .timeout_ms = 100});
    struct seen seen = {0};
    get(&fixture, "/hangs", &seen);
    drain(&fixture);
    g_assert_cmpint(seen.status, ==, 0);
    g_assert_cmpint(seen.tries, ==, 2);
    g_assert_nonnull(seen.error);
    seen_clear(&seen);
    fixture_close(&fixture);

    fixture_open(&fixture, (struct http_client_options){.retry_max = 3});
    seen = (struct seen){0};
    get(&fixture, "/huge", &seen);
    drain(&fixture);
    g_assert_cmpint(seen.status, ==, 0);
    g_assert_cmpint(seen.tries, ==, 1); /* it won't be smaller next time */
    g_assert_nonnull(strstr(seen.error, "limit"));
    seen_clear(&seen);
    fixture_close(&fixture);
}

static void test_refused_connection_is_an_answer(void)
{
    struct fixture fixture;
    fixture_open(&fixture, (struct http_client_options){.retry_max = 1});
    struct seen seen = {0};
    g_autoptr(GError) error = NULL;
    g_assert_true(http_client_get(fixture.client, "http://127.0.0.1:1/", keep, &seen, &error));
    drain(&fixture);
    g_assert_cmpint(seen.status, ==, 0);
    g_assert_cmpint(seen.tries, ==, 2);
    seen_clear(&seen);
    fixture_close(&fixture);
}

static void test_secrets_go_out_and_stay_out(void)
{
    struct fixture fixture;
    const char *const headers[] = {"Authorization: Bearer sesame", NULL};
    fixture_open(&fixture, (struct http_client_options){.headers = headers,
                                                        .secret_query = "api_key=hidden"});
    struct seen seen = {0};
    get(&fixture, "/ok?page=1", &seen);
    drain(&fixture);
    g_assert_cmpstr(fixture.seen_key, ==, "hidden|Bearer sesame");
    g_assert_null(strstr(seen.url, "hidden"));
    seen_clear(&seen);
    fixture_close(&fixture);
}

/* 3 at once, then one each 20 ms: 8 requests can't be done before 100 ms have passed. */
static void test_rate_limit_holds(void)
{
    struct fixture fixture;
    fixture_open(&fixture, (struct http_client_options){.rate_per_s = 50, .burst = 3});
    struct seen seen = {0};
    int64_t started_us = clock_monotonic_us(fixture.context.clock);
    for (int i = 0; i < 8; i++)
        get(&fixture, "/ok", &seen);
    drain(&fixture);
    g_assert_cmpint(seen.answers, ==, 8);
    g_assert_cmpint(clock_monotonic_us(fixture.context.clock) - started_us, >=, 98000);
    seen_clear(&seen);
    fixture_close(&fixture);
}

static void test_free_drops_what_is_under_way(void)
{
    struct fixture fixture;
    fixture_open(&fixture, (struct http_client_options){.concurrency = 2});
    struct seen seen = {0};
    for (int i = 0; i < 5; i++)
        get(&fixture, "/hangs", &seen);
    http_client_run(fixture.client, 20);
    g_assert_cmpint(http_client_pending(fixture.client), ==, 5);
    fixture_close(&fixture);
    g_assert_cmpint(seen.answers, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http_client/retries_until_it_works", test_retries_until_it_works);
    g_test_add_func("/http_client/gives_up_after_retry_max", test_gives_up_after_retry_max);
    g_test_add_func("/http_client/404_is_final_and_the_judge_can_ask_again",
                    test_404_is_final_and_the_judge_can_ask_again);
    g_test_add_func("/http_client/time_out_and_size_limit", test_time_out_and_size_limit);
    g_test_add_func("/http_client/refused_connection_is_an_answer",
                    test_refused_connection_is_an_answer);
    g_test_add_func("/http_client/secrets_go_out_and_stay_out", test_secrets_go_out_and_stay_out);
    g_test_add_func("/http_client/rate_limit_holds", test_rate_limit_holds);
    g_test_add_func("/http_client/free_drops_what_is_under_way", test_free_drops_what_is_under_way);
    return g_test_run();
}

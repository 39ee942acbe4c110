/* Proves over real sockets what the header promises: routing, every limit with its status and
 * problem+json, HEAD, worker objects, event streams, slow clients, and a clean stop while streams
 * are open. */
#include "net/http_server.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"

struct fixture {
    struct context context;
    struct http_server *server;
    atomic_int workers_open, events_closed;
};

static void hello(const struct http_request *request, struct http_response *response, void *worker)
{
    g_assert_nonnull(worker);
    const char *name = http_request_query(request, "name");
    char *text = arena_printf(http_request_arena(request), "hello %s", name ? name : "you");
    http_reply(response, 200, "text/plain", text, strlen(text));
}

static void movie(const struct http_request *request, struct http_response *response, void *worker)
{
    (void)worker;
    int64_t id;
    if (!http_param_int(request, response, "id", 1, INT32_MAX, &id))
        return;
    char *text = arena_printf(http_request_arena(request), "movie %" G_GINT64_FORMAT, id);
    http_reply(response, 200, "text/plain", text, strlen(text));
}

static void echo(const struct http_request *request, struct http_response *response, void *worker)
{
    (void)worker;
    size_t len;
    const char *body = http_request_body(request, &len);
    http_reply(response, 200, "text/plain", body, len);
}

static void
forgets(const struct http_request *request, struct http_response *response, void *worker)
{
    (void)request;
    (void)response;
    (void)worker;
}

static void tick(void *user, GString *out)
{
    (void)user;
    g_string_append(out, "event: tick\ndata: {}\n\n");
}

static void tick_close(void *user)
{
    atomic_fetch_add(&((struct fixture *)user)->events_closed, 1);
}

static void events(const struct http_request *request, struct http_response *response, void *worker)
{
    struct http_event_source *source =
        arena_new0(http_request_arena(request), struct http_event_source);
    *source = (struct http_event_source){tick, tick_close, worker, 10};
    response->status = 200;
    response->events = source;
}

static const struct http_route routes[] = {
    {"GET", "/hello", hello, "hello"},    {"GET", "/movies/{id}", movie, "movie"},
    {"POST", "/echo", echo, "echo"},      {"GET", "/forgets", forgets, "forgets"},
    {"GET", "/events", events, "events"},
};

static void *worker_open(void *user, GError **error)
{
    (void)error;
    atomic_fetch_add(&((struct fixture *)user)->workers_open, 1);
    return user;
}

static void worker_close(void *worker)
{
    atomic_fetch_sub(&((struct fixture *)worker)->workers_open, 1);
}

static void fixture_open(struct fixture *fixture, int64_t idle_timeout_ms)
{
    *fixture = (struct fixture){.context = {.clock = clock_new_real(), .metrics = metrics_new()}};
    struct http_server_options options = {
        .host = "127.0.0.1",
        .threads = 2,
        .connections_max = 16,
        .idle_timeout_ms = idle_timeout_ms,
        .routes = routes,
        .routes_count = G_N_ELEMENTS(routes),
        .worker_open = worker_open,
        .worker_close = worker_close,
        .user = fixture,
    };
    g_autoptr(GError) error = NULL;
    fixture->server = http_server_start(&fixture->context, &options, &error);
    g_assert_no_error(error);
    g_assert_cmpint(http_server_port(fixture->server), >, 0);
}

static void fixture_close(struct fixture *fixture)
{
    http_server_stop(fixture->server);
    g_assert_cmpint(atomic_load(&fixture->workers_open), ==, 0);
    metrics_free(fixture->context.metrics);
    clock_free(fixture->context.clock);
}

static int dial(const struct fixture *fixture)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)http_server_port(fixture->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    return fd;
}

static void put(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server has closed: what it said is read next */
        data += sent;
        len -= (size_t)sent;
    }
}

/* Everything the server says to one raw request, which asks for the connection to be closed. */
static char *ask_bytes(const struct fixture *fixture, const char *request, size_t len)
{
    int fd = dial(fixture);
    put(fd, request, len);
    GString *answer = g_string_new(NULL);
    char buffer[4096];
    ssize_t got;
    while ((got = recv(fd, buffer, sizeof buffer, 0)) > 0)
        g_string_append_len(answer, buffer, got);
    close(fd);
    return g_string_free(answer, FALSE);
}

static char *ask(const struct fixture *fixture, const char *line, const char *rest)
{
    g_autofree char *request =
        g_strdup_printf("%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s", line, rest);
    return ask_bytes(fixture, request, strlen(request));
}

static void expect(const struct fixture *fixture,
                   const char *line,
                   const char *rest,
                   const char *status,
                   const char *text)
{
    g_autofree char *answer = ask(fixture, line, rest);
    g_autofree char *wanted = g_strdup_printf("HTTP/1.1 %s", status);
    if (!g_str_has_prefix(answer, wanted) || !strstr(answer, text))
        g_error("%s: expected %s with \"%s\", got:\n%s", line, status, text, answer);
}

static void test_routes(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 5000);
    expect(&fixture, "GET /hello?name=a%20b", "\r\n", "200", "hello a b");
    expect(&fixture, "GET /movies/603", "\r\n", "200", "movie 603");
    expect(&fixture, "GET /movies/x1", "\r\n", "400",
           "expected a whole number from 1 to 2147483647");
    expect(&fixture, "GET /movies/99999999999", "\r\n", "400", "application/problem+json");
    expect(&fixture, "GET /movies/", "\r\n", "404", "application/problem+json");
    expect(&fixture, "GET /nothing", "\r\n", "404", "\"status\":404");
    expect(&fixture, "DELETE /hello", "\r\n", "405", "Allow: GET, HEAD");
    expect(&fixture, "BREW /hello", "\r\n", "501", "BREW");
    expect(&fixture, "GET /forgets", "\r\n", "500", "no answer");
    expect(&fixture, "POST /echo", "Content-Length: 4\r\n\r\nabcd", "200", "abcd");
    g_assert_cmpfloat(metrics_get(fixture.context.metrics, METRIC_HTTP_REQUESTS, "404"), ==, 2);
    fixture_close(&fixture);
}

static void test_head_has_no_body(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 5000);
    g_autofree char *answer = ask(&fixture, "HEAD /hello", "\r\n");
    g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 200"));
    g_assert_nonnull(strstr(answer, "Content-Length: 9"));
    g_assert_true(g_str_has_suffix(answer, "\r\n\r\n"));
    fixture_close(&fixture);
}

static void test_limits(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 5000);
    g_autofree char *long_path = g_strnfill(HTTP_URL_BYTES_MAX, 'a');
    g_autofree char *url = g_strdup_printf("GET /%s", long_path);
    expect(&fixture, url, "\r\n", "414", "application/problem+json");
    g_autofree char *long_value = g_strnfill(HTTP_HEADER_BYTES_MAX, 'b');
    g_autofree char *header = g_strdup_printf("X-Long: %s\r\n\r\n", long_value);
    expect(&fixture, "GET /hello", header, "431", "application/problem+json");
    expect(&fixture, "POST /echo", "Content-Length: 65537\r\n\r\n", "413",
           "application/problem+json");
    g_autofree char *chunk = g_strnfill(0x10001, 'c');
    g_autofree char *chunked =
        g_strdup_printf("Transfer-Encoding: chunked\r\n\r\n10001\r\n%s\r\n0\r\n\r\n", chunk);
    expect(&fixture, "POST /echo", chunked, "413", "application/problem+json");
    g_assert_cmpfloat(metrics_get(fixture.context.metrics, METRIC_HTTP_REJECTED, "too_large"), ==,
                      4);
    fixture_close(&fixture);
}

static void test_garbage_is_refused(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 1000);
    static const char garbage[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n";
    g_autofree char *answer = ask_bytes(&fixture, garbage, sizeof garbage - 1);
    g_assert_true(answer[0] == '\0' || g_str_has_prefix(answer, "HTTP/1."));
    expect(&fixture, "GET /hello", "\r\n", "200", "hello"); /* and the server goes on */
    fixture_close(&fixture);
}

/* A byte now and then keeps MHD's own time-out from coming; ours ends the connection. */
static void test_slow_client_is_closed(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 1000);
    int fd = dial(&fixture);
    struct timeval timeout = {.tv_usec = 100000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: x\r\nX-Slow: "
                                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    bool closed = false;
    for (size_t i = 0; i < sizeof request - 1 && !closed; i++) {
        put(fd, request + i, 1);
        char byte;
        closed = recv(fd, &byte, 1, 0) == 0;
    }
    g_assert_true(closed);
    g_assert_cmpfloat(metrics_get(fixture.context.metrics, METRIC_HTTP_REJECTED, "slow"), ==, 1);
    close(fd);
    fixture_close(&fixture);
}

static void read_until(int fd, GString *seen, const char *text, int times)
{
    for (;;) {
        int count = 0;
        for (const char *at = seen->str; (at = strstr(at, text)); at += strlen(text))
            count++;
        if (count >= times)
            return;
        char buffer[1024];
        ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        g_assert_cmpint(got, >, 0);
        g_string_append_len(seen, buffer, got);
    }
}

static void test_events(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 5000);
    static const char request[] = "GET /events HTTP/1.1\r\nHost: x\r\n\r\n";
    int leaving = dial(&fixture), staying = dial(&fixture);
    put(leaving, request, sizeof request - 1);
    put(staying, request, sizeof request - 1);
    g_autoptr(GString) seen_leaving = g_string_new(NULL), seen_staying = g_string_new(NULL);
    read_until(leaving, seen_leaving, "event: tick", 3);
    g_assert_nonnull(strstr(seen_leaving->str, "text/event-stream"));
    close(leaving);
    /* The one that stays goes on; the one that left is noticed by a failed write. */
    for (int more = 3; atomic_load(&fixture.events_closed) == 0 && more < 2000; more++)
        read_until(staying, seen_staying, "event: tick", more);
    g_assert_cmpint(atomic_load(&fixture.events_closed), ==, 1);
    fixture_close(&fixture);
    g_assert_cmpint(atomic_load(&fixture.events_closed), ==, 2);
    close(staying);
}

static void test_event_streams_leave_room_for_questions(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 5000);
    static const char request[] = "GET /events HTTP/1.1\r\nHost: x\r\n\r\n";
    int fds[8];
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = dial(&fixture);
        put(fds[i], request, sizeof request - 1);
        g_autoptr(GString) seen = g_string_new(NULL);
        read_until(fds[i], seen, "event: tick", 1);
    }
    expect(&fixture, "GET /events", "\r\n", "503", "Retry-After: 10");
    expect(&fixture, "GET /hello", "\r\n", "200", "hello");
    fixture_close(&fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        close(fds[i]);
}

static void test_taken_port_is_a_clear_error(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 5000);
    struct http_server_options options = {.host = "127.0.0.1",
                                          .port = http_server_port(fixture.server),
                                          .threads = 1,
                                          .connections_max = 4,
                                          .idle_timeout_ms = 1000};
    g_autoptr(GError) error = NULL;
    /* Two daemons may share a port only if both ask for it (SO_REUSEPORT), and ours must not. */
    struct http_server *second = http_server_start(&fixture.context, &options, &error);
    g_assert_null(second);
    g_assert_true(error_is(error, CONFIG));
    g_assert_nonnull(strstr(error->message, "port"));
    fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http_server/routes", test_routes);
    g_test_add_func("/http_server/head_has_no_body", test_head_has_no_body);
    g_test_add_func("/http_server/limits", test_limits);
    g_test_add_func("/http_server/garbage_is_refused", test_garbage_is_refused);
    g_test_add_func("/http_server/slow_client_is_closed", test_slow_client_is_closed);
    g_test_add_func("/http_server/events", test_events);
    g_test_add_func("/http_server/event_streams_leave_room_for_questions",
                    test_event_streams_leave_room_for_questions);
    g_test_add_func("/http_server/taken_port_is_a_clear_error", test_taken_port_is_a_clear_error);
    return g_test_run();
}

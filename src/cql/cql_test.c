/* Proves: a session against a scripted server of version 4: greeting, log in, a version that is too
 * high, each failure's verdict as seen from outside, a forgotten statement, connections that break
 * inside a request, answers that come byte by byte, damaged ones, pages, batches, limits.
 * cql_fake.h is the server. */
#include "cql/cql.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "cql/cql_fake.h"

/* Guards against a hang; nothing here waits for them, but for one test of silence. */
#define TIMEOUT_MS INT64_C(60000)
#define SILENCE_MS INT64_C(200)

struct world {
    struct clock *clock;
    struct cql *cql;
    struct cql_statement *statement;
};

static struct cql *
session(struct world *world, const struct fake *server, const char *user, GError **error)
{
    g_autofree char *hosts = g_strdup_printf("127.0.0.1:%d", server->port);
    world->clock = clock_new_real();
    return cql_open(
        &(struct cql_options){
            .clock = world->clock,
            .hosts = hosts,
            .user = user,
            .password = "secret",
            .connections = 1,
            .in_flight_max = 64,
            .connect_timeout_ms = TIMEOUT_MS,
            .request_timeout_ms = server->script == SILENT ? SILENCE_MS : TIMEOUT_MS,
            .reconnect_base_ms = 1,
            .reconnect_cap_ms = 10,
            .version_most = server->version == 4 ? 4 : 0,
        },
        error);
}

static void world_open(struct world *world, struct fake *server)
{
    GError *error = NULL;
    fake_start(server);
    world->cql = session(world, server, NULL, &error);
    g_assert_no_error(error);
    world->statement = cql_prepare(world->cql, "an insert with one int", &error);
    g_assert_no_error(error);
}

static void world_close(struct world *world, struct fake *server)
{
    cql_close(world->cql);
    clock_free(world->clock);
    fake_stop(server);
}

struct outcome {
    int ended, rows;
    int64_t sum;
    GError *error;
};

static void on_end(void *data, struct cql_rows *rows, bool last, const GError *error)
{
    struct outcome *outcome = data;
    struct cql_cell cells[CQL_COLUMNS_MAX];
    outcome->ended += last;
    while (rows && cql_rows_next(rows, cells)) {
        outcome->rows++;
        outcome->sum += cql_cell_int(&cells[0]);
    }
    if (error && !outcome->error)
        outcome->error = g_error_copy(error);
}

static void begin(struct world *world, bool idempotent, struct outcome *outcome)
{
    GError *error = NULL;
    const struct cql_value values[] = {cql_int(7)};
    const struct cql_execute_options options = {
        .consistency = CQL_LOCAL_QUORUM, .idempotent = idempotent, .page_size = 2};
    g_assert_true(
        cql_execute(world->cql, world->statement, values, 1, &options, on_end, outcome, &error));
    g_assert_no_error(error);
}

static struct outcome once(struct world *world, bool idempotent)
{
    struct outcome outcome = {0};
    begin(world, idempotent, &outcome);
    cql_flush(world->cql);
    g_assert_cmpint(outcome.ended, ==, 1);
    return outcome;
}

static void test_plain(void)
{
    for (int dribble = 0; dribble < 2; dribble++) {
        struct fake server = {.dribble = dribble};
        struct world world;
        world_open(&world, &server);
        struct outcome outcome = {0};
        for (int i = 0; i < 1000; i++) /* far more than may be under way */
            begin(&world, true, &outcome);
        cql_flush(world.cql);
        g_assert_no_error(outcome.error);
        g_assert_cmpint(outcome.ended, ==, 1000);
        g_assert_cmpint(server.executes, ==, 1000);
        GError *error = NULL;
        g_assert_true(cql_prepare(world.cql, "an insert with one int", &error) == world.statement);
        g_assert_cmpint(server.prepares, ==, 1);
        g_assert_true(cql_run(world.cql, "some ddl", &error));
        g_assert_cmpint(cql_version(world.cql), ==, 4);
        g_assert_cmpuint(cql_stats(world.cql).nodes, ==, 1);
        world_close(&world, &server);
    }
}

/* Values that don't fit are refused here, and nothing is sent. */
static void test_misuse(void)
{
    struct fake server = {0};
    struct world world;
    world_open(&world, &server);
    const struct cql_execute_options options = {.consistency = CQL_ONE};
    const struct cql_value wrong[] = {cql_text("7"), cql_null()};
    static const size_t counts[] = {0, 1, 2};
    for (size_t i = 0; i < 3; i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(cql_execute(world.cql, world.statement, wrong, counts[i], &options, on_end,
                                   NULL, &error));
        g_assert_true(error_is(error, FAILED));
    }
    g_autoptr(GError) error = NULL;
    g_assert_false(
        cql_execute(world.cql, world.statement, &wrong[1], 1, &options, on_end, NULL, &error));
    g_assert_nonnull(strstr(error->message, "partition key"));
    g_assert_cmpint(server.executes, ==, 0);
    world_close(&world, &server);
}

/* Version 5 is refused by a server of version 4: the session goes on with that. One of version 3
 * can't be used. */
static void test_version(void)
{
    struct fake server = {.version = 3};
    struct world world;
    g_autoptr(GError) error = NULL;
    fake_start(&server);
    g_assert_null(session(&world, &server, NULL, &error));
    g_assert_true(error_is(error, FAILED));
    clock_free(world.clock);
    fake_stop(&server);
    server = (struct fake){0};
    fake_start(&server);
    g_autofree char *hosts = g_strdup_printf("127.0.0.1:%d", server.port);
    world.clock = clock_new_real();
    const struct cql_options options = {.clock = world.clock,
                                        .hosts = hosts,
                                        .connections = 1,
                                        .in_flight_max = 4,
                                        .connect_timeout_ms = TIMEOUT_MS,
                                        .request_timeout_ms = TIMEOUT_MS,
                                        .reconnect_base_ms = 1,
                                        .reconnect_cap_ms = 10};
    g_clear_error(&error);
    world.cql = cql_open(&options, &error);
    g_assert_no_error(error);
    g_assert_cmpint(cql_version(world.cql), ==, 4);
    g_assert_cmpint(server.startups, ==, 2);
    world_close(&world, &server);
}

static void test_log_in(void)
{
    static const struct {
        const char *user, *wants;
        size_t wants_len;
        bool good;
    } cases[] = {
        {"ann", "\0ann\0secret", 11, true},
        {"ann", "\0ann\0other", 10, false},
        {NULL, "\0ann\0secret", 11, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct fake server = {.user = cases[i].wants, .user_len = cases[i].wants_len};
        struct world world;
        g_autoptr(GError) error = NULL;
        fake_start(&server);
        world.cql = session(&world, &server, cases[i].user, &error);
        g_assert_true(cases[i].good == (world.cql != NULL));
        if (!cases[i].good) {
            g_assert_true(error_is(error, DENIED));
            g_assert_null(strstr(error->message, "secret"));
        }
        world_close(&world, &server);
    }
}

/* An authenticator that asks more than a name and a password is named as what it is. */
static void test_challenge(void)
{
    struct fake server = {.user = "\0ann\0secret", .user_len = 11, .challenge = true};
    struct world world;
    g_autoptr(GError) error = NULL;
    fake_start(&server);
    g_assert_null(session(&world, &server, "ann", &error));
    g_assert_nonnull(strstr(error->message, "PasswordAuthenticator"));
    clock_free(world.clock);
    fake_stop(&server);
}

/* A server that says unasked that a node is up: the ring is read again, requests go on. */
static void test_event(void)
{
    struct fake server = {.script = EVENT_FIRST};
    struct world world;
    world_open(&world, &server);
    int before = server.peers_reads;
    struct outcome outcome = once(&world, true);
    g_assert_no_error(outcome.error);
    for (int64_t end_ms = clock_monotonic_ms(world.clock) + TIMEOUT_MS;
         server.peers_reads == before && clock_monotonic_ms(world.clock) < end_ms;)
        cql_poll(world.cql, 10);
    g_assert_cmpint(server.peers_reads, >, before);
    outcome = once(&world, true);
    g_assert_no_error(outcome.error);
    g_assert_cmpint(server.connections, ==, 1);
    world_close(&world, &server);
}

/* What the server fails with once, whether it is asked again, and what the caller is told. */
static void test_failures(void)
{
    static const struct {
        int32_t code;
        const char *rest;
        size_t len;
        bool idempotent;
        int executes;
        int error; /* -1: none */
    } cases[] = {
        {0x0000, "", 0, true, 2, -1},
        {0x0000, "", 0, false, 1, MARQUEE_ERROR_AGAIN},
        {0x1000, "\0\6\0\0\0\2\0\0\0\1", 10, false, 2, -1},
        {0x1001, "", 0, true, 1, MARQUEE_ERROR_AGAIN},
        {0x1002, "", 0, false, 2, -1},
        {0x1100, "\0\6\0\0\0\1\0\0\0\2\0\1x", 13, true, 1, MARQUEE_ERROR_AGAIN},
        {0x1200, "\0\6\0\0\0\2\0\0\0\2\0", 11, true, 2, -1},
        {0x1200, "\0\6\0\0\0\1\0\0\0\2\0", 11, true, 1, MARQUEE_ERROR_AGAIN},
        {0x2000, "", 0, true, 1, MARQUEE_ERROR_FAILED},
        {0x2100, "", 0, true, 1, MARQUEE_ERROR_DENIED},
        {0x2200, "", 0, true, 1, MARQUEE_ERROR_FAILED},
        {0x2300, "", 0, true, 1, MARQUEE_ERROR_CONFIG},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct fake server = {.script = FAIL_ONCE,
                              .failure_code = cases[i].code,
                              .failure_rest = cases[i].rest,
                              .failure_rest_len = cases[i].len};
        struct world world;
        world_open(&world, &server);
        struct outcome outcome = once(&world, cases[i].idempotent);
        g_assert_cmpint(server.executes, ==, cases[i].executes);
        g_assert_cmpint(outcome.error ? outcome.error->code : -1, ==, cases[i].error);
        g_clear_error(&outcome.error);
        world_close(&world, &server);
    }
}

/* A server that lost its statements: many requests meet that, one PREPARE mends it, all succeed. */
static void test_forgotten(void)
{
    struct fake server = {.script = FORGET};
    struct world world;
    world_open(&world, &server);
    server.prepared = false; /* the thread is waiting for the next request */
    struct outcome outcome = {0};
    for (int i = 0; i < 50; i++)
        begin(&world, false, &outcome);
    cql_flush(world.cql);
    g_assert_no_error(outcome.error);
    g_assert_cmpint(outcome.ended, ==, 50);
    g_assert_cmpint(server.prepares, ==, 2);
    world_close(&world, &server);
}

/* The connection breaks inside an answer, or what comes is nobody's answer: an idempotent request
 * is sent again on a new one, another isn't. */
static void test_broken(void)
{
    static const enum execute_script scripts[] = {BREAK_ONCE, GARBAGE_ONCE};
    for (int i = 0; i < 4; i++) {
        bool idempotent = i % 2;
        struct fake server = {.script = scripts[i / 2]};
        struct world world;
        world_open(&world, &server);
        struct outcome outcome = once(&world, idempotent);
        if (idempotent)
            g_assert_no_error(outcome.error);
        else
            g_assert_true(error_is(outcome.error, AGAIN));
        g_clear_error(&outcome.error);
        outcome = once(&world, idempotent); /* the session goes on */
        g_assert_no_error(outcome.error);
        g_assert_cmpint(server.connections, ==, 2);
        g_assert_cmpint(server.executes, ==, idempotent ? 3 : 2);
        world_close(&world, &server);
    }
}

/* An answer of another version, each time: given up after a few tries. */
static void test_other_version(void)
{
    struct fake server = {.script = OTHER_VERSION};
    struct world world;
    world_open(&world, &server);
    struct outcome outcome = once(&world, true);
    g_assert_true(error_is(outcome.error, AGAIN));
    g_assert_nonnull(strstr(outcome.error->message, "version 3"));
    g_clear_error(&outcome.error);
    world_close(&world, &server);
}

/* Nothing comes: the connection is given up, and the request ends. */
static void test_silent(void)
{
    struct fake server = {.script = SILENT};
    struct world world;
    world_open(&world, &server);
    struct outcome outcome = once(&world, false);
    g_assert_true(error_is(outcome.error, AGAIN));
    g_clear_error(&outcome.error);
    world_close(&world, &server);
}

static void test_pages(void)
{
    struct fake server = {.script = PAGES};
    struct world world;
    world_open(&world, &server);
    struct outcome outcome = once(&world, true);
    g_assert_no_error(outcome.error);
    g_assert_cmpint(outcome.rows, ==, 6);
    g_assert_cmpint(outcome.sum, ==, 10 + 11 + 20 + 21 + 30 + 31);
    world_close(&world, &server);
}

static void test_batch(void)
{
    static const char expected[] = "\1\0\2"
                                   "\1\0\2" FAKE_STATEMENT_ID "\0\1\0\0\0\4\0\0\0\0"
                                   "\1\0\2" FAKE_STATEMENT_ID "\0\1\0\0\0\4\0\0\0\1"
                                   "\0\6\0";
    struct fake server = {.expected_batch = expected, .expected_batch_len = sizeof expected - 1};
    struct world world;
    world_open(&world, &server);
    GError *error = NULL;
    struct outcome outcome = {0};
    const struct cql_execute_options options = {.consistency = CQL_LOCAL_QUORUM};
    struct cql_batch *batch = cql_batch_new(world.cql);
    for (int i = 0; i < 2; i++) {
        const struct cql_value values[] = {cql_int(i)};
        g_assert_true(cql_batch_add(batch, world.statement, values, 1, &error));
    }
    g_assert_true(cql_batch_execute(world.cql, batch, &options, on_end, &outcome, &error));
    cql_flush(world.cql);
    g_assert_cmpint(server.batches, ==, 1);
    batch = cql_batch_new(world.cql); /* an empty one */
    g_assert_true(cql_batch_execute(world.cql, batch, &options, on_end, &outcome, &error));
    g_assert_cmpint(outcome.ended, ==, 2);
    cql_batch_free(cql_batch_new(world.cql));
    g_assert_cmpuint(cql_stats(world.cql).in_flight, ==, 0);
    world_close(&world, &server);
}

static void test_hosts(void)
{
    static const struct {
        const char *hosts;
        int code;
    } cases[] = {{"", MARQUEE_ERROR_CONFIG},
                 {" , ", MARQUEE_ERROR_CONFIG},
                 {"127.0.0.1:x", MARQUEE_ERROR_CONFIG},
                 {"127.0.0.1:70000", MARQUEE_ERROR_CONFIG},
                 {":9042", MARQUEE_ERROR_CONFIG},
                 {"127.0.0.1:1, 127.0.0.1:2", MARQUEE_ERROR_AGAIN}};
    struct clock *clock = clock_new_real();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        const struct cql_options options = {.clock = clock,
                                            .hosts = cases[i].hosts,
                                            .connections = 1,
                                            .connect_timeout_ms = TIMEOUT_MS,
                                            .request_timeout_ms = TIMEOUT_MS,
                                            .reconnect_base_ms = 1000,
                                            .reconnect_cap_ms = 1000};
        g_assert_null(cql_open(&options, &error));
        g_assert_cmpint(error->code, ==, cases[i].code);
    }
    clock_free(clock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    g_test_add_func("/cql/session/plain", test_plain);
    g_test_add_func("/cql/session/misuse", test_misuse);
    g_test_add_func("/cql/session/version", test_version);
    g_test_add_func("/cql/session/log_in", test_log_in);
    g_test_add_func("/cql/session/challenge", test_challenge);
    g_test_add_func("/cql/session/event", test_event);
    g_test_add_func("/cql/session/failures", test_failures);
    g_test_add_func("/cql/session/forgotten", test_forgotten);
    g_test_add_func("/cql/session/broken", test_broken);
    g_test_add_func("/cql/session/other_version", test_other_version);
    g_test_add_func("/cql/session/silent", test_silent);
    g_test_add_func("/cql/session/pages", test_pages);
    g_test_add_func("/cql/session/batch", test_batch);
    g_test_add_func("/cql/session/hosts", test_hosts);
    return g_test_run();
}

/* Proves: a session against a scripted server of version 4: greeting, log in, a version that is too
 * high, each failure's verdict as seen from outside, a forgotten statement, connections that break
 * inside a request, answers that come byte by byte, damaged ones, pages, batches, limits. The
 * server is a thread that answers one connection at a time; what it says is written here by hand.
 */
#include "cql/cql.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <arpa/inet.h>

#include "base/clock.h"

#define STATEMENT_ID "\xab\xcd"
/* Guards against a hang; nothing here waits for them, but for one test of silence. */
#define TIMEOUT_MS INT64_C(60000)
#define SILENCE_MS INT64_C(200)

enum execute_script {
    ANSWER,        /* void */
    FAIL_ONCE,     /* failure_code, then void */
    FORGET,        /* Unprepared until there was a PREPARE on this connection */
    BREAK_ONCE,    /* closes inside the answer, then void */
    GARBAGE_ONCE,  /* an opcode that doesn't exist on a stream that wasn't asked, then void */
    OTHER_VERSION, /* an answer of version 3 */
    PAGES,         /* three of two rows each */
    SILENT,
};

struct server {
    int listener, port;
    pthread_t thread;
    enum execute_script script;
    int32_t failure_code;
    const char *failure_rest; /* bytes behind the text */
    size_t failure_rest_len;
    bool dribble;     /* byte by byte */
    int version;      /* the highest it speaks */
    const char *user; /* wants to log in: NUL user NUL password */
    size_t user_len;
    const char *expected_batch;
    size_t expected_batch_len;
    /* What it saw. */
    _Atomic int connections, executes, prepares, batches, startups;
    _Atomic bool prepared;
    bool done_once;
    int page;
};

static void send_all(struct server *server, int fd, const struct cql_bytes *bytes)
{
    size_t step = server->dribble ? 1 : bytes->len;
    for (size_t at = 0; at < bytes->len; at += step)
        if (send(fd, bytes->data + at, step, MSG_NOSIGNAL) < 0)
            return;
}

static void answer_as(struct server *server,
                      int fd,
                      uint8_t version,
                      uint16_t stream,
                      uint8_t opcode,
                      const struct cql_bytes *body)
{
    struct cql_bytes bytes = {0};
    cql_put_u8(&bytes, version);
    cql_put_u8(&bytes, 0);
    cql_put_short(&bytes, stream);
    cql_put_u8(&bytes, opcode);
    cql_put_int(&bytes, (int32_t)body->len);
    cql_put_raw(&bytes, body->data, body->len);
    send_all(server, fd, &bytes);
    cql_bytes_clear(&bytes);
}

static void
answer(struct server *server, int fd, uint16_t stream, uint8_t opcode, const struct cql_bytes *body)
{
    answer_as(server, fd, 0x84, stream, opcode, body);
}

static void put_cell(struct cql_bytes *body, const void *data, int32_t len)
{
    cql_put_int(body, len);
    if (len > 0)
        cql_put_raw(body, data, (size_t)len);
}

/* Rows of columns without names, of type blob: the client knows what it asked for. */
static void
put_rows_header(struct cql_bytes *body, int32_t columns, const char *paging, int32_t rows)
{
    cql_put_int(body, 2);
    cql_put_int(body, paging ? 3 : 1);
    cql_put_int(body, columns);
    if (paging)
        put_cell(body, paging, (int32_t)strlen(paging));
    cql_put_string(body, "k");
    cql_put_string(body, "t");
    for (int32_t i = 0; i < columns; i++) {
        cql_put_string(body, "c");
        cql_put_short(body, CQL_TYPE_BLOB);
    }
    cql_put_int(body, rows);
}

static void query(struct server *server, int fd, uint16_t stream, const char *text)
{
    struct cql_bytes body = {0};
    if (strstr(text, "system.local")) {
        static const char tokens[] = "\0\0\0\2\0\0\0\1"
                                     "0\0\0\0\3"
                                     "100";
        static const char partitioner[] = "org.apache.cassandra.dht.Murmur3Partitioner";
        put_rows_header(&body, 4, NULL, 1);
        put_cell(&body, "dc1", 3);
        put_cell(&body, tokens, sizeof tokens - 1);
        put_cell(&body, "0123456789abcdef", 16);
        put_cell(&body, partitioner, sizeof partitioner - 1);
    } else if (strstr(text, "system.peers_v2")) {
        put_rows_header(&body, 5, NULL, 0);
    } else {
        cql_put_int(&body, 1);
    }
    answer(server, fd, stream, CQL_OP_RESULT, &body);
    cql_bytes_clear(&body);
}

/* One marker, an int, which is the key. */
static void prepare(struct server *server, int fd, uint16_t stream)
{
    struct cql_bytes body = {0};
    cql_put_int(&body, 4);
    cql_put_string(&body, STATEMENT_ID);
    cql_put_int(&body, 1);
    cql_put_int(&body, 1);
    cql_put_int(&body, 1);
    cql_put_short(&body, 0);
    cql_put_string(&body, "k");
    cql_put_string(&body, "t");
    cql_put_string(&body, "a");
    cql_put_short(&body, CQL_TYPE_INT);
    cql_put_int(&body, 4); /* no result's columns */
    cql_put_int(&body, 0);
    server->prepares++;
    server->prepared = true;
    answer(server, fd, stream, CQL_OP_RESULT, &body);
    cql_bytes_clear(&body);
}

static void fail(struct server *server,
                 int fd,
                 uint8_t version,
                 uint16_t stream,
                 int32_t code,
                 const char *rest,
                 size_t rest_len)
{
    struct cql_bytes body = {0};
    cql_put_int(&body, code);
    cql_put_string(&body, "scripted");
    cql_put_raw(&body, rest, rest_len);
    answer_as(server, fd, version, stream, CQL_OP_ERROR, &body);
    cql_bytes_clear(&body);
}

static void put_page(struct server *server, struct cql_bytes *body)
{
    server->page++;
    put_rows_header(body, 1, server->page % 3 ? "state" : NULL, 2);
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t cell[] = {0, 0, 0, (uint8_t)(server->page * 10 + i)};
        put_cell(body, cell, sizeof cell);
    }
}

/* false: the connection is to be closed. */
static bool execute(struct server *server, int fd, uint16_t stream)
{
    struct cql_bytes body = {0};
    bool first = !server->done_once;
    server->executes++;
    server->done_once = true;
    if (server->script == SILENT)
        return true;
    if (server->script == FAIL_ONCE && first) {
        fail(server, fd, 0x84, stream, server->failure_code, server->failure_rest,
             server->failure_rest_len);
        return true;
    }
    if (server->script == FORGET && !server->prepared) {
        fail(server, fd, 0x84, stream, 0x2500, "\0\2" STATEMENT_ID, 4);
        return true;
    }
    if (server->script == BREAK_ONCE && first) {
        const ssize_t sent = send(fd, "\x84\0\0", 3, MSG_NOSIGNAL);
        g_assert_cmpint(sent, ==, 3);
        return false;
    }
    if (server->script == GARBAGE_ONCE && first) {
        answer(server, fd, 8000, 0x77, &body);
        return true;
    }
    if (server->script == PAGES)
        put_page(server, &body);
    else
        cql_put_int(&body, 1);
    answer_as(server, fd, server->script == OTHER_VERSION ? 0x83 : 0x84, stream, CQL_OP_RESULT,
              &body);
    cql_bytes_clear(&body);
    return true;
}

static void startup(struct server *server, int fd, int version, uint16_t stream)
{
    struct cql_bytes none = {0};
    server->startups++;
    if (version > server->version) {
        fail(server, fd, (uint8_t)(0x80 | server->version), stream, 0x0a, "", 0);
    } else if (server->user) {
        cql_put_string(&none, "org.apache.cassandra.auth.PasswordAuthenticator");
        answer(server, fd, stream, CQL_OP_AUTHENTICATE, &none);
        cql_bytes_clear(&none);
    } else {
        answer(server, fd, stream, CQL_OP_READY, &none);
    }
}

static bool request(struct server *server, int fd, const uint8_t *header, struct cql_bytes *body)
{
    uint16_t stream = (uint16_t)(header[2] << 8 | header[3]);
    struct cql_bytes none = {0};
    switch (header[4]) {
    case CQL_OP_STARTUP:
        startup(server, fd, header[0], stream);
        return true;
    case CQL_OP_AUTH_RESPONSE:
        if (body->len == 4 + server->user_len &&
            memcmp(body->data + 4, server->user, server->user_len) == 0) {
            cql_put_int(&none, -1);
            answer(server, fd, stream, CQL_OP_AUTH_SUCCESS, &none);
            cql_bytes_clear(&none);
        } else {
            fail(server, fd, 0x84, stream, 0x0100, "", 0);
        }
        return true;
    case CQL_OP_REGISTER:
        answer(server, fd, stream, CQL_OP_READY, &none);
        return true;
    case CQL_OP_QUERY: {
        g_autofree char *text = g_strndup((const char *)body->data + 4, body->len - 4);
        query(server, fd, stream, text);
        return true;
    }
    case CQL_OP_PREPARE:
        prepare(server, fd, stream);
        return true;
    case CQL_OP_BATCH:
        server->batches++;
        g_assert_cmpuint(body->len, ==, server->expected_batch_len);
        g_assert_true(memcmp(body->data, server->expected_batch, body->len) == 0);
        return execute(server, fd, stream);
    case CQL_OP_EXECUTE:
        return execute(server, fd, stream);
    default:
        g_assert_not_reached();
    }
}

static bool receive(int fd, uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t got = recv(fd, data + at, len - at, 0);
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    return true;
}

static void serve(struct server *server, int fd)
{
    uint8_t header[9];
    struct cql_bytes body = {0};
    for (bool open = true; open && receive(fd, header, sizeof header);) {
        struct cql_reader reader = cql_reader_of(header + 5, 4);
        size_t len = (size_t)cql_read_int(&reader);
        body.len = 0;
        open = receive(fd, cql_bytes_grow(&body, len), len) && request(server, fd, header, &body);
    }
    cql_bytes_clear(&body);
}

static void *run(void *data)
{
    struct server *server = data;
    for (int fd; (fd = accept(server->listener, NULL, NULL)) >= 0;) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        server->connections++;
        server->prepared = server->script != FORGET || server->connections > 1;
        serve(server, fd);
        close(fd);
    }
    return NULL;
}

static void server_start(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    if (!server->version)
        server->version = 4;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(server->listener, (struct sockaddr *)&address, len), ==, 0);
    g_assert_cmpint(listen(server->listener, 8), ==, 0);
    g_assert_cmpint(getsockname(server->listener, (struct sockaddr *)&address, &len), ==, 0);
    server->port = ntohs(address.sin_port);
    g_assert_cmpint(pthread_create(&server->thread, NULL, run, server), ==, 0);
}

/* After the session: its connection's end lets the thread go back to accept, which then fails. */
static void server_stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

struct world {
    struct clock *clock;
    struct cql *cql;
    struct cql_statement *statement;
};

static struct cql *
session(struct world *world, const struct server *server, const char *user, GError **error)
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

static void world_open(struct world *world, struct server *server)
{
    GError *error = NULL;
    server_start(server);
    world->cql = session(world, server, NULL, &error);
    g_assert_no_error(error);
    world->statement = cql_prepare(world->cql, "an insert with one int", &error);
    g_assert_no_error(error);
}

static void world_close(struct world *world, struct server *server)
{
    cql_close(world->cql);
    clock_free(world->clock);
    server_stop(server);
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
        struct server server = {.dribble = dribble};
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
    struct server server = {0};
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
    struct server server = {.version = 3};
    struct world world;
    g_autoptr(GError) error = NULL;
    server_start(&server);
    g_assert_null(session(&world, &server, NULL, &error));
    g_assert_true(error_is(error, FAILED));
    clock_free(world.clock);
    server_stop(&server);
    server = (struct server){0};
    server_start(&server);
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
        struct server server = {.user = cases[i].wants, .user_len = cases[i].wants_len};
        struct world world;
        g_autoptr(GError) error = NULL;
        server_start(&server);
        world.cql = session(&world, &server, cases[i].user, &error);
        g_assert_true(cases[i].good == (world.cql != NULL));
        if (!cases[i].good) {
            g_assert_true(error_is(error, DENIED));
            g_assert_null(strstr(error->message, "secret"));
        }
        world_close(&world, &server);
    }
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
        struct server server = {.script = FAIL_ONCE,
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
    struct server server = {.script = FORGET};
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
        struct server server = {.script = scripts[i / 2]};
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
    struct server server = {.script = OTHER_VERSION};
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
    struct server server = {.script = SILENT};
    struct world world;
    world_open(&world, &server);
    struct outcome outcome = once(&world, false);
    g_assert_true(error_is(outcome.error, AGAIN));
    g_clear_error(&outcome.error);
    world_close(&world, &server);
}

static void test_pages(void)
{
    struct server server = {.script = PAGES};
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
                                   "\1\0\2" STATEMENT_ID "\0\1\0\0\0\4\0\0\0\0"
                                   "\1\0\2" STATEMENT_ID "\0\1\0\0\0\4\0\0\0\1"
                                   "\0\6\0";
    struct server server = {.expected_batch = expected, .expected_batch_len = sizeof expected - 1};
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

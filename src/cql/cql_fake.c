#include "cql/cql_fake.h"

#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <arpa/inet.h>

#include "cql/cql_message.h"

#define EVENT_STREAM 0xffff /* -1 */

static void send_all(struct fake *server, int fd, const struct cql_bytes *bytes)
{
    size_t step = server->dribble ? 1 : bytes->len;
    for (size_t at = 0; at < bytes->len; at += step)
        if (send(fd, bytes->data + at, step, MSG_NOSIGNAL) < 0)
            return;
}

static void answer_as(struct fake *server,
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
answer(struct fake *server, int fd, uint16_t stream, uint8_t opcode, const struct cql_bytes *body)
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

static void query(struct fake *server, int fd, uint16_t stream, const char *text)
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
        server->peers_reads++;
        put_rows_header(&body, 5, NULL, 0);
    } else {
        cql_put_int(&body, 1);
    }
    answer(server, fd, stream, CQL_OP_RESULT, &body);
    cql_bytes_clear(&body);
}

/* One marker, an int, which is the key. */
static void prepare(struct fake *server, int fd, uint16_t stream)
{
    struct cql_bytes body = {0};
    cql_put_int(&body, 4);
    cql_put_string(&body, FAKE_STATEMENT_ID);
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

static void fail(struct fake *server,
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

static void put_page(struct fake *server, struct cql_bytes *body)
{
    server->page++;
    put_rows_header(body, 1, server->page % 3 ? "state" : NULL, 2);
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t cell[] = {0, 0, 0, (uint8_t)(server->page * 10 + i)};
        put_cell(body, cell, sizeof cell);
    }
}

static void send_event(struct fake *server, int fd)
{
    static const uint8_t address[] = {4, 127, 0, 0, 1, 0, 0, 0x23, 0x52};
    struct cql_bytes body = {0};
    cql_put_string(&body, "STATUS_CHANGE");
    cql_put_string(&body, "UP");
    cql_put_raw(&body, address, sizeof address);
    answer(server, fd, EVENT_STREAM, CQL_OP_EVENT, &body);
    cql_bytes_clear(&body);
}

/* false: the connection is to be closed. */
static bool execute(struct fake *server, int fd, uint16_t stream)
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
        fail(server, fd, 0x84, stream, 0x2500, "\0\2" FAKE_STATEMENT_ID, 4);
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
    if (server->script == EVENT_FIRST && first)
        send_event(server, fd);
    if (server->script == PAGES)
        put_page(server, &body);
    else
        cql_put_int(&body, 1);
    answer_as(server, fd, server->script == OTHER_VERSION ? 0x83 : 0x84, stream, CQL_OP_RESULT,
              &body);
    cql_bytes_clear(&body);
    return true;
}

static void startup(struct fake *server, int fd, int version, uint16_t stream)
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

static bool request(struct fake *server, int fd, const uint8_t *header, struct cql_bytes *body)
{
    uint16_t stream = (uint16_t)(header[2] << 8 | header[3]);
    struct cql_bytes none = {0};
    switch (header[4]) {
    case CQL_OP_STARTUP:
        startup(server, fd, header[0], stream);
        return true;
    case CQL_OP_AUTH_RESPONSE:
        if (server->challenge) {
            cql_put_int(&none, -1);
            answer(server, fd, stream, CQL_OP_AUTH_CHALLENGE, &none);
            cql_bytes_clear(&none);
            return true;
        }
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

static void serve(struct fake *server, int fd)
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
    struct fake *server = data;
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

void fake_start(struct fake *server)
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

void fake_stop(struct fake *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

#include "cql/cql_connection.h"

#include "base/arena.h"
#include "cql/cql_retry.h"

/* Bytes that wait for the socket above which a connection takes no more requests. */
#define OUTBOUND_MAX ((size_t)1024 * 1024)
#define RECEIVE_MIN  ((size_t)64 * 1024)
/* Given-up streams above which a connection is made anew. */
#define ABANDONED_MAX (CQL_STREAMS_MAX / 2)

/* Stands in the table for a request that was given up. */
static const struct cql_request abandoned_request;

void cql_connection_init(struct cql_connection *connection,
                         const struct cql_connection_settings *settings,
                         const struct cql_connection_owner *owner,
                         void *node)
{
    *connection = (struct cql_connection){
        .socket = {.fd = -1},
        .outbound = {.frame_start = CQL_NO_FRAME},
        .settings = settings,
        .owner = owner,
        .node = node,
    };
}

static void streams_reset(struct cql_connection *connection)
{
    if (!connection->streams) {
        connection->streams = g_new0(struct cql_request *, CQL_STREAMS_MAX);
        connection->free_streams = g_new(int16_t, CQL_STREAMS_MAX);
    }
    memset(connection->streams, 0, CQL_STREAMS_MAX * sizeof *connection->streams);
    for (int i = 0; i < CQL_STREAMS_MAX; i++)
        connection->free_streams[i] = (int16_t)(CQL_STREAMS_MAX - 1 - i); /* 0 comes first */
    connection->free_count = CQL_STREAMS_MAX;
    connection->abandoned = 0;
}

static struct cql_out out_of(struct cql_connection *connection, int16_t stream)
{
    return (struct cql_out){
        .outbound = &connection->outbound, .version = connection->version, .stream = stream};
}

void cql_connection_open(struct cql_connection *connection,
                         const struct cql_address *address,
                         const char *name,
                         int version,
                         int64_t now_ms)
{
    g_assert(connection->state == CQL_CLOSED);
    GError *error = NULL;
    g_clear_error(&connection->why);
    connection->version = version;
    connection->version_offered = 0;
    connection->opened_ms = connection->received_ms = now_ms;
    connection->outbound.framed = connection->inbound.framed = false;
    streams_reset(connection);
    if (!cql_socket_open(&connection->socket, address, connection->settings->tls,
                         connection->settings->tls_check, name, &error)) {
        connection->why = error;
        return;
    }
    connection->state = CQL_CONNECTING;
}

static struct cql_request *take_stream(struct cql_connection *connection, int16_t stream)
{
    struct cql_request *request = connection->streams[stream];
    connection->streams[stream] = NULL;
    connection->free_streams[connection->free_count++] = stream;
    if (request == &abandoned_request) {
        connection->abandoned--;
        return NULL;
    }
    if (request)
        cql_requests_remove(&connection->sent, request);
    return request;
}

void cql_connection_close(struct cql_connection *connection, GError *why)
{
    g_clear_error(&connection->why);
    connection->why = why;
    connection->state = CQL_CLOSED;
    connection->registered = 0;
    cql_socket_close(&connection->socket);
    connection->outbound.bytes.len = connection->outbound.sent = 0;
    connection->outbound.frame_start = CQL_NO_FRAME;
    connection->inbound.bytes.len = connection->inbound.at = connection->inbound.frame_end = 0;
    connection->inbound.pieces.len = 0;
    connection->inbound.pieces_read = false;
    for (struct cql_request *request; (request = connection->sent.first);) {
        take_stream(connection, request->stream);
        connection->owner->lost(connection->owner->user, connection, request, false, why);
    }
}

void cql_connection_clear(struct cql_connection *connection)
{
    for (struct cql_request *request; (request = cql_requests_pop(&connection->sent));)
        cql_request_free(request);
    cql_socket_close(&connection->socket);
    cql_outbound_clear(&connection->outbound);
    cql_inbound_clear(&connection->inbound);
    g_clear_error(&connection->why);
    g_clear_pointer(&connection->streams, g_free);
    g_clear_pointer(&connection->free_streams, g_free);
    connection->state = CQL_CLOSED;
}

static size_t unsent(const struct cql_connection *connection)
{
    return connection->outbound.bytes.len - connection->outbound.sent;
}

bool cql_connection_has_room(const struct cql_connection *connection)
{
    return connection->state == CQL_READY && connection->free_count > 0 &&
           unsent(connection) < OUTBOUND_MAX;
}

void cql_connection_send(struct cql_connection *connection,
                         struct cql_request *request,
                         int64_t now_ms)
{
    g_assert(connection->free_count > 0);
    int16_t stream = connection->free_streams[--connection->free_count];
    connection->streams[stream] = request;
    request->stream = stream;
    request->sent_ms = now_ms;
    cql_requests_push(&connection->sent, request);
    struct cql_out out = out_of(connection, stream);
    cql_request_write(request, &out);
}

void cql_connection_flush(struct cql_connection *connection)
{
    struct cql_outbound *outbound = &connection->outbound;
    if (connection->state < CQL_STARTING)
        return;
    cql_outbound_seal(outbound);
    while (unsent(connection) > 0) {
        size_t put;
        GError *error = NULL;
        if (!cql_socket_write(&connection->socket, outbound->bytes.data + outbound->sent,
                              unsent(connection), &put, &error)) {
            cql_connection_close(connection, error);
            return;
        }
        if (put == 0)
            return;
        cql_outbound_advance(outbound, put);
    }
}

/* ---- greeting ---- */

static void framing_from_now(struct cql_connection *connection)
{
    connection->outbound.framed = connection->inbound.framed = connection->version >= 5;
}

static void become_ready(struct cql_connection *connection)
{
    connection->state = CQL_READY;
    connection->owner->ready(connection->owner->user, connection);
}

static bool log_in(struct cql_connection *connection, GError **error)
{
    const char *user = connection->settings->user, *password = connection->settings->password;
    if (!user) {
        error_set(error, DENIED, "the server asks for a user: set speed.user and speed.password");
        return false;
    }
    framing_from_now(connection);
    connection->state = CQL_AUTHENTICATING;
    struct cql_out out = out_of(connection, 0);
    cql_write_auth_response(&out, user, password ? password : "");
    return true;
}

static bool refuse(struct cql_connection *connection,
                   const struct cql_envelope *envelope,
                   const struct cql_failure *failure,
                   GError **error)
{
    int version = envelope->version & 0x7F;
    if (failure->code == CQL_ERROR_PROTOCOL && version < connection->version)
        connection->version_offered = version;
    cql_failure_set(error, failure, "refuses");
    return false;
}

static bool
greet(struct cql_connection *connection, const struct cql_envelope *envelope, GError **error)
{
    struct arena *arena = arena_new(); /* a greeting has no columns: nothing of it is kept */
    struct cql_answer answer;
    bool read = cql_answer_read(envelope, arena, &answer, error);
    arena_free(arena);
    if (!read)
        return false;
    bool starting = connection->state == CQL_STARTING;
    if (answer.kind == CQL_ANSWER_FAILURE)
        return refuse(connection, envelope, &answer.failure, error);
    if (starting && answer.kind == CQL_ANSWER_AUTHENTICATE)
        return log_in(connection, error);
    if (answer.kind == (starting ? CQL_ANSWER_READY : CQL_ANSWER_AUTH_SUCCESS)) {
        framing_from_now(connection);
        become_ready(connection);
        return true;
    }
    error_set(error, BADDATA, "opcode 0x%02x is no answer to %s", envelope->opcode,
              starting ? "STARTUP" : "AUTH_RESPONSE");
    return false;
}

/* ---- receiving ---- */

static bool check_version(const struct cql_connection *connection,
                          const struct cql_envelope *envelope,
                          GError **error)
{
    if ((envelope->version & 0x7F) == connection->version ||
        (connection->state == CQL_STARTING && envelope->opcode == CQL_OP_ERROR))
        return true;
    error_set(error, BADDATA, "an answer of protocol version %d on a connection of version %d",
              envelope->version & 0x7F, connection->version);
    return false;
}

static bool
dispatch(struct cql_connection *connection, const struct cql_envelope *envelope, GError **error)
{
    if (!check_version(connection, envelope, error))
        return false;
    if (connection->state != CQL_READY)
        return greet(connection, envelope, error);
    if (envelope->stream < 0) {
        connection->owner->event(connection->owner->user, envelope);
        return true;
    }
    if (envelope->stream >= CQL_STREAMS_MAX || !connection->streams[envelope->stream]) {
        error_set(error, BADDATA, "an answer on stream %d, where nothing was asked",
                  envelope->stream);
        return false;
    }
    struct cql_request *request = take_stream(connection, envelope->stream);
    if (request)
        connection->owner->answer(connection->owner->user, connection, request, envelope);
    return true;
}

static bool receive(struct cql_connection *connection, int64_t now_ms, GError **error)
{
    for (;;) {
        size_t room, got;
        uint8_t *at = cql_inbound_room(&connection->inbound, RECEIVE_MIN, &room);
        if (!cql_socket_read(&connection->socket, at, room, &got, error))
            return false;
        if (got == 0)
            return true;
        connection->received_ms = now_ms;
        cql_inbound_received(&connection->inbound, got);
        for (bool found;;) {
            struct cql_envelope envelope;
            if (!cql_inbound_next(&connection->inbound, &envelope, &found, error))
                return false;
            if (!found)
                break;
            if (!dispatch(connection, &envelope, error))
                return false;
        }
        /* TLS may hold more than it gave; a plain socket says so again. */
        if (got < room && !connection->socket.tls)
            return true;
    }
}

void cql_connection_event(struct cql_connection *connection, int64_t now_ms)
{
    GError *error = NULL;
    if (connection->state == CQL_CONNECTING) {
        bool open;
        if (!cql_socket_proceed(&connection->socket, &open, &error)) {
            cql_connection_close(connection, error);
            return;
        }
        if (!open)
            return;
        connection->state = CQL_STARTING;
        connection->received_ms = now_ms;
        struct cql_out out = out_of(connection, 0);
        cql_write_startup(&out);
    } else if (!receive(connection, now_ms, &error)) {
        cql_connection_close(connection, error);
        return;
    }
    cql_connection_flush(connection);
}

/* ---- time ---- */

static void give_up(struct cql_connection *connection, struct cql_request *request)
{
    GError *error = NULL;
    cql_requests_remove(&connection->sent, request);
    connection->streams[request->stream] = (struct cql_request *)&abandoned_request;
    connection->abandoned++;
    error_set(&error, AGAIN, "no answer within %" G_GINT64_FORMAT " ms",
              connection->settings->request_timeout_ms);
    connection->owner->lost(connection->owner->user, connection, request, true, error);
    g_error_free(error);
}

void cql_connection_tick(struct cql_connection *connection, int64_t now_ms)
{
    const struct cql_connection_settings *settings = connection->settings;
    GError *error = NULL;
    if (connection->state == CQL_CLOSED)
        return;
    if (connection->state != CQL_READY) {
        if (now_ms - connection->opened_ms < settings->connect_timeout_ms)
            return;
        error_set(&error, AGAIN, "no greeting within %" G_GINT64_FORMAT " ms",
                  settings->connect_timeout_ms);
        cql_connection_close(connection, error);
        return;
    }
    for (struct cql_request *oldest; (oldest = connection->sent.first) &&
                                     now_ms - oldest->sent_ms >= settings->request_timeout_ms;) {
        if (connection->received_ms <= oldest->sent_ms || connection->abandoned >= ABANDONED_MAX) {
            error_set(&error, AGAIN, "silent for %" G_GINT64_FORMAT " ms",
                      now_ms - connection->received_ms);
            cql_connection_close(connection, error);
            return;
        }
        give_up(connection, oldest);
    }
}

int64_t cql_connection_deadline(const struct cql_connection *connection)
{
    if (connection->state == CQL_CLOSED)
        return INT64_MAX;
    if (connection->state != CQL_READY)
        return connection->opened_ms + connection->settings->connect_timeout_ms;
    return connection->sent.first
               ? connection->sent.first->sent_ms + connection->settings->request_timeout_ms
               : INT64_MAX;
}

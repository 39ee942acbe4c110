/* The life of a request: waiting, sent, answered, repeated, ended. And the reading of the topology,
 * which is a pair of requests like others. */
#include "cql/cql_session.h"

#include "base/clock.h"
#include "cql/cql_retry.h"
#include "cql/cql_topology.h"

/* How often a request may move on because a connection broke, or because its statement was unknown
 * (a batch has several). */
#define HOPS_MAX     4
#define PREPARES_MAX 8
/* Bytes that are worth a call of send at once. */
#define SEND_BYTES ((size_t)32 * 1024)

static int64_t now(const struct cql *cql)
{
    return clock_monotonic_ms(cql->clock);
}

/* ---- pool ---- */

struct cql_request *cql_session_take(struct cql *cql)
{
    struct cql_request *request = cql_requests_pop(&cql->unused);
    if (!request)
        request = g_new0(struct cql_request, 1);
    cql_request_reset(request);
    cql->in_flight++;
    return request;
}

void cql_session_give_back(struct cql *cql, struct cql_request *request)
{
    g_assert(cql->in_flight > 0);
    cql->in_flight--;
    if (cql->unused.count < cql->in_flight_max)
        cql_requests_push(&cql->unused, request);
    else
        cql_request_free(request);
}

/* ---- ending ---- */

static void tell(struct cql *cql,
                 struct cql_request *request,
                 struct cql_rows *rows,
                 bool last,
                 const GError *error)
{
    bool outer = cql->in_done;
    cql->in_done = true;
    if (request->done)
        request->done(request->user, rows, last, error);
    cql->in_done = outer;
}

static void
finish(struct cql *cql, struct cql_request *request, struct cql_rows *rows, const GError *error)
{
    tell(cql, request, rows, true, error);
    cql_session_give_back(cql, request);
}

/* Sends again, on its node or the next one. */
static void repeat(struct cql *cql, struct cql_request *request, bool on_next_node)
{
    cql->stats.retries++;
    request->node_skip += on_next_node;
    cql_requests_push_front(&cql->waiting, request);
}

/* Those that wait for a PREPARE: none of them was begun, so each may go elsewhere. */
static void release(struct cql *cql, struct cql_request *prepare, const GError *error)
{
    bool mended = error && g_error_matches(error, MARQUEE_ERROR, MARQUEE_ERROR_AGAIN);
    g_ptr_array_remove_fast(cql->preparing, prepare);
    for (struct cql_request *request = prepare->waiting, *next; request; request = next) {
        next = request->next;
        request->next = request->previous = NULL;
        if (!error || (mended && request->hops++ < HOPS_MAX))
            repeat(cql, request, error != NULL);
        else
            finish(cql, request, NULL, error);
    }
    prepare->waiting = NULL;
}

static void fail(struct cql *cql, struct cql_request *request, const GError *error)
{
    if (request->kind == CQL_REQUEST_PREPARE)
        release(cql, request, error);
    finish(cql, request, NULL, error);
}

/* ---- sending ---- */

static void send_on(struct cql *cql, struct cql_connection *connection, struct cql_request *request)
{
    cql_connection_send(connection, request, now(cql));
    if (connection->outbound.bytes.len - connection->outbound.sent >= SEND_BYTES)
        cql_connection_flush(connection);
}

void cql_session_submit(struct cql *cql, struct cql_request *request)
{
    request->started_ms = now(cql);
    cql->stats.requests++;
    struct cql_connection *connection =
        cql->waiting.first ? NULL : cql_cluster_pick(&cql->cluster, request);
    if (connection)
        send_on(cql, connection, request);
    else
        cql_requests_push(&cql->waiting, request);
}

static void send_waiting(struct cql *cql)
{
    while (cql->waiting.first) {
        struct cql_connection *connection = cql_cluster_pick(&cql->cluster, cql->waiting.first);
        if (!connection)
            return;
        send_on(cql, connection, cql_requests_pop(&cql->waiting));
    }
}

/* Requests that found no connection in time. Repeated ones stand anywhere in the list, but were
 * started earlier than those behind them or have little left to wait. */
static void expire_waiting(struct cql *cql)
{
    int64_t now_ms = now(cql);
    while (cql->waiting.first &&
           now_ms - cql->waiting.first->started_ms >= cql->request_timeout_ms) {
        const GError *why = NULL;
        cql_cluster_failed(&cql->cluster, &why);
        g_autoptr(GError) error = NULL;
        error_set(&error, AGAIN,
                  "cassandra: no connection had room within %" G_GINT64_FORMAT
                  " ms (%zu ready%s%s)",
                  cql->request_timeout_ms, cql_cluster_ready(&cql->cluster), why ? "; " : "",
                  why ? why->message : "");
        cql->stats.timeouts++;
        fail(cql, cql_requests_pop(&cql->waiting), error);
    }
}

/* ---- answers ---- */

/* The statement of the request that the server doesn't know; NULL: it names another one. */
static struct cql_statement *unknown_statement(const struct cql_request *request,
                                               struct cql_span id)
{
    for (size_t i = 0; i < request->entry_count; i++)
        if (cql_statement_has_id(request->entries[i].statement, id))
            return request->entries[i].statement;
    /* Learnt anew meanwhile under another id: the first one will do, its id is current. */
    return request->entry_count ? request->entries[0].statement : NULL;
}

/* A PREPARE of that statement on that connection, if one is under way. */
static struct cql_request *find_preparing(const struct cql *cql,
                                          const struct cql_connection *connection,
                                          const struct cql_statement *statement)
{
    for (size_t i = 0; i < cql->preparing->len; i++) {
        struct cql_request *prepare = cql->preparing->pdata[i];
        if (prepare->user == connection && prepare->entries[0].statement == statement)
            return prepare;
    }
    return NULL;
}

/* Prepares on the connection that didn't know the statement; the request goes on afterwards. */
static bool prepare_again(struct cql *cql,
                          struct cql_connection *connection,
                          struct cql_request *request,
                          struct cql_span id)
{
    struct cql_statement *statement = unknown_statement(request, id);
    if (!statement || request->prepares >= PREPARES_MAX)
        return false;
    struct cql_request *prepare = find_preparing(cql, connection, statement);
    if (!prepare) {
        if (!cql_connection_has_room(connection))
            return false;
        prepare = cql_session_take(cql);
        prepare->kind = CQL_REQUEST_PREPARE;
        prepare->text = statement->text;
        prepare->user = connection; /* done is NULL: it isn't called with it */
        if (!prepare->entries)
            prepare->entries = g_new(struct cql_entry, prepare->entry_capacity = 1);
        prepare->entries[prepare->entry_count++] = (struct cql_entry){.statement = statement};
        prepare->started_ms = now(cql);
        g_ptr_array_add(cql->preparing, prepare);
        cql_connection_send(connection, prepare, prepare->started_ms);
    }
    request->prepares++;
    request->previous = NULL;
    request->next = prepare->waiting;
    prepare->waiting = request;
    return true;
}

static void fail_with(struct cql *cql,
                      const struct cql_connection *connection,
                      struct cql_request *request,
                      const struct cql_failure *failure)
{
    const struct cql_node *node = connection->node;
    g_autoptr(GError) error = NULL;
    cql_failure_set(&error, failure, node->address.text);
    fail(cql, request, error);
}

static void answer_failure(struct cql *cql,
                           struct cql_connection *connection,
                           struct cql_request *request,
                           const struct cql_failure *failure)
{
    switch (cql_retry_decide(failure, request->options.idempotent, request->tries)) {
    case CQL_RETRY_SAME:
        request->tries++;
        repeat(cql, request, false);
        return;
    case CQL_RETRY_NEXT:
        request->tries++;
        repeat(cql, request, true);
        return;
    case CQL_PREPARE_AGAIN:
        if (prepare_again(cql, connection, request, failure->unprepared_id))
            return;
        break;
    case CQL_GIVE_UP:
        break;
    }
    fail_with(cql, connection, request, failure);
}

/* A page: the next one is asked for when the caller has seen this one. */
static void answer_rows(struct cql *cql, struct cql_request *request, struct cql_rows *rows)
{
    if (!rows->more) {
        finish(cql, request, rows, NULL);
        return;
    }
    request->paging_state.len = 0;
    cql_put_raw(&request->paging_state, rows->paging_state.data, rows->paging_state.len);
    tell(cql, request, rows, false, NULL);
    request->tries = request->hops = 0;
    request->started_ms = now(cql);
    cql_requests_push_front(&cql->waiting, request);
}

static void
answer_prepared(struct cql *cql, struct cql_request *request, const struct cql_prepared *prepared)
{
    if (request->kind == CQL_REQUEST_PREPARE) {
        cql_statement_learn(request->entries[0].statement, prepared);
        release(cql, request, NULL);
    }
    finish(cql, request, NULL, NULL);
}

static void on_answer(void *user,
                      struct cql_connection *connection,
                      struct cql_request *request,
                      const struct cql_envelope *envelope)
{
    struct cql *cql = user;
    struct cql_answer answer;
    g_autoptr(GError) error = NULL;
    if (request->answered_by)
        *request->answered_by = ((struct cql_node *)connection->node)->address;
    /* A done may ask for more, but never waits: one answer at a time is read. */
    arena_reset(cql->arena);
    if (!cql_answer_read(envelope, cql->arena, &answer, &error)) {
        g_prefix_error(&error,
                       "cassandra %s: ", ((struct cql_node *)connection->node)->address.text);
        fail(cql, request, error);
        return;
    }
    switch (answer.kind) {
    case CQL_ANSWER_FAILURE:
        answer_failure(cql, connection, request, &answer.failure);
        return;
    case CQL_ANSWER_ROWS:
        answer_rows(cql, request, &answer.rows);
        return;
    case CQL_ANSWER_PREPARED:
        answer_prepared(cql, request, &answer.prepared);
        return;
    default:
        finish(cql, request, NULL, NULL);
        return;
    }
}

static void on_lost(void *user,
                    struct cql_connection *connection,
                    struct cql_request *request,
                    bool timed_out,
                    const GError *why)
{
    struct cql *cql = user;
    const struct cql_node *node = connection->node;
    if (request->options.idempotent && !timed_out && request->hops < HOPS_MAX) {
        request->hops++;
        repeat(cql, request, true);
        return;
    }
    cql->stats.timeouts += timed_out;
    g_autoptr(GError) error = NULL;
    error_set(&error, AGAIN, "cassandra %s: %s", node->address.text,
              why ? why->message : "the connection was closed");
    fail(cql, request, error);
}

/* ---- topology ---- */

static void topology_end(struct cql *cql, const GError *error)
{
    g_clear_error(&cql->topology_error);
    if (error) {
        cql->topology_error = g_error_copy(error);
        g_clear_pointer(&cql->peers, g_array_unref);
    } else {
        cql->schema_agrees = cql_peers_agree(cql->peers);
        g_clear_pointer(&cql->cluster.peers, g_array_unref);
        cql->cluster.peers = g_steal_pointer(&cql->peers);
    }
    cql->topology_due = false;
    cql->topology_reads++;
}

static struct cql_request *topology_ask(struct cql *cql, const char *name, cql_done *done)
{
    struct cql_request *request = cql_session_take(cql);
    request->kind = CQL_REQUEST_TEXT;
    request->text = sql_file_get(cql->queries, name);
    request->options = (struct cql_execute_options){.consistency = CQL_ONE, .idempotent = false};
    request->done = done;
    request->user = cql;
    return request;
}

static int port_of(const struct cql_address *address)
{
    const char *colon = strrchr(address->text, ':');
    guint64 port = CQL_PORT_DEFAULT;
    if (colon)
        g_ascii_string_to_unsigned(colon + 1, 10, 0, UINT16_MAX, &port, NULL);
    return (int)port;
}

static void on_peers_old(void *user, struct cql_rows *rows, bool last, const GError *failure)
{
    struct cql *cql = user;
    g_autoptr(GError) error = NULL;
    (void)last;
    if (!failure && !cql_peers_add(cql->peers, rows, port_of(&cql->peers_from), &error))
        failure = error;
    topology_end(cql, failure);
}

/* Both questions go to the same node: an answer of another one would name the first as a peer. */
static void topology_send(struct cql *cql, struct cql_request *request)
{
    struct cql_connection *connection = NULL;
    for (size_t n = 0; n < cql->cluster.nodes->len && !connection; n++) {
        struct cql_node *node = cql->cluster.nodes->pdata[n];
        if (strcmp(node->address.text, cql->peers_from.text) != 0)
            continue;
        for (unsigned i = 0; i < cql->cluster.connections_per_node && !connection; i++)
            if (cql_connection_has_room(&node->slots[i].connection))
                connection = &node->slots[i].connection;
    }
    request->started_ms = now(cql);
    if (connection) {
        cql_connection_send(connection, request, request->started_ms);
        return;
    }
    g_autoptr(GError) error = NULL;
    error_set(&error, AGAIN, "cassandra %s: gone while it told of its peers", cql->peers_from.text);
    fail(cql, request, error);
}

static void on_peers(void *user, struct cql_rows *rows, bool last, const GError *failure)
{
    struct cql *cql = user;
    g_autoptr(GError) error = NULL;
    (void)last;
    if (failure && g_error_matches(failure, MARQUEE_ERROR, MARQUEE_ERROR_FAILED)) {
        topology_send(cql, topology_ask(cql, "peers_old", on_peers_old));
        return;
    }
    if (!failure && !cql_peers_add(cql->peers, rows, 0, &error))
        failure = error;
    topology_end(cql, failure);
}

static void on_local(void *user, struct cql_rows *rows, bool last, const GError *failure)
{
    struct cql *cql = user;
    g_autoptr(GError) error = NULL;
    (void)last;
    if (!failure && !cql_peers_add_local(cql->peers, rows, &cql->peers_from, &error))
        failure = error;
    if (failure)
        topology_end(cql, failure);
    else
        topology_send(cql, topology_ask(cql, "peers", on_peers));
}

/* When there is somebody to ask. */
static void topology_begin(struct cql *cql)
{
    struct cql_request none = {0};
    struct cql_connection *connection = cql_cluster_pick(&cql->cluster, &none);
    if (!connection)
        return;
    cql->topology_wanted = false;
    cql->topology_due = true;
    cql->peers = cql_peers_new();
    cql->peers_from =
        cql->schema_changed ? cql->schema_from : ((struct cql_node *)connection->node)->address;
    topology_send(cql, topology_ask(cql, "local", on_local));
}

static void on_ready(void *user, struct cql_connection *connection)
{
    struct cql *cql = user;
    const struct cql_node *node = connection->node;
    cql->topology_wanted = true;
    /* Events from one connection of each node: they come several times, and are asked about once.
     */
    if (connection != &node->slots[0].connection)
        return;
    struct cql_request *request = cql_session_take(cql);
    request->kind = CQL_REQUEST_REGISTER;
    request->started_ms = now(cql);
    cql_connection_send(connection, request, request->started_ms);
}

static void on_event(void *user, const struct cql_envelope *envelope)
{
    struct cql *cql = user;
    struct cql_answer answer;
    arena_reset(cql->arena);
    if (cql_answer_read(envelope, cql->arena, &answer, NULL) && answer.kind == CQL_ANSWER_TOPOLOGY)
        cql->topology_wanted = true;
}

/* ---- session ---- */

void cql_session_init(struct cql *cql)
{
    cql->arena = arena_new();
    cql->queries = sql_file_load("contracts/cassandra.cql");
    cql->statements = g_ptr_array_new();
    cql->preparing = g_ptr_array_new();
    cql->cluster.owner = (struct cql_connection_owner){
        .user = cql,
        .ready = on_ready,
        .answer = on_answer,
        .lost = on_lost,
        .event = on_event,
    };
    cql_cluster_init(&cql->cluster);
}

void cql_session_clear(struct cql *cql)
{
    for (size_t i = 0; cql->preparing && i < cql->preparing->len; i++) {
        struct cql_request *prepare = cql->preparing->pdata[i];
        for (struct cql_request *request = prepare->waiting, *next; request; request = next) {
            next = request->next;
            cql_request_free(request);
        }
    }
    cql_cluster_clear(&cql->cluster);
    for (struct cql_request *request; (request = cql_requests_pop(&cql->waiting));)
        cql_request_free(request);
    for (struct cql_request *request; (request = cql_requests_pop(&cql->unused));)
        cql_request_free(request);
    for (size_t i = 0; cql->statements && i < cql->statements->len; i++)
        cql_statement_free(cql->statements->pdata[i]);
    g_clear_pointer(&cql->statements, g_ptr_array_unref);
    g_clear_pointer(&cql->preparing, g_ptr_array_unref);
    g_clear_pointer(&cql->peers, g_array_unref);
    g_clear_error(&cql->topology_error);
    arena_free(cql->arena);
    sql_file_free(cql->queries);
}

void cql_session_poll(struct cql *cql, int64_t wait_ms)
{
    g_assert(!cql->in_done); /* a done doesn't wait */
    cql_cluster_tick(&cql->cluster, now(cql));
    if (cql->topology_wanted && !cql->topology_due)
        topology_begin(cql);
    send_waiting(cql);
    expire_waiting(cql);
    int64_t now_ms = now(cql), deadline_ms = cql_cluster_deadline(&cql->cluster);
    if (cql->waiting.first)
        deadline_ms = MIN(deadline_ms, cql->waiting.first->started_ms + cql->request_timeout_ms);
    int64_t left_ms = deadline_ms <= now_ms ? 0 : deadline_ms - now_ms;
    cql_cluster_poll(&cql->cluster, MIN(wait_ms, left_ms), now_ms);
    send_waiting(cql);
}

#include "cql/cql_cluster.h"

#include <unistd.h>

#include <sys/epoll.h>

#include "base/error.h"

#define EVENTS_MAX 64

static void node_free(void *data)
{
    struct cql_node *node = data;
    g_free(node->slots);
    g_free(node->name);
    g_free(node);
}

void cql_peer_clear(struct cql_peer *peer)
{
    g_free(peer->data_centre);
    g_array_unref(peer->tokens);
}

void cql_cluster_init(struct cql_cluster *cluster)
{
    cluster->nodes = g_ptr_array_new_with_free_func(node_free);
    cluster->epoll = epoll_create1(EPOLL_CLOEXEC);
    g_assert(cluster->epoll >= 0); /* out of descriptors */
}

static void node_clear(struct cql_cluster *cluster, struct cql_node *node)
{
    for (unsigned i = 0; i < cluster->connections_per_node; i++)
        cql_connection_clear(&node->slots[i].connection);
}

void cql_cluster_clear(struct cql_cluster *cluster)
{
    for (size_t i = 0; cluster->nodes && i < cluster->nodes->len; i++)
        node_clear(cluster, cluster->nodes->pdata[i]);
    g_clear_pointer(&cluster->nodes, g_ptr_array_unref);
    g_clear_pointer(&cluster->peers, g_array_unref);
    cql_ring_clear(&cluster->ring);
    g_free(cluster->data_centre);
    if (cluster->epoll >= 0)
        close(cluster->epoll);
    if (cluster->settings.tls)
        SSL_CTX_free(cluster->settings.tls);
}

static struct cql_node *find(const struct cql_cluster *cluster, const struct cql_address *address)
{
    for (size_t i = 0; i < cluster->nodes->len; i++) {
        struct cql_node *node = cluster->nodes->pdata[i];
        if (strcmp(node->address.text, address->text) == 0)
            return node;
    }
    return NULL;
}

void cql_cluster_add(struct cql_cluster *cluster,
                     const struct cql_address *address,
                     const char *name)
{
    if (cluster->nodes->len >= CQL_NODES_MAX || find(cluster, address))
        return;
    struct cql_node *node = g_new0(struct cql_node, 1);
    node->address = *address;
    node->name = g_strdup(name);
    node->slots = g_new0(struct cql_slot, cluster->connections_per_node);
    for (unsigned i = 0; i < cluster->connections_per_node; i++) {
        cql_connection_init(&node->slots[i].connection, &cluster->settings, &cluster->owner, node);
        node->slots[i].attempt_ms = INT64_MIN;
    }
    g_ptr_array_add(cluster->nodes, node);
}

/* ---- topology ---- */

static const struct cql_peer *peer_of(const GArray *peers, const struct cql_address *address)
{
    for (size_t i = 0; i < peers->len; i++) {
        const struct cql_peer *peer = &g_array_index(peers, struct cql_peer, i);
        if (strcmp(peer->address.text, address->text) == 0)
            return peer;
    }
    return NULL;
}

/* Nodes that are no longer told of go, with their connections. */
static void remove_others(struct cql_cluster *cluster, const GArray *peers)
{
    for (size_t i = cluster->nodes->len; i-- > 0;) {
        struct cql_node *node = cluster->nodes->pdata[i];
        const struct cql_peer *peer = peer_of(peers, &node->address);
        if (peer && strcmp(peer->data_centre, cluster->data_centre) == 0)
            continue;
        for (unsigned s = 0; s < cluster->connections_per_node; s++) {
            GError *why = NULL;
            error_set(&why, AGAIN, "%s has left the ring of data centre %s", node->address.text,
                      cluster->data_centre);
            cql_connection_close(&node->slots[s].connection, why);
        }
        node_clear(cluster, node);
        g_ptr_array_remove_index(cluster->nodes, (guint)i);
    }
}

static void take_peers(struct cql_cluster *cluster)
{
    g_autoptr(GArray) peers = g_steal_pointer(&cluster->peers);
    /* The node that told stands first. */
    if (!cluster->data_centre && peers->len)
        cluster->data_centre = g_strdup(g_array_index(peers, struct cql_peer, 0).data_centre);
    bool any = false;
    for (size_t i = 0; i < peers->len; i++)
        any = any || strcmp(g_array_index(peers, struct cql_peer, i).data_centre,
                            cluster->data_centre) == 0;
    if (!any)
        return; /* cql_open says so */
    cql_ring_clear(&cluster->ring);
    remove_others(cluster, peers);
    for (size_t i = 0; i < peers->len; i++) {
        const struct cql_peer *peer = &g_array_index(peers, struct cql_peer, i);
        if (strcmp(peer->data_centre, cluster->data_centre) != 0)
            continue;
        cql_cluster_add(cluster, &peer->address, peer->address.host);
        find(cluster, &peer->address)->reported = true;
    }
    for (uint32_t n = 0; n < cluster->nodes->len; n++) {
        const struct cql_node *node = cluster->nodes->pdata[n];
        const GArray *tokens = peer_of(peers, &node->address)->tokens;
        for (size_t t = 0; t < tokens->len; t++)
            cql_ring_add(&cluster->ring, g_array_index(tokens, int64_t, t), n);
    }
    cql_ring_sort(&cluster->ring);
}

/* ---- connections ---- */

/* A server that refuses our version and offers one that we speak: the whole session takes that. */
static bool take_version(struct cql_cluster *cluster, struct cql_slot *slot)
{
    int offered = slot->connection.version_offered;
    slot->connection.version_offered = 0;
    if (offered < CQL_VERSION_LEAST || offered >= slot->connection.version)
        return false;
    cluster->version = MIN(cluster->version, offered);
    return true;
}

static void
open_slot(struct cql_cluster *cluster, struct cql_node *node, struct cql_slot *slot, int64_t now_ms)
{
    if (slot->failed)
        cluster->reconnects++;
    slot->failed = false;
    cql_connection_open(&slot->connection, &node->address, node->name, cluster->version, now_ms);
    if (slot->connection.state != CQL_CLOSED) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = &slot->connection};
        slot->connection.registered = event.events;
        int added = epoll_ctl(cluster->epoll, EPOLL_CTL_ADD, slot->connection.socket.fd, &event);
        g_assert(added == 0);
    }
}

/* A closed connection: when is it tried again? */
static void note_closed(struct cql_cluster *cluster, struct cql_slot *slot, int64_t now_ms)
{
    if (take_version(cluster, slot)) {
        slot->attempt_ms = now_ms;
        return;
    }
    slot->failed = true;
    slot->attempts = MIN(slot->attempts + 1, cluster->retry.tries_max);
    slot->attempt_ms = now_ms + retry_delay_ms(&cluster->retry, slot->attempts, -1);
}

static void
tick_slot(struct cql_cluster *cluster, struct cql_node *node, struct cql_slot *slot, int64_t now_ms)
{
    cql_connection_tick(&slot->connection, now_ms);
    if (slot->connection.state == CQL_READY)
        slot->attempts = 0;
    if (slot->connection.state != CQL_CLOSED)
        return;
    if (!slot->failed && slot->attempt_ms != INT64_MIN)
        note_closed(cluster, slot, now_ms);
    if (slot->attempt_ms == INT64_MIN || now_ms >= slot->attempt_ms) {
        slot->attempt_ms = now_ms;
        open_slot(cluster, node, slot, now_ms);
        if (slot->connection.state == CQL_CLOSED)
            note_closed(cluster, slot, now_ms);
    }
}

void cql_cluster_tick(struct cql_cluster *cluster, int64_t now_ms)
{
    if (cluster->peers)
        take_peers(cluster);
    for (size_t n = 0; n < cluster->nodes->len; n++) {
        struct cql_node *node = cluster->nodes->pdata[n];
        for (unsigned i = 0; i < cluster->connections_per_node; i++)
            tick_slot(cluster, node, &node->slots[i], now_ms);
    }
}

int64_t cql_cluster_deadline(const struct cql_cluster *cluster)
{
    int64_t deadline_ms = INT64_MAX;
    for (size_t n = 0; n < cluster->nodes->len; n++) {
        const struct cql_node *node = cluster->nodes->pdata[n];
        for (unsigned i = 0; i < cluster->connections_per_node; i++) {
            const struct cql_slot *slot = &node->slots[i];
            int64_t due_ms = slot->connection.state == CQL_CLOSED
                                 ? slot->attempt_ms
                                 : cql_connection_deadline(&slot->connection);
            deadline_ms = MIN(deadline_ms, due_ms);
        }
    }
    return deadline_ms;
}

/* Asks epoll for what the connection waits for. */
static void watch(struct cql_cluster *cluster, struct cql_connection *connection)
{
    if (connection->state == CQL_CLOSED)
        return;
    bool unsent = connection->outbound.bytes.len > connection->outbound.sent &&
                  connection->state >= CQL_STARTING;
    unsigned wants = 0;
    if (connection->socket.wants & CQL_WANTS_READ)
        wants |= EPOLLIN;
    if ((connection->socket.wants & CQL_WANTS_WRITE) || unsent)
        wants |= EPOLLOUT;
    if (wants == connection->registered)
        return;
    struct epoll_event event = {.events = wants, .data.ptr = connection};
    int changed = epoll_ctl(cluster->epoll, EPOLL_CTL_MOD, connection->socket.fd, &event);
    g_assert(changed == 0);
    connection->registered = wants;
}

static void flush_all(struct cql_cluster *cluster)
{
    for (size_t n = 0; n < cluster->nodes->len; n++) {
        struct cql_node *node = cluster->nodes->pdata[n];
        for (unsigned i = 0; i < cluster->connections_per_node; i++) {
            cql_connection_flush(&node->slots[i].connection);
            watch(cluster, &node->slots[i].connection);
        }
    }
}

void cql_cluster_poll(struct cql_cluster *cluster, int64_t wait_ms, int64_t now_ms)
{
    struct epoll_event events[EVENTS_MAX];
    flush_all(cluster);
    int count = epoll_wait(cluster->epoll, events, EVENTS_MAX, (int)CLAMP(wait_ms, 0, G_MAXINT));
    for (int i = 0; i < count; i++) {
        struct cql_connection *connection = events[i].data.ptr;
        if (connection->state != CQL_CLOSED)
            cql_connection_event(connection, now_ms);
    }
}

/* ---- choosing ---- */

static struct cql_connection *least_busy(const struct cql_cluster *cluster,
                                         const struct cql_node *node)
{
    struct cql_connection *best = NULL;
    for (unsigned i = 0; i < cluster->connections_per_node; i++) {
        struct cql_connection *connection = &node->slots[i].connection;
        if (cql_connection_has_room(connection) &&
            (!best || connection->sent.count < best->sent.count))
            best = connection;
    }
    return best;
}

/* Of the nodes that hold copies only the first few are worth a look. */
#define ORDER_MAX 8

struct cql_connection *cql_cluster_pick(struct cql_cluster *cluster,
                                        const struct cql_request *request)
{
    uint32_t order[ORDER_MAX];
    size_t known = request->has_token && cluster->ring.count
                       ? cql_ring_order(&cluster->ring, request->token, order, ORDER_MAX)
                       : 0;
    for (size_t i = 0; i < known; i++) {
        size_t at = (i + request->node_skip) % known;
        struct cql_connection *connection = least_busy(cluster, cluster->nodes->pdata[order[at]]);
        if (connection)
            return connection;
    }
    size_t nodes = cluster->nodes->len;
    if (!request->node_skip)
        cluster->turn++;
    for (size_t i = 0; i < nodes; i++) {
        size_t at = (cluster->turn + request->node_skip + i) % nodes;
        struct cql_connection *connection = least_busy(cluster, cluster->nodes->pdata[at]);
        if (connection)
            return connection;
    }
    return NULL;
}

size_t cql_cluster_ready(const struct cql_cluster *cluster)
{
    size_t ready = 0;
    for (size_t n = 0; n < cluster->nodes->len; n++) {
        const struct cql_node *node = cluster->nodes->pdata[n];
        for (unsigned i = 0; i < cluster->connections_per_node; i++)
            ready += node->slots[i].connection.state == CQL_READY;
    }
    return ready;
}

bool cql_cluster_failed(const struct cql_cluster *cluster, const GError **ret_why)
{
    const GError *why = NULL;
    for (size_t n = 0; n < cluster->nodes->len; n++) {
        const struct cql_node *node = cluster->nodes->pdata[n];
        for (unsigned i = 0; i < cluster->connections_per_node; i++) {
            const struct cql_slot *slot = &node->slots[i];
            if (slot->connection.state != CQL_CLOSED || !slot->failed)
                return false;
            if (slot->connection.why &&
                (!why || g_error_matches(why, MARQUEE_ERROR, MARQUEE_ERROR_AGAIN)))
                why = slot->connection.why;
        }
    }
    *ret_why = why;
    return true;
}

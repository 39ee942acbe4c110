#include "cql/cql_topology.h"

#include "cql/cql_hosts.h"

static void clear_peer(void *peer)
{
    cql_peer_clear(peer);
}

GArray *cql_peers_new(void)
{
    GArray *peers = g_array_new(false, true, sizeof(struct cql_peer));
    g_array_set_clear_func(peers, clear_peer);
    return peers;
}

/* set<text>: an int n, then n times an int and so many bytes; a token is a decimal number. */
static GArray *read_tokens(const struct cql_cell *cell)
{
    GArray *tokens = g_array_new(false, false, sizeof(int64_t));
    if (cell->len <= 0)
        return tokens;
    struct cql_reader reader = cql_reader_of(cell->data, (size_t)cell->len);
    for (int32_t left = cql_read_int(&reader); left > 0 && !reader.failed; left--) {
        struct cql_span span = cql_read_bytes(&reader);
        g_autofree char *text = g_strndup((const char *)span.data, span.len);
        int64_t token;
        if (text && g_ascii_string_to_signed(text, 10, INT64_MIN, INT64_MAX, &token, NULL))
            g_array_append_val(tokens, token);
    }
    return tokens;
}

static char *cell_text(const struct cql_cell *cell)
{
    return cell->len > 0 ? g_strndup((const char *)cell->data, (size_t)cell->len) : g_strdup("");
}

static void add(GArray *peers,
                const struct cql_address *address,
                const struct cql_cell *data_centre,
                const struct cql_cell *tokens,
                const struct cql_cell *schema)
{
    struct cql_peer peer = {
        .address = *address,
        .data_centre = cell_text(data_centre),
        .tokens = read_tokens(tokens),
    };
    if (schema->len == sizeof peer.schema)
        memcpy(peer.schema, schema->data, sizeof peer.schema);
    g_array_append_val(peers, peer);
}

static bool has_columns(const struct cql_rows *rows, size_t count, GError **error)
{
    if (rows && rows->column_count == count)
        return true;
    error_set(error, BADDATA, "cassandra: its own tables answered with %zu columns, expected %zu",
              rows ? rows->column_count : 0, count);
    return false;
}

bool cql_peers_add_local(GArray *peers,
                         struct cql_rows *rows,
                         const struct cql_address *address,
                         GError **error)
{
    struct cql_cell cells[CQL_COLUMNS_MAX];
    if (!has_columns(rows, 4, error))
        return false;
    if (!cql_rows_next(rows, cells)) {
        error_set(error, AGAIN, "cassandra: system.local is empty, the node is just starting");
        return false;
    }
    g_autofree char *partitioner = cell_text(&cells[3]);
    if (strcmp(partitioner, CQL_PARTITIONER) != 0) {
        error_set(error, CONFIG, "cassandra: its partitioner is '%s', expected %s", partitioner,
                  CQL_PARTITIONER);
        return false;
    }
    add(peers, address, &cells[0], &cells[1], &cells[2]);
    return true;
}

bool cql_peers_add(GArray *peers, struct cql_rows *rows, int port, GError **error)
{
    struct cql_cell cells[CQL_COLUMNS_MAX];
    if (!has_columns(rows, port ? 4 : 5, error))
        return false;
    while (peers->len < CQL_NODES_MAX && cql_rows_next(rows, cells)) {
        const struct cql_cell *rest = port ? &cells[1] : &cells[2];
        struct cql_span inet = {cells[0].data, (size_t)MAX(cells[0].len, 0)};
        struct cql_address address;
        if (cql_address_set(&address, inet, port ? port : cql_cell_int(&cells[1])) &&
            rest[1].len > 0)
            add(peers, &address, &rest[0], &rest[1], &rest[2]);
    }
    return true;
}

bool cql_peers_agree(const GArray *peers)
{
    for (size_t i = 1; i < peers->len; i++)
        if (memcmp(g_array_index(peers, struct cql_peer, i).schema,
                   g_array_index(peers, struct cql_peer, 0).schema,
                   sizeof(((struct cql_peer *)0)->schema)) != 0)
            return false;
    return true;
}

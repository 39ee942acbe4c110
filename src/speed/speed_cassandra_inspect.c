/* What marquee doctor asks Cassandra: whether its tables still have the TTL, the grace and the
 * compaction of contracts/speed.cql (somebody may have altered them, or made them by hand), and
 * whether its clock is ours (rows expire by its own). */
#include <string.h>

#include "base/finding.h"
#include "speed/speed_cassandra_store.h"

#define SKEW_WARN_MS  2000
#define NODES_DURABLE 3
/* How long a node may take to let all connections in, before it is called away. */
#define CONNECTIONS_WAIT_MS 5000
#define CONNECTIONS_POLL_MS 100
/* Tables whose rows go by themselves say so with this option. */
#define TTL_OPTION "default_time_to_live = "

struct look {
    struct speed_cassandra *store;
    struct findings *findings;
    int64_t server_ms;
    size_t tables;
};

static bool ask(struct look *look, const char *name, cql_done *done, GError **error)
{
    struct speed_cassandra *store = look->store;
    g_autofree char *text = speed_cassandra_text(store, name);
    struct cql_statement *read = cql_prepare(store->cql, text, error);
    return read &&
           cql_execute(store->cql, read, NULL, 0, &speed_cassandra_read_options, done, look,
                       error) &&
           speed_cassandra_settle(store, error);
}

/* The number behind the option in the table's own statement; -1: it hasn't the option. */
static int64_t wanted(const char *statement, const char *option)
{
    const char *at = strstr(statement, option);
    return at ? g_ascii_strtoll(at + strlen(option), NULL, 10) : -1;
}

/* The cell's text is the last part of a class' name. */
static bool is_class(const struct cql_cell *cell, const char *statement)
{
    g_autofree char *class = g_strndup((const char *)cell->data, (size_t)MAX(cell->len, 0));
    const char *name = strrchr(class, '.');
    name = name ? name + 1 : class;
    g_autofree char *quoted = g_strdup_printf("{'class': '%s'", name);
    return *name && strstr(statement, quoted);
}

static void look_at_table(struct look *look, const struct cql_cell *cells)
{
    static const char check[] = "speed.tables";
    static const char advice[] =
        "alter the table to the options of contracts/speed.cql: else expired rows stay on disk";
    g_autofree char *name = g_strndup((const char *)cells[0].data, (size_t)MAX(cells[0].len, 0));
    if (!speed_cassandra_has_table(name))
        return;
    const char *statement = sql_file_get(look->store->texts, name);
    int64_t ttl_s = wanted(statement, TTL_OPTION);
    int64_t grace_s = wanted(statement, "gc_grace_seconds = ");
    look->tables++;
    if (ttl_s < 0)
        return;
    if (cql_cell_int(&cells[1]) != ttl_s)
        findings_add(look->findings, FINDING_WARN, check, advice,
                     "%s: default_time_to_live is %d, expected %" G_GINT64_FORMAT, name,
                     cql_cell_int(&cells[1]), ttl_s);
    if (cql_cell_int(&cells[2]) != grace_s)
        findings_add(look->findings, FINDING_WARN, check, advice,
                     "%s: gc_grace_seconds is %d, expected %" G_GINT64_FORMAT, name,
                     cql_cell_int(&cells[2]), grace_s);
    if (!is_class(&cells[3], statement))
        findings_add(look->findings, FINDING_WARN, check, advice, "%s: compacted by %.*s", name,
                     MAX(cells[3].len, 0), (const char *)cells[3].data);
}

static void on_tables(void *data, struct cql_rows *rows, bool last, const GError *error)
{
    struct look *look = data;
    struct cql_cell cells[CQL_COLUMNS_MAX];
    (void)last;
    if (error)
        speed_cassandra_fail(look->store, error);
    while (rows && cql_rows_next(rows, cells))
        look_at_table(look, cells);
}

static void on_clock(void *data, struct cql_rows *rows, bool last, const GError *error)
{
    struct look *look = data;
    struct cql_cell cells[CQL_COLUMNS_MAX];
    (void)last;
    if (error)
        speed_cassandra_fail(look->store, error);
    while (rows && cql_rows_next(rows, cells))
        look->server_ms = cql_cell_long(&cells[0]);
}

static void judge_clock(struct look *look)
{
    static const char check[] = "speed.clock";
    const struct context *context = look->store->base.context;
    int64_t ahead_ms = look->server_ms - clock_now_ms(context->clock);
    if (clock_speed(context->clock) != 1 || *context->config->clock_start)
        findings_add(look->findings, FINDING_NOTE, check, NULL,
                     "marquee's clock is made up: rows expire by Cassandra's, readers filter by "
                     "hour");
    else if (ABS(ahead_ms) > SKEW_WARN_MS)
        findings_add(look->findings, FINDING_WARN, check,
                     "let both machines follow a time server: rows expire by Cassandra's clock",
                     "Cassandra's clock is %+.1f s beside ours",
                     (double)ahead_ms / (double)MS_PER_SECOND);
    else
        findings_add(look->findings, FINDING_OK, check, NULL, "within %d s of ours",
                     SKEW_WARN_MS / (int)MS_PER_SECOND);
}

/* Connections to the other nodes are made beside all else; one that is away never has any. */
static struct cql_stats await_connections(struct look *look)
{
    const struct speed_cassandra *store = look->store;
    size_t each = (size_t)store->base.context->config->speed_connections;
    int64_t end_ms = clock_monotonic_ms(store->clock) + CONNECTIONS_WAIT_MS;
    struct cql_stats stats = cql_stats(store->cql);
    while (stats.connections < stats.nodes * each && clock_monotonic_ms(store->clock) < end_ms) {
        cql_poll(store->cql, CONNECTIONS_POLL_MS);
        stats = cql_stats(store->cql);
    }
    return stats;
}

static void judge_nodes(struct look *look)
{
    static const char check[] = "speed.nodes";
    struct cql_stats stats = await_connections(look);
    size_t each = (size_t)look->store->base.context->config->speed_connections;
    if (stats.connections < stats.nodes * each)
        findings_add(look->findings, FINDING_WARN, check,
                     "a node doesn't answer: see nodetool status; while too few for LOCAL_QUORUM "
                     "answer, writes wait",
                     "%zu of %zu connections to %zu nodes after %d s", stats.connections,
                     stats.nodes * each, stats.nodes, CONNECTIONS_WAIT_MS / (int)MS_PER_SECOND);
    else if (stats.nodes < NODES_DURABLE)
        findings_add(look->findings, FINDING_NOTE, check,
                     "three nodes with speed.replication 3 survive the loss of one", "%zu node%s",
                     stats.nodes, stats.nodes == 1 ? "" : "s");
    else
        findings_add(look->findings, FINDING_OK, check, NULL, "%zu nodes, all answer", stats.nodes);
}

bool speed_cassandra_inspect(struct speed *speed, struct findings *findings, GError **error)
{
    struct look look = {.store = speed_cassandra_self(speed), .findings = findings};
    if (!ask(&look, "table_options", on_tables, error) ||
        !ask(&look, "server_clock", on_clock, error))
        return false;
    if (findings_worst(findings, "speed.tables") == FINDING_OK)
        findings_add(findings, FINDING_OK, "speed.tables", NULL,
                     "%zu tables as contracts/speed.cql has them", look.tables);
    judge_clock(&look);
    judge_nodes(&look);
    return true;
}

#include "speed/speed_cassandra.h"

#include <assert.h>
#include <string.h>

#include "base/metrics.h"
#include "speed/speed_cassandra_store.h"

#define KEYSPACE_BYTES_MAX 48
#define CONNECT_TIMEOUT_MS INT64_C(10000)
#define REQUEST_TIMEOUT_MS INT64_C(12000) /* above Cassandra's own of 10 s for a range */
#define RECONNECT_BASE_MS  INT64_C(100)
#define RECONNECT_CAP_MS   INT64_C(10000)

const struct cql_execute_options speed_cassandra_write_options = {
    .consistency = CQL_LOCAL_QUORUM,
    .idempotent = true,
};
const struct cql_execute_options speed_cassandra_read_options = {
    .consistency = CQL_LOCAL_QUORUM,
    .idempotent = true,
    .page_size = 2000,
};

static const char *const statement_names[CASSANDRA_STATEMENT_COUNT] = {
    [CASSANDRA_PUT_STATS] = "put_stats",
    [CASSANDRA_DROP_STATS] = "drop_stats",
    [CASSANDRA_PUT_SENTIMENT] = "put_sentiment",
    [CASSANDRA_DROP_SENTIMENT] = "drop_sentiment",
    [CASSANDRA_PUT_TRENDING] = "put_trending",
    [CASSANDRA_DROP_TRENDING] = "drop_trending",
    [CASSANDRA_PUT_LIVE] = "put_live",
    [CASSANDRA_PUT_LIVE_METRIC] = "put_live_metric",
    [CASSANDRA_PUT_HOUR_COUNT] = "put_hour_count",
    [CASSANDRA_PUT_FEED] = "put_feed",
    [CASSANDRA_READ_FEED] = "read_feed",
    [CASSANDRA_DROP_FEED] = "drop_feed",
    [CASSANDRA_PUT_NUMBER] = "put_number",
    [CASSANDRA_READ_NUMBER] = "read_number",
    [CASSANDRA_READ_STATS] = "read_stats",
    [CASSANDRA_SCAN_STATS] = "scan_stats",
    [CASSANDRA_READ_SENTIMENT] = "read_sentiment",
    [CASSANDRA_SCAN_SENTIMENT] = "scan_sentiment",
    [CASSANDRA_READ_TRENDING] = "read_trending",
    [CASSANDRA_READ_LIVE_METRICS] = "read_live_metrics",
    [CASSANDRA_READ_LIVE] = "read_live",
    [CASSANDRA_READ_HOUR_COUNTS] = "read_hour_counts",
};

/* In the order in which they are made; the names of the statements too. */
static const char *const tables[] = {
    "review_sentiments", "movie_stats", "trending_movies", "real_time_stats",
    "live_metrics",      "hour_counts", "speed_feed",      "speed_numbers",
};

bool speed_cassandra_has_table(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        if (strcmp(tables[i], name) == 0)
            return true;
    }
    return false;
}

struct speed_cassandra *speed_cassandra_self(struct speed *speed)
{
    assert(speed->ops == &speed_cassandra_ops);
    return (struct speed_cassandra *)speed;
}

struct cql *speed_cassandra_cql(struct speed *speed)
{
    return speed_cassandra_self(speed)->cql;
}

/* The statement, up to its semicolon, with the settings in it. Both were checked: they are names
 * and numbers. */
char *speed_cassandra_text(const struct speed_cassandra *store, const char *name)
{
    const struct config *config = store->base.context->config;
    const char *text = sql_file_get(store->texts, name);
    /* More copies than nodes could never be written by a quorum. */
    int64_t copies = MIN((int64_t)config->speed_replication, (int64_t)cql_stats(store->cql).nodes);
    g_autofree char *replication = g_strdup_printf("%" G_GINT64_FORMAT, MAX(copies, 1));
    g_autoptr(GString) filled = g_string_new_len(text, (gssize)strcspn(text, ";"));
    g_string_replace(filled, "$keyspace", config->speed_keyspace, 0);
    g_string_replace(filled, "$replication", replication, 0);
    return g_strdup(filled->str);
}

struct cql_statement *
speed_cassandra_use(struct speed_cassandra *store, enum cassandra_statement which, GError **error)
{
    if (!store->statements[which]) {
        g_autofree char *text = speed_cassandra_text(store, statement_names[which]);
        store->statements[which] = cql_prepare(store->cql, text, error);
    }
    return store->statements[which];
}

void speed_cassandra_fail(struct speed_cassandra *store, const GError *error)
{
    if (!store->failure)
        store->failure = g_error_copy(error);
}

void speed_cassandra_written(void *data, struct cql_rows *rows, bool last, const GError *error)
{
    (void)rows;
    (void)last;
    if (error)
        speed_cassandra_fail(data, error);
}

static void count(struct speed_cassandra *store)
{
    struct metrics *metrics = store->base.context->metrics;
    struct cql_stats now = cql_stats(store->cql);
    if (metrics) {
        metrics_add(metrics, METRIC_CASSANDRA_REQUESTS, NULL,
                    now.requests - store->counted.requests);
        metrics_add(metrics, METRIC_CASSANDRA_RETRIES, NULL, now.retries - store->counted.retries);
        metrics_add(metrics, METRIC_CASSANDRA_TIMEOUTS, NULL,
                    now.timeouts - store->counted.timeouts);
        metrics_add(metrics, METRIC_CASSANDRA_RECONNECTS, NULL,
                    now.reconnects - store->counted.reconnects);
        metrics_set(metrics, METRIC_CASSANDRA_CONNECTIONS, NULL, (double)now.connections);
    }
    store->counted = now;
}

bool speed_cassandra_settle(struct speed_cassandra *store, GError **error)
{
    cql_flush(store->cql);
    count(store);
    if (!store->failure)
        return true;
    g_propagate_error(error, g_steal_pointer(&store->failure));
    return false;
}

/* ---- numbers ---- */

struct number {
    struct speed_cassandra *store;
    int64_t value;
};

static void on_number(void *data, struct cql_rows *rows, bool last, const GError *error)
{
    struct number *number = data;
    struct cql_cell cells[CQL_COLUMNS_MAX];
    (void)last;
    if (error)
        speed_cassandra_fail(number->store, error);
    while (rows && cql_rows_next(rows, cells))
        number->value = cql_cell_long(&cells[0]);
}

bool speed_cassandra_read_number(struct speed_cassandra *store,
                                 const char *name,
                                 int64_t *ret_value,
                                 GError **error)
{
    struct number number = {.store = store};
    struct cql_statement *read = speed_cassandra_use(store, CASSANDRA_READ_NUMBER, error);
    const struct cql_value values[] = {cql_text(name)};
    if (!read || !cql_execute(store->cql, read, values, 1, &speed_cassandra_read_options, on_number,
                              &number, error))
        return false;
    if (!speed_cassandra_settle(store, error))
        return false;
    *ret_value = number.value;
    return true;
}

bool speed_cassandra_put_number(struct speed_cassandra *store,
                                const char *name,
                                int64_t value,
                                GError **error)
{
    struct cql_statement *put = speed_cassandra_use(store, CASSANDRA_PUT_NUMBER, error);
    const struct cql_value values[] = {cql_text(name), cql_long(value), cql_long(value)};
    return put &&
           cql_execute(store->cql, put, values, G_N_ELEMENTS(values),
                       &speed_cassandra_write_options, speed_cassandra_written, store, error);
}

/* ---- schema ---- */

struct found_tables {
    struct speed_cassandra *store;
    GHashTable *names;
};

static void on_table(void *data, struct cql_rows *rows, bool last, const GError *error)
{
    struct found_tables *found = data;
    struct cql_cell cells[CQL_COLUMNS_MAX];
    (void)last;
    if (error)
        speed_cassandra_fail(found->store, error);
    while (rows && cql_rows_next(rows, cells))
        if (cells[0].len > 0)
            g_hash_table_add(found->names,
                             g_strndup((const char *)cells[0].data, (size_t)cells[0].len));
}

static GHashTable *find_tables(struct speed_cassandra *store, GError **error)
{
    struct found_tables found = {.store = store};
    g_autofree char *text = speed_cassandra_text(store, "tables");
    struct cql_statement *read = cql_prepare(store->cql, text, error);
    if (!read)
        return NULL;
    found.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (cql_execute(store->cql, read, NULL, 0, &speed_cassandra_read_options, on_table, &found,
                    error) &&
        speed_cassandra_settle(store, error))
        return found.names;
    g_hash_table_unref(found.names);
    return NULL;
}

/* Only what is missing: a role without the right to create is enough for a schema that is there. */
static bool make_schema(struct speed_cassandra *store, GError **error)
{
    g_autoptr(GHashTable) found = find_tables(store, error);
    if (!found)
        return false;
    if (g_hash_table_size(found) == 0) {
        g_autofree char *keyspace = speed_cassandra_text(store, "keyspace");
        if (!cql_run(store->cql, keyspace, error))
            return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autofree char *table = speed_cassandra_text(store, tables[i]);
        if (!g_hash_table_contains(found, tables[i]) && !cql_run(store->cql, table, error))
            return false;
    }
    return true;
}

/* ---- opening ---- */

static void store_close(struct speed *speed)
{
    struct speed_cassandra *store = speed_cassandra_self(speed);
    cql_close(store->cql);
    g_clear_error(&store->failure);
    g_hash_table_unref(store->known_stats);
    g_hash_table_unref(store->known_sentiment);
    g_hash_table_unref(store->known_metrics);
    sql_file_free(store->texts);
    clock_free(store->clock);
    g_free(store);
}

static bool check_keyspace(const struct config *config, GError **error)
{
    const char *name = config->speed_keyspace;
    size_t len = strlen(name);
    if (len > 0 && len <= KEYSPACE_BYTES_MAX && g_ascii_islower(name[0]) &&
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len)
        return true;
    error_set(error, CONFIG,
              "speed.keyspace: expected a lower-case letter, then letters, digits and underscores, "
              "at most %d, found '%s'",
              KEYSPACE_BYTES_MAX, name);
    return false;
}

static enum cql_tls_check tls_of(const struct config *config)
{
    if (strcmp(config->speed_tls, "full") == 0)
        return CQL_TLS_FULL;
    return strcmp(config->speed_tls, "signed") == 0 ? CQL_TLS_SIGNED : CQL_TLS_OFF;
}

static bool connect_store(struct speed_cassandra *store, GError **error)
{
    const struct config *config = store->base.context->config;
    const struct cql_options options = {
        .clock = store->clock,
        .hosts = config->speed_hosts,
        .user = config->speed_user,
        .password = config->speed_password,
        .tls = tls_of(config),
        .ca_file = config->speed_ca_file,
        .data_centre = config->speed_datacenter,
        .connections = (unsigned)config->speed_connections,
        .in_flight_max = (size_t)config->speed_in_flight,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .request_timeout_ms = REQUEST_TIMEOUT_MS,
        .reconnect_base_ms = RECONNECT_BASE_MS,
        .reconnect_cap_ms = RECONNECT_CAP_MS,
    };
    store->cql = cql_open(&options, error);
    if (!store->cql) {
        g_prefix_error(error, "speed.hosts: ");
        return false;
    }
    return true;
}

static struct speed *store_open(const struct context *context, GError **error)
{
    if (!check_keyspace(context->config, error))
        return NULL;
    struct speed_cassandra *store = g_new0(struct speed_cassandra, 1);
    store->base = (struct speed){.ops = &speed_cassandra_ops, .context = context};
    store->clock = clock_new_real();
    store->texts = sql_file_load("contracts/speed.cql");
    store->known_stats = g_hash_table_new(g_direct_hash, g_direct_equal);
    store->known_sentiment = g_hash_table_new(g_direct_hash, g_direct_equal);
    store->known_metrics = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    int64_t latest_ms = clock_now_ms(context->clock) + context->config->stream_future_limit_ms;
    store->first_own_ms = (latest_ms / MS_PER_HOUR + 1) * MS_PER_HOUR;
    if (!connect_store(store, error) || !make_schema(store, error) ||
        !speed_cassandra_read_number(store, "feed", &store->feed_segment, error)) {
        store_close(&store->base);
        return NULL;
    }
    return &store->base;
}

/* Rows go by their TTL. */
static bool store_expire(struct speed *speed,
                         enum speed_table table,
                         int64_t first_held_ms,
                         size_t rows_max,
                         int64_t *ret_rows,
                         GError **error)
{
    (void)speed;
    (void)table;
    (void)first_held_ms;
    (void)rows_max;
    (void)error;
    *ret_rows = 0;
    return true;
}

const struct speed_ops speed_cassandra_ops = {
    .name = "cassandra",
    .open = store_open,
    .close = store_close,
    .write = speed_cassandra_write,
    .written = speed_cassandra_written_by,
    .feed = speed_cassandra_feed,
    .read_stats = speed_cassandra_read_stats,
    .read_sentiment = speed_cassandra_read_sentiment,
    .read_changed = speed_cassandra_read_changed,
    .read_trending = speed_cassandra_read_trending,
    .read_live = speed_cassandra_read_live,
    .read_hour_counts = speed_cassandra_read_hour_counts,
    .expire = store_expire,
    .expire_feed = speed_cassandra_expire_feed,
    .inspect = speed_cassandra_inspect,
};

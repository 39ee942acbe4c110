#include "cql/cql.h"

#include "base/clock.h"
#include "cql/cql_hosts.h"
#include "cql/cql_session.h"

#define SCHEMA_AGREEMENT_MS INT64_C(30000)
#define SCHEMA_PAUSE_MS     100
#define RECONNECT_TRIES_MAX 32 /* after so many the pause no longer grows */
/* How long a wait lasts at most before the conditions are looked at again. */
#define WAIT_MS INT64_C(100)

struct cql_batch {
    struct cql_request *request;
    struct cql *cql;
};

static int64_t now(const struct cql *cql)
{
    return clock_monotonic_ms(cql->clock);
}

static char *copy_or_null(const char *text)
{
    return text && *text ? g_strdup(text) : NULL;
}

/* ---- opening ---- */

static struct cql *session_new(const struct cql_options *options, GError **error)
{
    SSL_CTX *tls = NULL;
    if (options->tls != CQL_TLS_OFF) {
        const char *ca_file = options->ca_file && *options->ca_file ? options->ca_file : NULL;
        tls = cql_tls_new(ca_file, error);
        if (!tls)
            return NULL;
    }
    struct cql *cql = g_new0(struct cql, 1);
    cql->clock = options->clock;
    cql->user = copy_or_null(options->user);
    cql->password = copy_or_null(options->password);
    cql->connect_timeout_ms = options->connect_timeout_ms;
    cql->request_timeout_ms = options->request_timeout_ms;
    cql->in_flight_max = MAX(options->in_flight_max, 1);
    cql->cluster.connections_per_node = MAX(options->connections, 1);
    cql->cluster.version = options->version_most ? options->version_most : CQL_VERSION_MOST;
    cql->cluster.data_centre = copy_or_null(options->data_centre);
    cql->cluster.retry = (struct retry){
        .base_ms = options->reconnect_base_ms,
        .cap_ms = options->reconnect_cap_ms,
        .tries_max = RECONNECT_TRIES_MAX,
    };
    cql->cluster.settings = (struct cql_connection_settings){
        .user = cql->user,
        .password = cql->password,
        .tls = tls,
        .tls_check = options->tls,
        .connect_timeout_ms = options->connect_timeout_ms,
        .request_timeout_ms = options->request_timeout_ms,
    };
    cql_session_init(cql);
    return cql;
}

/* The wanted data centre has nodes. */
static bool check_centre(const struct cql *cql, GError **error)
{
    if (cql->cluster.ring.count > 0)
        return true;
    error_set(error, CONFIG, "cassandra: no node is in data centre '%s'",
              cql->cluster.data_centre ? cql->cluster.data_centre : "");
    return false;
}

static bool connect_all(struct cql *cql, GError **error)
{
    int64_t end_ms = now(cql) + cql->connect_timeout_ms;
    while (cql->topology_reads == 0 || cql->cluster.peers) {
        const GError *why = NULL;
        cql_session_poll(cql, WAIT_MS);
        bool failed = cql_cluster_failed(&cql->cluster, &why);
        if ((failed || now(cql) >= end_ms) && cql->topology_reads == 0) {
            int code = why && why->domain == MARQUEE_ERROR ? why->code : MARQUEE_ERROR_AGAIN;
            g_set_error(error, MARQUEE_ERROR, code, "cassandra: no contact point can be used: %s",
                        why ? why->message : "no answer in time");
            return false;
        }
    }
    if (cql->topology_error) {
        g_propagate_error(error, g_error_copy(cql->topology_error));
        return false;
    }
    return check_centre(cql, error);
}

struct cql *cql_open(const struct cql_options *options, GError **error)
{
    g_autoptr(GArray) hosts = cql_hosts_parse(options->hosts, error);
    if (!hosts)
        return NULL;
    struct cql *cql = session_new(options, error);
    if (!cql)
        return NULL;
    for (size_t i = 0; i < hosts->len; i++) {
        const struct cql_host *host = &g_array_index(hosts, struct cql_host, i);
        cql_cluster_add(&cql->cluster, &host->address, host->name);
    }
    if (!connect_all(cql, error)) {
        cql_close(cql);
        return NULL;
    }
    return cql;
}

void cql_close(struct cql *cql)
{
    if (!cql)
        return;
    cql_session_clear(cql);
    g_free(cql->user);
    g_free(cql->password);
    g_free(cql);
}

/* ---- waiting for one ---- */

struct outcome {
    bool ended;
    GError *error;
};

static void on_outcome(void *user, struct cql_rows *rows, bool last, const GError *error)
{
    struct outcome *outcome = user;
    (void)rows;
    outcome->ended = last;
    if (error)
        outcome->error = g_error_copy(error);
}

static bool wait_for(struct cql *cql, struct cql_request *request, GError **error)
{
    struct outcome outcome = {0};
    request->done = on_outcome;
    request->user = &outcome;
    cql_session_submit(cql, request);
    while (!outcome.ended)
        cql_session_poll(cql, WAIT_MS);
    if (outcome.error)
        g_propagate_error(error, outcome.error);
    return !outcome.error;
}

/* Nodes learn of a change from one another; a statement on one that hasn't yet would fail. */
static bool wait_for_schema(struct cql *cql, GError **error)
{
    int64_t end_ms = now(cql) + SCHEMA_AGREEMENT_MS;
    for (;;) {
        uint64_t reads = cql->topology_reads + cql->topology_due; /* one that began afterwards */
        cql->topology_wanted = true;
        while (cql->topology_reads <= reads) {
            cql_session_poll(cql, WAIT_MS);
            if (now(cql) >= end_ms) {
                error_set(error, AGAIN,
                          "cassandra: its nodes don't agree on the schema within %d s",
                          (int)(SCHEMA_AGREEMENT_MS / MS_PER_SECOND));
                return false;
            }
        }
        if (!cql->topology_error && cql->schema_agrees)
            return true;
        for (int64_t pause_ms = now(cql) + SCHEMA_PAUSE_MS; now(cql) < pause_ms;)
            cql_session_poll(cql, SCHEMA_PAUSE_MS);
    }
}

bool cql_run(struct cql *cql, const char *text, GError **error)
{
    struct cql_request *request = cql_session_take(cql);
    request->kind = CQL_REQUEST_TEXT;
    request->text = text;
    request->options.consistency = CQL_LOCAL_QUORUM;
    request->answered_by = &cql->schema_from;
    if (!wait_for(cql, request, error))
        return false;
    cql->schema_changed = true;
    bool agreed = wait_for_schema(cql, error);
    cql->schema_changed = false;
    return agreed;
}

struct cql_statement *cql_prepare(struct cql *cql, const char *text, GError **error)
{
    for (size_t i = 0; i < cql->statements->len; i++) {
        struct cql_statement *known = cql->statements->pdata[i];
        if (strcmp(known->text, text) == 0)
            return known;
    }
    struct cql_statement *statement = g_new0(struct cql_statement, 1);
    statement->text = g_strdup(text);
    struct cql_request *request = cql_session_take(cql);
    request->kind = CQL_REQUEST_PREPARE;
    request->text = statement->text;
    request->options.idempotent = true;
    if (!request->entries)
        request->entries = g_new(struct cql_entry, request->entry_capacity = 1);
    request->entries[request->entry_count++] = (struct cql_entry){.statement = statement};
    if (!wait_for(cql, request, error)) {
        g_prefix_error(error, "preparing a statement: ");
        cql_statement_free(statement);
        return NULL;
    }
    g_ptr_array_add(cql->statements, statement);
    return statement;
}

/* ---- executing ---- */

/* At most in_flight_max are under way, those included that the caller is about to send. */
static bool make_room(struct cql *cql, size_t more, GError **error)
{
    if (cql->in_flight + more <= cql->in_flight_max)
        return true;
    if (cql->in_done) {
        error_set(error, AGAIN, "cassandra: %zu requests are under way already", cql->in_flight);
        return false;
    }
    while (cql->in_flight + more > cql->in_flight_max)
        cql_session_poll(cql, WAIT_MS);
    return true;
}

static void submit(struct cql *cql,
                   struct cql_request *request,
                   enum cql_request_kind kind,
                   const struct cql_execute_options *options,
                   cql_done *done,
                   void *user)
{
    request->kind = kind;
    request->options = *options;
    request->done = done;
    request->user = user;
    cql_session_submit(cql, request);
}

bool cql_execute(struct cql *cql,
                 struct cql_statement *statement,
                 const struct cql_value *values,
                 size_t count,
                 const struct cql_execute_options *options,
                 cql_done *done,
                 void *user,
                 GError **error)
{
    if (!make_room(cql, 1, error))
        return false;
    struct cql_request *request = cql_session_take(cql);
    if (!cql_request_add(request, statement, values, count, error)) {
        cql_session_give_back(cql, request);
        return false;
    }
    submit(cql, request, CQL_REQUEST_EXECUTE, options, done, user);
    return true;
}

struct cql_batch *cql_batch_new(struct cql *cql)
{
    struct cql_batch *batch = g_new0(struct cql_batch, 1);
    batch->cql = cql;
    batch->request = cql_session_take(cql);
    return batch;
}

void cql_batch_free(struct cql_batch *batch)
{
    if (!batch)
        return;
    if (batch->request)
        cql_session_give_back(batch->cql, batch->request);
    g_free(batch);
}

bool cql_batch_add(struct cql_batch *batch,
                   struct cql_statement *statement,
                   const struct cql_value *values,
                   size_t count,
                   GError **error)
{
    return cql_request_add(batch->request, statement, values, count, error);
}

bool cql_batch_execute(struct cql *cql,
                       struct cql_batch *batch,
                       const struct cql_execute_options *options,
                       cql_done *done,
                       void *user,
                       GError **error)
{
    bool empty = batch->request->entry_count == 0;
    bool good = empty || make_room(cql, 0, error); /* its own request counts already */
    if (good && !empty)
        submit(cql, g_steal_pointer(&batch->request), CQL_REQUEST_BATCH, options, done, user);
    cql_batch_free(batch);
    if (good && empty)
        done(user, NULL, true, NULL);
    return good;
}

void cql_poll(struct cql *cql, int64_t wait_ms)
{
    cql_session_poll(cql, wait_ms);
}

void cql_flush(struct cql *cql)
{
    while (cql->in_flight > 0)
        cql_session_poll(cql, WAIT_MS);
}

struct cql_stats cql_stats(const struct cql *cql)
{
    struct cql_stats stats = cql->stats;
    stats.reconnects = cql->cluster.reconnects;
    stats.in_flight = cql->in_flight;
    stats.nodes = cql->cluster.nodes->len;
    stats.connections = cql_cluster_ready(&cql->cluster);
    return stats;
}

int cql_version(const struct cql *cql)
{
    return cql->cluster.version;
}

/* The clients of librdkafka: their settings, what its error codes mean here, its statistics.
 *
 * librdkafka tells errors by what to do (fatal, retriable), as ours are; its codes are translated
 * here, once. Callbacks run in the owner's thread, inside rd_kafka_poll and rd_kafka_flush; only
 * log lines come from librdkafka's own. */
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "bus/bus_kafka.h"
#include "bus/bus_kafka_stats.h"

#define STATISTICS_INTERVAL  "15000" /* ms */
#define NS_PER_MS            1000000
#define PROPERTIES_BYTES_MAX ((gsize)64 * 1024)
#define SYSLOG_WARNING       4
/* What is read ahead of a partition, besides bus_kafka_ahead's pages; a handle reads some tens of
 * them. A record costs librdkafka some 400 bytes besides its own, and a batch of small ones is ten
 * times its compressed bytes. A partition with QUEUED_RECORDS isn't asked for. */
#define QUEUED_KBYTES   "2048"
#define QUEUED_RECORDS  "5000"
#define FETCH_BYTES     "65536"
#define REQUEST_TIMEOUT "10000" /* KAFKA_REQUEST_TIMEOUT_MS */
/* As long as the broker holds back its answer when it has nothing. Partitions that were not asked
 * for, because enough of them was queued, wait as long: so it is short. */
#define FETCH_WAIT_MS "20"

static const struct kafka_setting settings_both[] = {
    {"client.id", "marquee"},
    {"statistics.interval.ms", STATISTICS_INTERVAL},
    {"socket.keepalive.enable", "true"},
    {"topic.metadata.refresh.interval.ms", "60000"},
    {"reconnect.backoff.max.ms", "2000"},
    {NULL},
};

/* A reader in no group: offsets are ours, and none that is out of range is mended in silence. */
static const struct kafka_setting settings_reader[] = {
    {"isolation.level", "read_committed"},
    {"enable.partition.eof", "true"},
    {"enable.auto.commit", "false"},
    {"auto.offset.reset", "error"},
    {"allow.auto.create.topics", "false"},
    {"check.crcs", "true"},
    {"fetch.wait.max.ms", FETCH_WAIT_MS},
    {"fetch.message.max.bytes", FETCH_BYTES},
    {"queued.max.messages.kbytes", QUEUED_KBYTES},
    {"queued.min.messages", QUEUED_RECORDS},
    {NULL},
};

/* A writer whose calls end by our own deadline (message.timeout.ms 0: librdkafka never gives one
 * record up and sends the next), whose batches leave when the call flushes, not before. */
static const struct kafka_setting settings_writer[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"compression.codec", "zstd"},
    {"message.timeout.ms", "0"},
    {"linger.ms", "1000"},
    {"batch.num.messages", "10000"},
    {NULL},
};

/* A client that only keeps a group's offsets: a commit waits for its coordinator no longer than for
 * a session. */
static const struct kafka_setting settings_group[] = {
    {"session.timeout.ms", REQUEST_TIMEOUT},
    {"socket.timeout.ms", REQUEST_TIMEOUT},
    {"statistics.interval.ms", "0"}, /* too seldom used to be asked for them */
    {NULL},
};

/* Settings that bus_kafka's promises rest on, or that have a row of their own in the config. */
static const char *const owned[] = {
    "bootstrap.servers",
    "metadata.broker.list",
    "enable.idempotence",
    "acks",
    "request.required.acks",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "isolation.level",
    "enable.partition.eof",
    "enable.auto.commit",
    "auto.offset.reset",
    "transactional.id",
    "group.id",
    "group.instance.id",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "transaction.timeout.ms",
    "partitioner",
    "message.max.bytes",
    "allow.auto.create.topics",
    "queue.buffering.max.messages",
    NULL,
};

int64_t kafka_now_ms(void)
{
    struct timespec now = clock_deadline(0);
    return (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / NS_PER_MS;
}

/* ---- callbacks ---- */

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    const struct bus_kafka *kafka = rd_kafka_opaque(client);
    log_write(kafka->bus.context->log, level <= SYSLOG_WARNING ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG,
              "kafka", text, (const struct log_field[]){LOG_STR("facility", facility), {0}});
}

static bool is_refusal(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
           code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED || code == RD_KAFKA_RESP_ERR__SSL;
}

/* Most of these mend themselves; they are kept for the text of the call that fails meanwhile. */
static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    (void)client;
    struct bus_kafka *kafka = opaque;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        kafka->brokers_down = true;
    else
        kafka->refused = is_refusal((rd_kafka_resp_err_t)code);
    g_free(kafka->trouble);
    kafka->trouble = g_strdup(reason);
}

static int on_statistics(rd_kafka_t *client, char *json, size_t len, void *opaque)
{
    const struct bus_kafka *kafka = opaque;
    kafka_stats_take(kafka->stats, rd_kafka_name(client),
                     rd_kafka_type(client) == RD_KAFKA_PRODUCER, json, len);
    return 0; /* librdkafka frees the text */
}

/* librdkafka keeps what it has to say until it is asked, without bound: so every call asks. */
void kafka_serve(struct bus_kafka *kafka)
{
    rd_kafka_poll(kafka->reader, 0);
    if (kafka->asker)
        rd_kafka_poll(kafka->asker, 0);
    if (kafka->writer && !kafka->call)
        rd_kafka_poll(kafka->writer, 0);
}

/* ---- settings ---- */

static bool set(rd_kafka_conf_t *conf, const char *key, const char *value, GError **error)
{
    char text[512];
    if (rd_kafka_conf_set(conf, key, value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return true;
    error_set(error, CONFIG, "%s", text);
    return false;
}

static bool set_all(rd_kafka_conf_t *conf, const struct kafka_setting *settings, GError **error)
{
    for (; settings && settings->key; settings++) {
        if (!set(conf, settings->key, settings->value, error))
            return false;
    }
    return true;
}

/* "key = value"; empty lines and those that begin with # are nothing. */
static bool set_line(rd_kafka_conf_t *conf, char *line, GError **error)
{
    g_strstrip(line);
    if (!*line || *line == '#')
        return true;
    char *equals = strchr(line, '=');
    if (!equals) {
        error_set(error, CONFIG, "expected key=value as librdkafka's CONFIGURATION.md lists them");
        return false;
    }
    *equals = '\0';
    const char *key = g_strchomp(line), *value = g_strchug(equals + 1);
    if (g_strv_contains(owned, key)) {
        error_set(error, CONFIG, "%s is marquee's own to set", key);
        return false;
    }
    return set(conf, key, value, error);
}

static bool set_properties(rd_kafka_conf_t *conf, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) why = NULL;
    gsize len;
    if (!g_file_get_contents(path, &text, &len, &why) || len > PROPERTIES_BYTES_MAX) {
        error_set(error, CONFIG, "bus.properties_file: %s",
                  why ? why->message : "the file is too large to be one of settings");
        return false;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i]; i++) {
        if (!set_line(conf, lines[i], error)) {
            g_prefix_error(error, "%s:%d: ", path, i + 1);
            return false;
        }
    }
    return true;
}

static bool set_from_config(struct bus_kafka *kafka,
                            rd_kafka_conf_t *conf,
                            rd_kafka_type_t type,
                            GError **error)
{
    const struct config *config = kafka->bus.context->config;
    char bytes[32], records[32];
    g_snprintf(bytes, sizeof bytes, "%" G_GINT64_FORMAT,
               config->bus_record_max_bytes + KAFKA_RECORD_FRAME_BYTES);
    g_snprintf(records, sizeof records, "%d", BUS_RECORDS_PER_PRODUCE_MAX);
    return set(conf, "bootstrap.servers", config->bus_brokers, error) &&
           set(conf, "message.max.bytes", bytes, error) &&
           (type != RD_KAFKA_PRODUCER ||
            set(conf, "queue.buffering.max.messages", records, error)) &&
           (!*config->bus_properties_file ||
            set_properties(conf, config->bus_properties_file, error));
}

static bool set_group(rd_kafka_conf_t *conf, const char *group, GError **error)
{
    return !group || (set(conf, "group.id", group, error) && set_all(conf, settings_group, error));
}

static bool set_client(struct bus_kafka *kafka,
                       rd_kafka_conf_t *conf,
                       const struct kafka_client *wanted,
                       GError **error)
{
    const struct kafka_setting *by_type =
        wanted->type == RD_KAFKA_PRODUCER ? settings_writer : settings_reader;
    return set_all(conf, settings_both, error) && set_all(conf, by_type, error) &&
           set_from_config(kafka, conf, wanted->type, error) &&
           set_group(conf, wanted->group, error) && set_all(conf, wanted->settings, error);
}

rd_kafka_t *
kafka_client_new(struct bus_kafka *kafka, const struct kafka_client *wanted, GError **error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, kafka);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_stats_cb(conf, on_statistics);
    if (wanted->on_delivery)
        rd_kafka_conf_set_dr_msg_cb(conf, wanted->on_delivery);
    if (wanted->on_rebalance)
        rd_kafka_conf_set_rebalance_cb(conf, wanted->on_rebalance);
    char text[512];
    rd_kafka_t *client = NULL;
    if (set_client(kafka, conf, wanted, error)) {
        client = rd_kafka_new(wanted->type, conf, text, sizeof text);
        if (client)
            return client; /* conf is the client's now */
        error_set(error, CONFIG, "bus: librdkafka: %s", text);
    }
    rd_kafka_conf_destroy(conf);
    return NULL;
}

/* ---- errors ---- */

static enum marquee_error error_class(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        return MARQUEE_ERROR_NOTFOUND;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
        return MARQUEE_ERROR_BADDATA;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
        return MARQUEE_ERROR_FENCED;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
        return MARQUEE_ERROR_DENIED;
    /* What time mends: librdkafka has retried, and the call's time was over. */
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR__RETRY:
    case RD_KAFKA_RESP_ERR__IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__WAIT_CACHE:
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
        return MARQUEE_ERROR_AGAIN;
    default:
        return MARQUEE_ERROR_FAILED;
    }
}

bool kafka_fail(struct bus_kafka *kafka,
                rd_kafka_resp_err_t code,
                const char *what,
                const char *detail,
                GError **error)
{
    /* What librdkafka has said about it is still to be called back. */
    kafka_serve(kafka);
    enum marquee_error class = error_class(code);
    if (class == MARQUEE_ERROR_AGAIN && kafka->refused)
        class = MARQUEE_ERROR_DENIED;
    bool told = (class == MARQUEE_ERROR_AGAIN || class == MARQUEE_ERROR_DENIED) && kafka->trouble;
    g_set_error(error, MARQUEE_ERROR, (int)class, "bus: Kafka: %s: %s%s%s%s%s%s", what,
                rd_kafka_err2str(code), detail && *detail ? ": " : "", detail ? detail : "",
                told ? " (" : "", told ? kafka->trouble : "", told ? ")" : "");
    return false;
}

bool kafka_check_brokers(struct bus_kafka *kafka, const char *what, GError **error)
{
    if (!kafka->brokers_down)
        return true;
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(kafka->reader, 0, NULL, &metadata, KAFKA_PROBE_TIMEOUT_MS);
    if (code)
        return kafka_fail(kafka, code, what, "no broker answers", error);
    rd_kafka_metadata_destroy(metadata);
    kafka->brokers_down = false;
    return true;
}

bool kafka_mends(const GError *error, int64_t begun_ms)
{
    int64_t waited_ms = kafka_now_ms() - begun_ms;
    return (error_is(error, AGAIN) && waited_ms < KAFKA_REQUEST_TIMEOUT_MS) ||
           (error_is(error, NOTFOUND) && waited_ms < KAFKA_UNKNOWN_WAIT_MS);
}

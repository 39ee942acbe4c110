/* bus_kafka: the log on a Kafka cluster, through librdkafka. What differs from the other backends,
 * because Kafka does:
 *
 *   offsets  are dense where only this bus writes; another's transactions leave gaps, and a fetch
 *            may come back empty with a next_offset that has passed one
 *   expiry   is to the record, not to the stored batch; the brokers also expire by retention.ms
 *   produce  is all or none as long as the process lives (bus_kafka_produce.c)
 *   time     a call waits for the brokers at most KAFKA_REQUEST_TIMEOUT_MS, then it is AGAIN */
#include "bus/bus_kafka.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "bus/bus_kafka_member.h"
#include "bus/bus_kafka_stats.h"

#define UNKNOWN_WAIT_MS      500 /* before a topic counts as not there */
#define REPLICAS_FOR_MIN_ISR 3   /* with so many, one may be missing: min.insync.replicas is 2 */
#define ERROR_TEXT_BYTES     512
#define INTERNAL_TOPIC_START "__"
#define RETENTION_NONE       "-1"

char *kafka_remote_name(const struct bus_kafka *kafka, const char *name)
{
    return g_strconcat(kafka->bus.context->config->bus_prefix, name, NULL);
}

/* ---- topics that this handle has met ---- */

static void topic_free(void *data)
{
    struct kafka_topic *topic = data;
    for (int i = 0; i < topic->partitions_count; i++)
        kafka_partition_stop(&topic->partitions[i]);
    if (topic->reader)
        rd_kafka_topic_destroy(topic->reader);
    if (topic->writer)
        rd_kafka_topic_destroy(topic->writer);
    g_free(topic->partitions);
    g_free(topic->remote);
    g_free(topic);
}

void kafka_topic_forget(struct bus_kafka *kafka, const char *name)
{
    g_hash_table_remove(kafka->topics, name);
}

/* The brokers' answer to a client about one topic, or about all (NULL). */
static const struct rd_kafka_metadata *
ask(struct bus_kafka *kafka, rd_kafka_t *client, rd_kafka_topic_t *topic, GError **error)
{
    const struct rd_kafka_metadata *metadata;
    kafka_serve(kafka);
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(client, !topic, topic, &metadata, KAFKA_REQUEST_TIMEOUT_MS);
    if (!code)
        return metadata;
    kafka_fail(kafka, code, "list of topics", NULL, error);
    return NULL;
}

/* 0: there is no such topic, or not yet: a partition without a leader can't be used. */
static bool ask_partitions(struct bus_kafka *kafka,
                           rd_kafka_t *client,
                           rd_kafka_topic_t *asked,
                           bool led,
                           int *ret_partitions,
                           GError **error)
{
    const struct rd_kafka_metadata *metadata = ask(kafka, client, asked, error);
    if (!metadata)
        return false;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    int partitions = 0;
    if (metadata->topic_cnt == 1) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[0];
        code = topic->err;
        partitions = code ? 0 : topic->partition_cnt;
        for (int i = 0; led && i < topic->partition_cnt; i++) {
            if (topic->partitions[i].leader < 0)
                partitions = 0;
        }
    }
    rd_kafka_metadata_destroy(metadata);
    if (code && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
        code != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
        return kafka_fail(kafka, code, rd_kafka_topic_name(asked), NULL, error);
    *ret_partitions = partitions;
    return true;
}

bool kafka_wait_for_topic(struct bus_kafka *kafka,
                          rd_kafka_t *client,
                          rd_kafka_topic_t *topic,
                          bool led,
                          int64_t wait_ms,
                          int *ret_partitions,
                          GError **error)
{
    int64_t deadline_ms = kafka_now_ms() + wait_ms;
    for (;;) {
        if (!ask_partitions(kafka, client, topic, led, ret_partitions, error))
            return false;
        if (*ret_partitions > 0 || kafka_now_ms() >= deadline_ms)
            return true;
        rd_kafka_poll(kafka->reader, KAFKA_RETRY_POLL_MS);
    }
}

/* Takes the reader. */
static struct kafka_topic *
topic_add(struct bus_kafka *kafka, const char *name, rd_kafka_topic_t *reader, int partitions)
{
    struct kafka_topic *topic = g_new0(struct kafka_topic, 1);
    topic->remote = kafka_remote_name(kafka, name);
    topic->reader = reader;
    topic->partitions_count = partitions;
    topic->partitions = g_new0(struct kafka_partition, (gsize)partitions);
    g_hash_table_replace(kafka->topics, g_strdup(name), topic);
    return topic;
}

struct kafka_topic *kafka_topic(struct bus_kafka *kafka, const char *name, GError **error)
{
    struct kafka_topic *topic = g_hash_table_lookup(kafka->topics, name);
    if (topic)
        return topic;
    g_autofree char *remote = kafka_remote_name(kafka, name);
    rd_kafka_topic_t *reader = rd_kafka_topic_new(kafka->reader, remote, NULL);
    int partitions = 0;
    if (!reader) /* a prefix and a name that are too long together */
    {
        bus_error_no_topic(name, error);
        return NULL;
    }
    bool asked = kafka_wait_for_topic(kafka, kafka->reader, reader, false, UNKNOWN_WAIT_MS,
                                      &partitions, error);
    if (asked && partitions > 0)
        return topic_add(kafka, name, reader, partitions);
    if (asked)
        bus_error_no_topic(name, error);
    rd_kafka_topic_destroy(reader);
    return NULL;
}

struct kafka_topic *
kafka_topic_partition(struct bus_kafka *kafka, const char *name, int partition, GError **error)
{
    struct kafka_topic *topic = kafka_topic(kafka, name, error);
    if (topic && (partition < 0 || partition >= topic->partitions_count)) {
        bus_error_no_partition(name, partition, topic->partitions_count, error);
        return NULL;
    }
    return topic;
}

/* ---- open and close ---- */

/* In this order: rd_kafka_destroy waits for every object that still refers to the client. */
static void kafka_close(struct bus *bus)
{
    struct bus_kafka *kafka = bus_kafka(bus);
    g_assert(!kafka->member);
    kafka_writer_close(kafka);
    g_hash_table_unref(kafka->topics);
    g_hash_table_unref(kafka->groups);
    kafka_ahead_free(kafka->ahead);
    if (kafka->asker)
        rd_kafka_destroy(kafka->asker);
    if (kafka->reader)
        rd_kafka_destroy(kafka->reader);
    g_array_unref(kafka->parts);
    kafka_stats_free(kafka->stats);
    g_free(kafka->trouble);
    g_free(kafka);
}

static void client_free(void *client)
{
    rd_kafka_destroy(client);
}

/* Doesn't wait for the brokers: the first call that needs them does. */
static struct bus *kafka_open(const struct context *context, GError **error)
{
    if (!*context->config->bus_brokers) {
        error_set(error, CONFIG,
                  "bus.brokers: bus.backend kafka needs the cluster's host:port, or several");
        return NULL;
    }
    struct bus_kafka *kafka = g_new0(struct bus_kafka, 1);
    kafka->bus = (struct bus){.ops = &bus_kafka_ops, .context = context};
    kafka->topics = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, topic_free);
    kafka->groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, client_free);
    kafka->stats = kafka_stats_new(context->metrics);
    kafka->parts = g_array_new(FALSE, FALSE, sizeof(struct kafka_part));
    kafka->reader =
        kafka_client_new(kafka, &(struct kafka_client){.type = RD_KAFKA_CONSUMER}, error);
    if (!kafka->reader) {
        kafka_close(&kafka->bus);
        return NULL;
    }
    return &kafka->bus;
}

/* ---- topics ---- */

static int compare_topics(const void *a, const void *b)
{
    return strcmp(((const struct bus_topic *)a)->name, ((const struct bus_topic *)b)->name);
}

/* The topics of this deployment among all of the cluster's, unsorted. */
static size_t take_topics(const struct rd_kafka_metadata *metadata,
                          const char *prefix,
                          struct bus_topic *topics,
                          struct arena *arena)
{
    size_t count = 0;
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];
        if (topic->err || !g_str_has_prefix(topic->topic, prefix) ||
            g_str_has_prefix(topic->topic, INTERNAL_TOPIC_START))
            continue;
        topics[count++] = (struct bus_topic){
            .name = arena_strdup(arena, topic->topic + strlen(prefix)),
            .partitions = topic->partition_cnt,
        };
    }
    return count;
}

/* The broker that answered may not have heard of a topic that this handle has met. */
static bool holds_known(struct bus_kafka *kafka, const struct bus_topic *topics, size_t count)
{
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        known += g_hash_table_contains(kafka->topics, topics[i].name) ? 1 : 0;
    return known == g_hash_table_size(kafka->topics);
}

static bool kafka_topics(struct bus *bus,
                         struct arena *arena,
                         struct bus_topic **ret_topics,
                         size_t *ret_count,
                         GError **error)
{
    struct bus_kafka *kafka = bus_kafka(bus);
    struct bus_topic *topics;
    size_t count;
    int64_t deadline_ms = kafka_now_ms() + KAFKA_UNKNOWN_WAIT_MS;
    for (;;) {
        const struct rd_kafka_metadata *metadata = ask(kafka, kafka->reader, NULL, error);
        if (!metadata)
            return false;
        topics = arena_array(arena, struct bus_topic, (size_t)metadata->topic_cnt);
        count = take_topics(metadata, bus->context->config->bus_prefix, topics, arena);
        rd_kafka_metadata_destroy(metadata);
        if (holds_known(kafka, topics, count) || kafka_now_ms() >= deadline_ms)
            break;
        rd_kafka_poll(kafka->reader, KAFKA_RETRY_POLL_MS);
    }
    qsort(topics, count, sizeof *topics, compare_topics);
    *ret_topics = topics;
    *ret_count = count;
    return true;
}

/* bus.replication, or as many as there are brokers where those are fewer. */
static bool find_replicas(struct bus_kafka *kafka, int *ret_replicas, GError **error)
{
    const struct rd_kafka_metadata *metadata = ask(kafka, kafka->reader, NULL, error);
    if (!metadata)
        return false;
    int wanted = (int)kafka->bus.context->config->bus_replication;
    *ret_replicas = CLAMP(metadata->broker_cnt, 1, wanted);
    rd_kafka_metadata_destroy(metadata);
    return true;
}

/* The brokers expire by the records' own times against their own clock, so only where those are one
 * clock may they. */
static bool is_real_time(const struct context *context)
{
    return clock_speed(context->clock) == 1 && !*context->config->clock_start;
}

static void set_topic(rd_kafka_NewTopic_t *topic, const char *key, const char *value)
{
    rd_kafka_resp_err_t code = rd_kafka_NewTopic_set_config(topic, key, value);
    g_assert(!code);
}

static rd_kafka_NewTopic_t *new_topic(struct bus_kafka *kafka,
                                      const char *remote,
                                      int partitions,
                                      int replicas,
                                      struct kafka_topic_kind kind,
                                      GError **error)
{
    const struct context *context = kafka->bus.context;
    char text[ERROR_TEXT_BYTES], retention[32];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(remote, partitions, replicas, text, sizeof text);
    if (!topic) {
        error_set(error, BADDATA, "bus: topic %s: %s", remote, text);
        return NULL;
    }
    g_snprintf(retention, sizeof retention, "%" G_GINT64_FORMAT, context->config->bus_retention_ms);
    set_topic(topic, "cleanup.policy",
              !kind.compacted ? "delete"
              : kind.expires  ? "compact,delete"
                              : "compact");
    set_topic(topic, "message.timestamp.type", "CreateTime");
    set_topic(topic, "retention.ms",
              kind.expires && is_real_time(context) ? retention : RETENTION_NONE);
    set_topic(topic, "min.insync.replicas", replicas >= REPLICAS_FOR_MIN_ISR ? "2" : "1");
    char bytes[32];
    g_snprintf(bytes, sizeof bytes, "%" G_GINT64_FORMAT,
               context->config->bus_record_max_bytes + KAFKA_RECORD_FRAME_BYTES);
    set_topic(topic, "max.message.bytes", bytes);
    return topic;
}

/* True also where another has just made it. */
static bool
send_create(struct bus_kafka *kafka, rd_kafka_NewTopic_t *topic, const char *name, GError **error)
{
    char text[ERROR_TEXT_BYTES];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->reader);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(kafka->reader, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_request_timeout(options, KAFKA_REQUEST_TIMEOUT_MS, text, sizeof text);
    rd_kafka_AdminOptions_set_operation_timeout(options, KAFKA_REQUEST_TIMEOUT_MS / 2, text,
                                                sizeof text);
    rd_kafka_CreateTopics(kafka->reader, &topic, 1, options, queue);
    g_autofree char *what = g_strdup_printf("making topic %s", name);
    rd_kafka_event_t *event = kafka_admin_answer(kafka, queue, what, error);
    bool done = event != NULL;
    if (event) {
        size_t count;
        const rd_kafka_topic_result_t **results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
        if (code && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            done = kafka_fail(kafka, code, what, rd_kafka_topic_result_error_string(results[0]),
                              error);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return done;
}

static bool make_topic(struct bus_kafka *kafka,
                       const char *name,
                       const char *remote,
                       int partitions,
                       struct kafka_topic_kind kind,
                       GError **error)
{
    int replicas;
    if (!find_replicas(kafka, &replicas, error))
        return false;
    rd_kafka_NewTopic_t *topic = new_topic(kafka, remote, partitions, replicas, kind, error);
    if (!topic)
        return false;
    bool done = send_create(kafka, topic, name, error);
    rd_kafka_NewTopic_destroy(topic);
    if (done && replicas < kafka->bus.context->config->bus_replication)
        log_warn(kafka->bus.context->log, "bus", "topic has fewer replicas than bus.replication",
                 LOG_STR("topic", remote), LOG_INT("replicas", replicas));
    return done;
}

/* Until every partition has a leader that knows of it: it says where the partition ends. */
static bool
settle(struct bus_kafka *kafka, const char *name, rd_kafka_topic_t *reader, GError **error)
{
    int partitions;
    if (!kafka_wait_for_topic(kafka, kafka->reader, reader, true, KAFKA_REQUEST_TIMEOUT_MS,
                              &partitions, error))
        return false;
    if (partitions == 0)
        return kafka_fail(kafka, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, name,
                          "made, but its partitions have no leaders yet", error);
    const struct kafka_topic *topic = kafka_topic(kafka, name, error);
    for (int i = 0; topic && i < partitions; i++) {
        int64_t start, end;
        if (!kafka_watermarks(kafka, name, topic, i, &start, &end, error))
            return false;
    }
    return topic != NULL;
}

bool kafka_make_topic(struct bus_kafka *kafka,
                      const char *name,
                      int partitions,
                      struct kafka_topic_kind kind,
                      GError **error)
{
    g_autofree char *remote = kafka_remote_name(kafka, name);
    if (strlen(remote) > BUS_TOPIC_NAME_BYTES_MAX) {
        error_set(error, BADDATA, "bus: topic %s: longer than %d bytes with bus.prefix before it",
                  name, BUS_TOPIC_NAME_BYTES_MAX);
        return false;
    }
    kafka_topic_forget(kafka, name);
    rd_kafka_topic_t *reader = rd_kafka_topic_new(kafka->reader, remote, NULL);
    int found = 0;
    bool done = ask_partitions(kafka, kafka->reader, reader, false, &found, error);
    if (done && found == 0)
        done = make_topic(kafka, name, remote, partitions, kind, error) &&
               settle(kafka, name, reader, error);
    rd_kafka_topic_destroy(reader);
    if (!done || found > 0)
        return done &&
               (found == partitions || bus_error_partitions(name, found, partitions, error));
    /* Another may have made it meanwhile, with other partitions. */
    const struct kafka_topic *topic = kafka_topic(kafka, name, error);
    return topic && (topic->partitions_count == partitions ||
                     bus_error_partitions(name, topic->partitions_count, partitions, error));
}

static bool kafka_create_topic(struct bus *bus, const char *name, int partitions, GError **error)
{
    return kafka_make_topic(bus_kafka(bus), name, partitions,
                            (struct kafka_topic_kind){.expires = true}, error);
}

const struct bus_ops bus_kafka_ops = {
    .name = "kafka",
    .member = &bus_kafka_member_ops,
    .open = kafka_open,
    .close = kafka_close,
    .create_topic = kafka_create_topic,
    .topics = kafka_topics,
    .produce = kafka_produce,
    .fetch = kafka_fetch,
    .offsets = kafka_offsets,
    .group_commit = kafka_group_commit,
    .group_offset = kafka_group_offset,
    .expire = kafka_expire,
    .truncate = kafka_truncate,
};

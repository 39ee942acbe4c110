/* Produce: an idempotent writer with acks=all, one call at a time.
 *
 *   check topics and partitions ─► enqueue all ─► flush until every record is reported ─► true
 *                                                  └ no report in time: purge, end the writer,
 * AGAIN
 *
 * All or none: what can be refused is refused before the first record is enqueued. A call that is
 * AGAIN (or whose process dies) has left, of each partition's records, the first n for some n:
 * never one without those before it, which readers that go by sequence numbers rely on. That is why
 * librdkafka may not give up single records (message.timeout.ms 0), and why the writer ends with
 * such a call. docs/decisions says why this is no transaction.
 *
 * The partition is ours (topic_partition), so that a key is where every other bus has it; so is the
 * timestamp, the context's clock. */
#include <string.h>

#include "base/clock.h"
#include "bus/bus_kafka.h"
#include "bus/bus_kafka_stats.h"
#include "model/topic.h"

struct target {
    struct kafka_topic *topic;
    int partition;
};

void kafka_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    struct kafka_call *call = ((struct bus_kafka *)opaque)->call;
    call->pending--;
    if (message->err) {
        if (!call->failure)
            call->failure = message->err;
    } else {
        call->offsets[GPOINTER_TO_SIZE(message->_private)] = message->offset;
        call->delivered++;
    }
}

void kafka_writer_close(struct bus_kafka *kafka)
{
    if (!kafka->writer)
        return;
    GHashTableIter iter;
    gpointer topic;
    g_hash_table_iter_init(&iter, kafka->topics);
    while (g_hash_table_iter_next(&iter, NULL, &topic)) {
        struct kafka_topic *known = topic;
        if (known->writer)
            rd_kafka_topic_destroy(known->writer);
        known->writer = NULL;
    }
    kafka_stats_forget(kafka->stats, rd_kafka_name(kafka->writer));
    rd_kafka_destroy(kafka->writer);
    kafka->writer = NULL;
}

/* A record to a topic that the writer's broker hasn't heard of yet would fail for good; so it is
 * asked first, once a writer and topic. */
static bool open_topic(struct bus_kafka *kafka, struct kafka_topic *topic, GError **error)
{
    if (topic->writer)
        return true;
    rd_kafka_topic_t *writer = rd_kafka_topic_new(kafka->writer, topic->remote, NULL);
    int partitions = 0;
    bool asked = kafka_wait_for_topic(kafka, kafka->writer, writer, false, KAFKA_REQUEST_TIMEOUT_MS,
                                      &partitions, error);
    if (asked && partitions == topic->partitions_count) {
        topic->writer = writer;
        return true;
    }
    rd_kafka_topic_destroy(writer);
    return asked && kafka_fail(kafka, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, topic->remote,
                               "the brokers don't agree on its partitions", error);
}

static bool find_target(struct bus_kafka *kafka,
                        const struct bus_message *message,
                        struct target *ret_target,
                        GError **error)
{
    struct kafka_topic *topic = kafka_topic(kafka, message->topic, error);
    if (!topic)
        return false;
    int partition = message->partition;
    if (partition == BUS_PARTITION_BY_KEY)
        partition = topic_partition(message->key.data, message->key.len, topic->partitions_count);
    if (partition < 0 || partition >= topic->partitions_count)
        return bus_error_no_partition(message->topic, partition, topic->partitions_count, error);
    if (!open_topic(kafka, topic, error))
        return false;
    *ret_target = (struct target){topic, partition};
    return true;
}

/* librdkafka copies key and value: a purged batch may still be on its way out. */
static rd_kafka_resp_err_t enqueue(rd_kafka_t *writer,
                                   const struct target *target,
                                   const struct bus_message *message,
                                   int64_t now_ms,
                                   size_t index)
{
    return rd_kafka_producev(
        writer, RD_KAFKA_V_RKT(target->topic->writer), RD_KAFKA_V_PARTITION(target->partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(now_ms),
        RD_KAFKA_V_KEY(message->key.data, message->key.len),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)message->value.data, message->value.len),
        RD_KAFKA_V_OPAQUE(GSIZE_TO_POINTER(index)), RD_KAFKA_V_END);
}

/* Until every record is reported, or time is over. */
static void flush(struct bus_kafka *kafka, int64_t deadline_ms)
{
    while (kafka->call->pending > 0 && kafka_now_ms() < deadline_ms)
        rd_kafka_flush(kafka->writer, KAFKA_POLL_SLICE_MS);
}

/* What a fatal code stands for. */
static rd_kafka_resp_err_t underlying(struct bus_kafka *kafka, rd_kafka_resp_err_t code)
{
    char text[256];
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(kafka->writer, text, sizeof text);
    return fatal ? fatal : code;
}

static bool run_call(struct bus_kafka *kafka,
                     const struct bus_message *messages,
                     const struct target *targets,
                     size_t count,
                     GError **error)
{
    struct kafka_call *call = kafka->call;
    int64_t now_ms = clock_now_ms(kafka->bus.context->clock);
    for (size_t i = 0; i < count && !call->failure; i++) {
        call->failure = enqueue(kafka->writer, &targets[i], &messages[i], now_ms, i);
        call->pending += !call->failure;
    }
    if (!call->failure)
        flush(kafka, kafka_now_ms() + KAFKA_REQUEST_TIMEOUT_MS);
    if (!call->failure && call->pending == 0)
        return true;
    bool late = !call->failure;
    while (call->pending > 0) { /* each purged record is reported too, at once */
        rd_kafka_purge(kafka->writer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_poll(kafka->writer, KAFKA_POLL_SLICE_MS);
    }
    rd_kafka_resp_err_t code = late ? RD_KAFKA_RESP_ERR__TIMED_OUT : call->failure;
    return kafka_fail(kafka, underlying(kafka, code), "produce",
                      late ? "the brokers didn't acknowledge every record in time" : NULL, error);
}

/* A partition that this handle reads has more now: its next fetch waits for it. */
static void note_ends(const struct target *targets, const int64_t *offsets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct kafka_partition *partition = &targets[i].topic->partitions[targets[i].partition];
        partition->known_end = MAX(partition->known_end, offsets[i] + 1);
        partition->at_end = false;
    }
}

/* One try with the writer that there is. */
static bool try_call(struct bus_kafka *kafka,
                     const struct bus_message *messages,
                     size_t count,
                     struct target *targets,
                     struct kafka_call *call,
                     GError **error)
{
    static const struct kafka_client wanted = {.type = RD_KAFKA_PRODUCER,
                                               .on_delivery = kafka_delivered};
    if (!kafka->writer && !(kafka->writer = kafka_client_new(kafka, &wanted, error)))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!find_target(kafka, &messages[i], &targets[i], error))
            return false;
    }
    kafka->call = call;
    bool done = run_call(kafka, messages, targets, count, error);
    kafka->call = NULL;
    if (!done)
        kafka_writer_close(kafka);
    return done;
}

/* A topic that we have met and that librdkafka doesn't find: its broker hasn't heard of it yet. As
 * long as nothing was delivered the call may begin anew. */
static bool run_tries(struct bus_kafka *kafka,
                      const struct bus_message *messages,
                      size_t count,
                      struct target *targets,
                      int64_t *offsets,
                      GError **error)
{
    int64_t begun_ms = kafka_now_ms();
    for (;;) {
        g_autoptr(GError) why = NULL;
        struct kafka_call call = {.offsets = offsets};
        if (try_call(kafka, messages, count, targets, &call, &why))
            return true;
        bool unknown = call.failure && error_is(why, NOTFOUND);
        if (unknown && call.delivered > 0)
            return kafka_fail(kafka, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, "produce",
                              "some partitions aren't found", error);
        if (!unknown || !kafka_mends(why, begun_ms)) {
            if (unknown)
                g_hash_table_remove_all(kafka->topics);
            g_propagate_error(error, g_steal_pointer(&why));
            return false;
        }
        rd_kafka_poll(kafka->reader, KAFKA_RETRY_POLL_MS);
    }
}

bool kafka_produce(struct bus *bus,
                   const struct bus_message *messages,
                   size_t count,
                   int64_t *ret_offsets,
                   GError **error)
{
    struct bus_kafka *kafka = bus_kafka(bus);
    g_autofree struct target *targets = g_new(struct target, count);
    g_autofree int64_t *offsets = g_new(int64_t, count);
    kafka_serve(kafka);
    if (!run_tries(kafka, messages, count, targets, offsets, error))
        return false;
    note_ends(targets, offsets, count);
    if (ret_offsets)
        memcpy(ret_offsets, offsets, count * sizeof *offsets);
    return true;
}

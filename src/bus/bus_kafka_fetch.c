/* Fetch: librdkafka reads ahead of us into a queue per partition; a call takes from there.
 *
 *   broker ──► librdkafka's queue ──► held[first, count) ──► the caller's arena
 *
 *   gap_from   position             known_end
 *      ├──────────┤..................┤
 *      nothing but other's control   what was the end when we last knew: up to there a call waits
 *      records lies in between       for what must come, beyond it never
 *
 * A call that goes on where the last one ended (anywhere in [gap_from, position]) costs no question
 * to the brokers. Any other offset starts the partition anew: the ends are asked for first, so that
 * an offset outside of them is told apart and an empty partition isn't waited for.
 *
 * Confluent's clients may write a schema's id into the header __value_schema_id instead of before
 * the value (their "wire format": 0x01 and a GUID of 16 bytes, or the old 0x00 and 4 bytes). Here
 * it goes before the value: a value that has lost its schema's name can't be read by anybody.
 *
 * at_end: librdkafka said so (PARTITION_EOF), or it was so at the start, and nothing came since. */
#include <string.h>

#include "bus/bus_kafka.h"
#include "bus/frame.h"

#define HEADER_SCHEMA "__value_schema_id"

void kafka_partition_stop(const struct kafka_topic *topic, int number)
{
    struct kafka_partition *partition = &topic->partitions[number];
    while (partition->held_first < partition->held_count)
        rd_kafka_message_destroy(partition->held[partition->held_first++]);
    partition->held_first = partition->held_count = 0;
    if (partition->started)
        rd_kafka_consume_stop(topic->reader, number);
    partition->started = false;
}

bool kafka_watermarks(struct bus_kafka *kafka,
                      const char *name,
                      const struct kafka_topic *topic,
                      int partition,
                      int64_t *ret_start,
                      int64_t *ret_end,
                      GError **error)
{
    int64_t start, end, begun_ms = kafka_now_ms();
    for (;;) {
        g_autoptr(GError) why = NULL;
        rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
            kafka->reader, topic->remote, partition, &start, &end, KAFKA_REQUEST_TIMEOUT_MS);
        if (!code)
            break;
        g_autofree char *what = g_strdup_printf("offsets of %s/%d", name, partition);
        kafka_fail(kafka, code, what, NULL, &why);
        if (kafka_mends(why, begun_ms)) {
            rd_kafka_poll(kafka->reader, KAFKA_RETRY_POLL_MS);
            continue;
        }
        if (error_is(why, NOTFOUND))
            kafka_topic_forget(kafka, name);
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    *ret_start = start;
    *ret_end = end;
    return true;
}

bool kafka_offsets(struct bus *bus,
                   const char *name,
                   int partition,
                   int64_t *ret_start,
                   int64_t *ret_end,
                   GError **error)
{
    struct bus_kafka *kafka = bus_kafka(bus);
    kafka_serve(kafka);
    struct kafka_topic *topic = kafka_topic_partition(kafka, name, partition, error);
    return topic && kafka_watermarks(kafka, name, topic, partition, ret_start, ret_end, error);
}

/* ---- one fetch ---- */

struct fetch {
    struct bus_kafka *kafka;
    const char *name;
    struct kafka_topic *topic;
    int number;
    struct kafka_partition *partition;
    int64_t offset;
    size_t bytes_max, bytes;
    bool full;
};

static bool start(struct fetch *fetch, GError **error)
{
    struct kafka_partition *partition = fetch->partition;
    int64_t first, end, offset = fetch->offset;
    kafka_partition_stop(fetch->topic, fetch->number);
    if (!kafka_watermarks(fetch->kafka, fetch->name, fetch->topic, fetch->number, &first, &end,
                          error))
        return false;
    if (offset < first)
        return bus_error_expired(fetch->name, fetch->number, offset, first, error);
    if (offset > end)
        return bus_error_beyond_end("fetch", fetch->name, fetch->number, offset, end, error);
    if (rd_kafka_consume_start(fetch->topic->reader, fetch->number, offset) != 0)
        return kafka_fail(fetch->kafka, rd_kafka_last_error(), "fetch", fetch->name, error);
    if (!partition->held)
        partition->held = g_new(rd_kafka_message_t *, KAFKA_HELD_MAX);
    partition->started = true;
    partition->gap_from = partition->position = offset;
    partition->known_end = end;
    partition->at_end = offset == end;
    return true;
}

/* At most until wait_ms have passed; true: something is held. */
static bool refill(const struct fetch *fetch, int64_t wait_ms)
{
    struct kafka_partition *partition = fetch->partition;
    if (partition->held_first < partition->held_count)
        return true;
    partition->held_first = partition->held_count = 0;
    ssize_t count = rd_kafka_consume_batch(fetch->topic->reader, fetch->number, 0, partition->held,
                                           KAFKA_HELD_MAX);
    if (count <= 0 && wait_ms > 0) {
        partition->held[0] = rd_kafka_consume(fetch->topic->reader, fetch->number, (int)wait_ms);
        count = partition->held[0] ? 1 : 0;
    }
    partition->held_count = count > 0 ? (size_t)count : 0;
    return partition->held_count > 0;
}

static void take_end(struct kafka_partition *partition, const rd_kafka_message_t *message)
{
    partition->position = MAX(partition->position, message->offset);
    partition->known_end = partition->position;
    partition->at_end = true;
}

/* librdkafka gave the partition up. An offset out of range is one that expired while we read. */
static bool take_error(struct fetch *fetch, const rd_kafka_message_t *message, GError **error)
{
    rd_kafka_resp_err_t code = message->err;
    g_autofree char *detail = g_strdup(rd_kafka_message_errstr(message));
    g_autofree char *what = g_strdup_printf("fetch of %s/%d", fetch->name, fetch->number);
    kafka_partition_stop(fetch->topic, fetch->number);
    if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        int64_t first, end;
        if (!kafka_watermarks(fetch->kafka, fetch->name, fetch->topic, fetch->number, &first, &end,
                              error))
            return false;
        if (fetch->offset < first)
            return bus_error_expired(fetch->name, fetch->number, fetch->offset, first, error);
        if (fetch->offset > end)
            return bus_error_beyond_end("fetch", fetch->name, fetch->number, fetch->offset, end,
                                        error);
        code = RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE;
    }
    kafka_fail(fetch->kafka, code, what, detail, error);
    if (error_is(*error, NOTFOUND))
        kafka_topic_forget(fetch->kafka, fetch->name);
    return false;
}

/* The frame in the record's header; of length 0 where there is none, or another. */
static struct span header_frame(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const void *data;
    size_t len;
    if (rd_kafka_message_headers(message, &headers) ||
        rd_kafka_header_get_last(headers, HEADER_SCHEMA, &data, &len) || len == 0 ||
        frame_len(((const char *)data)[0]) != len)
        return (struct span){0};
    return (struct span){.data = data, .len = len};
}

static void take_record(struct fetch *fetch, rd_kafka_message_t *message)
{
    struct kafka_partition *partition = fetch->partition;
    size_t bytes = message->len + message->key_len + header_frame(message).len;
    if (fetch->kafka->taken->len > 0 &&
        fetch->bytes + bytes + (fetch->kafka->taken->len + 1) * BUS_RECORD_OVERHEAD_BYTES >
            fetch->bytes_max) {
        fetch->full = true;
        return;
    }
    partition->held_first++;
    partition->gap_from = partition->position = message->offset + 1;
    partition->at_end = false;
    fetch->bytes += bytes;
    g_ptr_array_add(fetch->kafka->taken, message);
}

/* What is held, until it is empty or the fetch is full. An error waits for the call after the
 * records before it. */
static bool take_held(struct fetch *fetch, GError **error)
{
    struct kafka_partition *partition = fetch->partition;
    while (!fetch->full && partition->held_first < partition->held_count) {
        rd_kafka_message_t *message = partition->held[partition->held_first];
        if (!message->err) {
            take_record(fetch, message);
        } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            take_end(partition, message);
            partition->held_first++;
            rd_kafka_message_destroy(message);
        } else if (fetch->kafka->taken->len > 0) {
            fetch->full = true;
        } else {
            partition->held_first++;
            bool done = take_error(fetch, message, error);
            rd_kafka_message_destroy(message);
            return done;
        }
    }
    return true;
}

static bool take_all(struct fetch *fetch, GError **error)
{
    struct kafka_partition *partition = fetch->partition;
    int64_t deadline_ms = kafka_now_ms() + KAFKA_REQUEST_TIMEOUT_MS;
    for (;;) {
        int64_t wait_ms = 0;
        if (partition->position < partition->known_end)
            wait_ms = MAX(deadline_ms - kafka_now_ms(), 0);
        if (!refill(fetch, wait_ms))
            break;
        if (!take_held(fetch, error))
            return false;
        if (fetch->full)
            break;
    }
    if (fetch->kafka->taken->len > 0)
        return true;
    if (partition->position < partition->known_end) {
        g_autofree char *what = g_strdup_printf("fetch of %s/%d", fetch->name, fetch->number);
        return kafka_fail(fetch->kafka, RD_KAFKA_RESP_ERR__TIMED_OUT, what, NULL, error);
    }
    /* Nothing came and nothing had to; but is there anybody? */
    return kafka_check_brokers(fetch->kafka, "fetch", error);
}

static struct span copy(char **bytes, const void *data, size_t len)
{
    struct span span = {.data = *bytes, .len = len};
    if (len)
        memcpy(*bytes, data, len);
    *bytes += len;
    return span;
}

static void hand_out(struct fetch *fetch, struct arena *arena, struct bus_batch *ret_batch)
{
    const GPtrArray *taken = fetch->kafka->taken;
    const struct kafka_partition *partition = fetch->partition;
    struct bus_batch batch = {.count = taken->len, .next_offset = partition->position};
    batch.records = arena_alloc(arena, (taken->len + 1) * sizeof *batch.records);
    char *bytes = arena_alloc(arena, fetch->bytes + 1);
    for (guint i = 0; i < taken->len; i++) {
        const rd_kafka_message_t *message = taken->pdata[i];
        batch.records[i] = (struct bus_record){
            .offset = message->offset,
            .append_time_ms = rd_kafka_message_timestamp(message, NULL),
            .key = copy(&bytes, message->key, message->key_len),
        };
        struct span frame = header_frame(message);
        frame = copy(&bytes, frame.data, frame.len);
        struct span value = copy(&bytes, message->payload, message->len);
        batch.records[i].value = (struct span){.data = frame.len ? frame.data : value.data,
                                               .len = frame.len + value.len};
    }
    int64_t low, high = 0;
    if (!partition->at_end)
        rd_kafka_get_watermark_offsets(fetch->kafka->reader, fetch->topic->remote, fetch->number,
                                       &low, &high);
    batch.end_offset = MAX(batch.next_offset, MAX(high, partition->known_end));
    *ret_batch = batch;
}

bool kafka_fetch(struct bus *bus,
                 const char *name,
                 int number,
                 int64_t offset,
                 size_t bytes_max,
                 struct arena *arena,
                 struct bus_batch *ret_batch,
                 GError **error)
{
    struct bus_kafka *kafka = bus_kafka(bus);
    kafka_serve(kafka);
    struct kafka_topic *topic = kafka_topic_partition(kafka, name, number, error);
    if (!topic)
        return false;
    struct fetch fetch = {
        .kafka = kafka,
        .name = name,
        .topic = topic,
        .number = number,
        .partition = &topic->partitions[number],
        .offset = offset,
        .bytes_max = bytes_max,
    };
    g_autoptr(GError) why = NULL;
    bool goes_on = fetch.partition->started && offset >= fetch.partition->gap_from &&
                   offset <= fetch.partition->position;
    bool done = (goes_on || start(&fetch, &why)) && take_all(&fetch, &why);
    if (done)
        hand_out(&fetch, arena, ret_batch);
    else
        g_propagate_error(error, g_steal_pointer(&why));
    g_ptr_array_set_size(kafka->taken, 0);
    return done;
}

/* Copies the input topics of one deployment's log to another one's, record for record: the same
 * partitions and offsets, keys, append times and Avro bytes. Only the schema's number in a record's
 * frame is the other registry's. For whole_test.py, which compares an embedded pipeline with one on
 * a cluster: asked twice, an ingest answers in another order. Not part of the product.
 *
 *   log_copy FROM TO        two settings files; TO's log is empty
 *
 * Prints how many records were copied. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/embedded.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "bus/bus.h"
#include "bus/frame.h"
#include "bus/registry.h"
#include "model/topic.h"

#define FETCH_BYTES   ((size_t)1024 * 1024)
#define WAIT_MS       20
#define WAITS_MAX     3000 /* a minute without a record that the bus says is there */
#define TIME_FIRST_MS 0

static const enum topic inputs[] = {TOPIC_REVIEWS, TOPIC_RATINGS, TOPIC_METADATA, TOPIC_EVENTS};

struct side {
    struct config *config;
    struct context context;
    struct bus *bus;
    struct registry *registry;
    int32_t schema_id; /* of the topic that is copied */
};

struct copy {
    struct side from, to;
    struct arena *arena; /* of one fetch */
    const struct topic_info *topic;
    int64_t records;
};

static bool side_open(struct side *side, const char *path, struct clock *clock, GError **error)
{
    side->context.clock = clock;
    side->config = config_load(path, NULL, NULL, error);
    if (!side->config)
        return false;
    side->context.config = side->config;
    side->context.stop = stop_new();
    side->context.metrics = metrics_new();
    side->context.log =
        log_new(STDERR_FILENO, LOG_LEVEL_WARN, LOG_FORMAT_TEXT, side->context.clock);
    return (side->bus = bus_open(&side->context, error)) &&
           (side->registry = registry_open(&side->context, error));
}

static void side_close(struct side *side)
{
    registry_close(side->registry);
    bus_close(side->bus);
    log_free(side->context.log);
    metrics_free(side->context.metrics);
    stop_free(side->context.stop);
    clock_free(side->context.clock);
    config_free(side->config);
}

static int32_t frame_id(const char *value)
{
    const unsigned char *bytes = (const unsigned char *)value;
    return (int32_t)((uint32_t)bytes[1] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 8 |
                     bytes[4]);
}

/* The record with the other side's number. Every record of these topics was written with the
 * contract's own schema. */
static bool translate(struct copy *copy, struct bus_record *record, GError **error)
{
    if (record->value.len < FRAME_ID_BYTES || record->value.data[0] != FRAME_ID ||
        frame_id(record->value.data) != copy->from.schema_id) {
        error_set(error, BADDATA, "%s: offset %" G_GINT64_FORMAT " has another schema than ours",
                  copy->topic->name, record->offset);
        return false;
    }
    char *value = arena_alloc(copy->arena, record->value.len);
    memcpy(value, record->value.data, record->value.len);
    for (int i = 0; i < 4; i++)
        value[1 + i] = (char)((uint32_t)copy->to.schema_id >> (24 - 8 * i));
    record->value.data = value;
    return true;
}

static bool append(struct copy *copy,
                   int partition,
                   const struct bus_record *records,
                   size_t count,
                   GError **error)
{
    struct bus_message *messages = arena_array(copy->arena, struct bus_message, count);
    int64_t *offsets = arena_array(copy->arena, int64_t, count);
    for (size_t i = 0; i < count; i++)
        messages[i] =
            (struct bus_message){copy->topic->name, partition, records[i].key, records[i].value};
    clock_set_now(copy->to.context.clock, records[0].append_time_ms);
    if (!bus_produce(copy->to.bus, messages, count, offsets, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (offsets[i] == records[i].offset)
            continue;
        error_set(error, FAILED,
                  "%s/%d: offset %" G_GINT64_FORMAT " would become %" G_GINT64_FORMAT
                  ": its log must be empty, and this one without holes",
                  copy->topic->name, partition, records[i].offset, offsets[i]);
        return false;
    }
    copy->records += (int64_t)count;
    return true;
}

/* Records of one append time go together: a produce call has one. */
static bool
append_batch(struct copy *copy, int partition, const struct bus_batch *batch, GError **error)
{
    for (size_t i = 0, end; i < batch->count; i = end) {
        for (end = i; end < batch->count &&
                      batch->records[end].append_time_ms == batch->records[i].append_time_ms;
             end++) {
            if (!translate(copy, &batch->records[end], error))
                return false;
        }
        if (!append(copy, partition, &batch->records[i], end - i, error))
            return false;
    }
    return true;
}

static bool copy_partition(struct copy *copy, int partition, GError **error)
{
    int64_t next, end;
    if (!bus_offsets(copy->from.bus, copy->topic->name, partition, &next, &end, error))
        return false;
    for (int waits = 0; next < end;) {
        struct bus_batch batch;
        arena_reset(copy->arena);
        if (!bus_fetch(copy->from.bus, copy->topic->name, partition, next, FETCH_BYTES, copy->arena,
                       &batch, error) ||
            !append_batch(copy, partition, &batch, error))
            return false;
        waits = batch.next_offset > next ? 0 : waits + 1;
        next = batch.next_offset;
        if (waits > WAITS_MAX) {
            error_set(error, AGAIN, "%s/%d: offset %" G_GINT64_FORMAT " doesn't come",
                      copy->topic->name, partition, next);
            return false;
        }
        if (waits)
            stop_wait_ms(copy->from.context.stop, WAIT_MS);
    }
    return true;
}

static bool schema_number(struct side *side, const struct topic_info *topic, GError **error)
{
    size_t len;
    return registry_register(side->registry, topic->subject,
                             embedded_text(topic->schema_path, &len), &side->schema_id, error);
}

static bool copy_topic(struct copy *copy, enum topic topic, GError **error)
{
    copy->topic = topic_info(topic);
    int partitions = (int)copy->from.config->bus_partitions;
    if (!schema_number(&copy->from, copy->topic, error) ||
        !schema_number(&copy->to, copy->topic, error) ||
        !bus_create_topic(copy->to.bus, copy->topic->name, partitions, error))
        return false;
    for (int i = 0; i < partitions; i++) {
        if (!copy_partition(copy, i, error))
            return false;
    }
    return true;
}

static bool run(struct copy *copy, const char *from, const char *to, GError **error)
{
    if (!side_open(&copy->from, from, clock_new_real(), error) ||
        !side_open(&copy->to, to, clock_new_manual(TIME_FIRST_MS), error))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++) {
        if (!copy_topic(copy, inputs[i], error))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: log_copy FROM.yaml TO.yaml\n", stderr);
        return 2;
    }
    struct copy copy = {.arena = arena_new()};
    g_autoptr(GError) error = NULL;
    bool done = run(&copy, argv[1], argv[2], &error);
    if (done)
        printf("%" G_GINT64_FORMAT "\n", copy.records);
    else
        fprintf(stderr, "log_copy: %s\n", error->message);
    side_close(&copy.to);
    side_close(&copy.from);
    arena_free(copy.arena);
    return done ? 0 : 1;
}

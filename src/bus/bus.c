#include "bus/bus.h"

#include <string.h>

#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus_backend.h"

#define BUS_PARTITIONS_MAX 1024

static const struct bus_ops *const backends[] = {
    &bus_sqlite_ops,
#ifdef MARQUEE_KAFKA
    &bus_kafka_ops,
#endif
};

struct bus *bus_open(const struct context *context, GError **error)
{
    const char *wanted = context->config->bus_backend;
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (strcmp(backends[i]->name, wanted) == 0)
            return backends[i]->open(context, error);
    }
    error_set(error, CONFIG, "bus.backend: %s is not built in; use sqlite", wanted);
    return NULL;
}

void bus_close(struct bus *bus)
{
    if (bus)
        bus->ops->close(bus);
}

const struct context *bus_context(const struct bus *bus)
{
    return bus->context;
}

bool bus_error_no_topic(const char *topic, GError **error)
{
    error_set(error, NOTFOUND, "bus: there is no topic %s; make it first", topic);
    return false;
}

bool bus_error_no_partition(const char *topic, int partition, int partitions, GError **error)
{
    error_set(error, NOTFOUND, "bus: topic %s has partitions 0 to %d, not %d", topic,
              partitions - 1, partition);
    return false;
}

bool bus_error_partitions(const char *topic, int found, int wanted, GError **error)
{
    error_set(
        error, CONFLICT,
        "bus: topic %s has %d partitions, not %d; set bus.partitions to %d or start with a new log",
        topic, found, wanted, found);
    return false;
}

bool bus_error_expired(
    const char *topic, int partition, int64_t offset, int64_t start, GError **error)
{
    error_set(error, NOTFOUND,
              "bus: %s/%d: offset %" G_GINT64_FORMAT
              " is gone, the first kept one is %" G_GINT64_FORMAT,
              topic, partition, offset, start);
    return false;
}

bool bus_error_beyond_end(
    const char *who, const char *topic, int partition, int64_t offset, int64_t end, GError **error)
{
    error_set(error, FAILED,
              "bus: %s: offset %" G_GINT64_FORMAT " of %s/%d is beyond the end %" G_GINT64_FORMAT
              ": the log lost its tail (restored from an older copy, or a disk that didn't sync); "
              "restore the newest copy, or rebuild what was derived from it",
              who, offset, topic, partition, end);
    return false;
}

/* Kafka's rule: 1 to 249 of [a-zA-Z0-9._-], but not "." or "..". Groups keep to it too. */
static bool name_check(const char *what, const char *name, GError **error)
{
    size_t len = strlen(name);
    bool valid = len >= 1 && len <= BUS_TOPIC_NAME_BYTES_MAX && strcmp(name, ".") != 0 &&
                 strcmp(name, "..") != 0;
    for (size_t i = 0; valid && i < len; i++)
        valid = g_ascii_isalnum(name[i]) || strchr("._-", name[i]);
    if (!valid)
        error_set(error, BADDATA,
                  "bus: '%.*s' is no name of a %s: 1 to %d of a-z A-Z 0-9 . _ - are allowed",
                  BUS_TOPIC_NAME_BYTES_MAX, name, what, BUS_TOPIC_NAME_BYTES_MAX);
    return valid;
}

bool bus_create_topic(struct bus *bus, const char *topic, int partitions, GError **error)
{
    if (!name_check("topic", topic, error))
        return false;
    if (partitions < 1 || partitions > BUS_PARTITIONS_MAX) {
        error_set(error, BADDATA, "bus: topic %s: %d partitions; 1 to %d are possible", topic,
                  partitions, BUS_PARTITIONS_MAX);
        return false;
    }
    return bus->ops->create_topic(bus, topic, partitions, error);
}

bool bus_topics(struct bus *bus,
                struct arena *arena,
                struct bus_topic **ret_topics,
                size_t *ret_count,
                GError **error)
{
    return bus->ops->topics(bus, arena, ret_topics, ret_count, error);
}

/* Messages of a batch mostly share their topic's pointer: only a change costs a comparison. */
static bool
messages_check(struct bus *bus, const struct bus_message *messages, size_t count, GError **error)
{
    if (count > BUS_RECORDS_PER_PRODUCE_MAX) {
        error_set(error, BADDATA, "bus: %zu records in one produce call; at most %d", count,
                  BUS_RECORDS_PER_PRODUCE_MAX);
        return false;
    }
    const size_t record_max = (size_t)bus->context->config->bus_record_max_bytes;
    const char *topic = NULL;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const struct bus_message *message = &messages[i];
        if (message->topic != topic) {
            if (!name_check("topic", message->topic, error))
                return false;
            topic = message->topic;
        }
        if (message->key.len > record_max || message->value.len > record_max - message->key.len) {
            error_set(error, BADDATA,
                      "bus: record %zu for %s has a key of %zu and a value of %zu bytes; "
                      "bus.record_max is %zu",
                      i, topic, message->key.len, message->value.len, record_max);
            return false;
        }
        bytes += message->key.len + message->value.len;
    }
    if (bytes > BUS_BYTES_PER_PRODUCE_MAX) {
        error_set(error, BADDATA, "bus: %zu bytes in one produce call; at most %zu", bytes,
                  BUS_BYTES_PER_PRODUCE_MAX);
        return false;
    }
    return true;
}

static void
count_produced(struct metrics *metrics, const struct bus_message *messages, size_t count)
{
    size_t first = 0;
    for (size_t i = 1; i <= count; i++) {
        if (i == count || messages[i].topic != messages[first].topic) {
            metrics_add(metrics, METRIC_BUS_PRODUCED, messages[first].topic, i - first);
            first = i;
        }
    }
}

bool bus_produce(struct bus *bus,
                 const struct bus_message *messages,
                 size_t count,
                 int64_t *ret_offsets,
                 GError **error)
{
    if (count == 0)
        return true;
    if (!messages_check(bus, messages, count, error) ||
        !bus->ops->produce(bus, messages, count, ret_offsets, error))
        return false;
    count_produced(bus->context->metrics, messages, count);
    return true;
}

static bool offset_check(const char *topic, int partition, int64_t offset, GError **error)
{
    if (offset >= 0)
        return true;
    error_set(error, BADDATA, "bus: %s/%d: offset %" G_GINT64_FORMAT " is negative", topic,
              partition, offset);
    return false;
}

bool bus_fetch(struct bus *bus,
               const char *topic,
               int partition,
               int64_t offset,
               size_t bytes_max,
               struct arena *arena,
               struct bus_batch *ret_batch,
               GError **error)
{
    return name_check("topic", topic, error) && offset_check(topic, partition, offset, error) &&
           bus->ops->fetch(bus, topic, partition, offset, bytes_max, arena, ret_batch, error);
}

bool bus_offsets(struct bus *bus,
                 const char *topic,
                 int partition,
                 int64_t *ret_start,
                 int64_t *ret_end,
                 GError **error)
{
    return name_check("topic", topic, error) &&
           bus->ops->offsets(bus, topic, partition, ret_start, ret_end, error);
}

bool bus_group_commit(struct bus *bus,
                      const char *group,
                      const struct bus_position *positions,
                      size_t count,
                      GError **error)
{
    if (!name_check("group", group, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct bus_position *position = &positions[i];
        if (!name_check("topic", position->topic, error) ||
            !offset_check(position->topic, position->partition, position->offset, error))
            return false;
    }
    return count == 0 || bus->ops->group_commit(bus, group, positions, count, error);
}

bool bus_group_offset(struct bus *bus,
                      const char *group,
                      const char *topic,
                      int partition,
                      int64_t *ret_offset,
                      GError **error)
{
    return name_check("group", group, error) && name_check("topic", topic, error) &&
           bus->ops->group_offset(bus, group, topic, partition, ret_offset, error);
}

bool bus_expire(
    struct bus *bus, const char *topic, int64_t before_ms, int64_t *ret_records, GError **error)
{
    return name_check("topic", topic, error) &&
           bus->ops->expire(bus, topic, before_ms, ret_records, error);
}

bool bus_truncate(
    struct bus *bus, const char *topic, int partition, int64_t before_offset, GError **error)
{
    return !bus->ops->truncate || before_offset <= 0 ||
           bus->ops->truncate(bus, topic, partition, before_offset, error);
}

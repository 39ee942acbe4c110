/* Bus: the log. Per topic and partition, records in offset order, each with its append time.
 *
 *   producer ── batch ──► topic/partition: [0 1 2][3][4 5 6 7] ◄── fetch from any offset ── reader
 *                         one stored batch a produce call and partition
 *
 * The bus knows bytes, not movies. A struct bus belongs to one thread; open one for each (several
 * threads and processes may have the same bus open). Callers include this; backends include
 * bus_backend.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "model/record.h"

#define BUS_TOPIC_NAME_BYTES_MAX    249 /* Kafka's own limit */
#define BUS_PARTITION_BY_KEY        (-1)
#define BUS_RECORDS_PER_PRODUCE_MAX 100000
#define BUS_BYTES_PER_PRODUCE_MAX   ((size_t)256 * 1024 * 1024) /* keys and values */

struct bus;

struct bus_message {
    const char *topic;
    int partition; /* BUS_PARTITION_BY_KEY: murmur2 of the key */
    struct span key, value;
};

struct bus_record {
    int64_t offset;
    int64_t
        append_time_ms; /* clock at the producer; may go back: readers take the running maximum */
    /* Live in the arena given to bus_fetch. On Kafka a schema's id that stood in a header is put
     * before the value, where serde and the archive look for it. */
    struct span key, value;
};

struct bus_batch {
    struct bus_record *records;
    size_t count;
    int64_t next_offset; /* where to go on; equals the offset asked for when nothing is there */
    int64_t
        end_offset; /* offset of the next record to be appended: lag = end_offset - next_offset */
};

struct bus_position {
    const char *topic;
    int partition;
    int64_t offset;
};

struct bus_topic {
    char *name;
    int partitions;
};

/* The backend that config->bus_backend names. context outlives the bus. */
struct bus *bus_open(const struct context *context, GError **error) MUST_CHECK;
void bus_close(struct bus *bus); /* accepts NULL */

/* The context that it was opened with. */
const struct context *bus_context(const struct bus *bus);

/* Makes the topic where it is absent; CONFLICT where it exists with another number of partitions.
 */
bool bus_create_topic(struct bus *bus, const char *topic, int partitions, GError **error)
    MUST_CHECK;

/* Array of struct bus_topic, sorted by name, in the arena. */
bool bus_topics(struct bus *bus,
                struct arena *arena,
                struct bus_topic **ret_topics,
                size_t *ret_count,
                GError **error) MUST_CHECK;

/* Appends all messages or none; durable on true. On AGAIN it isn't known whether they are there:
 * repeat (the log may then hold them twice, which readers undo). On Kafka a process that dies
 * within the call may leave the first n of each partition's records; elsewhere it leaves none.
 * NOTFOUND: no such topic. BADDATA: a record, or all of them, too large. ret_offsets: NULL, or one
 * offset a message. */
bool bus_produce(struct bus *bus,
                 const struct bus_message *messages,
                 size_t count,
                 int64_t *ret_offsets,
                 GError **error) MUST_CHECK;

/* Reads records from offset on, at most bytes_max (but at least one when there is one). Never
 * waits for records that are still to be written; on Kafka it does for those that it knows of and
 * the brokers haven't sent yet. An offset below the first kept one is NOTFOUND with both numbers;
 * one beyond the end is FAILED: the log lost its tail. A stored batch whose checksum is wrong is
 * BADDATA and names topic, partition and offsets. */
bool bus_fetch(struct bus *bus,
               const char *topic,
               int partition,
               int64_t offset,
               size_t bytes_max,
               struct arena *arena,
               struct bus_batch *ret_batch,
               GError **error) MUST_CHECK;

/* First kept offset and the offset of the next record. */
bool bus_offsets(struct bus *bus,
                 const char *topic,
                 int partition,
                 int64_t *ret_start,
                 int64_t *ret_end,
                 GError **error) MUST_CHECK;

/* Offsets of a named group, for readers that keep none themselves. Committed as a whole or not at
 * all. A group that never committed reads 0 (the start). */
bool bus_group_commit(struct bus *bus,
                      const char *group,
                      const struct bus_position *positions,
                      size_t count,
                      GError **error) MUST_CHECK;
bool bus_group_offset(struct bus *bus,
                      const char *group,
                      const char *topic,
                      int partition,
                      int64_t *ret_offset,
                      GError **error) MUST_CHECK;

/* Removes whole stored batches whose last append time is below before_ms, but nothing that the
 * group BUS_GROUP_ARCHIVE hasn't committed. ret_records: how many went. */
#define BUS_GROUP_ARCHIVE "archive"
bool bus_expire(struct bus *bus,
                const char *topic,
                int64_t before_ms,
                int64_t *ret_records,
                GError **error) MUST_CHECK;

/* Records of the partition below the offset may go: their owner has them elsewhere. Where the
 * backend can't let single partitions go (sqlite, mem), nothing happens. */
bool bus_truncate(struct bus *bus,
                  const char *topic,
                  int partition,
                  int64_t before_offset,
                  GError **error) MUST_CHECK;

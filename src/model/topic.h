/* Topics: one row each; the only place that joins a topic's name, contract, record type and event
 * time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/record.h"

enum topic {
    TOPIC_REVIEWS,
    TOPIC_RATINGS,
    TOPIC_METADATA,
    TOPIC_TRENDING,
    TOPIC_EVENTS,
    TOPIC_DEADLETTER,
    TOPIC_COUNT
};

struct topic_info {
    enum topic id;
    const char *name;        /* "movie.ratings" */
    const char *subject;     /* "movie.ratings-value" */
    const char *schema_path; /* "contracts/avro/movie.ratings.avsc" */
    const struct record_type *type;
    size_t event_time_offset; /* of the int64_t event time in the struct; SIZE_MAX: none */
};

const struct topic_info *topic_info(enum topic topic);

/* NULL where no topic of ours has that name. */
const struct topic_info *topic_by_name(const char *name);

/* A topic that the stream engine keeps for itself on Kafka: changelog, snapshots, measures. No
 * contract has it. */
bool topic_internal(const char *name);

/* Java's murmur2 of Kafka's default partitioner: (murmur2(key) & 0x7fffffff) % partitions.
 * Source: org.apache.kafka.common.utils.Utils.murmur2, seed 0x9747b28c. */
int32_t murmur2(const void *key, size_t len);
int topic_partition(const void *key, size_t len, int partitions);

/* The key of a movie's records: its decimal id. Writes at most TOPIC_KEY_BYTES, returns the length.
 */
#define TOPIC_KEY_BYTES 12
size_t topic_movie_key(int32_t movie_id, char buffer[TOPIC_KEY_BYTES]);

/* Kafka statistics: librdkafka's JSON (STATISTICS.md of librdkafka) into our metrics. Private to
 * bus_kafka. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct metrics;
struct kafka_stats;

/* metrics outlives it and may be NULL. */
struct kafka_stats *kafka_stats_new(struct metrics *metrics);
void kafka_stats_free(struct kafka_stats *stats); /* accepts NULL */

/* One report of the client so named. What isn't such JSON is ignored. */
void kafka_stats_take(
    struct kafka_stats *stats, const char *client, bool writer, const char *json, size_t len);

/* The client has ended: what is kept about it goes. */
void kafka_stats_forget(struct kafka_stats *stats, const char *client);

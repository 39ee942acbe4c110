/* For tests: a broker on 127.0.0.1 that is librdkafka's own mock, a thread in this process. It
 * knows produce, fetch, groups and transactions, and no admin requests. */
#pragma once

#include <glib.h>

#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h> /* behind the other */

/* NULL, or why there can be none: the thread sanitizer knows nothing of threads that C11's
 * thrd_create starts, as librdkafka does, and dies in them. */
const char *kafka_mock_missing(void);

/* Registers one test that says so, where kafka_mock_missing does. */
void kafka_mock_add_skipped(const char *test);

/* A producer, in which the broker lives: rd_kafka_destroy ends both. */
rd_kafka_t *kafka_mock_new(const char *topic, int partitions);
/* host:port, the producer's own. */
const char *kafka_mock_brokers(rd_kafka_t *mock);

void kafka_mock_set(rd_kafka_conf_t *conf, const char *key, const char *value);
/* Takes conf. */
rd_kafka_t *kafka_mock_client(rd_kafka_type_t type, rd_kafka_conf_t *conf);

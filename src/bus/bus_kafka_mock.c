#include "bus/bus_kafka_mock.h"

#define TEXT_BYTES 256

const char *kafka_mock_missing(void)
{
#ifdef __SANITIZE_THREAD__
    return "the thread sanitizer can't follow librdkafka's threads";
#else
    return NULL;
#endif
}

static void skip(void)
{
    g_test_skip(kafka_mock_missing());
}

void kafka_mock_add_skipped(const char *test)
{
    g_test_add_func(test, skip);
}

void kafka_mock_set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
    char text[TEXT_BYTES];
    g_assert_cmpint(rd_kafka_conf_set(conf, key, value, text, sizeof text), ==, RD_KAFKA_CONF_OK);
}

rd_kafka_t *kafka_mock_client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char text[TEXT_BYTES];
    rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof text);
    g_assert_nonnull(client);
    return client;
}

rd_kafka_t *kafka_mock_new(const char *topic, int partitions)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    kafka_mock_set(conf, "test.mock.num.brokers", "1");
    kafka_mock_set(conf, "bootstrap.servers", "mock"); /* replaced by the mock's */
    rd_kafka_t *mock = kafka_mock_client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_mock_topic_create(rd_kafka_handle_mock_cluster(mock), topic, partitions, 1);
    return mock;
}

const char *kafka_mock_brokers(rd_kafka_t *mock)
{
    return rd_kafka_mock_cluster_bootstraps(rd_kafka_handle_mock_cluster(mock));
}

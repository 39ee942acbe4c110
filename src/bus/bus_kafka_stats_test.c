/* Proves: librdkafka's counters of several clients and brokers become ours, which never go back; a
 * gauge is the last report's; what is no report changes nothing. */
#include "bus/bus_kafka_stats.h"

#include <string.h>

#include "base/metrics.h"

static void take(struct kafka_stats *stats, const char *client, bool writer, const char *json)
{
    kafka_stats_take(stats, client, writer, json, strlen(json));
}

static double sent(struct metrics *metrics)
{
    return metrics_get(metrics, METRIC_KAFKA_BYTES, "sent");
}

static void test_reports(void)
{
    struct metrics *metrics = metrics_new();
    struct kafka_stats *stats = kafka_stats_new(metrics);
    take(stats, "writer-1", true,
         "{\"msg_cnt\":12,\"brokers\":{\"a:1/1\":{\"txbytes\":100,\"rxbytes\":7,\"txretries\":2,"
         "\"req_timeouts\":1,\"rtt\":{\"cnt\":3,\"avg\":1500}},\"b:1/2\":{\"txbytes\":50}}}");
    g_assert_cmpfloat(sent(metrics), ==, 150);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_KAFKA_BYTES, "received"), ==, 7);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_KAFKA_RETRIES, NULL), ==, 2);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_KAFKA_TIMEOUTS, NULL), ==, 1);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_KAFKA_RTT_SECONDS, "a:1/1"), ==, 0.0015);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_KAFKA_QUEUED_RECORDS, NULL), ==, 12);

    take(stats, "writer-1", true, "{\"msg_cnt\":0,\"brokers\":{\"a:1/1\":{\"txbytes\":130}}}");
    g_assert_cmpfloat(sent(metrics), ==, 180);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_KAFKA_QUEUED_RECORDS, NULL), ==, 0);
    take(stats, "writer-2", true, "{\"msg_cnt\":0,\"brokers\":{\"a:1/1\":{\"txbytes\":10}}}");
    g_assert_cmpfloat(sent(metrics), ==, 190);
    take(stats, "reader-3", false, "{\"msg_cnt\":9,\"brokers\":{\"a:1/1\":{\"txbytes\":1}}}");
    g_assert_cmpfloat(sent(metrics), ==, 191);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_KAFKA_QUEUED_RECORDS, NULL), ==, 0);

    take(stats, "writer-1", true, "");
    take(stats, "writer-1", true, "{\"brokers\":[1,2]}");
    take(stats, "writer-1", true, "{\"brokers\":{\"a:1/1\":\"down\"}}");
    g_assert_cmpfloat(sent(metrics), ==, 191);

    kafka_stats_forget(stats, "writer-2"); /* the next of that name would begin at 0 */
    take(stats, "writer-2", true, "{\"brokers\":{\"a:1/1\":{\"txbytes\":5}}}");
    take(stats, "writer-1", true, "{\"brokers\":{\"a:1/1\":{\"txbytes\":131}}}");
    g_assert_cmpfloat(sent(metrics), ==, 197);
    kafka_stats_free(stats);
    metrics_free(metrics);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus/kafka_stats/reports", test_reports);
    return g_test_run();
}

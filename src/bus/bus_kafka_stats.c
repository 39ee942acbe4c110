/* librdkafka's counters begin at 0 with each client and belong to a broker; ours are of the process
 * and never go back. So what each client and broker had at its last report is kept, and the
 * difference is added. */
#include "bus/bus_kafka_stats.h"

#include <jansson.h>

#include "base/metrics.h"

#define US_PER_SECOND 1e6

struct kafka_stats {
    struct metrics *metrics;
    GHashTable *counted; /* "client counter broker" -> int64_t */
};

struct kafka_stats *kafka_stats_new(struct metrics *metrics)
{
    struct kafka_stats *stats = g_new0(struct kafka_stats, 1);
    stats->metrics = metrics;
    stats->counted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return stats;
}

void kafka_stats_free(struct kafka_stats *stats)
{
    if (!stats)
        return;
    g_hash_table_unref(stats->counted);
    g_free(stats);
}

struct source {
    struct kafka_stats *stats;
    const char *client, *broker;
    const json_t *json;
};

static int64_t number(const json_t *object, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(object, key));
}

static void
count(const struct source *source, const char *key, enum metric metric, const char *label)
{
    int64_t value = number(source->json, key);
    char *name = g_strdup_printf("%s %s %s", source->client, key, source->broker);
    const int64_t *last = g_hash_table_lookup(source->stats->counted, name);
    int64_t before = last ? *last : 0;
    if (value <= before) {
        g_free(name);
        return;
    }
    metrics_add(source->stats->metrics, metric, label, (uint64_t)(value - before));
    g_hash_table_replace(source->stats->counted, name, g_memdup2(&value, sizeof value));
}

static void take_broker(const struct source *source)
{
    count(source, "txbytes", METRIC_KAFKA_BYTES, "sent");
    count(source, "rxbytes", METRIC_KAFKA_BYTES, "received");
    count(source, "txretries", METRIC_KAFKA_RETRIES, NULL);
    count(source, "req_timeouts", METRIC_KAFKA_TIMEOUTS, NULL);
    const json_t *rtt = json_object_get(source->json, "rtt");
    if (number(rtt, "cnt") > 0)
        metrics_set(source->stats->metrics, METRIC_KAFKA_RTT_SECONDS, source->broker,
                    (double)number(rtt, "avg") / US_PER_SECOND);
}

void kafka_stats_take(
    struct kafka_stats *stats, const char *client, bool writer, const char *json, size_t len)
{
    json_t *root = json_loadb(json, len, 0, NULL), *broker;
    const char *name;
    json_object_foreach(json_object_get(root, "brokers"), name, broker)
    {
        /* A bootstrap address is a second name of a broker, of its own connection. */
        const struct source source = {stats, client, name, broker};
        take_broker(&source);
    }
    if (root && writer)
        metrics_set(stats->metrics, METRIC_KAFKA_QUEUED_RECORDS, NULL,
                    (double)number(root, "msg_cnt"));
    json_decref(root);
}

static gboolean belongs(gpointer name, gpointer value, gpointer client)
{
    (void)value;
    return g_str_has_prefix(name, client);
}

void kafka_stats_forget(struct kafka_stats *stats, const char *client)
{
    g_autofree char *start = g_strconcat(client, " ", NULL);
    g_hash_table_foreach_remove(stats->counted, belongs, start);
}

/* The records of a log dump (lines of tools/loggen.py on standard input) into the topics of a real
 * Kafka, as the producers would have sent them, many a call: for bench/spark/run.sh.
 *
 *   load PREFIX       MARQUEE_KAFKA names the brokers; PREFIX is bus.prefix
 *
 * A call has one append time, the highest of its records and of those before. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "bus/bus.h"
#include "bus/registry.h"
#include "log_dump.h"

#define CALL_RECORDS 1000

struct load {
    struct context context;
    struct bus *bus;
    struct bus_message messages[CALL_RECORDS];
    GByteArray *bytes[CALL_RECORDS];
    size_t count;
    int64_t highest_ms, records;
};

static void check(bool done, GError **error)
{
    if (done)
        return;
    fprintf(stderr, "load: %s\n", (*error)->message);
    exit(1);
}

static void send(struct load *load)
{
    GError *error = NULL;
    clock_set_now(load->context.clock, load->highest_ms);
    check(bus_produce(load->bus, load->messages, load->count, NULL, &error), &error);
    load->records += (int64_t)load->count;
    load->count = 0;
}

static void take(struct load *load, struct serde *serde, const char *text)
{
    struct log_line line;
    GByteArray *bytes = load->bytes[load->count];
    log_dump_parse(text, serde, bytes, &line);
    load->highest_ms = MAX(load->highest_ms, line.append_time_ms);
    load->messages[load->count++] = (struct bus_message){
        .topic = line.info->name,
        .partition = line.partition,
        .key = {"0", 1},
        .value = {(const char *)bytes->data, bytes->len},
    };
    if (load->count == CALL_RECORDS)
        send(load);
}

static void take_all(struct load *load, struct serde *serde)
{
    char *text = NULL;
    size_t room = 0;
    for (size_t i = 0; i < CALL_RECORDS; i++)
        load->bytes[i] = g_byte_array_new();
    while (getline(&text, &room, stdin) > 0)
        take(load, serde, text);
    if (load->count)
        send(load);
    for (size_t i = 0; i < CALL_RECORDS; i++)
        g_byte_array_unref(load->bytes[i]);
    free(text);
}

int main(int argc, char **argv)
{
    static struct load load;
    GError *error = NULL;
    const char *brokers = g_getenv("MARQUEE_KAFKA");
    if (argc != 2 || !brokers) {
        fprintf(stderr, "usage: load PREFIX < DUMP, with MARQUEE_KAFKA set\n");
        return 2;
    }
    struct config *config = config_new_default();
    check(config_set(config, "bus.backend", "kafka", &error), &error);
    check(config_set(config, "bus.brokers", brokers, &error), &error);
    check(config_set(config, "bus.prefix", argv[1], &error), &error);
    load.context = (struct context){.config = config,
                                    .clock = clock_new_manual(0),
                                    .metrics = metrics_new(),
                                    .stop = stop_new()};
    load.bus = bus_open(&load.context, &error);
    check(load.bus, &error);
    struct registry *registry = registry_new_mem(); /* the numbers that bench_kafka gives */
    struct serde *serde = serde_new(registry, &error);
    check(serde, &error);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        check(bus_create_topic(load.bus, topic_info(topic)->name, (int)config->bus_partitions,
                               &error),
              &error);
    take_all(&load, serde);
    printf("load     %" G_GINT64_FORMAT " records\n", load.records);
    serde_free(serde);
    registry_close(registry);
    bus_close(load.bus);
    stop_free(load.context.stop);
    metrics_free(load.context.metrics);
    clock_free(load.context.clock);
    config_free(config);
    return 0;
}

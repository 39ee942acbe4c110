/* A writer and a reader of the Kafka bus for broker_test.py; not part of the product.
 *
 *   bus_load make TOPIC PARTITIONS          make the topic
 *   bus_load write TOPIC CALLS PER_CALL     records 0, 1, 2 ... with themselves as key and value; a
 *                                           call that is AGAIN is repeated. Prints "acknowledged N"
 *                                           after each call, "again: why" for each repetition
 *   bus_load read TOPIC COUNT               prints "partition offset value" until COUNT different
 *                                           values were read; AGAIN is repeated
 *
 * MARQUEE_KAFKA names the brokers. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/stop.h"
#include "bus/bus.h"

#define PER_CALL_MAX 1000
#define NUMBER_BYTES 16
#define FETCH_BYTES  ((size_t)64 * 1024)
#define IDLE_MS      20
#define VALUES_MAX   10000000

struct load {
    struct config *config;
    struct context context;
    struct bus *bus;
    const char *topic;
};

static int fail(const GError *error)
{
    printf("failed: %s\n", error ? error->message : "wrong arguments");
    return 1;
}

static int64_t number(const char *text)
{
    return g_ascii_strtoll(text, NULL, 10);
}

/* False: not AGAIN. */
static bool again(struct load *load, const GError *error)
{
    if (!error_is(error, AGAIN))
        return false;
    printf("again: %s\n", error->message);
    fflush(stdout);
    stop_wait_ms(load->context.stop, IDLE_MS);
    return true;
}

static int write_all(struct load *load, int64_t calls, int64_t per_call)
{
    struct bus_message messages[PER_CALL_MAX];
    char texts[PER_CALL_MAX][NUMBER_BYTES];
    for (int64_t call = 0; call < calls; call++) {
        for (int64_t i = 0; i < per_call; i++) {
            int len = g_snprintf(texts[i], NUMBER_BYTES, "%" G_GINT64_FORMAT, call * per_call + i);
            const struct span text = {texts[i], (size_t)len};
            messages[i] = (struct bus_message){load->topic, BUS_PARTITION_BY_KEY, text, text};
        }
        for (;;) {
            g_autoptr(GError) error = NULL;
            if (bus_produce(load->bus, messages, (size_t)per_call, NULL, &error))
                break;
            if (!again(load, error))
                return fail(error);
        }
        printf("acknowledged %" G_GINT64_FORMAT "\n", (call + 1) * per_call);
        fflush(stdout);
    }
    return 0;
}

static int64_t
take(const struct bus_batch *batch, int partition, GByteArray *seen, struct arena *arena)
{
    int64_t fresh = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct span value = batch->records[i].value;
        char *text = arena_strndup(arena, value.data, value.len);
        int64_t n = number(text);
        printf("%d %" G_GINT64_FORMAT " %s\n", partition, batch->records[i].offset, text);
        if (n >= 0 && n < VALUES_MAX && !seen->data[n]) {
            seen->data[n] = 1;
            fresh++;
        }
    }
    fflush(stdout);
    return fresh;
}

static int read_all(struct load *load, int64_t count)
{
    struct arena *arena = arena_new();
    struct bus_topic *topics;
    size_t topics_count;
    GError *error = NULL;
    int partitions = 0;
    if (!bus_topics(load->bus, arena, &topics, &topics_count, &error))
        return fail(error);
    for (size_t i = 0; i < topics_count; i++) {
        if (g_str_equal(topics[i].name, load->topic))
            partitions = topics[i].partitions;
    }
    g_autoptr(GByteArray) seen = g_byte_array_new();
    g_byte_array_set_size(seen, VALUES_MAX);
    memset(seen->data, 0, VALUES_MAX);
    g_autofree int64_t *next = g_new0(int64_t, (gsize)MAX(partitions, 1));
    for (int64_t found = 0; found < count;) {
        int64_t before = found;
        for (int p = 0; p < partitions; p++) {
            struct bus_batch batch;
            arena_reset(arena);
            if (bus_fetch(load->bus, load->topic, p, next[p], FETCH_BYTES, arena, &batch, &error)) {
                found += take(&batch, p, seen, arena);
                next[p] = batch.next_offset;
            } else if (!again(load, error)) {
                return fail(error);
            }
            g_clear_error(&error);
        }
        if (found == before)
            stop_wait_ms(load->context.stop, IDLE_MS);
    }
    arena_free(arena);
    return 0;
}

static int run(struct load *load, int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    load->bus = bus_open(&load->context, &error);
    if (!load->bus || argc < 4)
        return fail(error);
    load->topic = argv[2];
    if (g_str_equal(argv[1], "make"))
        return bus_create_topic(load->bus, argv[2], (int)number(argv[3]), &error) ? 0 : fail(error);
    if (g_str_equal(argv[1], "read"))
        return read_all(load, number(argv[3]));
    if (argc < 5 || number(argv[4]) > PER_CALL_MAX)
        return fail(NULL);
    return write_all(load, number(argv[3]), number(argv[4]));
}

int main(int argc, char **argv)
{
    const char *brokers = g_getenv("MARQUEE_KAFKA");
    struct load load = {.config = config_new_default()};
    g_free(load.config->bus_backend);
    load.config->bus_backend = g_strdup("kafka");
    g_free(load.config->bus_brokers);
    load.config->bus_brokers = g_strdup(brokers ? brokers : "");
    load.context =
        (struct context){.config = load.config, .clock = clock_new_real(), .stop = stop_new()};
    int status = run(&load, argc, argv);
    bus_close(load.bus);
    stop_free(load.context.stop);
    clock_free(load.context.clock);
    config_free(load.config);
    return status;
}

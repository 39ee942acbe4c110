/* Proves: bus_kafka keeps the bus' contract on a real cluster; a foreign transaction's gaps are
 * passed and its aborted records never seen; what others set wrongly is told. MARQUEE_KAFKA names
 * the brokers (tests/kafka/servers.sh); without it all of this is skipped. */
#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus_contract.h"
#include "bus/bus_contract_world.h"

#define PREFIX_BYTES    32
#define FOREIGN_WAIT_MS 20000
#define REFUSAL_WAIT_MS 90000

static const char *brokers;

struct fixture {
    struct context context;
    struct config *config;
};

static void set_string(char **field, const char *value)
{
    g_free(*field);
    *field = g_strdup(value);
}

/* An empty log: names that nobody had before. */
static char *new_prefix(void)
{
    g_autofree char *name = g_uuid_string_random();
    char *prefix = g_strdup_printf("t%.*s.", PREFIX_BYTES - 2, name);
    g_assert_cmpuint(strlen(prefix), ==, PREFIX_BYTES);
    return prefix;
}

static void *setup(const struct context *context)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    g_autofree char *prefix = new_prefix();
    fixture->config = config_new_default();
    set_string(&fixture->config->bus_backend, "kafka");
    set_string(&fixture->config->bus_brokers, brokers);
    set_string(&fixture->config->bus_prefix, prefix);
    fixture->context = *context;
    fixture->context.config = fixture->config;
    return fixture;
}

static void teardown(void *data)
{
    struct fixture *fixture = data;
    config_free(fixture->config);
    g_free(fixture);
}

static struct bus *open_handle(void *data)
{
    struct fixture *fixture = data;
    g_autoptr(GError) error = NULL;
    struct bus *bus = bus_open(&fixture->context, &error);
    g_assert_no_error(error);
    return bus;
}

static const struct bus_contract contract = {
    .name = "kafka",
    .setup = setup,
    .teardown = teardown,
    .open = open_handle,
    .durable = true,
    .expires_records = true,
    .topic_bytes_max = BUS_TOPIC_NAME_BYTES_MAX - PREFIX_BYTES,
};

/* ---- beyond the contract ---- */

static void assert_done(rd_kafka_error_t *error)
{
    if (error)
        g_error("%s", rd_kafka_error_string(error));
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
    char text[256];
    if (rd_kafka_conf_set(conf, key, value, text, sizeof text) != RD_KAFKA_CONF_OK)
        g_error("%s", text);
}

/* A program that isn't marquee and writes in transactions. */
static rd_kafka_t *foreign_producer(const char *prefix)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    set(conf, "transactional.id", prefix);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!client)
        g_error("%s", text);
    assert_done(rd_kafka_init_transactions(client, FOREIGN_WAIT_MS));
    return client;
}

static void foreign_transaction(rd_kafka_t *client, const char *prefix, int count, bool commit)
{
    g_autofree char *topic = g_strconcat(prefix, TOPIC, NULL);
    assert_done(rd_kafka_begin_transaction(client));
    for (int i = 0; i < count; i++) {
        rd_kafka_resp_err_t code =
            rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                              RD_KAFKA_V_VALUE("foreign", 7), RD_KAFKA_V_END);
        g_assert_cmpint(code, ==, 0);
    }
    g_assert_cmpint(rd_kafka_flush(client, FOREIGN_WAIT_MS), ==, 0);
    assert_done(commit ? rd_kafka_commit_transaction(client, FOREIGN_WAIT_MS)
                       : rd_kafka_abort_transaction(client, FOREIGN_WAIT_MS));
}

/* The end moves a little after a transaction does: its markers are written behind the answer. */
static void wait_for_end(struct world *world, int64_t expected)
{
    int64_t start, end = -1;
    for (int tries = 0; tries < 500 && end != expected; tries++) {
        g_autoptr(GError) error = NULL;
        g_assert_true(bus_offsets(world->bus, TOPIC, 0, &start, &end, &error));
    }
    g_assert_cmpint(end, ==, expected);
}

/* What comes at offset: a fetch itself doesn't wait for what it doesn't know of. */
static struct bus_batch fetch_some(struct world *world, int partition, int64_t offset)
{
    struct bus_batch batch;
    time_t end_s = clock_deadline(FOREIGN_WAIT_MS).tv_sec;
    do {
        batch = world_fetch(world, partition, offset, FETCH_ALL);
    } while (batch.count == 0 && clock_deadline(0).tv_sec < end_s);
    return batch;
}

/* Offsets 0-2 committed, 3 a marker, 4-5 aborted, 6 a marker, 7 ours. */
static void test_gaps(struct world *world, const void *data)
{
    (void)data;
    const char *prefix = bus_context(world->bus)->config->bus_prefix;
    rd_kafka_t *client = foreign_producer(prefix);
    foreign_transaction(client, prefix, 3, true);
    foreign_transaction(client, prefix, 2, false);
    wait_for_end(world, 7);
    struct bus_batch batch = world_fetch(world, 0, 0, FETCH_ALL);
    g_assert_cmpuint(batch.count, ==, 3);
    g_assert_cmpint(batch.records[2].offset, ==, 2);
    g_assert_cmpint(batch.next_offset, ==, 7); /* no lag is left of what isn't a record */
    g_assert_cmpint(batch.end_offset, ==, 7);
    int64_t offset;
    world_produce(world->bus, 0, 1, &offset);
    g_assert_cmpint(offset, ==, 7);
    static const int64_t from[] = {3, 5, 6, 7};
    for (size_t i = 0; i < G_N_ELEMENTS(from); i++) {
        batch = world_fetch(world, 0, from[i], FETCH_ALL);
        g_assert_cmpuint(batch.count, ==, 1);
        g_assert_cmpint(batch.records[0].offset, ==, 7);
        g_assert_cmpint(batch.next_offset, ==, 8);
    }
    rd_kafka_destroy(client);
}

/* A transaction that is open holds back what comes after it, and nothing waits for it. */
static void test_open_transaction(struct world *world, const void *data)
{
    (void)data;
    const char *prefix = bus_context(world->bus)->config->bus_prefix;
    g_autofree char *topic = g_strconcat(prefix, TOPIC, NULL);
    rd_kafka_t *client = foreign_producer(prefix);
    world_produce(world->bus, 0, 1, NULL);
    assert_done(rd_kafka_begin_transaction(client));
    g_assert_cmpint(rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                                      RD_KAFKA_V_VALUE("open", 4), RD_KAFKA_V_END),
                    ==, 0);
    g_assert_cmpint(rd_kafka_flush(client, FOREIGN_WAIT_MS), ==, 0);
    struct bus_batch batch = world_fetch(world, 0, 0, FETCH_ALL);
    g_assert_cmpuint(batch.count, ==, 1);
    batch = world_fetch(world, 0, 1, FETCH_ALL);
    g_assert_cmpuint(batch.count, ==, 0);
    assert_done(rd_kafka_commit_transaction(client, FOREIGN_WAIT_MS));
    wait_for_end(world, 3);
    batch = fetch_some(world, 0, batch.next_offset);
    g_assert_cmpuint(batch.count, ==, 1);
    world_assert_span(batch.records[0].value, "open", 4);
    rd_kafka_destroy(client);
}

/* A reader that follows sees each record that another handle writes, and steps without asking. */
static void test_follow(struct world *world, const void *data)
{
    (void)data;
    struct bus *other = world->contract->open(world->fixture);
    int64_t next = 0;
    for (int call = 0; call < 50; call++) {
        world_produce(other, 4, 3, NULL);
        int64_t wanted = 3 * (call + 1);
        while (next < wanted) {
            struct bus_batch batch = fetch_some(world, 4, next);
            g_assert_cmpuint(batch.count, >, 0);
            next = batch.next_offset;
        }
        g_assert_cmpint(next, ==, wanted);
    }
    bus_close(other);
}

static void foreign_record(rd_kafka_t *client, const char *prefix, const char *header, ssize_t len)
{
    g_autofree char *topic = g_strconcat(prefix, TOPIC, NULL);
    assert_done(rd_kafka_begin_transaction(client));
    rd_kafka_resp_err_t code = rd_kafka_producev(
        client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADER("other", "x", 1),
        RD_KAFKA_V_HEADER("__value_schema_id", header, len), RD_KAFKA_V_VALUE("avro", 4),
        RD_KAFKA_V_END);
    g_assert_cmpint(code, ==, 0);
    assert_done(rd_kafka_commit_transaction(client, FOREIGN_WAIT_MS));
}

/* A schema's name that stands in a header comes before the value; what is no such name doesn't. */
static void test_headers(struct world *world, const void *data)
{
    (void)data;
    const char *prefix = bus_context(world->bus)->config->bus_prefix;
    rd_kafka_t *client = foreign_producer(prefix);
    foreign_record(client, prefix,
                   "\001"
                   "0123456789abcdef",
                   17);
    foreign_record(client, prefix, "\000\000\000\000\007", 5);
    foreign_record(client, prefix,
                   "\001"
                   "0123",
                   5);
    foreign_record(client, prefix, "", 0);
    wait_for_end(world, 8); /* each has a marker after it */
    struct bus_batch batch = world_fetch(world, 0, 0, FETCH_ALL);
    g_assert_cmpuint(batch.count, ==, 4);
    world_assert_span(batch.records[0].value,
                      "\001"
                      "0123456789abcdefavro",
                      21);
    world_assert_span(batch.records[1].value,
                      "\000\000\000\000\007"
                      "avro",
                      9);
    world_assert_span(batch.records[2].value, "avro", 4);
    world_assert_span(batch.records[3].value, "avro", 4);
    rd_kafka_destroy(client);
}

static char *settings_file(const char *text)
{
    g_autoptr(GError) error = NULL;
    char *path = NULL;
    int fd = g_file_open_tmp("kafka-XXXXXX", &path, &error);
    g_assert_cmpint(fd, >=, 0);
    g_close(fd, NULL);
    g_assert_true(g_file_set_contents(path, text, -1, &error));
    return path;
}

/* librdkafka's statistics reach our metrics while the bus is in use. */
static void test_statistics(struct world *world, const void *data)
{
    (void)data;
    struct fixture *fixture = world->fixture;
    g_autofree char *path = settings_file("statistics.interval.ms=50\n");
    set_string(&fixture->config->bus_properties_file, path);
    struct bus *other = world->contract->open(world->fixture);
    struct metrics *metrics = world->context.metrics;
    time_t end_s = clock_deadline(FOREIGN_WAIT_MS).tv_sec;
    while ((metrics_get(metrics, METRIC_KAFKA_BYTES, "sent") == 0 ||
            metrics_get(metrics, METRIC_KAFKA_BYTES, "received") == 0) &&
           clock_deadline(0).tv_sec < end_s)
        world_produce(other, 0, 10, NULL);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_KAFKA_BYTES, "sent"), >, 0);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_KAFKA_BYTES, "received"), >, 0);
    bus_close(other);
    g_unlink(path);
}

static void assert_setting_refused(const char *text, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = settings_file(text);
    struct config *config = config_new_default();
    set_string(&config->bus_backend, "kafka");
    set_string(&config->bus_brokers, "127.0.0.1:1");
    set_string(&config->bus_properties_file, path);
    const struct context context = {.config = config};
    struct bus *bus = bus_open(&context, &error);
    if (part) {
        g_assert_null(bus);
        g_assert_true(error_is(error, CONFIG));
        g_assert_nonnull(strstr(error->message, part));
    } else {
        g_assert_no_error(error);
        bus_close(bus);
    }
    g_unlink(path);
    config_free(config);
}

/* Lines of bus.properties_file: librdkafka's own settings, but none that our promises rest on. */
static void test_properties(void)
{
    assert_setting_refused("# TLS\n\n security.protocol = plaintext \nclient.rack=a\n", NULL);
    assert_setting_refused("client.rack=a\nno.such.setting=1\n", ":2: No such configuration");
    assert_setting_refused("\nacks=1\n", ":2: acks is marquee's own to set");
    assert_setting_refused("acks\n", ":1: expected key=value");
    assert_setting_refused("security.protocol=none\n", ":1: Invalid value");
}

/* ---- listeners that ask who we are ---- */

static void secured_setup(struct world *world, const void *data)
{
    (void)data;
    world_setup(world, &contract);
}

/* Through this listener with these lines of settings: three records and the end, or the error. */
static void try_secured(struct world *world, const char *listener, const char *settings, bool works)
{
    g_autoptr(GError) error = NULL;
    struct fixture *fixture = world->fixture;
    g_autofree char *path = settings_file(settings);
    int64_t start, end;
    set_string(&fixture->config->bus_brokers, listener);
    set_string(&fixture->config->bus_properties_file, path);
    struct bus *bus = world->contract->open(world->fixture);
    if (works)
        world_produce(bus, 0, 3, NULL);
    bool done = bus_offsets(bus, TOPIC, 0, &start, &end, &error);
    /* On a crowded machine a call's time may be over before the refusal has come. */
    time_t end_s = clock_deadline(REFUSAL_WAIT_MS).tv_sec;
    while (!works && !done && error_is(error, AGAIN) && clock_deadline(0).tv_sec < end_s) {
        g_clear_error(&error);
        done = bus_offsets(bus, TOPIC, 0, &start, &end, &error);
    }
    g_assert_true(done == works);
    if (works)
        g_assert_cmpint(end, ==, 3);
    else
        g_assert_true(error_is(error, DENIED));
    bus_close(bus);
    g_unlink(path);
}

/* One that asks for a name and a password. */
static void test_sasl(struct world *world, const void *listener)
{
    static const char settings[] = "security.protocol=sasl_plaintext\nsasl.mechanisms=PLAIN\n"
                                   "sasl.username=marquee\nsasl.password=";
    g_autofree char *right = g_strconcat(settings, "secret\n", NULL);
    g_autofree char *wrong = g_strconcat(settings, "wrong\n", NULL);
    try_secured(world, listener, right, true);
    try_secured(world, listener, wrong, false);
}

/* One that speaks TLS, with a certificate of a CA that only we were told of. */
static void test_tls(struct world *world, const void *listener)
{
    g_autofree char *known = g_strdup_printf("security.protocol=ssl\nssl.ca.location=%s\n",
                                             g_getenv("MARQUEE_KAFKA_CA"));
    try_secured(world, listener, known, true);
    try_secured(world, listener, "security.protocol=ssl\n", false);
}

static void add_secured(const char *path,
                        const char *variable,
                        void (*test)(struct world *world, const void *listener))
{
    const char *listener = g_getenv(variable);
    if (listener && *listener)
        g_test_add(path, struct world, listener, secured_setup, test, world_teardown);
}

/* Nobody listens: AGAIN within the call's time, from every call. */
static void test_nobody(void)
{
    struct config *config = config_new_default();
    set_string(&config->bus_backend, "kafka");
    set_string(&config->bus_brokers, "127.0.0.1:1");
    const struct context context = {.config = config, .clock = clock_new_manual(START_MS)};
    GError *error = NULL;
    struct bus *bus = bus_open(&context, &error);
    g_assert_no_error(error);
    g_assert_false(bus_create_topic(bus, TOPIC, 1, &error));
    g_assert_true(error_is(error, AGAIN));
    g_clear_error(&error);
    bus_close(bus);
    clock_free(context.clock);
    config_free(config);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    brokers = g_getenv("MARQUEE_KAFKA");
    if (!brokers || !*brokers) {
        printf("1..0 # SKIP MARQUEE_KAFKA names no brokers; make test-kafka starts some\n");
        return 0;
    }
    bus_contract_add(&contract);
    g_test_add("/bus/kafka/gaps", struct world, &contract, world_setup, test_gaps, world_teardown);
    g_test_add("/bus/kafka/open_transaction", struct world, &contract, world_setup,
               test_open_transaction, world_teardown);
    g_test_add("/bus/kafka/headers", struct world, &contract, world_setup, test_headers,
               world_teardown);
    g_test_add("/bus/kafka/follow", struct world, &contract, world_setup, test_follow,
               world_teardown);
    g_test_add("/bus/kafka/statistics", struct world, &contract, world_setup, test_statistics,
               world_teardown);
    add_secured("/bus/kafka/sasl", "MARQUEE_KAFKA_SASL", test_sasl);
    add_secured("/bus/kafka/tls", "MARQUEE_KAFKA_TLS", test_tls);
    g_test_add_func("/bus/kafka/properties", test_properties);
    g_test_add_func("/bus/kafka/nobody", test_nobody);
    return g_test_run();
}

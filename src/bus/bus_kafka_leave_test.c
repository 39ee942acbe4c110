/* Proves, on librdkafka's own mock of a broker: a member that leaves does so wherever it is on its
 * way into the group. librdkafka 2.0 aborts where such a consumer is closed while the brokers
 * balance, and its issue 4527 is a close that never ends. */
#include "bus/bus_member.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus_kafka_member.h"
#include "bus/bus_kafka_mock.h"

#define TOPIC      "tasks"
#define PARTITIONS 3
#define SESSION_MS 6000
#define GUARD_S    60 /* one that doesn't end is ended */
#define WAIT_MS    20000
#define POLL_MS    10
#define RTT_MS     300

struct world {
    rd_kafka_t *broker; /* the mock lives in it */
    struct config *config;
    struct context context;
    struct arena *arena;
    struct bus *bus;
    struct kafka_member *member;
};

static void world_open(struct world *world, const void *data)
{
    (void)data;
    alarm(GUARD_S);
    g_autoptr(GError) error = NULL;
    world->broker = kafka_mock_new(TOPIC, PARTITIONS);
    world->config = config_new_default();
    g_assert_true(config_set(world->config, "bus.backend", "kafka", &error));
    g_assert_true(
        config_set(world->config, "bus.brokers", kafka_mock_brokers(world->broker), &error));
    world->context = (struct context){
        .config = world->config,
        .clock = clock_new_real(),
        .metrics = metrics_new(),
    };
    world->arena = arena_new();
    world->bus = bus_open(&world->context, &error);
    g_assert_no_error(error);
    const struct bus_member_options options = {
        .group = "stream",
        .topic = TOPIC,
        .instance = "one",
        .session_timeout_ms = SESSION_MS,
        .transaction_timeout_ms = WAIT_MS,
    };
    world->member = (struct kafka_member *)bus_member_join(world->bus, &options, &error);
    g_assert_no_error(error);
    g_assert_nonnull(world->member);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    bus_member_leave(&world->member->member);
    bus_close(world->bus);
    arena_free(world->arena);
    clock_free(world->context.clock);
    metrics_free(world->context.metrics);
    config_free(world->config);
    rd_kafka_destroy(world->broker);
    alarm(0);
}

/* Until librdkafka has something to tell the member, which isn't polled. */
static void await_news(struct world *world)
{
    int ends[2];
    char byte;
    g_assert_cmpint(pipe(ends), ==, 0);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(world->member->consumer);
    rd_kafka_queue_io_event_enable(queue, ends[1], "", 1);
    g_assert_cmpint(read(ends[0], &byte, 1), ==, 1);
    rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
    rd_kafka_queue_destroy(queue);
    close(ends[0]);
    close(ends[1]);
}

static enum member_change poll_once(struct world *world)
{
    g_autoptr(GError) error = NULL;
    struct member_event event;
    arena_reset(world->arena);
    bool done = bus_member_poll(&world->member->member, POLL_MS, world->arena, &event, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    return event.change;
}

static bool brokers_know(const struct world *world)
{
    char *id = rd_kafka_memberid(world->member->consumer);
    const bool known = id && *id;
    if (id)
        rd_kafka_mem_free(world->member->consumer, id);
    return known;
}

static void test_at_once(struct world *world, const void *data)
{
    (void)world;
    (void)data;
}

static void test_given_unseen(struct world *world, const void *data)
{
    (void)data;
    await_news(world);
}

/* Its name has come, and with it the first step of two; the other takes RTT_MS. */
static void test_joining(struct world *world, const void *data)
{
    (void)data;
    rd_kafka_mock_broker_set_rtt(rd_kafka_handle_mock_cluster(world->broker), 1, RTT_MS);
    while (!brokers_know(world))
        g_assert_cmpint(poll_once(world), ==, MEMBER_NONE);
}

static void test_given(struct world *world, const void *data)
{
    (void)data;
    enum member_change change;
    while ((change = poll_once(world)) == MEMBER_NONE)
        ;
    g_assert_cmpint(change, ==, MEMBER_GIVEN);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (kafka_mock_missing()) {
        kafka_mock_add_skipped("/bus/kafka_leave");
        return g_test_run();
    }
    const struct {
        const char *name;
        void (*run)(struct world *world, const void *data);
    } tests[] = {
        {"/bus/kafka_leave/at_once", test_at_once},
        {"/bus/kafka_leave/joining", test_joining},
        {"/bus/kafka_leave/given_unseen", test_given_unseen},
        {"/bus/kafka_leave/given", test_given},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, struct world, NULL, world_open, tests[i].run, world_close);
    return g_test_run();
}

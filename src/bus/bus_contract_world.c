#include "bus/bus_contract_world.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"

void world_setup(struct world *world, const void *data)
{
    world->contract = data;
    world->config = config_new_default();
    world->context = (struct context){
        .config = world->config,
        .clock = clock_new_manual(START_MS),
        .metrics = metrics_new(),
    };
    world->arena = arena_new();
    world->fixture = world->contract->setup(&world->context);
    world->bus = world->contract->open(world->fixture);
    g_autoptr(GError) error = NULL;
    bool made = bus_create_topic(world->bus, TOPIC, PARTITIONS, &error);
    g_assert_no_error(error);
    g_assert_true(made);
}

void world_teardown(struct world *world, const void *data)
{
    (void)data;
    bus_close(world->bus);
    world->contract->teardown(world->fixture);
    arena_free(world->arena);
    clock_free(world->context.clock);
    metrics_free(world->context.metrics);
    config_free(world->config);
}

struct span world_text(const char *bytes)
{
    return (struct span){.data = bytes, .len = strlen(bytes)};
}

void world_assert_span(struct span span, const void *bytes, size_t len)
{
    g_assert_cmpuint(span.len, ==, len);
    g_assert_true(len == 0 || memcmp(span.data, bytes, len) == 0);
}

void world_produce(struct bus *bus, int partition, int count, int64_t *ret_offsets)
{
    g_autofree struct bus_message *messages = g_new0(struct bus_message, (gsize)count);
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < count; i++) {
        g_ptr_array_add(values, g_strdup_printf("v%d", i));
        messages[i] = (struct bus_message){.topic = TOPIC,
                                           .partition = partition,
                                           .key = world_text("k"),
                                           .value = world_text(values->pdata[i])};
    }
    g_autoptr(GError) error = NULL;
    bool done = bus_produce(bus, messages, (size_t)count, ret_offsets, &error);
    g_assert_no_error(error);
    g_assert_true(done);
}

struct bus_batch world_fetch(struct world *world, int partition, int64_t offset, size_t bytes_max)
{
    struct bus_batch batch;
    g_autoptr(GError) error = NULL;
    bool done =
        bus_fetch(world->bus, TOPIC, partition, offset, bytes_max, world->arena, &batch, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    return batch;
}

void world_commit(struct world *world, const char *group, int partition, int64_t offset)
{
    const struct bus_position position = {.topic = TOPIC, .partition = partition, .offset = offset};
    g_autoptr(GError) error = NULL;
    bool done = bus_group_commit(world->bus, group, &position, 1, &error);
    g_assert_no_error(error);
    g_assert_true(done);
}

int64_t world_committed(struct world *world, const char *group, int partition)
{
    int64_t offset = -1;
    g_autoptr(GError) error = NULL;
    bool done = bus_group_offset(world->bus, group, TOPIC, partition, &offset, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    return offset;
}

void world_assert_offsets(struct bus *bus, int partition, int64_t start, int64_t end)
{
    int64_t found_start = -1, found_end = -1;
    g_autoptr(GError) error = NULL;
    bool done = bus_offsets(bus, TOPIC, partition, &found_start, &found_end, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_cmpint(found_start, ==, start);
    g_assert_cmpint(found_end, ==, end);
}

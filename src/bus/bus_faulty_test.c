/* Proves: without faults bus_faulty keeps the bus' contract; with faults it does what its header
 * says, and a seed replays them exactly. */
#include "bus/bus_faulty.h"

#include "base/clock.h"
#include "base/config.h"
#include "bus/bus_contract.h"
#include "bus/bus_mem.h"

#define TOPIC "movie.ratings"

static void *setup(const struct context *context)
{
    return bus_mem_new(context);
}

static void teardown(void *fixture)
{
    bus_close(fixture);
}

static struct bus *open_handle(void *fixture)
{
    return bus_faulty_new(bus_mem_share(fixture), (struct bus_faults){0});
}

static const struct bus_contract contract = {
    .name = "faulty",
    .setup = setup,
    .teardown = teardown,
    .open = open_handle,
};

struct world {
    struct context context;
    struct config *config;
    struct arena *arena;
    struct bus *plain; /* the same log without faults */
    struct bus *faulty;
};

static void world_open(struct world *world, struct bus_faults faults)
{
    world->config = config_new_default();
    world->arena = arena_new();
    world->context = (struct context){.config = world->config, .clock = clock_new_manual(0)};
    world->plain = bus_mem_new(&world->context);
    world->faulty = bus_faulty_new(bus_mem_share(world->plain), faults);
    g_autoptr(GError) error = NULL;
    g_assert_true(bus_create_topic(world->faulty, TOPIC, 1, &error));
}

static void world_clear(struct world *world)
{
    bus_close(world->faulty);
    bus_close(world->plain);
    clock_free(world->context.clock);
    config_free(world->config);
    arena_free(world->arena);
}

static bool produce(struct bus *bus, int64_t *ret_offset)
{
    const struct bus_message message = {
        .topic = TOPIC, .partition = 0, .key = {"k", 1}, .value = {"v", 1}};
    g_autoptr(GError) error = NULL;
    bool done = bus_produce(bus, &message, 1, ret_offset, &error);
    g_assert_true(done || error_is(error, AGAIN));
    return done;
}

static int64_t end_of(struct bus *bus)
{
    int64_t start, end;
    g_autoptr(GError) error = NULL;
    g_assert_true(bus_offsets(bus, TOPIC, 0, &start, &end, &error));
    return end;
}

static void test_produce_lost(void)
{
    struct world world;
    world_open(&world, (struct bus_faults){.produce_lost = 1});
    g_assert_false(produce(world.faulty, NULL));
    g_assert_cmpint(end_of(world.plain), ==, 0);
    world_clear(&world);
}

static void test_produce_unknown(void)
{
    struct world world;
    world_open(&world, (struct bus_faults){.produce_unknown = 1});
    int64_t offset = -1;
    g_assert_false(produce(world.faulty, &offset));
    g_assert_cmpint(offset, ==, -1);
    g_assert_false(produce(world.faulty, &offset)); /* the retry writes a duplicate */
    g_assert_cmpint(end_of(world.plain), ==, 2);
    world_clear(&world);
}

static void test_fetch(void)
{
    struct world world;
    world_open(&world, (struct bus_faults){.fetch_short = 1});
    for (int i = 0; i < 3; i++)
        g_assert_true(produce(world.plain, NULL));
    struct bus_batch batch;
    g_autoptr(GError) error = NULL;
    g_assert_true(bus_fetch(world.faulty, TOPIC, 0, 1, 1 << 20, world.arena, &batch, &error));
    g_assert_cmpuint(batch.count, ==, 1);
    g_assert_cmpint(batch.next_offset, ==, 2);
    g_assert_cmpint(batch.end_offset, ==, 3);

    struct bus *failing =
        bus_faulty_new(bus_mem_share(world.plain), (struct bus_faults){.fetch_fails = 1});
    g_assert_false(bus_fetch(failing, TOPIC, 0, 1, 1 << 20, world.arena, &batch, &error));
    g_assert_true(error_is(error, AGAIN));
    bus_close(failing);
    world_clear(&world);
}

static void test_lose_tail(void)
{
    struct world world;
    world_open(&world, (struct bus_faults){0});
    for (int i = 0; i < 5; i++)
        g_assert_true(produce(world.faulty, NULL));
    bus_faulty_lose_tail(world.faulty, TOPIC, 0, 2);
    g_assert_cmpint(end_of(world.plain), ==, 3);
    struct bus_batch batch;
    g_autoptr(GError) error = NULL;
    g_assert_false(bus_fetch(world.faulty, TOPIC, 0, 5, 1 << 20, world.arena, &batch, &error));
    g_assert_true(error_is(error, FAILED));
    int64_t offset;
    g_assert_true(produce(world.faulty, &offset)); /* the offsets are given out again */
    g_assert_cmpint(offset, ==, 3);
    world_clear(&world);
}

/* 1 where the call succeeded, over 200 calls with every fault at 30 %. */
static void run_seed(uint64_t seed, char outcomes[401])
{
    struct world world;
    world_open(&world, (struct bus_faults){.seed = seed,
                                           .produce_lost = 0.3,
                                           .produce_unknown = 0.3,
                                           .fetch_fails = 0.3,
                                           .fetch_short = 0.3});
    for (int i = 0; i < 200; i++) {
        struct bus_batch batch;
        g_autoptr(GError) error = NULL;
        outcomes[2 * i] = produce(world.faulty, NULL) ? '1' : '0';
        bool fetched = bus_fetch(world.faulty, TOPIC, 0, 0, 1 << 20, world.arena, &batch, &error);
        outcomes[2 * i + 1] = !fetched ? 'x' : batch.count == 1 ? 's' : 'f';
    }
    outcomes[400] = '\0';
    world_clear(&world);
}

static void test_seed_replays(void)
{
    char first[401], second[401], other[401];
    run_seed(7, first);
    run_seed(7, second);
    run_seed(8, other);
    g_assert_cmpstr(first, ==, second);
    g_assert_cmpstr(first, !=, other);
    int failed = 0;
    for (int i = 0; i < 400; i += 2)
        failed += first[i] == '0';
    /* 1 - 0.7 * 0.7 = 51 % of 200, give or take four standard deviations of 7. */
    g_assert_cmpint(failed, >, 102 - 28);
    g_assert_cmpint(failed, <, 102 + 28);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    bus_contract_add(&contract);
    g_test_add_func("/bus_faulty/produce_lost", test_produce_lost);
    g_test_add_func("/bus_faulty/produce_unknown", test_produce_unknown);
    g_test_add_func("/bus_faulty/fetch", test_fetch);
    g_test_add_func("/bus_faulty/lose_tail", test_lose_tail);
    g_test_add_func("/bus_faulty/seed_replays", test_seed_replays);
    return g_test_run();
}

/* Proves: what was put in the transaction reaches the bus, all of it and in order, whatever happens
 * between: nothing of a transaction that was rolled back, everything again after a produce call
 * that failed or whose outcome isn't known, and by the next life what the one before didn't send.
 */
#include "stream/outbox.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus_faulty.h"
#include "bus/bus_mem.h"
#include "model/db.h"

#define TOPIC "movie.trending"
#define FETCH ((size_t)1 << 20)

struct world {
    struct config *config;
    struct clock *clock;
    struct metrics *metrics;
    struct context context;
    struct bus *bus;
    struct registry *registry;
    struct serde *serde;
    sqlite3 *db;
    struct sql_file *sql;
    struct outbox *outbox;
    struct arena *arena;
};

static void open_outbox(struct world *world)
{
    GError *error = NULL;
    outbox_free(world->outbox);
    world->outbox = outbox_new(world->db, world->sql, world->serde, &error);
    g_assert_no_error(error);
}

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->config = config_new_default();
    world->clock = clock_new_manual(0);
    world->metrics = metrics_new();
    world->context =
        (struct context){.config = world->config, .clock = world->clock, .metrics = world->metrics};
    world->bus = bus_mem_new(&world->context);
    g_assert_true(bus_create_topic(world->bus, TOPIC, 1, &error));
    world->registry = registry_new_mem();
    world->serde = serde_new(world->registry, &error);
    world->db = db_open(":memory:", NULL, &error);
    world->sql = sql_file_load("contracts/stream.sql");
    g_assert_true(db_exec(world->db, sql_file_get(world->sql, "ranker_schema"), &error));
    g_assert_no_error(error);
    world->arena = arena_new();
    open_outbox(world);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    outbox_free(world->outbox);
    sql_file_free(world->sql);
    db_close(world->db);
    serde_free(world->serde);
    registry_close(world->registry);
    bus_close(world->bus);
    metrics_free(world->metrics);
    clock_free(world->clock);
    config_free(world->config);
    arena_free(world->arena);
}

/* Revisions first to first + count - 1 of one window. */
static void put(struct world *world, int32_t first, int32_t count, bool committed)
{
    GError *error = NULL;
    g_assert_true(db_begin(world->db, &error));
    for (int32_t i = first; i < first + count; i++) {
        const struct trending trending = {.window_end_ms = 300000, .revision = i};
        g_assert_true(outbox_put(world->outbox, &trending, &error));
    }
    if (committed)
        g_assert_true(db_commit(world->db, &error));
    else
        db_rollback(world->db);
    g_assert_no_error(error);
}

static void send_all(struct world *world)
{
    GError *error = NULL;
    g_assert_true(outbox_send(world->outbox, world->bus, &error));
    g_assert_no_error(error);
}

/* A bus on the same log on which something always happens. */
static void send_in_vain(struct world *world, struct bus_faults faults)
{
    GError *error = NULL;
    struct bus *faulty = bus_faulty_new(bus_mem_share(world->bus), faults);
    g_assert_false(outbox_send(world->outbox, faulty, &error));
    g_assert_true(error_is(error, AGAIN));
    g_error_free(error);
    bus_close(faulty);
}

/* The revisions on the bus, in order. */
static GArray *sent(struct world *world)
{
    GArray *revisions = g_array_new(FALSE, FALSE, sizeof(int32_t));
    struct bus_batch batch;
    int64_t offset = 0;
    do {
        GError *error = NULL;
        g_assert_true(bus_fetch(world->bus, TOPIC, 0, offset, FETCH, world->arena, &batch, &error));
        for (size_t i = 0; i < batch.count; i++) {
            struct trending trending;
            g_assert_true(serde_decode(world->serde, TOPIC_TRENDING, batch.records[i].value,
                                       world->arena, &trending, &error));
            g_assert_true(batch.records[i].key.len == 6 &&
                          memcmp(batch.records[i].key.data, "300000", 6) == 0);
            g_array_append_val(revisions, trending.revision);
        }
        offset = batch.next_offset;
    } while (batch.count > 0);
    return revisions;
}

static void assert_sent(struct world *world, int32_t rounds, int32_t count)
{
    g_autoptr(GArray) revisions = sent(world);
    g_assert_cmpuint(revisions->len, ==, (guint)(rounds * count));
    for (int32_t i = 0; i < rounds * count; i++)
        g_assert_cmpint(g_array_index(revisions, int32_t, i), ==, 1 + i % count);
}

static void test_order(struct world *world, const void *data)
{
    (void)data;
    const int32_t count = 2 * OUTBOX_SEND_MAX + 50; /* three produce calls */
    put(world, 1, OUTBOX_SEND_MAX, true);
    put(world, 1 + OUTBOX_SEND_MAX, OUTBOX_SEND_MAX + 50, true);
    send_all(world);
    assert_sent(world, 1, count);
    send_all(world);
    open_outbox(world);
    send_all(world);
    assert_sent(world, 1, count);
}

static void test_rollback(struct world *world, const void *data)
{
    (void)data;
    put(world, 7, 3, false);
    send_all(world);
    put(world, 1, 2, true);
    send_all(world);
    assert_sent(world, 1, 2);
}

static void test_lost(struct world *world, const void *data)
{
    (void)data;
    put(world, 1, 5, true);
    send_in_vain(world, (struct bus_faults){.produce_lost = 1});
    assert_sent(world, 0, 5);
    send_all(world);
    assert_sent(world, 1, 5);
}

static void test_unknown(struct world *world, const void *data)
{
    (void)data;
    put(world, 1, 5, true);
    send_in_vain(world, (struct bus_faults){.produce_unknown = 1});
    send_all(world);
    assert_sent(world, 2, 5); /* twice rather than never */
}

static void test_next_life(struct world *world, const void *data)
{
    (void)data;
    put(world, 1, 5, true);
    open_outbox(world);
    send_all(world);
    assert_sent(world, 1, 5);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(struct world *world, const void *data);
    } tests[] = {
        {"/outbox/order", test_order},         {"/outbox/rollback", test_rollback},
        {"/outbox/lost", test_lost},           {"/outbox/unknown", test_unknown},
        {"/outbox/next_life", test_next_life},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct world, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}

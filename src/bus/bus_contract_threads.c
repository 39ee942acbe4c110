#include <pthread.h>
#include <string.h>

#include "bus/bus_contract_world.h"

#define THREADS      3
#define THREAD_CALLS 20
#define THREAD_BATCH 50

struct worker {
    struct world *world;
    int number;
};

static void *produce_in_thread(void *data)
{
    struct worker *worker = data;
    struct bus *bus = worker->world->contract->open(worker->world->fixture);
    int64_t sequence = 0;
    for (int call = 0; call < THREAD_CALLS; call++) {
        struct bus_message messages[THREAD_BATCH];
        int64_t values[THREAD_BATCH][2], offsets[THREAD_BATCH];
        for (int i = 0; i < THREAD_BATCH; i++) {
            values[i][0] = worker->number;
            values[i][1] = sequence++;
            messages[i] = (struct bus_message){
                .topic = TOPIC, .partition = i % 2, .value = {(char *)values[i], sizeof values[i]}};
        }
        bool done = false;
        while (!done) {
            g_autoptr(GError) error = NULL;
            done = bus_produce(bus, messages, THREAD_BATCH, offsets, &error);
            if (!done)
                g_assert_true(
                    error_is(error, AGAIN)); /* of another's long turn: nothing was appended */
        }
    }
    bus_close(bus);
    return NULL;
}

void bus_contract_threads(struct world *world, const void *data)
{
    (void)data;
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.world = world, .number = i};
        g_assert_cmpint(pthread_create(&threads[i], NULL, produce_in_thread, &workers[i]), ==, 0);
    }
    int64_t last[THREADS][2], offsets[2] = {0}, total = 0;
    for (int i = 0; i < THREADS; i++)
        last[i][0] = last[i][1] = -1;
    while (total < THREADS * THREAD_CALLS * THREAD_BATCH) {
        for (int partition = 0; partition < 2; partition++) {
            struct bus_batch batch = world_fetch(world, partition, offsets[partition], 4096);
            for (size_t i = 0; i < batch.count; i++) {
                int64_t value[2];
                g_assert_cmpuint(batch.records[i].value.len, ==, sizeof value);
                memcpy(value, batch.records[i].value.data, sizeof value);
                g_assert_cmpint(batch.records[i].offset, ==, offsets[partition] + (int64_t)i);
                g_assert_cmpint(value[1], >, last[value[0]][partition]);
                last[value[0]][partition] = value[1];
            }
            total += (int64_t)batch.count;
            offsets[partition] = batch.next_offset;
        }
        arena_reset(world->arena);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    world_assert_offsets(world->bus, 0, 0, THREADS * THREAD_CALLS * THREAD_BATCH / 2);
    world_assert_offsets(world->bus, 1, 0, THREADS * THREAD_CALLS * THREAD_BATCH / 2);
}

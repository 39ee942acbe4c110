/* Follows the rows topic into the speed tables below data.dir, as a reader of Kafka would; for
 * pipeline_test.py, not part of the product.
 *
 *   rows_follow DATA-DIR PREFIX NOW      the topic from its start to its end; NOW: world's ms
 *
 * MARQUEE_KAFKA names the brokers. Prints how many records it took. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "bus/bus.h"
#include "stream/rows_topic.h"

#define FETCH_BYTES ((size_t)1 << 20)

struct follow {
    struct context context;
    struct bus *bus;
    struct speed *speed;
    int64_t records;
};

static bool take(struct follow *follow, const struct bus_record *record, GError **error)
{
    struct arena *arena = arena_new();
    struct speed_batch rows;
    bool done = rows_topic_read(record->key, record->value, arena, &rows, error) &&
                speed_write(follow->speed, &rows, error);
    arena_free(arena);
    follow->records++;
    return done;
}

static bool follow_partition(struct follow *follow, int partition, GError **error)
{
    struct arena *arena = arena_new();
    struct bus_batch batch;
    int64_t at, end;
    bool done = bus_offsets(follow->bus, ROWS_TOPIC, partition, &at, &end, error);
    while (done && at < end) {
        arena_reset(arena);
        done = bus_fetch(follow->bus, ROWS_TOPIC, partition, at, FETCH_BYTES, arena, &batch, error);
        for (size_t i = 0; done && i < batch.count; i++)
            done = take(follow, &batch.records[i], error);
        at = done ? batch.next_offset : at;
    }
    arena_free(arena);
    return done;
}

static bool set_all(struct config *config, char **argv, GError **error)
{
    return config_set(config, "data.dir", argv[1], error) &&
           config_set(config, "bus.prefix", argv[2], error) &&
           config_set(config, "bus.backend", "kafka", error) &&
           config_set(config, "bus.brokers", g_getenv("MARQUEE_KAFKA"), error);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    if (argc != 4 || !g_getenv("MARQUEE_KAFKA"))
        return 2;
    struct config *config = config_new_default();
    bool done = set_all(config, argv, &error);
    struct follow follow = {
        .context = {.config = config,
                    .clock = clock_new_manual(g_ascii_strtoll(argv[3], NULL, 10)),
                    .metrics = metrics_new(),
                    .stop = stop_new()},
    };
    done = done && (follow.bus = bus_open(&follow.context, &error)) &&
           (follow.speed = speed_open(&follow.context, &error));
    for (int p = 0; done && p < (int)config->bus_partitions; p++)
        done = follow_partition(&follow, p, &error);
    if (done)
        printf("%" PRId64 "\n", follow.records);
    else
        fprintf(stderr, "rows_follow: %s\n", error ? error->message : "failed");
    speed_close(follow.speed);
    if (follow.bus)
        bus_close(follow.bus);
    stop_free(follow.context.stop);
    metrics_free(follow.context.metrics);
    clock_free(follow.context.clock);
    config_free(config);
    return done ? 0 : 1;
}

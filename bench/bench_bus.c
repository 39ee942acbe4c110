/* The bus and its codec on one thread: ratings of 50,000 movies, encoded, produced in batches,
 * fetched, decoded. One line each, records a second of wall time and of this thread's CPU time.
 *
 *   bench_bus [--quick]     in a folder of its own under TMPDIR, removed afterwards; on Kafka where
 *                           MARQUEE_KAFKA names brokers
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "bus/bus.h"
#include "bus/serde.h"

#define RECORDS       2000000
#define RECORDS_QUICK 60000
#define BATCH         10000
#define MOVIES        50000
#define FETCH_BYTES   ((size_t)4 * 1024 * 1024)
#define TOPIC         "movie.ratings"
#define START_MS      INT64_C(1767225600000)

struct bench {
    struct context context;
    struct config *config;
    struct registry *registry;
    struct serde *serde;
    struct bus *bus;
    struct arena *arena;
    int records;
};

struct watch {
    double wall_s, cpu_s;
};

static struct watch watch_now(const struct bench *bench)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (struct watch){
        .wall_s = (double)clock_monotonic_us(bench->context.clock) * 1e-6,
        .cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6,
    };
}

static void
print_rate(const struct bench *bench, const char *what, int64_t records, struct watch start)
{
    struct watch now = watch_now(bench);
    printf("%-16s %10.0f records/s wall %10.0f records/s cpu\n", what,
           (double)records / (now.wall_s - start.wall_s),
           (double)records / (now.cpu_s - start.cpu_s));
}

static void stop_on(bool good, GError *error)
{
    if (!good)
        g_error("%s", error->message);
}

static struct rating rating_of(uint32_t i)
{
    uint32_t hash =
        i * 2654435761u; /* Knuth's multiplicative hash: a fixed shuffle of the movies */
    return (struct rating){
        .movie_id = (int32_t)(hash % MOVIES) + 1,
        .vote_average = (double)(hash >> 16) / 6554,
        .vote_count = (int32_t)(hash >> 18),
        .popularity = (double)(hash >> 12) / 1000,
        .timestamp_ms = START_MS + (int64_t)i * 10,
    };
}

static void bench_codec(struct bench *bench)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autofree struct span *values = g_new(struct span, BATCH);
    g_autofree size_t *ends = g_new(size_t, BATCH);
    g_autofree struct rating *ratings = g_new(struct rating, BATCH);
    for (uint32_t i = 0; i < BATCH; i++)
        ratings[i] = rating_of(i);
    int rounds = MAX(bench->records / BATCH, 1);
    struct watch start = watch_now(bench);
    for (int round = 0; round < rounds; round++) {
        g_byte_array_set_size(bytes, 0);
        for (int i = 0; i < BATCH; i++) {
            serde_encode(bench->serde, TOPIC_RATINGS, &ratings[i], bytes);
            ends[i] = bytes->len;
        }
    }
    print_rate(bench, "encode", (int64_t)rounds * BATCH, start);
    for (int i = 0; i < BATCH; i++) {
        size_t begin = i ? ends[i - 1] : 0;
        values[i] = (struct span){(const char *)bytes->data + begin, ends[i] - begin};
    }
    GError *error = NULL;
    int64_t sum = 0;
    start = watch_now(bench);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < BATCH; i++) {
            struct rating rating;
            stop_on(
                serde_decode(bench->serde, TOPIC_RATINGS, values[i], bench->arena, &rating, &error),
                error);
            sum += rating.movie_id;
        }
    }
    print_rate(bench, "decode", (int64_t)rounds * BATCH, start);
    g_assert(sum > 0);
}

static void bench_produce(struct bench *bench)
{
    g_autofree struct bus_message *messages = g_new(struct bus_message, BATCH);
    g_autofree size_t *ends = g_new(size_t, BATCH);
    g_autofree char(*keys)[TOPIC_KEY_BYTES] = g_malloc_n(BATCH, TOPIC_KEY_BYTES);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    double produce_wall_s = 0, produce_cpu_s = 0;
    struct watch all = watch_now(bench);
    for (int done = 0; done < bench->records; done += BATCH) {
        g_byte_array_set_size(bytes, 0);
        for (int i = 0; i < BATCH; i++) {
            struct rating rating = rating_of((uint32_t)(done + i));
            size_t key_len = topic_movie_key(rating.movie_id, keys[i]);
            serde_encode(bench->serde, TOPIC_RATINGS, &rating, bytes);
            ends[i] = bytes->len;
            messages[i] = (struct bus_message){
                .topic = TOPIC, .partition = BUS_PARTITION_BY_KEY, .key = {keys[i], key_len}};
        }
        for (int i = 0; i < BATCH; i++) {
            size_t begin = i ? ends[i - 1] : 0;
            messages[i].value = (struct span){(const char *)bytes->data + begin, ends[i] - begin};
        }
        GError *error = NULL;
        struct watch start = watch_now(bench);
        stop_on(bus_produce(bench->bus, messages, BATCH, NULL, &error), error);
        struct watch end = watch_now(bench);
        produce_wall_s += end.wall_s - start.wall_s;
        produce_cpu_s += end.cpu_s - start.cpu_s;
    }
    printf("%-16s %10.0f records/s wall %10.0f records/s cpu\n", "produce",
           bench->records / produce_wall_s, bench->records / produce_cpu_s);
    print_rate(bench, "encode+produce", bench->records, all);
}

/* Reads the whole log, with or without decoding it. */
static void bench_fetch(struct bench *bench, bool decode)
{
    struct watch start = watch_now(bench);
    int64_t total = 0, sum = 0;
    for (int partition = 0; partition < bench->config->bus_partitions; partition++) {
        struct bus_batch batch = {0};
        do {
            GError *error = NULL;
            arena_reset(bench->arena);
            stop_on(bus_fetch(bench->bus, TOPIC, partition, batch.next_offset, FETCH_BYTES,
                              bench->arena, &batch, &error),
                    error);
            for (size_t i = 0; decode && i < batch.count; i++) {
                struct rating rating;
                stop_on(serde_decode(bench->serde, TOPIC_RATINGS, batch.records[i].value,
                                     bench->arena, &rating, &error),
                        error);
                sum += rating.movie_id;
            }
            total += (int64_t)batch.count;
        } while (batch.count > 0);
    }
    g_assert(total == bench->records && (!decode || sum > 0));
    print_rate(bench, decode ? "fetch+decode" : "fetch", total, start);
}

static void remove_folder(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    struct bench bench = {.config = config_new_default(), .arena = arena_new(), .records = RECORDS};
    if (argc > 1 && strcmp(argv[1], "--quick") == 0)
        bench.records = RECORDS_QUICK;
    g_autofree char *folder = g_dir_make_tmp("bench-bus-XXXXXX", &error);
    stop_on(folder != NULL, error);
    g_free(bench.config->data_dir);
    bench.config->data_dir = g_strdup(folder);
    const char *brokers = g_getenv("MARQUEE_KAFKA");
    if (brokers && *brokers) {
        g_autofree char *name = g_uuid_string_random();
        stop_on(config_set(bench.config, "bus.backend", "kafka", &error) &&
                    config_set(bench.config, "bus.brokers", brokers, &error) &&
                    config_set(bench.config, "bus.prefix", name, &error),
                error);
    }
    bench.context = (struct context){.config = bench.config, .clock = clock_new_real()};
    bench.registry = registry_open(&bench.context, &error);
    stop_on(bench.registry != NULL, error);
    bench.serde = serde_new(bench.registry, &error);
    stop_on(bench.serde != NULL, error);
    bench.bus = bus_open(&bench.context, &error);
    stop_on(bench.bus != NULL, error);
    stop_on(bus_create_topic(bench.bus, TOPIC, (int)bench.config->bus_partitions, &error), error);

    bench_codec(&bench);
    bench_produce(&bench);
    bench_fetch(&bench, false);
    bench_fetch(&bench, true);

    bus_close(bench.bus);
    serde_free(bench.serde);
    registry_close(bench.registry);
    clock_free(bench.context.clock);
    arena_free(bench.arena);
    config_free(bench.config);
    remove_folder(folder);
    return 0;
}

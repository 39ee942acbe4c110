/* Ratings from a real Kafka, side by side on the same records: a bare librdkafka loop that counts;
 * one that decodes and aggregates in a hash table, without any guarantee; marquee's engine, exactly
 * once. And how long a rating takes from its producer until its results are committed, of whoever
 * keeps its offsets in a group. bench/kafka/run.sh runs all of it, and the peers beside.
 *
 *   bench_kafka load     PREFIX [--records N] [--movies N] [--hours N]
 *   bench_kafka topic    PREFIX                    makes a compacted topic for a peer's output
 *   bench_kafka count    PREFIX [--records N]
 *   bench_kafka bare     PREFIX [--records N]
 *   bench_kafka engine   PREFIX [--records N] [--dir DIR] [--set NAME=VALUE]...
 *   bench_kafka latency  PREFIX [--group GROUP] [--rate N] [--seconds N]
 *
 * MARQUEE_KAFKA names the brokers. PREFIX is bus.prefix. Each part prints one line; engine a second
 * one, when the last ranks are there too. Load: Zipf over the movies, spread over some hours of
 * event time that end now, up to 30 s out of order. */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <librdkafka/rdkafka.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "bus/bus.h"
#include "bus/bus_member.h"
#include "bus/registry.h"
#include "bus/serde.h"
#include "stream/stream_cluster.h"

#define TOPIC          "movie.ratings"
#define BATCH_RECORDS  10000
#define DISORDER_MS    INT64_C(30000)
#define SEED           42
#define WINDOW_MS      (5 * MS_PER_MINUTE)
#define BARE_SLOTS     (1u << 22)
#define BARE_QUEUED    "1000000"
#define US_PER_SECOND  1e6
#define TAKEN_MAX      8192
#define WAIT_MS        1000
#define TICK_MS        10
#define PROBE_MS       5
#define IDLE_MS        1
#define PROBE_WAIT_MS  10000
#define SETTLE_MS      30000
#define PARTITIONS_MAX 64

static gint64 records = 2000000, movies = 50000, hours = 6, rate = 10000, seconds = 20;
static char *folder, *group = "stream", **settings;

static void check(bool done, GError *const *error)
{
    if (done)
        return;
    fprintf(stderr, "bench_kafka: %s\n", error && *error ? (*error)->message : "failed");
    exit(1);
}

struct bench {
    struct config *config;
    struct clock *clock;
    struct metrics *metrics;
    struct context context;
    struct bus *bus;
    struct registry *registry;
    struct serde *serde;
    GRand *random;
    double *zipf;
};

static void set_string(char **field, const char *value)
{
    g_free(*field);
    *field = g_strdup(value);
}

static void bench_open(struct bench *bench, const char *prefix)
{
    GError *error = NULL;
    const char *brokers = g_getenv("MARQUEE_KAFKA");
    *bench = (struct bench){.config = config_new_default(), .clock = clock_new_real()};
    set_string(&bench->config->bus_backend, "kafka");
    set_string(&bench->config->bus_brokers, brokers ? brokers : "");
    set_string(&bench->config->bus_prefix, prefix);
    if (folder)
        set_string(&bench->config->data_dir, folder);
    for (char **setting = settings; setting && *setting; setting++) {
        g_auto(GStrv) pair = g_strsplit(*setting, "=", 2);
        check(g_strv_length(pair) == 2 && config_set(bench->config, pair[0], pair[1], &error),
              &error);
    }
    bench->metrics = metrics_new();
    bench->context = (struct context){.config = bench->config,
                                      .clock = bench->clock,
                                      .metrics = bench->metrics,
                                      .stop = stop_new()};
    bench->bus = bus_open(&bench->context, &error);
    check(bench->bus, &error);
    bench->registry = registry_new_mem();
    bench->serde = serde_new(bench->registry, &error);
    check(bench->serde, &error);
    bench->random = g_rand_new_with_seed(SEED);
}

static void bench_close(struct bench *bench)
{
    g_rand_free(bench->random);
    g_free(bench->zipf);
    serde_free(bench->serde);
    registry_close(bench->registry);
    bus_close(bench->bus);
    stop_free(bench->context.stop);
    metrics_free(bench->metrics);
    clock_free(bench->clock);
    config_free(bench->config);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / US_PER_SECOND;
}

static double peak_mb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static void
tell(const struct bench *bench, const char *part, gint64 count, int64_t start_us, const char *more)
{
    double took_s = (double)(clock_monotonic_us(bench->clock) - start_us) / US_PER_SECOND;
    printf("%-8s %9.0f records/s  (%" G_GINT64_FORMAT
           " records, %s%.2f s, %.2f s of CPU, %.0f MB peak)\n",
           part, (double)count / took_s, count, more, took_s, cpu_seconds(), peak_mb());
    fflush(stdout);
}

/* ---- load ---- */

/* Cumulative weights 1/rank: binary search of a uniform number gives Zipf. */
static double *zipf_table(void)
{
    double *table = g_new(double, movies), sum = 0;
    for (gint64 i = 0; i < movies; i++)
        table[i] = sum += 1.0 / (double)(i + 1);
    for (gint64 i = 0; i < movies; i++)
        table[i] /= sum;
    return table;
}

static int32_t zipf_movie(const double *table, GRand *random)
{
    double at = g_rand_double(random);
    gint64 low = 0, high = movies - 1;
    while (low < high) {
        gint64 middle = (low + high) / 2;
        if (table[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return (int32_t)low + 1;
}

/* Produces count ratings whose event times are even_ms(from), even_ms(from + 1), ... */
static void produce(struct bench *bench,
                    size_t count,
                    int64_t from_ms,
                    double step_ms,
                    int64_t disorder_ms,
                    int64_t *ret_offsets,
                    struct bus_message *messages)
{
    static char keys[BATCH_RECORDS][TOPIC_KEY_BYTES];
    static size_t ends[BATCH_RECORDS];
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    GError *error = NULL;
    for (size_t i = 0; i < count; i++) {
        int32_t movie = zipf_movie(bench->zipf, bench->random);
        const struct rating rating = {
            .movie_id = movie,
            .vote_average = round(g_rand_double_range(bench->random, 4, 9) * 1000) / 1000,
            .vote_count = movie % 1000,
            .popularity = round(g_rand_double_range(bench->random, 1, 500) * 1000) / 1000,
            .timestamp_ms = from_ms + (int64_t)((double)i * step_ms) -
                            g_rand_int_range(bench->random, 0, (gint32)disorder_ms + 1),
        };
        serde_encode(bench->serde, TOPIC_RATINGS, &rating, bytes);
        ends[i] = bytes->len;
        messages[i] = (struct bus_message){.topic = TOPIC,
                                           .partition = BUS_PARTITION_BY_KEY,
                                           .key = {keys[i], topic_movie_key(movie, keys[i])}};
    }
    for (size_t i = 0, from = 0; i < count; from = ends[i], i++)
        messages[i].value = (struct span){(const char *)bytes->data + from, ends[i] - from};
    check(bus_produce(bench->bus, messages, count, ret_offsets, &error), &error);
}

static void load(struct bench *bench)
{
    GError *error = NULL;
    check(bus_create_topic(bench->bus, TOPIC, (int)bench->config->bus_partitions, &error), &error);
    g_autofree struct bus_message *messages = g_new0(struct bus_message, BATCH_RECORDS);
    bench->zipf = zipf_table();
    int64_t start_us = clock_monotonic_us(bench->clock);
    int64_t start_ms = clock_now_ms(bench->clock) - hours * MS_PER_HOUR;
    double step_ms = (double)(hours * MS_PER_HOUR) / (double)records;
    for (gint64 done = 0; done < records;) {
        size_t count = (size_t)MIN(records - done, BATCH_RECORDS);
        produce(bench, count, start_ms + (int64_t)((double)done * step_ms), step_ms, DISORDER_MS,
                NULL, messages);
        done += (gint64)count;
    }
    tell(bench, "load", records, start_us, "generated on the way, ");
}

/* ---- bare loops ---- */

static void set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
    char text[256];
    if (rd_kafka_conf_set(conf, key, value, text, sizeof text) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "bench_kafka: %s\n", text);
        exit(1);
    }
}

/* As one would write it without marquee: all partitions into one queue, many records a call. */
static rd_kafka_t *consumer_new(const char *group_id)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", g_getenv("MARQUEE_KAFKA"));
    set(conf, "group.id", group_id);
    set(conf, "enable.auto.commit", "false");
    set(conf, "isolation.level", "read_uncommitted");
    set(conf, "fetch.message.max.bytes", "1048576");
    /* Below its default librdkafka doesn't fetch a partition; with all at it, it sleeps a second.
     */
    set(conf, "queued.min.messages", BARE_QUEUED);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!client) {
        fprintf(stderr, "bench_kafka: %s\n", text);
        exit(1);
    }
    return client;
}

struct group_row {
    int64_t window_ms;
    int64_t last_ms, popularity_e4, vote_average_e4;
    int32_t movie_id, vote_count;
};

/* groups: how many there are. Returns 1 for a new one. */
static size_t aggregate(struct group_row *rows, size_t groups, const struct rating *rating)
{
    int64_t window_ms = rating->timestamp_ms / WINDOW_MS * WINDOW_MS;
    uint64_t hash =
        ((uint64_t)window_ms ^ (uint64_t)rating->movie_id << 32) * UINT64_C(0x9e3779b97f4a7c15);
    size_t slot = hash >> 42;
    while (rows[slot].window_ms &&
           (rows[slot].window_ms != window_ms || rows[slot].movie_id != rating->movie_id))
        slot = (slot + 1) & (BARE_SLOTS - 1);
    struct group_row *row = &rows[slot];
    size_t added = row->window_ms == 0;
    if (added && groups + 1 == BARE_SLOTS) {
        fprintf(stderr, "bench_kafka: more than %u groups; load fewer records\n", BARE_SLOTS - 1);
        exit(1);
    }
    if (!row->window_ms || rating->timestamp_ms >= row->last_ms)
        *row = (struct group_row){window_ms,
                                  rating->timestamp_ms,
                                  e4_from_double(rating->popularity),
                                  e4_from_double(rating->vote_average),
                                  rating->movie_id,
                                  rating->vote_count};
    return added;
}

static void bare(struct bench *bench, const char *prefix, bool decodes)
{
    GError *error = NULL;
    g_autofree char *topic = g_strconcat(prefix, TOPIC, NULL);
    g_autofree struct group_row *rows = decodes ? g_new0(struct group_row, BARE_SLOTS) : NULL;
    rd_kafka_message_t **taken = g_new(rd_kafka_message_t *, TAKEN_MAX);
    struct arena *arena = arena_new();
    rd_kafka_t *client = consumer_new("bare");
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    int64_t start_us = clock_monotonic_us(bench->clock);
    for (int p = 0; p < (int)bench->config->bus_partitions; p++)
        rd_kafka_consume_start_queue(handle, p, RD_KAFKA_OFFSET_BEGINNING, queue);
    size_t groups = 0;
    for (gint64 seen = 0; seen < records;) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, WAIT_MS, taken, TAKEN_MAX);
        for (ssize_t i = 0; i < count; i++) {
            const rd_kafka_message_t *message = taken[i];
            seen += !message->err;
            if (decodes && !message->err) {
                struct rating rating;
                const struct span value = {message->payload, message->len};
                check(serde_decode(bench->serde, TOPIC_RATINGS, value, arena, &rating, &error),
                      &error);
                groups += aggregate(rows, groups, &rating);
            }
            rd_kafka_message_destroy(taken[i]);
        }
        arena_reset(arena);
    }
    g_autofree char *more = decodes ? g_strdup_printf("%zu groups, ", groups) : g_strdup("");
    tell(bench, decodes ? "bare" : "count", records, start_us, more);
    for (int p = 0; p < (int)bench->config->bus_partitions; p++)
        rd_kafka_consume_stop(handle, p);
    rd_kafka_topic_destroy(handle);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    arena_free(arena);
    g_free(taken);
}

/* ---- the engine ---- */

static int64_t taken(const struct stream_cluster *cluster)
{
    struct stream_counts counts;
    stream_cluster_counts(cluster, NULL, &counts);
    return counts.classes[RECORD_USED];
}

/* One step; true: it found nothing to do. */
static bool engine_step(struct bench *bench, struct stream_cluster *cluster)
{
    GError *error = NULL;
    bool idle = false;
    if (!stream_cluster_step(cluster, &idle, &error)) {
        check(error_is(error, AGAIN), &error);
        g_clear_error(&error);
    }
    if (idle) /* the core is the broker's then */
        stop_wait_ms(bench->context.stop, IDLE_MS);
    return idle;
}

static void engine(struct bench *bench)
{
    GError *error = NULL;
    memory_be_frugal(); /* as `marquee run` does */
    struct stream_cluster *cluster =
        stream_cluster_open(&bench->context, bench->bus, bench->serde, "bench", &error);
    check(cluster, &error);
    /* From the step that finds the first record (what joining takes is the group's session, not
     * speed) to the commit of the last one, which isn't made to wait for its second. Where fewer
     * are used than --records says it ends when all is read and committed. */
    int64_t start_us;
    do {
        start_us = clock_monotonic_us(bench->clock);
        engine_step(bench, cluster);
    } while (taken(cluster) == 0);
    for (bool idle = false;
         taken(cluster) < records && !(idle && stream_cluster_caught_up(cluster));)
        idle = engine_step(bench, cluster);
    check(stream_cluster_commit(cluster, &error), &error);
    g_autofree char *more = g_strdup_printf(
        "sink %s, %.0f commits, %.0f rows of movie_stats, ", bench->config->stream_sink,
        metrics_get(bench->metrics, METRIC_STREAM_COMMITS, NULL),
        metrics_get(bench->metrics, METRIC_SPEED_ROWS, "movie_stats"));
    tell(bench, "engine", taken(cluster), start_us, more);
    /* The ranks of the last windows are of the next transaction, when that is due. */
    while (!engine_step(bench, cluster) || !stream_cluster_caught_up(cluster))
        ;
    tell(bench, "ranked", taken(cluster), start_us, "the last windows' ranks too, ");
    stream_cluster_close(cluster);
}

/* ---- latency ---- */

/* When each record of a partition was handed to the producer. */
struct sent {
    int64_t first_offset;
    GArray *times_us; /* by offset - first_offset */
};

static int compare_us(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Takes the time of every record below the group's committed offset. */
static void take_committed(rd_kafka_t *client,
                           rd_kafka_topic_partition_list_t *list,
                           struct sent *sent,
                           size_t *taken,
                           int64_t now_us,
                           GArray *latencies)
{
    if (rd_kafka_committed(client, list, PROBE_WAIT_MS))
        return;
    for (int p = 0; p < list->cnt; p++) {
        int64_t until = list->elems[p].offset - sent[p].first_offset;
        while ((int64_t)taken[p] < until && taken[p] < sent[p].times_us->len) {
            int64_t us = now_us - g_array_index(sent[p].times_us, int64_t, taken[p]++);
            g_array_append_val(latencies, us);
        }
    }
}

static void send_tick(struct bench *bench, size_t count, struct sent *sent)
{
    static struct bus_message messages[BATCH_RECORDS];
    static int64_t offsets[BATCH_RECORDS];
    int64_t now_us = clock_monotonic_us(bench->clock);
    produce(bench, count, clock_now_ms(bench->clock), 0, 0, offsets, messages);
    for (size_t i = 0; i < count; i++) {
        int p = topic_partition(messages[i].key.data, messages[i].key.len,
                                (int)bench->config->bus_partitions);
        if (sent[p].first_offset < 0)
            sent[p].first_offset = offsets[i];
        g_array_append_val(sent[p].times_us, now_us);
    }
}

struct producer {
    struct bench *bench;
    struct sent *sent;
    pthread_mutex_t lock;
    bool done;
};

static void *produce_steadily(void *data)
{
    struct producer *producer = data;
    struct bench *bench = producer->bench;
    int64_t start_us = clock_monotonic_us(bench->clock);
    gint64 total = rate * seconds;
    for (gint64 done = 0; done < total;) {
        int64_t passed_us = clock_monotonic_us(bench->clock) - start_us;
        gint64 due = MIN(total, passed_us * rate / G_USEC_PER_SEC) - done;
        if (due > 0) {
            due = MIN(due, BATCH_RECORDS);
            pthread_mutex_lock(&producer->lock);
            send_tick(bench, (size_t)due, producer->sent);
            pthread_mutex_unlock(&producer->lock);
            done += due;
        }
        stop_wait_ms(bench->context.stop, TICK_MS);
    }
    pthread_mutex_lock(&producer->lock);
    producer->done = true;
    pthread_mutex_unlock(&producer->lock);
    return NULL;
}

static void latency(struct bench *bench, const char *prefix)
{
    struct sent sent[PARTITIONS_MAX];
    size_t taken[PARTITIONS_MAX] = {0};
    int partitions = (int)bench->config->bus_partitions;
    bool prefixed = strchr(group, '-') == NULL; /* a peer's group has no prefix, but a dash */
    g_autofree char *topic = g_strconcat(prefix, TOPIC, NULL);
    g_autofree char *remote = g_strconcat(prefixed ? prefix : "", group, NULL);
    rd_kafka_t *client = consumer_new(remote);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    g_autoptr(GArray) latencies = g_array_sized_new(FALSE, FALSE, sizeof(int64_t), 1 << 16);
    for (int p = 0; p < partitions; p++) {
        sent[p] = (struct sent){-1, g_array_new(FALSE, FALSE, sizeof(int64_t))};
        rd_kafka_topic_partition_list_add(list, topic, p);
    }
    bench->zipf = zipf_table();
    struct producer producer = {.bench = bench, .sent = sent};
    pthread_mutex_init(&producer.lock, NULL);
    pthread_t thread;
    if (pthread_create(&thread, NULL, produce_steadily, &producer) != 0)
        exit(1);
    int64_t end_us = INT64_MAX;
    for (;;) {
        int64_t now_us = clock_monotonic_us(bench->clock);
        pthread_mutex_lock(&producer.lock);
        take_committed(client, list, sent, taken, now_us, latencies);
        if (producer.done && end_us == INT64_MAX)
            end_us = now_us + SETTLE_MS * 1000;
        pthread_mutex_unlock(&producer.lock);
        if (latencies->len == (guint)(rate * seconds) || now_us > end_us)
            break;
        stop_wait_ms(bench->context.stop, PROBE_MS);
    }
    pthread_join(thread, NULL);
    g_array_sort(latencies, compare_us);
    const int64_t *us = (const int64_t *)(void *)latencies->data;
    guint count = latencies->len;
    printf("latency  p50 %.0f ms, p99 %.0f ms, max %.0f ms  (group %s, %" G_GINT64_FORMAT
           " records/s for %" G_GINT64_FORMAT " s, %u of %" G_GINT64_FORMAT
           " committed; from the producer's call to the committed transaction)\n",
           count ? (double)us[count / 2] / 1000 : NAN,
           count ? (double)us[count * 99 / 100] / 1000 : NAN,
           count ? (double)us[count - 1] / 1000 : NAN, remote, rate, seconds, count,
           rate * seconds);
    for (int p = 0; p < partitions; p++)
        g_array_unref(sent[p].times_us);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
}

int main(int argc, char **argv)
{
    const GOptionEntry entries[] = {
        {"records", 0, 0, G_OPTION_ARG_INT64, &records, "how many", "N"},
        {"movies", 0, 0, G_OPTION_ARG_INT64, &movies, "of how many movies", "N"},
        {"hours", 0, 0, G_OPTION_ARG_INT64, &hours, "of event time", "N"},
        {"rate", 0, 0, G_OPTION_ARG_INT64, &rate, "latency: records a second", "N"},
        {"seconds", 0, 0, G_OPTION_ARG_INT64, &seconds, "latency: for so long", "N"},
        {"group", 0, 0, G_OPTION_ARG_STRING, &group, "latency: whose offsets", "GROUP"},
        {"dir", 0, 0, G_OPTION_ARG_FILENAME, &folder, "engine: data.dir", "DIR"},
        {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &settings, "a setting", "NAME=VALUE"},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GError) error = NULL;
    GOptionContext *options = g_option_context_new("load|topic|count|bare|engine|latency PREFIX");
    g_option_context_add_main_entries(options, entries, NULL);
    bool parsed = g_option_context_parse(options, &argc, &argv, &error);
    g_option_context_free(options);
    if (!parsed || argc != 3 || !g_getenv("MARQUEE_KAFKA")) {
        fprintf(
            stderr,
            "bench_kafka: load|topic|count|bare|engine|latency PREFIX, and MARQUEE_KAFKA set\n");
        return 2;
    }
    struct bench bench;
    const char *part = argv[1], *prefix = argv[2];
    bench_open(&bench, prefix);
    if (g_str_equal(part, "load"))
        load(&bench);
    else if (g_str_equal(part, "topic"))
        check(bus_member_create_topic(bench.bus, "peer-out", (int)bench.config->bus_partitions,
                                      MEMBER_TOPIC_COMPACTED, &error),
              &error);
    else if (g_str_equal(part, "engine"))
        engine(&bench);
    else if (g_str_equal(part, "latency"))
        latency(&bench, prefix);
    else
        bare(&bench, prefix, g_str_equal(part, "bare"));
    bench_close(&bench);
    return 0;
}

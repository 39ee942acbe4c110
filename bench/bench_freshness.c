/* How long a record takes from the producer to an answer of the API, at a steady rate, all embedded
 * in one process as in `marquee up`: bus ─► stream stage ─► speed store ─► sync stage ─► speed
 * views ─► HTTP server ─► client.
 *
 *   bench_freshness [--rate N] [--seconds N] [--no-cache] [--views] [--quick]
 *
 * Each batch holds a marker: a rating of movie 1 whose vote_count is the batch's number. The reader
 * asks GET /api/v1/movies/1 over a kept connection, again and again, and takes the time when an
 * answer first has a number at or above the marker's. --no-cache: with cache.size 0B, so that each
 * answer is made anew. --views: the reader asks the views, without the API. Half of the records are
 * ratings, half user events, of 5,000 movies. Measured, not asserted. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "bus/bus.h"
#include "bus/registry.h"
#include "bus/serde.h"
#include "net/http_client.h"
#include "serve/serve.h"
#include "stream/stream.h"
#include "view/sync.h"
#include "view/view.h"

#define BATCH_MS      20
#define BATCH_MAX     10000
#define MOVIES        5000
#define USERS         100000
#define MARKER_MOVIE  1
#define READ_MS       5
#define SETTLE_MS     5000 /* after the last batch */
#define ANSWER_MS     10000
#define US_PER_MS     1000
#define SEED          42
#define QUICK_SECONDS 2
#define QUICK_RATE    1000

static gint64 rate = 10000, seconds = 20;
static gboolean quick, no_cache, views;

struct bench {
    struct config *config;
    struct context context;
    gint64 batches;
    int64_t *sent_us; /* of batch n, set before it is produced */
    int64_t *seen_us; /* when the reader first saw it or a later one; 0: never */
    gint64 answers;
};

/* error: where the call leaves one; read after the call. */
static void check(bool done, GError **error)
{
    if (done)
        return;
    fprintf(stderr, "bench_freshness: %s\n", error && *error ? (*error)->message : "failed");
    exit(1);
}

static void *stream_main(void *data)
{
    GError *error = NULL;
    check(stream_run(&((struct bench *)data)->context, &error), &error);
    return NULL;
}

static void *sync_main(void *data)
{
    GError *error = NULL;
    check(sync_run(&((struct bench *)data)->context, &error), &error);
    return NULL;
}

/* ---- producing ---- */

static void add_record(GArray *ends,
                       GArray *topics,
                       GArray *movies,
                       GByteArray *bytes,
                       struct serde *serde,
                       enum topic topic,
                       int32_t movie_id,
                       const void *record)
{
    serde_encode(serde, topic, record, bytes);
    g_array_append_val(ends, bytes->len);
    g_array_append_val(topics, topic);
    g_array_append_val(movies, movie_id);
}

struct producer {
    struct bench *bench;
    struct bus *bus;
    struct serde *serde;
    GRand *random;
    GByteArray *bytes;
    GArray *ends, *topics, *movies;
    int64_t sequence;
};

static void fill(struct producer *producer, gint64 batch, size_t count)
{
    int64_t now_ms = clock_now_ms(producer->bench->context.clock);
    for (size_t i = 0; i < count; i++) {
        int32_t movie = i == 0 ? MARKER_MOVIE : g_rand_int_range(producer->random, 2, MOVIES);
        if (i % 2 == 0) {
            const struct rating rating = {
                .movie_id = movie,
                .vote_average = 7,
                .vote_count = i == 0 ? (int32_t)batch : g_rand_int_range(producer->random, 0, 9999),
                .popularity = g_rand_double_range(producer->random, 1, 500),
                .timestamp_ms = now_ms,
            };
            add_record(producer->ends, producer->topics, producer->movies, producer->bytes,
                       producer->serde, TOPIC_RATINGS, movie, &rating);
        } else {
            char id[40];
            int len = g_snprintf(id, sizeof id, "bench.1:%" PRId64, producer->sequence++);
            const struct user_event event = {
                .event_id = {id, (size_t)len},
                .user_id = g_rand_int_range(producer->random, 0, USERS),
                .movie_id = movie,
                .timestamp_ms = now_ms,
            };
            add_record(producer->ends, producer->topics, producer->movies, producer->bytes,
                       producer->serde, TOPIC_EVENTS, movie, &event);
        }
    }
}

static void produce_batch(struct producer *producer, gint64 batch, size_t count)
{
    g_byte_array_set_size(producer->bytes, 0);
    g_array_set_size(producer->ends, 0);
    g_array_set_size(producer->topics, 0);
    g_array_set_size(producer->movies, 0);
    fill(producer, batch, count);
    g_autofree struct bus_message *messages = g_new0(struct bus_message, count);
    g_autofree char *keys = g_malloc(count * TOPIC_KEY_BYTES);
    for (size_t i = 0, from = 0; i < count; i++) {
        guint end = g_array_index(producer->ends, guint, i);
        char *key = keys + i * TOPIC_KEY_BYTES;
        messages[i] = (struct bus_message){
            .topic = topic_info(g_array_index(producer->topics, enum topic, i))->name,
            .partition = BUS_PARTITION_BY_KEY,
            .key = {key, topic_movie_key(g_array_index(producer->movies, int32_t, i), key)},
            .value = {(const char *)producer->bytes->data + from, end - from},
        };
        from = end;
    }
    GError *error = NULL;
    __atomic_store_n(&producer->bench->sent_us[batch],
                     clock_monotonic_us(producer->bench->context.clock), __ATOMIC_RELEASE);
    check(bus_produce(producer->bus, messages, count, NULL, &error), &error);
}

static void *produce_main(void *data)
{
    struct bench *bench = data;
    GError *error = NULL;
    struct producer producer = {.bench = bench, .random = g_rand_new_with_seed(SEED)};
    producer.bus = bus_open(&bench->context, &error);
    check(producer.bus, &error);
    struct registry *registry = registry_open(&bench->context, &error);
    check(registry, &error);
    producer.serde = serde_new(registry, &error);
    check(producer.serde, &error);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        check(bus_create_topic(producer.bus, topic_info(topic)->name,
                               (int)bench->config->bus_partitions, &error),
              &error);
    producer.bytes = g_byte_array_new();
    producer.ends = g_array_new(FALSE, FALSE, sizeof(guint));
    producer.topics = g_array_new(FALSE, FALSE, sizeof(enum topic));
    producer.movies = g_array_new(FALSE, FALSE, sizeof(int32_t));
    int64_t start_us = clock_monotonic_us(bench->context.clock);
    for (gint64 batch = 1; batch <= bench->batches; batch++) {
        int64_t due_us = start_us + batch * BATCH_MS * US_PER_MS,
                wait_us = due_us - clock_monotonic_us(bench->context.clock);
        if (wait_us > 0)
            stop_wait_ms(bench->context.stop, wait_us / US_PER_MS);
        produce_batch(&producer, batch, (size_t)(rate * BATCH_MS / MS_PER_SECOND));
    }
    double took = (double)(clock_monotonic_us(bench->context.clock) - start_us) / 1e6;
    printf("produced %" G_GINT64_FORMAT " records in %.1f s: %.0f/s\n",
           bench->batches * rate * BATCH_MS / MS_PER_SECOND, took,
           (double)(bench->batches * rate * BATCH_MS) / (double)MS_PER_SECOND / took);
    g_byte_array_unref(producer.bytes);
    g_array_unref(producer.ends);
    g_array_unref(producer.topics);
    g_array_unref(producer.movies);
    g_rand_free(producer.random);
    serde_free(producer.serde);
    registry_close(registry);
    bus_close(producer.bus);
    return NULL;
}

/* ---- reading ---- */

/* What asks: the views, or the API. */
struct reader {
    struct bench *bench;
    struct view *view;
    struct arena *arena;
    struct serve *serve;
    struct http_client *client;
    char *url;
    gint64 highest; /* marker of the last answer */
};

static gint64 marker_in(const char *json)
{
    const char *votes = strstr(json, "\"vote_count\":");
    return votes ? g_ascii_strtoll(strchr(votes, ':') + 1, NULL, 10) : 0;
}

static void reader_open(struct reader *reader, struct bench *bench)
{
    GError *error = NULL;
    *reader = (struct reader){.bench = bench, .arena = arena_new()};
    if (views) {
        reader->view = view_open(&bench->context, &error);
        check(reader->view, &error);
        return;
    }
    const struct http_client_options options = {.concurrency = 1, .timeout_ms = ANSWER_MS};
    reader->serve = serve_start(&bench->context, &error);
    check(reader->serve, &error);
    reader->client = http_client_new(&bench->context, &options, &error);
    check(reader->client, &error);
    reader->url = g_strdup_printf("http://127.0.0.1:%d/api/v1/movies/%d", serve_port(reader->serve),
                                  MARKER_MOVIE);
}

static void reader_close(struct reader *reader)
{
    http_client_free(reader->client);
    serve_stop(reader->serve);
    view_close(reader->view);
    arena_free(reader->arena);
    g_free(reader->url);
}

static void take_answer(const struct http_answer *answer, void *user)
{
    struct reader *reader = user;
    const char *latest = answer->status == 200 ? strstr(answer->body, "\"latest\":") : NULL;
    if (answer->status != 200 && answer->status != 404) { /* 404: nothing is known yet */
        fprintf(stderr, "bench_freshness: %s: status %d\n", answer->url, answer->status);
        exit(1);
    }
    if (latest)
        reader->highest = marker_in(latest);
}

static void read_views(struct reader *reader)
{
    GError *error = NULL;
    struct speed_doc *docs;
    size_t count;
    arena_reset(reader->arena);
    check(view_query_speed(reader->view, "stats", MARKER_MOVIE, 0,
                           clock_now_ms(reader->bench->context.clock) + 1, reader->arena, &docs,
                           &count, &error),
          &error);
    for (size_t i = 0; i < count; i++)
        reader->highest = MAX(reader->highest, marker_in(docs[i].data));
}

/* The highest marker that is visible. */
static gint64 read_marker(struct reader *reader)
{
    GError *error = NULL;
    if (reader->view) {
        read_views(reader);
    } else {
        check(http_client_get(reader->client, reader->url, take_answer, reader, &error), &error);
        while (http_client_pending(reader->client))
            http_client_run(reader->client, ANSWER_MS);
    }
    reader->bench->answers++;
    return reader->highest;
}

static void read_until_all(struct bench *bench)
{
    struct reader reader;
    reader_open(&reader, bench);
    int64_t end_ms =
        clock_monotonic_ms(bench->context.clock) + bench->batches * BATCH_MS + SETTLE_MS;
    gint64 seen = 0;
    while (seen < bench->batches && clock_monotonic_ms(bench->context.clock) < end_ms) {
        gint64 now_seen = read_marker(&reader);
        int64_t now_us = clock_monotonic_us(bench->context.clock);
        while (seen < now_seen && seen < bench->batches)
            bench->seen_us[++seen] = now_us;
        stop_wait_ms(bench->context.stop, READ_MS);
    }
    reader_close(&reader);
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void report(struct bench *bench)
{
    g_autofree int64_t *waits_us = g_new0(int64_t, bench->batches);
    gint64 count = 0;
    for (gint64 i = 1; i <= bench->batches; i++) {
        if (bench->seen_us[i])
            waits_us[count++] =
                bench->seen_us[i] - __atomic_load_n(&bench->sent_us[i], __ATOMIC_ACQUIRE);
    }
    qsort(waits_us, (size_t)count, sizeof *waits_us, compare_times);
    if (count == 0)
        check(false, NULL);
    printf("visible  median %" PRId64 " ms, p99 %" PRId64 " ms, worst %" PRId64
           " ms (%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " markers seen in %" G_GINT64_FORMAT
           " %s)\n",
           waits_us[count / 2] / US_PER_MS, waits_us[count * 99 / 100] / US_PER_MS,
           waits_us[count - 1] / US_PER_MS, count, bench->batches, bench->answers,
           views      ? "queries of the views"
           : no_cache ? "answers of the API, each made anew"
                      : "answers of the API, cached as configured");
}

/* ---- main ---- */

static void remove_folder(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_unlink(file);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(path);
}

int main(int argc, char **argv)
{
    const GOptionEntry entries[] = {
        {"rate", 0, 0, G_OPTION_ARG_INT64, &rate, "records a second", "N"},
        {"seconds", 0, 0, G_OPTION_ARG_INT64, &seconds, "how long", "N"},
        {"no-cache", 0, 0, G_OPTION_ARG_NONE, &no_cache, "cache.size 0B", NULL},
        {"views", 0, 0, G_OPTION_ARG_NONE, &views, "ask the views instead of the API", NULL},
        {"quick", 0, 0, G_OPTION_ARG_NONE, &quick, "a short run", NULL},
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *options = g_option_context_new(NULL);
    GError *error = NULL;
    g_option_context_add_main_entries(options, entries, NULL);
    check(g_option_context_parse(options, &argc, &argv, &error), &error);
    g_option_context_free(options);
    if (quick) {
        rate = QUICK_RATE;
        seconds = QUICK_SECONDS;
    }
    if (rate * BATCH_MS / MS_PER_SECOND < 1 || rate * BATCH_MS / MS_PER_SECOND > BATCH_MAX) {
        fprintf(stderr, "bench_freshness: --rate: expected 50 to 500000\n");
        return 2;
    }
    char *folder = g_dir_make_tmp("bench-freshness-XXXXXX", &error);
    check(folder, &error);
    struct bench bench = {.config = config_new_default(),
                          .batches = seconds * MS_PER_SECOND / BATCH_MS};
    g_free(bench.config->data_dir);
    bench.config->data_dir = g_strdup(folder);
    bench.config->serve_port = 0;
    if (no_cache)
        bench.config->cache_size_bytes = 0;
    bench.sent_us = g_new0(int64_t, bench.batches + 1);
    bench.seen_us = g_new0(int64_t, bench.batches + 1);
    struct clock *clock = clock_new_real();
    bench.context = (struct context){
        .config = bench.config,
        .clock = clock,
        .log = log_new(STDERR_FILENO, LOG_LEVEL_WARN, LOG_FORMAT_TEXT, clock),
        .metrics = metrics_new(),
        .stop = stop_new(),
    };
    pthread_t stages[2], producer;
    pthread_create(&stages[0], NULL, stream_main, &bench);
    pthread_create(&stages[1], NULL, sync_main, &bench);
    pthread_create(&producer, NULL, produce_main, &bench);
    read_until_all(&bench);
    pthread_join(producer, NULL);
    stop_request(bench.context.stop);
    pthread_join(stages[0], NULL);
    pthread_join(stages[1], NULL);
    report(&bench);
    stop_free(bench.context.stop);
    metrics_free(bench.context.metrics);
    log_free(bench.context.log);
    clock_free(clock);
    g_free(bench.sent_us);
    g_free(bench.seen_us);
    config_free(bench.config);
    remove_folder(folder);
    g_free(folder);
    return 0;
}

/* The stream engine on the embedded side, one core: ratings (Avro, SQLite bus) -> 5-minute windows
 * per movie -> speed tables, exactly once. Records: Zipf over the movies, spread over some hours of
 * event time, slightly out of order. Beside it a bare loop over the same batches that decodes and
 * aggregates in a hash table, without any guarantee.
 *
 *   bench_stream [--records N] [--movies N] [--hours N] [--commit-records N] [--dir DIR] [--only
 * PART]
 *                [--reviews] [--uniform] [--curve] [--resume] [--quick]
 *
 * --reviews: reviews of 100 words each (so the sentiment job works, and there is no bare loop).
 * --uniform: each movie in turn instead of Zipf, so that a million movies are a million keys.
 * --curve: resident memory after each million records. --resume: closes the engine and opens it
 * again, while another connection asks the speed store; then a thousand records of a thousand
 * movies, whose state comes from disk. Prints one line of numbers a part. Each part is a child
 * process, so the memory shown is its own. */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus.h"
#include "bus/registry.h"
#include "bus/serde.h"
#include "speed/speed.h"
#include "stream/stream.h"

#define BATCH_RECORDS 10000
#define DISORDER_MS   INT64_C(30000)
#define SEED          42
#define FETCH_BYTES   ((size_t)256 * 1024)
#define WINDOW_MS     (5 * MS_PER_MINUTE)
#define BARE_SLOTS    (1u << 22)
#define US_PER_SECOND 1e6
#define QUICK_RECORDS 100000
#define REVIEW_WORDS  100
#define CURVE_RECORDS INT64_C(1000000)
#define AFTER_RECORDS 1000 /* taken after a resume */

static gint64 records = 2000000, movies = 50000, hours = 6, commit_records = 0;
static char *folder, *only;
static gboolean quick, reviews, uniform, curve, resume;

/* error: where the call leaves one; read after the call. */
static void check(bool done, GError **error)
{
    if (done)
        return;
    fprintf(stderr, "bench_stream: %s\n", error && *error ? (*error)->message : "failed");
    exit(1);
}

static const char *input_topic(void)
{
    return reviews ? "movie.reviews" : "movie.ratings";
}

/* What the parts share. */
struct bench {
    struct config *config;
    struct clock *clock;
    struct metrics *metrics;
    struct context context;
    struct bus *bus;
    struct registry *registry;
    struct serde *serde;
};

static void bench_open(struct bench *bench)
{
    GError *error = NULL;
    bench->config = config_new_default();
    g_free(bench->config->data_dir);
    bench->config->data_dir = g_strdup(folder);
    if (commit_records > 0)
        bench->config->stream_commit_records = commit_records;
    bench->clock = clock_new_real();
    bench->metrics = metrics_new();
    bench->context =
        (struct context){.config = bench->config, .clock = bench->clock, .metrics = bench->metrics};
    bench->bus = bus_open(&bench->context, &error);
    check(bench->bus, &error);
    bench->registry = registry_open(&bench->context, &error);
    check(bench->registry, &error);
    bench->serde = serde_new(bench->registry, &error);
    check(bench->serde, &error);
    check(bus_create_topic(bench->bus, input_topic(), (int)bench->config->bus_partitions, &error),
          &error);
}

static void bench_close(struct bench *bench)
{
    serde_free(bench->serde);
    registry_close(bench->registry);
    bus_close(bench->bus);
    metrics_free(bench->metrics);
    clock_free(bench->clock);
    config_free(bench->config);
}

static double seconds_since(const struct bench *bench, int64_t start_us)
{
    return (double)(clock_monotonic_us(bench->clock) - start_us) / US_PER_SECOND;
}

/* What the machine's other work doesn't change. */
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

static double resident_mb(void)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL))
        return 0;
    const char *resident = strchr(text, ' ');
    return resident ? g_ascii_strtod(resident, NULL) * (double)sysconf(_SC_PAGESIZE) / (1 << 20)
                    : 0;
}

/* ---- produce ---- */

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

static void encode_rating(struct bench *bench,
                          GRand *random,
                          int32_t movie,
                          gint64 number,
                          int64_t event_ms,
                          GByteArray *bytes)
{
    const struct rating rating = {
        .movie_id = movie,
        .vote_average = round(g_rand_double_range(random, 4, 9) * 1000) / 1000,
        .vote_count = (int32_t)(number / 100 + movie % 1000),
        .popularity = round(g_rand_double_range(random, 1, 500) * 1000) / 1000,
        .timestamp_ms = event_ms,
    };
    serde_encode(bench->serde, TOPIC_RATINGS, &rating, bytes);
}

static void encode_review(struct bench *bench,
                          GRand *random,
                          int32_t movie,
                          gint64 number,
                          int64_t event_ms,
                          GByteArray *bytes)
{
    static const char *const words[] = {
        "the ",      "movie ",  "was ",       "not ",    "very ",   "good, ",   "but ",
        "terrible ", "acting ", "and ",       "a ",      "great ",  "story. ",  "I ",
        "LOVED ",    "it! ",    "plot ",      "boring ", "scenes ", "with ",    "no ",
        "heart, ",   "slow ",   "camera ",    "in ",     "every ",  "minute. ", "of ",
        "director",  " is ",    "brilliant ", "ending ",
    };
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < REVIEW_WORDS; i++)
        g_string_append(text, words[g_rand_int_range(random, 0, (gint32)G_N_ELEMENTS(words))]);
    char id[32];
    int len = g_snprintf(id, sizeof id, "%024" G_GINT64_FORMAT, number);
    const struct review review = {
        .review_id = {id, (size_t)len},
        .movie_id = movie,
        .author = {"author", 6},
        .content = {text->str, text->len},
        .url = {"https://example.org", 19},
        .created_at_ms = event_ms,
    };
    serde_encode(bench->serde, TOPIC_REVIEWS, &review, bytes);
}

static void produce(void)
{
    struct bench bench;
    bench_open(&bench);
    g_autofree double *zipf = zipf_table();
    GRand *random = g_rand_new_with_seed(SEED);
    struct bus_message *messages = g_new0(struct bus_message, BATCH_RECORDS);
    char(*keys)[TOPIC_KEY_BYTES] = g_malloc(sizeof *keys * BATCH_RECORDS);
    size_t *ends = g_new(size_t, BATCH_RECORDS);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    int64_t end_ms = clock_now_ms(bench.clock), start_ms = end_ms - hours * MS_PER_HOUR,
            start_us = clock_monotonic_us(bench.clock);
    for (gint64 done = 0; done < records;) {
        size_t count = (size_t)MIN(records - done, BATCH_RECORDS);
        g_byte_array_set_size(bytes, 0);
        for (size_t i = 0; i < count; i++, done++) {
            int32_t movie = uniform ? (int32_t)(done % movies) + 1 : zipf_movie(zipf, random);
            int64_t even_ms =
                start_ms + (int64_t)((double)done / (double)records * (double)(end_ms - start_ms));
            (reviews ? encode_review : encode_rating)(
                &bench, random, movie, done,
                even_ms - g_rand_int_range(random, 0, (gint32)DISORDER_MS), bytes);
            ends[i] = bytes->len;
            messages[i] = (struct bus_message){
                .topic = input_topic(),
                .partition = BUS_PARTITION_BY_KEY,
                .key = {keys[i], topic_movie_key(movie, keys[i])},
            };
        }
        for (size_t i = 0, from = 0; i < count; from = ends[i], i++)
            messages[i].value = (struct span){(const char *)bytes->data + from, ends[i] - from};
        GError *error = NULL;
        check(bus_produce(bench.bus, messages, count, NULL, &error), &error);
    }
    double seconds = seconds_since(&bench, start_us);
    printf("produce  %9.0f records/s  (%" G_GINT64_FORMAT
           " records, %.2f s, %.2f s of CPU, generated on the way)\n",
           (double)records / seconds, records, seconds, cpu_seconds());
    fflush(stdout);
    g_free(messages);
    g_free(keys);
    g_free(ends);
    g_rand_free(random);
    bench_close(&bench);
}

/* ---- the bare loop ---- */

struct group {
    int64_t window_ms;
    int64_t last_ms, popularity_e4, vote_average_e4;
    int32_t movie_id, vote_count;
};

static void aggregate(struct group *groups, size_t *count, const struct rating *rating)
{
    int64_t window_ms = rating->timestamp_ms / WINDOW_MS * WINDOW_MS;
    uint64_t hash =
        ((uint64_t)window_ms ^ (uint64_t)rating->movie_id << 32) * UINT64_C(0x9e3779b97f4a7c15);
    size_t slot = hash >> 42;
    while (groups[slot].window_ms &&
           (groups[slot].window_ms != window_ms || groups[slot].movie_id != rating->movie_id))
        slot = (slot + 1) & (BARE_SLOTS - 1);
    struct group *group = &groups[slot];
    if (!group->window_ms && ++*count == BARE_SLOTS) {
        fprintf(stderr, "bench_stream: more than %u groups; fewer records, or --only PART\n",
                BARE_SLOTS - 1);
        exit(1);
    }
    if (group->window_ms && rating->timestamp_ms < group->last_ms)
        return;
    *group = (struct group){window_ms,
                            rating->timestamp_ms,
                            e4_from_double(rating->popularity),
                            e4_from_double(rating->vote_average),
                            rating->movie_id,
                            rating->vote_count};
}

static void bare_loop(void)
{
    struct bench bench;
    bench_open(&bench);
    struct arena *arena = arena_new(), *scratch = arena_new();
    struct group *groups = g_new0(struct group, BARE_SLOTS);
    size_t groups_count = 0;
    gint64 seen = 0;
    int64_t start_us = clock_monotonic_us(bench.clock);
    for (int p = 0; p < (int)bench.config->bus_partitions; p++) {
        struct bus_batch batch = {0};
        do {
            GError *error = NULL;
            arena_reset(arena);
            check(bus_fetch(bench.bus, "movie.ratings", p, batch.next_offset, FETCH_BYTES, arena,
                            &batch, &error),
                  &error);
            for (size_t i = 0; i < batch.count; i++) {
                struct rating rating;
                check(serde_decode(bench.serde, TOPIC_RATINGS, batch.records[i].value, scratch,
                                   &rating, &error),
                      &error);
                aggregate(groups, &groups_count, &rating);
            }
            arena_reset(scratch);
            seen += (gint64)batch.count;
        } while (batch.count > 0);
    }
    double seconds = seconds_since(&bench, start_us);
    printf(
        "bare     %9.0f records/s  (%zu groups, %.2f s, %.2f s of CPU: fetch, decode, hash table; "
        "nothing is kept)\n",
        (double)seen / seconds, groups_count, seconds, cpu_seconds());
    fflush(stdout);
    g_free(groups);
    arena_free(scratch);
    arena_free(arena);
    bench_close(&bench);
}

/* ---- the engine ---- */

static void step_until_idle(const struct bench *bench, struct stream *stream)
{
    GError *error = NULL;
    struct stream_counts counts = {0};
    int64_t tell_at = CURVE_RECORDS;
    for (bool idle = false; !idle;) {
        check(stream_step(stream, &idle, &error), &error);
        if (!curve)
            continue;
        stream_counts(stream, NULL, &counts);
        if (counts.classes[RECORD_USED] < tell_at)
            continue;
        printf("curve    %9.1f MB resident after %" PRId64 " records (%.0f windows in memory)\n",
               resident_mb(), counts.classes[RECORD_USED],
               metrics_get(bench->metrics, METRIC_STREAM_STATE_WINDOWS, NULL));
        tell_at += CURVE_RECORDS;
    }
    check(stream_commit(stream, &error), &error);
}

static void run_engine(void)
{
    struct bench bench;
    bench_open(&bench);
    GError *error = NULL;
    double peak_before_mb = peak_mb();
    int64_t start_us = clock_monotonic_us(bench.clock);
    struct stream *stream = stream_open(&bench.context, bench.bus, bench.serde, &error);
    check(stream, &error);
    step_until_idle(&bench, stream);
    double seconds = seconds_since(&bench, start_us);
    struct stream_counts counts;
    stream_counts(stream, NULL, &counts);
    printf("engine   %9.0f records/s  (%" PRId64 " used, %" PRId64
           " late, %.0f commits, %.0f rows of movie_stats, %.2f s, %.2f s of CPU)\n",
           (double)counts.classes[RECORD_USED] / seconds, counts.classes[RECORD_USED], counts.late,
           metrics_get(bench.metrics, METRIC_STREAM_COMMITS, NULL),
           metrics_get(bench.metrics, METRIC_SPEED_ROWS, "movie_stats"), seconds, cpu_seconds());
    printf("memory   %9.1f MB peak    (%.1f MB before the engine; %.0f windows held)\n", peak_mb(),
           peak_before_mb, metrics_get(bench.metrics, METRIC_STREAM_STATE_WINDOWS, NULL));
    fflush(stdout);
    stream_close(stream);
    bench_close(&bench);
}

/* ---- going on ---- */

/* Asks the speed store for one movie after another while the engine opens. */
struct asker {
    const struct context *context;
    atomic_bool done;
    gint64 answers, rows;
    int64_t slowest_us;
};

static void *ask(void *data)
{
    struct asker *asker = data;
    GError *error = NULL;
    struct speed *speed = speed_open(asker->context, &error);
    check(speed, &error);
    GRand *random = g_rand_new_with_seed(SEED);
    struct arena *arena = arena_new();
    while (!atomic_load(&asker->done)) {
        struct stats_row *rows;
        size_t count;
        int64_t start_us = clock_monotonic_us(asker->context->clock);
        check(speed_read_stats(speed, g_rand_int_range(random, 1, (gint32)movies + 1), 0,
                               INT64_MAX / 2, arena, &rows, &count, &error),
              &error);
        asker->slowest_us =
            MAX(asker->slowest_us, clock_monotonic_us(asker->context->clock) - start_us);
        asker->answers++;
        asker->rows += (gint64)count;
        arena_reset(arena);
    }
    arena_free(arena);
    g_rand_free(random);
    speed_close(speed);
    return NULL;
}

static void run_resume(void)
{
    struct bench bench;
    bench_open(&bench);
    GError *error = NULL;
    struct asker asker = {.context = &bench.context};
    pthread_t thread;
    pthread_create(&thread, NULL, ask, &asker);
    int64_t start_us = clock_monotonic_us(bench.clock);
    struct stream *stream = stream_open(&bench.context, bench.bus, bench.serde, &error);
    check(stream, &error);
    double opened_s = seconds_since(&bench, start_us);
    bool idle;
    check(stream_step(stream, &idle, &error), &error);
    double stepped_s = seconds_since(&bench, start_us);
    atomic_store(&asker.done, true);
    pthread_join(thread, NULL);
    printf("resume   %9.3f s until open, %.3f s until the first step (%" G_GINT64_FORMAT
           " movies); meanwhile %" G_GINT64_FORMAT " answers with %" G_GINT64_FORMAT
           " rows, the slowest %.1f ms; %.1f MB\n",
           opened_s, stepped_s, movies, asker.answers, asker.rows, (double)asker.slowest_us / 1000,
           resident_mb());
    fflush(stdout);
    stream_close(stream);
    bench_close(&bench);
}

/* The engine goes on: what a commit with cold state takes. */
static void run_after(void)
{
    struct bench bench;
    bench_open(&bench);
    GError *error = NULL;
    struct stream *stream = stream_open(&bench.context, bench.bus, bench.serde, &error);
    check(stream, &error);
    int64_t start_us = clock_monotonic_us(bench.clock);
    step_until_idle(&bench, stream);
    struct stream_counts counts;
    stream_counts(stream, NULL, &counts);
    printf("after    %9.3f s for the next %d records, their state from disk (%" PRId64
           " used in all)\n",
           seconds_since(&bench, start_us), AFTER_RECORDS, counts.classes[RECORD_USED]);
    fflush(stdout);
    stream_close(stream);
    bench_close(&bench);
}

static void produce_after(void)
{
    records = AFTER_RECORDS;
    hours = 0; /* all of them now */
    produce();
}

/* Each part in a process of its own, so that none inherits another's memory. */
static bool run_part(const char *name, void (*part)(void))
{
    if (only && strcmp(only, name) != 0)
        return true;
    pid_t pid = fork();
    if (pid == 0) {
        part();
        _exit(0);
    }
    int status;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static void remove_folder(const char *path)
{
    static const char *const names[] = {"bus.db",      "bus.db-wal",      "bus.db-shm",
                                        "registry.db", "registry.db-wal", "registry.db-shm",
                                        "stream.db",   "stream.db-wal",   "stream.db-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *file = g_build_filename(path, names[i], NULL);
        g_unlink(file);
    }
    g_rmdir(path);
}

int main(int argc, char **argv)
{
    const GOptionEntry entries[] = {
        {"records", 0, 0, G_OPTION_ARG_INT64, &records, "ratings", "N"},
        {"movies", 0, 0, G_OPTION_ARG_INT64, &movies, "movies", "N"},
        {"hours", 0, 0, G_OPTION_ARG_INT64, &hours, "hours of event time", "N"},
        {"commit-records", 0, 0, G_OPTION_ARG_INT64, &commit_records,
         "stream.commit_records (default: the config's)", "N"},
        {"dir", 0, 0, G_OPTION_ARG_STRING, &folder, "kept data folder (default: a temporary one)",
         "DIR"},
        {"only", 0, 0, G_OPTION_ARG_STRING, &only,
         "produce, bare, engine or resume, on what stands in --dir", "PART"},
        {"reviews", 0, 0, G_OPTION_ARG_NONE, &reviews, "reviews instead of ratings", NULL},
        {"uniform", 0, 0, G_OPTION_ARG_NONE, &uniform, "each movie in turn", NULL},
        {"curve", 0, 0, G_OPTION_ARG_NONE, &curve, "memory after each million records", NULL},
        {"resume", 0, 0, G_OPTION_ARG_NONE, &resume, "open again what the engine left", NULL},
        {"quick", 0, 0, G_OPTION_ARG_NONE, &quick, "a short run", NULL},
        {0},
    };
    GOptionContext *options = g_option_context_new(NULL);
    GError *error = NULL;
    g_option_context_add_main_entries(options, entries, NULL);
    check(g_option_context_parse(options, &argc, &argv, &error), &error);
    g_option_context_free(options);
    if (quick)
        records = QUICK_RECORDS;
    bool temporary = !folder;
    if (temporary) {
        folder = g_dir_make_tmp("bench-stream-XXXXXX", &error);
        check(folder, &error);
    }
    bool done =
        run_part("produce", produce) && (reviews || resume || run_part("bare", bare_loop)) &&
        run_part("engine", run_engine) &&
        (!resume || (run_part("resume", run_resume) && run_part("produce-after", produce_after) &&
                     run_part("after", run_after)));
    if (temporary)
        remove_folder(folder);
    return done ? 0 : 1;
}

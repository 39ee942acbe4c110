/* One batch run over generated data, step by step, beside the same SQL in bare DuckDB.
 *
 *   bench_batch generate DIR MOVIES    movies, ratings and reviews on the bus, answers in the spool
 *   bench_batch run DIR                one run: seconds, rows and peak memory of each step
 *   bench_batch bare DIR               the run's SQL files again over its bronze, DuckDB alone: no
 *                                      bus, no journal, no checksums, no documents
 *   bench_batch export DIR             the run's documents again, into a generation of their own
 * The last three take settings behind DIR: batch.memory=3GB.
 *
 * The data is seeded and skewed: popularity falls as a power of the rank, REVIEWS_PER_MOVIE reviews
 * a movie on the average go to movies by rank likewise, RATINGS_PER_MOVIE observations each; all of
 * the last HOURS hours before a fixed instant. Each movie has an answer of TMDB's shape with its
 * credits. Times are of the clock; peak memory is the highest resident set while the step ran
 * (VmHWM, reset before each). Run by run.sh. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "batch/batch_run.h"
#include "batch/calendar.h"
#include "batch/engine_duckdb.h"
#include "batch/export.h"
#include "batch/tables.h"
#include "batch/transform.h"
#include "bus/bus.h"
#include "bus/registry.h"
#include "bus/serde.h"
#include "lake/raw_store.h"

#define SEED              42
#define NOW_MS            INT64_C(1772510400000) /* 2026-03-03T04:00:00Z */
#define HOURS             48
#define REVIEWS_PER_MOVIE 5
#define RATINGS_PER_MOVIE 4
#define PRODUCE_RECORDS   5000
#define CREDITS           12
#define PEOPLE_PER_MOVIE  2 /* people there are, per movie */
#define WORDS_MAX         120
#define STEPS_MAX         64
#define FOLDER_MODE       0750
#define MB                1e6
#define US_PER_SECOND     1e6

struct bench {
    struct config *config;
    struct context context;
    const char *dir;
};

static void check(bool done, GError **error)
{
    if (done)
        return;
    fprintf(stderr, "bench_batch: %s\n", *error ? (*error)->message : "?");
    exit(1);
}

static void open_bench(struct bench *bench, const char *dir)
{
    bench->dir = dir;
    bench->config = config_new_default();
    g_free(bench->config->data_dir);
    bench->config->data_dir = g_strdup(dir);
    bench->context = (struct context){
        .config = bench->config, .clock = clock_new_scaled(NOW_MS, 1), .metrics = metrics_new()};
}

/* ---- data ---- */

static const char *const genres[] = {"Drama",  "Comedy", "Action", "Thriller", "Horror", "Romance",
                                     "Family", "Crime",  "War",    "Mystery",  "Music",  "History"};
static const char *const words[] = {
    "the",     "film",   "is",     "a",      "great",  "terrible", "not",   "very",
    "plot",    "and",    "acting", "was",    "boring", "superb",   "but",   "hardly",
    "ever",    "moving", "I",      "loved",  "hated",  "it",       "scene", "with",
    "good",    "bad",    "music",  "slow",   "end",    "wow!",     "sad",   "funny",
    "awesome", "dull",   "weak",   "strong", "of",     "story",    "has",   "charm"};

struct sender {
    struct bus *bus;
    struct serde *serde;
    GPtrArray *kept; /* GByteArray: values of the waiting messages */
    GArray *waiting; /* struct bus_message */
    GPtrArray *keys;
};

static void flush(struct sender *sender)
{
    GError *error = NULL;
    g_autofree int64_t *offsets = g_new(int64_t, sender->waiting->len + 1);
    if (sender->waiting->len)
        check(bus_produce(sender->bus, (const struct bus_message *)(void *)sender->waiting->data,
                          sender->waiting->len, offsets, &error),
              &error);
    g_array_set_size(sender->waiting, 0);
    g_ptr_array_set_size(sender->kept, 0);
    g_ptr_array_set_size(sender->keys, 0);
}

static void
send_record(struct sender *sender, enum topic topic, int32_t movie_id, const void *record)
{
    GByteArray *bytes = g_byte_array_new();
    serde_encode(sender->serde, topic, record, bytes);
    char *key = g_strdup_printf("%d", movie_id);
    g_ptr_array_add(sender->kept, bytes);
    g_ptr_array_add(sender->keys, key);
    const struct bus_message message = {
        .topic = topic_info(topic)->name,
        .partition = BUS_PARTITION_BY_KEY,
        .key = {key, strlen(key)},
        .value = {(const char *)bytes->data, bytes->len},
    };
    g_array_append_val(sender->waiting, message);
    if (sender->waiting->len >= PRODUCE_RECORDS)
        flush(sender);
}

static struct span span(const char *text)
{
    return (struct span){text, strlen(text)};
}

static double popularity_of(int32_t movie_id)
{
    return rint(5e6 / pow(movie_id, 0.7)) / 1e4;
}

/* Ranks by a power law: few movies get most of the reviews. */
static int32_t skewed(GRand *random, int32_t movies)
{
    return 1 + (int32_t)(pow(g_rand_double(random), 3) * (double)(movies - 1));
}

static int64_t some_time(GRand *random)
{
    return NOW_MS - 1 - g_rand_int_range(random, 0, (gint32)(HOURS * MS_PER_HOUR));
}

static void make_date(GRand *random, char *buffer, size_t size)
{
    g_snprintf(buffer, (gulong)size, "%d-%02d-%02d", 1950 + g_rand_int_range(random, 0, 76),
               g_rand_int_range(random, 1, 13), g_rand_int_range(random, 1, 29));
}

static void append_credits(GString *body, GRand *random, int32_t movies)
{
    g_string_append(body, "\"credits\":{\"cast\":[");
    for (int i = 0; i < CREDITS; i++) {
        int32_t person = skewed(random, movies * PEOPLE_PER_MOVIE);
        g_string_append_printf(body,
                               "%s{\"id\":%d,\"name\":\"Person %d\",\"character\":\"Role %d\","
                               "\"order\":%d}",
                               i ? "," : "", person, person, i, i);
    }
    g_string_append(body, "],\"crew\":[");
    for (int i = 0; i < CREDITS / 2; i++) {
        int32_t person = skewed(random, movies * PEOPLE_PER_MOVIE);
        g_string_append_printf(body,
                               "%s{\"id\":%d,\"name\":\"Person %d\",\"job\":\"%s\","
                               "\"department\":\"%s\"}",
                               i ? "," : "", person, person, i ? "Writer" : "Director",
                               i ? "Writing" : "Directing");
    }
    g_string_append(body, "]}");
}

static void make_movie(
    struct sender *sender, struct raw_store *store, GRand *random, int32_t movie_id, int32_t movies)
{
    GError *error = NULL;
    char date[16], title[32], endpoint[80];
    make_date(random, date, sizeof date);
    g_snprintf(title, sizeof title, "Movie %d", movie_id);
    int genre = g_rand_int_range(random, 0, G_N_ELEMENTS(genres));
    struct span names[] = {span(genres[genre])};
    int64_t at_ms = NOW_MS - HOURS * MS_PER_HOUR;
    double popularity = popularity_of(movie_id);
    const struct metadata metadata = {.movie_id = movie_id,
                                      .has_release_date = true,
                                      .title = span(title),
                                      .release_date = span(date),
                                      .genres = names,
                                      .genres_count = 1,
                                      .timestamp_ms = at_ms,
                                      .event_type = span("new")};
    send_record(sender, TOPIC_METADATA, movie_id, &metadata);
    for (int i = 0; i < RATINGS_PER_MOVIE; i++) {
        const struct rating rating = {
            .movie_id = movie_id,
            .vote_count = movies / movie_id + i,
            .vote_average = 4 + g_rand_int_range(random, 0, 50) / 10.0,
            .popularity = popularity + i,
            .timestamp_ms = some_time(random),
        };
        send_record(sender, TOPIC_RATINGS, movie_id, &rating);
    }
    g_autoptr(GString) body = g_string_new(NULL);
    g_string_printf(body,
                    "{\"id\":%d,\"title\":\"%s\",\"original_language\":\"en\",\"overview\":\"What "
                    "happens in it.\",\"release_date\":\"%s\",\"runtime\":%d,\"budget\":%d,"
                    "\"revenue\":%d,\"popularity\":%.4f,\"vote_average\":6.5,\"vote_count\":%d,"
                    "\"genres\":[{\"id\":%d,\"name\":\"%s\"}],\"keywords\":{\"keywords\":[]},",
                    movie_id, title, date, 80 + movie_id % 60, movie_id % 3 ? 0 : 1000000,
                    movie_id % 4 ? 0 : 3000000, popularity, movies / movie_id, genre + 1,
                    genres[genre]);
    append_credits(body, random, movies);
    g_string_append_c(body, '}');
    g_snprintf(endpoint, sizeof endpoint, "/movie/%d?append_to_response=credits,keywords",
               movie_id);
    check(raw_store_put(store, movie_id, endpoint, at_ms, body->str, body->len, &error), &error);
}

static void make_review(struct sender *sender, GRand *random, int64_t number, int32_t movies)
{
    char id[32];
    g_snprintf(id, sizeof id, "r%" PRId64, number);
    g_autoptr(GString) text = g_string_new(NULL);
    int count = g_rand_int_range(random, 10, WORDS_MAX);
    for (int i = 0; i < count; i++)
        g_string_append_printf(text, "%s ",
                               words[g_rand_int_range(random, 0, G_N_ELEMENTS(words))]);
    const struct review review = {
        .review_id = span(id),
        .author = span("someone"),
        .content = {text->str, text->len},
        .url = span(""),
        .movie_id = skewed(random, movies),
        .has_rating = true,
        .rating = g_rand_int_range(random, 1, 11),
        .created_at_ms = some_time(random),
    };
    send_record(sender, TOPIC_REVIEWS, review.movie_id, &review);
}

static void generate(struct bench *bench, int32_t movies)
{
    GError *error = NULL;
    struct registry *registry;
    struct lake *lake;
    struct sender sender = {.kept =
                                g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref),
                            .waiting = g_array_new(FALSE, FALSE, sizeof(struct bus_message)),
                            .keys = g_ptr_array_new_with_free_func(g_free)};
    if (g_mkdir_with_parents(bench->dir, FOLDER_MODE) != 0) {
        fprintf(stderr, "bench_batch: %s: %s\n", bench->dir, g_strerror(errno));
        exit(1);
    }
    check((sender.bus = bus_open(&bench->context, &error)), &error);
    check((registry = registry_open(&bench->context, &error)), &error);
    check((sender.serde = serde_new(registry, &error)), &error);
    check((lake = lake_open(&bench->context, &error)), &error);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        check(bus_create_topic(sender.bus, topic_info(topic)->name,
                               (int)bench->config->bus_partitions, &error),
              &error);
    struct raw_store *store = raw_store_open(&bench->context, lake);
    GRand *random = g_rand_new_with_seed(SEED);
    for (int32_t i = 1; i <= movies; i++)
        make_movie(&sender, store, random, i, movies);
    for (int64_t i = 0; i < (int64_t)movies * REVIEWS_PER_MOVIE; i++)
        make_review(&sender, random, i, movies);
    flush(&sender);
    check(raw_store_flush(store, &error), &error);
    g_rand_free(random);
    raw_store_close(store);
    lake_close(lake);
    serde_free(sender.serde);
    registry_close(registry);
    bus_close(sender.bus);
    g_ptr_array_unref(sender.kept);
    g_ptr_array_unref(sender.keys);
    g_array_unref(sender.waiting);
}

/* ---- measuring ---- */

/* The highest resident set since the last call, bytes. */
static double take_peak(void)
{
    g_autofree char *text = NULL;
    double peak = 0;
    if (g_file_get_contents("/proc/self/status", &text, NULL, NULL)) {
        const char *line = strstr(text, "VmHWM:");
        peak = line ? g_ascii_strtod(line + strlen("VmHWM:"), NULL) * 1024 : 0;
    }
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, "5", 1) != 1)
            peak = 0;
        close(fd);
    }
    return peak;
}

/* Of this process so far: what the machine's other work doesn't change. */
static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / US_PER_SECOND;
}

/* What the manifest doesn't tell of the steps. */
struct measures {
    size_t count; /* steps begun */
    double began_cpu, peak_bytes[STEPS_MAX], cpu[STEPS_MAX];
};

static void end_last_step(struct measures *measures)
{
    double peak = take_peak(), cpu = cpu_seconds();
    if (measures->count > 0 && measures->count <= STEPS_MAX) {
        measures->peak_bytes[measures->count - 1] = peak;
        measures->cpu[measures->count - 1] = cpu - measures->began_cpu;
    }
    measures->began_cpu = cpu;
}

static void begin_step(void *user, size_t step, size_t steps_count, const char *name)
{
    (void)steps_count, (void)name;
    struct measures *measures = user;
    end_last_step(measures);
    measures->count = step + 1;
}

static struct manifest *published(struct bench *bench, struct lake **ret_lake)
{
    GError *error = NULL;
    struct manifest *manifest;
    check((*ret_lake = lake_open(&bench->context, &error)), &error);
    check(manifest_load_current(*ret_lake, &manifest, &error) && manifest, &error);
    return manifest;
}

static bool is_transform(const char *name)
{
    return g_str_has_prefix(name, "silver_") || g_str_has_prefix(name, "gold_");
}

static void print_step(const char *name, double seconds, double cpu, int64_t rows, double peak)
{
    printf("%-26s %9.2f %9.2f %11" PRId64 " %9.0f\n", name, seconds, cpu, rows, peak / MB);
}

static void run(struct bench *bench)
{
    GError *error = NULL;
    struct batch_report report;
    struct measures measures = {0};
    check(batch_run(&bench->context, begin_step, &measures, &report, &error), &error);
    end_last_step(&measures);
    struct lake *lake;
    struct manifest *manifest = published(bench, &lake);
    struct {
        double seconds, cpu, peak;
        int64_t rows;
    } all = {0}, transforms = {0};
    printf("%-26s %9s %9s %11s %9s\n", "step", "seconds", "CPU s", "rows", "peak MB");
    for (size_t i = 0; i < MIN(measures.count, STEPS_MAX); i++) {
        for (guint j = 0; j < manifest->steps->len; j++) {
            const struct manifest_step *step = manifest->steps->pdata[j];
            if (strcmp(step->name, batch_step_name(i)) != 0)
                continue;
            print_step(step->name, step->seconds, measures.cpu[i], step->rows,
                       measures.peak_bytes[i]);
            all.seconds += step->seconds;
            all.cpu += measures.cpu[i];
            all.peak = MAX(all.peak, measures.peak_bytes[i]);
            if (!is_transform(step->name))
                continue;
            transforms.seconds += step->seconds;
            transforms.cpu += measures.cpu[i];
            transforms.rows += step->rows;
            transforms.peak = MAX(transforms.peak, measures.peak_bytes[i]);
        }
    }
    print_step("up to publication", all.seconds, all.cpu, 0, all.peak);
    print_step("silver and gold", transforms.seconds, transforms.cpu, transforms.rows,
               transforms.peak);
    manifest_free(manifest);
    lake_close(lake);
}

/* ---- export ---- */

/* The documents once more, into a generation that is never published. */
static void export_again(struct bench *bench)
{
    GError *error = NULL;
    struct lake *lake;
    struct manifest_step step = {0};
    struct run_state state = {.context = &bench->context, .manifest = published(bench, &lake)};
    g_autofree char *root = tables_lake_root(lake, &error);
    check(root != NULL, &error);
    state.lake = lake;
    check((state.view = view_open(&bench->context, &error)) != NULL, &error);
    check(view_last_generation(state.view, &state.manifest->generation, &error), &error);
    state.manifest->generation++;
    run_state_init(&state);
    check((state.engine = engine_duckdb_open(&bench->context, root, &error)) != NULL, &error);
    (void)take_peak();
    double cpu = cpu_seconds();
    int64_t start_us = clock_monotonic_us(bench->context.clock);
    check(export_run(&state, &step, &error), &error);
    print_step("export again",
               (double)(clock_monotonic_us(bench->context.clock) - start_us) / US_PER_SECOND,
               cpu_seconds() - cpu, step.rows, take_peak());
    engine_close(state.engine);
    run_state_clear(&state);
    view_close(state.view);
    manifest_free(state.manifest);
    lake_close(lake);
}

/* ---- bare ---- */

static const struct transform *const transforms[] = {
    &transform_movies,           &transform_quarantine,         &transform_people,
    &transform_reviews,          &transform_snapshots,          &transform_hours_stats,
    &transform_hours_sentiment,  &transform_hours_trending,     &transform_genre_analytics,
    &transform_trending_scores,  &transform_temporal_analytics, &transform_revenue_analytics,
    &transform_sentiment_trends, &transform_people_figures,
};

static double bare_write(struct run_state *state, const char *sql_path, size_t number)
{
    GError *error = NULL;
    struct arena *arena = arena_new();
    const char *url =
        lake_url(state->lake, arena_printf(arena, "tmp/bare-%zu.parquet", number), arena, &error);
    check(url != NULL, &error);
    struct engine_params params = run_state_params(state);
    struct engine_report report;
    int64_t start_us = clock_monotonic_us(state->context->clock);
    check(engine_write(state->engine, sql_path, &params, url, &report, &error), &error);
    arena_free(arena);
    return (double)(clock_monotonic_us(state->context->clock) - start_us) / US_PER_SECOND;
}

static double
bare_transform(struct run_state *state, const struct transform *transform, size_t number)
{
    GError *error = NULL;
    int64_t start_us = clock_monotonic_us(state->context->clock);
    if (transform->by_month)
        check(run_state_find_months(state, &error), &error);
    for (size_t i = 0; i < TRANSFORM_NEEDS_MAX && transform->needs[i]; i++)
        check(run_state_need(state, transform->needs[i], &error), &error);
    double seconds = (double)(clock_monotonic_us(state->context->clock) - start_us) / US_PER_SECOND;
    for (guint i = 0; i < (transform->by_month ? state->months->len : 1); i++) {
        if (transform->by_month) {
            int64_t month_ms = g_array_index(state->months, int64_t, i);
            run_state_set_int(state, "from_ms", month_ms);
            run_state_set_int(state, "to_ms", calendar_next(CALENDAR_MONTH, month_ms));
        }
        seconds += bare_write(state, transform->sql_path, number);
    }
    return seconds;
}

/* Each record of the log its class: what every run does again. */
static void bare_classify(struct run_state *state, double *ret_seconds, double *ret_cpu)
{
    static const char *const judged[] = {"judged_ratings", "judged_metadata", "judged_reviews",
                                         "judged_events"};
    GError *error = NULL;
    (void)take_peak();
    double cpu = cpu_seconds();
    int64_t start_us = clock_monotonic_us(state->context->clock);
    for (size_t i = 0; i < G_N_ELEMENTS(judged); i++)
        check(run_state_need(state, judged[i], &error), &error);
    *ret_seconds = (double)(clock_monotonic_us(state->context->clock) - start_us) / US_PER_SECOND;
    *ret_cpu = cpu_seconds() - cpu;
    print_step("classification of the log", *ret_seconds, *ret_cpu, 0, take_peak());
}

static void bare(struct bench *bench)
{
    GError *error = NULL;
    struct lake *lake;
    struct manifest *manifest = published(bench, &lake);
    g_autofree char *root = tables_lake_root(lake, &error);
    check(root != NULL, &error);
    struct run_state state = {.context = &bench->context, .lake = lake, .manifest = manifest};
    run_state_init(&state);
    check((state.engine = engine_duckdb_open(&bench->context, root, &error)), &error);
    double all, all_cpu, all_peak = 0;
    bare_classify(&state, &all, &all_cpu);
    for (size_t i = 0; i < G_N_ELEMENTS(transforms); i++) {
        (void)take_peak();
        double cpu = cpu_seconds();
        double seconds = bare_transform(&state, transforms[i], i), peak = take_peak();
        cpu = cpu_seconds() - cpu;
        print_step(transforms[i]->table, seconds, cpu, 0, peak);
        all += seconds;
        all_cpu += cpu;
        all_peak = MAX(all_peak, peak);
    }
    print_step("bare silver and gold", all, all_cpu, 0, all_peak);
    engine_close(state.engine);
    run_state_clear(&state);
    manifest_free(manifest);
    lake_close(lake);
}

/* "batch.memory=3GB" as --set of the program takes it. */
static void apply_setting(struct bench *bench, const char *setting)
{
    const char *equals = strchr(setting, '=');
    if (!equals) {
        fprintf(stderr, "bench_batch: %s: expected KEY=VALUE\n", setting);
        exit(2);
    }
    GError *error = NULL;
    g_autofree char *key = g_strndup(setting, (gsize)(equals - setting));
    check(config_set(bench->config, key, equals + 1, &error), &error);
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    if (argc < 3) {
        fprintf(stderr,
                "bench_batch generate DIR MOVIES | (run | bare | export) DIR [KEY=VALUE ...]\n");
        return 2;
    }
    open_bench(&bench, argv[2]);
    for (int i = strcmp(argv[1], "generate") == 0 ? argc : 3; i < argc; i++)
        apply_setting(&bench, argv[i]);
    if (strcmp(argv[1], "generate") == 0 && argc == 4)
        generate(&bench, (int32_t)g_ascii_strtoll(argv[3], NULL, 10));
    else if (strcmp(argv[1], "run") == 0)
        run(&bench);
    else if (strcmp(argv[1], "bare") == 0)
        bare(&bench);
    else if (strcmp(argv[1], "export") == 0)
        export_again(&bench);
    metrics_free(bench.context.metrics);
    clock_free(bench.context.clock);
    config_free(bench.config);
    return 0;
}

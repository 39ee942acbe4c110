/* Drives the batch layer over a log dump (JSON lines of tools/loggen.py) and prints its hours_*
 * tables as JSON lines in the form of tools/oracle.py.
 *
 *   batch_replay --dir DIR --dump FILE [--seed N] [--runs N] [--cut TOPIC/PARTITION=OFFSET]...
 * [--tables]
 *
 * Each record is appended with its own append time. The seed chooses after which records a batch
 * run happens besides the last one; no result may depend on that. Called again with the same folder
 * it goes on where the log ends, so that a run that was killed (MARQUEE_FAILPOINT) is continued. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "batch/batch_run.h"
#include "batch/query.h"
#include "bus/bus.h"
#include "bus/registry.h"
#include "log_dump.h"

#define CUTS_MAX 64

struct cut {
    char *topic;
    int partition;
    int64_t offset;
};

struct replay {
    char *dir, *dump;
    char **settings;
    gint64 seed, runs;
    gboolean all;
    struct cut cuts[CUTS_MAX];
    size_t cuts_count;
    struct config *config;
    struct context context;
    struct bus *bus;
    struct registry *registry;
    struct serde *serde;
    GByteArray *bytes;
    int64_t now_ms;
};

static void check(bool done, GError **error)
{
    if (done)
        return;
    fprintf(stderr, "batch_replay: %s\n", (*error)->message);
    exit(1);
}

static bool beyond_cut(const struct replay *replay, const struct log_line *line)
{
    for (size_t i = 0; i < replay->cuts_count; i++) {
        const struct cut *cut = &replay->cuts[i];
        if (cut->partition == line->partition && strcmp(cut->topic, line->info->name) == 0 &&
            line->offset >= cut->offset)
            return true;
    }
    return false;
}

static void append(struct replay *replay, const struct log_line *line)
{
    GError *error = NULL;
    int64_t start, end, given;
    clock_set_now(replay->context.clock, line->append_time_ms);
    check(bus_offsets(replay->bus, line->info->name, line->partition, &start, &end, &error),
          &error);
    replay->now_ms = MAX(replay->now_ms, line->append_time_ms);
    if (line->offset < end) /* appended by an earlier life */
        return;
    const struct bus_message message = {
        .topic = line->info->name,
        .partition = line->partition,
        .key = {"0", 1},
        .value = {(const char *)line->bytes->data, line->bytes->len},
    };
    check(bus_produce(replay->bus, &message, 1, &given, &error), &error);
    if (given != line->offset) {
        fprintf(stderr, "batch_replay: %s/%d: offset %" PRId64 " became %" PRId64 "\n",
                line->info->name, line->partition, line->offset, given);
        exit(1);
    }
}

static void run_batch(struct replay *replay)
{
    GError *error = NULL;
    struct batch_report report;
    clock_set_now(replay->context.clock, replay->now_ms);
    check(batch_run(&replay->context, NULL, NULL, &report, &error), &error);
    if (report.resumed) /* it finished an older cut: once more for ours */
        check(batch_run(&replay->context, NULL, NULL, &report, &error), &error);
    fprintf(stderr, "%s %.2f s, peak %.0f MB\n", report.run_id, report.seconds,
            (double)report.peak_bytes / 1e6);
}

static GPtrArray *read_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(1);
    }
    GPtrArray *lines = g_ptr_array_new_with_free_func(free);
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, file) > 0) {
        g_ptr_array_add(lines, line);
        line = NULL;
        room = 0;
    }
    free(line);
    fclose(file);
    return lines;
}

static void take_dump(struct replay *replay)
{
    GPtrArray *lines = read_lines(replay->dump);
    GRand *random = g_rand_new_with_seed((guint32)replay->seed);
    g_autofree bool *run_after = g_new0(bool, lines->len + 1);
    for (gint64 i = 0; i < replay->runs; i++)
        run_after[g_rand_int_range(random, 0, (gint32)lines->len)] = true;
    for (guint i = 0; i < lines->len; i++) {
        struct log_line line;
        log_dump_parse(lines->pdata[i], replay->serde, replay->bytes, &line);
        if (!beyond_cut(replay, &line))
            append(replay, &line);
        if (run_after[i])
            run_batch(replay);
    }
    run_batch(replay);
    g_rand_free(random);
    g_ptr_array_unref(lines);
}

static void print(struct replay *replay, const char *sql)
{
    GError *error = NULL;
    int64_t rows;
    check(batch_query(&replay->context, sql, QUERY_JSON, stdout, &rows, &error), &error);
}

static void print_tables(struct replay *replay)
{
    print(replay, "SELECT 'movie_stats' AS \"table\", movie_id, hour, title, vote_average_e4 / 1e4 "
                  "AS vote_average, vote_count, "
                  "popularity_e4 / 1e4 AS popularity, rating_velocity, last_updated FROM "
                  "silver.hours_stats ORDER BY movie_id, hour");
    print(replay, "SELECT 'review_sentiments' AS \"table\", * FROM silver.hours_sentiment ORDER BY "
                  "movie_id, window_start");
    print(
        replay,
        "SELECT 'trending_movies' AS \"table\", * FROM silver.hours_trending ORDER BY hour, rank");
    if (replay->all) {
        print(replay, "SELECT 'movies' AS \"table\", * FROM silver.movies ORDER BY movie_id");
        print(replay, "SELECT 'snapshots' AS \"table\", * FROM silver.snapshots ORDER BY movie_id, "
                      "observed_at");
        print(replay,
              "SELECT 'genre_analytics' AS \"table\", * FROM gold.genre_analytics ORDER BY ALL");
    }
}

static void parse_cuts(struct replay *replay, char **cuts)
{
    for (size_t i = 0; cuts && cuts[i] && i < CUTS_MAX; i++) {
        char *slash = strchr(cuts[i], '/'), *equals = slash ? strchr(slash, '=') : NULL;
        if (!equals) {
            fprintf(stderr, "batch_replay: --cut %s: expected TOPIC/PARTITION=OFFSET\n", cuts[i]);
            exit(2);
        }
        replay->cuts[replay->cuts_count++] = (struct cut){
            .topic = g_strndup(cuts[i], (gsize)(slash - cuts[i])),
            .partition = (int)g_ascii_strtoll(slash + 1, NULL, 10),
            .offset = g_ascii_strtoll(equals + 1, NULL, 10),
        };
    }
}

static void parse(struct replay *replay, int argc, char **argv)
{
    g_auto(GStrv) cuts = NULL;
    const GOptionEntry entries[] = {
        {"dir", 0, 0, G_OPTION_ARG_STRING, &replay->dir, "data folder", "DIR"},
        {"dump", 0, 0, G_OPTION_ARG_STRING, &replay->dump, "log dump", "FILE"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &replay->seed, "of the runs in between", "N"},
        {"runs", 0, 0, G_OPTION_ARG_INT64, &replay->runs, "how many there are", "N"},
        {"tables", 0, 0, G_OPTION_ARG_NONE, &replay->all, "print silver and gold too", NULL},
        {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &replay->settings, "a setting", "KEY=VALUE"},
        {"cut", 0, 0, G_OPTION_ARG_STRING_ARRAY, &cuts, "only lower offsets", "TOPIC/P=N"},
        {0},
    };
    GOptionContext *options = g_option_context_new(NULL);
    GError *error = NULL;
    g_option_context_add_main_entries(options, entries, NULL);
    check(g_option_context_parse(options, &argc, &argv, &error), &error);
    g_option_context_free(options);
    if (!replay->dir || !replay->dump) {
        fprintf(stderr, "batch_replay: --dir and --dump are needed\n");
        exit(2);
    }
    parse_cuts(replay, cuts);
}

int main(int argc, char **argv)
{
    struct replay replay = {0};
    GError *error = NULL;
    failpoint_init();
    parse(&replay, argc, argv);
    replay.config = config_new_default();
    g_free(replay.config->data_dir);
    replay.config->data_dir = g_strdup(replay.dir);
    for (char **setting = replay.settings; setting && *setting; setting++) {
        char *equals = strchr(*setting, '=');
        g_assert(equals);
        *equals = '\0';
        check(config_set(replay.config, *setting, equals + 1, &error), &error);
    }
    replay.context = (struct context){
        .config = replay.config, .clock = clock_new_manual(0), .metrics = metrics_new()};
    replay.bytes = g_byte_array_new();
    check((replay.bus = bus_open(&replay.context, &error)), &error);
    check((replay.registry = registry_open(&replay.context, &error)), &error);
    check((replay.serde = serde_new(replay.registry, &error)), &error);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        check(bus_create_topic(replay.bus, topic_info(topic)->name,
                               (int)replay.config->bus_partitions, &error),
              &error);
    take_dump(&replay);
    print_tables(&replay);
    serde_free(replay.serde);
    registry_close(replay.registry);
    bus_close(replay.bus);
    for (size_t i = 0; i < replay.cuts_count; i++)
        g_free(replay.cuts[i].topic);
    g_byte_array_unref(replay.bytes);
    metrics_free(replay.context.metrics);
    clock_free(replay.context.clock);
    config_free(replay.config);
    g_strfreev(replay.settings);
    g_free(replay.dir);
    g_free(replay.dump);
    return 0;
}

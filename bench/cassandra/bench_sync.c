/* How far sync falls behind at a burst: so many keys of movie_stats change in one write to
 * Cassandra, then sync copies them to the views (MongoDB where MARQUEE_MONGODB names one, else
 * SQLite in a folder of its own) in steps of sync.batch_rows. The first round also makes the
 * documents; later ones replace them.
 *
 * usage: bench_sync HOST:PORT[,HOST:PORT...] [--keys N] [--rounds N] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "speed/speed.h"
#include "view/sync.h"

#define DEFAULT_KEYS   10000
#define DEFAULT_ROUNDS 5

static G_NORETURN void die(const char *what, const GError *error)
{
    fprintf(stderr, "bench_sync: %s%s%s\n", what, error ? ": " : "", error ? error->message : "");
    exit(EXIT_FAILURE);
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void set(struct config *config, const char *key, const char *value)
{
    GError *error = NULL;
    if (!config_set(config, key, value, &error))
        die(key, error);
}

static void
write_burst(struct speed *speed, const struct context *context, int keys, int64_t sequence)
{
    GError *error = NULL;
    int64_t now_ms = clock_now_ms(context->clock);
    g_autofree struct stats_row *rows = g_new0(struct stats_row, keys);
    for (int i = 0; i < keys; i++)
        rows[i] = (struct stats_row){.movie_id = i + 1,
                                     .hour_ms = now_ms / MS_PER_HOUR * MS_PER_HOUR,
                                     .title = "The one with a title",
                                     .popularity_e4 = sequence,
                                     .vote_average_e4 = 71000,
                                     .vote_count = i,
                                     .last_updated_ms = now_ms};
    const struct speed_batch batch = {
        .sequence = sequence, .stats = rows, .stats_count = (size_t)keys};
    if (!speed_write(speed, &batch, &error))
        die("speed_write", error);
}

/* Until a step finds fewer than it may copy. */
static void copy_all(struct sync *sync, const struct config *config)
{
    GError *error = NULL;
    size_t copied = (size_t)config->sync_batch_rows;
    while (copied == (size_t)config->sync_batch_rows)
        if (!sync_step(sync, &copied, &error))
            die("sync_step", error);
}

int main(int argc, char **argv)
{
    int keys = DEFAULT_KEYS, rounds = DEFAULT_ROUNDS;
    const GOptionEntry entries[] = {
        {"keys", 0, 0, G_OPTION_ARG_INT, &keys, "Keys that change", "N"},
        {"rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "Bursts", "N"},
        {0},
    };
    GError *error = NULL;
    GOptionContext *options = g_option_context_new("HOST:PORT");
    g_option_context_add_main_entries(options, entries, NULL);
    if (!g_option_context_parse(options, &argc, &argv, &error) || argc != 2)
        die("usage: bench_sync HOST:PORT [--keys N] [--rounds N]", error);
    g_option_context_free(options);
    signal(SIGPIPE, SIG_IGN);

    struct config *config = config_new_default();
    g_autofree char *folder = g_dir_make_tmp("bench-sync-XXXXXX", NULL);
    g_autofree char *uuid = g_uuid_string_random();
    g_autofree char *name = g_strdup_printf("t%.8s", uuid);
    const char *mongodb = g_getenv("MARQUEE_MONGODB");
    set(config, "data.dir", folder);
    set(config, "speed.backend", "cassandra");
    set(config, "speed.hosts", argv[1]);
    set(config, "speed.keyspace", name);
    if (mongodb) {
        const char *query = strchr(mongodb, '?');
        g_autofree char *uri =
            g_strdup_printf("%.*s%s%s", (int)(query ? query - mongodb : (long)strlen(mongodb)),
                            mongodb, name, query ? query : "");
        set(config, "views.backend", "mongodb");
        set(config, "views.uri", uri);
    }
    struct metrics *metrics = metrics_new();
    const struct context context = {
        .config = config, .clock = clock_new_real(), .metrics = metrics};
    struct speed *speed = speed_open(&context, &error);
    struct sync *sync = speed ? sync_open(&context, &error) : NULL;
    if (!sync)
        die("opening the stores", error);
    copy_all(sync, config); /* empty: what comes now is the feed's */
    struct clock *clock = clock_new_real();
    for (int round = 1; round <= rounds; round++) {
        write_burst(speed, &context, keys, round);
        int64_t began_ms = clock_monotonic_ms(clock);
        double before_s = cpu_s();
        copy_all(sync, config);
        int64_t took_ms = clock_monotonic_ms(clock) - began_ms;
        printf("round %d: %d keys, views equal after %" G_GINT64_FORMAT
               " ms (%.0f keys/s), %.2f s of CPU\n",
               round, keys, took_ms, keys * 1000.0 / (double)MAX(took_ms, 1), cpu_s() - before_s);
        fflush(stdout);
    }
    clock_free(clock);
    sync_close(sync);
    speed_close(speed);
    clock_free(context.clock);
    metrics_free(metrics);
    config_free(config);
    return EXIT_SUCCESS;
}

/* A speed store on Cassandra with what an embedded engine wrote, for tests of what reads it: the
 * rows of stream.db, as the tasks on Kafka would have written them, a batch each, numbered.
 *
 *   speed_copy copy DIR SEQUENCE      the rows of DIR/stream.db; 1 and up, later ones are newer
 *   speed_copy cql DIR STATEMENT...   statements without markers; $k is the keyspace
 *   speed_copy dump DIR               the rows of stats, sentiment and ranks, JSON lines without
 * titles speed_copy feed DIR               the feed's keys: table, hour, movie each with --set
 * KEY=VALUE as the product's commands */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "cql/cql.h"
#include "model/db.h"
#include "model/topic.h"
#include "speed/speed_cassandra.h"
#include "speed/speed_sqlite.h"

#define FEED_KEYS 1000000

struct job {
    struct context context;
    struct speed *speed;
    struct arena *arena;
    const char *dir;
};

static void check(bool done, GError **error)
{
    if (done)
        return;
    fprintf(stderr, "speed_copy: %s\n", (*error)->message);
    exit(EXIT_FAILURE);
}

/* ---- copy ---- */

struct rows {
    struct stats_row *stats;
    struct sentiment_row *sentiment;
    struct trending_row *trending;
    struct hour_count_row *counts;
    size_t stats_count, sentiment_count, trending_count, counts_count;
};

static int partition_of(const struct job *job, int32_t movie_id)
{
    char key[TOPIC_KEY_BYTES];
    size_t len = topic_movie_key(movie_id, key);
    return topic_partition(key, len, (int)job->context.config->bus_partitions);
}

/* Rows of task `source` as its one batch. */
static void
write_task(const struct job *job, const struct rows *rows, int32_t source, int64_t sequence)
{
    GError *error = NULL;
    g_autoptr(GArray) stats = g_array_new(FALSE, FALSE, sizeof(struct stats_row));
    g_autoptr(GArray) sentiment = g_array_new(FALSE, FALSE, sizeof(struct sentiment_row));
    g_autoptr(GArray) counts = g_array_new(FALSE, FALSE, sizeof(struct hour_count_row));
    for (size_t i = 0; i < rows->stats_count; i++)
        if (partition_of(job, rows->stats[i].movie_id) == source)
            g_array_append_val(stats, rows->stats[i]);
    for (size_t i = 0; i < rows->sentiment_count; i++)
        if (partition_of(job, rows->sentiment[i].movie_id) == source)
            g_array_append_val(sentiment, rows->sentiment[i]);
    for (size_t i = 0; i < rows->counts_count; i++)
        if (rows->counts[i].partition == source)
            g_array_append_val(counts, rows->counts[i]);
    struct speed_batch batch = {
        .source = source,
        .sequence = sequence,
        .stats = (struct stats_row *)(void *)stats->data,
        .stats_count = stats->len,
        .sentiment = (struct sentiment_row *)(void *)sentiment->data,
        .sentiment_count = sentiment->len,
        .hour_counts = (struct hour_count_row *)(void *)counts->data,
        .hour_counts_count = counts->len,
    };
    if (source == job->context.config->bus_partitions) { /* the global task */
        batch.trending = rows->trending;
        batch.trending_count = rows->trending_count;
    }
    check(speed_write(job->speed, &batch, &error), &error);
}

static void copy(const struct job *job, int64_t sequence)
{
    GError *error = NULL;
    struct rows rows = {0};
    g_autofree char *path = g_build_filename(job->dir, SPEED_SQLITE_FILE, NULL);
    sqlite3 *db = db_open(path, &(struct db_options){.sync = DB_SYNC_NORMAL}, &error);
    check(db != NULL, &error);
    struct speed *from = speed_sqlite_attach(&job->context, db, &error);
    check(from != NULL, &error);
    check(speed_scan_stats(from, job->arena, &rows.stats, &rows.stats_count, &error) &&
              speed_scan_sentiment(from, job->arena, &rows.sentiment, &rows.sentiment_count,
                                   &error) &&
              speed_read_trending(from, 0, INT64_MAX, job->arena, &rows.trending,
                                  &rows.trending_count, &error) &&
              speed_read_hour_counts(from, 0, INT64_MAX, job->arena, &rows.counts,
                                     &rows.counts_count, &error),
          &error);
    for (int32_t source = 0; source <= job->context.config->bus_partitions; source++)
        write_task(job, &rows, source, sequence);
    speed_close(from);
    db_close(db);
}

/* ---- cql, dump, feed ---- */

static void run_cql(const struct job *job, char **statements)
{
    GError *error = NULL;
    for (; *statements; statements++) {
        g_autoptr(GString) text = g_string_new(*statements);
        g_string_replace(text, "$k", job->context.config->speed_keyspace, 0);
        check(cql_run(speed_cassandra_cql(job->speed), text->str, &error), &error);
    }
}

static const char *number(bool has, double value, char buffer[G_ASCII_DTOSTR_BUF_SIZE])
{
    return has ? g_ascii_dtostr(buffer, G_ASCII_DTOSTR_BUF_SIZE, value) : "null";
}

static void dump(const struct job *job)
{
    GError *error = NULL;
    struct rows rows = {0};
    char a[G_ASCII_DTOSTR_BUF_SIZE], b[G_ASCII_DTOSTR_BUF_SIZE], c[G_ASCII_DTOSTR_BUF_SIZE];
    check(speed_scan_stats(job->speed, job->arena, &rows.stats, &rows.stats_count, &error) &&
              speed_scan_sentiment(job->speed, job->arena, &rows.sentiment, &rows.sentiment_count,
                                   &error) &&
              speed_read_trending(job->speed, 0, INT64_MAX, job->arena, &rows.trending,
                                  &rows.trending_count, &error),
          &error);
    for (size_t i = 0; i < rows.stats_count; i++) {
        const struct stats_row *row = &rows.stats[i];
        printf("[\"movie_stats\",%d,%" PRId64 ",%" PRId64 ",%" PRId64 ",%d,%s,%" PRId64 "]\n",
               row->movie_id, row->hour_ms, row->popularity_e4, row->vote_average_e4,
               row->vote_count, number(row->has_velocity, row->rating_velocity, a),
               row->last_updated_ms);
    }
    for (size_t i = 0; i < rows.sentiment_count; i++) {
        const struct sentiment_row *row = &rows.sentiment[i];
        printf("[\"review_sentiments\",%d,%" PRId64 ",%" PRId64 ",%" PRId64 ",%d,%d,%d,%d,%s,%s]\n",
               row->movie_id, row->hour_ms, row->window_start_ms, row->sentiment_sum_e4,
               row->review_count, row->positive_count, row->negative_count, row->neutral_count,
               number(true, row->avg_sentiment, a),
               number(row->has_velocity, row->sentiment_velocity, b));
    }
    for (size_t i = 0; i < rows.trending_count; i++) {
        const struct trending_row *row = &rows.trending[i];
        printf("[\"trending_movies\",%d,%" PRId64 ",%d,%" PRId64 ",%s,%s,%s]\n", row->movie_id,
               row->hour_ms, row->rank, row->window_end_ms, number(true, row->trending_score, a),
               number(true, row->velocity, b), number(row->has_acceleration, row->acceleration, c));
    }
}

static void feed(const struct job *job)
{
    GError *error = NULL;
    struct speed_change *changes;
    size_t count;
    check(speed_feed(job->speed, 0, FEED_KEYS, job->arena, &changes, &count, &error), &error);
    for (size_t i = 0; i < count; i++)
        printf("[%d,%" PRId64 ",%d]\n", (int)changes[i].table, changes[i].hour_ms,
               changes[i].movie_id);
}

/* The clock at which the rows are held: that of the newest record, which the caller knows. */
static void usage(void)
{
    fprintf(stderr, "usage: speed_copy copy|cql|dump|feed DIR [SEQUENCE|STATEMENT...] --now MS "
                    "[--set KEY=VALUE]...\n");
    exit(2);
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    g_auto(GStrv) settings = NULL;
    gint64 now_ms = 0;
    const GOptionEntry entries[] = {
        {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &settings, "a setting", "KEY=VALUE"},
        {"now", 0, 0, G_OPTION_ARG_INT64, &now_ms, "what the clock says", "MS"},
        {0},
    };
    GOptionContext *options = g_option_context_new(NULL);
    g_option_context_add_main_entries(options, entries, NULL);
    check(g_option_context_parse(options, &argc, &argv, &error), &error);
    g_option_context_free(options);
    if (argc < 3 || now_ms == 0)
        usage();
    signal(SIGPIPE, SIG_IGN);
    struct config *config = config_new_default();
    for (char **setting = settings; setting && *setting; setting++) {
        char *equals = strchr(*setting, '=');
        if (!equals)
            usage();
        *equals = '\0';
        check(config_set(config, *setting, equals + 1, &error), &error);
    }
    struct job job = {
        .context = {.config = config, .clock = clock_new_manual(now_ms), .metrics = metrics_new()},
        .arena = arena_new(),
        .dir = argv[2],
    };
    job.speed = speed_open(&job.context, &error);
    check(job.speed != NULL, &error);
    if (g_str_equal(argv[1], "copy") && argc == 4)
        copy(&job, g_ascii_strtoll(argv[3], NULL, 10));
    else if (g_str_equal(argv[1], "cql"))
        run_cql(&job, argv + 3);
    else if (g_str_equal(argv[1], "dump"))
        dump(&job);
    else if (g_str_equal(argv[1], "feed"))
        feed(&job);
    else
        usage();
    speed_close(job.speed);
    arena_free(job.arena);
    metrics_free(job.context.metrics);
    clock_free(job.context.clock);
    config_free(config);
    return EXIT_SUCCESS;
}

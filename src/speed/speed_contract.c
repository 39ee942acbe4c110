#include "speed/speed_contract.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"

/* 2026-01-01 12:00, and a clock half an hour later. */
#define NOON_MS         INT64_C(1767268800000)
#define START_MS        (NOON_MS + 30 * MS_PER_MINUTE)
#define ALL             INT64_MIN, INT64_MAX
#define WRITE_TRIES_MAX 20

struct world {
    const struct speed_contract *contract;
    struct config *config;
    struct clock *clock;
    struct metrics *metrics;
    struct context context;
    void *fixture;
    struct speed *speed;
    struct arena *arena;
};

static void world_open(struct world *world, const void *data)
{
    world->contract = data;
    world->config = config_new_default();
    world->clock = clock_new_manual(START_MS);
    world->metrics = metrics_new();
    world->context =
        (struct context){.config = world->config, .clock = world->clock, .metrics = world->metrics};
    world->fixture = world->contract->setup(&world->context);
    world->speed = world->contract->open(world->fixture);
    world->arena = arena_new();
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    arena_free(world->arena);
    speed_close(world->speed);
    world->contract->teardown(world->fixture);
    metrics_free(world->metrics);
    clock_free(world->clock);
    config_free(world->config);
}

void speed_contract_write(struct speed *speed, const struct speed_batch *batch)
{
    GError *error = NULL;
    for (int tries = 1; !speed_write(speed, batch, &error); tries++) {
        if (!error_is(error, AGAIN) || tries == WRITE_TRIES_MAX)
            g_assert_no_error(error);
        g_test_message("again: %s", error->message);
        g_clear_error(&error);
    }
}

static void write_batch(struct world *world, const struct speed_batch *batch)
{
    speed_contract_write(world->speed, batch);
}

static struct stats_row stats(int32_t movie_id, int64_t hour_ms, int64_t popularity_e4)
{
    return (struct stats_row){
        .movie_id = movie_id,
        .hour_ms = hour_ms,
        .title = "Heat",
        .popularity_e4 = popularity_e4,
        .vote_average_e4 = 72345,
        .vote_count = 7,
        .has_velocity = true,
        .rating_velocity = 2.4000000000000004,
        .last_updated_ms = hour_ms + 5,
    };
}

static void write_stats(struct world *world, const struct stats_row *rows, size_t count)
{
    write_batch(world,
                &(struct speed_batch){.stats = (struct stats_row *)rows, .stats_count = count});
}

static struct stats_row *read_stats(struct world *world,
                                    struct speed *speed,
                                    int32_t movie_id,
                                    int64_t from_ms,
                                    int64_t to_ms,
                                    size_t *ret_count)
{
    GError *error = NULL;
    struct stats_row *rows = NULL;
    bool read =
        speed_read_stats(speed, movie_id, from_ms, to_ms, world->arena, &rows, ret_count, &error);
    g_assert_no_error(error);
    g_assert_true(read);
    return rows;
}

static struct speed_change *
read_feed(struct world *world, int64_t after, size_t count_max, size_t *ret_count)
{
    GError *error = NULL;
    struct speed_change *changes = NULL;
    bool read =
        speed_feed(world->speed, after, count_max, world->arena, &changes, ret_count, &error);
    g_assert_no_error(error);
    g_assert_true(read);
    return changes;
}

/* What is written comes back, every field, nulls too; numbers in ten-thousandths exactly, also
 * large ones. */
static void test_stats_round_trip(struct world *world, const void *data)
{
    (void)data;
    struct stats_row rows[] = {stats(11, NOON_MS, 105000), stats(12, NOON_MS, 9999999999999)};
    rows[1].title = NULL;
    rows[1].has_velocity = false;
    rows[1].vote_average_e4 = -1;
    write_stats(world, rows, 2);
    size_t count;
    const struct stats_row *read = read_stats(world, world->speed, 11, ALL, &count);
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpint(read->movie_id, ==, 11);
    g_assert_cmpint(read->hour_ms, ==, NOON_MS);
    g_assert_cmpstr(read->title, ==, "Heat");
    g_assert_cmpint(read->popularity_e4, ==, 105000);
    g_assert_cmpint(read->vote_average_e4, ==, 72345);
    g_assert_cmpint(read->vote_count, ==, 7);
    g_assert_true(read->has_velocity);
    g_assert_true(read->rating_velocity == 2.4000000000000004);
    g_assert_cmpint(read->last_updated_ms, ==, NOON_MS + 5);
    read = read_stats(world, world->speed, 12, ALL, &count);
    g_assert_cmpuint(count, ==, 1);
    g_assert_null(read->title);
    g_assert_false(read->has_velocity);
    g_assert_cmpint(read->popularity_e4, ==, 9999999999999);
    g_assert_cmpint(read->vote_average_e4, ==, -1);
}

/* A key written again is replaced as a whole, its nulls too. */
static void test_upsert(struct world *world, const void *data)
{
    (void)data;
    struct stats_row row = stats(11, NOON_MS, 1);
    write_stats(world, &row, 1);
    row.popularity_e4 = 2;
    row.title = NULL;
    row.has_velocity = false;
    write_stats(world, &row, 1);
    size_t count;
    const struct stats_row *read = read_stats(world, world->speed, 11, ALL, &count);
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpint(read->popularity_e4, ==, 2);
    g_assert_null(read->title);
    g_assert_false(read->has_velocity);
}

/* from is in, to is out; rows come by hour, whatever the order of writing; other movies stay away.
 */
static void test_range(struct world *world, const void *data)
{
    (void)data;
    const struct stats_row rows[] = {
        stats(11, NOON_MS, 3),
        stats(11, NOON_MS - 2 * MS_PER_HOUR, 1),
        stats(12, NOON_MS - MS_PER_HOUR, 9),
        stats(11, NOON_MS - MS_PER_HOUR, 2),
    };
    write_stats(world, rows, G_N_ELEMENTS(rows));
    size_t count;
    const struct stats_row *read =
        read_stats(world, world->speed, 11, NOON_MS - 2 * MS_PER_HOUR, NOON_MS, &count);
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpint(read[0].popularity_e4, ==, 1);
    g_assert_cmpint(read[1].popularity_e4, ==, 2);
    g_assert_true(metrics_get(world->metrics, METRIC_SPEED_ROWS, "movie_stats") == 4);
    read_stats(world, world->speed, 11, NOON_MS + 1, INT64_MAX, &count);
    g_assert_cmpuint(count, ==, 0);
    read_stats(world, world->speed, 13, ALL, &count);
    g_assert_cmpuint(count, ==, 0);
}

/* All movies' rows come by movie, then hour. */
static void test_scan(struct world *world, const void *data)
{
    (void)data;
    const struct stats_row rows[] = {stats(12, NOON_MS - MS_PER_HOUR, 3), stats(11, NOON_MS, 2),
                                     stats(11, NOON_MS - MS_PER_HOUR, 1)};
    write_stats(world, rows, G_N_ELEMENTS(rows));
    GError *error = NULL;
    struct stats_row *read;
    size_t count;
    bool scanned = speed_scan_stats(world->speed, world->arena, &read, &count, &error);
    g_assert_no_error(error);
    g_assert_true(scanned);
    g_assert_cmpuint(count, ==, 3);
    for (int64_t i = 0; i < 3; i++)
        g_assert_cmpint(read[i].popularity_e4, ==, i + 1);
}

/* A row is held while hour + 1 h + retention > now, to the ms, swept or not. */
static void test_held(struct world *world, const void *data)
{
    (void)data;
    const struct stats_row row = stats(11, NOON_MS, 1);
    write_stats(world, &row, 1);
    size_t count;
    int64_t end_ms = NOON_MS + MS_PER_HOUR + world->config->speed_retention_ms;
    clock_set_now(world->clock, end_ms - 1);
    read_stats(world, world->speed, 11, ALL, &count);
    g_assert_cmpuint(count, ==, 1);
    clock_set_now(world->clock, end_ms);
    read_stats(world, world->speed, 11, ALL, &count);
    g_assert_cmpuint(count, ==, 0);
}

/* A row whose hour has expired isn't written: no key of it stands in the feed. */
static void test_write_expired(struct world *world, const void *data)
{
    (void)data;
    const struct stats_row rows[] = {stats(11, NOON_MS - 54 * MS_PER_HOUR, 1),
                                     stats(12, NOON_MS, 1)};
    write_stats(world, rows, 2);
    size_t count;
    const struct speed_change *changes = read_feed(world, 0, 10, &count);
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpint(changes[0].movie_id, ==, 12);
}

/* The feed tells each key once, at its latest sequence, oldest first. */
static void test_feed(struct world *world, const void *data)
{
    (void)data;
    const struct stats_row rows[] = {stats(11, NOON_MS, 1), stats(12, NOON_MS, 1)};
    write_stats(world, rows, 2);
    size_t count;
    const struct speed_change *first = read_feed(world, 0, 10, &count);
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpint(first[0].sequence, >, 0);
    g_assert_cmpint(first[1].sequence, >, first[0].sequence);
    int64_t last = first[1].sequence;
    write_stats(world, &rows[0], 1);
    const struct speed_change *again = read_feed(world, 0, 10, &count);
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpint(again[0].movie_id, ==, 12);
    g_assert_cmpint(again[1].movie_id, ==, 11);
    g_assert_cmpint(again[1].table, ==, SPEED_STATS);
    g_assert_cmpint(again[1].hour_ms, ==, NOON_MS);
    g_assert_cmpint(again[1].sequence, >, last);
    again = read_feed(world, last, 10, &count);
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpint(again[0].movie_id, ==, 11);
    read_feed(world, 0, 1, &count);
    g_assert_cmpuint(count, ==, 1);
}

/* A sequence never comes twice, also when the feed has been emptied in between. */
static void test_feed_goes_on(struct world *world, const void *data)
{
    (void)data;
    const struct stats_row row = stats(11, NOON_MS, 1);
    write_stats(world, &row, 1);
    size_t count;
    int64_t went, last = read_feed(world, 0, 10, &count)[0].sequence;
    GError *error = NULL;
    g_assert_true(speed_expire(world->speed, last, 100, &went, &error));
    g_assert_cmpint(went, ==, 1);
    read_feed(world, 0, 10, &count);
    g_assert_cmpuint(count, ==, 0);
    write_stats(world, &row, 1);
    g_assert_cmpint(read_feed(world, 0, 10, &count)[0].sequence, >, last);
}

static struct sentiment_row sentiment(int32_t movie_id, int64_t window_start_ms, int32_t reviews)
{
    return (struct sentiment_row){
        .movie_id = movie_id,
        .hour_ms = NOON_MS,
        .window_start_ms = window_start_ms,
        .window_end_ms = window_start_ms + 5 * MS_PER_MINUTE,
        .sentiment_sum_e4 = -1234,
        .review_count = reviews,
        .positive_count = 1,
        .negative_count = 2,
        .neutral_count = 3,
        .avg_sentiment = -0.1234 / 6,
        .has_velocity = true,
        .sentiment_velocity = 0.5,
    };
}

/* Windows of an hour stand side by side; one that is gone goes, and its key is in the feed. */
static void test_sentiment(struct world *world, const void *data)
{
    (void)data;
    struct sentiment_row rows[] = {sentiment(11, NOON_MS + 5 * MS_PER_MINUTE, 2),
                                   sentiment(11, NOON_MS, 1)};
    rows[1].has_velocity = false;
    write_batch(world, &(struct speed_batch){.sentiment = rows, .sentiment_count = 2});
    GError *error = NULL;
    struct sentiment_row *read;
    size_t count;
    g_assert_true(speed_read_sentiment(world->speed, 11, ALL, world->arena, &read, &count, &error));
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpint(read[0].review_count, ==, 1);
    g_assert_false(read[0].has_velocity);
    g_assert_cmpint(read[1].review_count, ==, 2);
    g_assert_cmpint(read[1].window_end_ms, ==, NOON_MS + 10 * MS_PER_MINUTE);
    g_assert_cmpint(read[1].sentiment_sum_e4, ==, -1234);
    g_assert_cmpint(read[1].positive_count, ==, 1);
    g_assert_cmpint(read[1].negative_count, ==, 2);
    g_assert_cmpint(read[1].neutral_count, ==, 3);
    g_assert_true(read[1].avg_sentiment == -0.1234 / 6);
    g_assert_true(read[1].sentiment_velocity == 0.5);
    /* Two windows of an hour are one key. */
    int64_t last = read_feed(world, 0, 10, &count)[0].sequence;
    g_assert_cmpuint(count, ==, 1);
    write_batch(world,
                &(struct speed_batch){.sentiment_gone = &rows[1], .sentiment_gone_count = 1});
    g_assert_true(speed_scan_sentiment(world->speed, world->arena, &read, &count, &error));
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpint(read[0].review_count, ==, 2);
    g_assert_cmpint(read_feed(world, last, 10, &count)[0].table, ==, SPEED_SENTIMENT);
    g_assert_cmpuint(count, ==, 1);
}

/* An hour that is written replaces all its old ranks; one that is gone has none; others stay. */
static void test_trending(struct world *world, const void *data)
{
    (void)data;
    struct trending_row rows[] = {
        {.hour_ms = NOON_MS,
         .window_end_ms = NOON_MS + 1,
         .rank = 1,
         .movie_id = 11,
         .title = "Heat",
         .trending_score = 3.5,
         .velocity = 6},
        {.hour_ms = NOON_MS,
         .window_end_ms = NOON_MS + 1,
         .rank = 2,
         .movie_id = 12,
         .velocity = 1,
         .has_acceleration = true,
         .acceleration = -2.5},
        {.hour_ms = NOON_MS - MS_PER_HOUR, .window_end_ms = NOON_MS, .rank = 1, .movie_id = 13},
    };
    write_batch(world, &(struct speed_batch){.trending = rows, .trending_count = 3});
    rows[1].rank = 1;
    write_batch(world, &(struct speed_batch){.trending = &rows[1], .trending_count = 1});
    GError *error = NULL;
    struct trending_row *read;
    size_t count;
    g_assert_true(speed_read_trending(world->speed, ALL, world->arena, &read, &count, &error));
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpint(read[0].movie_id, ==, 13);
    g_assert_null(read[0].title);
    g_assert_cmpint(read[1].movie_id, ==, 12);
    g_assert_cmpint(read[1].rank, ==, 1);
    g_assert_true(read[1].has_acceleration && read[1].acceleration == -2.5);
    int64_t hour_ms = NOON_MS;
    write_batch(world, &(struct speed_batch){.trending_gone = &hour_ms, .trending_gone_count = 1});
    g_assert_true(
        speed_read_trending(world->speed, NOON_MS, INT64_MAX, world->arena, &read, &count, &error));
    g_assert_cmpuint(count, ==, 0);
    const struct speed_change *changes = read_feed(world, 0, 10, &count);
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpint(changes[1].table, ==, SPEED_TRENDING);
    g_assert_cmpint(changes[1].hour_ms, ==, NOON_MS);
    g_assert_cmpint(changes[1].movie_id, ==, 0);
}

/* Live values by metric; used counts by topic and partition: upserts both. */
static void test_live_and_counts(struct world *world, const void *data)
{
    (void)data;
    struct live_row live[] = {
        {.metric = "users",
         .hour_ms = NOON_MS,
         .window_start_ms = NOON_MS + MS_PER_MINUTE,
         .value = 2},
        {.metric = "users", .hour_ms = NOON_MS, .window_start_ms = NOON_MS, .value = 1},
        {.metric = "movies", .hour_ms = NOON_MS, .window_start_ms = NOON_MS, .value = 9},
    };
    struct hour_count_row counts[] = {
        {.topic = "movie.ratings", .partition = 1, .hour_ms = NOON_MS, .used_records = 5},
        {.topic = "movie.ratings", .partition = 0, .hour_ms = NOON_MS, .used_records = 4},
    };
    write_batch(world,
                &(struct speed_batch){
                    .live = live, .live_count = 3, .hour_counts = counts, .hour_counts_count = 2});
    live[1].value = 3;
    counts[0].used_records = 6;
    write_batch(world, &(struct speed_batch){.live = &live[1],
                                             .live_count = 1,
                                             .hour_counts = counts,
                                             .hour_counts_count = 1});
    GError *error = NULL;
    struct live_row *live_read;
    struct hour_count_row *counts_read;
    size_t count;
    g_assert_true(
        speed_read_live(world->speed, "users", ALL, world->arena, &live_read, &count, &error));
    g_assert_cmpuint(count, ==, 2);
    g_assert_true(live_read[0].value == 3 && live_read[1].value == 2);
    g_assert_true(
        speed_read_hour_counts(world->speed, ALL, world->arena, &counts_read, &count, &error));
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpint(counts_read[0].partition, ==, 0);
    g_assert_cmpint(counts_read[1].used_records, ==, 6);
    g_assert_cmpstr(counts_read[1].topic, ==, "movie.ratings");
}

/* The sweep removes what has expired, at most so many rows a call, and nothing that is held. */
static void test_expire(struct world *world, const void *data)
{
    (void)data;
    struct stats_row rows[7];
    for (int i = 0; i < 7; i++)
        rows[i] = stats(i, i < 5 ? NOON_MS : NOON_MS + 2 * MS_PER_HOUR, i);
    clock_set_now(world->clock, NOON_MS + 3 * MS_PER_HOUR);
    write_stats(world, rows, 7);
    clock_set_now(world->clock, NOON_MS + MS_PER_HOUR + world->config->speed_retention_ms);
    GError *error = NULL;
    int64_t went;
    g_assert_true(speed_expire(world->speed, 0, 3, &went, &error));
    if (world->contract->rows_expire_themselves) {
        g_assert_cmpint(went, ==, 0);
        return;
    }
    g_assert_cmpint(went, ==, 3);
    g_assert_true(speed_expire(world->speed, 0, 3, &went, &error));
    g_assert_cmpint(went, ==, 2);
    g_assert_true(speed_expire(world->speed, 0, 3, &went, &error));
    g_assert_cmpint(went, ==, 0);
    clock_set_now(world->clock, NOON_MS);
    struct stats_row *read;
    size_t count;
    g_assert_true(speed_scan_stats(world->speed, world->arena, &read, &count, &error));
    g_assert_cmpuint(count, ==, 2);
    g_assert_true(metrics_get(world->metrics, METRIC_SPEED_EXPIRED_ROWS, "movie_stats") == 5);
}

/* What one handle has written another one sees. */
static int64_t popularity_of(struct world *world, int32_t movie_id)
{
    GError *error = NULL;
    struct stats_row *rows;
    size_t count;
    g_assert_true(
        speed_read_stats(world->speed, movie_id, ALL, world->arena, &rows, &count, &error));
    g_assert_cmpuint(count, ==, 1);
    return rows[0].popularity_e4;
}

static void write_numbered(struct world *world, int32_t source, int64_t sequence, int64_t value)
{
    struct stats_row row = stats(source, NOON_MS, value);
    write_batch(world,
                &(struct speed_batch){
                    .source = source, .sequence = sequence, .stats = &row, .stats_count = 1});
}

/* A writer that woke up behind its successor changes nothing; sources don't know one another. */
static void test_sources(struct world *world, const void *data)
{
    (void)data;
    write_numbered(world, 1, 6, 10000);
    write_numbered(world, 1, 9, 20000);
    write_numbered(world, 1, 8, 30000);
    g_assert_cmpint(popularity_of(world, 1), ==, 20000);
    write_numbered(world, 2, 3, 40000);
    g_assert_cmpint(popularity_of(world, 2), ==, 40000);
    write_numbered(world, 1, 10, 50000);
    g_assert_cmpint(popularity_of(world, 1), ==, 50000);
}

static int64_t written_by(struct world *world, int32_t source)
{
    GError *error = NULL;
    int64_t sequence = -1;
    bool read = speed_written(world->speed, source, &sequence, &error);
    g_assert_no_error(error);
    g_assert_true(read);
    return sequence;
}

/* A repair wins over what its source wrote so far, whoever repeats that, and loses to what it
 * writes next; it is no batch of the source itself. */
static void test_repair(struct world *world, const void *data)
{
    (void)data;
    g_assert_cmpint(written_by(world, 1), ==, 0);
    write_numbered(world, 1, 6, 10000);
    g_assert_cmpint(written_by(world, 1), ==, 6);
    g_assert_cmpint(written_by(world, 2), ==, 0);
    struct stats_row row = stats(1, NOON_MS, 20000);
    struct speed_batch repair = {
        .source = 1, .sequence = 6, .repair = true, .stats = &row, .stats_count = 1};
    write_batch(world, &repair);
    g_assert_cmpint(popularity_of(world, 1), ==, 20000);
    write_numbered(world, 1, 6, 30000);
    write_numbered(world, 1, 4, 30000);
    g_assert_cmpint(popularity_of(world, 1), ==, 20000);
    g_assert_cmpint(written_by(world, 1), ==, 6);
    write_numbered(world, 1, 8, 40000);
    g_assert_cmpint(popularity_of(world, 1), ==, 40000);
    g_assert_cmpint(written_by(world, 1), ==, 8);
    repair = (struct speed_batch){
        .source = 1, .sequence = 8, .repair = true, .stats_gone = &row, .stats_gone_count = 1};
    write_batch(world, &repair);
    size_t count;
    read_stats(world, world->speed, 1, ALL, &count);
    g_assert_cmpuint(count, ==, 0);
    write_numbered(world, 1, 10, 50000);
    g_assert_cmpint(popularity_of(world, 1), ==, 50000);
}

/* Many keys at once, of two tables: each key's rows by movie, hour and window; keys without rows
 * and keys of expired hours have none. */
static void test_changed(struct world *world, const void *data)
{
    (void)data;
    struct stats_row rows[] = {stats(12, NOON_MS - MS_PER_HOUR, 3), stats(11, NOON_MS, 2),
                               stats(11, NOON_MS - MS_PER_HOUR, 1), stats(10, NOON_MS, 9)};
    struct sentiment_row windows[] = {
        {.movie_id = 11,
         .hour_ms = NOON_MS,
         .window_start_ms = NOON_MS + 600000,
         .review_count = 6},
        {.movie_id = 11, .hour_ms = NOON_MS, .window_start_ms = NOON_MS, .review_count = 5},
        {.movie_id = 13, .hour_ms = NOON_MS, .window_start_ms = NOON_MS, .review_count = 7}};
    write_batch(world, &(struct speed_batch){.stats = rows,
                                             .stats_count = G_N_ELEMENTS(rows),
                                             .sentiment = windows,
                                             .sentiment_count = G_N_ELEMENTS(windows)});
    const struct speed_change changes[] = {
        {.table = SPEED_STATS, .movie_id = 12, .hour_ms = NOON_MS - MS_PER_HOUR},
        {.table = SPEED_SENTIMENT, .movie_id = 13, .hour_ms = NOON_MS},
        {.table = SPEED_STATS, .movie_id = 11, .hour_ms = NOON_MS},
        {.table = SPEED_STATS, .movie_id = 99, .hour_ms = NOON_MS},
        {.table = SPEED_STATS, .movie_id = 11, .hour_ms = NOON_MS - MS_PER_HOUR},
        {.table = SPEED_STATS, .movie_id = 11, .hour_ms = NOON_MS - 100 * MS_PER_HOUR},
        {.table = SPEED_SENTIMENT, .movie_id = 11, .hour_ms = NOON_MS},
    };
    GError *error = NULL;
    struct stats_row *found;
    struct sentiment_row *scored;
    size_t count;
    bool read = speed_read_changed_stats(world->speed, changes, G_N_ELEMENTS(changes), world->arena,
                                         &found, &count, &error);
    g_assert_no_error(error);
    g_assert_true(read);
    g_assert_cmpuint(count, ==, 3);
    for (int64_t i = 0; i < 3; i++)
        g_assert_cmpint(found[i].popularity_e4, ==, i + 1);
    read = speed_read_changed_sentiment(world->speed, changes, G_N_ELEMENTS(changes), world->arena,
                                        &scored, &count, &error);
    g_assert_no_error(error);
    g_assert_true(read);
    g_assert_cmpuint(count, ==, 3);
    for (int32_t i = 0; i < 3; i++)
        g_assert_cmpint(scored[i].review_count, ==, i + 5);
    read = speed_read_changed_stats(world->speed, changes, 0, world->arena, &found, &count, &error);
    g_assert_true(read);
    g_assert_cmpuint(count, ==, 0);
}

static void test_two_handles(struct world *world, const void *data)
{
    (void)data;
    struct speed *other = world->contract->open(world->fixture);
    const struct stats_row row = stats(11, NOON_MS, 1);
    size_t count;
    read_stats(world, other, 11, ALL, &count);
    g_assert_cmpuint(count, ==, 0);
    write_stats(world, &row, 1);
    read_stats(world, other, 11, ALL, &count);
    g_assert_cmpuint(count, ==, 1);
    speed_close(other);
}

static const struct {
    const char *name;
    void (*test)(struct world *world, const void *data);
} cases[] = {
    {"stats_round_trip", test_stats_round_trip},
    {"upsert", test_upsert},
    {"range", test_range},
    {"scan", test_scan},
    {"held", test_held},
    {"write_expired", test_write_expired},
    {"feed", test_feed},
    {"feed_goes_on", test_feed_goes_on},
    {"sentiment", test_sentiment},
    {"trending", test_trending},
    {"live_and_counts", test_live_and_counts},
    {"expire", test_expire},
    {"two_handles", test_two_handles},
    {"sources", test_sources},
    {"repair", test_repair},
    {"changed", test_changed},
};

void speed_contract_add(const struct speed_contract *contract)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/speed/%s/%s", contract->name, cases[i].name);
        g_test_add(path, struct world, contract, world_open, cases[i].test, world_close);
    }
}

/* Proves: the engine's behaviour at its edges: the example of docs/semantics.md end to end, dead
 * letters, a lost tail, a restart in the middle, revisions of movie.trending, memory that stays
 * bounded while late records load what left it, and damage that is named. Values over whole logs
 * are tests/stream's. */
#include "stream/stream.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus_faulty.h"
#include "bus/bus_mem.h"
#include "model/db.h"
#include "speed/speed.h"
#include "stream/late_ledger.h"
#include "stream/state.h"
#include "stream/stream_status.h"

/* 2026-01-01 12:00. */
#define NOON_MS INT64_C(1767268800000)
#define LONG_MS (60 * MS_PER_SECOND)
#define FETCH   ((size_t)1 << 20)

struct world {
    char *folder;
    struct config *config;
    struct clock *clock;
    struct metrics *metrics;
    struct context context;
    struct bus *bus;
    struct registry *registry;
    struct serde *serde;
    struct stream *stream;
    struct arena *arena;
};

static void open_stream(struct world *world)
{
    GError *error = NULL;
    world->stream = stream_open(&world->context, world->bus, world->serde, &error);
    g_assert_no_error(error);
}

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->folder = g_dir_make_tmp("stream-XXXXXX", &error);
    world->config = config_new_default();
    g_free(world->config->data_dir);
    world->config->data_dir = g_strdup(world->folder);
    world->clock = clock_new_manual(NOON_MS + 30 * MS_PER_MINUTE);
    world->metrics = metrics_new();
    world->context =
        (struct context){.config = world->config, .clock = world->clock, .metrics = world->metrics};
    world->bus = bus_faulty_new(bus_mem_new(&world->context), (struct bus_faults){0});
    world->registry = registry_new_mem();
    world->serde = serde_new(world->registry, &error);
    g_assert_no_error(error);
    world->arena = arena_new();
    open_stream(world);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    static const char *const names[] = {"stream.db", "stream.db-wal", "stream.db-shm"};
    stream_close(world->stream);
    serde_free(world->serde);
    registry_close(world->registry);
    bus_close(world->bus);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(world->folder, names[i], NULL);
        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(world->folder), ==, 0);
    g_free(world->folder);
    arena_free(world->arena);
    metrics_free(world->metrics);
    clock_free(world->clock);
    config_free(world->config);
}

static void append_bytes(struct world *world, const char *topic, int partition, struct span value)
{
    GError *error = NULL;
    const struct bus_message message = {
        .topic = topic, .partition = partition, .key = {"0", 1}, .value = value};
    g_assert_true(bus_produce(world->bus, &message, 1, NULL, &error));
    g_assert_no_error(error);
}

static int partition_of(struct world *world, int32_t movie_id)
{
    char key[TOPIC_KEY_BYTES];
    return topic_partition(key, topic_movie_key(movie_id, key), (int)world->config->bus_partitions);
}

static void append(struct world *world, enum topic topic, int32_t movie_id, const void *record)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    serde_encode(world->serde, topic, record, bytes);
    append_bytes(world, topic_info(topic)->name, partition_of(world, movie_id),
                 (struct span){(char *)bytes->data, bytes->len});
}

static void append_rating(struct world *world,
                          int32_t movie_id,
                          int64_t event_ms,
                          double popularity,
                          double vote_average,
                          int32_t vote_count)
{
    const struct rating rating = {.movie_id = movie_id,
                                  .timestamp_ms = event_ms,
                                  .popularity = popularity,
                                  .vote_average = vote_average,
                                  .vote_count = vote_count};
    append(world, TOPIC_RATINGS, movie_id, &rating);
}

static void append_view(struct world *world, int32_t movie_id, int64_t event_ms, const char *id)
{
    const struct user_event event = {
        .event_id = {id, strlen(id)}, .user_id = 5, .movie_id = movie_id, .timestamp_ms = event_ms};
    append(world, TOPIC_EVENTS, movie_id, &event);
}

/* Reads all and commits; late windows are ranked too. */
static void settle(struct world *world)
{
    GError *error = NULL;
    for (bool idle = false; !idle;) {
        g_assert_true(stream_step(world->stream, &idle, &error));
        g_assert_no_error(error);
    }
    clock_advance_monotonic(world->clock, LONG_MS);
    g_assert_true(stream_commit(world->stream, &error));
    g_assert_no_error(error);
}

static struct speed *open_speed(struct world *world)
{
    GError *error = NULL;
    struct speed *speed = speed_open(&world->context, &error);
    g_assert_no_error(error);
    return speed;
}

static struct trending_row *read_trending(struct world *world, size_t *ret_count)
{
    GError *error = NULL;
    struct trending_row *rows = NULL;
    struct speed *speed = open_speed(world);
    g_assert_true(
        speed_read_trending(speed, INT64_MIN, INT64_MAX, world->arena, &rows, ret_count, &error));
    speed_close(speed);
    return rows;
}

static struct stats_row *read_stats(struct world *world, int32_t movie_id, size_t *ret_count)
{
    GError *error = NULL;
    struct stats_row *rows = NULL;
    struct speed *speed = open_speed(world);
    g_assert_true(speed_read_stats(speed, movie_id, INT64_MIN, INT64_MAX, world->arena, &rows,
                                   ret_count, &error));
    speed_close(speed);
    return rows;
}

/* Decoded records of a topic, all partitions. */
static struct bus_record *read_topic(struct world *world, enum topic topic, size_t *ret_count)
{
    struct bus_record *all = arena_array(world->arena, struct bus_record, 1000);
    size_t count = 0;
    for (int p = 0; p < (int)world->config->bus_partitions; p++) {
        GError *error = NULL;
        struct bus_batch batch;
        g_assert_true(bus_fetch(world->bus, topic_info(topic)->name, p, 0, FETCH, world->arena,
                                &batch, &error));
        for (size_t i = 0; i < batch.count; i++)
            all[count++] = batch.records[i];
    }
    *ret_count = count;
    return all;
}

/* The five records of docs/semantics.md and what it says of them; then the same after a restart. */
static void test_example(struct world *world, const void *data)
{
    (void)data;
    append_rating(world, 11, NOON_MS + 60000, 10.0, 7.0, 100);
    append_rating(world, 11, NOON_MS + 360000, 10.5, 7.2, 102);
    append_rating(world, 12, NOON_MS + 360000, 20.0, 6.5, 51);
    append_rating(world, 12, NOON_MS + 70000, 20.0, 6.5, 50);
    append_view(world, 11, NOON_MS + 370000, "web.1:1");
    settle(world);
    for (int life = 0; life < 2; life++) {
        size_t count;
        const struct stats_row *stats = read_stats(world, 11, &count);
        g_assert_cmpuint(count, ==, 1);
        g_assert_cmpint(stats->popularity_e4, ==, 105000);
        g_assert_true(stats->has_velocity && stats->rating_velocity == 2.4000000000000004);
        g_assert_cmpint(stats->last_updated_ms, ==, NOON_MS + 360000);
        stats = read_stats(world, 12, &count);
        g_assert_true(stats->has_velocity && stats->rating_velocity == 0);
        const struct trending_row *ranks = read_trending(world, &count);
        g_assert_cmpuint(count, ==, 1);
        g_assert_cmpint(ranks->movie_id, ==, 11);
        g_assert_cmpint(ranks->window_end_ms, ==, NOON_MS + 600000);
        g_assert_true(ranks->velocity == 6 && !ranks->has_acceleration);
        g_assert_cmpfloat_with_epsilon(ranks->trending_score, 3.034657359, 1e-9);
        stream_close(world->stream);
        open_stream(world);
        settle(world);
    }
}

/* What can't be used goes to the dead letters with its bytes, once a commit; the rest goes on. */
static void test_deadletters(struct world *world, const void *data)
{
    (void)data;
    append_bytes(world, "movie.ratings", 3, (struct span){"\x07garbage", 8});
    append_rating(world, 11, NOON_MS + 41 * MS_PER_MINUTE, 1, 1,
                  1); /* 11 minutes ahead of the clock */
    append_rating(world, 11, NOON_MS, 2e9, 1, 1);
    append_rating(world, 11, NOON_MS, 1, 1, 1);
    settle(world);
    struct stream_counts counts;
    stream_counts(world->stream, "movie.ratings", &counts);
    g_assert_cmpint(counts.classes[RECORD_BAD], ==, 3);
    g_assert_cmpint(counts.classes[RECORD_USED], ==, 1);
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_RECORDS, "bad") == 3);
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_COMMITS, NULL) >= 1);
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_COMMIT_SECONDS, NULL) >= 1);
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_LAG_RECORDS, "movie.ratings") == 0);
    size_t count;
    const struct bus_record *letters = read_topic(world, TOPIC_DEADLETTER, &count);
    g_assert_cmpuint(count, ==, 3);
    bool garbage = false;
    for (size_t i = 0; i < count; i++) {
        GError *error = NULL;
        struct deadletter letter;
        g_assert_true(serde_decode(world->serde, TOPIC_DEADLETTER, letters[i].value, world->arena,
                                   &letter, &error));
        g_assert_true(letter.topic.len == 13 &&
                      memcmp(letter.topic.data, "movie.ratings", 13) == 0);
        g_assert_cmpuint(letter.reason.len, >, 0);
        garbage = garbage || (letter.partition == 3 && letter.bytes.len == 8 &&
                              memcmp(letter.bytes.data, "\x07garbage", 8) == 0);
    }
    g_assert_true(garbage);
}

/* A log that ends before the committed offset stops the start, and the text names topic, partition
 * and both offsets. */
static void test_lost_tail(struct world *world, const void *data)
{
    (void)data;
    for (int i = 0; i < 5; i++)
        append_rating(world, 11, NOON_MS + i, 1, 1, 1);
    settle(world);
    stream_close(world->stream);
    world->stream = NULL;
    int partition = partition_of(world, 11);
    bus_faulty_lose_tail(world->bus, "movie.ratings", partition, 2);
    g_autoptr(GError) error = NULL;
    g_assert_null(stream_open(&world->context, world->bus, world->serde, &error));
    g_assert_true(error_is(error, FAILED));
    g_autofree char *place = g_strdup_printf("movie.ratings partition %d", partition);
    g_assert_nonnull(strstr(error->message, place));
    g_assert_nonnull(strstr(error->message, "offset 5"));
    g_assert_nonnull(strstr(error->message, "end 3"));
}

static void commit_now(struct world *world)
{
    GError *error = NULL;
    for (bool idle = false; !idle;)
        g_assert_true(stream_step(world->stream, &idle, &error));
    g_assert_true(stream_commit(world->stream, &error));
    g_assert_no_error(error);
}

/* Each ranking that differs is published once, with the next revision; a late record that empties
 * the hour's latest ranking brings the one before back. */
static void test_revisions(struct world *world, const void *data)
{
    (void)data;
    size_t count;
    append_rating(world, 11, NOON_MS, 10, 7, 1);
    append_rating(world, 11, NOON_MS + 5 * MS_PER_MINUTE, 11, 7, 1); /* rises: ranked */
    commit_now(world);
    append_rating(world, 11, NOON_MS + 10 * MS_PER_MINUTE, 12, 7, 1); /* rises again */
    commit_now(world);
    commit_now(world); /* nothing new: no revision */
    const struct trending_row *ranks = read_trending(world, &count);
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpint(ranks->window_end_ms, ==, NOON_MS + 15 * MS_PER_MINUTE);
    /* Corrects the last window's observation: the movie doesn't rise in it. */
    append_rating(world, 11, NOON_MS + 10 * MS_PER_MINUTE + 1, 10.5, 7, 1);
    settle(world);
    ranks = read_trending(world, &count);
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpint(ranks->window_end_ms, ==, NOON_MS + 10 * MS_PER_MINUTE);
    g_assert_true(ranks->velocity == 1 / (5.0 / 60));
    /* And the other one's too: the hour has no ranks. */
    append_rating(world, 11, NOON_MS + 5 * MS_PER_MINUTE + 1, 10, 7, 1);
    append_rating(world, 11, NOON_MS + 10 * MS_PER_MINUTE + 2, 10, 7, 1);
    settle(world);
    read_trending(world, &count);
    g_assert_cmpuint(count, ==, 0);
    const struct bus_record *published = read_topic(world, TOPIC_TRENDING, &count);
    g_assert_cmpuint(count, ==, 4);
    int empty = 0, revisions[2] = {0};
    for (size_t i = 0; i < count; i++) {
        GError *error = NULL;
        struct trending trending;
        g_assert_true(serde_decode(world->serde, TOPIC_TRENDING, published[i].value, world->arena,
                                   &trending, &error));
        int *revision = &revisions[trending.window_start_ms == NOON_MS + 10 * MS_PER_MINUTE];
        g_assert_cmpint(trending.revision, ==, ++*revision);
        empty += trending.movies_count == 0;
    }
    g_assert_cmpint(empty, ==, 2);
    g_assert_cmpint(revisions[0], ==, 2);
    g_assert_cmpint(revisions[1], ==, 2);
}

/* A record behind the watermark is late, is counted, and changes the next window's velocity all the
 * same. */
static void test_late(struct world *world, const void *data)
{
    (void)data;
    size_t count;
    append_rating(world, 11, NOON_MS, 1, 6.0, 1);
    append_rating(world, 11, NOON_MS + 20 * MS_PER_MINUTE, 1, 7.0, 1);
    settle(world);
    g_assert_true(read_stats(world, 11, &count)->rating_velocity == 10000 / 10000.0 / (20.0 / 60));
    clock_advance_monotonic(world->clock, LONG_MS); /* the other inputs are idle */
    commit_now(world);
    append_rating(world, 11, NOON_MS + 10 * MS_PER_MINUTE, 1, 6.5, 1);
    settle(world);
    struct stream_counts counts;
    stream_counts(world->stream, NULL, &counts);
    g_assert_cmpint(counts.late, ==, 1);
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_LATE, NULL) == 1);
    /* The clock says 12:30, the watermark is 12:20 less its 10 s. */
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_WATERMARK_DELAY_SECONDS, NULL) == 610);
    g_assert_true(read_stats(world, 11, &count)->rating_velocity == 5000 / 10000.0 / (10.0 / 60));
}

/* Each late record stands in the ledger: its window, how late it was, what the window said before
 * and after. The watermark is 12:20 less 10 s, so 12:10 to 12:15 ended 4 min 50 s before it. */
static void test_late_ledger(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    const int64_t window_ms = NOON_MS + 10 * MS_PER_MINUTE;
    append_rating(world, 11, NOON_MS + 20 * MS_PER_MINUTE, 1, 7.0, 1);
    settle(world);
    clock_advance_monotonic(world->clock, LONG_MS);
    commit_now(world);
    append_rating(world, 11, window_ms + 1, 2.5, 6.5, 1);
    settle(world);
    append_rating(world, 11, window_ms + 2, 3, 6.5, 1);
    append_rating(world, 11, window_ms, 9, 6.5, 1); /* late, but not the window's last */
    append_view(world, 11, window_ms, "X");
    append_view(world, 11, window_ms, "X"); /* a duplicate isn't late */
    settle(world);
    struct late_entry *entries;
    size_t count;
    g_assert_true(stream_status_late(&world->context, world->arena, 10, &entries, &count, &error));
    g_assert_cmpuint(count, ==, 4);
    for (size_t i = 0; i < count; i++) {
        g_assert_cmpint(entries[i].movie_id, ==, 11);
        g_assert_cmpint(entries[i].window_start_ms, ==, window_ms);
        g_assert_cmpint(entries[i].late_ms, ==, 4 * MS_PER_MINUTE + 50 * MS_PER_SECOND);
        g_assert_cmpint(entries[i].partition, ==, partition_of(world, 11));
        g_assert_true(entries[i].after.has);
    }
    g_assert_cmpstr(entries[0].topic, ==, "user.events");
    g_assert_cmpint(entries[0].offset, ==, 0);
    g_assert_true(!entries[0].before.has && entries[0].after.value == 1);
    g_assert_cmpstr(entries[1].topic, ==, "movie.ratings");
    g_assert_cmpint(entries[1].offset, ==, 3);
    g_assert_true(entries[1].before.has && entries[1].before.value == 3);
    g_assert_true(entries[1].after.value == 3);
    g_assert_true(entries[2].before.value == 2.5 && entries[2].after.value == 3);
    g_assert_true(!entries[3].before.has && entries[3].after.value == 2.5);
    g_assert_true(stream_status_late(&world->context, world->arena, 1, &entries, &count, &error));
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpint(entries[0].offset, ==, 0);
}

/* Records on the bus that no commit covers yet are the lag. */
static void test_lag(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    for (int i = 0; i < 7; i++)
        append_rating(world, 11, NOON_MS + i, 1, 1, 1);
    settle(world);
    world->config->stream_commit_records = 3; /* of the next life */
    for (int i = 0; i < 10; i++)
        append_rating(world, 11, NOON_MS + i, 1, 1, 1);
    stream_close(world->stream);
    open_stream(world);
    bool idle;
    clock_advance(world->clock, 5 * MS_PER_SECOND);
    g_assert_true(stream_step(world->stream, &idle, &error));
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_LAG_RECORDS, "movie.ratings") == 7);
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_LAG_SECONDS, "movie.ratings") == 5);
    settle(world);
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_LAG_RECORDS, "movie.ratings") == 0);
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_LAG_SECONDS, "movie.ratings") == 0);
}

static double gauge(const struct world *world, enum metric metric)
{
    return metrics_get(world->metrics, metric, NULL);
}

/* What is bounded is counted: what is in memory, silent partitions, windows that a change made
 * anew, late records that the ledger has no room for. Each class is shown from the start. */
static void test_gauges(struct world *world, const void *data)
{
    (void)data;
    enum { TOO_MANY = 5 };
    GError *error = NULL;
    bool idle;
    append_rating(world, 11, NOON_MS, 1, 7, 1);
    append_rating(world, 11, NOON_MS + 5 * MS_PER_MINUTE, 2, 7, 1);
    append_rating(world, 11, NOON_MS + 10 * MS_PER_MINUTE, 3, 7, 1);
    append_rating(world, 11, NOON_MS + 15 * MS_PER_MINUTE, 4, 7, 1);
    append_view(world, 11, NOON_MS, "X");
    settle(world);
    g_assert_true(gauge(world, METRIC_STREAM_STATE_MOVIES) == 1);
    g_assert_true(gauge(world, METRIC_STREAM_STATE_WINDOWS) == 5);
    g_assert_true(gauge(world, METRIC_STREAM_SEEN_ENTRIES) == 1);
    g_assert_true(gauge(world, METRIC_STREAM_RANKER_MEASURES) == 3); /* the first has no velocity */
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_EVALUATED, "trending") == 3);
    g_autoptr(GString) text = g_string_new(NULL);
    metrics_write(world->metrics, text);
    g_assert_nonnull(strstr(text->str, "marquee_stream_records_total{class=\"duplicate\"} 0\n"));
    /* Nothing comes for a minute: all partitions of the four inputs are idle. */
    clock_advance_monotonic(world->clock, LONG_MS);
    g_assert_true(stream_step(world->stream, &idle, &error));
    g_assert_true(idle);
    g_assert_true(gauge(world, METRIC_STREAM_IDLE_PARTITIONS) ==
                  4 * (double)world->config->bus_partitions);
    /* The first window has no measure of its own; the next and the next but one are made anew. */
    for (int i = 0; i < LATE_LEDGER_COMMIT_MAX + TOO_MANY; i++)
        append_rating(world, 11, NOON_MS + 1 + i, 1, 7, 1);
    settle(world);
    g_assert_true(metrics_get(world->metrics, METRIC_STREAM_EVALUATED, "trending") == 3 + 2);
    g_assert_true(gauge(world, METRIC_STREAM_IDLE_PARTITIONS) ==
                  4 * (double)world->config->bus_partitions - 1);
    g_assert_true(gauge(world, METRIC_STREAM_LATE) == LATE_LEDGER_COMMIT_MAX + TOO_MANY);
    g_assert_true(gauge(world, METRIC_STREAM_LATE_UNLISTED) == TOO_MANY);
}

/* A title that comes after the observations reaches the rows that stand. */
static void test_title(struct world *world, const void *data)
{
    (void)data;
    size_t count;
    append_rating(world, 11, NOON_MS - MS_PER_HOUR, 1, 6, 1);
    append_rating(world, 11, NOON_MS, 1, 6, 1);
    settle(world);
    g_assert_null(read_stats(world, 11, &count)->title);
    const struct metadata metadata = {
        .movie_id = 11, .title = {"Heat", 4}, .timestamp_ms = NOON_MS, .event_type = {"new", 3}};
    const struct metadata older = {.movie_id = 11,
                                   .title = {"Cold", 4},
                                   .timestamp_ms = NOON_MS - 1,
                                   .event_type = {"new", 3}};
    append(world, TOPIC_METADATA, 11, &metadata);
    append(world, TOPIC_METADATA, 11, &older);
    settle(world);
    const struct stats_row *rows = read_stats(world, 11, &count);
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpstr(rows[0].title, ==, "Heat");
    g_assert_cmpstr(rows[1].title, ==, "Heat");
}

/* More windows than memory holds: they leave it, late records load their own again, and values are
 * as ever. */
static void test_memory_bound(struct world *world, const void *data)
{
    (void)data;
    enum { MOVIES = 12000, WINDOWS = 12 };
    g_assert_cmpint(MOVIES * WINDOWS, >, STATE_WINDOWS_MAX / (int)world->config->bus_partitions);
    /* All on one partition, as if they were one task's: 100,000 windows are its share. */
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct bus_message *messages = g_new0(struct bus_message, MOVIES);
    size_t *ends = g_new(size_t, MOVIES);
    for (int w = 0; w < WINDOWS; w++) {
        g_byte_array_set_size(bytes, 0);
        for (int m = 0; m < MOVIES; m++) {
            const struct rating rating = {.movie_id = m,
                                          .timestamp_ms =
                                              NOON_MS - MS_PER_HOUR + w * 5 * MS_PER_MINUTE,
                                          .popularity = w,
                                          .vote_average = w % 10};
            serde_encode(world->serde, TOPIC_RATINGS, &rating, bytes);
            ends[m] = bytes->len;
        }
        for (int m = 0; m < MOVIES; m++)
            messages[m] =
                (struct bus_message){.topic = "movie.ratings",
                                     .partition = 0,
                                     .key = {"0", 1},
                                     .value = {(char *)bytes->data + (m ? ends[m - 1] : 0),
                                               ends[m] - (m ? ends[m - 1] : 0)}};
        GError *error = NULL;
        g_assert_true(bus_produce(world->bus, messages, MOVIES, NULL, &error));
    }
    g_free(messages);
    g_free(ends);
    settle(world);
    g_assert_cmpfloat(metrics_get(world->metrics, METRIC_STREAM_STATE_WINDOWS, NULL), <=,
                      STATE_WINDOWS_MAX / (double)world->config->bus_partitions);
    size_t count;
    const struct rating late = {
        .movie_id = 3, .timestamp_ms = NOON_MS - 10 * MS_PER_MINUTE + 1, .vote_average = 3};
    g_byte_array_set_size(bytes, 0);
    serde_encode(world->serde, TOPIC_RATINGS, &late, bytes);
    append_bytes(world, "movie.ratings", 0, (struct span){(char *)bytes->data, bytes->len});
    settle(world);
    const struct stats_row *row = read_stats(world, 3, &count);
    g_assert_cmpuint(count, ==, 1);
    /* Window 11 has 1 (11 % 10), window 10 now 3: (1 - 3) * 12 an hour, in the written order. */
    g_assert_true(row->rating_velocity == -20000 / 10000.0 / (5.0 / 60));
}

static void change_row(struct world *world, const char *sql)
{
    GError *error = NULL;
    g_autofree char *path = config_path(world->config, "stream.db");
    sqlite3 *db = db_open(path, NULL, &error);
    g_assert_true(db_exec(db, sql, &error));
    g_assert_no_error(error);
    db_close(db);
}

/* A damaged row is named when it is needed, not believed; its neighbours work. What the failure
 * left half done in memory is dropped: once the row is repaired the event that had met it is used,
 * not taken for a repeat of itself. */
static void test_damage(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    append_view(world, 11, NOON_MS, "X");
    append_view(world, 12, NOON_MS, "Y");
    settle(world);
    stream_close(world->stream);
    change_row(world, "CREATE TABLE spare AS SELECT * FROM stream_movies; UPDATE stream_movies SET "
                      "hours = zeroblob(9) WHERE movie_id = 11");
    open_stream(world);
    append_view(world, 12, NOON_MS, "Z");
    settle(world);
    append_view(world, 11, NOON_MS, "A");
    for (int i = 0; i < 2; i++) {
        bool idle;
        g_assert_false(stream_step(world->stream, &idle, &error));
        g_assert_true(error_is(error, BADDATA));
        g_assert_nonnull(strstr(error->message, "movie 11"));
        g_clear_error(&error);
    }
    change_row(world, "UPDATE stream_movies SET hours = (SELECT s.hours FROM spare s WHERE "
                      "s.movie_id = 11) WHERE movie_id = 11");
    settle(world);
    struct stream_counts counts;
    stream_counts(world->stream, "user.events", &counts);
    g_assert_cmpint(counts.classes[RECORD_USED], ==, 4);
    g_assert_cmpint(counts.classes[RECORD_DUPLICATE], ==, 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(struct world *world, const void *data);
    } tests[] = {
        {"/stream/example", test_example},
        {"/stream/deadletters", test_deadletters},
        {"/stream/lost_tail", test_lost_tail},
        {"/stream/revisions", test_revisions},
        {"/stream/late", test_late},
        {"/stream/late_ledger", test_late_ledger},
        {"/stream/title", test_title},
        {"/stream/lag", test_lag},
        {"/stream/gauges", test_gauges},
        {"/stream/damage", test_damage},
        {"/stream/memory_bound", test_memory_bound},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct world, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}

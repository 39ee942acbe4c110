/* Drives the stream engine over a log dump (JSON lines of tools/loggen.py) and prints its speed
 * tables as JSON lines in the form of tools/oracle.py.
 *
 *   stream_replay --dir DIR --dump FILE [--bus mem|sqlite] [--seed N] [--cut
 * TOPIC/PARTITION=OFFSET]... [--catch-up] [--faults] [--cluster N [--topic]]
 *
 * Each record is appended with its own append time; in between the seed decides when the engine
 * steps, when monotonic time passes (which makes it commit), and when it is closed and opened
 * again. With --catch-up the whole log stands before the engine starts. With --bus sqlite a run
 * that was killed (MARQUEE_FAILPOINT) goes on where the log ends. With --cluster N the engine is
 * the one for Kafka, N processes of it as N engines over a fake group (group_fake.h), which are
 * closed, die and are given up for dead, with transactions that are aborted or of unknown outcome;
 * with --topic their rows go to the rows topic, and the tables are made of that at the end.
 * No result may depend on any of that. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "base/number.h"
#include "bus/bus_faulty.h"
#include "bus/bus_mem.h"
#include "bus/registry.h"
#include "group_fake.h"
#include "model/db.h"
#include "speed/speed.h"
#include "stream/rows_topic.h"
#include "stream/stream_cluster.h"
#include "stream/task_file.h"

#define CUTS_MAX           64
#define COMMIT_RECORDS_MAX 400
#define STEP_PERCENT       12
#define PASS_PERCENT       4
#define REOPEN_PERMILLE    4
#define FAULT_CHANCE       0.05
#define SETTLE_STEPS_MAX   100000
#define SETTLE_ROUNDS      3
#define INSTANCES_MAX      8
#define SNAPSHOT_AFTER_MAX 20000
#define LOSE_PERMILLE      3
#define FETCH_BYTES        ((size_t)1 << 20)

struct cut {
    char *topic;
    int partition;
    int64_t offset;
};

struct replay {
    char *dir, *dump, *bus_name;
    gint64 seed;
    gboolean catch_up, faults, topic;
    struct cut cuts[CUTS_MAX];
    size_t cuts_count;
    struct config *config;
    struct clock *clock;
    struct metrics *metrics;
    struct context context;
    struct bus *bus;        /* what the records are appended with */
    struct bus *engine_bus; /* what the engine reads and writes: the same log */
    struct registry *registry;
    struct serde *serde;
    struct stream *stream;
    gint instances; /* 0: the embedded engine */
    struct group_fake *group;
    struct bus *member_buses[INSTANCES_MAX];
    struct stream_cluster *clusters[INSTANCES_MAX];
    GRand *random;
    GByteArray *bytes;
    int64_t now_ms;
};

static void check(bool done, GError *error)
{
    if (done)
        return;
    fprintf(stderr, "stream_replay: %s\n", error ? error->message : "?");
    exit(1);
}

/* ---- dump to records ---- */

static struct span span_of(json_t *value)
{
    const char *text = json_string_value(value);
    return (struct span){text ? text : "", text ? json_string_length(value) : 0};
}

static double double_of(json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static int64_t int_of(json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void encode_rating(struct replay *replay, json_t *value)
{
    const struct rating rating = {
        .movie_id = (int32_t)int_of(value, "movie_id"),
        .vote_average = double_of(value, "vote_average"),
        .vote_count = (int32_t)int_of(value, "vote_count"),
        .popularity = double_of(value, "popularity"),
        .timestamp_ms = int_of(value, "timestamp"),
    };
    serde_encode(replay->serde, TOPIC_RATINGS, &rating, replay->bytes);
}

static void encode_metadata(struct replay *replay, json_t *value)
{
    json_t *genres = json_object_get(value, "genres");
    size_t count = json_array_size(genres);
    g_autofree struct span *spans = g_new0(struct span, count + 1);
    for (size_t i = 0; i < count; i++)
        spans[i] = span_of(json_array_get(genres, i));
    const struct metadata metadata = {
        .movie_id = (int32_t)int_of(value, "movie_id"),
        .title = span_of(json_object_get(value, "title")),
        .genres = spans,
        .genres_count = count,
        .timestamp_ms = int_of(value, "timestamp"),
        .event_type = span_of(json_object_get(value, "event_type")),
    };
    serde_encode(replay->serde, TOPIC_METADATA, &metadata, replay->bytes);
}

static void encode_review(struct replay *replay, json_t *value)
{
    json_t *updated = json_object_get(value, "updated_at");
    const struct review review = {
        .review_id = span_of(json_object_get(value, "review_id")),
        .movie_id = (int32_t)int_of(value, "movie_id"),
        .author = span_of(json_object_get(value, "author")),
        .content = span_of(json_object_get(value, "content")),
        .url = span_of(json_object_get(value, "url")),
        .created_at_ms = int_of(value, "created_at"),
        .has_updated_at = json_is_integer(updated),
        .updated_at_ms = json_integer_value(updated),
    };
    serde_encode(replay->serde, TOPIC_REVIEWS, &review, replay->bytes);
}

static void encode_event(struct replay *replay, json_t *value)
{
    static const char *const types[] = {"view", "click", "search", "watchlist", "rate", "share"};
    const char *type = json_string_value(json_object_get(value, "event_type"));
    struct user_event event = {
        .event_id = span_of(json_object_get(value, "event_id")),
        .user_id = int_of(value, "user_id"),
        .movie_id = (int32_t)int_of(value, "movie_id"),
        .timestamp_ms = int_of(value, "timestamp"),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_strcmp0(types[i], type) == 0)
            event.event_type = (int32_t)i;
    }
    serde_encode(replay->serde, TOPIC_EVENTS, &event, replay->bytes);
}

static void encode_hex(struct replay *replay, const char *hex)
{
    for (size_t i = 0; hex && hex[i] && hex[i + 1]; i += 2) {
        guint8 byte =
            (guint8)(g_ascii_xdigit_value(hex[i]) << 4 | g_ascii_xdigit_value(hex[i + 1]));
        g_byte_array_append(replay->bytes, &byte, 1);
    }
}

static void encode(struct replay *replay, enum topic topic, json_t *value)
{
    g_byte_array_set_size(replay->bytes, 0);
    if (json_object_get(value, "_bad")) {
        encode_hex(replay, json_string_value(json_object_get(value, "bytes")));
        return;
    }
    switch (topic) {
    case TOPIC_RATINGS:
        encode_rating(replay, value);
        break;
    case TOPIC_METADATA:
        encode_metadata(replay, value);
        break;
    case TOPIC_REVIEWS:
        encode_review(replay, value);
        break;
    default:
        encode_event(replay, value);
    }
}

/* ---- engine ---- */

static struct bus *reader_new(struct replay *replay, int number)
{
    GError *error = NULL;
    struct bus *reader = g_strcmp0(replay->bus_name, "sqlite") == 0
                             ? bus_open(&replay->context, &error)
                             : bus_mem_share(replay->bus);
    check(reader, error);
    if (replay->faults)
        reader =
            bus_faulty_new(reader, (struct bus_faults){.seed = (uint64_t)(replay->seed + number),
                                                       .fetch_fails = FAULT_CHANCE,
                                                       .fetch_short = FAULT_CHANCE});
    return reader;
}

static char *instance_name(int number)
{
    return g_strdup_printf("i%d", number);
}

static void open_cluster(struct replay *replay, int number)
{
    GError *error = NULL;
    if (!replay->group)
        replay->group = group_fake_new(
            replay->bus, (struct group_fake_faults){.seed = (uint32_t)replay->seed,
                                                    .aborted = replay->faults ? FAULT_CHANCE : 0,
                                                    .unknown = replay->faults ? FAULT_CHANCE : 0});
    g_autofree char *name = instance_name(number);
    replay->member_buses[number] = group_fake_bus(replay->group, reader_new(replay, number));
    replay->clusters[number] = stream_cluster_open(&replay->context, replay->member_buses[number],
                                                   replay->serde, name, &error);
    check(replay->clusters[number], error);
}

static void close_cluster(struct replay *replay, int number)
{
    stream_cluster_close(replay->clusters[number]);
    if (replay->member_buses[number])
        bus_close(replay->member_buses[number]);
    replay->clusters[number] = NULL;
    replay->member_buses[number] = NULL;
}

static void open_stream(struct replay *replay)
{
    GError *error = NULL;
    /* Each life of the engine commits after another number of records. */
    replay->config->stream_commit_records =
        1 + g_rand_int_range(replay->random, 0, COMMIT_RECORDS_MAX);
    replay->config->stream_snapshot_after_bytes =
        1 + g_rand_int_range(replay->random, 0, SNAPSHOT_AFTER_MAX);
    for (int i = 0; i < replay->instances; i++)
        open_cluster(replay, i);
    if (replay->instances)
        return;
    replay->stream = stream_open(&replay->context, replay->engine_bus, replay->serde, &error);
    check(replay->stream, error);
}

/* One call of one engine, or of the embedded one. */
static bool try_step(struct replay *replay, int number, bool *ret_idle, GError **error)
{
    return replay->instances ? stream_cluster_step(replay->clusters[number], ret_idle, error)
                             : stream_step(replay->stream, ret_idle, error);
}

static bool try_commit(struct replay *replay, int number, GError **error)
{
    return replay->instances ? stream_cluster_commit(replay->clusters[number], error)
                             : stream_commit(replay->stream, error);
}

/* Somebody else's id or partitions: the engine has left, and joins again. */
static bool mends(const GError *error)
{
    return error_is(error, AGAIN) || error_is(error, CONFLICT);
}

/* AGAIN is repeated, as the stage loop does. */
static void step(struct replay *replay, int number, bool *ret_idle)
{
    for (;;) {
        GError *error = NULL;
        if (try_step(replay, number, ret_idle, &error))
            return;
        if (!mends(error))
            check(false, error);
        g_clear_error(&error);
    }
}

static void commit(struct replay *replay, int number)
{
    for (;;) {
        GError *error = NULL;
        if (try_commit(replay, number, &error))
            return;
        if (!mends(error))
            check(false, error);
        g_clear_error(&error);
    }
}

static bool chance(struct replay *replay, int of, int least)
{
    return g_rand_int_range(replay->random, 0, of) < least;
}

static int any_engine(struct replay *replay)
{
    return replay->instances ? g_rand_int_range(replay->random, 0, replay->instances) : 0;
}

/* Another machine: what it knew is gone. */
static void lose_files(struct replay *replay, int number)
{
    g_autofree char *name = instance_name(number);
    g_autofree char *folder = g_build_filename(replay->dir, "stream", name, NULL);
    for (int task = 0; task <= replay->config->bus_partitions; task++) {
        GError *error = NULL;
        check(task_file_remove(folder, task, &error), error);
    }
}

/* A process is restarted, or the group gives it up: it finds out when it commits, or is stepped. */
static void live_group(struct replay *replay)
{
    int number = any_engine(replay);
    g_autofree char *name = instance_name(number);
    if (chance(replay, 1000, REOPEN_PERMILLE)) {
        close_cluster(replay, number);
        if (chance(replay, 2, 1))
            lose_files(replay, number);
        replay->config->stream_snapshot_after_bytes =
            1 + g_rand_int_range(replay->random, 0, SNAPSHOT_AFTER_MAX);
        replay->config->stream_commit_records =
            1 + g_rand_int_range(replay->random, 0, COMMIT_RECORDS_MAX);
        open_cluster(replay, number);
    } else if (chance(replay, 1000, LOSE_PERMILLE)) {
        group_fake_lose(replay->group, name);
        if (chance(replay, 2, 1)) {
            GError *error = NULL;
            if (!try_commit(replay, number, &error) && !mends(error))
                check(false, error);
            g_clear_error(&error);
        }
    }
}

/* Between two records. */
static void live(struct replay *replay)
{
    bool idle;
    if (chance(replay, 100, PASS_PERCENT))
        clock_advance_monotonic(replay->clock, replay->config->stream_commit_interval_ms);
    if (chance(replay, 100, STEP_PERCENT))
        step(replay, any_engine(replay), &idle);
    if (replay->instances) {
        live_group(replay);
    } else if (chance(replay, 1000, REOPEN_PERMILLE)) {
        stream_close(replay->stream); /* what is pending is read again */
        open_stream(replay);
    }
}

/* A round of all engines; whether each task runs somewhere and nobody had anything to do. */
static bool settle_round(struct replay *replay)
{
    int running = 0;
    bool all_idle = true;
    clock_advance_monotonic(replay->clock, replay->config->ranker_late_interval_ms +
                                               replay->config->stream_commit_interval_ms);
    for (int i = 0; i < replay->instances; i++) {
        int of_engine, restoring;
        bool idle;
        step(replay, i, &idle);
        commit(replay, i);
        stream_cluster_tasks(replay->clusters[i], &of_engine, &restoring);
        running += of_engine;
        all_idle = all_idle && idle;
    }
    return all_idle && running == (int)replay->config->bus_partitions + 1;
}

static void settle_group(struct replay *replay)
{
    int quiet = 0;
    for (int i = 0; i < SETTLE_STEPS_MAX && quiet < SETTLE_ROUNDS; i++)
        quiet = settle_round(replay) ? quiet + 1 : 0;
    /* Each task was restored at least once; and what stands in the tables was committed, if not by
     * an earlier life. */
    const bool first_life = g_strcmp0(replay->bus_name, "sqlite") != 0;
    if ((first_life &&
         metrics_get(replay->metrics, METRIC_STREAM_TRANSACTIONS, "committed") == 0) ||
        metrics_get(replay->metrics, METRIC_STREAM_RESTORE_SECONDS, NULL) <=
            (double)replay->config->bus_partitions)
        quiet = 0;
    if (quiet < SETTLE_ROUNDS) {
        fprintf(stderr, "stream_replay: the group doesn't settle\n");
        exit(1);
    }
}

/* Everything read, committed and ranked. */
static void settle(struct replay *replay)
{
    bool idle = false;
    if (replay->instances) {
        settle_group(replay);
        return;
    }
    for (int i = 0; i < SETTLE_STEPS_MAX && !idle; i++)
        step(replay, 0, &idle);
    for (int i = 0; i < SETTLE_ROUNDS; i++) {
        clock_advance_monotonic(replay->clock, replay->config->ranker_late_interval_ms +
                                                   replay->config->stream_commit_interval_ms);
        step(replay, 0, &idle);
        commit(replay, 0);
    }
}

static bool
beyond_cut(const struct replay *replay, const char *topic, int partition, int64_t offset)
{
    for (size_t i = 0; i < replay->cuts_count; i++) {
        const struct cut *cut = &replay->cuts[i];
        if (cut->partition == partition && strcmp(cut->topic, topic) == 0 && offset >= cut->offset)
            return true;
    }
    return false;
}

/* False: an earlier life of this replay has already appended it. */
static bool append(struct replay *replay, const char *topic, int partition, int64_t offset)
{
    GError *error = NULL;
    int64_t start, end, given;
    check(bus_offsets(replay->bus, topic, partition, &start, &end, &error), error);
    if (offset < end)
        return false;
    const struct bus_message message = {
        .topic = topic,
        .partition = partition,
        .key = {"0", 1},
        .value = {(const char *)replay->bytes->data, replay->bytes->len},
    };
    check(bus_produce(replay->bus, &message, 1, &given, &error), error);
    if (given != offset) {
        fprintf(stderr, "stream_replay: %s/%d: offset %" PRId64 " became %" PRId64 "\n", topic,
                partition, offset, given);
        exit(1);
    }
    return true;
}

static void take_line(struct replay *replay, const char *line)
{
    json_error_t why;
    json_t *dumped = json_loads(line, 0, &why);
    if (!dumped) {
        fprintf(stderr, "stream_replay: %s: %s\n", why.text, line);
        exit(1);
    }
    const char *topic = json_string_value(json_object_get(dumped, "topic"));
    int partition = (int)int_of(dumped, "partition");
    int64_t offset = int_of(dumped, "offset"), append_ms = int_of(dumped, "append_time");
    if (!beyond_cut(replay, topic, partition, offset)) {
        encode(replay, topic_by_name(topic)->id, json_object_get(dumped, "value"));
        clock_set_now(replay->clock, append_ms);
        bool new = append(replay, topic, partition, offset);
        replay->now_ms = MAX(replay->now_ms, append_ms);
        clock_set_now(replay->clock, replay->now_ms);
        if (new && (replay->stream || replay->clusters[0]))
            live(replay);
    }
    json_decref(dumped);
}

static void take_dump(struct replay *replay)
{
    FILE *file = fopen(replay->dump, "r");
    if (!file) {
        perror(replay->dump);
        exit(1);
    }
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, file) > 0)
        take_line(replay, line);
    free(line);
    fclose(file);
}

/* ---- tables ---- */

static void put(json_t *row, const char *name, bool has, double value)
{
    json_object_set_new(row, name, has ? json_real(value) : json_null());
}

static void print_row(json_t *row)
{
    char *text = json_dumps(row, JSON_COMPACT);
    puts(text);
    free(text);
    json_decref(row);
}

static void print_stats(struct speed *speed, struct arena *arena)
{
    GError *error = NULL;
    struct stats_row *rows;
    size_t count;
    check(speed_scan_stats(speed, arena, &rows, &count, &error), error);
    for (size_t i = 0; i < count; i++) {
        json_t *row =
            json_pack("{ss si sI ss? si sI}", "table", "movie_stats", "movie_id", rows[i].movie_id,
                      "hour", (json_int_t)rows[i].hour_ms, "title", rows[i].title, "vote_count",
                      rows[i].vote_count, "last_updated", (json_int_t)rows[i].last_updated_ms);
        put(row, "vote_average", true, (double)rows[i].vote_average_e4 / 10000.0);
        put(row, "popularity", true, (double)rows[i].popularity_e4 / 10000.0);
        put(row, "rating_velocity", rows[i].has_velocity, rows[i].rating_velocity);
        print_row(row);
    }
}

static void print_sentiment(struct speed *speed, struct arena *arena)
{
    GError *error = NULL;
    struct sentiment_row *rows;
    size_t count;
    check(speed_scan_sentiment(speed, arena, &rows, &count, &error), error);
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_pack(
            "{ss si sI sI sI sI si si si si}", "table", "review_sentiments", "movie_id",
            rows[i].movie_id, "hour", (json_int_t)rows[i].hour_ms, "window_start",
            (json_int_t)rows[i].window_start_ms, "window_end", (json_int_t)rows[i].window_end_ms,
            "sentiment_sum_e4", (json_int_t)rows[i].sentiment_sum_e4, "review_count",
            rows[i].review_count, "positive_count", rows[i].positive_count, "negative_count",
            rows[i].negative_count, "neutral_count", rows[i].neutral_count);
        put(row, "avg_sentiment", true, rows[i].avg_sentiment);
        put(row, "sentiment_velocity", rows[i].has_velocity, rows[i].sentiment_velocity);
        print_row(row);
    }
}

static void print_trending(struct speed *speed, struct arena *arena)
{
    GError *error = NULL;
    struct trending_row *rows;
    size_t count;
    check(speed_read_trending(speed, INT64_MIN, INT64_MAX, arena, &rows, &count, &error), error);
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_pack("{ss sI si sI si ss?}", "table", "trending_movies", "hour",
                                (json_int_t)rows[i].hour_ms, "rank", rows[i].rank, "window_end",
                                (json_int_t)rows[i].window_end_ms, "movie_id", rows[i].movie_id,
                                "title", rows[i].title);
        put(row, "trending_score", true, rows[i].trending_score);
        put(row, "velocity", true, rows[i].velocity);
        put(row, "acceleration", rows[i].has_acceleration, rows[i].acceleration);
        print_row(row);
    }
}

static void print_hour_counts(struct speed *speed, struct arena *arena)
{
    GError *error = NULL;
    struct hour_count_row *rows;
    size_t count;
    check(speed_read_hour_counts(speed, INT64_MIN, INT64_MAX, arena, &rows, &count, &error), error);
    for (size_t i = 0; i < count; i++)
        print_row(json_pack("{ss ss si sI sI}", "table", "hour_counts", "topic", rows[i].topic,
                            "partition", rows[i].partition, "hour", (json_int_t)rows[i].hour_ms,
                            "used_records", (json_int_t)rows[i].used_records));
}

static void print_live(struct speed *speed, struct arena *arena)
{
    static const char *const metrics[] = {
        "records.movie.ratings",
        "records.movie.metadata",
        "records.movie.reviews",
        "records.user.events",
        "events.view",
        "events.click",
        "events.search",
        "events.watchlist",
        "events.rate",
        "events.share",
        "users",
        "movies",
    };
    for (size_t m = 0; m < G_N_ELEMENTS(metrics); m++) {
        GError *error = NULL;
        struct live_row *rows;
        size_t count;
        check(
            speed_read_live(speed, metrics[m], INT64_MIN, INT64_MAX, arena, &rows, &count, &error),
            error);
        for (size_t i = 0; i < count; i++)
            print_row(json_pack("{ss ss sI sI sf}", "table", "real_time_stats", "metric",
                                rows[i].metric, "hour", (json_int_t)rows[i].hour_ms, "window_start",
                                (json_int_t)rows[i].window_start_ms, "value", rows[i].value));
    }
}

static void count_all(const struct replay *replay, const char *topic, struct stream_counts *sum)
{
    if (!replay->instances)
        stream_counts(replay->stream, topic, sum);
    for (int i = 0; i < replay->instances; i++) {
        struct stream_counts counts;
        stream_cluster_counts(replay->clusters[i], topic, &counts);
        for (int class = 0; class < RECORD_CLASS_COUNT; class ++)
            sum->classes[class] += counts.classes[class];
    }
}

static void print_counters(const struct replay *replay)
{
    static const char *const topics[] = {"movie.metadata", "movie.ratings", "movie.reviews",
                                         "user.events"};
    for (size_t i = 0; i < G_N_ELEMENTS(topics); i++) {
        struct stream_counts counts = {0};
        count_all(replay, topics[i], &counts);
        json_int_t total = 0;
        for (int class = 0; class < RECORD_CLASS_COUNT; class ++)
            total += counts.classes[class];
        print_row(json_pack("{ss ss sI sI sI sI sI}", "table", "counters", "topic", topics[i],
                            "total", total, "bad", (json_int_t)counts.classes[RECORD_BAD],
                            "expired", (json_int_t)counts.classes[RECORD_EXPIRED], "duplicate",
                            (json_int_t)counts.classes[RECORD_DUPLICATE], "used",
                            (json_int_t)counts.classes[RECORD_USED]));
    }
}

/* The speed tables as a reader of the rows topic has them. */
static void follow_topic(struct replay *replay, struct speed *speed)
{
    GError *error = NULL;
    struct arena *arena = arena_new();
    for (int p = 0; p < (int)replay->config->bus_partitions; p++) {
        struct bus_batch batch = {0};
        do {
            arena_reset(arena);
            check(bus_fetch(replay->bus, ROWS_TOPIC, p, batch.next_offset, FETCH_BYTES, arena,
                            &batch, &error),
                  error);
            for (size_t i = 0; i < batch.count; i++) {
                struct speed_batch rows;
                check(rows_topic_read(batch.records[i].key, batch.records[i].value, arena, &rows,
                                      &error),
                      error);
                check(speed_write(speed, &rows, &error), error);
            }
        } while (batch.count > 0);
    }
    arena_free(arena);
}

static void print_tables(struct replay *replay)
{
    GError *error = NULL;
    struct speed *speed = speed_open(&replay->context, &error);
    check(speed, error);
    if (replay->topic)
        follow_topic(replay, speed);
    struct arena *arena = arena_new();
    print_stats(speed, arena);
    print_sentiment(speed, arena);
    print_trending(speed, arena);
    print_hour_counts(speed, arena);
    print_live(speed, arena);
    print_counters(replay);
    arena_free(arena);
    speed_close(speed);
}

/* ---- main ---- */

static void parse_cuts(struct replay *replay, char **cuts)
{
    for (size_t i = 0; cuts && cuts[i] && i < CUTS_MAX; i++) {
        char *slash = strchr(cuts[i], '/'), *equals = slash ? strchr(slash, '=') : NULL;
        if (!equals) {
            fprintf(stderr, "stream_replay: --cut %s: expected TOPIC/PARTITION=OFFSET\n", cuts[i]);
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
        {"bus", 0, 0, G_OPTION_ARG_STRING, &replay->bus_name, "mem or sqlite", "NAME"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &replay->seed, "of commit points", "N"},
        {"catch-up", 0, 0, G_OPTION_ARG_NONE, &replay->catch_up, "append all first", NULL},
        {"faults", 0, 0, G_OPTION_ARG_NONE, &replay->faults, "a faulty bus", NULL},
        {"cluster", 0, 0, G_OPTION_ARG_INT, &replay->instances, "the engine for Kafka", "N"},
        {"topic", 0, 0, G_OPTION_ARG_NONE, &replay->topic, "rows go to a topic", NULL},
        {"cut", 0, 0, G_OPTION_ARG_STRING_ARRAY, &cuts, "only lower offsets", "TOPIC/P=N"},
        {0},
    };
    GOptionContext *options = g_option_context_new(NULL);
    GError *error = NULL;
    g_option_context_add_main_entries(options, entries, NULL);
    check(g_option_context_parse(options, &argc, &argv, &error), error);
    g_option_context_free(options);
    if (!replay->dir || !replay->dump) {
        fprintf(stderr, "stream_replay: --dir and --dump are needed\n");
        exit(2);
    }
    if (replay->instances < 0 || replay->instances > INSTANCES_MAX) {
        fprintf(stderr, "stream_replay: --cluster: 1 to %d\n", INSTANCES_MAX);
        exit(2);
    }
    parse_cuts(replay, cuts);
}

static void open_all(struct replay *replay)
{
    GError *error = NULL;
    replay->config = config_new_default();
    g_free(replay->config->data_dir);
    replay->config->data_dir = g_strdup(replay->dir);
    g_free(replay->config->stream_sink);
    replay->config->stream_sink = g_strdup(replay->topic ? "topic" : "store");
    replay->clock = clock_new_manual(0);
    replay->metrics = metrics_new();
    replay->context = (struct context){
        .config = replay->config, .clock = replay->clock, .metrics = replay->metrics};
    replay->random = g_rand_new_with_seed((guint32)replay->seed);
    replay->bytes = g_byte_array_new();
    bool memory = g_strcmp0(replay->bus_name, "sqlite") != 0;
    replay->bus = memory ? bus_mem_new(&replay->context) : bus_open(&replay->context, &error);
    check(replay->bus, error);
    replay->engine_bus = replay->bus;
    if (memory && replay->faults)
        replay->engine_bus = bus_faulty_new(bus_mem_share(replay->bus),
                                            (struct bus_faults){.seed = (uint64_t)replay->seed,
                                                                .produce_lost = FAULT_CHANCE,
                                                                .produce_unknown = FAULT_CHANCE,
                                                                .fetch_fails = FAULT_CHANCE,
                                                                .fetch_short = FAULT_CHANCE});
    replay->registry = memory ? registry_new_mem() : registry_open(&replay->context, &error);
    check(replay->registry, error);
    replay->serde = serde_new(replay->registry, &error);
    check(replay->serde, error);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        check(bus_create_topic(replay->bus, topic_info(topic)->name,
                               (int)replay->config->bus_partitions, &error),
              error);
}

static void close_all(struct replay *replay)
{
    stream_close(replay->stream);
    for (int i = 0; i < replay->instances; i++)
        close_cluster(replay, i);
    if (replay->group)
        group_fake_free(replay->group);
    serde_free(replay->serde);
    registry_close(replay->registry);
    if (replay->engine_bus != replay->bus)
        bus_close(replay->engine_bus);
    bus_close(replay->bus);
    for (size_t i = 0; i < replay->cuts_count; i++)
        g_free(replay->cuts[i].topic);
    g_free(replay->dir);
    g_free(replay->dump);
    g_free(replay->bus_name);
    g_byte_array_unref(replay->bytes);
    g_rand_free(replay->random);
    metrics_free(replay->metrics);
    clock_free(replay->clock);
    config_free(replay->config);
}

int main(int argc, char **argv)
{
    struct replay replay = {0};
    failpoint_init();
    parse(&replay, argc, argv);
    open_all(&replay);
    if (!replay.catch_up)
        open_stream(&replay);
    take_dump(&replay);
    if (replay.catch_up)
        open_stream(&replay);
    settle(&replay);
    print_tables(&replay);
    close_all(&replay);
    return 0;
}

/* Proves: what was added reaches the bus whole, in order and decodable; a bus that fails costs
 * nothing but a repetition; the publisher says when it is full; a record that the bus would refuse
 * doesn't spoil those beside it. */
#include "ingest/publisher.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus_faulty.h"
#include "bus/bus_mem.h"

#define NOW_MS     INT64_C(1772510400000)
#define PARTITIONS 6

struct fixture {
    struct context context;
    struct config *config;
    struct registry *registry;
    struct serde *serde;
    struct bus *plain, *bus; /* the same log, the second one with faults */
    struct publisher *publisher;
    struct arena *arena;
};

static void fixture_open(struct fixture *fixture, struct bus_faults faults)
{
    g_autoptr(GError) error = NULL;
    *fixture = (struct fixture){.config = config_new_default(), .arena = arena_new()};
    fixture->context = (struct context){
        .config = fixture->config, .clock = clock_new_manual(NOW_MS), .metrics = metrics_new()};
    fixture->registry = registry_new_mem();
    fixture->serde = serde_new(fixture->registry, &error);
    g_assert_no_error(error);
    fixture->plain = bus_mem_new(&fixture->context);
    fixture->bus = bus_faulty_new(bus_mem_share(fixture->plain), faults);
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        g_assert_true(bus_create_topic(fixture->plain, topic_info((enum topic)topic)->name,
                                       PARTITIONS, &error));
    fixture->publisher = publisher_new(&fixture->context, fixture->bus, fixture->serde);
}

static void fixture_close(struct fixture *fixture)
{
    publisher_free(fixture->publisher);
    bus_close(fixture->bus);
    bus_close(fixture->plain);
    serde_free(fixture->serde);
    registry_close(fixture->registry);
    metrics_free(fixture->context.metrics);
    clock_free(fixture->context.clock);
    config_free(fixture->config);
    arena_free(fixture->arena);
}

static void add_rating(struct fixture *fixture, int32_t movie_id, int32_t vote_count)
{
    g_autoptr(GError) error = NULL;
    struct rating rating = {.movie_id = movie_id,
                            .vote_count = vote_count,
                            .vote_average = 7.5,
                            .popularity = 1.25,
                            .timestamp_ms = NOW_MS};
    g_assert_true(publisher_add(fixture->publisher, TOPIC_RATINGS, movie_id, &rating, &error));
}

/* The ratings of one movie as the log has them. */
static size_t
read_ratings(struct fixture *fixture, int32_t movie_id, struct rating *ratings, size_t max)
{
    char key[TOPIC_KEY_BYTES];
    size_t key_len = topic_movie_key(movie_id, key), count = 0;
    struct bus_batch batch = {0};
    g_autoptr(GError) error = NULL;
    do {
        g_assert_true(bus_fetch(fixture->plain, "movie.ratings",
                                topic_partition(key, key_len, PARTITIONS), batch.next_offset,
                                1 << 20, fixture->arena, &batch, &error));
        for (size_t i = 0; i < batch.count; i++) {
            struct rating rating;
            g_assert_true(serde_decode(fixture->serde, TOPIC_RATINGS, batch.records[i].value,
                                       fixture->arena, &rating, &error));
            if (rating.movie_id != movie_id)
                continue;
            g_assert_cmpmem(batch.records[i].key.data, (int)batch.records[i].key.len, key,
                            (int)key_len);
            g_assert_cmpint(batch.records[i].append_time_ms, ==, NOW_MS);
            g_assert_cmpuint(count, <, max);
            ratings[count++] = rating;
        }
    } while (batch.next_offset < batch.end_offset);
    return count;
}

static void test_what_was_added_is_there(void)
{
    struct fixture fixture;
    struct rating ratings[4];
    g_autoptr(GError) error = NULL;
    fixture_open(&fixture, (struct bus_faults){0});
    g_assert_true(publisher_flush(fixture.publisher, &error)); /* nothing to do */
    add_rating(&fixture, 603, 1);
    add_rating(&fixture, 11, 5);
    add_rating(&fixture, 603, 2);
    struct metadata metadata = {.movie_id = 603,
                                .title = {"Die Fälscher", strlen("Die Fälscher")},
                                .timestamp_ms = NOW_MS,
                                .event_type = {"new", 3}};
    g_assert_true(publisher_add(fixture.publisher, TOPIC_METADATA, 603, &metadata, &error));
    g_assert_cmpuint(publisher_pending_records(fixture.publisher), ==, 4);
    g_assert_true(publisher_flush(fixture.publisher, &error));
    g_assert_cmpuint(publisher_pending_records(fixture.publisher), ==, 0);
    g_assert_cmpuint(read_ratings(&fixture, 603, ratings, 4), ==, 2);
    g_assert_cmpint(ratings[0].vote_count, ==, 1);
    g_assert_cmpint(ratings[1].vote_count, ==, 2);
    g_assert_cmpfloat(ratings[1].popularity, ==, 1.25);
    g_assert_cmpuint(read_ratings(&fixture, 11, ratings, 4), ==, 1);
    struct metrics *metrics = fixture.context.metrics;
    g_assert_cmpfloat(metrics_get(metrics, METRIC_INGEST_RECORDS, "movie.ratings"), ==, 3);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_INGEST_RECORDS, "movie.metadata"), ==, 1);
    fixture_close(&fixture);
}

/* AGAIN with nothing appended keeps everything: each record is there once, in order. */
static void test_again_keeps_everything(void)
{
    enum { RECORDS = 300 };
    static struct rating ratings[RECORDS + 1];
    struct fixture fixture;
    int again = 0;
    fixture_open(&fixture, (struct bus_faults){.seed = 5, .produce_lost = 0.6});
    for (int i = 0; i < RECORDS; i++) {
        g_autoptr(GError) error = NULL;
        add_rating(&fixture, 603, i);
        size_t pending = publisher_pending_records(fixture.publisher);
        if (publisher_flush(fixture.publisher, &error))
            continue;
        g_assert_true(error_is(error, AGAIN));
        g_assert_cmpuint(publisher_pending_records(fixture.publisher), ==, pending);
        again++;
    }
    for (bool done = false; !done;) {
        g_autoptr(GError) error = NULL;
        done = publisher_flush(fixture.publisher, &error);
    }
    g_assert_cmpint(again, >, RECORDS / 4);
    g_assert_cmpuint(read_ratings(&fixture, 603, ratings, G_N_ELEMENTS(ratings)), ==, RECORDS);
    for (int i = 0; i < RECORDS; i++)
        g_assert_cmpint(ratings[i].vote_count, ==, i);
    fixture_close(&fixture);
}

/* AGAIN although all was appended: a repetition, never a loss, and in order. */
static void test_an_unknown_outcome_repeats(void)
{
    enum { RECORDS = 50, MAX = 5000 };
    static struct rating ratings[MAX];
    struct fixture fixture;
    fixture_open(&fixture, (struct bus_faults){.seed = 9, .produce_unknown = 0.5});
    for (int i = 0; i < RECORDS; i++) {
        add_rating(&fixture, 603, i);
        for (bool done = false; !done;) {
            g_autoptr(GError) error = NULL;
            done = publisher_flush(fixture.publisher, &error);
        }
    }
    size_t count = read_ratings(&fixture, 603, ratings, MAX);
    g_assert_cmpuint(count, >, RECORDS);
    int next = 0;
    for (size_t i = 0; i < count; i++) {
        g_assert_true(ratings[i].vote_count == next || ratings[i].vote_count == next - 1);
        next = ratings[i].vote_count + 1;
    }
    g_assert_cmpint(next, ==, RECORDS);
    fixture_close(&fixture);
}

static void test_full(void)
{
    struct fixture fixture;
    g_autoptr(GError) error = NULL;
    fixture_open(&fixture, (struct bus_faults){0});
    for (int i = 0; i < PUBLISHER_RECORDS_MAX - 1; i++)
        add_rating(&fixture, 603, i);
    g_assert_false(publisher_full(fixture.publisher));
    add_rating(&fixture, 603, 0);
    g_assert_true(publisher_full(fixture.publisher));
    add_rating(&fixture, 603, 0); /* what was under way still finds room */
    g_assert_true(publisher_flush(fixture.publisher, &error));
    g_assert_false(publisher_full(fixture.publisher));
    /* By bytes: 17 reviews of a million bytes, less their frames and keys. */
    enum { LEN = 1000000 };
    g_autofree char *content = g_strnfill(LEN, 'x');
    struct review review = {.review_id = {"r", 1}, .content = {content, LEN}, .movie_id = 603};
    for (int i = 0; i < 16; i++) {
        g_assert_false(publisher_full(fixture.publisher));
        g_assert_true(publisher_add(fixture.publisher, TOPIC_REVIEWS, 603, &review, &error));
    }
    g_assert_false(publisher_full(fixture.publisher)); /* 16,000,000 < 16,777,216 */
    g_assert_true(publisher_add(fixture.publisher, TOPIC_REVIEWS, 603, &review, &error));
    g_assert_true(publisher_full(fixture.publisher));
    fixture_close(&fixture);
}

static void test_a_record_that_is_too_large(void)
{
    struct fixture fixture;
    struct rating ratings[4];
    g_autoptr(GError) error = NULL;
    fixture_open(&fixture, (struct bus_faults){0});
    size_t len = (size_t)fixture.config->bus_record_max_bytes;
    g_autofree char *content = g_strnfill(len, 'x');
    struct review review = {.review_id = {"r", 1}, .content = {content, len}, .movie_id = 603};
    add_rating(&fixture, 603, 1);
    g_assert_false(publisher_add(fixture.publisher, TOPIC_REVIEWS, 603, &review, &error));
    g_assert_true(error_is(error, BADDATA));
    g_assert_nonnull(strstr(error->message, "movie 603"));
    g_assert_nonnull(strstr(error->message, "bus.record_max"));
    g_clear_error(&error);
    for (size_t bytes = 0; bytes < PUBLISHER_BYTES_MAX; bytes += len) {
        g_autoptr(GError) again = NULL;
        g_assert_false(publisher_add(fixture.publisher, TOPIC_REVIEWS, 603, &review, &again));
    }
    g_assert_false(publisher_full(fixture.publisher)); /* nothing of them is kept */
    add_rating(&fixture, 603, 2);
    bool flushed = publisher_flush(fixture.publisher, &error);
    g_assert_no_error(error);
    g_assert_true(flushed);
    g_assert_cmpuint(read_ratings(&fixture, 603, ratings, 4), ==, 2);
    g_assert_cmpint(ratings[1].vote_count, ==, 2);
    fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/publisher/what_was_added_is_there", test_what_was_added_is_there);
    g_test_add_func("/publisher/again_keeps_everything", test_again_keeps_everything);
    g_test_add_func("/publisher/an_unknown_outcome_repeats", test_an_unknown_outcome_repeats);
    g_test_add_func("/publisher/full", test_full);
    g_test_add_func("/publisher/a_record_that_is_too_large", test_a_record_that_is_too_large);
    return g_test_run();
}

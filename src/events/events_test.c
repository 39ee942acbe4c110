/* Proves, on a clock moved by hand: as many events as the rate and the time that passed say reach
 * the bus, with ids that grow on every partition; a bus that fails costs repeats, never an event,
 * and a repeat is the same bytes; batches are bounded; what can't be caught up is left out and
 * counted; nobody acts while no movie is known. */
#include "events/events.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus_faulty.h"
#include "bus/bus_mem.h"

#define NOW_MS     INT64_C(1772510400000)
#define EPOCH      INT64_C(17)
#define PARTITIONS 6
#define TOPIC      "user.events"

static const int32_t movies[] = {603, 11, 550, 13, 680, 155, 27205, 122, 238, 278};

struct fixture {
    struct context context;
    struct config *config;
    struct registry *registry;
    struct serde *serde;
    struct bus *plain, *bus; /* the same log, the second one with faults */
    struct events *events;
    struct arena *arena;
};

static void fixture_open(struct fixture *fixture, double rate_per_s, struct bus_faults faults)
{
    g_autoptr(GError) error = NULL;
    *fixture = (struct fixture){.config = config_new_default(), .arena = arena_new()};
    fixture->config->events_rate_per_s = rate_per_s;
    fixture->config->events_rhythm = 0;
    fixture->context = (struct context){
        .config = fixture->config, .clock = clock_new_manual(NOW_MS), .metrics = metrics_new()};
    fixture->registry = registry_new_mem();
    fixture->serde = serde_new(fixture->registry, &error);
    g_assert_no_error(error);
    fixture->plain = bus_mem_new(&fixture->context);
    fixture->bus = bus_faulty_new(bus_mem_share(fixture->plain), faults);
    fixture->events = events_open(&fixture->context, fixture->bus, fixture->serde, EPOCH, &error);
    g_assert_no_error(error);
}

static void fixture_close(struct fixture *fixture)
{
    events_close(fixture->events);
    bus_close(fixture->bus);
    bus_close(fixture->plain);
    serde_free(fixture->serde);
    registry_close(fixture->registry);
    metrics_free(fixture->context.metrics);
    clock_free(fixture->context.clock);
    config_free(fixture->config);
    arena_free(fixture->arena);
}

static void learn_movies(struct fixture *fixture)
{
    events_set_catalogue(fixture->events, catalogue_new(movies, G_N_ELEMENTS(movies), 1));
}

/* Steps until all is made and published; returns the steps that it took. */
static int run(struct fixture *fixture)
{
    int steps = 1;
    for (bool idle = false; !idle; steps++) {
        g_autoptr(GError) error = NULL;
        if (!events_step(fixture->events, &idle, &error))
            g_assert_true(error_is(error, AGAIN));
    }
    return steps;
}

static int64_t log_records(struct fixture *fixture)
{
    int64_t start, end, records = 0;
    for (int partition = 0; partition < PARTITIONS; partition++) {
        g_assert_true(bus_offsets(fixture->plain, TOPIC, partition, &start, &end, NULL));
        records += end - start;
    }
    return records;
}

static double published(const struct fixture *fixture)
{
    return metrics_total(fixture->context.metrics, METRIC_EVENTS_RECORDS);
}

/* What one reading of the log finds. */
struct reading {
    GHashTable *values; /* sequence -> the record's bytes */
    int64_t repeats, highest_sequence;
};

static void read_record(struct fixture *fixture,
                        const struct bus_record *record,
                        int partition,
                        int64_t *highest,
                        struct reading *reading)
{
    struct user_event event;
    g_autoptr(GError) error = NULL;
    g_assert_true(
        serde_decode(fixture->serde, TOPIC_EVENTS, record->value, fixture->arena, &event, &error));
    char key[TOPIC_KEY_BYTES];
    size_t key_len = topic_movie_key(event.movie_id, key);
    g_assert_true(record->key.len == key_len && memcmp(record->key.data, key, key_len) == 0);
    g_assert_cmpint(topic_partition(key, key_len, PARTITIONS), ==, partition);
    g_autofree char *id = g_strndup(event.event_id.data, event.event_id.len);
    g_assert_true(g_str_has_prefix(id, "marquee.17:"));
    int64_t sequence = g_ascii_strtoll(id + strlen("marquee.17:"), NULL, 10);
    g_assert_cmpint(sequence, >=, 1);
    GBytes *known = g_hash_table_lookup(reading->values, &sequence);
    GBytes *value = g_bytes_new(record->value.data, record->value.len);
    if (known) {
        g_assert_true(g_bytes_equal(known, value)); /* the same event, not another */
        g_bytes_unref(value);
        reading->repeats++;
        return;
    }
    g_assert_cmpint(sequence, >, *highest); /* a new one is above all before it */
    *highest = sequence;
    reading->highest_sequence = MAX(reading->highest_sequence, sequence);
    g_hash_table_insert(reading->values, g_memdup2(&sequence, sizeof sequence), value);
}

static struct reading read_log(struct fixture *fixture)
{
    struct reading reading = {.values = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                                              (GDestroyNotify)g_bytes_unref)};
    for (int partition = 0; partition < PARTITIONS; partition++) {
        struct bus_batch batch = {0};
        int64_t highest = 0;
        do {
            arena_reset(fixture->arena);
            g_assert_true(bus_fetch(fixture->plain, TOPIC, partition, batch.next_offset, 1 << 20,
                                    fixture->arena, &batch, NULL));
            for (size_t i = 0; i < batch.count; i++)
                read_record(fixture, &batch.records[i], partition, &highest, &reading);
        } while (batch.next_offset < batch.end_offset);
    }
    return reading;
}

/* 50 a second for 40 s in small steps: 2,000, standard error 45. No sequence is left out. */
static void test_rate(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 50, (struct bus_faults){0});
    learn_movies(&fixture);
    for (int i = 0; i < 400; i++) {
        run(&fixture);
        clock_advance(fixture.context.clock, 100);
    }
    run(&fixture);
    g_assert_cmpfloat(fabs(published(&fixture) - 2000), <, 5 * 45);
    g_assert_cmpint(log_records(&fixture), ==, (int64_t)published(&fixture));
    struct reading reading = read_log(&fixture);
    g_assert_cmpint(reading.repeats, ==, 0);
    g_assert_cmpint(reading.highest_sequence, ==, log_records(&fixture));
    g_assert_cmpuint(g_hash_table_size(reading.values), ==, (unsigned)log_records(&fixture));
    g_assert_cmpfloat(metrics_get(fixture.context.metrics, METRIC_EVENTS_RECORDS, "view"), >, 1000);
    g_hash_table_unref(reading.values);
    fixture_close(&fixture);
}

/* Half of the calls fail, half of those after the append: every event is there, some twice. */
static void test_repeats_are_the_same(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 50,
                 (struct bus_faults){.seed = 5, .produce_lost = 0.25, .produce_unknown = 0.25});
    learn_movies(&fixture);
    for (int i = 0; i < 100; i++) {
        clock_advance(fixture.context.clock, 250);
        run(&fixture);
    }
    struct reading reading = read_log(&fixture);
    g_assert_cmpint(reading.repeats, >, 100);
    g_assert_cmpint(reading.highest_sequence, ==, g_hash_table_size(reading.values));
    g_assert_cmpint(reading.highest_sequence, ==, (int64_t)published(&fixture));
    g_assert_cmpfloat(metrics_get(fixture.context.metrics, METRIC_EVENTS_REPEATS, NULL), >, 20);
    g_hash_table_unref(reading.values);
    fixture_close(&fixture);
}

/* 1,000 a second and a pause of 30 s: several batches, none above its limit. */
static void test_batches_are_bounded(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 1000, (struct bus_faults){0});
    learn_movies(&fixture);
    clock_advance(fixture.context.clock, 30 * MS_PER_SECOND);
    int64_t before = 0;
    for (bool idle = false; !idle;) {
        g_assert_true(events_step(fixture.events, &idle, NULL));
        g_assert_cmpint(log_records(&fixture) - before, <=, EVENTS_BATCH_RECORDS);
        before = log_records(&fixture);
    }
    g_assert_cmpfloat(fabs((double)before - 30000), <, 5 * 173);
    fixture_close(&fixture);
}

/* While the bus doesn't say that it has a batch, this batch alone is published, as it is, however
 * much time passes. */
static void test_batch_waits(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 10, (struct bus_faults){.seed = 1, .produce_unknown = 1});
    learn_movies(&fixture);
    clock_advance(fixture.context.clock, 5 * MS_PER_SECOND);
    int64_t batch = 0;
    for (int i = 1; i <= 60; i++) {
        bool idle;
        g_autoptr(GError) error = NULL;
        g_assert_false(events_step(fixture.events, &idle, &error));
        g_assert_true(error_is(error, AGAIN));
        batch = i == 1 ? log_records(&fixture) : batch;
        g_assert_cmpint(log_records(&fixture), ==, i * batch);
        clock_advance(fixture.context.clock, MS_PER_MINUTE);
    }
    g_assert_cmpint(batch, >, 20);
    g_assert_cmpfloat(published(&fixture), ==, 0);
    g_assert_cmpfloat(metrics_get(fixture.context.metrics, METRIC_EVENTS_REPEATS, NULL), ==, 60);
    struct reading reading = read_log(&fixture);
    g_assert_cmpint(reading.repeats, ==, 59 * batch);
    g_hash_table_unref(reading.values);
    fixture_close(&fixture);
}

/* After an hour without a step the last minute is caught up and what lies before it is left out. */
static void test_left_out(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 10, (struct bus_faults){0});
    learn_movies(&fixture);
    clock_advance(fixture.context.clock, MS_PER_HOUR);
    run(&fixture);
    g_assert_cmpfloat(fabs(published(&fixture) - 600), <, 5 * 24.5);
    g_assert_cmpfloat(metrics_get(fixture.context.metrics, METRIC_EVENTS_SKIPPED_SECONDS, NULL), ==,
                      59 * 60);
    fixture_close(&fixture);
}

/* Time without movies passes without events, and isn't made up for. */
static void test_no_movies(void)
{
    struct fixture fixture;
    fixture_open(&fixture, 10, (struct bus_faults){0});
    clock_advance(fixture.context.clock, 30 * MS_PER_SECOND);
    g_assert_cmpint(run(&fixture), ==, 2);
    learn_movies(&fixture);
    run(&fixture);
    g_assert_cmpint(log_records(&fixture), ==, 0);
    clock_advance(fixture.context.clock, 30 * MS_PER_SECOND);
    run(&fixture);
    g_assert_cmpfloat(fabs(published(&fixture) - 300), <, 5 * 17.4);
    g_assert_cmpfloat(metrics_get(fixture.context.metrics, METRIC_EVENTS_SKIPPED_SECONDS, NULL), ==,
                      0);
    fixture_close(&fixture);
}

/* Two producers of one seed are two sites. */
static void test_producers_differ(void)
{
    struct config *config = config_new_default();
    struct generator_settings first = events_generator_settings(config);
    g_free(config->events_producer);
    config->events_producer = g_strdup("marquef");
    struct generator_settings second = events_generator_settings(config);
    g_assert_cmpuint(first.seed, !=, second.seed);
    config->events_seed++;
    g_assert_cmpuint(events_generator_settings(config).seed, !=, second.seed);
    g_assert_false(events_wanted(config));
    config->events_rate_per_s = 0.5;
    g_assert_true(events_wanted(config));
    config_free(config);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/events/rate", test_rate);
    g_test_add_func("/events/repeats_are_the_same", test_repeats_are_the_same);
    g_test_add_func("/events/batches_are_bounded", test_batches_are_bounded);
    g_test_add_func("/events/batch_waits", test_batch_waits);
    g_test_add_func("/events/left_out", test_left_out);
    g_test_add_func("/events/no_movies", test_no_movies);
    g_test_add_func("/events/producers_differ", test_producers_differ);
    return g_test_run();
}

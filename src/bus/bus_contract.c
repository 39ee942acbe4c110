#include "bus/bus_contract.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus_contract_world.h"

#define LARGE_RECORDS 20000

/* Records come back in the order in which they were produced, in one call and over several. */
static void test_order(struct world *world, const void *data)
{
    (void)data;
    world_produce(world->bus, 2, 3, NULL);
    world_produce(world->bus, 2, 2, NULL);
    struct bus_batch batch = world_fetch(world, 2, 0, FETCH_ALL);
    static const char *const expected[] = {"v0", "v1", "v2", "v0", "v1"};
    g_assert_cmpuint(batch.count, ==, 5);
    for (size_t i = 0; i < 5; i++) {
        g_assert_cmpint(batch.records[i].offset, ==, (int64_t)i);
        world_assert_span(batch.records[i].key, "k", 1);
        world_assert_span(batch.records[i].value, expected[i], 2);
    }
    g_assert_cmpint(batch.next_offset, ==, 5);
    g_assert_cmpint(batch.end_offset, ==, 5);
}

/* Offsets are dense from 0 in each partition, and what produce returns is where the record is
 * found. */
static void test_offsets_dense(struct world *world, const void *data)
{
    (void)data;
    int64_t offsets[4];
    world_produce(world->bus, 0, 4, offsets);
    for (int i = 0; i < 4; i++)
        g_assert_cmpint(offsets[i], ==, i);
    world_produce(world->bus, 1, 1, offsets);
    g_assert_cmpint(offsets[0], ==, 0);
    world_produce(world->bus, 0, 2, offsets);
    g_assert_cmpint(offsets[0], ==, 4);
    g_assert_cmpint(offsets[1], ==, 5);
    world_assert_offsets(world->bus, 0, 0, 6);
    world_assert_offsets(world->bus, 1, 0, 1);
    world_assert_offsets(world->bus, 2, 0, 0);
}

/* Without a partition the key decides, by Kafka's murmur2; the expected ones were computed by hand
 * from UtilsTest's vectors: (murmur2 & 0x7fffffff) % 6. */
static void test_partition_by_key(struct world *world, const void *data)
{
    (void)data;
    static const struct {
        const char *key;
        int partition;
    } keys[] = {
        {"21", 1173551340 % 6},                        /* -973932308 & 0x7fffffff */
        {"foobar", 1357151166 % 6},                    /* -790332482 */
        {"a-little-bit-long-string", 1161502112 % 6},  /* -985981536 */
        {"a-little-bit-longer-string", 661178819 % 6}, /* -1486304829 */
        {"abc", 479470107 % 6},
    };
    struct bus_message messages[G_N_ELEMENTS(keys)];
    int64_t offsets[G_N_ELEMENTS(keys)];
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        messages[i] = (struct bus_message){.topic = TOPIC,
                                           .partition = BUS_PARTITION_BY_KEY,
                                           .key = world_text(keys[i].key),
                                           .value = world_text(keys[i].key)};
    g_autoptr(GError) error = NULL;
    bool done = bus_produce(world->bus, messages, G_N_ELEMENTS(keys), offsets, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        struct bus_batch batch = world_fetch(world, keys[i].partition, offsets[i], 1);
        g_assert_cmpuint(batch.count, ==, 1);
        world_assert_span(batch.records[0].value, keys[i].key, strlen(keys[i].key));
    }
}

/* A given partition is taken whatever the key; one that isn't there is NOTFOUND and appends
 * nothing. */
static void test_explicit_partition(struct world *world, const void *data)
{
    (void)data;
    for (int i = 0; i < PARTITIONS; i++)
        world_produce(world->bus, i, 1, NULL);
    for (int i = 0; i < PARTITIONS; i++)
        world_assert_offsets(world->bus, i, 0, 1);
    const struct bus_message messages[] = {
        {.topic = TOPIC, .partition = 0, .key = world_text("k"), .value = world_text("v")},
        {.topic = TOPIC, .partition = PARTITIONS, .key = world_text("k"), .value = world_text("v")},
    };
    g_autoptr(GError) error = NULL;
    g_assert_false(bus_produce(world->bus, messages, 2, NULL, &error));
    g_assert_true(error_is(error, NOTFOUND));
    world_assert_offsets(world->bus, 0, 0, 1);
}

/* At the end there is nothing, and that is no error. */
static void test_empty_fetch(struct world *world, const void *data)
{
    (void)data;
    struct bus_batch batch = world_fetch(world, 3, 0, FETCH_ALL);
    g_assert_cmpuint(batch.count, ==, 0);
    g_assert_cmpint(batch.next_offset, ==, 0);
    g_assert_cmpint(batch.end_offset, ==, 0);
    world_produce(world->bus, 3, 2, NULL);
    batch = world_fetch(world, 3, 2, FETCH_ALL);
    g_assert_cmpuint(batch.count, ==, 0);
    g_assert_cmpint(batch.next_offset, ==, 2);
    g_assert_cmpint(batch.end_offset, ==, 2);
}

/* bytes_max bounds a fetch, but one record always comes; stepping by next_offset sees each record
 * once. */
static void test_bytes_max(struct world *world, const void *data)
{
    (void)data;
    world_produce(world->bus, 0, 10, NULL);
    world_produce(world->bus, 0, 10, NULL);
    g_assert_cmpuint(world_fetch(world, 0, 0, 0).count, ==, 1);
    g_assert_cmpuint(world_fetch(world, 0, 13, 1).count, ==, 1);
    size_t some = world_fetch(world, 0, 0, 200).count;
    g_assert_cmpuint(some, >, 1);
    g_assert_cmpuint(some, <, 20);
    int64_t offset = 0;
    while (offset < 20) {
        struct bus_batch batch = world_fetch(world, 0, offset, 100);
        g_assert_cmpuint(batch.count, >=, 1);
        for (size_t i = 0; i < batch.count; i++) {
            g_autofree char *expected = g_strdup_printf("v%d", (int)(offset % 10));
            g_assert_cmpint(batch.records[i].offset, ==, offset++);
            world_assert_span(batch.records[i].value, expected, 2);
        }
        g_assert_cmpint(batch.next_offset, ==, offset);
        g_assert_cmpint(batch.end_offset, ==, 20);
    }
}

/* An offset beyond the end means that the log lost its tail: FAILED, not an empty batch. */
static void test_beyond_end(struct world *world, const void *data)
{
    (void)data;
    world_produce(world->bus, 0, 2, NULL);
    struct bus_batch batch;
    g_autoptr(GError) error = NULL;
    g_assert_false(bus_fetch(world->bus, TOPIC, 0, 3, FETCH_ALL, world->arena, &batch, &error));
    g_assert_true(error_is(error, FAILED));
    g_assert_nonnull(strstr(error->message, "lost its tail"));
}

/* A group's offset beyond the end is refused, and the group keeps what it had. */
static void test_commit_beyond_end(struct world *world, const void *data)
{
    (void)data;
    world_produce(world->bus, 0, 2, NULL);
    const struct bus_position positions[] = {
        {.topic = TOPIC, .partition = 0, .offset = 2},
        {.topic = TOPIC, .partition = 1, .offset = 1},
    };
    g_autoptr(GError) error = NULL;
    g_assert_false(bus_group_commit(world->bus, "readers", positions, 2, &error));
    g_assert_true(error_is(error, FAILED));
    g_assert_cmpint(world_committed(world, "readers", 0), ==, 0);
}

/* What expired is NOTFOUND, with the first offset that is left. */
static void test_below_start(struct world *world, const void *data)
{
    (void)data;
    world_produce(world->bus, 0, 3, NULL);
    clock_advance(world->context.clock, MS_PER_HOUR);
    world_produce(world->bus, 0, 2, NULL);
    world_commit(world, BUS_GROUP_ARCHIVE, 0, 5);
    int64_t gone = -1;
    g_autoptr(GError) error = NULL;
    bool done = bus_expire(world->bus, TOPIC, START_MS + 1, &gone, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_cmpint(gone, ==, 3);
    world_assert_offsets(world->bus, 0, 3, 5);
    struct bus_batch batch;
    g_assert_false(bus_fetch(world->bus, TOPIC, 0, 2, FETCH_ALL, world->arena, &batch, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_assert_nonnull(strstr(error->message, "first kept one is 3"));
    batch = world_fetch(world, 0, 3, FETCH_ALL);
    g_assert_cmpuint(batch.count, ==, 2);
    world_assert_span(batch.records[0].value, "v0", 2);
    /* Offsets go on where they were. */
    int64_t offset;
    world_produce(world->bus, 0, 1, &offset);
    g_assert_cmpint(offset, ==, 5);
}

static void expire(struct world *world, int64_t before_ms, int64_t expected)
{
    int64_t gone = -1;
    g_autoptr(GError) error = NULL;
    bool done = bus_expire(world->bus, TOPIC, before_ms, &gone, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_cmpint(gone, ==, expected);
}

/* The same where expiry is to the record. */
static void expire_records(struct world *world, int64_t later)
{
    world_commit(world, BUS_GROUP_ARCHIVE, 0, 2);
    expire(world, later, 2);
    world_commit(world, BUS_GROUP_ARCHIVE, 0, 5);
    expire(world, later, 3);
    world_commit(world, BUS_GROUP_ARCHIVE, 0, 9);
    expire(world, START_MS + MS_PER_HOUR, 1); /* the last three are too young */
}

static void expire_batches(struct world *world, int64_t later)
{
    world_commit(world, BUS_GROUP_ARCHIVE, 0, 2);
    expire(world, later, 0); /* not the whole of the first batch */
    world_commit(world, BUS_GROUP_ARCHIVE, 0, 5);
    expire(world, later, 3);
    world_commit(world, BUS_GROUP_ARCHIVE, 0, 9);
    expire(world, START_MS + MS_PER_HOUR, 3); /* the last batch is too young */
}

/* Expiry waits for the archive, takes whole batches only (or records, where the backend says so),
 * and stops at the first that stays. */
static void test_expire_honours_archive(struct world *world, const void *data)
{
    (void)data;
    world_produce(world->bus, 0, 3, NULL);
    world_produce(world->bus, 0, 3, NULL);
    clock_advance(world->context.clock, MS_PER_DAY);
    world_produce(world->bus, 0, 3, NULL);
    int64_t later = START_MS + 2 * MS_PER_DAY;
    expire(world, later, 0); /* the archive has read nothing */
    world_commit(world, "others", 0, 9);
    expire(world, later, 0);
    if (world->contract->expires_records)
        expire_records(world, later);
    else
        expire_batches(world, later);
    world_assert_offsets(world->bus, 0, 6, 9);
    expire(world, START_MS + MS_PER_DAY, 0); /* its append time isn't below */
    expire(world, START_MS + MS_PER_DAY + 1, 3);
    world_assert_offsets(world->bus, 0, 9, 9);
    g_assert_cmpuint(world_fetch(world, 0, 9, FETCH_ALL).count, ==, 0);
}

/* A topic that nobody made is NOTFOUND everywhere. */
static void test_unknown_topic(struct world *world, const void *data)
{
    (void)data;
    const struct bus_message messages[] = {
        {.topic = TOPIC, .partition = 0, .key = world_text("k"), .value = world_text("v")},
        {.topic = "no.topic", .partition = 0, .key = world_text("k"), .value = world_text("v")},
    };
    const struct bus_position position = {.topic = "no.topic"};
    struct bus_batch batch;
    int64_t a, b;
    GError *error = NULL;
    g_assert_false(bus_produce(world->bus, messages, 2, NULL, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_clear_error(&error);
    g_assert_false(
        bus_fetch(world->bus, "no.topic", 0, 0, FETCH_ALL, world->arena, &batch, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_clear_error(&error);
    g_assert_false(bus_offsets(world->bus, "no.topic", 0, &a, &b, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_clear_error(&error);
    g_assert_false(bus_group_commit(world->bus, "readers", &position, 1, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_clear_error(&error);
    g_assert_false(bus_group_offset(world->bus, "readers", "no.topic", 0, &a, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_clear_error(&error);
    g_assert_false(bus_expire(world->bus, "no.topic", 0, &a, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_clear_error(&error);
    world_assert_offsets(world->bus, 0, 0, 0); /* the good message of the pair isn't there */
}

/* One record that is too large, and nothing of the call is appended. */
static void test_too_large(struct world *world, const void *data)
{
    (void)data;
    size_t record_max = (size_t)world->config->bus_record_max_bytes;
    g_autofree char *bytes = g_malloc0(record_max + 1);
    struct bus_message messages[] = {
        {.topic = TOPIC, .partition = 0, .key = world_text("k"), .value = world_text("v")},
        {.topic = TOPIC, .partition = 1, .key = world_text("k"), .value = {bytes, record_max}},
    };
    g_autoptr(GError) error = NULL;
    g_assert_false(bus_produce(world->bus, messages, 2, NULL, &error));
    g_assert_true(error_is(error, BADDATA));
    world_assert_offsets(world->bus, 0, 0, 0);
    messages[1].value.len = record_max - 1; /* with its key of 1 it just fits */
    g_clear_error(&error);
    bool done = bus_produce(world->bus, messages, 2, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    struct bus_batch batch = world_fetch(world, 1, 0, 1);
    world_assert_span(batch.records[0].value, bytes, record_max - 1);
}

/* Names and numbers that can't be right are refused before they reach a backend. */
static void test_arguments(struct world *world, const void *data)
{
    (void)data;
    static const char *const names[] = {"", ".", "..", "a b", "a/b", "ä", "a\n"};
    g_autofree char *long_name = g_strnfill(BUS_TOPIC_NAME_BYTES_MAX + 1, 'x');
    GError *error = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_false(bus_create_topic(world->bus, names[i], 1, &error));
        g_assert_true(error_is(error, BADDATA));
        g_clear_error(&error);
    }
    g_assert_false(bus_create_topic(world->bus, long_name, 1, &error));
    g_assert_true(error_is(error, BADDATA));
    g_clear_error(&error);
    g_assert_false(bus_create_topic(world->bus, "some", 0, &error));
    g_assert_true(error_is(error, BADDATA));
    g_clear_error(&error);
    struct bus_batch batch;
    g_assert_false(bus_fetch(world->bus, TOPIC, 0, -1, 1, world->arena, &batch, &error));
    g_assert_true(error_is(error, BADDATA));
    g_clear_error(&error);
    g_assert_false(bus_fetch(world->bus, TOPIC, PARTITIONS, 0, 1, world->arena, &batch, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_clear_error(&error);
    size_t fits = world->contract->topic_bytes_max;
    long_name[fits ? fits : BUS_TOPIC_NAME_BYTES_MAX] = '\0';
    bool made = bus_create_topic(world->bus, long_name, 1, &error);
    g_assert_no_error(error);
    g_assert_true(made);
}

/* Making a topic again changes nothing; with another number of partitions it is a CONFLICT. */
static void test_topics(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    g_assert_true(bus_create_topic(world->bus, "user.events", 2, &error));
    g_assert_true(bus_create_topic(world->bus, TOPIC, PARTITIONS, &error));
    g_assert_false(bus_create_topic(world->bus, TOPIC, PARTITIONS + 1, &error));
    g_assert_true(error_is(error, CONFLICT));
    g_clear_error(&error);
    struct bus_topic *topics;
    size_t count;
    bool done = bus_topics(world->bus, world->arena, &topics, &count, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpstr(topics[0].name, ==, TOPIC);
    g_assert_cmpint(topics[0].partitions, ==, PARTITIONS);
    g_assert_cmpstr(topics[1].name, ==, "user.events");
    g_assert_cmpint(topics[1].partitions, ==, 2);
}

/* Groups don't see one another, start at 0, may go back, and a commit is all or nothing. */
static void test_groups(struct world *world, const void *data)
{
    (void)data;
    world_produce(world->bus, 0, 5, NULL);
    world_produce(world->bus, 1, 5, NULL);
    const struct bus_position positions[] = {
        {.topic = TOPIC, .partition = 0, .offset = 5},
        {.topic = TOPIC, .partition = 1, .offset = 4},
    };
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(world_committed(world, "readers", 0), ==, 0);
    g_assert_true(bus_group_commit(world->bus, "readers", positions, 2, &error));
    g_assert_cmpint(world_committed(world, "readers", 0), ==, 5);
    g_assert_cmpint(world_committed(world, "readers", 1), ==, 4);
    g_assert_cmpint(world_committed(world, "readers", 2), ==, 0);
    g_assert_cmpint(world_committed(world, "others", 0), ==, 0);
    world_commit(world, "readers", 0, 1);
    g_assert_cmpint(world_committed(world, "readers", 0), ==, 1);

    const struct bus_position half_bad[] = {
        {.topic = TOPIC, .partition = 0, .offset = 3},
        {.topic = TOPIC, .partition = PARTITIONS, .offset = 0},
    };
    g_assert_false(bus_group_commit(world->bus, "readers", half_bad, 2, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_assert_cmpint(world_committed(world, "readers", 0), ==, 1);
}

/* Each record carries the producer's clock at its call, also where that goes back. */
static void test_append_times(struct world *world, const void *data)
{
    (void)data;
    static const int64_t times[] = {START_MS, START_MS + 1500, START_MS - 60000};
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        clock_set_now(world->context.clock, times[i]);
        world_produce(world->bus, 0, 2, NULL);
    }
    struct bus_batch batch = world_fetch(world, 0, 0, FETCH_ALL);
    g_assert_cmpuint(batch.count, ==, 6);
    for (size_t i = 0; i < 6; i++)
        g_assert_cmpint(batch.records[i].append_time_ms, ==, times[i / 2]);
}

/* What one handle writes the other sees, and both give out offsets of one sequence. */
static void test_two_handles(struct world *world, const void *data)
{
    (void)data;
    struct bus *other = world->contract->open(world->fixture);
    int64_t offset;
    world_produce(world->bus, 0, 2, NULL);
    world_produce(other, 0, 1, &offset);
    g_assert_cmpint(offset, ==, 2);
    world_produce(world->bus, 0, 1, &offset);
    g_assert_cmpint(offset, ==, 3);
    world_assert_offsets(other, 0, 0, 4);
    g_assert_cmpuint(world_fetch(world, 0, 0, FETCH_ALL).count, ==, 4);
    world_commit(world, "readers", 0, 4);
    g_autoptr(GError) error = NULL;
    g_assert_true(bus_group_offset(other, "readers", TOPIC, 0, &offset, &error));
    g_assert_cmpint(offset, ==, 4);
    bus_close(other);
}

/* Tens of thousands of records in one call, over all partitions. */
static void test_large_batch(struct world *world, const void *data)
{
    (void)data;
    g_autofree struct bus_message *messages = g_new0(struct bus_message, LARGE_RECORDS);
    g_autofree int64_t *offsets = g_new(int64_t, LARGE_RECORDS);
    g_autofree int32_t *values = g_new(int32_t, LARGE_RECORDS);
    for (int i = 0; i < LARGE_RECORDS; i++) {
        values[i] = i;
        messages[i] = (struct bus_message){.topic = TOPIC,
                                           .partition = i % PARTITIONS,
                                           .value = {(const char *)&values[i], sizeof values[i]}};
    }
    g_autoptr(GError) error = NULL;
    bool done = bus_produce(world->bus, messages, LARGE_RECORDS, offsets, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    for (int partition = 0; partition < PARTITIONS; partition++) {
        struct bus_batch batch = world_fetch(world, partition, 0, FETCH_ALL);
        size_t expected = (size_t)(LARGE_RECORDS - partition + PARTITIONS - 1) / PARTITIONS;
        g_assert_cmpuint(batch.count, ==, expected);
        for (size_t i = 0; i < batch.count; i++) {
            int32_t value = (int32_t)i * PARTITIONS + partition;
            world_assert_span(batch.records[i].value, &value, sizeof value);
            g_assert_cmpint(offsets[value], ==, (int64_t)i);
        }
    }
    g_assert_false(
        bus_produce(world->bus, messages, BUS_RECORDS_PER_PRODUCE_MAX + 1, NULL, &error));
    g_assert_true(error_is(error, BADDATA));
}

/* Keys and values are bytes: NULs, empty ones and lengths around a varint's edges come back as they
 * were. */
static void test_binary(struct world *world, const void *data)
{
    (void)data;
    static const size_t lengths[] = {0, 1, 2, 127, 128, 129, 16383, 16384, 70000};
    enum { COUNT = G_N_ELEMENTS(lengths) };
    g_autofree char *bytes = g_malloc(70000);
    for (int i = 0; i < 70000; i++)
        bytes[i] = (char)(i * 7 % 256);
    struct bus_message messages[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        messages[i] = (struct bus_message){.topic = TOPIC,
                                           .partition = 0,
                                           .key = {bytes, lengths[COUNT - 1 - i]},
                                           .value = {bytes, lengths[i]}};
    messages[0].value.data = NULL;
    g_autoptr(GError) error = NULL;
    bool done = bus_produce(world->bus, messages, COUNT, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    struct bus_batch batch = world_fetch(world, 0, 0, FETCH_ALL);
    g_assert_cmpuint(batch.count, ==, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        world_assert_span(batch.records[i].key, bytes, lengths[COUNT - 1 - i]);
        world_assert_span(batch.records[i].value, bytes, lengths[i]);
    }
}

/* An empty call is nothing. */
static void test_produce_nothing(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    g_assert_true(bus_produce(world->bus, NULL, 0, NULL, &error));
    g_assert_true(bus_group_commit(world->bus, "readers", NULL, 0, &error));
    world_assert_offsets(world->bus, 0, 0, 0);
}

/* Produced records are counted by topic, those of a failed call aren't. */
static void test_metrics(struct world *world, const void *data)
{
    (void)data;
    world_produce(world->bus, 0, 7, NULL);
    const struct bus_message bad = {.topic = TOPIC, .partition = PARTITIONS};
    g_autoptr(GError) error = NULL;
    g_assert_false(bus_produce(world->bus, &bad, 1, NULL, &error));
    double produced = metrics_get(world->context.metrics, METRIC_BUS_PRODUCED, TOPIC);
    g_assert_cmpfloat(produced, ==, 7);
}

/* Durable backends: everything is there again when the log is opened anew. */
static void test_reopen(struct world *world, const void *data)
{
    (void)data;
    world_produce(world->bus, 0, 3, NULL);
    world_commit(world, "readers", 0, 2);
    bus_close(world->bus);
    world->bus = world->contract->open(world->fixture);
    world_assert_offsets(world->bus, 0, 0, 3);
    g_assert_cmpint(world_committed(world, "readers", 0), ==, 2);
    struct bus_batch batch = world_fetch(world, 0, 0, FETCH_ALL);
    g_assert_cmpuint(batch.count, ==, 3);
    world_assert_span(batch.records[2].value, "v2", 2);
    int64_t offset;
    world_produce(world->bus, 0, 1, &offset);
    g_assert_cmpint(offset, ==, 3);
}

void bus_contract_add(const struct bus_contract *contract)
{
    static const struct {
        const char *name;
        void (*run)(struct world *world, const void *data);
        bool durable;
    } cases[] = {
        {"order", test_order},
        {"offsets_dense", test_offsets_dense},
        {"partition_by_key", test_partition_by_key},
        {"explicit_partition", test_explicit_partition},
        {"empty_fetch", test_empty_fetch},
        {"bytes_max", test_bytes_max},
        {"beyond_end", test_beyond_end},
        {"commit_beyond_end", test_commit_beyond_end},
        {"below_start", test_below_start},
        {"expire_honours_archive", test_expire_honours_archive},
        {"unknown_topic", test_unknown_topic},
        {"too_large", test_too_large},
        {"arguments", test_arguments},
        {"topics", test_topics},
        {"groups", test_groups},
        {"append_times", test_append_times},
        {"two_handles", test_two_handles},
        {"large_batch", test_large_batch},
        {"binary", test_binary},
        {"produce_nothing", test_produce_nothing},
        {"metrics", test_metrics},
        {"threads", bus_contract_threads},
        {"reopen", test_reopen, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (cases[i].durable && !contract->durable)
            continue;
        g_autofree char *path = g_strdup_printf("/bus/%s/%s", contract->name, cases[i].name);
        g_test_add(path, struct world, contract, world_setup, cases[i].run, world_teardown);
    }
}

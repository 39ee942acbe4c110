/* Proves: values carry Confluent's frame; an older writer's record comes out in today's struct;
 * what can't be used is BADDATA with a reason and becomes a dead letter that fits, is read back and
 * is counted. */
#include "bus/serde.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bus/bus.h"
#include "bus/bus_mem.h"

struct world {
    struct context context;
    struct config *config;
    struct arena *arena;
    struct registry *registry;
    struct serde *serde;
    struct bus *bus;
};

static void setup(struct world *world, const void *data)
{
    (void)data;
    world->config = config_new_default();
    world->context = (struct context){
        .config = world->config, .clock = clock_new_manual(0), .metrics = metrics_new()};
    world->arena = arena_new();
    world->registry = registry_new_mem();
    g_autoptr(GError) error = NULL;
    world->serde = serde_new(world->registry, &error);
    g_assert_no_error(error);
    world->bus = bus_mem_new(&world->context);
    g_assert_true(bus_create_topic(world->bus, "marquee.deadletter", 1, &error));
}

static void teardown(struct world *world, const void *data)
{
    (void)data;
    bus_close(world->bus);
    serde_free(world->serde);
    registry_close(world->registry);
    arena_free(world->arena);
    clock_free(world->context.clock);
    metrics_free(world->context.metrics);
    config_free(world->config);
}

static const struct rating rating = {.movie_id = 7,
                                     .vote_average = 6.5,
                                     .vote_count = 100,
                                     .popularity = 12.25,
                                     .timestamp_ms = 1000};

static void test_frame(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GByteArray) out = g_byte_array_new();
    serde_encode(world->serde, TOPIC_RATINGS, &rating, out);
    int32_t id;
    g_autoptr(GError) error = NULL;
    g_assert_true(registry_register(
        world->registry, "movie.ratings-value",
        "{\"type\":\"record\",\"name\":\"MovieRating\",\"namespace\":\"com.moviepipeline.ratings\","
        "\"fields\":["
        "{\"name\":\"movie_id\",\"type\":\"int\"},{\"name\":\"vote_average\",\"type\":\"double\"},"
        "{\"name\":\"vote_count\",\"type\":\"int\"},{\"name\":\"popularity\",\"type\":\"double\"},"
        "{\"name\":\"timestamp\",\"type\":\"long\"}]}",
        &id, &error));
    const unsigned char frame[] = {0, 0, 0, 0, (unsigned char)id, 14 /* movie_id 7 */};
    g_assert_cmpuint(out->len, >, sizeof frame);
    g_assert_true(memcmp(out->data, frame, sizeof frame) == 0);
    struct rating back;
    const struct span value = {(char *)out->data, out->len};
    g_assert_true(serde_decode(world->serde, TOPIC_RATINGS, value, world->arena, &back, &error));
    g_assert_cmpint(back.movie_id, ==, 7);
    g_assert_cmpint(back.timestamp_ms, ==, 1000);
}

/* Writers that know an int for the popularity, and no vote_count but something else. */
static void test_other_writers(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < 200; i++) { /* more of them than decoders are kept */
        g_autofree char *json = g_strdup_printf(
            "{\"type\":\"record\",\"name\":\"MovieRating\",\"fields\":[{\"name\":\"popularity\","
            "\"type\":\"int\"},"
            "{\"name\":\"extra%d\",\"type\":\"string\"},{\"name\":\"movie_id\",\"type\":\"int\"},"
            "{\"name\":\"vote_average\",\"type\":\"float\"},{\"name\":\"vote_count\",\"type\":"
            "\"int\"},"
            "{\"name\":\"timestamp\",\"type\":\"int\"}]}",
            i);
        g_autofree char *subject = g_strdup_printf("s%d", i);
        int32_t id;
        bool done = registry_register(world->registry, subject, json, &id, &error);
        g_assert_no_error(error);
        g_assert_true(done);
        const char bytes[] = {0,  0, 0, (char)(id >> 8), (char)id, 6, 2, 'x',
                              14, 0, 0, (char)0xc0,      0x3f,     4, 8};
        struct rating back;
        for (int again = 0; again < 2; again++) {
            done = serde_decode(world->serde, TOPIC_RATINGS, (struct span){bytes, sizeof bytes},
                                world->arena, &back, &error);
            g_assert_no_error(error);
            g_assert_true(done);
            g_assert_cmpint(back.movie_id, ==, 7);
            g_assert_cmpint((int)back.popularity, ==, 3);
            g_assert_cmpint((int)(back.vote_average * 10), ==, 15);
            g_assert_cmpint(back.timestamp_ms, ==, 4);
        }
    }
}

static void assert_bad(struct world *world, const char *bytes, size_t len, const char *part)
{
    struct rating back;
    g_autoptr(GError) error = NULL;
    g_assert_false(serde_decode(world->serde, TOPIC_RATINGS, (struct span){bytes, len},
                                world->arena, &back, &error));
    g_assert_true(error_is(error, BADDATA));
    g_assert_nonnull(strstr(error->message, part));
}

static void test_bad(struct world *world, const void *data)
{
    (void)data;
    assert_bad(world, "", 0, "no Confluent frame");
    assert_bad(world, "\0\0\0\0", 4, "no Confluent frame");
    assert_bad(world, "\1\0\0\0\1xxx", 8, "begin with 0x01");
    assert_bad(world, "\0\0\0\x01\xff", 5, "no schema with the id 511");
    assert_bad(world, "\0\xff\xff\xff\xff", 5, "no schema with the id -1");
    g_autoptr(GByteArray) out = g_byte_array_new();
    const struct deadletter letter = {.topic = {"t", 1}, .reason = {"r", 1}};
    serde_encode(world->serde, TOPIC_DEADLETTER, &letter, out);
    assert_bad(world, (char *)out->data, out->len,
               "MovieRating can't read"); /* another topic's schema */
    g_byte_array_set_size(out, 0);
    serde_encode(world->serde, TOPIC_RATINGS, &rating, out);
    assert_bad(world, (char *)out->data, out->len - 1, "rating.timestamp");
}

static void test_deadletter(struct world *world, const void *data)
{
    (void)data;
    size_t record_max = (size_t)world->config->bus_record_max_bytes;
    g_autofree char *large = g_malloc0(record_max);
    g_autofree char *reason = g_strnfill(5000, '\xff');
    g_autoptr(GError) error = NULL;
    g_assert_true(serde_deadletter(world->serde, world->bus, "movie.ratings", 3, 42,
                                   "its int is cut short", (struct span){"\0\1", 2}, &error));
    bool done = serde_deadletter(world->serde, world->bus, "movie.ratings", 4, 43, reason,
                                 (struct span){large, record_max}, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    struct bus_batch batch;
    g_assert_true(
        bus_fetch(world->bus, "marquee.deadletter", 0, 0, SIZE_MAX, world->arena, &batch, &error));
    g_assert_cmpuint(batch.count, ==, 2);
    struct deadletter letter;
    g_assert_true(serde_decode(world->serde, TOPIC_DEADLETTER, batch.records[0].value, world->arena,
                               &letter, &error));
    g_assert_true(letter.topic.len == 13 && memcmp(letter.topic.data, "movie.ratings", 13) == 0);
    g_assert_cmpint(letter.partition, ==, 3);
    g_assert_cmpint(letter.offset, ==, 42);
    g_assert_true(letter.reason.len == 20 &&
                  memcmp(letter.reason.data, "its int is cut short", 20) == 0);
    g_assert_true(letter.bytes.len == 2 && memcmp(letter.bytes.data, "\0\1", 2) == 0);
    g_assert_true(serde_decode(world->serde, TOPIC_DEADLETTER, batch.records[1].value, world->arena,
                               &letter, &error));
    g_assert_cmpuint(letter.bytes.len, >, record_max - 2000);
    g_assert_cmpuint(letter.bytes.len, <, record_max);
    g_autofree char *text = g_strndup(letter.reason.data, letter.reason.len);
    g_assert_nonnull(strstr(text, "cut to bus.record_max"));
    double counted = metrics_get(world->context.metrics, METRIC_BUS_DEADLETTERS, "movie.ratings");
    g_assert_cmpfloat(counted, ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/serde/frame", struct world, NULL, setup, test_frame, teardown);
    g_test_add("/serde/other_writers", struct world, NULL, setup, test_other_writers, teardown);
    g_test_add("/serde/bad", struct world, NULL, setup, test_bad, teardown);
    g_test_add("/serde/deadletter", struct world, NULL, setup, test_deadletter, teardown);
    return g_test_run();
}

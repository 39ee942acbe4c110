/* Proves: before the first batch the movies are those of movie.ratings, by their last popularity,
 * read on from where the last reading ended; from the first batch on they are its view's. */
#include "events/movie_source.h"

#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "bus/bus_mem.h"

#define NOW_MS     INT64_C(1772510400000)
#define PARTITIONS 6
#define FIRST      0.0           /* a throw that means the first movie */
#define LAST       (1 - 0x1p-53) /* and one that means the last */

struct fixture {
    char *folder;
    struct context context;
    struct config *config;
    struct registry *registry;
    struct serde *serde;
    struct bus *bus;
    struct view *view;
    struct movie_source *source;
};

static void fixture_open(struct fixture *fixture, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    fixture->folder = g_dir_make_tmp("movies-XXXXXX", &error);
    fixture->config = config_new_default();
    g_free(fixture->config->data_dir);
    fixture->config->data_dir = g_strdup(fixture->folder);
    fixture->context =
        (struct context){.config = fixture->config, .clock = clock_new_manual(NOW_MS)};
    fixture->registry = registry_new_mem();
    fixture->serde = serde_new(fixture->registry, &error);
    fixture->bus = bus_mem_new(&fixture->context);
    fixture->view = view_open(&fixture->context, &error);
    g_assert_no_error(error);
    fixture->source =
        movie_source_new(&fixture->context, fixture->view, fixture->bus, fixture->serde);
}

static void fixture_close(struct fixture *fixture, const void *data)
{
    (void)data;
    movie_source_free(fixture->source);
    view_close(fixture->view);
    bus_close(fixture->bus);
    serde_free(fixture->serde);
    registry_close(fixture->registry);
    clock_free(fixture->context.clock);
    config_free(fixture->config);
    g_autoptr(GDir) dir = g_dir_open(fixture->folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(fixture->folder, name, NULL);
        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    g_free(fixture->folder);
}

static void append(struct fixture *fixture, int32_t movie_id, const void *value, size_t len)
{
    char key[TOPIC_KEY_BYTES];
    g_autoptr(GError) error = NULL;
    struct bus_message message = {.topic = "movie.ratings",
                                  .partition = BUS_PARTITION_BY_KEY,
                                  .key = {key, topic_movie_key(movie_id, key)},
                                  .value = {value, len}};
    g_assert_true(bus_create_topic(fixture->bus, "movie.ratings", PARTITIONS, &error));
    g_assert_true(bus_produce(fixture->bus, &message, 1, NULL, &error));
}

static void append_rating(struct fixture *fixture, int32_t movie_id, double popularity)
{
    struct rating rating = {.movie_id = movie_id, .popularity = popularity, .timestamp_ms = NOW_MS};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    serde_encode(fixture->serde, TOPIC_RATINGS, &rating, bytes);
    append(fixture, movie_id, bytes->data, bytes->len);
}

/* Puts a document "top_movies" into the next generation and publishes it. */
static void publish(struct fixture *fixture, int64_t generation, const char *data)
{
    g_autoptr(GError) error = NULL;
    struct view_lease lease;
    const struct view_doc doc = {.key = {.view_type = "top_movies"}, .data = data};
    const struct view_generation pointer = {
        .generation = generation, .batch_run_id = "run", .cut = "{}"};
    g_assert_true(view_lease_acquire(fixture->view, "batch", "test", 60000, &lease, &error));
    g_assert_true(view_put(fixture->view, generation, &doc, 1, &error));
    g_assert_true(view_publish(fixture->view, &pointer, lease.epoch, &error));
    g_assert_no_error(error);
}

/* The catalogue has these movies in this order, by the shares that Zipf's law gives its ranks. */
static void expect(struct fixture *fixture, const int32_t *ids, size_t count)
{
    g_autoptr(GError) error = NULL;
    struct catalogue *catalogue = NULL;
    g_assert_true(movie_source_read(fixture->source, &catalogue, &error));
    g_assert_no_error(error);
    if (!count) {
        g_assert_null(catalogue);
        return;
    }
    g_assert_nonnull(catalogue);
    g_assert_cmpuint(catalogue_count(catalogue), ==, count);
    double sum = 0, reach = 0;
    for (size_t i = 0; i < count; i++)
        sum += 1 / (double)(i + 1);
    for (size_t i = 0; i < count; i++) {
        double share = 1 / (double)(i + 1) / sum;
        g_assert_cmpint(catalogue_pick(catalogue, reach + share / 2), ==, ids[i]);
        reach += share;
    }
    g_assert_cmpint(catalogue_pick(catalogue, FIRST), ==, ids[0]);
    g_assert_cmpint(catalogue_pick(catalogue, LAST), ==, ids[count - 1]);
    catalogue_free(catalogue);
}

#define EXPECT(...)                                                                                \
    expect(fixture, (const int32_t[]){__VA_ARGS__},                                                \
           sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static void test_bus(struct fixture *fixture, const void *data)
{
    (void)data;
    expect(fixture, NULL, 0); /* no topic */
    append(fixture, 1, "garbage", 7);
    expect(fixture, NULL, 0);
    append_rating(fixture, 603, 10);
    append_rating(fixture, 11, 30);
    append_rating(fixture, 13, 20);
    append_rating(fixture, 12, 20); /* of equals the lower number */
    EXPECT(11, 12, 13, 603);
    append_rating(fixture, 603, 50); /* the last counts */
    append_rating(fixture, 11, 1);
    append_rating(fixture, 680, 25);
    EXPECT(603, 680, 12, 13, 11);
    EXPECT(603, 680, 12, 13, 11);
}

static void test_view(struct fixture *fixture, const void *data)
{
    (void)data;
    append_rating(fixture, 603, 10);
    EXPECT(603);
    publish(fixture, 1, "{\"movies\":[]}"); /* an empty batch knows less than the log */
    EXPECT(603);
    publish(fixture, 2, "{\"movies\":[{\"movie_id\":7,\"popularity\":3.5},{\"movie_id\":5}]}");
    EXPECT(7, 5);
    publish(fixture, 3, "{\"movies\":[{\"movie_id\":5},{\"movie_id\":2147483647}]}");
    EXPECT(5, 2147483647);
}

static void test_broken_view(struct fixture *fixture, const void *data)
{
    (void)data;
    static const char *const broken[] = {"{}", "{\"movies\":7}", "{\"movies\":[{\"movie_id\":0}]}",
                                         "{\"movies\":[{\"movie_id\":2147483648}]}",
                                         "{\"movies\":[\"603\"]}"};
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(GError) error = NULL;
        struct catalogue *catalogue = NULL;
        publish(fixture, (int64_t)i + 1, broken[i]);
        g_assert_false(movie_source_read(fixture->source, &catalogue, &error));
        g_assert_true(error_is(error, BADDATA));
        g_assert_nonnull(strstr(error->message, "top_movies"));
        g_assert_null(catalogue);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
    g_test_add("/movie_source/" name, struct fixture, NULL, fixture_open, function, fixture_close)
    ADD("bus", test_bus);
    ADD("view", test_view);
    ADD("broken_view", test_broken_view);
    return g_test_run();
}

#include "batch/batch_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "batch/query.h"
#include "bus/bus.h"
#include "bus/registry.h"
#include "bus/serde.h"
#include "lake/raw_store.h"
#include "view/view.h"

static struct bus *open_bus(struct test_world *world, const char *topic)
{
    GError *error = NULL;
    struct bus *bus = bus_open(&world->context, &error);
    g_assert_no_error(error);
    g_assert_true(bus_create_topic(bus, topic, (int)world->config->bus_partitions, &error));
    return bus;
}

static void
send(struct bus *bus, const char *topic, int32_t movie_id, const void *bytes, size_t len)
{
    GError *error = NULL;
    char key[TOPIC_KEY_BYTES];
    struct bus_message message = {.topic = topic,
                                  .partition = BUS_PARTITION_BY_KEY,
                                  .key = {key, topic_movie_key(movie_id, key)},
                                  .value = {bytes, len}};
    bool done = bus_produce(bus, &message, 1, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(done);
}

void fixture_produce(struct test_world *world,
                     enum topic topic,
                     int32_t movie_id,
                     const void *record)
{
    GError *error = NULL;
    const char *name = topic_info(topic)->name;
    struct bus *bus = open_bus(world, name);
    struct registry *registry = registry_open(&world->context, &error);
    g_assert_no_error(error);
    struct serde *serde = serde_new(registry, &error);
    g_assert_no_error(error);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    serde_encode(serde, topic, record, bytes);
    send(bus, name, movie_id, bytes->data, bytes->len);
    serde_free(serde);
    registry_close(registry);
    bus_close(bus);
}

void fixture_produce_bytes(struct test_world *world, enum topic topic, const char *bytes)
{
    const char *name = topic_info(topic)->name;
    struct bus *bus = open_bus(world, name);
    send(bus, name, 1, bytes, strlen(bytes));
    bus_close(bus);
}

void fixture_rate(struct test_world *world, int32_t movie_id, double popularity)
{
    struct rating rating = {.movie_id = movie_id,
                            .popularity = popularity,
                            .vote_average = 8.4,
                            .vote_count = 100,
                            .timestamp_ms = clock_now_ms(world->context.clock)};
    fixture_produce(world, TOPIC_RATINGS, movie_id, &rating);
}

void fixture_spool(struct test_world *world, int32_t movie_id, const char *body)
{
    GError *error = NULL;
    g_autofree char *endpoint = g_strdup_printf("/movie/%d", movie_id);
    struct raw_store *store = raw_store_open(&world->context, world->lake);
    g_assert_true(raw_store_put(store, movie_id, endpoint, clock_now_ms(world->context.clock), body,
                                strlen(body), &error));
    g_assert_true(raw_store_flush(store, &error));
    raw_store_close(store);
}

bool fixture_run(struct test_world *world, GError **error)
{
    struct batch_report report;
    return batch_run(&world->context, NULL, NULL, &report, error);
}

void fixture_run_well(struct test_world *world)
{
    GError *error = NULL;
    bool done = fixture_run(world, &error);
    g_assert_no_error(error);
    g_assert_true(done);
}

void fixture_die_at(struct test_world *world, const char *point)
{
    pid_t child = fork();
    if (child == 0) {
        g_setenv("MARQUEE_FAILPOINT", point, TRUE);
        failpoint_init();
        _exit(fixture_run(world, NULL) ? 0 : 1);
    }
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

char *fixture_ask(struct test_world *world, const char *sql)
{
    GError *error = NULL;
    char *text = NULL;
    size_t len = 0;
    int64_t rows;
    FILE *out = open_memstream(&text, &len);
    bool done = batch_query(&world->context, sql, QUERY_JSON, out, &rows, &error);
    fclose(out);
    g_assert_no_error(error);
    g_assert_true(done);
    return text;
}

void fixture_expect(struct test_world *world, const char *sql, const char *wanted)
{
    char *found = fixture_ask(world, sql);
    g_assert_cmpstr(found, ==, wanted);
    free(found);
}

int64_t fixture_generation(struct test_world *world)
{
    GError *error = NULL;
    struct view *view = view_open(&world->context, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    struct view_generation generation;
    g_assert_true(view_current(view, arena, &generation, &error));
    int64_t number = generation.generation;
    arena_free(arena);
    view_close(view);
    return number;
}

char *fixture_document(struct test_world *world, const char *view_type, int32_t movie_id)
{
    GError *error = NULL;
    struct view *view = view_open(&world->context, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    struct view_generation generation;
    g_assert_true(view_current(view, arena, &generation, &error));
    struct view_filter filter = {.key = {.view_type = view_type, .movie_id = movie_id}};
    struct view_doc *docs;
    size_t count;
    const char *cursor;
    bool done = view_query(view, generation.generation, &filter, NULL, 1, arena, &docs, &count,
                           &cursor, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    char *data = count ? g_strdup(docs[0].data) : NULL;
    arena_free(arena);
    view_close(view);
    return data;
}

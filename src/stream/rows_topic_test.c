/* Proves: what stands in the topic last under each key is what the speed store would hold: rows of
 * each table, an hour's ranks as one record, an hour that lost its ranks as a record without a
 * value. The keys are as the header says. */
#include "stream/rows_topic.h"

#include <string.h>

#include "bus/bus.h"

#define HOUR_MS INT64_C(1767268800000)

struct world {
    struct arena *arena;
    GArray *messages;
};

static void world_open(struct world *world, const void *data)
{
    (void)data;
    world->arena = arena_new();
    world->messages = g_array_new(FALSE, FALSE, sizeof(struct bus_message));
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    g_array_unref(world->messages);
    arena_free(world->arena);
}

/* The batch of the message at a place, whose key it checks. */
static struct speed_batch read_at(struct world *world, guint at, const char *key, int partition)
{
    GError *error = NULL;
    struct speed_batch batch;
    g_assert_cmpuint(at, <, world->messages->len);
    const struct bus_message *message = &g_array_index(world->messages, struct bus_message, at);
    g_autofree char *found = g_strndup(message->key.data, message->key.len);
    g_assert_cmpstr(found, ==, key);
    g_assert_cmpstr(message->topic, ==, ROWS_TOPIC);
    g_assert_cmpint(message->partition, ==, partition);
    bool read = rows_topic_read(message->key, message->value, world->arena, &batch, &error);
    g_assert_no_error(error);
    g_assert_true(read);
    return batch;
}

static void test_rows(struct world *world, const void *data)
{
    (void)data;
    struct stats_row stats[] = {{.movie_id = 7, .hour_ms = HOUR_MS, .title = "T", .vote_count = 3},
                                {.movie_id = 9, .hour_ms = HOUR_MS + 3600000, .vote_count = 4}};
    struct sentiment_row sentiment = {
        .movie_id = 7, .hour_ms = HOUR_MS, .window_start_ms = HOUR_MS + 300000, .review_count = 5};
    struct live_row live = {"users", HOUR_MS, HOUR_MS + 60000, 12};
    struct hour_count_row counts = {"movie.ratings", 2, HOUR_MS, 99};
    const struct speed_batch batch = {
        .stats = stats,
        .stats_count = 2,
        .sentiment = &sentiment,
        .sentiment_count = 1,
        .live = &live,
        .live_count = 1,
        .hour_counts = &counts,
        .hour_counts_count = 1,
    };
    rows_topic_messages(&batch, 2, world->arena, world->messages);
    g_assert_cmpuint(world->messages->len, ==, 5);
    struct speed_batch read = read_at(world, 0, "movie_stats/7/1767268800000", 2);
    g_assert_cmpuint(read.stats_count, ==, 1);
    g_assert_cmpstr(read.stats[0].title, ==, "T");
    g_assert_cmpint(read.stats[0].vote_count, ==, 3);
    read = read_at(world, 1, "movie_stats/9/1767272400000", 2);
    g_assert_cmpint(read.stats[0].movie_id, ==, 9);
    g_assert_null(read.stats[0].title);
    read = read_at(world, 2, "review_sentiments/7/1767269100000", 2);
    g_assert_cmpuint(read.sentiment_count, ==, 1);
    g_assert_cmpint(read.sentiment[0].review_count, ==, 5);
    read = read_at(world, 3, "real_time_stats/users/1767268860000", 2);
    g_assert_cmpfloat(read.live[0].value, ==, 12);
    read = read_at(world, 4, "hour_counts/movie.ratings/2/1767268800000", 2);
    g_assert_cmpint(read.hour_counts[0].used_records, ==, 99);
}

static void test_trending(struct world *world, const void *data)
{
    (void)data;
    struct trending_row ranks[] = {{.hour_ms = HOUR_MS, .rank = 1, .movie_id = 5},
                                   {.hour_ms = HOUR_MS, .rank = 2, .movie_id = 6},
                                   {.hour_ms = HOUR_MS + 3600000, .rank = 1, .movie_id = 5}};
    int64_t gone = HOUR_MS - 3600000;
    const struct speed_batch batch = {
        .trending = ranks, .trending_count = 3, .trending_gone = &gone, .trending_gone_count = 1};
    rows_topic_messages(&batch, BUS_PARTITION_BY_KEY, world->arena, world->messages);
    g_assert_cmpuint(world->messages->len, ==, 3);
    struct speed_batch read =
        read_at(world, 0, "trending_movies/1767268800000", BUS_PARTITION_BY_KEY);
    g_assert_cmpuint(read.trending_count, ==, 2);
    g_assert_cmpint(read.trending[1].movie_id, ==, 6);
    read = read_at(world, 1, "trending_movies/1767272400000", BUS_PARTITION_BY_KEY);
    g_assert_cmpuint(read.trending_count, ==, 1);
    read = read_at(world, 2, "trending_movies/1767265200000", BUS_PARTITION_BY_KEY);
    g_assert_cmpuint(read.trending_count, ==, 0);
    g_assert_cmpuint(read.trending_gone_count, ==, 1);
    g_assert_cmpint(read.trending_gone[0], ==, gone);
}

static void test_bad(struct world *world, const void *data)
{
    (void)data;
    static const struct {
        struct span key, value;
    } cases[] = {
        {{"movie_stats/7/0", 15}, {NULL, 0}},
        {{"trending_movies/", 16}, {NULL, 0}},
        {{"trending_movies/1x", 18}, {NULL, 0}},
        {{"trending_movies/1", 17}, {"\x7f", 1}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        struct speed_batch batch;
        g_assert_false(rows_topic_read(cases[i].key, cases[i].value, world->arena, &batch, &error));
        g_assert_true(error_is(error, BADDATA));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/stream/rows_topic/rows", struct world, NULL, world_open, test_rows, world_close);
    g_test_add("/stream/rows_topic/trending", struct world, NULL, world_open, test_trending,
               world_close);
    g_test_add("/stream/rows_topic/bad", struct world, NULL, world_open, test_bad, world_close);
    return g_test_run();
}

/* Proves: live statistics of a minute are counts by topic and type and distinct users and movies;
 * a commit that is repeated says the same; a minute goes on after a restart and after it left
 * memory; what is no longer held is neither kept nor said. */
#include "stream/live.h"

#include "base/clock.h"
#include "model/db.h"
#include "stream/movie.h"

/* 2026-01-01 12:00. */
#define NOON_MS INT64_C(1767268800000)

struct world {
    sqlite3 *db;
    struct sql_file *sql;
    struct live *live;
    struct output output;
    struct movie *movie;
};

static void open_live(struct world *world)
{
    GError *error = NULL;
    live_free(world->live);
    world->live = live_new(world->db, world->sql, &error);
    g_assert_no_error(error);
}

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->db = db_open(":memory:", NULL, &error);
    world->sql = sql_file_load("contracts/stream.sql");
    g_assert_true(db_exec(world->db, sql_file_get(world->sql, "live_schema"), &error));
    output_init(&world->output);
    world->movie = movie_new(1);
    open_live(world);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    movie_free(world->movie);
    output_free(&world->output);
    live_free(world->live);
    sql_file_free(world->sql);
    db_close(world->db);
}

static void add_event(struct world *world, int64_t event_ms, int32_t movie_id, int64_t user_id)
{
    GError *error = NULL;
    const struct user_event event = {.user_id = user_id, .event_type = EVENT_CLICK};
    const struct input input = {
        .topic = TOPIC_EVENTS, .record = &event, .event_ms = event_ms, .movie = world->movie};
    world->movie->movie_id = movie_id;
    g_assert_true(live_record(world->live, &input, &error));
    g_assert_no_error(error);
}

static void add_rating(struct world *world, int64_t event_ms, int32_t movie_id)
{
    GError *error = NULL;
    const struct input input = {
        .topic = TOPIC_RATINGS, .event_ms = event_ms, .movie = world->movie};
    world->movie->movie_id = movie_id;
    g_assert_true(live_record(world->live, &input, &error));
    g_assert_no_error(error);
}

static void write_live(struct world *world, int64_t horizon_ms)
{
    GError *error = NULL;
    output_clear(&world->output);
    g_assert_true(live_write(world->live, &world->output, horizon_ms, &error));
    g_assert_no_error(error);
}

/* 0: the commit says nothing of it. */
static double said(const struct world *world, int64_t minute_ms, const char *metric)
{
    double value = 0;
    for (guint i = 0; i < world->output.live->len; i++) {
        const struct live_row *row = &g_array_index(world->output.live, struct live_row, i);
        if (row->window_start_ms != minute_ms || !g_str_equal(row->metric, metric))
            continue;
        g_assert_true(value == 0);
        g_assert_cmpint(row->hour_ms, ==, minute_ms / MS_PER_HOUR * MS_PER_HOUR);
        value = row->value;
    }
    return value;
}

static void test_counts(struct world *world, const void *data)
{
    (void)data;
    add_rating(world, NOON_MS, 11);
    add_rating(world, NOON_MS + MS_PER_MINUTE - 1, 12);
    add_event(world, NOON_MS + 5, 11, 7);
    add_event(world, NOON_MS + 6, 13, 7);
    add_event(world, NOON_MS + 7, 13, 8);
    add_event(world, NOON_MS + MS_PER_MINUTE, 13, 9);
    for (int i = 0; i < 2; i++) { /* the first commit may have failed */
        write_live(world, INT64_MIN);
        g_assert_true(said(world, NOON_MS, "records.movie.ratings") == 2);
        g_assert_true(said(world, NOON_MS, "records.user.events") == 3);
        g_assert_true(said(world, NOON_MS, "events.click") == 3);
        g_assert_true(said(world, NOON_MS, "events.view") == 0);
        g_assert_true(said(world, NOON_MS, "users") == 2);
        g_assert_true(said(world, NOON_MS, "movies") == 3);
        g_assert_true(said(world, NOON_MS + MS_PER_MINUTE, "users") == 1);
    }
    live_committed(world->live);
    write_live(world, INT64_MIN);
    g_assert_cmpuint(world->output.live->len, ==, 0);
}

static void test_next_life(struct world *world, const void *data)
{
    (void)data;
    add_event(world, NOON_MS, 11, 7);
    write_live(world, INT64_MIN);
    live_committed(world->live);
    add_event(world, NOON_MS, 12, 8); /* never committed: it is read again */
    open_live(world);
    add_event(world, NOON_MS, 12, 8);
    add_event(world, NOON_MS, 12, 7);
    write_live(world, INT64_MIN);
    g_assert_true(said(world, NOON_MS, "records.user.events") == 3);
    g_assert_true(said(world, NOON_MS, "users") == 2);
    g_assert_true(said(world, NOON_MS, "movies") == 2);
}

static void test_out_of_memory(struct world *world, const void *data)
{
    (void)data;
    for (int64_t i = 0; i <= LIVE_MINUTES_MAX; i++)
        add_event(world, NOON_MS + i * MS_PER_MINUTE, 11, i);
    write_live(world, INT64_MIN);
    live_committed(world->live);
    add_event(world, NOON_MS + 3 * MS_PER_MINUTE, 11, 1000);
    write_live(world, INT64_MIN);
    g_assert_true(said(world, NOON_MS + 3 * MS_PER_MINUTE, "users") == 2);
}

static void test_horizon(struct world *world, const void *data)
{
    (void)data;
    add_event(world, NOON_MS - 1, 11, 7);
    add_event(world, NOON_MS, 11, 7);
    write_live(world, NOON_MS - MS_PER_HOUR);
    g_assert_true(said(world, NOON_MS - MS_PER_MINUTE, "users") == 1);
    live_committed(world->live);
    write_live(world, NOON_MS);
    open_live(world);
    add_event(world, NOON_MS - 1, 11, 8);
    add_event(world, NOON_MS, 11, 8);
    write_live(world, NOON_MS);
    g_assert_true(said(world, NOON_MS - MS_PER_MINUTE, "users") == 0);
    g_assert_true(said(world, NOON_MS, "users") == 2);
}

static void test_damage(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    add_event(world, NOON_MS, 11, 7);
    write_live(world, INT64_MIN);
    g_assert_true(
        db_exec(world->db, "UPDATE stream_live SET data = zeroblob(length(data))", &error));
    open_live(world);
    const struct user_event event = {.user_id = 1};
    const struct input input = {
        .topic = TOPIC_EVENTS, .record = &event, .event_ms = NOON_MS, .movie = world->movie};
    g_assert_false(live_record(world->live, &input, &error));
    g_assert_true(error_is(error, BADDATA));
    g_error_free(error);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(struct world *world, const void *data);
    } tests[] = {
        {"/live/counts", test_counts},
        {"/live/next_life", test_next_life},
        {"/live/out_of_memory", test_out_of_memory},
        {"/live/horizon", test_horizon},
        {"/live/damage", test_damage},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct world, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}

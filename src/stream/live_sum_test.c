/* Proves: a minute is the sum of its tasks' parts (counts added, distinct users and movies counted
 * once: by hand); a task's newer part stands in place of its last one; only changed minutes are
 * said, again when the commit failed; minutes before the horizon go; the next life goes on; bytes
 * that are no part are refused and change nothing. */
#include "stream/live_sum.h"

#include "base/clock.h"
#include "model/db.h"
#include "stream/delta.h"
#include "stream/live_minute.h"

#define MINUTE INT64_C(29454480) /* 2026-01-01 12:00 */

struct world {
    sqlite3 *db;
    struct sql_file *sql;
    GByteArray *delta;
    struct live_sum *sum;
    struct output output;
};

static void open_sum(struct world *world)
{
    GError *error = NULL;
    live_sum_free(world->sum);
    world->sum = live_sum_new(world->db, world->sql, world->delta, &error);
    g_assert_no_error(error);
}

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->db = db_open(":memory:", NULL, &error);
    world->sql = sql_file_load("contracts/stream.sql");
    world->delta = g_byte_array_new();
    g_assert_true(db_exec(world->db, sql_file_get(world->sql, "cluster_schema"), &error));
    output_init(&world->output);
    open_sum(world);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    live_sum_free(world->sum);
    output_free(&world->output);
    g_byte_array_unref(world->delta);
    sql_file_free(world->sql);
    db_close(world->db);
}

/* A task's part: so many ratings, by the movies first_movie, first_movie + 1, ... */
static void put(struct world *world, int task, int64_t minute, int ratings, uint64_t first_movie)
{
    GError *error = NULL;
    struct live_minute part = {.number = minute};
    part.counts[INPUT_RATINGS] = ratings;
    for (uint64_t i = 0; i < (uint64_t)ratings; i++)
        hll_add(&part.movies, first_movie + i);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    live_minute_encode(&part, bytes);
    g_assert_true(live_sum_put(world->sum, task, minute,
                               (struct span){(char *)bytes->data, bytes->len}, &error));
    g_assert_no_error(error);
}

static void write_sum(struct world *world, int64_t horizon_minute)
{
    GError *error = NULL;
    output_clear(&world->output);
    g_assert_true(
        live_sum_write(world->sum, &world->output, horizon_minute * MS_PER_MINUTE, &error));
    g_assert_no_error(error);
}

/* 0: this commit says nothing of it. */
static double said(const struct world *world, int64_t minute, const char *metric)
{
    double value = 0;
    for (guint i = 0; i < world->output.live->len; i++) {
        const struct live_row *row = &g_array_index(world->output.live, struct live_row, i);
        if (row->window_start_ms != minute * MS_PER_MINUTE || !g_str_equal(row->metric, metric))
            continue;
        g_assert_true(value == 0);
        value = row->value;
    }
    return value;
}

static int64_t parts_kept(const struct world *world)
{
    GError *error = NULL;
    g_autoptr(sqlite3_stmt) read =
        db_prepare(world->db, "SELECT count(*) FROM stream_live_parts", &error);
    bool row;
    g_assert_true(db_step(read, &row, &error) && row);
    return sqlite3_column_int64(read, 0);
}

/* Task 0: 3 ratings of movies 1, 2, 3; task 1: 2 of movies 3, 4. Together 5 ratings, 4 movies. */
static void test_sum(struct world *world, const void *data)
{
    (void)data;
    put(world, 0, MINUTE, 3, 1);
    put(world, 1, MINUTE, 2, 3);
    put(world, 1, MINUTE + 1, 1, 9);
    for (int i = 0; i < 2; i++) { /* the first commit may have failed */
        write_sum(world, 0);
        g_assert_true(said(world, MINUTE, "records.movie.ratings") == 5);
        g_assert_true(said(world, MINUTE, "movies") == 4);
        g_assert_true(said(world, MINUTE + 1, "records.movie.ratings") == 1);
    }
    live_sum_clear(world->sum);
    write_sum(world, 0);
    g_assert_cmpuint(world->output.live->len, ==, 0);
}

/* Task 1 has counted on: 4 ratings of movies 3 to 6. 3 and 4 are 7 ratings, movies 1 to 6. */
static void test_newer_part(struct world *world, const void *data)
{
    (void)data;
    put(world, 0, MINUTE, 3, 1);
    put(world, 1, MINUTE, 2, 3);
    write_sum(world, 0);
    live_sum_clear(world->sum);
    open_sum(world);
    put(world, 1, MINUTE, 4, 3);
    write_sum(world, 0);
    g_assert_true(said(world, MINUTE, "records.movie.ratings") == 7);
    g_assert_true(said(world, MINUTE, "movies") == 6);
    g_assert_cmpint(parts_kept(world), ==, 2);
}

static void test_horizon(struct world *world, const void *data)
{
    (void)data;
    put(world, 0, MINUTE - 1, 3, 1);
    put(world, 0, MINUTE, 2, 1);
    write_sum(world, MINUTE);
    g_assert_true(said(world, MINUTE - 1, "records.movie.ratings") == 0);
    g_assert_true(said(world, MINUTE, "records.movie.ratings") == 2);
    g_assert_cmpint(parts_kept(world), ==, 1);
}

/* What the sum does to its file, another file's player does again. */
static void test_delta(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    put(world, 0, MINUTE - 1, 3, 1);
    put(world, 0, MINUTE, 3, 1);
    put(world, 1, MINUTE, 2, 3);
    write_sum(world, MINUTE);
    live_sum_clear(world->sum);
    struct world other = {0};
    world_open(&other, NULL);
    struct delta_player *player = delta_player_new(other.db, other.sql);
    g_assert_true(delta_player_run(
        player, (struct span){(char *)world->delta->data, world->delta->len}, &error));
    delta_player_free(player);
    g_assert_cmpint(parts_kept(&other), ==, 2);
    put(&other, 2, MINUTE, 1, 5);
    write_sum(&other, MINUTE);
    g_assert_true(said(&other, MINUTE, "records.movie.ratings") == 6);
    g_assert_true(said(&other, MINUTE, "movies") == 5);
    world_close(&other, NULL);
}

static void test_damage(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    g_assert_false(live_sum_put(world->sum, 0, MINUTE, (struct span){"part", 4}, &error));
    g_assert_true(error_is(error, BADDATA));
    g_assert_cmpint(parts_kept(world), ==, 0);
    g_assert_cmpuint(world->delta->len, ==, 0);
    write_sum(world, 0);
    g_assert_cmpuint(world->output.live->len, ==, 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(struct world *world, const void *data);
    } tests[] = {
        {"/stream/live_sum/sum", test_sum},
        {"/stream/live_sum/newer_part", test_newer_part},
        {"/stream/live_sum/horizon", test_horizon},
        {"/stream/live_sum/delta", test_delta},
        {"/stream/live_sum/damage", test_damage},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct world, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}

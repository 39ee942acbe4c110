/* Proves of the ranker what tables at the end don't show: a revision for each ranking that differs
 * and none for one that doesn't; final windows wait for late_interval; an emptied window gives its
 * hour back to the one before; nothing is ranked twice or lost by a rolled back transaction or a
 * crash; windows that are no longer held are gone; a checkpoint needs no log, and of much the log
 * has several rows. */
#include "stream/ranker.h"

#include "base/clock.h"
#include "model/db.h"
#include "stream/delta.h"
#include "stream/measure.h"

/* 2026-01-01 12:00. */
#define NOON_MS   INT64_C(1767268800000)
#define WINDOW_MS (5 * MS_PER_MINUTE)
#define LATE_MS   (30 * MS_PER_SECOND)

static const struct stream_settings settings = {
    .partitions = 1,
    .window_ms = WINDOW_MS,
    .late_interval_ms = LATE_MS,
    .weight_velocity = 0.5,
    .weight_votes = 0.25,
    .weight_acceleration = 0.15,
    .weight_engagement = 0.1,
};

struct world {
    sqlite3 *db;
    struct sql_file *sql;
    struct registry *registry;
    struct serde *serde;
    struct outbox *outbox;
    struct ranker *ranker;
    struct output output;
    struct arena *arena;
    int64_t watermark_ms, horizon_ms, monotonic_ms;
};

static void open_ranker(struct world *world)
{
    GError *error = NULL;
    ranker_close(world->ranker);
    world->ranker =
        ranker_open(world->db, world->sql, &settings, world->outbox, world->monotonic_ms, &error);
    g_assert_no_error(error);
}

static void world_open(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    world->db = db_open(":memory:", NULL, &error);
    world->sql = sql_file_load("contracts/stream.sql");
    g_assert_true(db_exec(world->db, sql_file_get(world->sql, "schema"), &error));
    g_assert_true(db_exec(world->db, sql_file_get(world->sql, "ranker_schema"), &error));
    world->registry = registry_new_mem();
    world->serde = serde_new(world->registry, &error);
    world->outbox = outbox_new(world->db, world->sql, world->serde, &error);
    g_assert_no_error(error);
    output_init(&world->output);
    world->arena = arena_new();
    world->watermark_ms = NOON_MS;
    world->horizon_ms = NOON_MS - 52 * MS_PER_HOUR;
    open_ranker(world);
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    ranker_close(world->ranker);
    outbox_free(world->outbox);
    serde_free(world->serde);
    registry_close(world->registry);
    sql_file_free(world->sql);
    db_close(world->db);
    output_free(&world->output);
    arena_free(world->arena);
}

static void say(struct world *world, int window, int32_t movie_id, double velocity)
{
    struct measure measure = {.window_start_ms = NOON_MS + window * WINDOW_MS,
                              .movie_id = movie_id,
                              .velocity = velocity};
    g_array_append_val(world->output.measures, measure);
}

static void write_ranker(struct world *world)
{
    GError *error = NULL;
    g_assert_true(db_begin(world->db, &error));
    g_assert_true(ranker_write(world->ranker, &world->output, world->watermark_ms,
                               world->horizon_ms, world->monotonic_ms, &error));
    g_assert_no_error(error);
}

/* The rows stay in output until the next commit begins. */
static void commit(struct world *world)
{
    GError *error = NULL;
    write_ranker(world);
    g_assert_true(db_commit(world->db, &error));
}

static void begin(struct world *world)
{
    output_clear(&world->output);
}

static guint rows_said(const struct world *world)
{
    return world->output.trending->len;
}

static void
assert_row(const struct world *world, guint at, int window, int32_t rank, int32_t movie_id)
{
    const struct trending_row *row =
        &g_array_index(world->output.trending, struct trending_row, at);
    g_assert_cmpint(row->hour_ms, ==, NOON_MS);
    g_assert_cmpint(row->window_end_ms, ==, NOON_MS + (window + 1) * WINDOW_MS);
    g_assert_cmpint(row->rank, ==, rank);
    g_assert_cmpint(row->movie_id, ==, movie_id);
}

static int64_t ask(struct world *world, const char *sql)
{
    GError *error = NULL;
    bool row;
    g_autoptr(sqlite3_stmt) statement = db_prepare(world->db, sql, &error);
    g_assert_true(db_step(statement, &row, &error) && row);
    return sqlite3_column_int64(statement, 0);
}

/* The revision of the last record in the outbox, and how many are there. */
static void assert_published(struct world *world, int64_t count, int32_t revision, size_t movies)
{
    GError *error = NULL;
    bool row;
    g_assert_cmpint(ask(world, "SELECT count(*) FROM stream_outbox"), ==, count);
    g_autoptr(sqlite3_stmt) statement =
        db_prepare(world->db, "SELECT data FROM stream_outbox ORDER BY id DESC LIMIT 1", &error);
    g_assert_true(db_step(statement, &row, &error) && row);
    struct trending trending;
    g_assert_true(serde_decode(world->serde, TOPIC_TRENDING, db_column_span(statement, 0),
                               world->arena, &trending, &error));
    g_assert_cmpint(trending.revision, ==, revision);
    g_assert_cmpuint(trending.movies_count, ==, movies);
}

/* Only a ranking that differs gets a revision. */
static void test_revisions(struct world *world, const void *data)
{
    (void)data;
    say(world, 0, 11, 6);
    say(world, 0, 12, 0);
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 1); /* movie 12 doesn't rise */
    assert_row(world, 0, 0, 1, 11);
    assert_published(world, 1, 1, 1);
    begin(world);
    say(world, 0, 11, 6);
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 0);
    assert_published(world, 1, 1, 1);
    begin(world);
    say(world, 0, 12, 8);
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 2);
    assert_row(world, 0, 0, 1, 12);
    assert_row(world, 1, 0, 2, 11);
    assert_published(world, 2, 2, 2);
}

/* Of one commit's measures of a movie and window the last counts. */
static void test_last_counts(struct world *world, const void *data)
{
    (void)data;
    say(world, 0, 11, 6);
    say(world, 0, 12, 1);
    say(world, 0, 11, -1);
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 1);
    assert_row(world, 0, 0, 1, 12);
}

/* A final window waits; an open one beside it doesn't. */
static void test_final_waits(struct world *world, const void *data)
{
    (void)data;
    world->watermark_ms = NOON_MS + WINDOW_MS; /* window 0 is final just now */
    say(world, 0, 11, 6);
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 0);
    g_assert_false(ranker_due(world->ranker, LATE_MS - 1));
    g_assert_true(ranker_due(world->ranker, LATE_MS));
    begin(world);
    say(world, 1, 12, 5);
    commit(world);
    assert_row(world, 0, 1, 1, 12);
    begin(world);
    world->monotonic_ms = LATE_MS;
    commit(world);
    /* Ranked and published, but the hour shows its latest window still. */
    g_assert_cmpuint(rows_said(world), ==, 0);
    assert_published(world, 2, 1, 1);
    g_assert_cmpint(ask(world, "SELECT count(*) FROM stream_measure_log"), ==, 0);
    g_assert_false(ranker_due(world->ranker, 10 * LATE_MS));
}

static void test_emptied(struct world *world, const void *data)
{
    (void)data;
    say(world, 0, 11, 6);
    say(world, 1, 12, 6);
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 1);
    assert_row(world, 0, 1, 1, 12);
    begin(world);
    say(world, 1, 12, 0);
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 1);
    assert_row(world, 0, 0, 1, 11);
    assert_published(world, 3, 2, 0); /* the empty ranking goes out too */
    begin(world);
    say(world, 0, 11, -2);
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 0);
    g_assert_cmpuint(world->output.trending_gone->len, ==, 1);
    g_assert_cmpint(g_array_index(world->output.trending_gone, int64_t, 0), ==, NOON_MS);
}

/* The tasks say the same again with the next commit: as if the first had not been. */
static void test_rolled_back(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    say(world, 0, 11, 6);
    commit(world);
    for (int i = 0; i < 2; i++) {
        begin(world);
        say(world, 0, 12, 8);
        write_ranker(world);
        if (i == 0) {
            db_rollback(world->db);
            g_assert_true(ranker_rolled_back(world->ranker, &error));
        } else {
            g_assert_true(db_commit(world->db, &error));
        }
    }
    g_assert_cmpuint(rows_said(world), ==, 2);
    assert_published(world, 2, 2, 2);
}

/* Until it is said again it was never said. */
static void test_rolled_back_only(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    say(world, 0, 11, 6);
    commit(world);
    begin(world);
    say(world, 0, 12, 8);
    write_ranker(world);
    db_rollback(world->db);
    g_assert_true(ranker_rolled_back(world->ranker, &error));
    begin(world);
    say(world, 0, 13, 1);
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 2);
    assert_row(world, 0, 0, 1, 11);
    assert_row(world, 1, 0, 2, 13);
}

/* What the log has and the windows on disk lack is merged before anything newer: here movie 11's
 * first word, so its second one stays the last, and movie 12's. */
static void test_crash(struct world *world, const void *data)
{
    (void)data;
    say(world, 0, 11, 6);
    say(world, 0, 12, 4);
    commit(world);
    g_assert_cmpint(ask(world, "SELECT count(*) FROM stream_measures"), ==, 0);
    open_ranker(world);
    begin(world);
    say(world, 0, 11, 2);
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 2);
    assert_row(world, 0, 0, 1, 12);
    assert_row(world, 1, 0, 2, 11);
    assert_published(world, 2, 2, 2);
    /* And a crash where nothing new comes changes nothing. */
    open_ranker(world);
    begin(world);
    commit(world);
    assert_published(world, 2, 2, 2);
}

/* Its windows have all of it, also behind a crash. */
static void test_checkpoint(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GByteArray) delta = g_byte_array_new();
    ranker_record(world->ranker, delta);
    say(world, 0, 11, 6);
    commit(world);
    g_assert_cmpint(delta->data[0], ==, DELTA_APPEND_MEASURES);
    begin(world);
    g_byte_array_set_size(delta, 0);
    world->monotonic_ms = LATE_MS;
    say(world, 0, 12, 8);
    commit(world);
    g_assert_cmpint(delta->data[0], !=, DELTA_APPEND_MEASURES);
    g_assert_cmpint(ask(world, "SELECT count(*) FROM stream_measure_log"), ==, 0);
    open_ranker(world);
    begin(world);
    say(world, 0, 13, 1);
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 3);
    assert_row(world, 0, 0, 1, 12);
    assert_row(world, 1, 0, 2, 11);
}

static void test_long_log(struct world *world, const void *data)
{
    (void)data;
    enum { MOVIES = 40000 };
    for (int32_t movie = 1; movie <= MOVIES; movie++)
        say(world, 0, movie, movie == 30000 ? 9 : 1);
    commit(world);
    g_assert_cmpint(ask(world, "SELECT count(*) FROM stream_measure_log"), ==, 3);
    open_ranker(world);
    g_assert_cmpuint(ranker_measures_count(world->ranker), ==, MOVIES);
    begin(world);
    say(world, 0, 40000, 8);
    commit(world);
    assert_row(world, 0, 0, 1, 30000);
    assert_row(world, 1, 0, 2, 40000);
}

static void test_horizon(struct world *world, const void *data)
{
    (void)data;
    say(world, 0, 11, 6);
    say(world, 12, 11, 6); /* 13:00 */
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 2);
    begin(world);
    world->horizon_ms = NOON_MS + MS_PER_HOUR;
    world->monotonic_ms += LATE_MS;
    say(world, 0, 11, 9);
    commit(world);
    g_assert_cmpuint(rows_said(world), ==, 0);
    assert_published(world, 2, 1, 1);
    g_assert_cmpint(ask(world, "SELECT count(*) FROM stream_rankings"), ==, 1);
    g_assert_cmpint(ask(world, "SELECT min(window_start) FROM stream_measures"), ==,
                    NOON_MS + MS_PER_HOUR);
}

static void test_damage(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    say(world, 0, 11, 6);
    commit(world);
    g_assert_true(db_exec(world->db, "UPDATE stream_measure_log SET data = zeroblob(20)", &error));
    g_assert_null(ranker_open(world->db, world->sql, &settings, world->outbox, 0, &error));
    g_assert_true(error_is(error, BADDATA));
    g_assert_nonnull(strstr(error->message, "measure log 1"));
    g_error_free(error);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(struct world *world, const void *data);
    } tests[] = {
        {"/ranker/revisions", test_revisions},
        {"/ranker/last_counts", test_last_counts},
        {"/ranker/final_waits", test_final_waits},
        {"/ranker/emptied", test_emptied},
        {"/ranker/rolled_back", test_rolled_back},
        {"/ranker/rolled_back_only", test_rolled_back_only},
        {"/ranker/crash", test_crash},
        {"/ranker/checkpoint", test_checkpoint},
        {"/ranker/long_log", test_long_log},
        {"/ranker/horizon", test_horizon},
        {"/ranker/damage", test_damage},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct world, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}

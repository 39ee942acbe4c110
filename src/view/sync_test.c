/* Sync copies exactly what the speed store holds: from the feed, again after any stop, and never
 * anything old. */
#include "view/sync.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <jansson.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "speed/speed.h"
#include "view/view.h"

#define T0   INT64_C(1772510400000) /* 2026-03-03T04:00:00Z */
#define HOUR MS_PER_HOUR

struct fixture {
    struct context context;
    struct config *config;
    struct arena *arena;
    struct speed *speed;
    struct view *view;
    struct sync *sync;
    char *folder;
};

#define OK(call)                                                                                   \
    do {                                                                                           \
        GError *failure = NULL;                                                                    \
        bool succeeded = (call);                                                                   \
        g_assert_no_error(failure);                                                                \
        g_assert_true(succeeded);                                                                  \
    } while (0)

static void open_stores(struct fixture *fixture)
{
    GError *error = NULL;
    fixture->speed = speed_open(&fixture->context, &error);
    g_assert_no_error(error);
    fixture->view = view_open(&fixture->context, &error);
    g_assert_no_error(error);
    fixture->sync = sync_open(&fixture->context, &error);
    g_assert_no_error(error);
}

static void close_stores(struct fixture *fixture)
{
    sync_close(fixture->sync);
    view_close(fixture->view);
    speed_close(fixture->speed);
}

static void setup(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    GError *error = NULL;
    fixture->folder = g_dir_make_tmp("marquee-sync-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->config = config_new_default();
    OK(config_set(fixture->config, "data.dir", fixture->folder, &failure));
    fixture->config->sync_batch_rows = 3;
    fixture->context = (struct context){.config = fixture->config,
                                        .clock = clock_new_manual(T0 + 30 * MS_PER_MINUTE),
                                        .metrics = metrics_new()};
    fixture->arena = arena_new();
    open_stores(fixture);
}

static void teardown(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    close_stores(fixture);
    arena_free(fixture->arena);
    metrics_free(fixture->context.metrics);
    clock_free(fixture->context.clock);
    config_free(fixture->config);
    GDir *dir = g_dir_open(fixture->folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(fixture->folder, name, NULL);
        g_unlink(path);
    }
    g_dir_close(dir);
    g_rmdir(fixture->folder);
    g_free(fixture->folder);
}

static void
write_stats(struct fixture *fixture, int32_t movie_id, int64_t hour_ms, int64_t popularity_e4)
{
    struct stats_row row = {.movie_id = movie_id,
                            .hour_ms = hour_ms,
                            .title = "Dune \"2\"",
                            .popularity_e4 = popularity_e4,
                            .vote_average_e4 = 78000,
                            .vote_count = 12001,
                            .last_updated_ms = hour_ms + 1000};
    struct speed_batch batch = {.stats = &row, .stats_count = 1};
    OK(speed_write(fixture->speed, &batch, &failure));
}

static size_t step(struct fixture *fixture)
{
    size_t keys = 99;
    OK(sync_step(fixture->sync, &keys, &failure));
    return keys;
}

static void drain(struct fixture *fixture)
{
    while (step(fixture) == (size_t)fixture->config->sync_batch_rows)
        ;
}

static size_t
docs_of(struct fixture *fixture, const char *type, int64_t movie_id, struct speed_doc **ret_docs)
{
    size_t count;
    OK(view_query_speed(fixture->view, type, movie_id, 0, T0 + 99 * HOUR, fixture->arena, ret_docs,
                        &count, &failure));
    return count;
}

/* The documents are those that docs/views.md shows, value for value. */
static void test_documents(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    struct stats_row stats = {.movie_id = 603,
                              .hour_ms = T0,
                              .popularity_e4 = 1234567,
                              .vote_average_e4 = 78000,
                              .vote_count = 12001,
                              .has_velocity = true,
                              .rating_velocity = -0.25,
                              .last_updated_ms = T0 + 55 * MS_PER_MINUTE};
    struct sentiment_row sentiment[] = {
        {.movie_id = 603,
         .hour_ms = T0,
         .window_start_ms = T0,
         .window_end_ms = T0 + 300000,
         .sentiment_sum_e4 = 9000,
         .review_count = 2,
         .positive_count = 2,
         .avg_sentiment = 0.45},
        {.movie_id = 603,
         .hour_ms = T0,
         .window_start_ms = T0 + 600000,
         .window_end_ms = T0 + 900000,
         .sentiment_sum_e4 = -5000,
         .review_count = 1,
         .negative_count = 1,
         .avg_sentiment = -0.5,
         .has_velocity = true,
         .sentiment_velocity = -5.7},
    };
    struct trending_row trending[] = {
        {.hour_ms = T0,
         .window_end_ms = T0 + 900000,
         .rank = 1,
         .movie_id = 603,
         .title = "A",
         .trending_score = 2.5,
         .velocity = 12,
         .has_acceleration = true,
         .acceleration = 1.5},
        {.hour_ms = T0,
         .window_end_ms = T0 + 900000,
         .rank = 2,
         .movie_id = 7,
         .trending_score = 1,
         .velocity = 2},
    };
    struct live_row live[] = {
        {.metric = "users", .hour_ms = T0, .window_start_ms = T0, .value = 3},
        {.metric = "records", .hour_ms = T0, .window_start_ms = T0, .value = 10},
        {.metric = "records", .hour_ms = T0, .window_start_ms = T0 + 60000, .value = 12},
    };
    struct hour_count_row counts[] = {
        {.topic = "movie.ratings", .partition = 0, .hour_ms = T0, .used_records = 5},
        {.topic = "movie.ratings", .partition = 3, .hour_ms = T0, .used_records = 7},
        {.topic = "movie.metadata", .partition = 1, .hour_ms = T0, .used_records = 1},
    };
    struct speed_batch batch = {.stats = &stats,
                                .stats_count = 1,
                                .sentiment = sentiment,
                                .sentiment_count = 2,
                                .trending = trending,
                                .trending_count = 2,
                                .live = live,
                                .live_count = 3,
                                .hour_counts = counts,
                                .hour_counts_count = 3};
    drain(fixture); /* not by the first filling, but by the feed */
    OK(speed_write(fixture->speed, &batch, &failure));
    drain(fixture);
    struct speed_doc *docs;
    g_assert_cmpuint(docs_of(fixture, "stats", 603, &docs), ==, 1);
    g_assert_cmpint(docs[0].hour_ms, ==, T0);
    g_assert_cmpint(docs[0].synced_at_ms, ==, T0 + 30 * MS_PER_MINUTE);
    g_assert_cmpstr(docs[0].data, ==,
                    "{\"hour\":\"2026-03-03T04:00:00Z\",\"title\":null,\"vote_average\":7.8,"
                    "\"vote_count\":12001,\"popularity\":123.4567,\"rating_velocity\":-0.25,"
                    "\"last_updated\":\"2026-03-03T04:55:00Z\"}");
    g_assert_cmpuint(docs_of(fixture, "sentiment", 603, &docs), ==, 1);
    g_assert_cmpstr(
        docs[0].data, ==,
        "{\"windows\":[{\"window_start\":\"2026-03-03T04:00:00Z\",\"window_end\":\"2026-03-03T04:"
        "05:00Z\","
        "\"avg_sentiment\":0.45,\"sentiment_sum_e4\":9000,\"review_count\":2,\"positive_count\":2,"
        "\"negative_count\":0,\"neutral_count\":0,\"sentiment_velocity\":null},"
        "{\"window_start\":\"2026-03-03T04:10:00Z\",\"window_end\":\"2026-03-03T04:15:00Z\","
        "\"avg_sentiment\":-0.5,\"sentiment_sum_e4\":-5000,\"review_count\":1,\"positive_count\":0,"
        "\"negative_count\":1,\"neutral_count\":0,\"sentiment_velocity\":-5.7}]}");
    g_assert_cmpuint(docs_of(fixture, "trending", 0, &docs), ==, 1);
    g_assert_cmpstr(
        docs[0].data, ==,
        "{\"window_end\":\"2026-03-03T04:15:00Z\",\"movies\":[{\"rank\":1,\"movie_id\":603,"
        "\"title\":\"A\",\"trending_score\":2.5,\"velocity\":12,\"acceleration\":1.5},"
        "{\"rank\":2,\"movie_id\":7,\"title\":null,\"trending_score\":1,\"velocity\":2,"
        "\"acceleration\":null}]}");
    g_assert_cmpuint(docs_of(fixture, "live", 0, &docs), ==, 1);
    g_assert_cmpstr(
        docs[0].data, ==,
        "{\"metrics\":{\"records\":[{\"window_start\":\"2026-03-03T04:00:00Z\",\"value\":10},"
        "{\"window_start\":\"2026-03-03T04:01:00Z\",\"value\":12}],"
        "\"users\":[{\"window_start\":\"2026-03-03T04:00:00Z\",\"value\":3}]}}");
    g_assert_cmpuint(docs_of(fixture, "hour_counts", 0, &docs), ==, 1);
    g_assert_cmpstr(
        docs[0].data, ==,
        "{\"hour\":\"2026-03-03T04:00:00Z\",\"movie.metadata\":[0,1],\"movie.ratings\":[5,0,0,7]}");
    /* They are JSON to others too. */
    json_t *parsed = json_loads(docs[0].data, 0, NULL);
    g_assert_nonnull(parsed);
    json_decref(parsed);
    g_assert_cmpfloat(metrics_get(fixture->context.metrics, METRIC_SYNC_ROWS, NULL), >=, 5);
}

/* Steps are bounded, follow the feed in order, and a changed key is copied again. */
static void test_steps(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    drain(fixture);
    for (int32_t movie = 1; movie <= 7; movie++)
        write_stats(fixture, movie, T0, movie);
    g_assert_cmpuint(step(fixture), ==, 3);
    struct speed_doc *docs;
    g_assert_cmpuint(docs_of(fixture, "stats", VIEW_ANY_MOVIE, &docs), ==, 3);
    /* Not all yet: the views don't call themselves fresh. */
    int64_t position, synced_at_ms;
    clock_set_now(fixture->context.clock, T0 + 40 * MS_PER_MINUTE);
    g_assert_cmpuint(step(fixture), ==, 3);
    OK(view_sync_position(fixture->view, &position, &synced_at_ms, &failure));
    g_assert_cmpint(synced_at_ms, <, T0 + 40 * MS_PER_MINUTE);
    g_assert_cmpfloat(metrics_get(fixture->context.metrics, METRIC_SYNC_LAG_KEYS, NULL), ==, 3);
    g_assert_cmpuint(step(fixture), ==, 1);
    OK(view_sync_position(fixture->view, &position, &synced_at_ms, &failure));
    g_assert_cmpint(synced_at_ms, ==, T0 + 40 * MS_PER_MINUTE);
    g_assert_cmpfloat(metrics_get(fixture->context.metrics, METRIC_SYNC_LAG_KEYS, NULL), ==, 0);
    g_assert_cmpuint(docs_of(fixture, "stats", VIEW_ANY_MOVIE, &docs), ==, 7);
    g_assert_cmpuint(step(fixture), ==, 0);
    write_stats(fixture, 2, T0, 990000);
    g_assert_cmpuint(step(fixture), ==, 1);
    g_assert_cmpuint(docs_of(fixture, "stats", 2, &docs), ==, 1);
    g_assert_nonnull(strstr(docs[0].data, "\"popularity\":99,"));
    /* Nothing new: after a while of monotonic time the views say that they are still fresh. */
    clock_set_now(fixture->context.clock, T0 + 50 * MS_PER_MINUTE);
    g_assert_cmpuint(step(fixture), ==, 0);
    clock_advance_monotonic(fixture->context.clock, 1000);
    g_assert_cmpuint(step(fixture), ==, 0);
    OK(view_sync_position(fixture->view, &position, &synced_at_ms, &failure));
    g_assert_cmpint(synced_at_ms, ==, T0 + 50 * MS_PER_MINUTE);
}

/* A sync that starts anew goes on where the views say; the feed may be pruned up to there. */
static void test_resume(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    drain(fixture);
    for (int32_t movie = 1; movie <= 5; movie++)
        write_stats(fixture, movie, T0, movie);
    g_assert_cmpuint(step(fixture), ==, 3);
    OK(sync_sweep(fixture->sync, &failure));
    sync_close(fixture->sync);
    GError *error = NULL;
    fixture->sync = sync_open(&fixture->context, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(step(fixture), ==, 2);
    struct speed_doc *docs;
    g_assert_cmpuint(docs_of(fixture, "stats", VIEW_ANY_MOVIE, &docs), ==, 5);
}

/* Rows that are gone take their document along; hours that expired go from both stores. */
static void test_gone(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    struct sentiment_row row = {.movie_id = 5,
                                .hour_ms = T0,
                                .window_start_ms = T0,
                                .window_end_ms = T0 + 300000,
                                .review_count = 1};
    struct speed_batch batch = {.sentiment = &row, .sentiment_count = 1};
    OK(speed_write(fixture->speed, &batch, &failure));
    write_stats(fixture, 5, T0, 1);
    drain(fixture);
    struct speed_doc *docs;
    g_assert_cmpuint(docs_of(fixture, "sentiment", 5, &docs), ==, 1);
    batch = (struct speed_batch){.sentiment_gone = &row, .sentiment_gone_count = 1};
    OK(speed_write(fixture->speed, &batch, &failure));
    drain(fixture);
    g_assert_cmpuint(docs_of(fixture, "sentiment", 5, &docs), ==, 0);
    g_assert_cmpuint(docs_of(fixture, "stats", 5, &docs), ==, 1);
    clock_set_now(fixture->context.clock, T0 + 53 * HOUR);
    OK(sync_sweep(fixture->sync, &failure));
    g_assert_cmpuint(docs_of(fixture, "stats", 5, &docs), ==, 0);
    /* Gone, not hidden: also by an earlier clock. */
    clock_set_now(fixture->context.clock, T0 + HOUR);
    g_assert_cmpuint(docs_of(fixture, "stats", 5, &docs), ==, 0);
    struct stats_row *rows;
    size_t count;
    OK(speed_scan_stats(fixture->speed, fixture->arena, &rows, &count, &failure));
    g_assert_cmpuint(count, ==, 0);
}

/* A view store that was deleted is filled again, though the feed no longer has its keys. */
static void test_rebuild(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    for (int32_t movie = 1; movie <= 5; movie++) {
        write_stats(fixture, movie, T0, movie);
        write_stats(fixture, movie, T0 - HOUR, movie);
    }
    struct hour_count_row counts = {.topic = "movie.ratings", .hour_ms = T0, .used_records = 5};
    struct trending_row trending = {
        .hour_ms = T0 - HOUR, .window_end_ms = T0, .rank = 1, .movie_id = 3};
    struct sentiment_row sentiment[] = {
        {.movie_id = 5,
         .hour_ms = T0 - HOUR,
         .window_start_ms = T0 - HOUR,
         .window_end_ms = T0 - HOUR + 300000,
         .review_count = 1},
        {.movie_id = 5,
         .hour_ms = T0,
         .window_start_ms = T0,
         .window_end_ms = T0 + 300000,
         .review_count = 1},
        {.movie_id = 5,
         .hour_ms = T0,
         .window_start_ms = T0 + 300000,
         .window_end_ms = T0 + 600000,
         .review_count = 1},
    };
    struct speed_batch batch = {.hour_counts = &counts,
                                .hour_counts_count = 1,
                                .trending = &trending,
                                .trending_count = 1,
                                .sentiment = sentiment,
                                .sentiment_count = 3};
    OK(speed_write(fixture->speed, &batch, &failure));
    drain(fixture);
    OK(sync_sweep(fixture->sync, &failure)); /* prunes the feed */
    struct speed_change *changes;
    size_t count;
    OK(speed_feed(fixture->speed, 0, 10, fixture->arena, &changes, &count, &failure));
    g_assert_cmpuint(count, ==, 0);

    sync_close(fixture->sync);
    view_close(fixture->view);
    static const char *const files[] = {"views.db", "views.db-wal", "views.db-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(fixture->folder, files[i], NULL);
        g_unlink(path);
    }
    GError *error = NULL;
    fixture->view = view_open(&fixture->context, &error);
    g_assert_no_error(error);
    fixture->sync = sync_open(&fixture->context, &error);
    g_assert_no_error(error);
    drain(fixture);
    struct speed_doc *docs;
    g_assert_cmpuint(docs_of(fixture, "stats", VIEW_ANY_MOVIE, &docs), ==, 10);
    g_assert_cmpuint(docs_of(fixture, "hour_counts", 0, &docs), ==, 1);
    g_assert_cmpuint(docs_of(fixture, "trending", 0, &docs), ==, 1);
    g_assert_cmpuint(docs_of(fixture, "sentiment", 5, &docs), ==, 2);
    g_assert_null(strstr(docs[0].data, "04:00:00"));
    g_assert_nonnull(strstr(docs[1].data, "\"window_start\":\"2026-03-03T04:05:00Z\""));
    int64_t earliest_ms;
    OK(view_earliest_hour(fixture->view, &earliest_ms, &failure));
    g_assert_cmpint(earliest_ms, ==, T0 - HOUR);
    write_stats(fixture, 9, T0, 9);
    drain(fixture);
    g_assert_cmpuint(docs_of(fixture, "stats", 9, &docs), ==, 1);
}

/* A child takes one step and dies at the fail point; what it leaves is the state before or after
 * the step, never between. */
static void die_at(struct fixture *fixture, const char *point)
{
    close_stores(fixture);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        size_t keys;
        g_setenv("MARQUEE_FAILPOINT", point, TRUE);
        failpoint_init();
        struct sync *sync = sync_open(&fixture->context, NULL);
        if (!sync_step(sync, &keys, NULL))
            _exit(2);
        _exit(3); /* it should have died */
    }
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    open_stores(fixture);
}

static void test_crash(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    static const struct {
        const char *point;
        size_t docs; /* of the step's three that are there after the crash */
    } cases[] = {
        {"sync_before_put", 0}, {"view_put_speed_before_commit", 0}, {"sync_after_put", 3}};
    drain(fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int32_t first = (int32_t)(i * 10) + 1;
        int64_t before, after, synced_at_ms;
        OK(view_sync_position(fixture->view, &before, &synced_at_ms, &failure));
        for (int32_t movie = first; movie < first + 3; movie++)
            write_stats(fixture, movie, T0, movie);
        die_at(fixture, cases[i].point);
        struct speed_doc *docs;
        size_t found = 0;
        for (int32_t movie = first; movie < first + 3; movie++)
            found += docs_of(fixture, "stats", movie, &docs);
        g_assert_cmpuint(found, ==, cases[i].docs);
        OK(view_sync_position(fixture->view, &after, &synced_at_ms, &failure));
        g_assert_cmpint(after - before, ==, (int64_t)cases[i].docs);
        drain(fixture);
        for (int32_t movie = first; movie < first + 3; movie++)
            g_assert_cmpuint(docs_of(fixture, "stats", movie, &docs), ==, 1);
    }
}

/* ---- the stage ---- */

static void *run_stage(void *data)
{
    struct fixture *fixture = data;
    OK(sync_run(&fixture->context, &failure));
    return NULL;
}

/* Waits for a document by real time, at most ten seconds. */
static void await_doc(struct fixture *fixture, int64_t movie_id)
{
    struct speed_doc *docs;
    for (int i = 0; i < 1000; i++) {
        if (docs_of(fixture, "stats", movie_id, &docs) > 0)
            return;
        stop_wait_ms(fixture->context.stop, 10);
    }
    g_error("movie %" G_GINT64_FORMAT " was never copied", movie_id);
}

/* While another owner has the lease, the stage stands by: what it copies comes after the lease's
 * end. */
static void test_standby(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    enum { LEASE_MS = 600 };
    clock_free(fixture->context.clock);
    fixture->context.clock = clock_new_scaled(T0, 1);
    fixture->context.stop = stop_new();
    drain(fixture);
    struct view_lease lease;
    OK(view_lease_acquire(fixture->view, "sync", "other", LEASE_MS, &lease, &failure));
    write_stats(fixture, 1, T0, 1);
    pthread_t stage;
    g_assert_cmpint(pthread_create(&stage, NULL, run_stage, fixture), ==, 0);
    await_doc(fixture, 1);
    struct speed_doc *docs;
    g_assert_cmpuint(docs_of(fixture, "stats", 1, &docs), ==, 1);
    g_assert_cmpint(docs[0].synced_at_ms, >=, lease.until_ms);
    stop_request(fixture->context.stop);
    pthread_join(stage, NULL);
    stop_free(fixture->context.stop);
}

/* Two stages: one copies, the other stands by; both end when asked, and the lease is free again. */
static void test_stage(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    clock_free(fixture->context.clock);
    fixture->context.clock = clock_new_scaled(T0, 1);
    fixture->context.stop = stop_new();
    drain(fixture);
    metrics_set(fixture->context.metrics, METRIC_SYNC_LAG_SECONDS, NULL, 1e9);
    pthread_t stages[2];
    for (size_t i = 0; i < G_N_ELEMENTS(stages); i++)
        g_assert_cmpint(pthread_create(&stages[i], NULL, run_stage, fixture), ==, 0);
    for (int32_t movie = 1; movie <= 8; movie++) {
        write_stats(fixture, movie, T0, movie);
        await_doc(fixture, movie);
    }
    struct view_lease lease;
    GError *error = NULL;
    g_assert_false(view_lease_acquire(fixture->view, "sync", "me", 1000, &lease, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFLICT);
    g_clear_error(&error);
    /* Each key was copied by one of them, not by both. */
    g_assert_cmpfloat(metrics_get(fixture->context.metrics, METRIC_SYNC_ROWS, NULL), ==, 8);
    stop_request(fixture->context.stop);
    for (size_t i = 0; i < G_N_ELEMENTS(stages); i++)
        pthread_join(stages[i], NULL);
    /* They measured; how little depends on the machine. */
    g_assert_cmpfloat(metrics_get(fixture->context.metrics, METRIC_SYNC_LAG_SECONDS, NULL), <, 1e6);
    OK(view_lease_acquire(fixture->view, "sync", "me", 1000, &lease, &failure));
    stop_free(fixture->context.stop);
}

/* The lag is the world's time since the views last equalled the speed store: it grows while no step
 * comes through, and a step that has copied all ends it. */
static void test_lag(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_cmpint(sync_lag_ms(fixture->sync), ==, 0);
    write_stats(fixture, 1, T0, 10000);
    step(fixture);
    g_assert_cmpint(sync_lag_ms(fixture->sync), ==, 0);
    clock_advance(fixture->context.clock, 90 * MS_PER_SECOND);
    g_assert_cmpint(sync_lag_ms(fixture->sync), ==, 90 * MS_PER_SECOND);
    /* Four keys, three a step: the first step isn't all of it. */
    for (int32_t movie = 1; movie <= 4; movie++)
        write_stats(fixture, movie, T0, 20000);
    step(fixture);
    g_assert_cmpint(sync_lag_ms(fixture->sync), ==, 90 * MS_PER_SECOND);
    step(fixture);
    g_assert_cmpint(sync_lag_ms(fixture->sync), ==, 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(struct fixture *fixture, gconstpointer data);
    } tests[] = {
        {"/sync/documents", test_documents},
        {"/sync/steps", test_steps},
        {"/sync/resume", test_resume},
        {"/sync/gone", test_gone},
        {"/sync/rebuild", test_rebuild},
        {"/sync/crash", test_crash},
        {"/sync/standby", test_standby},
        {"/sync/stage", test_stage},
        {"/sync/lag", test_lag},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct fixture, NULL, setup, tests[i].run, teardown);
    return g_test_run();
}

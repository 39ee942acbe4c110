#include "api_views.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/metrics.h"

static void ok(bool succeeded, GError *error)
{
    g_assert_no_error(error);
    g_assert_true(succeeded);
}

void api_views_put(struct api_views *views,
                   int64_t generation,
                   struct view_key key,
                   const char *data)
{
    GError *error = NULL;
    struct view_doc doc = {.key = key, .data = data};
    ok(view_put(views->view, generation, &doc, 1, &error), error);
}

void api_views_publish(struct api_views *views,
                       int64_t generation,
                       const char *run_id,
                       const char *through)
{
    GError *error = NULL;
    struct view_lease lease;
    ok(view_lease_acquire(views->view, "batch", "test", MS_PER_HOUR, &lease, &error), error);
    struct view_generation pointer = {.generation = generation,
                                      .batch_run_id = run_id,
                                      .through_ms = clock_parse_iso8601(through),
                                      .cut_at_ms = clock_parse_iso8601(through) + 1000,
                                      .computed_at_ms = clock_parse_iso8601(through) + 60000,
                                      .cut = "{}"};
    ok(view_publish(views->view, &pointer, lease.epoch, &error), error);
}

void api_views_put_speed(struct api_views *views,
                         const char *view_type,
                         int64_t movie_id,
                         int64_t hour_ms,
                         const char *data,
                         int64_t position)
{
    GError *error = NULL;
    int64_t now_ms = clock_now_ms(views->context.clock);
    struct speed_doc doc = {.view_type = view_type,
                            .movie_id = movie_id,
                            .hour_ms = hour_ms,
                            .data = data,
                            .synced_at_ms = now_ms};
    ok(view_put_speed(views->view, &doc, 1, position, now_ms, &error), error);
}

char *api_views_point(int64_t hour_ms, const char *title, int popularity)
{
    char hour[CLOCK_ISO_BYTES], last[CLOCK_ISO_BYTES];
    return g_strdup_printf(
        "{\"hour\":\"%s\",\"title\":%s,\"vote_average\":8.2,\"vote_count\":27000,\"popularity\":%d,"
        "\"rating_velocity\":null,\"last_updated\":\"%s\"}",
        clock_iso8601(hour_ms, hour), title, popularity,
        clock_iso8601(hour_ms + 20 * MS_PER_MINUTE, last));
}

#define SENTIMENT_WINDOW(start, end, sum, count, positive, negative, neutral, velocity)            \
    "{\"hour\":\"unused\",\"window_start\":\"" start "\",\"window_end\":\"" end                    \
    "\",\"avg_sentiment\":9,\"sentiment_sum_e4\":" sum ",\"review_count\":" count                  \
    ",\"positive_count\":" positive ",\"negative_count\":" negative ",\"neutral_count\":" neutral  \
    ",\"sentiment_velocity\":" velocity "}"

/* Hour 13:00 stands in the batch too, with other numbers: it is above the boundary. */
static void fill_batch_sentiment(struct api_views *views)
{
    g_autoptr(GString) data = g_string_new("{\"windows\":[" SENTIMENT_WINDOW(
        "2026-03-08T10:00:00Z", "2026-03-08T10:05:00Z", "8000", "2", "2", "0", "0",
        "null") "," SENTIMENT_WINDOW("2026-03-08T12:55:00Z", "2026-03-08T13:00:00Z", "-3000", "1",
                                     "0", "1", "0",
                                     "0.5") "," SENTIMENT_WINDOW("2026-03-08T13:00:00Z",
                                                                 "2026-03-08T13:05:00Z", "9999",
                                                                 "9", "9", "0", "0", "7.5") "]}");
    static const char *const hours[] = {"10", "12", "13"};
    for (size_t i = 0; i < G_N_ELEMENTS(hours); i++) {
        char *hour = strstr(data->str, "\"unused\"");
        g_autofree char *text = g_strdup_printf("\"2026-03-08T%s:00:00Z\"", hours[i]);
        gssize at = hour - data->str;
        g_string_erase(data, at, (gssize)strlen("\"unused\""));
        g_string_insert(data, at, text);
    }
    api_views_put(views, 7,
                  (struct view_key){.view_type = "movie_sentiment",
                                    .movie_id = 603,
                                    .day_ms = clock_parse_iso8601("2026-03-08")},
                  data->str);
}

static void put_batch_hour(struct api_views *views, const char *hour, int movie_id)
{
    g_autofree char *data = g_strdup_printf(
        "{\"hour\":\"%s\",\"window_end\":\"%.13s:55:00Z\",\"movies\":[{\"rank\":1,\"movie_id\":%d,"
        "\"title\":null,\"trending_score\":1.5,\"velocity\":3.0,\"acceleration\":null}]}",
        hour, hour, movie_id);
    api_views_put(
        views, 7,
        (struct view_key){.view_type = "trending_hours", .day_ms = clock_parse_iso8601(hour)},
        data);
}

static void fill_batch_trending(struct api_views *views)
{
    put_batch_hour(views, "2026-03-08T11:00:00Z", 603);
    put_batch_hour(views, "2026-03-10T11:00:00Z", 550);
    api_views_put(
        views, 7, (struct view_key){.view_type = "trending_scores", .window = "7d"},
        "{\"window_name\":\"7d\",\"movies\":[{\"rank\":1,\"movie_id\":550,\"title\":\"Fight "
        "Club\",\"trend_score\":98.5,\"velocity\":2.25},{\"rank\":2,\"movie_id\":603,"
        "\"title\":\"The Matrix\",\"trend_score\":50,\"velocity\":0.5}]}");
}

static void fill_batch_analytics(struct api_views *views)
{
    api_views_put(views, 7, (struct view_key){.view_type = "people", .movie_id = 287},
                  "{\"person_id\":287,\"name\":\"A. Person\",\"movies\":[]}");
    api_views_put(views, 7, (struct view_key){.view_type = "quality", .window = "silver.movies"},
                  "{\"table\":\"silver.movies\"}");
    api_views_put(views, 7, (struct view_key){.view_type = "quality"}, "{\"tables\":[]}");
    api_views_put(views, 7, (struct view_key){.view_type = "temporal_analytics", .window = "year"},
                  "{\"grain\":\"year\",\"periods\":[]}");
    api_views_put(views, 7, (struct view_key){.view_type = "revenue_analytics"},
                  "{\"what\":\"all\"}");
    api_views_put(views, 7, (struct view_key){.view_type = "revenue_analytics", .year = 1999},
                  "{\"what\":\"1999\"}");
    api_views_put(views, 7, (struct view_key){.view_type = "revenue_analytics", .genre = "Drama"},
                  "{\"what\":\"drama\"}");
}

static void fill_batch(struct api_views *views)
{
    int64_t through_ms = clock_parse_iso8601("2026-03-10T12:00:00Z");
    for (int64_t day_ms = clock_parse_iso8601("2026-03-08"); day_ms < through_ms;
         day_ms += MS_PER_DAY) {
        g_autoptr(GString) hours = g_string_new("{\"hours\":[");
        for (int64_t hour_ms = day_ms; hour_ms < MIN(through_ms, day_ms + MS_PER_DAY);
             hour_ms += MS_PER_HOUR) {
            g_autofree char *point = api_views_point(hour_ms, "\"The Matrix\"", 100);
            g_string_append_printf(hours, "%s%s", hour_ms > day_ms ? "," : "", point);
        }
        g_string_append(hours, "]}");
        api_views_put(
            views, 7,
            (struct view_key){.view_type = "movie_stats", .movie_id = 603, .day_ms = day_ms},
            hours->str);
    }
    api_views_put(
        views, 7, (struct view_key){.view_type = "movie", .movie_id = 603},
        "{\"movie_id\":603,\"title\":\"The Matrix\",\"genres\":[\"Action\",\"Science Fiction\"]}");
    api_views_put(views, 7, (struct view_key){.view_type = "movie", .movie_id = 550},
                  "{\"movie_id\":550,\"title\":\"Fight Club\",\"genres\":[\"Drama\"]}");
    api_views_put(
        views, 7, (struct view_key){.view_type = "top_movies"},
        "{\"movies\":[{\"movie_id\":603,\"title\":\"The "
        "Matrix\",\"popularity\":100,\"vote_average\":8.2,"
        "\"vote_count\":27000,\"release_date\":\"1999-03-31\",\"genres\":[\"Action\"]},{\"movie_"
        "id\":550,"
        "\"title\":\"Fight Club\",\"popularity\":60.5,\"vote_average\":8.4,\"vote_count\":30000,"
        "\"release_date\":\"1999-10-15\",\"genres\":[\"Drama\"]}]}");
    api_views_put(views, 7, (struct view_key){.view_type = "genres"},
                  "{\"genres\":[{\"genre\":\"Drama\",\"movie_count\":1},{\"genre\":\"Science "
                  "Fiction\",\"movie_count\":2}]}");
    for (int year = 1999; year <= 2003; year++) {
        g_autofree char *row =
            g_strdup_printf("{\"genre\":\"Science Fiction\",\"year\":%d,\"movie_count\":1}", year);
        api_views_put(views, 7,
                      (struct view_key){
                          .view_type = "genre_analytics", .genre = "Science Fiction", .year = year},
                      row);
    }
    api_views_put(views, 7,
                  (struct view_key){.view_type = "genre_analytics", .genre = "Science Fiction"},
                  "{\"genre\":\"Science Fiction\",\"year\":0,\"movie_count\":2}");
    fill_batch_sentiment(views);
    fill_batch_trending(views);
    fill_batch_analytics(views);
    api_views_publish(views, 7, "run-7", "2026-03-10T12:00:00Z");
}

static void put_speed_sentiment(struct api_views *views, const char *hour, const char *windows)
{
    g_autofree char *data = g_strdup_printf("{\"windows\":[%s]}", windows);
    api_views_put_speed(views, "sentiment", 603, clock_parse_iso8601(hour), data, 1);
}

/* Hour 12:00 of 03-08 stands here too, with other numbers: it is below the boundary. */
static void fill_speed_sentiment(struct api_views *views)
{
    put_speed_sentiment(views, "2026-03-08T12:00:00Z",
                        SENTIMENT_WINDOW("2026-03-08T12:55:00Z", "2026-03-08T13:00:00Z", "5555",
                                         "5", "5", "0", "0", "null"));
    put_speed_sentiment(
        views, "2026-03-08T13:00:00Z",
        SENTIMENT_WINDOW("2026-03-08T13:00:00Z", "2026-03-08T13:05:00Z", "1000", "4", "1", "1", "2",
                         "4.5") "," SENTIMENT_WINDOW("2026-03-08T13:05:00Z", "2026-03-08T13:10:00Z",
                                                     "2000", "1", "1", "0", "0", "-1.5"));
    put_speed_sentiment(views, "2026-03-10T12:00:00Z",
                        SENTIMENT_WINDOW("2026-03-10T12:20:00Z", "2026-03-10T12:25:00Z", "-6000",
                                         "2", "0", "2", "0", "null"));
}

static void fill_speed_trending(struct api_views *views)
{
    api_views_put_speed(
        views, "trending", 0, clock_parse_iso8601("2026-03-10T11:00:00Z"),
        "{\"window_end\":\"2026-03-10T12:00:00Z\",\"movies\":[{\"rank\":1,\"movie_id\":550,"
        "\"title\":"
        "\"Fight Club\",\"trending_score\":2.5,\"velocity\":1.5,\"acceleration\":0.25}]}",
        1);
    api_views_put_speed(views, "trending", 0, clock_parse_iso8601("2026-03-10T12:00:00Z"),
                        API_RANKS, 1);
    api_views_put_speed(
        views, "live", 0, clock_parse_iso8601("2026-03-10T12:00:00Z"),
        "{\"metrics\":{\"events.view\":[{\"window_start\":\"2026-03-10T12:20:00Z\",\"value\":5},{"
        "\"window_start\":\"2026-03-10T12:22:00Z\",\"value\":7}],\"users\":[{\"window_start\":"
        "\"2026-"
        "03-10T12:21:00Z\",\"value\":3}]}}",
        1);
    api_views_put_speed(
        views, "live", 0, clock_parse_iso8601("2026-03-10T11:00:00Z"),
        "{\"metrics\":{\"events.view\":[{\"window_start\":\"2026-03-10T11:22:00Z\",\"value\":100},{"
        "\"window_start\":\"2026-03-10T11:23:00Z\",\"value\":2}]}}",
        1);
}

static void fill_speed(struct api_views *views)
{
    for (int64_t hour_ms = clock_parse_iso8601("2026-03-08T08:00:00Z");
         hour_ms <= clock_parse_iso8601("2026-03-10T12:00:00Z"); hour_ms += MS_PER_HOUR) {
        g_autofree char *point = api_views_point(hour_ms, "\"The Matrix\"", 200);
        api_views_put_speed(views, "stats", 603, hour_ms, point, 1);
    }
    int64_t hour_ms = clock_parse_iso8601("2026-03-10T12:00:00Z");
    g_autofree char *point = api_views_point(hour_ms, "null", 150);
    fill_speed_sentiment(views);
    fill_speed_trending(views);
    api_views_put_speed(views, "stats", 8, hour_ms, point, 2);
}

static void fill_runs(struct api_views *views)
{
    GError *error = NULL;
    int64_t now_ms = clock_now_ms(views->context.clock);
    struct view_run runs[] = {
        {.run_id = "run-6",
         .started_ms = now_ms - 5 * MS_PER_HOUR,
         .ended_ms = now_ms - 4 * MS_PER_HOUR,
         .state = "failed",
         .detail = "the disk is \"full\""},
        {.run_id = "run-7",
         .started_ms = now_ms - MS_PER_HOUR,
         .ended_ms = now_ms - MS_PER_HOUR + 5000,
         .state = "done",
         .detail = "{\"steps\":[]}"},
        {.run_id = "run-8", .started_ms = now_ms, .state = "running", .detail = "{}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(runs); i++)
        ok(view_put_run(views->view, &runs[i], &error), error);
}

void api_views_open(struct api_views *views, void (*prepare)(struct config *config), bool filled)
{
    GError *error = NULL;
    *views = (struct api_views){.folder = g_dir_make_tmp("marquee-api-XXXXXX", NULL)};
    g_assert_nonnull(views->folder);
    views->config = config_new_default();
    ok(config_set(views->config, "data.dir", views->folder, &error), error);
    views->config->serve_port = 0;
    views->config->serve_stream_interval_ms = 100;
    if (prepare)
        prepare(views->config);
    /* The HTTP server's threads and time-outs run on real time; the world stands still until a test
     * moves it. */
    views->context = (struct context){.config = views->config,
                                      .clock = clock_new_manual(clock_parse_iso8601(API_NOW)),
                                      .metrics = metrics_new()};
    views->arena = arena_new();
    views->view = view_open(&views->context, &error);
    g_assert_no_error(error);
    if (filled) {
        fill_batch(views);
        fill_speed(views);
        fill_runs(views);
    }
    views->serve = serve_start(&views->context, &error);
    g_assert_no_error(error);
    views->port = serve_port(views->serve);
}

void api_views_close(struct api_views *views)
{
    serve_stop(views->serve);
    view_close(views->view);
    arena_free(views->arena);
    metrics_free(views->context.metrics);
    clock_free(views->context.clock);
    config_free(views->config);
    static const char *const files[] = {"views.db", "views.db-wal", "views.db-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(views->folder, files[i], NULL);
        g_unlink(path);
    }
    g_rmdir(views->folder);
    g_free(views->folder);
}

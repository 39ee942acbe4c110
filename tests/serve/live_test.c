/* Sentiment, trending and the event stream over real HTTP: which side each hour comes from, what
 * adds up to what (by hand, from the numbers in api_views.c), and what a listener is told. */
#include <string.h>

#include <curl/curl.h>

#include "api_client.h"
#include "api_views.h"
#include "base/clock.h"
#include "base/stop.h"
#include "serve/worker.h"

static struct api_views views;

static struct api_answer *get(const char *path)
{
    struct api_answer *answer = api_ask(views.port, NULL, path, NULL);
    if (answer->status != 200)
        g_error("%s: %d: %s", path, answer->status, answer->body->str);
    return answer;
}

static void refused(const char *path, int status, const char *says)
{
    struct api_answer *answer = api_ask(views.port, NULL, path, NULL);
    const char *detail = json_string_value(api_get(answer, "detail"));
    if (answer->status != status || !detail || !strstr(detail, says))
        g_error("%s: %d, expected %d with \"%s\": %s", path, answer->status, status, says,
                answer->body->str);
    api_answer_free(answer);
}

/* One point: start, source, average (NAN: not compared), counts. */
static void check_point(json_t *point, const char *start, const char *source, const char *rest)
{
    g_assert_cmpstr(json_string_value(json_object_get(point, "start")), ==, start);
    g_assert_cmpstr(json_string_value(json_object_get(point, "source")), ==, source);
    g_autofree char *found = g_strdup_printf(
        "%.12g %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
        json_number_value(json_object_get(point, "avg_sentiment")),
        (gint64)json_integer_value(json_object_get(point, "review_count")),
        (gint64)json_integer_value(json_object_get(point, "positive_count")),
        (gint64)json_integer_value(json_object_get(point, "negative_count")),
        (gint64)json_integer_value(json_object_get(point, "neutral_count")));
    g_assert_cmpstr(found, ==, rest);
}

/* Windows below the boundary (03-08 13:00) are the batch's, the others the speed views'; hours and
 * days add them up. */
static void test_sentiment(void)
{
    api_views_open(&views, NULL, true);
    struct api_answer *answer = get("/api/v1/movies/603/sentiment?granularity=window");
    json_t *points = api_get(answer, "data.points");
    g_assert_cmpuint(json_array_size(points), ==, 5);
    check_point(json_array_get(points, 0), "2026-03-08T10:00:00Z", "batch", "0.4 2 2 0 0");
    check_point(json_array_get(points, 1), "2026-03-08T12:55:00Z", "batch", "-0.3 1 0 1 0");
    check_point(json_array_get(points, 2), "2026-03-08T13:00:00Z", "speed", "0.025 4 1 1 2");
    check_point(json_array_get(points, 3), "2026-03-08T13:05:00Z", "speed", "0.2 1 1 0 0");
    check_point(json_array_get(points, 4), "2026-03-10T12:20:00Z", "speed", "-0.3 2 0 2 0");
    g_assert_cmpfloat(json_number_value(api_get(answer, "data.points.3.sentiment_velocity")), ==,
                      -1.5);
    g_assert_true(json_is_null(api_get(answer, "data.points.0.sentiment_velocity")));
    g_assert_cmpstr(json_string_value(api_get(answer, "data.points.4.end")), ==,
                    "2026-03-10T12:25:00Z");
    api_answer_free(answer);

    answer = get("/api/v1/movies/603/sentiment");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.granularity")), ==, "hour");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.window")), ==, "7d");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.from")), ==, "2026-03-03T12:00:00Z");
    points = api_get(answer, "data.points");
    g_assert_cmpuint(json_array_size(points), ==, 4);
    check_point(json_array_get(points, 1), "2026-03-08T12:00:00Z", "batch", "-0.3 1 0 1 0");
    check_point(json_array_get(points, 2), "2026-03-08T13:00:00Z", "speed", "0.06 5 2 1 2");
    g_assert_true(json_is_null(api_get(answer, "data.points.1.sentiment_velocity")));
    /* 8000 - 3000 + 1000 + 2000 - 6000 over 10 reviews */
    g_assert_cmpint(json_integer_value(api_get(answer, "data.total.sentiment_sum_e4")), ==, 2000);
    g_assert_cmpfloat(json_number_value(api_get(answer, "data.total.avg_sentiment")), ==, 0.02);
    g_assert_cmpint(json_integer_value(api_get(answer, "data.total.review_count")), ==, 10);
    g_assert_cmpstr(json_string_value(api_get(answer, "meta.boundary")), ==,
                    "2026-03-08T13:00:00Z");
    g_assert_nonnull(strstr(json_string_value(api_get(answer, "data.note")), "VADER"));
    api_answer_free(answer);

    answer = get("/api/v1/movies/603/sentiment?granularity=day&window=30d");
    points = api_get(answer, "data.points");
    g_assert_cmpuint(json_array_size(points), ==, 2);
    check_point(json_array_get(points, 0), "2026-03-08T00:00:00Z", "both", "0.1 8 4 2 2");
    check_point(json_array_get(points, 1), "2026-03-10T00:00:00Z", "speed", "-0.3 2 0 2 0");
    api_answer_free(answer);

    answer = get("/api/v1/movies/603/sentiment?window=24h");
    g_assert_cmpuint(json_array_size(api_get(answer, "data.points")), ==, 1);
    api_answer_free(answer);
    /* Known, and nobody has reviewed it. */
    answer = get("/api/v1/movies/550/sentiment");
    g_assert_cmpuint(json_array_size(api_get(answer, "data.points")), ==, 0);
    g_assert_true(json_is_null(api_get(answer, "data.total.avg_sentiment")));
    api_answer_free(answer);
    refused("/api/v1/movies/604/sentiment", 404, "movie 604 is not known");
    refused("/api/v1/movies/603/sentiment?window=week", 400, "expected hours or days such as 24h");
    refused("/api/v1/movies/603/sentiment?window=0d", 400, "at most 400d");
    refused("/api/v1/movies/603/sentiment?window=401d", 400, "at most 400d");
    refused("/api/v1/movies/603/sentiment?window=99999999999d", 400, "at most 400d");
    refused("/api/v1/movies/603/sentiment?window=31d&granularity=window", 400, "at most 30d");
    refused("/api/v1/movies/603/sentiment?granularity=minute", 400, "expected window");
    refused("/api/v1/movies/x/sentiment", 400, "id is \"x\"");
    api_views_close(&views);
}

static void check_movies(const struct api_answer *answer, const char *expected)
{
    g_autoptr(GString) found = g_string_new(NULL);
    size_t index;
    json_t *movie;
    json_array_foreach(api_get(answer, "data.movies"), index, movie)
    {
        const char *title = json_string_value(json_object_get(movie, "title"));
        g_string_append_printf(found, "%s%d:%d:%s:%g", found->len ? " " : "",
                               (int)json_integer_value(json_object_get(movie, "rank")),
                               (int)json_integer_value(json_object_get(movie, "movie_id")),
                               title ? title : "-",
                               json_number_value(json_object_get(movie, "score")));
    }
    g_assert_cmpstr(found->str, ==, expected);
}

/* The latest window of the latest hour; titles that the stream doesn't know come from the batch. */
static void test_trending(void)
{
    api_views_open(&views, NULL, true);
    struct api_answer *answer = get("/api/v1/trending/movies");
    check_movies(answer, "1:8:-:6.5 2:603:The Matrix:3.25 3:550:Fight Club:1");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.window")), ==, "now");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.hour")), ==, "2026-03-10T12:00:00Z");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.window_end")), ==,
                    "2026-03-10T12:25:00Z");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.source")), ==, "speed");
    g_assert_true(json_is_null(api_get(answer, "data.genre")));
    g_assert_true(json_is_null(api_get(answer, "data.movies.0.acceleration")));
    g_assert_cmpfloat(json_number_value(api_get(answer, "data.movies.1.acceleration")), ==, 1.5);
    g_assert_cmpfloat(json_number_value(api_get(answer, "data.movies.1.velocity")), ==, 2);
    g_assert_cmpstr(json_string_value(api_get(answer, "data.movies.2.genres.0")), ==, "Drama");
    g_assert_cmpstr(json_string_value(api_get(answer, "meta.batch_run_id")), ==, "run-7");
    api_answer_free(answer);
    answer = get("/api/v1/trending/movies?limit=1");
    check_movies(answer, "1:8:-:6.5");
    api_answer_free(answer);
    /* The limit is one of what is left; ranks stay. */
    answer = get("/api/v1/trending/movies?genre=science%20fiction&limit=1");
    check_movies(answer, "2:603:The Matrix:3.25");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.genre")), ==, "Science Fiction");
    api_answer_free(answer);
    answer = get("/api/v1/trending/movies?window=hour");
    check_movies(answer, "1:550:Fight Club:2.5");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.hour")), ==, "2026-03-10T11:00:00Z");
    api_answer_free(answer);
    answer = get("/api/v1/trending/movies?window=7d");
    check_movies(answer, "1:550:Fight Club:98.5 2:603:The Matrix:50");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.source")), ==, "batch");
    g_assert_true(json_is_null(api_get(answer, "data.movies.0.acceleration")));
    api_answer_free(answer);
    refused("/api/v1/trending/movies?window=30d", 404, "no batch run has published a trend");
    refused("/api/v1/trending/movies?window=soon", 400, "expected now, hour, 7d, 30d or 90d");
    refused("/api/v1/trending/movies?genre=Opera", 400, "known are: Drama, Science Fiction");
    refused("/api/v1/trending/movies?limit=101", 400, "from 1 to 100");
    api_views_close(&views);
}

/* When the speed views hold no ranks any more, the batch's last hour below the boundary shows. */
static void test_trending_batch(void)
{
    api_views_open(&views, NULL, true);
    clock_advance(views.context.clock, 60 * MS_PER_HOUR);
    struct api_answer *answer = get("/api/v1/trending/movies");
    check_movies(answer, "1:550:Fight Club:1.5");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.source")), ==, "batch");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.hour")), ==, "2026-03-10T11:00:00Z");
    api_answer_free(answer);
    api_views_close(&views);
    api_views_open(&views, NULL, false);
    answer = get("/api/v1/trending/movies");
    check_movies(answer, "");
    g_assert_true(json_is_null(api_get(answer, "data.hour")));
    api_answer_free(answer);
    refused("/api/v1/trending/movies?genre=Drama", 400, "no batch run has been published yet");
    api_views_close(&views);
}

/* A person and the quality: the overview is not one of the tables' documents. */
static void test_people_and_quality(void)
{
    api_views_open(&views, NULL, true);
    struct api_answer *answer = get("/api/v1/people/287");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.name")), ==, "A. Person");
    api_answer_free(answer);
    refused("/api/v1/people/288", 404, "no batch run has published this person");
    refused("/api/v1/people/x", 400, "expected a whole number");
    answer = get("/api/v1/quality");
    g_assert_true(json_is_array(api_get(answer, "data.tables")));
    api_answer_free(answer);
    answer = get("/api/v1/quality?table=silver.movies");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.table")), ==, "silver.movies");
    api_answer_free(answer);
    refused("/api/v1/quality?table=silver.nothing", 404, "the quality of this table");
    api_views_close(&views);
}

/* What the batch has stored is passed on as it is, and what it hasn't is said. */
static void test_analytics(void)
{
    api_views_open(&views, NULL, true);
    struct api_answer *answer = get("/api/v1/analytics/trends");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.window_name")), ==, "7d");
    g_assert_cmpfloat(json_number_value(api_get(answer, "data.movies.0.trend_score")), ==, 98.5);
    g_assert_cmpstr(json_string_value(api_get(answer, "meta.batch_run_id")), ==, "run-7");
    api_answer_free(answer);
    refused("/api/v1/analytics/trends?window=90d", 404,
            "no batch run has published a trend over 90d");
    refused("/api/v1/analytics/trends?window=1d", 400, "expected one of: 7d, 30d, 90d");
    answer = get("/api/v1/analytics/temporal");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.grain")), ==, "year");
    api_answer_free(answer);
    refused("/api/v1/analytics/temporal?grain=decade", 404, "temporal analytics yet");
    refused("/api/v1/analytics/temporal?grain=day", 400, "expected one of: year, month, decade");
    /* Without a genre: the figures of all of them, not each genre's. */
    answer = get("/api/v1/analytics/revenue");
    g_assert_cmpuint(json_array_size(api_get(answer, "data")), ==, 2);
    g_assert_cmpstr(json_string_value(api_get(answer, "data.0.what")), ==, "all");
    g_assert_cmpstr(json_string_value(api_get(answer, "data.1.what")), ==, "1999");
    api_answer_free(answer);
    answer = get("/api/v1/analytics/revenue?genre=DRAMA");
    g_assert_cmpuint(json_array_size(api_get(answer, "data")), ==, 1);
    g_assert_cmpstr(json_string_value(api_get(answer, "data.0.what")), ==, "drama");
    api_answer_free(answer);
    answer = get("/api/v1/analytics/revenue?year=1999");
    g_assert_cmpuint(json_array_size(api_get(answer, "data")), ==, 1);
    g_assert_cmpstr(json_string_value(api_get(answer, "data.0.what")), ==, "1999");
    api_answer_free(answer);
    refused("/api/v1/analytics/revenue?genre=Opera", 400, "known are: Drama");
    refused("/api/v1/analytics/revenue?year=x", 400, "from 1 to 9999");
    api_views_close(&views);
}

/* ---- the stream ---- */

struct heard {
    int trending, live, states;
    bool moved;
};

static void hear_first_ranks(json_t *data)
{
    g_assert_cmpstr(json_string_value(json_object_get(data, "hour")), ==, "2026-03-10T12:00:00Z");
    g_assert_cmpuint(json_array_size(json_object_get(data, "movies")), ==, 3);
    g_assert_cmpuint(json_array_size(json_object_get(data, "left")), ==, 0);
    json_t *movie = json_array_get(json_object_get(data, "movies"), 0);
    g_assert_true(json_is_null(json_object_get(movie, "previous_rank")));
    api_views_put_speed(
        &views, "trending", 0, clock_parse_iso8601("2026-03-10T12:00:00Z"),
        "{\"window_end\":\"2026-03-10T12:30:00Z\",\"movies\":[{\"rank\":1,\"movie_id\":603,"
        "\"title\":null,\"trending_score\":9,\"velocity\":7,\"acceleration\":null},{\"rank\":2,"
        "\"movie_id\":11,\"title\":null,\"trending_score\":8,\"velocity\":6,\"acceleration\":null},"
        "{\"rank\":3,\"movie_id\":8,\"title\":null,\"trending_score\":7,\"velocity\":5,"
        "\"acceleration\":null}]}",
        6);
}

/* 603 rose from 2 to 1, 11 is new, 8 fell from 1 to 3, 550 has left. */
static void hear_changed_ranks(json_t *data)
{
    json_t *movies = json_object_get(data, "movies"), *left = json_object_get(data, "left");
    g_assert_cmpint(json_integer_value(json_object_get(json_array_get(movies, 0), "previous_rank")),
                    ==, 2);
    g_assert_true(json_is_null(json_object_get(json_array_get(movies, 1), "previous_rank")));
    g_assert_cmpint(json_integer_value(json_object_get(json_array_get(movies, 2), "previous_rank")),
                    ==, 1);
    g_assert_cmpuint(json_array_size(left), ==, 1);
    g_assert_cmpint(json_integer_value(json_array_get(left, 0)), ==, 550);
}

/* The hour up to 12:22: 11:23 is its first minute, 11:22 is before it. */
static void hear_live(json_t *data)
{
    g_assert_cmpstr(json_string_value(json_object_get(data, "minute")), ==, "2026-03-10T12:22:00Z");
    json_t *metrics = json_object_get(data, "metrics");
    json_t *views_seen = json_object_get(metrics, "events.view");
    g_assert_cmpuint(json_array_size(views_seen), ==, 60);
    static const double last[] = {5, 0, 7};
    for (size_t i = 0; i < 3; i++)
        g_assert_cmpfloat(json_number_value(json_array_get(views_seen, 57 + i)), ==, last[i]);
    g_assert_cmpfloat(json_number_value(json_array_get(views_seen, 0)), ==, 2);
    g_assert_cmpfloat(json_number_value(json_array_get(json_object_get(metrics, "users"), 58)), ==,
                      3);
}

static bool hear(void *user, const char *event, json_t *data)
{
    struct heard *heard = user;
    if (strcmp(event, "trending") == 0) {
        if (heard->trending++ == 0)
            hear_first_ranks(data);
        else
            hear_changed_ranks(data);
    } else if (strcmp(event, "live") == 0) {
        heard->live++;
        hear_live(data);
    } else {
        g_assert_cmpstr(event, ==, "state");
        heard->states++;
    }
    clock_advance_monotonic(views.context.clock, SERVE_FRESH_MS);
    heard->moved = heard->trending == 2 && heard->live == 1 && heard->states >= 6;
    return !heard->moved;
}

static gpointer move_time(gpointer stop)
{
    while (!stop_wait_ms(stop, 5))
        clock_advance_monotonic(views.context.clock, 20);
    return NULL;
}

/* Ranks and live numbers are told once, and again when they change; states go on. */
static void test_stream(void)
{
    api_views_open(&views, NULL, true);
    struct heard heard = {0};
    struct stop *stop = stop_new();
    GThread *mover = g_thread_new("time", move_time, stop);
    g_assert_true(api_listen(views.port, "/api/v1/stream", hear, &heard, 15000));
    g_assert_cmpint(heard.trending, ==, 2);
    g_assert_cmpint(heard.live, ==, 1);
    stop_request(stop);
    g_thread_join(mover);
    stop_free(stop);
    api_views_close(&views);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    g_test_add_func("/live/sentiment", test_sentiment);
    g_test_add_func("/live/trending", test_trending);
    g_test_add_func("/live/trending-batch", test_trending_batch);
    g_test_add_func("/live/analytics", test_analytics);
    g_test_add_func("/live/people-and-quality", test_people_and_quality);
    g_test_add_func("/live/stream", test_stream);
    int status = g_test_run();
    curl_global_cleanup();
    return status;
}

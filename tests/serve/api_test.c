/* The API as a client meets it, over real HTTP: what each address answers, the meta of the merge,
 * problems, ETag, HEAD, keys and quota, the event stream. */
#include <string.h>

#include <curl/curl.h>
#include <glib/gstdio.h>

#include "api_client.h"
#include "api_views.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "serve/worker.h"

static struct api_views views;

static void open_filled(void)
{
    api_views_open(&views, NULL, true);
}

/* The worker's plan and cached answers are over. */
static void later(void)
{
    clock_advance_monotonic(views.context.clock, 10000);
}

static struct api_answer *get(const char *path)
{
    return api_ask(views.port, NULL, path, NULL);
}

static const char *text_at(const struct api_answer *answer, const char *path)
{
    return json_string_value(api_get(answer, path));
}

static int64_t int_at(const struct api_answer *answer, const char *path)
{
    json_t *value = api_get(answer, path);
    if (!json_is_integer(value))
        g_error("%s isn't an integer in %s", path, answer->body->str);
    return json_integer_value(value);
}

static void check_problem(const char *method, const char *path, int status, const char *says)
{
    struct api_answer *answer = api_ask(views.port, method, path, NULL);
    if (answer->status != status)
        g_error("%s: %d, expected %d: %s", path, answer->status, status, answer->body->str);
    g_assert_cmpstr(api_header(answer, "content-type"), ==, "application/problem+json");
    g_assert_cmpint(int_at(answer, "status"), ==, status);
    const char *detail = text_at(answer, "detail");
    if (!detail || !strstr(detail, says))
        g_error("%s: \"%s\" doesn't say \"%s\"", path, detail, says);
    g_assert_nonnull(text_at(answer, "title"));
    g_assert_nonnull(text_at(answer, "instance"));
    api_answer_free(answer);
}

/* Every answer's meta, as docs/merge.md calculates it for this store. */
static void check_meta(const struct api_answer *answer)
{
    g_assert_cmpint(answer->status, ==, 200);
    g_assert_cmpstr(text_at(answer, "meta.boundary"), ==, "2026-03-08T13:00:00Z");
    g_assert_cmpstr(text_at(answer, "meta.batch_run_id"), ==, "run-7");
    g_assert_cmpint(int_at(answer, "meta.generation"), ==, 7);
    g_assert_cmpstr(text_at(answer, "meta.batch_through"), ==, "2026-03-10T12:00:00Z");
    g_assert_cmpstr(text_at(answer, "meta.speed_synced_at"), ==, API_NOW);
    g_assert_cmpint(int_at(answer, "meta.pending_late"), ==, 0);
    g_assert_cmpuint(json_array_size(api_get(answer, "meta.gaps")), ==, 0);
    g_assert_true(json_is_true(api_get(answer, "meta.complete")));
    g_assert_nonnull(
        strstr(text_at(answer, "meta.attribution"), "not endorsed or certified by TMDB"));
}

static void test_movie(void)
{
    open_filled();
    struct api_answer *answer = get("/api/v1/movies/603");
    check_meta(answer);
    g_assert_cmpstr(api_header(answer, "content-type"), ==, "application/json");
    g_assert_cmpint(int_at(answer, "data.movie_id"), ==, 603);
    g_assert_cmpstr(text_at(answer, "data.title"), ==, "The Matrix");
    g_assert_cmpstr(text_at(answer, "data.movie.genres.1"), ==, "Science Fiction");
    g_assert_cmpstr(text_at(answer, "data.latest.hour"), ==, "2026-03-10T12:00:00Z");
    g_assert_cmpstr(text_at(answer, "data.latest.source"), ==, "speed");
    g_assert_cmpint(int_at(answer, "data.latest.popularity"), ==, 200);
    api_answer_free(answer);
    /* Known to one side only. */
    answer = get("/api/v1/movies/8");
    check_meta(answer);
    g_assert_true(json_is_null(api_get(answer, "data.movie")));
    g_assert_true(json_is_null(api_get(answer, "data.title")));
    g_assert_cmpint(int_at(answer, "data.latest.popularity"), ==, 150);
    api_answer_free(answer);
    answer = get("/api/v1/movies/550");
    check_meta(answer);
    g_assert_cmpstr(text_at(answer, "data.title"), ==, "Fight Club");
    g_assert_true(json_is_null(api_get(answer, "data.latest")));
    api_answer_free(answer);

    check_problem(NULL, "/api/v1/movies/604", 404, "movie 604 is not known");
    check_problem(NULL, "/api/v1/movies/0", 400, "from 1 to 2147483647");
    check_problem(NULL, "/api/v1/movies/abc", 400, "id is \"abc\"");
    check_problem(NULL, "/api/v1/movies/99999999999999999999", 400, "expected a whole number");
    check_problem(NULL, "/api/v1/movies/603?x=1", 400,
                  "\"x\" is not known here; this address takes none");
    api_views_close(&views);
}

/* Both sides, without a hole and without a repeat: batch below the boundary, speed from it on. */
static void test_stats(void)
{
    open_filled();
    struct api_answer *answer = get("/api/v1/movies/603/stats");
    check_meta(answer);
    json_t *hours = api_get(answer, "data.hours");
    g_assert_cmpuint(json_array_size(hours), ==, 61); /* 03-08 00:00 to 03-10 12:00 inclusive */
    int64_t expected_ms = clock_parse_iso8601("2026-03-08"),
            boundary_ms = clock_parse_iso8601("2026-03-08T13:00:00Z");
    size_t index;
    json_t *hour;
    json_array_foreach(hours, index, hour)
    {
        g_assert_cmpint(clock_parse_iso8601(json_string_value(json_object_get(hour, "hour"))), ==,
                        expected_ms);
        bool below = expected_ms < boundary_ms;
        g_assert_cmpstr(json_string_value(json_object_get(hour, "source")), ==,
                        below ? "batch" : "speed");
        g_assert_cmpint(json_integer_value(json_object_get(hour, "popularity")), ==,
                        below ? 100 : 200);
        expected_ms += MS_PER_HOUR;
    }
    g_assert_true(json_is_null(api_get(answer, "next_cursor")));
    api_answer_free(answer);
    /* A range is half-open; a page goes on where the one before ended. */
    answer =
        get("/api/v1/movies/603/stats?from=2026-03-08T11:00:00Z&to=2026-03-08T15:00:00Z&limit=3");
    g_assert_cmpuint(json_array_size(api_get(answer, "data.hours")), ==, 3);
    g_assert_cmpstr(text_at(answer, "next_cursor"), ==, "2026-03-08T14:00:00Z");
    api_answer_free(answer);
    answer = get("/api/v1/movies/603/"
                 "stats?from=2026-03-08T11:00:00Z&to=2026-03-08T15:00:00Z&limit=3&cursor=2026-03-"
                 "08T14:00:00Z");
    g_assert_cmpuint(json_array_size(api_get(answer, "data.hours")), ==, 1);
    g_assert_cmpstr(text_at(answer, "data.hours.0.hour"), ==, "2026-03-08T14:00:00Z");
    g_assert_true(json_is_null(api_get(answer, "next_cursor")));
    api_answer_free(answer);
    /* A known movie without hours in the range has none; an unknown one is a 404. */
    answer = get("/api/v1/movies/603/stats?from=2025-01-01&to=2025-01-02");
    g_assert_cmpint(answer->status, ==, 200);
    g_assert_cmpuint(json_array_size(api_get(answer, "data.hours")), ==, 0);
    api_answer_free(answer);
    answer = get("/api/v1/movies/550/stats");
    g_assert_cmpint(answer->status, ==, 200);
    api_answer_free(answer);
    check_problem(NULL, "/api/v1/movies/604/stats", 404, "604");
    check_problem(NULL, "/api/v1/movies/603/stats?from=yesterday", 400, "from is \"yesterday\"");
    check_problem(NULL, "/api/v1/movies/603/stats?from=2026-03-09&to=2026-03-08", 400, "before to");
    check_problem(NULL, "/api/v1/movies/603/stats?from=2020-01-01", 400, "400 days");
    check_problem(NULL, "/api/v1/movies/603/stats?limit=0", 400, "limit");
    check_problem(NULL, "/api/v1/movies/603/stats?form=1", 400, "from, to, limit, cursor");
    check_problem(NULL, "/api/v1/movies/603/stats?limit=1&limit=2", 400, "stands twice");
    api_views_close(&views);
}

static void test_list(void)
{
    open_filled();
    /* The speed layer knows a new title first. */
    g_autofree char *renamed =
        api_views_point(clock_parse_iso8601("2026-03-10T11:00:00Z"), "\"Fight Club 2\"", 55);
    api_views_put_speed(&views, "stats", 550, clock_parse_iso8601("2026-03-10T11:00:00Z"), renamed,
                        2);
    struct api_answer *answer = get("/api/v1/movies");
    check_meta(answer);
    g_assert_cmpuint(json_array_size(api_get(answer, "data")), ==, 3);
    g_assert_cmpint(int_at(answer, "data.0.movie_id"), ==, 603);
    g_assert_cmpint(int_at(answer, "data.0.popularity"), ==, 200); /* the later value */
    g_assert_cmpstr(text_at(answer, "data.0.release_date"), ==, "1999-03-31");
    g_assert_cmpstr(text_at(answer, "data.0.source"), ==, "speed");
    g_assert_cmpint(int_at(answer, "data.1.movie_id"), ==, 8);
    g_assert_true(json_is_null(api_get(answer, "data.1.title")));
    g_assert_cmpint(int_at(answer, "data.2.movie_id"), ==, 550);
    g_assert_cmpstr(text_at(answer, "data.2.title"), ==, "Fight Club 2");
    g_assert_cmpint(int_at(answer, "data.2.popularity"), ==, 55);
    api_answer_free(answer);
    g_autoptr(GString) path = g_string_new("/api/v1/movies?limit=1");
    for (int64_t expected[] = {603, 8, 550}, i = 0; i < 3; i++) {
        answer = get(path->str);
        g_assert_cmpuint(json_array_size(api_get(answer, "data")), ==, 1);
        g_assert_cmpint(int_at(answer, "data.0.movie_id"), ==, expected[i]);
        if (i < 2)
            g_string_printf(path, "/api/v1/movies?limit=1&cursor=%s",
                            text_at(answer, "next_cursor"));
        else
            g_assert_true(json_is_null(api_get(answer, "next_cursor")));
        api_answer_free(answer);
    }
    check_problem(NULL, "/api/v1/movies?cursor=x", 400, "isn't a cursor");
    check_problem(NULL, "/api/v1/movies?limit=201", 400, "from 1 to 200");
    api_views_close(&views);
}

static void test_genres(void)
{
    open_filled();
    struct api_answer *answer = get("/api/v1/analytics/genres");
    check_meta(answer);
    g_assert_cmpstr(text_at(answer, "data.0.genre"), ==, "Drama");
    g_assert_cmpint(int_at(answer, "data.1.movie_count"), ==, 2);
    api_answer_free(answer);
    answer = get("/api/v1/analytics/genre/science%20FICTION");
    check_meta(answer);
    g_assert_cmpstr(text_at(answer, "data.genre"), ==, "Science Fiction");
    g_assert_cmpuint(json_array_size(api_get(answer, "data.rows")), ==, 6);
    g_assert_cmpint(int_at(answer, "data.rows.0.year"), ==, 0);
    g_assert_cmpint(int_at(answer, "data.rows.5.year"), ==, 2003);
    api_answer_free(answer);
    check_problem(NULL, "/api/v1/analytics/genre/Noir", 404, "known are: Drama, Science Fiction");
    check_problem(NULL, "/api/v1/analytics/genre/%FF%FE", 404, "not known");
    check_problem(NULL, "/api/v1/analytics/genre/Drama?cursor=zzz", 400, "isn't a cursor");

    /* Pages of one run while another is published; when the first is gone, the cursor says so. */
    answer = get("/api/v1/analytics/genre/Science%20Fiction?limit=4");
    g_assert_cmpuint(json_array_size(api_get(answer, "data.rows")), ==, 4);
    g_autofree char *cursor = g_uri_escape_string(text_at(answer, "next_cursor"), NULL, FALSE);
    g_autofree char *path =
        g_strdup_printf("/api/v1/analytics/genre/Science%%20Fiction?limit=4&cursor=%s", cursor);
    api_answer_free(answer);
    api_views_put(&views, 8, (struct view_key){.view_type = "genres"},
                  "{\"genres\":[{\"genre\":\"Science Fiction\",\"movie_count\":9}]}");
    api_views_publish(&views, 8, "run-8", "2026-03-10T12:00:00Z");
    later();
    answer = get("/api/v1/analytics/genres");
    g_assert_cmpint(int_at(answer, "data.0.movie_count"), ==, 9);
    g_assert_cmpint(int_at(answer, "meta.generation"), ==, 8);
    api_answer_free(answer);
    answer = get(path);
    g_assert_cmpuint(json_array_size(api_get(answer, "data.rows")), ==, 2);
    g_assert_cmpint(int_at(answer, "data.rows.1.year"), ==, 2003);
    g_assert_true(json_is_null(api_get(answer, "next_cursor")));
    api_answer_free(answer);
    GError *error = NULL;
    int64_t rows;
    clock_set_now(views.context.clock, clock_now_ms(views.context.clock) + MS_PER_HOUR);
    g_assert_true(view_sweep(views.view, 100000, &rows, &error));
    later();
    check_problem(NULL, path, 410, "no longer kept");
    api_views_close(&views);
}

/* A movie that has not been observed for two hours keeps the batch's numbers. */
static void test_list_batch(void)
{
    open_filled();
    struct api_answer *answer = get("/api/v1/movies?cursor=1000000.8");
    g_assert_cmpint(int_at(answer, "data.0.movie_id"), ==, 550);
    g_assert_cmpfloat(json_real_value(api_get(answer, "data.0.popularity")), ==, 60.5);
    g_assert_cmpstr(text_at(answer, "data.0.source"), ==, "batch");
    g_assert_cmpstr(text_at(answer, "data.0.genres.0"), ==, "Drama");
    api_answer_free(answer);
    api_views_close(&views);
}

static void no_grace(struct config *config)
{
    config->views_generation_grace_ms = 0;
}

/* A plan that is some milliseconds old names a generation that is gone by now: the answer comes
 * from the new one. */
static void test_swept_meanwhile(void)
{
    api_views_open(&views, no_grace, true);
    /* Both workers of the server have a plan now. */
    for (int i = 0; i < 20; i++)
        api_answer_free(get(i % 2 ? "/api/v1/runs?limit=3" : "/api/v1/runs?limit=4"));
    api_views_put(&views, 8, (struct view_key){.view_type = "movie", .movie_id = 550},
                  "{\"title\":\"New\"}");
    api_views_publish(&views, 8, "run-8", "2026-03-10T12:00:00Z");
    GError *error = NULL;
    int64_t rows;
    g_assert_true(view_sweep(views.view, 100000, &rows, &error));
    g_assert_cmpint(rows, >, 0);
    struct api_answer *answer = get("/api/v1/movies/550");
    g_assert_cmpint(answer->status, ==, 200);
    g_assert_cmpstr(text_at(answer, "data.title"), ==, "New");
    g_assert_cmpstr(text_at(answer, "meta.batch_run_id"), ==, "run-8");
    api_answer_free(answer);
    api_views_close(&views);
}

static void test_runs(void)
{
    open_filled();
    struct api_answer *answer = get("/api/v1/runs?limit=2");
    check_meta(answer);
    g_assert_cmpuint(json_array_size(api_get(answer, "data")), ==, 2);
    g_assert_cmpstr(text_at(answer, "data.0.run_id"), ==, "run-8");
    g_assert_cmpstr(text_at(answer, "data.0.state"), ==, "running");
    g_assert_true(json_is_null(api_get(answer, "data.0.ended_at")));
    g_assert_true(json_is_array(api_get(answer, "data.1.detail.steps")));
    api_answer_free(answer);
    answer = get("/api/v1/runs");
    g_assert_cmpstr(text_at(answer, "data.2.detail"), ==, "the disk is \"full\"");
    api_answer_free(answer);
    api_views_close(&views);
}

/* A store without anything answers everywhere: with what will come, never with an error of its own.
 */
static void test_empty(void)
{
    api_views_open(&views, NULL, false);
    struct api_answer *answer = get("/api/v1/movies");
    g_assert_cmpint(answer->status, ==, 200);
    g_assert_cmpuint(json_array_size(api_get(answer, "data")), ==, 0);
    g_assert_true(json_is_null(api_get(answer, "meta.boundary")));
    g_assert_true(json_is_null(api_get(answer, "meta.speed_synced_at")));
    g_assert_true(json_is_false(api_get(answer, "meta.complete")));
    api_answer_free(answer);
    answer = get("/api/v1/analytics/genres");
    g_assert_cmpuint(json_array_size(api_get(answer, "data")), ==, 0);
    api_answer_free(answer);
    answer = get("/api/v1/runs");
    g_assert_cmpuint(json_array_size(api_get(answer, "data")), ==, 0);
    api_answer_free(answer);
    check_problem(NULL, "/api/v1/analytics/genre/Drama", 404,
                  "no batch run has been published yet");
    check_problem(NULL, "/api/v1/movies/603", 404, "not known");
    answer = get("/ready");
    g_assert_cmpint(answer->status, ==, 200);
    g_assert_true(json_is_true(api_get(answer, "checks.0.ok")));
    g_assert_true(json_is_false(api_get(answer, "checks.1.ok")));
    g_assert_true(json_is_false(api_get(answer, "checks.2.ok")));
    api_answer_free(answer);
    api_views_close(&views);
}

static void test_operations(void)
{
    open_filled();
    struct api_answer *answer = get("/health");
    g_assert_cmpint(answer->status, ==, 200);
    g_assert_cmpstr(text_at(answer, "status"), ==, "ok");
    g_assert_cmpstr(text_at(answer, "version"), ==, MARQUEE_VERSION);
    g_assert_cmpstr(api_header(answer, "cache-control"), ==, "no-store");
    api_answer_free(answer);
    answer = get("/ready");
    g_assert_cmpint(answer->status, ==, 200);
    g_assert_nonnull(strstr(text_at(answer, "checks.1.detail"), "run-7"));
    api_answer_free(answer);
    metrics_add(views.context.metrics, METRIC_STREAM_RECORDS, "used", 42);
    answer = get("/metrics");
    g_assert_cmpint(answer->status, ==, 200);
    g_assert_nonnull(strstr(answer->body->str, "marquee_stream_records_total{class=\"used\"} 42"));
    g_assert_true(
        g_str_has_prefix(api_header(answer, "content-type"), "text/plain; version=0.0.4"));
    api_answer_free(answer);
    static const struct {
        const char *path, *type, *holds;
    } pages[] = {
        {"/", "text/html", "not endorsed or certified by TMDB"},
        {"/docs", "text/html", "not endorsed or certified by TMDB"},
        {"/assets/app.js", "text/javascript", "use strict"},
        {"/assets/style.css", "text/css", "prefers-color-scheme"},
        {"/assets/vendor/uPlot.iife.min.js", "text/javascript", "uPlot"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
        answer = get(pages[i].path);
        g_assert_cmpint(answer->status, ==, 200);
        g_assert_true(g_str_has_prefix(api_header(answer, "content-type"), pages[i].type));
        g_assert_nonnull(strstr(answer->body->str, pages[i].holds));
        g_assert_cmpstr(api_header(answer, "x-content-type-options"), ==, "nosniff");
        const char *policy = api_header(answer, "content-security-policy");
        g_assert_nonnull(strstr(policy, "script-src 'self';"));
        api_answer_free(answer);
    }
    check_problem(NULL, "/assets/../contracts/openapi.yaml", 404, "nothing is at");
    check_problem(NULL, "/assets/nothing.js", 404, "nothing is at");
    check_problem(NULL, "/nothing", 404, "nothing is at /nothing");
    check_problem("POST", "/api/v1/movies", 405, "GET");
    check_problem("BREW", "/api/v1/movies", 501, "BREW");
    g_autofree char *lengthy = g_strnfill(9000, 'x');
    g_autofree char *path = g_strdup_printf("/api/v1/movies?cursor=%s", lengthy);
    check_problem(NULL, path, 414, "URL");
    api_views_close(&views);
}

/* HEAD is GET without the body; an ETag spares the body while nothing moves, and changes when
 * something does. */
static void test_conditional(void)
{
    open_filled();
    struct api_answer *answer = get("/api/v1/movies/603");
    g_autofree char *etag = g_strdup(api_header(answer, "etag"));
    g_autofree char *length = g_strdup(api_header(answer, "content-length"));
    g_assert_nonnull(etag);
    api_answer_free(answer);
    answer = api_ask(views.port, "HEAD", "/api/v1/movies/603", NULL);
    g_assert_cmpint(answer->status, ==, 200);
    g_assert_cmpuint(answer->body->len, ==, 0);
    g_assert_cmpstr(api_header(answer, "content-length"), ==, length);
    g_assert_cmpstr(api_header(answer, "etag"), ==, etag);
    api_answer_free(answer);
    g_autofree char *same = g_strdup_printf("If-None-Match: \"other\", W/%s", etag);
    const char *const headers[] = {same, NULL};
    answer = api_ask(views.port, NULL, "/api/v1/movies/603", headers);
    g_assert_cmpint(answer->status, ==, 304);
    g_assert_cmpuint(answer->body->len, ==, 0);
    g_assert_cmpstr(api_header(answer, "etag"), ==, etag);
    api_answer_free(answer);
    /* Within half a second the answer is the cached one; then the new number shows. */
    g_autofree char *point =
        api_views_point(clock_parse_iso8601("2026-03-10T12:00:00Z"), "\"The Matrix\"", 201);
    api_views_put_speed(&views, "stats", 603, clock_parse_iso8601("2026-03-10T12:00:00Z"), point,
                        3);
    answer = api_ask(views.port, NULL, "/api/v1/movies/603", headers);
    g_assert_cmpint(answer->status, ==, 304);
    api_answer_free(answer);
    clock_advance_monotonic(views.context.clock, SERVE_FRESH_MS);
    answer = api_ask(views.port, NULL, "/api/v1/movies/603", headers);
    g_assert_cmpint(answer->status, ==, 200);
    g_assert_cmpint(int_at(answer, "data.latest.popularity"), ==, 201);
    api_answer_free(answer);
    /* Pages too. */
    answer = get("/assets/app.js");
    g_autofree char *page_same = g_strdup_printf("If-None-Match: %s", api_header(answer, "etag"));
    api_answer_free(answer);
    const char *const page_headers[] = {page_same, NULL};
    answer = api_ask(views.port, NULL, "/assets/app.js", page_headers);
    g_assert_cmpint(answer->status, ==, 304);
    api_answer_free(answer);
    api_views_close(&views);
}

/* Bodies of a kilobyte and more are packed for who takes that, with a tag of their own, and are the
 * same when unpacked (curl does that). Every answer has the security headers, refusals too. */
static void test_packed(void)
{
    open_filled();
    static const char *const takes[] = {"Accept-Encoding: gzip", NULL};
    static const char *const paths[] = {"/api/v1/movies/603/stats", "/assets/app.js",
                                        "/openapi.json"};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        for (int turn = 0; turn < 2; turn++) { /* made, then cached */
            struct api_answer *plain = get(paths[i]);
            struct api_answer *packed = api_ask(views.port, NULL, paths[i], takes);
            struct api_answer *unpacked = api_ask_unpacked(views.port, paths[i]);
            g_assert_null(api_header(plain, "content-encoding"));
            g_assert_cmpstr(api_header(plain, "vary"), ==, "Accept-Encoding");
            g_assert_cmpint(packed->status, ==, 200);
            g_assert_cmpstr(api_header(packed, "content-encoding"), ==, "gzip");
            g_assert_cmpstr(api_header(packed, "vary"), ==, "Accept-Encoding");
            g_assert_cmpuint(packed->body->len, <, plain->body->len / 2);
            g_assert_cmpstr(api_header(packed, "etag"), !=, api_header(plain, "etag"));
            g_assert_cmpstr(unpacked->body->str, ==, plain->body->str);
            g_autofree char *same =
                g_strdup_printf("If-None-Match: %s", api_header(packed, "etag"));
            const char *const again[] = {takes[0], same, NULL};
            struct api_answer *unchanged = api_ask(views.port, NULL, paths[i], again);
            g_assert_cmpint(unchanged->status, ==, 304);
            api_answer_free(unchanged);
            api_answer_free(plain);
            api_answer_free(packed);
            api_answer_free(unpacked);
        }
    }
    struct api_answer *small = api_ask(views.port, NULL, "/api/v1/runs?limit=1", takes);
    g_assert_null(api_header(small, "content-encoding"));
    api_answer_free(small);
    g_autofree char *lengthy = g_strnfill(9000, 'x');
    g_autofree char *path = g_strdup_printf("/api/v1/movies?cursor=%s", lengthy);
    const char *const refused[] = {"/nothing", path, "/api/v1/movies/0"};
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        struct api_answer *answer = get(refused[i]);
        g_assert_cmpint(answer->status, >=, 400);
        g_assert_cmpstr(api_header(answer, "x-content-type-options"), ==, "nosniff");
        g_assert_nonnull(api_header(answer, "content-security-policy"));
        g_assert_cmpstr(api_header(answer, "referrer-policy"), ==, "no-referrer");
        api_answer_free(answer);
    }
    api_views_close(&views);
}

static char *keys_path;

static void use_keys(struct config *config)
{
    /* sha256sum of "test" */
    g_assert_true(g_file_set_contents(
        keys_path, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 tests\n", -1,
        NULL));
    g_free(config->serve_api_keys_file);
    config->serve_api_keys_file = g_strdup(keys_path);
}

/* With keys: 401 without one, the quota's headers with one, 429 beyond it; the page and the probes
 * stay open. */
static void test_keys(void)
{
    g_autofree char *folder = g_dir_make_tmp("marquee-keys-XXXXXX", NULL);
    keys_path = g_build_filename(folder, "keys", NULL);
    api_views_open(&views, use_keys, true);
    static const char *const open_paths[] = {"/",     "/health",       "/ready", "/openapi.json",
                                             "/docs", "/assets/app.js"};
    for (size_t i = 0; i < G_N_ELEMENTS(open_paths); i++) {
        struct api_answer *answer = get(open_paths[i]);
        g_assert_cmpint(answer->status, ==, 200);
        api_answer_free(answer);
    }
    check_problem(NULL, "/metrics", 401, "an API key is needed");
    check_problem(NULL, "/api/v1/movies", 401, "X-API-Key");
    static const char *const wrong[] = {"X-API-Key: guess", NULL},
                             *const right[] = {"X-API-Key: test", NULL},
                             *const bearer[] = {"Authorization: Bearer test", NULL};
    struct api_answer *answer = api_ask(views.port, NULL, "/api/v1/movies", wrong);
    g_assert_cmpint(answer->status, ==, 401);
    g_assert_nonnull(api_header(answer, "www-authenticate"));
    g_assert_null(strstr(answer->body->str, "guess"));
    api_answer_free(answer);
    answer = api_ask(views.port, NULL, "/api/v1/movies", bearer);
    g_assert_cmpint(answer->status, ==, 200);
    g_assert_cmpstr(api_header(answer, "ratelimit-policy"), ==, "\"default\";q=100;w=60");
    g_assert_cmpstr(api_header(answer, "ratelimit"), ==, "\"default\";r=19;t=1");
    g_assert_cmpstr(api_header(answer, "cache-control"), ==, "private, no-cache");
    api_answer_free(answer);
    for (int i = 0; i < 19; i++) {
        answer = api_ask(views.port, NULL, "/api/v1/movies", right);
        g_assert_cmpint(answer->status, ==, 200);
        api_answer_free(answer);
    }
    answer = api_ask(views.port, NULL, "/api/v1/movies", right);
    g_assert_cmpint(answer->status, ==, 429);
    g_assert_cmpstr(api_header(answer, "retry-after"), ==, "1");
    g_assert_cmpstr(api_header(answer, "ratelimit"), ==, "\"default\";r=0;t=1");
    g_assert_cmpstr(api_header(answer, "content-type"), ==, "application/problem+json");
    api_answer_free(answer);
    clock_advance_monotonic(views.context.clock, 1000);
    answer = api_ask(views.port, NULL, "/api/v1/movies", right);
    g_assert_cmpint(answer->status, ==, 200);
    api_answer_free(answer);
    g_assert_cmpfloat(metrics_get(views.context.metrics, METRIC_HTTP_REJECTED, "rate"), ==, 1);
    g_assert_cmpfloat(metrics_get(views.context.metrics, METRIC_HTTP_REJECTED, "key"), ==, 3);
    api_views_close(&views);
    g_unlink(keys_path);
    g_rmdir(folder);
    g_free(keys_path);
}

/* An address that others reach, without keys: no start, and the text says what to do. */
static void test_refuses_to_start(void)
{
    struct config *config = config_new_default();
    g_free(config->serve_host);
    config->serve_host = g_strdup("0.0.0.0");
    struct context context = {.config = config, .clock = clock_new_manual(0)};
    GError *error = NULL;
    g_assert_null(serve_start(&context, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFIG);
    g_assert_nonnull(strstr(error->message, "serve.api_keys_file"));
    g_error_free(error);
    clock_free(context.clock);
    config_free(config);
}

struct heard {
    int events;
    bool moved;
};

static bool hear(void *user, const char *event, json_t *data)
{
    struct heard *heard = user;
    if (strcmp(event, "state") != 0)
        return true; /* live_test.c hears the others */
    heard->events++;
    g_assert_cmpstr(json_string_value(json_object_get(data, "now")), ==, API_NOW);
    g_assert_cmpstr(
        json_string_value(json_object_get(json_object_get(data, "meta"), "batch_run_id")), ==,
        "run-7");
    g_assert_cmpstr(json_string_value(json_object_get(json_object_get(data, "last_run"), "run_id")),
                    ==, "run-8");
    json_t *movie = json_array_get(json_object_get(data, "movies"), 0);
    g_assert_cmpint(json_integer_value(json_object_get(movie, "movie_id")), ==, 603);
    if (heard->events == 1) {
        g_assert_cmpint(json_integer_value(json_object_get(movie, "popularity")), ==, 200);
        /* Something happens; a later event says so. */
        g_autofree char *point =
            api_views_point(clock_parse_iso8601("2026-03-10T12:00:00Z"), "\"The Matrix\"", 333);
        api_views_put_speed(&views, "stats", 603, clock_parse_iso8601("2026-03-10T12:00:00Z"),
                            point, 5);
        metrics_add(views.context.metrics, METRIC_STREAM_RECORDS, "used", 7);
    }
    json_t *records = json_object_get(data, "records");
    heard->moved = json_integer_value(json_object_get(movie, "popularity")) == 333 &&
                   json_number_value(json_object_get(records, "used")) == 7;
    clock_advance_monotonic(views.context.clock, 200);
    return !heard->moved;
}

static gpointer move_time(gpointer stop)
{
    while (!stop_wait_ms(stop, 5))
        clock_advance_monotonic(views.context.clock, 20);
    return NULL;
}

static void test_stream(void)
{
    open_filled();
    struct heard heard = {0};
    struct stop *stop = stop_new();
    /* The event thread asks by monotonic time, which a manual clock only moves by hand. */
    GThread *mover = g_thread_new("time", move_time, stop);
    g_assert_true(api_listen(views.port, "/api/v1/stream", hear, &heard, 15000));
    g_assert_cmpint(heard.events, >=, 2);
    stop_request(stop);
    g_thread_join(mover);
    stop_free(stop);
    check_problem(NULL, "/api/v1/stream?x=1", 400, "takes none");
    api_views_close(&views);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    g_test_add_func("/api/movie", test_movie);
    g_test_add_func("/api/stats", test_stats);
    g_test_add_func("/api/list", test_list);
    g_test_add_func("/api/list-batch", test_list_batch);
    g_test_add_func("/api/genres", test_genres);
    g_test_add_func("/api/swept-meanwhile", test_swept_meanwhile);
    g_test_add_func("/api/runs", test_runs);
    g_test_add_func("/api/empty", test_empty);
    g_test_add_func("/api/operations", test_operations);
    g_test_add_func("/api/conditional", test_conditional);
    g_test_add_func("/api/packed", test_packed);
    g_test_add_func("/api/keys", test_keys);
    g_test_add_func("/api/refuses-to-start", test_refuses_to_start);
    g_test_add_func("/api/stream", test_stream);
    int status = g_test_run();
    curl_global_cleanup();
    return status;
}

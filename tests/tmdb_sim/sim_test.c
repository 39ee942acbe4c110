/* Proves over HTTP what the simulator promises its clients: the same seed and time give the same
 * bytes, as_of is the clock moved there, pages cover a list exactly, errors have TMDB's shape, and
 * each fault is done, counted and logged. */
#include "sim_fixture.h"

#include <glib/gstdio.h>
#include <string.h>

#include "model/tmdb.h"

#define EARLIER_MS (NOON_MS - 3 * MS_PER_DAY - 7 * MS_PER_MINUTE)

static const char *const probes[] = {
    "/movie/11?append_to_response=credits,keywords,reviews",
    "/movie/1265609?append_to_response=reviews,external_ids",
    "/movie/1265609/reviews?page=1",
    "/movie/popular?page=2",
    "/movie/top_rated",
    "/movie/now_playing",
    "/movie/upcoming",
    "/trending/movie/day",
    "/trending/movie/week?page=2",
    "/movie/changes?page=1",
    "/movie/latest",
    "/search/movie?query=the",
    "/person/2/movie_credits",
};

static void open_default(struct sim_fixture *fixture, int64_t now_ms)
{
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    sim_open(fixture, &options, now_ms);
}

static char *with_as_of(const char *path, int64_t as_of_ms)
{
    return g_strdup_printf("%s%cas_of=%" G_GINT64_FORMAT, path, strchr(path, '?') ? '&' : '?',
                           as_of_ms);
}

static json_int_t int_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    g_assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* Two simulators, started at different times, asked in another order: equal bytes for one instant.
 * Another seed tells another story. */
static void test_as_of(void)
{
    struct sim_fixture now, there, other;
    open_default(&now, NOON_MS);
    open_default(&there, EARLIER_MS);
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    options.seed = 2;
    sim_open(&other, &options, EARLIER_MS);
    size_t differ = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(probes); i++) {
        const char *path = probes[G_N_ELEMENTS(probes) - 1 - i];
        g_autofree char *back = with_as_of(path, EARLIER_MS);
        g_autofree char *asked_back = sim_body(&now, back);
        g_autofree char *asked_there = sim_body(&there, path);
        g_assert_cmpstr(asked_back, ==, asked_there);
        g_autofree char *asked_now = sim_body(&now, path);
        g_autofree char *asked_other = sim_body(&other, path);
        differ += !g_str_equal(asked_now, asked_there) && !g_str_equal(asked_other, asked_there);
    }
    g_assert_cmpuint(differ, >=, G_N_ELEMENTS(probes) / 2);
    sim_close(&now);
    sim_close(&there);
    sim_close(&other);
}

/* The pages of a list at one instant hold every movie once, and as many as they say. */
static void check_cover(struct sim_fixture *fixture, const char *list, size_t page_items)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    json_int_t pages = 1, total = 0;
    for (json_int_t page = 1; page <= pages; page++) {
        g_autofree char *path = g_strdup_printf(
            "%spage=%" JSON_INTEGER_FORMAT "&as_of=%" G_GINT64_FORMAT, list, page, EARLIER_MS);
        /* Time passes while a client reads. */
        clock_advance(fixture->context.clock, MS_PER_MINUTE);
        g_autoptr(json_t) body = sim_json(fixture, path, 200);
        pages = int_at(body, "total_pages");
        total = int_at(body, "total_results");
        const json_t *results = json_object_get(body, "results");
        g_assert_cmpuint(json_array_size(results), ==,
                         page < pages ? page_items
                                      : (size_t)total - page_items * (size_t)(pages - 1));
        size_t index;
        json_t *item;
        json_array_foreach(results, index, item)
            g_assert_true(g_hash_table_add(seen, GINT_TO_POINTER((int)int_at(item, "id"))));
    }
    g_assert_cmpint((json_int_t)g_hash_table_size(seen), ==, total);
    g_autofree char *beyond = g_strdup_printf("%spage=%" JSON_INTEGER_FORMAT, list, pages + 1);
    g_autoptr(json_t) empty = sim_json(fixture, beyond, 200);
    g_assert_cmpuint(json_array_size(json_object_get(empty, "results")), ==, 0);
}

static void test_paging(void)
{
    struct sim_fixture fixture;
    open_default(&fixture, NOON_MS);
    check_cover(&fixture, "/movie/popular?", 20);
    check_cover(&fixture, "/trending/movie/day?", 20);
    check_cover(&fixture, "/movie/top_rated?", 20);
    check_cover(&fixture, "/movie/changes?start_date=2026-02-25&end_date=2026-03-06&", 100);
    g_autofree char *path = with_as_of("/movie/popular", EARLIER_MS);
    g_autoptr(json_t) popular = sim_json(&fixture, path, 200);
    g_assert_cmpint(int_at(popular, "total_results"), ==, 969); /* the catalogue's README */
    sim_close(&fixture);
}

/* A list is in its own order, and tells the same numbers as the movie's own answer. */
static void check_order(struct sim_fixture *fixture)
{
    g_autoptr(json_t) list = sim_json(fixture, "/movie/popular?page=1", 200);
    double last = 1e9;
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(list, "results"), index, item)
    {
        double popularity = json_real_value(json_object_get(item, "popularity"));
        g_assert_cmpfloat(popularity, <=, last);
        last = popularity;
        g_autofree char *path = g_strdup_printf("/movie/%d", (int)int_at(item, "id"));
        g_autoptr(json_t) movie = sim_json(fixture, path, 200);
        static const char *const same[] = {"popularity", "vote_average", "vote_count", "title"};
        for (size_t i = 0; i < G_N_ELEMENTS(same); i++)
            g_assert_true(
                json_equal(json_object_get(item, same[i]), json_object_get(movie, same[i])));
    }
}

/* Minute by minute: what a worker remembers of an instant is never told at another. */
static void test_order(void)
{
    struct sim_fixture fixture;
    open_default(&fixture, NOON_MS);
    for (int minute = 0; minute < 12; minute++) {
        check_order(&fixture);
        clock_advance(fixture.context.clock, MS_PER_MINUTE);
    }
    sim_close(&fixture);
}

/* Statuses, codes and the shape, from TMDB's reference. */
static void test_errors(void)
{
    static const struct {
        const char *path;
        int status, code;
    } wrong[] = {
        {"/movie/99999", 404, 34},
        {"/movie/none", 404, 34},
        {"/movie/0", 404, 34},
        {"/movie/99999/reviews", 404, 34},
        {"/person/99999999", 404, 34},
        {"/trending/movie/month", 404, 34},
        {"/nothing/here", 404, 34},
        {"/movie/popular?page=0", 400, 22},
        {"/movie/popular?page=501", 400, 22},
        {"/movie/popular?page=one", 400, 22},
        {"/movie/11/reviews?page=-1", 400, 22},
        {"/movie/11?append_to_response=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u", 400, 27},
        {"/movie/changes?start_date=2026-02-01&end_date=2026-02-16", 422, 20},
        {"/movie/changes?start_date=yesterday", 422, 5},
        {"/movie/11?as_of=soon", 422, 5},
    };
    struct sim_fixture fixture;
    open_default(&fixture, NOON_MS);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_test_message("%s", wrong[i].path);
        g_autoptr(json_t) body = sim_json(&fixture, wrong[i].path, wrong[i].status);
        g_assert_cmpuint(json_object_size(body), ==, 3);
        g_assert_true(json_is_false(json_object_get(body, "success")));
        g_assert_cmpint(int_at(body, "status_code"), ==, wrong[i].code);
        g_assert_true(json_is_string(json_object_get(body, "status_message")));
    }
    /* 20 appended blocks and 14 days are still right. */
    json_decref(sim_json(
        &fixture, "/movie/11?append_to_response=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,credits",
        200));
    json_decref(
        sim_json(&fixture, "/movie/changes?start_date=2026-02-01&end_date=2026-02-15", 200));
    sim_close(&fixture);
}

static void test_key(void)
{
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    options.require_key = "0123456789abcdef";
    struct sim_fixture fixture;
    sim_open(&fixture, &options, NOON_MS);
    static const struct {
        const char *path, *header;
        int status;
    } asks[] = {
        {"/movie/11", NULL, 401},
        {"/movie/11?api_key=0123456789abcdee", NULL, 401},
        {"/movie/11?api_key=0123456789abcdef", NULL, 200},
        {"/movie/11", "Authorization: Bearer 0123456789abcdef\r\n", 200},
        {"/movie/11", "Authorization: Basic 0123456789abcdef\r\n", 401},
        {"/marquee/clock", NULL, 200},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(asks); i++) {
        struct sim_answer answer = sim_get(&fixture, asks[i].path, asks[i].header);
        g_assert_cmpint(answer.status, ==, asks[i].status);
        if (answer.status == 401)
            g_assert_cmpint(tmdb_error_code(answer.body, answer.body_len), ==, 7);
        sim_answer_clear(&answer);
    }
    sim_close(&fixture);
}

/* What makes a movie new, and what TMDB would call changed: a premiere is unknown before its day,
 * then in lists, details and changes. */
static void test_premiere(void)
{
    struct sim_fixture fixture;
    open_default(&fixture, NOON_MS);
    int64_t id = 0;
    for (int hour = 1; hour <= 96 && !id; hour++) {
        clock_advance(fixture.context.clock, MS_PER_HOUR);
        g_autoptr(json_t) changes = sim_json(&fixture, "/movie/changes", 200);
        for (json_int_t page = 1; page <= int_at(changes, "total_pages") && !id; page++) {
            g_autofree char *path =
                g_strdup_printf("/movie/changes?page=%" JSON_INTEGER_FORMAT, page);
            g_autoptr(json_t) body = sim_json(&fixture, path, 200);
            size_t index;
            json_t *item;
            json_array_foreach(json_object_get(body, "results"), index,
                               item) if (int_at(item, "id") >= CATALOGUE_MADE_UP_ID_MIN) id =
                int_at(item, "id");
        }
    }
    g_assert_cmpint(id, >, 0);
    g_autofree char *path = g_strdup_printf("/movie/%" G_GINT64_FORMAT, id);
    g_autofree char *before = with_as_of(path, NOON_MS);
    json_decref(sim_json(&fixture, before, 404));
    g_autoptr(json_t) movie = sim_json(&fixture, path, 200);
    g_autofree char *title =
        g_uri_escape_string(json_string_value(json_object_get(movie, "title")), NULL, FALSE);
    g_autofree char *search = g_strdup_printf("/search/movie?query=%s", title);
    g_autoptr(json_t) found = sim_json(&fixture, search, 200);
    g_assert_cmpint(int_at(found, "total_results"), >=, 1);
    sim_close(&fixture);
}

/* A planted burst shows in the next five-minute step, tops the day's trend at its height, and is
 * over the next day. */
static void test_planted_burst(void)
{
    const struct planted_burst bursts[] = {{11, NOON_MS}};
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    options.bursts = bursts;
    options.bursts_count = 1;
    struct sim_fixture fixture;
    sim_open(&fixture, &options, NOON_MS);
    double popularity[4];
    static const int64_t after_ms[] = {0, 6 * MS_PER_MINUTE, 26 * MS_PER_MINUTE, 2 * MS_PER_DAY};
    json_int_t votes[4];
    for (size_t i = 0; i < G_N_ELEMENTS(after_ms); i++) {
        g_autofree char *path = with_as_of("/movie/11", NOON_MS + after_ms[i]);
        g_autoptr(json_t) movie = sim_json(&fixture, path, 200);
        popularity[i] = json_real_value(json_object_get(movie, "popularity"));
        votes[i] = int_at(movie, "vote_count");
    }
    g_assert_cmpfloat(popularity[1], >, popularity[0] + 3);
    g_assert_cmpfloat(popularity[2], >, popularity[1] + 20);
    g_assert_cmpfloat(popularity[3], <, popularity[0] * 1.2);
    g_assert_cmpint(votes[3], >, votes[0] + 15);
    sim_close(&fixture);
}

/* ---- reviews ---- */

/* Notes the versions of a movie's first reviews; returns how many were edited since the last look.
 */
static int look_at_reviews(struct sim_fixture *fixture, GHashTable *versions, json_int_t *total)
{
    int edits = 0;
    g_autoptr(json_t) answer = sim_json(fixture, "/movie/1265609/reviews?page=1", 200);
    g_assert_cmpint(int_at(answer, "total_results"), >=, *total);
    *total = int_at(answer, "total_results");
    size_t index;
    json_t *review;
    json_array_foreach(json_object_get(answer, "results"), index, review)
    {
        const char *id = json_string_value(json_object_get(review, "id"));
        const char *updated = json_string_value(json_object_get(review, "updated_at"));
        const char *created = json_string_value(json_object_get(review, "created_at"));
        g_assert_cmpuint(strlen(id), ==, 24);
        g_assert_cmpint(clock_parse_iso8601(created), <=, clock_now_ms(fixture->context.clock));
        g_autofree char *now = g_strdup_printf(
            "%s %s", updated, json_string_value(json_object_get(review, "content")));
        const char *known = g_hash_table_lookup(versions, id);
        if (known && !g_str_equal(known, now)) {
            g_assert_cmpint(strncmp(updated, known, strlen(updated)), >, 0);
            g_assert_cmpstr(known + strlen(updated), !=, now + strlen(updated));
            edits++;
        }
        g_hash_table_insert(versions, g_strdup(id), g_strdup(now));
    }
    return edits;
}

/* Reviews grow in number, the old ones stay, an edit raises updated_at and changes the text. */
static void test_reviews_live(void)
{
    struct sim_fixture fixture;
    open_default(&fixture, clock_parse_iso8601("2026-02-12")); /* the movie's release */
    g_autoptr(GHashTable) versions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    json_int_t total = 0;
    int edits = 0;
    for (int hour = 0; hour < 24 * 24; hour += 2) {
        clock_advance(fixture.context.clock, 2 * MS_PER_HOUR);
        edits += look_at_reviews(&fixture, versions, &total);
    }
    g_assert_cmpint(total, >=, 15);
    g_assert_cmpint(total, <=, 24);
    g_assert_cmpint(edits, >=, 1);
    sim_close(&fixture);
}

/* A captured review is there from its created_at on, and not a millisecond before. */
static void test_reviews_captured(void)
{
    g_autofree char *folder = sim_capture_dir();
    if (!folder)
        return;
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    options.capture_dir = folder;
    struct sim_fixture fixture;
    sim_open(&fixture, &options, NOON_MS);
    /* The first line of reviews.jsonl is such a review of War Machine. */
    int64_t created_ms = clock_parse_iso8601("2026-03-07T00:25:49.652Z");
    for (int i = 0; i <= 1; i++) {
        g_autofree char *path = with_as_of("/movie/1265609/reviews", created_ms - 1 + i);
        g_autoptr(json_t) answer = sim_json(&fixture, path, 200);
        size_t index;
        int found = 0;
        json_t *review;
        json_array_foreach(json_object_get(answer, "results"), index, review) found += g_str_equal(
            json_string_value(json_object_get(review, "id")), "69ab708d81c7289c60e336d0");
        g_assert_cmpint(found, ==, i);
    }
    sim_close(&fixture);
}

/* ---- faults ---- */

/* What a client could see of 400 requests. */
struct seen {
    uint64_t failed, limited, html, cut, lost, right;
};

static struct seen ask_many(struct sim_fixture *fixture, int count)
{
    struct seen seen = {0};
    for (int i = 0; i < count; i++) {
        struct sim_answer answer =
            sim_get(fixture, "/movie/11?append_to_response=credits,keywords", NULL);
        g_autoptr(json_t) root = json_loadb(answer.body, answer.body_len, 0, NULL);
        if (answer.status == 500)
            seen.failed++;
        else if (answer.status == 429)
            seen.limited++;
        else if (!root && strstr(answer.header, "text/html"))
            seen.html++;
        else if (!root)
            seen.cut++;
        else if (!json_object_get(root, "credits") || !json_object_get(root, "keywords"))
            seen.lost++;
        else
            seen.right++;
        sim_answer_clear(&answer);
    }
    return seen;
}

static uint64_t logged(const char *path, const char *what)
{
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    uint64_t count = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        count++;
    return count;
}

static void test_faults(void)
{
    g_autofree char *log = g_build_filename(g_get_tmp_dir(), "marquee-sim-XXXXXX", NULL);
    int fd = g_mkstemp(log);
    g_assert_cmpint(fd, >=, 0);
    g_close(fd, NULL);
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    options.fault = "error=0.2,truncate=0.1,html=0.1,missing_block=0.2,latency=1ms@0.5";
    options.request_log = log;
    options.require_key = "secret";
    struct sim_fixture fixture;
    sim_open(&fixture, &options, NOON_MS);
    struct seen none = ask_many(&fixture, 20); /* without the key: the same dice, other answers */
    g_assert_cmpuint(none.right + none.html + none.cut, ==, 0);
    sim_close(&fixture);
    options.require_key = NULL;
    sim_open(&fixture, &options, NOON_MS);
    struct seen seen = ask_many(&fixture, 400);
    /* Five standard deviations of the binomial around 80, 32, 30 and 50 are far below these. */
    g_assert_cmpuint(seen.failed, >, 40);
    g_assert_cmpuint(seen.html, >, 5);
    g_assert_cmpuint(seen.cut, >, 5);
    g_assert_cmpuint(seen.lost, >, 15);
    g_assert_cmpuint(seen.right, >, 100);
    g_assert_cmpuint(tmdb_sim_requests(fixture.sim), ==, 400);
    g_assert_cmpuint(tmdb_sim_faults(fixture.sim, FAULT_ERROR), ==, seen.failed);
    g_assert_cmpuint(tmdb_sim_faults(fixture.sim, FAULT_HTML), ==, seen.html);
    g_assert_cmpuint(tmdb_sim_faults(fixture.sim, FAULT_TRUNCATE), ==, seen.cut);
    g_assert_cmpuint(tmdb_sim_faults(fixture.sim, FAULT_MISSING_BLOCK), >=, seen.lost);
    g_assert_cmpuint(tmdb_sim_faults(fixture.sim, FAULT_LATENCY), >, 100);
    sim_close(&fixture);
    g_assert_cmpuint(logged(log, "\n"), ==, 400);
    g_assert_cmpuint(logged(log, "\"status\":500"), ==, seen.failed);
    g_assert_cmpuint(logged(log, "html"), ==, seen.html);
    g_assert_cmpuint(logged(log, "\"path\":\"/3/movie/11?append_to_response=credits,keywords\""),
                     ==, 400);

    /* The same seed and order: the same faults. */
    sim_open(&fixture, &options, NOON_MS);
    struct seen again = ask_many(&fixture, 400);
    g_assert_true(memcmp(&seen, &again, sizeof seen) == 0);
    sim_close(&fixture);
    g_unlink(log);
}

static void test_key_is_not_logged(void)
{
    g_autofree char *log = g_build_filename(g_get_tmp_dir(), "marquee-sim-XXXXXX", NULL);
    int fd = g_mkstemp(log);
    g_assert_cmpint(fd, >=, 0);
    g_close(fd, NULL);
    struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
    options.request_log = log;
    struct sim_fixture fixture;
    sim_open(&fixture, &options, NOON_MS);
    json_decref(sim_json(&fixture, "/movie/popular?api_key=topsecret&page=2", 200));
    json_decref(sim_json(&fixture, "/search/movie?query=a%20%26%20b", 200));
    sim_close(&fixture);
    g_assert_cmpuint(logged(log, "topsecret"), ==, 0);
    g_assert_cmpuint(
        logged(log, "\"path\":\"/3/movie/popular?page=2\",\"status\":200,\"fault\":null"), ==, 1);
    g_assert_cmpuint(logged(log, "/3/search/movie?query=a%20%26%20b"), ==, 1);
    g_unlink(log);
}

/* 429 with code 25 and Retry-After: a storm that passes with the world's time, a rate that fills
 * again. */
static void test_limits(void)
{
    static const struct {
        const char *fault, *retry_after;
    } cases[] = {
        {"storm=60s/600s", "Retry-After: 60\r\n"},
        {"storm=60s/600s,retry_after=0", "Retry-After: 0\r\n"},
        {"storm=60s/600s,retry_after=none", NULL},
        {"rate=5", "Retry-After: 1\r\n"},
        {"rate=5,retry_after=7", "Retry-After: 7\r\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct tmdb_sim_options options = TMDB_SIM_OPTIONS_DEFAULT;
        options.fault = cases[i].fault;
        struct sim_fixture fixture;
        sim_open(&fixture, &options, NOON_MS); /* noon is a multiple of 600 s */
        bool rate = g_str_has_prefix(cases[i].fault, "rate");
        struct seen seen = ask_many(&fixture, 5);
        g_assert_cmpuint(seen.right, ==, rate ? 5 : 0);
        struct sim_answer answer = sim_get(&fixture, "/movie/popular", NULL);
        g_assert_cmpint(answer.status, ==, 429);
        g_assert_cmpint(tmdb_error_code(answer.body, answer.body_len), ==, 25);
        if (cases[i].retry_after)
            g_assert_nonnull(strstr(answer.header, cases[i].retry_after));
        else
            g_assert_null(strstr(answer.header, "Retry-After"));
        sim_answer_clear(&answer);
        g_assert_cmpuint(tmdb_sim_faults(fixture.sim, rate ? FAULT_RATE : FAULT_STORM), ==,
                         rate ? 1 : 6);
        clock_advance(fixture.context.clock, rate ? 400 : MS_PER_MINUTE);
        struct seen later = ask_many(&fixture, 5);
        g_assert_cmpuint(later.right, ==, rate ? 2 : 5); /* 0.4 s of 5 a second */
        sim_close(&fixture);
    }
}

/* What can't be started says why. */
static void test_refused(void)
{
    static const struct {
        struct tmdb_sim_options options;
        int code;
        const char *word;
    } cases[] = {
        {{.fault = "error=2"}, MARQUEE_ERROR_CONFIG, "a share from 0 to 1"},
        {{.fault = "quake=1"}, MARQUEE_ERROR_CONFIG, "no fault"},
        {{.capture_dir = "no-such-folder"}, MARQUEE_ERROR_NOTFOUND, "movies.jsonl"},
        {{.request_log = "no-such-folder/log"}, MARQUEE_ERROR_CONFIG, "no-such-folder/log"},
    };
    struct context context = {.clock = clock_new_manual(NOON_MS), .stop = stop_new()};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(tmdb_sim_start(&context, &cases[i].options, &error));
        g_assert_error(error, MARQUEE_ERROR, cases[i].code);
        g_assert_nonnull(strstr(error->message, cases[i].word));
    }
    stop_free(context.stop);
    clock_free(context.clock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tmdb_sim/as_of", test_as_of);
    g_test_add_func("/tmdb_sim/paging", test_paging);
    g_test_add_func("/tmdb_sim/order", test_order);
    g_test_add_func("/tmdb_sim/errors", test_errors);
    g_test_add_func("/tmdb_sim/key", test_key);
    g_test_add_func("/tmdb_sim/premiere", test_premiere);
    g_test_add_func("/tmdb_sim/planted-burst", test_planted_burst);
    g_test_add_func("/tmdb_sim/reviews-live", test_reviews_live);
    g_test_add_func("/tmdb_sim/reviews-captured", test_reviews_captured);
    g_test_add_func("/tmdb_sim/faults", test_faults);
    g_test_add_func("/tmdb_sim/key-is-not-logged", test_key_is_not_logged);
    g_test_add_func("/tmdb_sim/limits", test_limits);
    g_test_add_func("/tmdb_sim/refused", test_refused);
    return g_test_run();
}

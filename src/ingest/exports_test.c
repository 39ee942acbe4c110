/* Proves: which movies of an export are kept, the exact bytes of the spool file, that malformed
 * lines are counted and told with their numbers, that nothing is written of a file that is damaged
 * or none, the same from a file and from a server, and how long a million lines take. The spool
 * file is read back with zlib's own reader. */
#include "ingest/exports.h"

#include <string.h>
#include <sys/resource.h>

#include <zlib.h>

#include "ingest/exports_line.h"
#include "ingest/fake_tmdb.h"
#include "ingest/ingest_fixture.h"
#include "ingest/ingest_state.h"

#define NOW_MS    INT64_C(1772510400000)
#define MILLION   1000000
#define CSV_BYTES (1 << 20)
#define LINE(id, popularity)                                                                       \
    "{\"adult\":false,\"id\":" #id ",\"original_title\":\"Fälscher, \\\"Die\\\"\","               \
    "\"popularity\":" #popularity ",\"video\":false}\n"

static char *write_file(struct ingest_fixture *fixture, const char *name, const char *text)
{
    char *path = g_build_filename(fixture->folder, name, NULL);
    if (g_str_has_suffix(name, ".gz")) {
        gzFile file = gzopen(path, "wb6");
        g_assert_cmpint(gzwrite(file, text, (unsigned)strlen(text)), ==, (int)strlen(text));
        g_assert_cmpint(gzclose(file), ==, Z_OK);
    } else {
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
    }
    return path;
}

/* The spool file of a day, unpacked; NULL where there is none. */
static char *read_day(struct ingest_fixture *fixture, const char *day)
{
    g_autofree char *path =
        g_strconcat(fixture->folder, "/lake/" EXPORTS_PREFIX, day, EXPORTS_SUFFIX, NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return NULL;
    char *text = g_malloc0(CSV_BYTES);
    gzFile file = gzopen(path, "rb");
    g_assert_cmpint(gzread(file, text, CSV_BYTES - 1), >=, 0);
    g_assert_cmpint(gzclose(file), ==, Z_OK);
    return text;
}

static void keep(const struct exports_progress *progress, void *user)
{
    *(struct exports_progress *)user = *progress;
}

static struct exports_progress take(struct ingest_fixture *fixture, const char *source)
{
    struct exports_progress progress = {0};
    g_autoptr(GError) error = NULL;
    bool done = ingest_exports(&fixture->context, source, -1, keep, &progress, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    return progress;
}

/* code: what is refused as what. */
static void
refuse(struct ingest_fixture *fixture, const char *source, int code, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(ingest_exports(&fixture->context, source, NOW_MS, NULL, NULL, &error));
    g_assert_true(g_error_matches(error, MARQUEE_ERROR, code));
    if (!strstr(error->message, expected))
        g_error("expected '%s' in '%s'", expected, error->message);
    g_assert_cmpuint(ingest_fixture_objects(fixture, EXPORTS_PREFIX), ==, 0);
}

/* 603 and 11 are tracked. */
static void track(struct ingest_fixture *fixture)
{
    struct planner *planner = planner_new(&(struct planner_options){.observe_interval_ms = 1000,
                                                                    .list_interval_ms = 1000,
                                                                    .changes_interval_ms = 1000,
                                                                    .movies_max = 10});
    g_autoptr(GError) error = NULL;
    struct ingest_state *state = ingest_state_open(&fixture->context, &error);
    g_assert_no_error(error);
    planner_observed(planner, 603, 1, false, NOW_MS);
    planner_observed(planner, 11, 1, false, NOW_MS);
    g_assert_true(ingest_state_save(state, planner, NULL, 0, NOW_MS, &error));
    ingest_state_close(state);
    planner_free(planner);
}

static void test_lines(void)
{
    struct exports_line line;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup(LINE(603, 79.66125));
    g_assert_true(exports_line_parse(text, strlen(text), &line, &error));
    g_assert_cmpint(line.movie_id, ==, 603);
    g_assert_cmpint(line.popularity_e4, ==, 796612); /* 796612.5, to even */
    static const struct {
        const char *text, *expected;
    } broken[] = {
        {"", ""},
        {"[]", "object"},
        {"{\"id\":603,\"popularity\":1,\"adult\":false}", "video"},
        {"{\"id\":2147483648,\"popularity\":1,\"adult\":false,\"video\":false}", "id"},
        {"{\"id\":0,\"popularity\":1,\"adult\":false,\"video\":false}", "id"},
        {"{\"id\":1.5,\"popularity\":1,\"adult\":false,\"video\":false}", "id"},
        {"{\"id\":1,\"popularity\":-1,\"adult\":false,\"video\":false}", "popularity"},
        {"{\"id\":1,\"popularity\":1e10,\"adult\":false,\"video\":false}", "popularity"},
        {"{\"id\":1,\"popularity\":null,\"adult\":false,\"video\":false}", "popularity"},
        {"{\"id\":1,\"popularity\":1,\"adult\":false,\"video\":false", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(GError) line_error = NULL;
        g_assert_false(
            exports_line_parse(broken[i].text, strlen(broken[i].text), &line, &line_error));
        g_assert_true(error_is(line_error, BADDATA));
        g_assert_nonnull(strstr(line_error->message, broken[i].expected));
    }
}

static void test_what_is_kept(void)
{
    struct ingest_fixture fixture;
    ingest_fixture_open(&fixture, clock_new_manual(NOW_MS));
    fixture.config->ingest_tracked_movies_max = 2;
    track(&fixture);
    g_autofree char *path = write_file(
        &fixture, "movie_ids_03_02_2026.json.gz",
        LINE(900, 3) LINE(603, 0.0001) LINE(901, 5) LINE(902, 4.5) LINE(11, 79.6612) LINE(
            903, 1) "{\"adult\":true,\"id\":904,\"popularity\":99,\"video\":false}\n"
                    "{\"adult\":false,\"id\":905,\"popularity\":99,\"video\":true}\n" LINE(906, 0)
                        LINE(907, 4.5) LINE(901, 5) LINE(800, 4.5));
    struct exports_progress progress = take(&fixture, path);
    g_autofree char *day = read_day(&fixture, "2026-03-02");
    /* The tracked two, and the two most popular others: 901, and of those at 4.5 the lowest id. */
    g_assert_cmpstr(day, ==,
                    "day,movie_id,popularity\n"
                    "2026-03-02,11,79.6612\n"
                    "2026-03-02,603,0.0001\n"
                    "2026-03-02,800,4.5000\n"
                    "2026-03-02,901,5.0000\n");
    g_assert_cmpint(progress.lines, ==, 12);
    g_assert_cmpint(progress.malformed, ==, 0);
    g_assert_cmpint(progress.kept, ==, 4);
    g_assert_cmpint(progress.left_out, ==, 8);
    g_assert_cmpint(progress.bytes, ==, progress.total_bytes);
    ingest_fixture_close(&fixture);
}

static void test_the_day_is_replaced(void)
{
    struct ingest_fixture fixture;
    ingest_fixture_open(&fixture, clock_new_manual(NOW_MS));
    g_autofree char *path = write_file(&fixture, "movie_ids_03_02_2026.json.gz", LINE(1, 1));
    take(&fixture, path);
    g_autofree char *again = write_file(&fixture, "movie_ids_03_02_2026.json", LINE(2, 2.5));
    take(&fixture, again); /* plain text will do */
    g_assert_cmpuint(ingest_fixture_objects(&fixture, EXPORTS_PREFIX), ==, 1);
    g_autofree char *day = read_day(&fixture, "2026-03-02");
    g_assert_cmpstr(day, ==, "day,movie_id,popularity\n2026-03-02,2,2.5000\n");
    ingest_fixture_close(&fixture);
}

static void test_malformed_lines(void)
{
    struct ingest_fixture fixture;
    ingest_fixture_open(&fixture, clock_new_manual(NOW_MS));
    g_autofree char *longer = g_strnfill(100000, 'x');
    g_autofree char *text = g_strconcat(LINE(1, 1) "{\"id\":\n", LINE(2, 2), longer, "\n",
                                        LINE(3, 3) LINE(4, 4), "not a line", NULL);
    g_autofree char *path = write_file(&fixture, "movie_ids_03_02_2026.json.gz", text);
    struct exports_progress progress = take(&fixture, path);
    g_assert_cmpint(progress.lines, ==, 7);
    g_assert_cmpint(progress.malformed, ==, 3);
    g_assert_cmpint(progress.kept, ==, 4);
    g_assert_cmpuint(ingest_fixture_log_count(&fixture, "\"line\":2,"), ==, 1);
    g_assert_cmpuint(ingest_fixture_log_count(&fixture, "\"line\":4,"), ==, 1);
    g_assert_cmpuint(ingest_fixture_log_count(&fixture, "\"line\":7,"), ==, 1);
    g_assert_cmpuint(ingest_fixture_log_count(&fixture, "\"malformed\":3"), ==, 1);
    g_assert_cmpuint(ingest_fixture_log_count(&fixture, "an export was read"), ==, 1);
    ingest_fixture_close(&fixture);
}

static void test_refused_files(void)
{
    struct ingest_fixture fixture;
    ingest_fixture_open(&fixture, clock_new_manual(NOW_MS));
    g_autofree char *none = write_file(&fixture, "page.html", "<html>\n<body>\n</html>\n");
    refuse(&fixture, none, MARQUEE_ERROR_BADDATA, "3 of 3 lines are malformed");
    g_autofree char *empty = write_file(&fixture, "empty", "");
    refuse(&fixture, empty, MARQUEE_ERROR_BADDATA, "0 of 0 lines");
    g_autofree char *path = write_file(&fixture, "whole.gz", LINE(1, 1) LINE(2, 2) LINE(3, 3));
    g_autofree char *packed = NULL;
    size_t len;
    g_assert_true(g_file_get_contents(path, &packed, &len, NULL));
    g_autofree char *cut = g_build_filename(fixture.folder, "cut.gz", NULL);
    g_assert_true(g_file_set_contents(cut, packed, (gssize)len - 9, NULL));
    refuse(&fixture, cut, MARQUEE_ERROR_BADDATA, "cut short");
    refuse(&fixture, "/nowhere/movie_ids.json.gz", MARQUEE_ERROR_NOTFOUND, "no such file");
    g_autoptr(GError) error = NULL;
    g_assert_false(ingest_exports(&fixture.context, path, -1, NULL, NULL, &error));
    g_assert_true(error_is(error, CONFIG)); /* of which day? */
    stop_request(fixture.context.stop);
    refuse(&fixture, path, MARQUEE_ERROR_AGAIN, "stopped");
    ingest_fixture_close(&fixture);
}

static void test_from_a_server(void)
{
    struct ingest_fixture fixture;
    struct fake_tmdb *fake = fake_tmdb_start();
    ingest_fixture_open(&fixture, clock_new_manual(NOW_MS));
    g_autofree char *url =
        g_strconcat(fake_tmdb_url(fake), "/exports/movie_ids_03_02_2026.json.gz", NULL);
    refuse(&fixture, url, MARQUEE_ERROR_NOTFOUND, "three months");
    fake_tmdb_set(fake, "/exports/movie_ids_03_02_2026.json.gz", 503, "{}");
    refuse(&fixture, url, MARQUEE_ERROR_AGAIN, "503");
    fake_tmdb_set(fake, "/exports/movie_ids_03_02_2026.json.gz", 200, "<html></html>");
    refuse(&fixture, url, MARQUEE_ERROR_BADDATA, "malformed");
    fake_tmdb_set(fake, "/exports/movie_ids_03_02_2026.json.gz", 200, LINE(1, 1));
    struct exports_progress progress = take(&fixture, url);
    g_assert_cmpint(progress.kept, ==, 1);
    fake_tmdb_stop(fake);
    g_autofree char *day = read_day(&fixture, "2026-03-02");
    g_assert_cmpstr(day, ==, "day,movie_id,popularity\n2026-03-02,1,1.0000\n");
    ingest_fixture_close(&fixture);
}

static void test_days_of_names(void)
{
    /* date -u -d 2026-03-02 +%s gives 1772409600 */
    g_assert_cmpint(exports_day("http://h/p/exports/movie_ids_03_02_2026.json.gz"), ==,
                    INT64_C(1772409600000));
    g_assert_cmpint(exports_day("movie_ids_03_02_2026.json"), ==, INT64_C(1772409600000));
    g_assert_cmpint(exports_day("movie_ids_02_30_2026.json.gz"), ==, -1);
    g_assert_cmpint(exports_day("person_ids_03_02_2026.json.gz"), ==, -1);
    g_assert_cmpint(exports_day("movie_ids_03_02.json.gz"), ==, -1);
}

static void test_a_million_lines(void)
{
    struct ingest_fixture fixture;
    struct rusage before, after;
    ingest_fixture_open(&fixture, clock_new_real());
    g_autofree char *path = g_build_filename(fixture.folder, "movie_ids_03_02_2026.json.gz", NULL);
    gzFile file = gzopen(path, "wb1");
    for (int id = 1; id <= MILLION; id++)
        gzprintf(file,
                 "{\"adult\":false,\"id\":%d,\"original_title\":\"A title of usual length\","
                 "\"popularity\":%d.%03d,\"video\":false}\n",
                 id, id % 97, id % 1000);
    g_assert_cmpint(gzclose(file), ==, Z_OK);
    getrusage(RUSAGE_SELF, &before);
    int64_t started_us = clock_monotonic_us(fixture.context.clock);
    struct exports_progress progress = take(&fixture, path);
    double seconds = (double)(clock_monotonic_us(fixture.context.clock) - started_us) / 1e6;
    getrusage(RUSAGE_SELF, &after);
    g_test_message("1,000,000 lines in %.2f s, %ld KB more at the peak", seconds,
                   after.ru_maxrss - before.ru_maxrss);
    g_assert_cmpint(progress.lines, ==, MILLION);
    g_assert_cmpint(progress.kept, ==, fixture.config->ingest_tracked_movies_max);
    g_assert_cmpint(progress.kept + progress.left_out, ==, MILLION);
    ingest_fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exports/lines", test_lines);
    g_test_add_func("/exports/what_is_kept", test_what_is_kept);
    g_test_add_func("/exports/the_day_is_replaced", test_the_day_is_replaced);
    g_test_add_func("/exports/malformed_lines", test_malformed_lines);
    g_test_add_func("/exports/refused_files", test_refused_files);
    g_test_add_func("/exports/from_a_server", test_from_a_server);
    g_test_add_func("/exports/days_of_names", test_days_of_names);
    g_test_add_func("/exports/a_million_lines", test_a_million_lines);
    return g_test_run();
}

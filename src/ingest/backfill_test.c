/* Proves: the past is asked instant by instant with its own times, what was filled in isn't asked
 * for again, the real API is recognised and refused, and a simulator that goes away ends it with
 * what was done kept. */
#include <string.h>

#include "ingest/fake_tmdb.h"
#include "ingest/ingest.h"
#include "ingest/ingest_fixture.h"

#define NOW_MS INT64_C(1772510400000) /* 2026-03-03T04:00:00Z, a multiple of five minutes */
#define EMPTY  "{\"page\":1,\"total_pages\":1,\"results\":[]}"
#define POPULAR                                                                                    \
    "{\"page\":1,\"total_pages\":1,\"results\":[{\"id\":603,\"vote_count\":1,\"vote_average\":1,"  \
    "\"popularity\":1,\"original_language\":\"en\"}]}"
#define MOVIE                                                                                      \
    "{\"id\":603,\"vote_count\":1,\"vote_average\":1,\"popularity\":1,\"original_language\":"      \
    "\"en\",\"title\":\"The Matrix\",\"genres\":[],\"credits\":{\"cast\":[],\"crew\":[]},"         \
    "\"keywords\":{\"keywords\":[]}}"
#define REVIEWS "{\"id\":603,\"page\":1,\"total_pages\":1,\"results\":[]}"

struct fixture {
    struct ingest_fixture base;
    struct fake_tmdb *fake;
};

static void fixture_open(struct fixture *fixture)
{
    fixture->fake = fake_tmdb_start();
    ingest_fixture_open(&fixture->base, clock_new_manual(NOW_MS));
    g_free(fixture->base.config->tmdb_base_url);
    fixture->base.config->tmdb_base_url = g_strdup(fake_tmdb_url(fixture->fake));
    fixture->base.config->ingest_list_pages = 1;
    fake_tmdb_set(fixture->fake, "/marquee/clock", 200, "{}");
    fake_tmdb_set(fixture->fake, "/movie/popular", 200, POPULAR);
    fake_tmdb_set(fixture->fake, "/trending/movie/day", 200, EMPTY);
    fake_tmdb_set(fixture->fake, "/movie/now_playing", 200, EMPTY);
    fake_tmdb_set(fixture->fake, "/movie/top_rated", 200, EMPTY);
    fake_tmdb_set(fixture->fake, "/movie/changes", 200, EMPTY);
    fake_tmdb_set(fixture->fake, "/movie/603", 200, MOVIE);
    fake_tmdb_set(fixture->fake, "/movie/603/reviews", 200, REVIEWS);
}

static void fixture_close(struct fixture *fixture)
{
    fake_tmdb_stop(fixture->fake);
    ingest_fixture_close(&fixture->base);
}

static void keep(const struct ingest_progress *progress, void *user)
{
    g_array_append_vals(user, progress, 1);
}

static void backfill(struct fixture *fixture, int64_t from_ms, GArray *progress)
{
    g_autoptr(GError) error = NULL;
    bool done =
        ingest_backfill(&fixture->base.context, from_ms, progress ? keep : NULL, progress, &error);
    g_assert_no_error(error);
    g_assert_true(done);
}

static int by_time(const void *a, const void *b)
{
    const struct rating *x = a, *y = b;
    return (x->timestamp_ms > y->timestamp_ms) - (x->timestamp_ms < y->timestamp_ms);
}

static void test_instants(void)
{
    struct fixture fixture;
    g_autoptr(GArray) progress = g_array_new(FALSE, FALSE, sizeof(struct ingest_progress));
    size_t count;
    fixture_open(&fixture);
    backfill(&fixture, NOW_MS - 12 * MS_PER_MINUTE, progress); /* rounded up: 03:50, 03:55 */
    struct rating *ratings = ingest_fixture_records(&fixture.base, TOPIC_RATINGS, &count);
    qsort(ratings, count, sizeof *ratings, by_time);
    /* 03:50 by the list and with the facts, 03:55 by the list. */
    static const int64_t minutes[] = {10, 10, 5};
    g_assert_cmpuint(count, ==, G_N_ELEMENTS(minutes));
    for (size_t i = 0; i < count; i++)
        g_assert_cmpint(ratings[i].timestamp_ms, ==, NOW_MS - minutes[i] * MS_PER_MINUTE);
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/popular?page=1 as_of=1772509800000"), ==,
                     1);
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/popular?page=1 as_of=1772510100000"), ==,
                     1);
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/popular"), ==, 2);
    g_assert_cmpuint(ingest_fixture_objects(&fixture.base, "spool/movies/"), ==, 1);
    g_assert_cmpuint(progress->len, ==, 2);
    const struct ingest_progress *last = &g_array_index(progress, struct ingest_progress, 1);
    g_assert_true(last->done_ms == 10 * MS_PER_MINUTE && last->total_ms == 10 * MS_PER_MINUTE);
    g_assert_cmpint(last->records, ==, 4); /* three ratings and the facts */
    fixture_close(&fixture);
}

static void test_goes_on_where_it_was(void)
{
    struct fixture fixture;
    size_t count;
    fixture_open(&fixture);
    backfill(&fixture, NOW_MS - 10 * MS_PER_MINUTE, NULL);
    backfill(&fixture, NOW_MS - 10 * MS_PER_MINUTE, NULL); /* nothing left */
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/popular"), ==, 2);
    clock_advance(fixture.base.context.clock, 5 * MS_PER_MINUTE);
    backfill(&fixture, NOW_MS - 5 * MS_PER_MINUTE, NULL); /* 04:00 only */
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/popular"), ==, 3);
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/popular?page=1 as_of=1772510400000"), ==,
                     1);
    ingest_fixture_records(&fixture.base, TOPIC_METADATA, &count);
    g_assert_cmpuint(count, ==, 1);
    /* An earlier beginning: all of it. */
    backfill(&fixture, NOW_MS - 15 * MS_PER_MINUTE, NULL);
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie/popular"), ==, 3 + 4);
    fixture_close(&fixture);
}

static void test_the_real_api_is_refused(void)
{
    struct fixture fixture;
    g_autoptr(GError) error = NULL;
    fixture_open(&fixture);
    fake_tmdb_set(fixture.fake, "/marquee/clock", 404, "{\"status_code\":34}");
    g_assert_false(
        ingest_backfill(&fixture.base.context, NOW_MS - MS_PER_HOUR, NULL, NULL, &error));
    g_assert_true(error_is(error, CONFIG));
    g_assert_nonnull(strstr(error->message, "status 404"));
    g_assert_cmpuint(fake_tmdb_count(fixture.fake, "/movie"), ==, 0);
    fixture_close(&fixture);
}

/* It answers for a while and then no more: an error, soon, and the next backfill goes on. */
static void test_a_simulator_that_goes_away(void)
{
    struct fixture fixture;
    g_autoptr(GError) error = NULL;
    fixture_open(&fixture);
    backfill(&fixture, NOW_MS - 10 * MS_PER_MINUTE, NULL);
    clock_advance(fixture.base.context.clock, 10 * MS_PER_HOUR);
    fake_tmdb_set(fixture.fake, "/movie/popular", 503, "<html>");
    fake_tmdb_set(fixture.fake, "/trending/movie/day", 503, "<html>");
    fake_tmdb_set(fixture.fake, "/movie/now_playing", 503, "<html>");
    fake_tmdb_set(fixture.fake, "/movie/top_rated", 503, "<html>");
    fake_tmdb_set(fixture.fake, "/movie/changes", 503, "<html>");
    fake_tmdb_set(fixture.fake, "/movie/latest", 503, "<html>");
    fake_tmdb_set(fixture.fake, "/movie/603", 503, "<html>");
    fake_tmdb_set(fixture.fake, "/movie/603/reviews", 503, "<html>");
    g_assert_false(
        ingest_backfill(&fixture.base.context, NOW_MS - 10 * MS_PER_MINUTE, NULL, NULL, &error));
    g_assert_true(error_is(error, AGAIN));
    g_assert_nonnull(strstr(error->message, "no longer answers"));
    fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/backfill/instants", test_instants);
    g_test_add_func("/backfill/goes_on_where_it_was", test_goes_on_where_it_was);
    g_test_add_func("/backfill/the_real_api_is_refused", test_the_real_api_is_refused);
    g_test_add_func("/backfill/a_simulator_that_goes_away", test_a_simulator_that_goes_away);
    return g_test_run();
}

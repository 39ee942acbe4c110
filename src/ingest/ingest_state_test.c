/* Proves: what was saved is there after a restart, the most popular where there are too many; a
 * movie that left is remembered for a while and then forgotten with its reviews; a locked or
 * damaged file is told as such and nothing counts as saved. */
#include "ingest/ingest_state.h"

#include <string.h>

#include "ingest/ingest_fixture.h"
#include "model/db.h"

#define NOW_MS INT64_C(1772510400000)

static struct planner *planner_of(size_t movies_max)
{
    return planner_new(&(struct planner_options){.observe_interval_ms = 1000,
                                                 .list_interval_ms = 1000,
                                                 .changes_interval_ms = 1000,
                                                 .whole_interval_ms = 1000,
                                                 .list_pages = 1,
                                                 .movies_max = movies_max});
}

static struct ingest_state *state_open(struct ingest_fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    struct ingest_state *state = ingest_state_open(&fixture->context, &error);
    g_assert_no_error(error);
    return state;
}

static void save(struct ingest_state *state,
                 struct planner *planner,
                 const struct published_review *reviews,
                 size_t count,
                 int64_t now_ms)
{
    g_autoptr(GError) error = NULL;
    bool saved = ingest_state_save(state, planner, reviews, count, now_ms, &error);
    g_assert_no_error(error);
    g_assert_true(saved);
    g_assert_cmpuint(planner_unsaved(planner), ==, 0);
}

static int64_t version(struct ingest_state *state, const char *id)
{
    int64_t version_ms;
    g_autoptr(GError) error = NULL;
    g_assert_true(
        ingest_state_review_version(state, (struct span){id, strlen(id)}, &version_ms, &error));
    return version_ms;
}

static uint64_t facts_hash(struct ingest_state *state, int32_t movie_id)
{
    uint64_t hash;
    g_autoptr(GError) error = NULL;
    g_assert_true(ingest_state_facts_hash(state, movie_id, &hash, &error));
    return hash;
}

static void test_restart(void)
{
    struct ingest_fixture fixture;
    g_autoptr(GError) error = NULL;
    ingest_fixture_open(&fixture, clock_new_manual(NOW_MS));
    struct ingest_state *state = state_open(&fixture);
    struct planner *planner = planner_of(10);
    struct ask ask;
    planner_observed(planner, 1, 1.5, false, NOW_MS);
    planner_facts_read(planner, 1, UINT64_MAX - 5, true, NOW_MS - 1);
    planner_changed(planner, 1, NOW_MS - 1 + PLANNER_CHANGED_INTERVAL_MS);
    planner_observed(planner, 2, 9.25, false, NOW_MS);
    planner_observed(planner, 3, 4, false, NOW_MS);
    while (planner_next(planner, NOW_MS, &ask)) {
        if (ask.kind == ASK_REVIEWS)
            planner_reviews_fresh(planner, 1);
        planner_done(planner, &ask, ask.kind == ASK_MOVIE, NOW_MS);
    }
    struct published_review reviews[] = {{(char *)"a", 1, 100}, {(char *)"b", 1, -200}};
    save(state, planner, reviews, 2, NOW_MS);
    g_assert_true(ingest_state_set_backfilled(state, 5, 7, &error));
    ingest_state_close(state);
    planner_free(planner);

    state = state_open(&fixture);
    planner = planner_of(10);
    g_assert_true(ingest_state_load(state, planner, &error));
    g_assert_cmpuint(planner_tracked(planner), ==, 3);
    g_assert_cmpuint(planner_unsaved(planner), ==, 0);
    const struct tracked_movie *movie = planner_find(planner, 1);
    g_assert_cmpfloat(movie->popularity, ==, 1.5);
    g_assert_cmpint(movie->observed_ms, ==, NOW_MS);
    g_assert_true(movie->facts_hash == UINT64_MAX - 5 && movie->stale);
    g_assert_cmpint(movie->whole_ms, ==, NOW_MS - 1);
    g_assert_cmpint(movie->reviews_interval_ms, ==, REVIEWS_INTERVAL_MS_FIRST / 2);
    g_assert_cmpint(movie->reviews_due_ms, ==, NOW_MS + REVIEWS_INTERVAL_MS_FIRST / 2);
    g_assert_cmpint(planner_changes_read_ms(planner), ==, NOW_MS);
    g_assert_cmpint(version(state, "a"), ==, 100);
    g_assert_cmpint(version(state, "b"), ==, -200);
    g_assert_cmpint(version(state, "c"), ==, INT64_MIN);
    g_assert_true(facts_hash(state, 1) == UINT64_MAX - 5);
    g_assert_cmpuint(facts_hash(state, 2), ==, 0);
    int64_t from_ms, to_ms;
    g_assert_true(ingest_state_backfilled(state, &from_ms, &to_ms, &error));
    g_assert_true(from_ms == 5 && to_ms == 7);
    GHashTable *ids;
    g_assert_true(ingest_state_movie_ids(state, &ids, &error));
    g_assert_cmpuint(g_hash_table_size(ids), ==, 3);
    g_assert_true(g_hash_table_contains(ids, GINT_TO_POINTER(2)));
    g_hash_table_unref(ids);
    /* A version never goes back. */
    struct published_review older = {(char *)"a", 1, 99};
    save(state, planner, &older, 1, NOW_MS);
    g_assert_cmpint(version(state, "a"), ==, 100);
    planner_free(planner);
    /* The setting is smaller now: the most popular. */
    planner = planner_of(2);
    g_assert_true(ingest_state_load(state, planner, &error));
    g_assert_nonnull(planner_find(planner, 2));
    g_assert_nonnull(planner_find(planner, 3));
    planner_free(planner);
    ingest_state_close(state);
    ingest_fixture_close(&fixture);
}

static void test_leaving_and_coming_back(void)
{
    struct ingest_fixture fixture;
    g_autoptr(GError) error = NULL;
    ingest_fixture_open(&fixture, clock_new_manual(NOW_MS));
    struct ingest_state *state = state_open(&fixture);
    struct planner *planner = planner_of(10);
    for (int32_t id = 1; id <= 3; id++) {
        planner_observed(planner, id, 1, false, NOW_MS);
        planner_facts_read(planner, id, 70 + (uint64_t)id, true, NOW_MS);
    }
    struct published_review reviews[] = {
        {(char *)"a", 1, 1}, {(char *)"b", 2, 2}, {(char *)"c", 3, 3}, {(char *)"d", 4, 4}};
    planner_observed(planner, 4, 1, false, NOW_MS);
    planner_forget(planner, 4); /* came and left between two saves */
    save(state, planner, reviews, 4, NOW_MS);
    planner_forget(planner, 1);
    planner_forget(planner, 2);
    save(state, planner, NULL, 0, NOW_MS + 1000);
    g_assert_cmpuint(facts_hash(state, 1), ==, 71); /* so it isn't "new" when it comes back */
    g_assert_cmpint(version(state, "a"), ==, 1);
    struct planner *again = planner_of(10);
    g_assert_true(ingest_state_load(state, again, &error));
    g_assert_cmpuint(planner_tracked(again), ==, 1);
    planner_free(again);
    planner_observed(planner, 2, 1, false, NOW_MS + 2000); /* comes back */
    save(state, planner, NULL, 0, NOW_MS + 2000);
    /* To the ms: who left at NOW + 1000 stays until 90 days later are over. */
    g_assert_true(ingest_state_sweep(state, NOW_MS + 1000 + INGEST_LEFT_KEEP_MS, &error));
    g_assert_cmpint(version(state, "a"), ==, 1);
    g_assert_cmpint(version(state, "d"), ==, INT64_MIN); /* left at NOW */
    g_assert_true(ingest_state_sweep(state, NOW_MS + 1001 + INGEST_LEFT_KEEP_MS, &error));
    g_assert_cmpint(version(state, "a"), ==, INT64_MIN);
    g_assert_cmpuint(facts_hash(state, 1), ==, 0);
    g_assert_cmpint(version(state, "b"), ==, 2);
    g_assert_cmpint(version(state, "c"), ==, 3);
    planner_free(planner);
    ingest_state_close(state);
    ingest_fixture_close(&fixture);
}

/* Another process holds the file: AGAIN, and all of it is saved by the next call. */
static void test_a_locked_file(void)
{
    struct ingest_fixture fixture;
    g_autoptr(GError) error = NULL;
    ingest_fixture_open(&fixture, clock_new_manual(NOW_MS));
    struct ingest_state *state = state_open(&fixture);
    struct planner *planner = planner_of(10);
    g_autofree char *path = config_path(fixture.config, "ingest.db");
    sqlite3 *other = db_open(path, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(db_begin(other, &error));
    planner_observed(planner, 1, 1, false, NOW_MS);
    struct published_review review = {(char *)"a", 1, 100};
    g_assert_false(ingest_state_save(state, planner, &review, 1, NOW_MS, &error));
    g_assert_true(error_is(error, AGAIN));
    g_assert_cmpuint(planner_unsaved(planner), ==, 1);
    db_rollback(other);
    db_close(other);
    save(state, planner, &review, 1, NOW_MS);
    g_assert_cmpint(version(state, "a"), ==, 100);
    planner_free(planner);
    ingest_state_close(state);
    ingest_fixture_close(&fixture);
}

static void test_a_damaged_file(void)
{
    struct ingest_fixture fixture;
    g_autoptr(GError) error = NULL;
    ingest_fixture_open(&fixture, clock_new_manual(NOW_MS));
    g_autofree char *path = config_path(fixture.config, "ingest.db");
    g_assert_true(
        g_file_set_contents(path, "this is no database, and long enough to say so", -1, NULL));
    g_assert_null(ingest_state_open(&fixture.context, &error));
    g_assert_true(error_is(error, BADDATA));
    g_assert_nonnull(strstr(error->message, "ingest.db"));
    ingest_fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ingest_state/restart", test_restart);
    g_test_add_func("/ingest_state/leaving_and_coming_back", test_leaving_and_coming_back);
    g_test_add_func("/ingest_state/a_locked_file", test_a_locked_file);
    g_test_add_func("/ingest_state/a_damaged_file", test_a_damaged_file);
    return g_test_run();
}

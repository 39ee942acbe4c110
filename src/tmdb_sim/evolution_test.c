/* Proves what the other parts rely on in the way the numbers move: they are the catalogue's at the
 * catalogue's time, votes never fall, popularity mostly stands still for five minutes, several
 * bursts a day, and every archetype does what its name says. */
#include "tmdb_sim/evolution.h"

#include <math.h>

#include "base/clock.h"
#include "tmdb_sim/phrases.h"

#define SEED             1
#define CHANGE_SEARCH_MS (30 * MS_PER_DAY)

struct fixture {
    struct phrases *phrases;
    struct catalogue *catalogue;
    struct course *courses;
    size_t count;
};

static void set_up(struct fixture *fixture, const void *data)
{
    (void)data;
    fixture->phrases = phrases_open();
    struct catalogue_options options = {
        .premieres = true, .seed = SEED, .phrases = fixture->phrases};
    fixture->catalogue = catalogue_open(&options, NULL);
    fixture->count = fixture->catalogue->movies_count;
    fixture->courses = g_new0(struct course, fixture->count);
    for (size_t i = 0; i < fixture->count; i++)
        course_init(&fixture->courses[i], SEED, &fixture->catalogue->movies[i], NULL, 0);
}

static void tear_down(struct fixture *fixture, const void *data)
{
    (void)data;
    g_free(fixture->courses);
    catalogue_close(fixture->catalogue);
    phrases_close(fixture->phrases);
}

/* The catalogue's own numbers, but for the update before and the day's rhythm (3 %). */
static void test_anchor(struct fixture *fixture, const void *data)
{
    (void)data;
    for (size_t i = 0; i < fixture->count; i++) {
        const struct course *course = &fixture->courses[i];
        if (course->archetype == ARCHETYPE_PREMIERE)
            continue;
        struct movie_state state = course_state(course, CATALOGUE_TIME_MS);
        g_assert_cmpint(state.vote_count, ==, course->movie->vote_count);
        g_assert_cmpint(state.revenue, ==, course->movie->revenue);
        if (state.vote_count)
            g_assert_cmpint(state.vote_average_e3, ==,
                            llrint(MAX(course->movie->vote_average, 1) * 1e3));
        if (course->archetype == ARCHETYPE_BURSTING)
            continue;
        double factor = (double)state.popularity_e4 / 1e4 / course->movie->popularity;
        if (course->movie->popularity > 0.1)
            g_assert_true(factor > 0.85 && factor < 1.15);
    }
}

/* Two years, at steps that meet no rhythm: also before the catalogue's time. */
static void test_votes(struct fixture *fixture, const void *data)
{
    (void)data;
    for (size_t i = 0; i < fixture->count; i += 7) {
        int64_t last = 0;
        for (int64_t at_ms = CATALOGUE_TIME_MS - 365 * MS_PER_DAY;
             at_ms < CATALOGUE_TIME_MS + 365 * MS_PER_DAY; at_ms += 5 * MS_PER_HOUR + 7919) {
            struct movie_state state = course_state(&fixture->courses[i], at_ms);
            g_assert_cmpint(state.vote_count, >=, last);
            last = state.vote_count;
            g_assert_cmpint(state.vote_average_e3, >=, 0);
            g_assert_cmpint(state.vote_average_e3, <=, 10000);
            g_assert_cmpint(state.popularity_e4, >, 0);
        }
        g_assert_cmpint(last, >, fixture->courses[i].movie->vote_count);
    }
}

/* Of all pairs of five-minute neighbours in a day at least seven in ten are equal, and some move.
 */
static void test_stillness(struct fixture *fixture, const void *data)
{
    (void)data;
    int still = 0, moved = 0;
    for (size_t i = 0; i < fixture->count; i += 5) {
        for (int step = 0; step < 288; step++) {
            int64_t at_ms = CATALOGUE_TIME_MS + step * POPULARITY_STEP_MS;
            int64_t before = course_popularity_e4(&fixture->courses[i], at_ms);
            if (course_popularity_e4(&fixture->courses[i], at_ms + POPULARITY_STEP_MS) == before)
                still++;
            else
                moved++;
        }
    }
    g_assert_cmpint(still, >, 7 * (still + moved) / 10);
    g_assert_cmpint(moved, >, (still + moved) / 100);
}

/* Ten days bring each bursting movie one burst: it rises within twenty minutes (and a step), stands
 * at least 30 above, and is over after two days. */
static void test_bursts(struct fixture *fixture, const void *data)
{
    (void)data;
    int bursting = 0;
    for (size_t i = 0; i < fixture->count; i++) {
        const struct course *course = &fixture->courses[i];
        int64_t at_ms = course_burst_ms(course, CATALOGUE_TIME_MS);
        g_assert_true((course->archetype == ARCHETYPE_BURSTING) == (at_ms != INT64_MIN));
        if (at_ms == INT64_MIN)
            continue;
        bursting++;
        int64_t before = course_popularity_e4(course, at_ms);
        int64_t peak = course_popularity_e4(course, at_ms + 25 * MS_PER_MINUTE);
        g_assert_cmpint(peak - before, >, 250000);
        int64_t over = course_popularity_e4(course, at_ms + 45 * MS_PER_HOUR);
        g_assert_cmpint(over - before, <, (peak - before) / 4);
        struct movie_state quiet = course_state(course, at_ms),
                           after = course_state(course, at_ms + MS_PER_DAY);
        if (quiet.vote_count) /* somebody votes already */
            g_assert_cmpint(after.vote_count - quiet.vote_count, >, 10);
    }
    /* "several a day among the catalogue": one each in ten days */
    g_assert_cmpint(bursting, >, 50);
    g_assert_cmpint(bursting, <, 150);
}

/* Over a month and all movies of a kind: more days on which the rising rise than fall, and the
 * other way round. */
static void test_archetypes(struct fixture *fixture, const void *data)
{
    (void)data;
    int ups[ARCHETYPE_COUNT] = {0}, downs[ARCHETYPE_COUNT] = {0}, members[ARCHETYPE_COUNT] = {0};
    for (size_t i = 0; i < fixture->count; i++) {
        const struct course *course = &fixture->courses[i];
        members[course->archetype]++;
        for (int day = 0; day < 30; day++) {
            int64_t at_ms = MAX(CATALOGUE_TIME_MS, course->movie->debut_ms) + day * MS_PER_DAY;
            int64_t from = course_popularity_e4(course, at_ms);
            int64_t until = course_popularity_e4(course, at_ms + MS_PER_DAY);
            ups[course->archetype] += until > from;
            downs[course->archetype] += until < from;
        }
    }
    for (int kind = 0; kind < ARCHETYPE_COUNT; kind++)
        g_assert_cmpint(members[kind], >, 50);
    g_assert_cmpint(ups[ARCHETYPE_RISING], >, 2 * downs[ARCHETYPE_RISING]);
    g_assert_cmpint(downs[ARCHETYPE_FADING], >, 2 * ups[ARCHETYPE_FADING]);
    g_assert_cmpint(downs[ARCHETYPE_PREMIERE], >, 5 * ups[ARCHETYPE_PREMIERE]);
}

/* The end of the shortest range from from_ms that holds a change. */
static int64_t first_change_end(const struct course *course, int64_t from_ms)
{
    int64_t low_ms = from_ms, high_ms = from_ms + CHANGE_SEARCH_MS;
    while (high_ms - low_ms > 1) {
        int64_t middle_ms = low_ms + (high_ms - low_ms) / 2;
        if (course_changed(course, from_ms, middle_ms))
            high_ms = middle_ms;
        else
            low_ms = middle_ms;
    }
    return high_ms;
}

/* A list of changes for two halves of a day is the list for the day; a change belongs to one ms. */
static void test_changes(struct fixture *fixture, const void *data)
{
    (void)data;
    int64_t from_ms = CATALOGUE_TIME_MS + 3 * MS_PER_DAY, middle_ms = from_ms + 11 * MS_PER_HOUR,
            until_ms = from_ms + MS_PER_DAY;
    int changed = 0;
    for (size_t i = 0; i < fixture->count; i++) {
        const struct course *course = &fixture->courses[i];
        bool first = course_changed(course, from_ms, middle_ms),
             second = course_changed(course, middle_ms, until_ms),
             whole = course_changed(course, from_ms, until_ms);
        g_assert_true(whole == (first || second));
        changed += whole;
        if (!course_changed(course, from_ms, from_ms + CHANGE_SEARCH_MS))
            continue; /* a premiere that is still to come */
        int64_t end_ms = first_change_end(course, from_ms);
        g_assert_true(course_changed(course, end_ms - 1, end_ms));
        g_assert_false(course_changed(course, end_ms, end_ms + 1));
    }
    g_assert_cmpint(changed, >, 50);
    g_assert_cmpint(changed, <, 600);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/tmdb_sim/evolution/anchor", struct fixture, NULL, set_up, test_anchor, tear_down);
    g_test_add("/tmdb_sim/evolution/votes", struct fixture, NULL, set_up, test_votes, tear_down);
    g_test_add("/tmdb_sim/evolution/stillness", struct fixture, NULL, set_up, test_stillness,
               tear_down);
    g_test_add("/tmdb_sim/evolution/bursts", struct fixture, NULL, set_up, test_bursts, tear_down);
    g_test_add("/tmdb_sim/evolution/archetypes", struct fixture, NULL, set_up, test_archetypes,
               tear_down);
    g_test_add("/tmdb_sim/evolution/changes", struct fixture, NULL, set_up, test_changes,
               tear_down);
    return g_test_run();
}

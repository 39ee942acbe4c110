/* Proves: what is asked in which order and how often, that reviews adapt, that the least popular
 * leave, that a failure costs its own request and no other, that nobody starves, that a restart
 * goes on, and that a clock that is put back is survived. Times are counted by hand. */
#include "ingest/planner.h"

#include "base/clock.h"
#include "model/tmdb.h"

#define START_MS    (INT64_C(20000) * MS_PER_DAY)
#define OBSERVE_MS  (5 * MS_PER_MINUTE)
#define LIST_MS     MS_PER_HOUR
#define CHANGES_MS  (15 * MS_PER_MINUTE)
#define WHOLE_MS    (4 * MS_PER_HOUR)
#define MANY_MOVIES 100000

static struct planner *planner_of(size_t movies_max)
{
    return planner_new(&(struct planner_options){.observe_interval_ms = OBSERVE_MS,
                                                 .list_interval_ms = LIST_MS,
                                                 .changes_interval_ms = CHANGES_MS,
                                                 .whole_interval_ms = WHOLE_MS,
                                                 .list_pages = 1,
                                                 .movies_max = movies_max});
}

/* Answers the lists, latest and changes that are due, and returns what comes then. */
static bool next_about_movies(struct planner *planner, int64_t now_ms, struct ask *ret_ask)
{
    while (planner_next(planner, now_ms, ret_ask)) {
        if (ret_ask->kind != ASK_LIST && ret_ask->kind != ASK_LATEST &&
            ret_ask->kind != ASK_CHANGES)
            return true;
        if (ret_ask->kind != ASK_LATEST)
            planner_pages(planner, ret_ask, 1);
        planner_done(planner, ret_ask, false, now_ms);
    }
    return false;
}

/* The movie's own request is answered: facts and an observation. */
static void answer_movie(struct planner *planner, const struct ask *ask, int64_t now_ms)
{
    const struct tracked_movie *movie = planner_find(planner, ask->movie_id);
    planner_observed(planner, ask->movie_id, movie ? movie->popularity : 1, false, now_ms);
    planner_facts_read(planner, ask->movie_id, 77, ask->whole, now_ms);
    planner_done(planner, ask, false, now_ms);
}

/* A movie with facts, observed and its reviews read at now_ms. */
static void settle(struct planner *planner, int32_t movie_id, double popularity, int64_t now_ms)
{
    struct tracked_movie movie = {.movie_id = movie_id,
                                  .popularity = popularity,
                                  .observed_ms = now_ms,
                                  .facts_hash = 77,
                                  .whole_ms = now_ms,
                                  .reviews_due_ms = now_ms + REVIEWS_INTERVAL_MS_MAX,
                                  .reviews_interval_ms = REVIEWS_INTERVAL_MS_MAX};
    planner_restore(planner, &movie);
}

static void test_order_at_the_start(void)
{
    static const struct {
        enum ask_kind kind;
        enum ask_list list;
    } expected[] = {
        {ASK_LIST, LIST_POPULAR},   {ASK_LIST, LIST_TRENDING}, {ASK_LIST, LIST_NOW_PLAYING},
        {ASK_LIST, LIST_TOP_RATED}, {ASK_LATEST, 0},           {ASK_CHANGES, 0}};
    struct planner *planner = planner_of(10);
    struct ask ask;
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_assert_true(planner_next(planner, START_MS, &ask));
        g_assert_cmpint(ask.kind, ==, expected[i].kind);
        if (ask.kind == ASK_LIST)
            g_assert_cmpint(ask.list, ==, expected[i].list);
        g_assert_cmpint(ask.page, ==, 1);
    }
    g_assert_false(planner_next(planner, START_MS, &ask)); /* all under way, no movie known */
    planner_free(planner);
}

static void test_intervals(void)
{
    struct planner *planner = planner_of(10);
    struct ask ask;
    g_assert_false(next_about_movies(planner, START_MS, &ask));
    g_assert_false(planner_next(planner, START_MS + OBSERVE_MS - 1, &ask));
    g_assert_true(planner_next(planner, START_MS + OBSERVE_MS, &ask));
    g_assert_true(ask.kind == ASK_LIST && ask.list == LIST_POPULAR);
    planner_done(planner, &ask, false, START_MS + OBSERVE_MS);
    g_assert_false(planner_next(planner, START_MS + OBSERVE_MS, &ask));
    /* After a quarter of an hour popular and the changes, after an hour all of them. */
    int kinds[2] = {0, 0};
    while (planner_next(planner, START_MS + CHANGES_MS, &ask)) {
        kinds[ask.kind == ASK_CHANGES]++;
        planner_done(planner, &ask, false, START_MS + CHANGES_MS);
    }
    g_assert_cmpint(kinds[0], ==, 1);
    g_assert_cmpint(kinds[1], ==, 1);
    int asks = 0;
    while (planner_next(planner, START_MS + LIST_MS, &ask)) {
        planner_done(planner, &ask, false, START_MS + LIST_MS);
        asks++;
    }
    g_assert_cmpint(asks, ==, 6);
    planner_free(planner);
}

/* New ones first in the order in which they were seen, then the changed, then who waits longest;
 * nobody before the interval is over. */
static void test_movies_in_order(void)
{
    struct planner *planner = planner_of(10);
    int64_t now_ms = START_MS + OBSERVE_MS;
    struct ask ask;
    settle(planner, 1, 5, START_MS);               /* due now */
    settle(planner, 2, 5, START_MS - MS_PER_HOUR); /* due for 55 minutes */
    settle(planner, 3, 5, now_ms);                 /* due in the next interval */
    settle(planner, 4, 5, START_MS - 2 * MS_PER_HOUR);
    planner_observed(planner, 4, 5, false, now_ms); /* a list showed it, but it has changed */
    planner_changed(planner, 4, now_ms);
    planner_observed(planner, 8, 5, false, START_MS + 7);
    planner_observed(planner, 7, 5, false, START_MS + 8);
    static const int32_t expected[] = {8, 7, 2, 1, 4};
    /* 4 is due since its observation just now, 2 for long, 1 now as well; of equals the lower id.
     */
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_assert_true(next_about_movies(planner, now_ms, &ask));
        g_assert_cmpint(ask.kind, ==, ASK_MOVIE);
        g_assert_cmpint(ask.movie_id, ==, expected[i]);
    }
    g_assert_false(next_about_movies(planner, now_ms, &ask));
    g_assert_false(next_about_movies(planner, now_ms + OBSERVE_MS - 1, &ask));
    g_assert_true(next_about_movies(planner, now_ms + OBSERVE_MS, &ask));
    g_assert_cmpint(ask.movie_id, ==, 3);
    planner_free(planner);
}

/* Answers the popular list with these movies (up to a 0). */
static void show_popular(struct planner *planner, const int32_t *movies, int64_t now_ms)
{
    struct ask ask;
    g_assert_true(planner_next(planner, now_ms, &ask));
    g_assert_true(ask.kind == ASK_LIST && ask.list == LIST_POPULAR);
    for (; *movies; movies++)
        planner_observed(planner, *movies, 5, true, now_ms);
    planner_done(planner, &ask, false, now_ms);
}

/* What the popular list shows isn't asked for by itself as well; what it no longer shows is, in the
 * same interval. Each interval of the grid gets its observation, however late the last one was. */
static void test_the_popular_list_saves_requests(void)
{
    struct planner *planner = planner_of(10);
    int64_t now_ms = START_MS + OBSERVE_MS;
    struct ask ask;
    settle(planner, 1, 5, START_MS);
    settle(planner, 2, 5, START_MS);
    settle(planner, 3, 5, START_MS);
    show_popular(planner, (int32_t[]){1, 2, 0}, now_ms);
    g_assert_true(next_about_movies(planner, now_ms, &ask));
    g_assert_cmpint(ask.movie_id, ==, 3);
    answer_movie(planner, &ask, now_ms + OBSERVE_MS - 1); /* late, but within its interval */
    g_assert_false(next_about_movies(planner, now_ms + OBSERVE_MS - 1, &ask));
    now_ms += OBSERVE_MS;
    struct ask list;
    g_assert_true(planner_next(planner, now_ms, &list)); /* popular, under way */
    g_assert_true(next_about_movies(planner, now_ms, &ask));
    g_assert_cmpint(ask.movie_id, ==, 3);
    answer_movie(planner, &ask, now_ms);
    g_assert_false(next_about_movies(planner, now_ms, &ask)); /* 1 and 2 wait for the list */
    planner_observed(planner, 1, 5, true, now_ms);
    planner_done(planner, &list, false, now_ms); /* without 2 */
    g_assert_true(next_about_movies(planner, now_ms, &ask));
    g_assert_cmpint(ask.movie_id, ==, 2);
    answer_movie(planner, &ask, now_ms);
    g_assert_false(next_about_movies(planner, now_ms, &ask));
    /* A list that fails is waited for a tenth of the interval. */
    now_ms += OBSERVE_MS;
    g_assert_true(planner_next(planner, now_ms, &list));
    g_assert_true(list.kind == ASK_LIST && list.list == LIST_POPULAR);
    for (int i = 0; i < 2; i++) { /* 2 and 3 */
        g_assert_true(next_about_movies(planner, now_ms, &ask));
        answer_movie(planner, &ask, now_ms);
    }
    g_assert_false(next_about_movies(planner, now_ms + OBSERVE_MS / 10 - 1, &ask));
    g_assert_true(next_about_movies(planner, now_ms + OBSERVE_MS / 10, &ask));
    g_assert_cmpint(ask.movie_id, ==, 1);
    planner_free(planner);
}

/* The whole answer: for the new, for the changed, and every WHOLE_MS; else an observation. */
static void test_whole_answers(void)
{
    struct planner *planner = planner_of(10);
    struct ask ask;
    int64_t now_ms = START_MS;
    planner_observed(planner, 1, 5, false, now_ms);
    g_assert_true(next_about_movies(planner, now_ms, &ask));
    g_assert_true(ask.whole);
    answer_movie(planner, &ask, now_ms);
    for (int i = 1; i < WHOLE_MS / OBSERVE_MS; i++) {
        now_ms += OBSERVE_MS;
        while (next_about_movies(planner, now_ms, &ask)) {
            g_assert_false(ask.whole);
            if (ask.kind == ASK_MOVIE)
                answer_movie(planner, &ask, now_ms);
            else
                planner_done(planner, &ask, false, now_ms);
        }
    }
    now_ms += OBSERVE_MS;
    g_assert_true(next_about_movies(planner, now_ms, &ask));
    g_assert_true(ask.kind == ASK_MOVIE && ask.whole);
    answer_movie(planner, &ask, now_ms);
    /* Other facts in an observation: the whole answer at once. */
    now_ms += OBSERVE_MS;
    g_assert_true(next_about_movies(planner, now_ms, &ask));
    g_assert_false(ask.whole);
    planner_observed(planner, 1, 5, false, now_ms);
    planner_facts_read(planner, 1, 78, false, now_ms);
    planner_done(planner, &ask, false, now_ms);
    g_assert_true(next_about_movies(planner, now_ms, &ask));
    g_assert_true(ask.kind == ASK_MOVIE && ask.whole);
    /* Named by the changes within the hour after: not again. */
    answer_movie(planner, &ask, now_ms);
    planner_changed(planner, 1, now_ms + PLANNER_CHANGED_INTERVAL_MS - 1);
    g_assert_false(planner_find(planner, 1)->stale);
    planner_changed(planner, 1, now_ms + PLANNER_CHANGED_INTERVAL_MS);
    g_assert_true(planner_find(planner, 1)->stale);
    planner_free(planner);
}

static void read_reviews(struct planner *planner, bool fresh, int64_t *now_ms)
{
    struct ask ask;
    int64_t due_ms = planner_find(planner, 1)->reviews_due_ms;
    *now_ms = MAX(*now_ms, due_ms);
    while (next_about_movies(planner, *now_ms, &ask) && ask.kind == ASK_MOVIE)
        answer_movie(planner, &ask, *now_ms);
    g_assert_cmpint(ask.kind, ==, ASK_REVIEWS);
    g_assert_cmpint(ask.page, ==, 1);
    if (fresh)
        planner_reviews_fresh(planner, 1); /* on whichever page it was */
    planner_done(planner, &ask, false, *now_ms);
}

static int64_t interval_ms(struct planner *planner)
{
    return planner_find(planner, 1)->reviews_interval_ms;
}

static void test_reviews_adapt(void)
{
    struct planner *planner = planner_of(10);
    int64_t now_ms = START_MS;
    struct ask ask;
    planner_observed(planner, 1, 5, false, now_ms);
    g_assert_true(next_about_movies(planner, now_ms, &ask));
    g_assert_cmpint(ask.kind, ==, ASK_MOVIE);
    g_assert_false(next_about_movies(planner, now_ms, &ask)); /* no facts yet: no reviews */
    answer_movie(planner, &ask, now_ms);
    read_reviews(planner, true, &now_ms); /* 4 h -> 2 h */
    g_assert_cmpint(interval_ms(planner), ==, 2 * MS_PER_HOUR);
    g_assert_cmpint(planner_find(planner, 1)->reviews_due_ms, ==, START_MS + 2 * MS_PER_HOUR);
    read_reviews(planner, true, &now_ms);
    read_reviews(planner, true, &now_ms);
    g_assert_cmpint(interval_ms(planner), ==, 30 * MS_PER_MINUTE);
    read_reviews(planner, true, &now_ms); /* the least */
    g_assert_cmpint(interval_ms(planner), ==, REVIEWS_INTERVAL_MS_MIN);
    read_reviews(planner, false, &now_ms);
    g_assert_cmpint(interval_ms(planner), ==, MS_PER_HOUR);
    for (int i = 0; i < 20; i++)
        read_reviews(planner, false, &now_ms);
    g_assert_cmpint(interval_ms(planner), ==, 7 * MS_PER_DAY); /* the most */
    planner_free(planner);
}

static void test_the_least_popular_leave(void)
{
    struct planner *planner = planner_of(3);
    struct ask ask;
    g_assert_nonnull(planner_observed(planner, 1, 3.0, false, START_MS));
    g_assert_nonnull(planner_observed(planner, 2, 1.0, false, START_MS));
    g_assert_nonnull(planner_observed(planner, 3, 2.0, false, START_MS));
    g_assert_null(planner_observed(planner, 4, 1.0, false, START_MS)); /* not more popular than 2 */
    g_assert_nonnull(planner_observed(planner, 5, 1.5, false, START_MS));
    g_assert_null(planner_find(planner, 2));
    g_assert_cmpuint(planner_tracked(planner), ==, 3);
    /* A tracked one stays however its popularity falls, until another wants its place. */
    g_assert_nonnull(planner_observed(planner, 1, 0.1, false, START_MS));
    g_assert_nonnull(planner_observed(planner, 6, 0.2, false, START_MS));
    g_assert_null(planner_find(planner, 1));
    /* One whose request is under way isn't taken from under it: the next one goes. */
    g_assert_true(next_about_movies(planner, START_MS, &ask));
    g_assert_cmpint(ask.movie_id, ==, 3);
    g_assert_true(next_about_movies(planner, START_MS, &ask));
    g_assert_cmpint(ask.movie_id, ==, 5);
    g_assert_true(next_about_movies(planner, START_MS, &ask));
    g_assert_cmpint(ask.movie_id, ==, 6);
    g_assert_null(planner_observed(planner, 7, 9.0, false, START_MS));
    planner_done(planner, &ask, false, START_MS);
    g_assert_nonnull(planner_observed(planner, 7, 9.0, false, START_MS));
    g_assert_null(planner_find(planner, 6));
    /* An answer about one that left is no harm. */
    planner_forget(planner, 3);
    planner_facts_read(planner, 3, 1, true, START_MS);
    planner_done(planner, &(struct ask){.kind = ASK_MOVIE, .movie_id = 3}, false, START_MS);
    g_assert_cmpuint(planner_tracked(planner), ==, 2);
    planner_free(planner);
}

/* A movie's reviews that fail don't keep its observations back, nor the other way round. */
static void test_failures(void)
{
    struct planner *planner = planner_of(10);
    struct ask movie, reviews, ask;
    int64_t pause_ms = PLANNER_FAILURE_INTERVALS * OBSERVE_MS;
    settle(planner, 1, 5, START_MS - OBSERVE_MS);
    struct tracked_movie due = *planner_find(planner, 1);
    due.reviews_due_ms = START_MS;
    planner_restore(planner, &due);
    g_assert_true(next_about_movies(planner, START_MS, &movie));
    g_assert_true(next_about_movies(planner, START_MS, &reviews));
    g_assert_true(movie.kind == ASK_MOVIE && reviews.kind == ASK_REVIEWS);
    planner_done(planner, &reviews, true, START_MS);
    answer_movie(planner, &movie, START_MS);
    g_assert_false(next_about_movies(planner, START_MS + OBSERVE_MS - 1, &ask));
    g_assert_true(next_about_movies(planner, START_MS + OBSERVE_MS, &ask));
    g_assert_cmpint(ask.kind, ==, ASK_MOVIE);
    planner_done(planner, &ask, true, START_MS + OBSERVE_MS); /* now this one fails */
    g_assert_true(next_about_movies(planner, START_MS + pause_ms, &ask));
    g_assert_cmpint(ask.kind, ==, ASK_REVIEWS);
    planner_done(planner, &ask, false, START_MS + pause_ms);
    g_assert_false(next_about_movies(planner, START_MS + OBSERVE_MS + pause_ms - 1, &ask));
    g_assert_true(next_about_movies(planner, START_MS + OBSERVE_MS + pause_ms, &ask));
    g_assert_cmpint(ask.kind, ==, ASK_MOVIE);
    answer_movie(planner, &ask, START_MS + OBSERVE_MS + pause_ms);
    /* The failure is forgotten: the usual interval again. */
    g_assert_true(next_about_movies(planner, START_MS + 2 * OBSERVE_MS + pause_ms, &ask));
    planner_free(planner);
}

/* A budget for a tenth of what is due: each movie's turn comes as often as any other's, the reviews
 * get every fourth ask, and the changed ones push nobody out. */
static void test_nobody_starves(void)
{
    enum { MOVIES = 40, ASKS = 400 };
    struct planner *planner = planner_of(MOVIES);
    int observed[MOVIES + 1] = {0}, reviews = 0;
    int64_t now_ms = START_MS;
    struct ask ask;
    for (int32_t id = 1; id <= MOVIES; id++) {
        settle(planner, id, id, START_MS - OBSERVE_MS);
        struct tracked_movie due = *planner_find(planner, id);
        due.reviews_due_ms = START_MS;
        due.reviews_interval_ms = REVIEWS_INTERVAL_MS_MIN;
        planner_restore(planner, &due);
    }
    for (int i = 0; i < ASKS; i++) {
        now_ms += OBSERVE_MS / 4; /* 4 asks an interval, where 40 are due */
        for (int32_t id = 1; id <= 10; id++)
            planner_changed(planner, id, now_ms + PLANNER_CHANGED_INTERVAL_MS);
        g_assert_true(next_about_movies(planner, now_ms, &ask));
        if (ask.kind == ASK_MOVIE) {
            observed[ask.movie_id]++;
            answer_movie(planner, &ask, now_ms);
        } else {
            reviews++;
            planner_reviews_fresh(planner, ask.movie_id);
            planner_done(planner, &ask, false, now_ms);
        }
    }
    g_assert_cmpint(reviews, ==, ASKS / PLANNER_REVIEWS_TURN);
    /* 300 observations over 40 movies are 7.5 each; the changed ones are an interval ahead. */
    for (int32_t id = 1; id <= MOVIES; id++)
        g_assert_true(observed[id] >= 6 && observed[id] <= 9);
    planner_free(planner);
}

/* After a longer pause the changes are asked for by date; after a very long one all are stale. */
static void test_changes_after_a_pause(void)
{
    struct planner *planner = planner_of(10);
    struct ask ask;
    planner_restore_changes(planner, START_MS - 30 * MS_PER_HOUR);
    while (planner_next(planner, START_MS, &ask) && ask.kind != ASK_CHANGES)
        ;
    g_assert_cmpint(ask.since_ms, ==, START_MS - 30 * MS_PER_HOUR);
    g_assert_cmpint(ask.until_ms, ==, START_MS);
    planner_pages(planner, &ask, 2);
    planner_done(planner, &ask, false, START_MS);
    g_assert_cmpint(planner_changes_read_ms(planner), ==, START_MS - 30 * MS_PER_HOUR);
    g_assert_true(planner_next(planner, START_MS + 1, &ask));
    g_assert_true(ask.kind == ASK_CHANGES && ask.page == 2);
    g_assert_cmpint(ask.since_ms, ==, START_MS - 30 * MS_PER_HOUR); /* the round's, not page 1's */
    planner_done(planner, &ask, false, START_MS + 1);
    g_assert_cmpint(planner_changes_read_ms(planner), ==, START_MS);
    g_assert_false(planner_next(planner, START_MS + 2, &ask));
    planner_free(planner);

    planner = planner_of(10);
    settle(planner, 1, 5, START_MS);
    planner_restore_changes(planner, START_MS - PLANNER_CHANGES_SPAN_MS - 1);
    while (planner_next(planner, START_MS, &ask) && ask.kind != ASK_CHANGES)
        ;
    g_assert_cmpint(ask.since_ms, ==, 0);
    g_assert_true(planner_find(planner, 1)->stale);
    planner_free(planner);
}

/* What was saved goes on where it was; a clock that was ahead then doesn't silence it now. */
static void test_restart_and_a_clock_put_back(void)
{
    struct planner *planner = planner_of(2);
    struct ask ask;
    settle(planner, 1, 5, START_MS);
    settle(planner, 2, 5, START_MS + 365 * MS_PER_DAY); /* saved by a clock a year ahead */
    settle(planner, 3, 9, START_MS);                    /* there are two already */
    g_assert_cmpuint(planner_tracked(planner), ==, 2);
    g_assert_cmpuint(planner_unsaved(planner), ==, 0);
    g_assert_false(next_about_movies(planner, START_MS, &ask));
    g_assert_true(next_about_movies(planner, START_MS + OBSERVE_MS, &ask));
    g_assert_cmpint(ask.movie_id, ==, 1);
    answer_movie(planner, &ask, START_MS + OBSERVE_MS);
    g_assert_true(next_about_movies(planner, START_MS + OBSERVE_MS, &ask));
    g_assert_cmpint(ask.movie_id, ==, 2);
    answer_movie(planner, &ask, START_MS + OBSERVE_MS);
    /* The clock goes back by a day while it runs. */
    int64_t back_ms = START_MS - MS_PER_DAY;
    g_assert_false(next_about_movies(planner, back_ms, &ask));
    g_assert_true(planner_next(planner, back_ms + OBSERVE_MS, &ask));
    g_assert_true(ask.kind == ASK_LIST && ask.list == LIST_POPULAR);
    planner_done(planner, &ask, false, back_ms + OBSERVE_MS);
    g_assert_true(next_about_movies(planner, back_ms + OBSERVE_MS, &ask));
    g_assert_cmpint(ask.movie_id, ==, 1);
    planner_free(planner);
}

static void collect(int32_t movie_id, const struct tracked_movie *movie, void *user)
{
    g_string_append_printf(user, "%d%s ", movie_id, movie ? "" : "-");
}

static void test_only_what_changed_is_saved(void)
{
    struct planner *planner = planner_of(10);
    g_autoptr(GString) seen = g_string_new(NULL);
    settle(planner, 1, 5, START_MS);
    settle(planner, 2, 5, START_MS);
    planner_observed(planner, 2, 6, false, START_MS);
    planner_each_unsaved(planner, collect, seen);
    g_assert_cmpstr(seen->str, ==, "2 ");
    planner_saved(planner);
    planner_forget(planner, 1);
    g_string_truncate(seen, 0);
    planner_each_unsaved(planner, collect, seen);
    g_assert_cmpstr(seen->str, ==, "1- ");
    planner_free(planner);
}

/* The cost of an ask doesn't grow with what is tracked: 100,000 movies, all due. */
static void test_many_movies(void)
{
    struct planner *planner = planner_of(MANY_MOVIES);
    struct clock *clock = clock_new_real();
    struct ask ask;
    for (int32_t id = 1; id <= MANY_MOVIES; id++)
        settle(planner, id, id % 1000, START_MS - OBSERVE_MS - id);
    next_about_movies(planner, START_MS, &ask);
    answer_movie(planner, &ask, START_MS);
    int64_t started_us = clock_monotonic_us(clock);
    for (int i = 1; i < MANY_MOVIES; i++) {
        g_assert_true(next_about_movies(planner, START_MS, &ask));
        answer_movie(planner, &ask, START_MS);
    }
    g_test_message("100,000 movies: %.2f us an ask with its answer",
                   (double)(clock_monotonic_us(clock) - started_us) / MANY_MOVIES);
    g_assert_false(next_about_movies(planner, START_MS, &ask));
    /* Each newcomer evicts one. */
    started_us = clock_monotonic_us(clock);
    for (int32_t id = 1; id <= MANY_MOVIES; id++)
        g_assert_nonnull(planner_observed(planner, MANY_MOVIES + id, 1e6, false, START_MS));
    g_test_message("100,000 movies: %.2f us an eviction",
                   (double)(clock_monotonic_us(clock) - started_us) / MANY_MOVIES);
    g_assert_cmpuint(planner_tracked(planner), ==, MANY_MOVIES);
    g_assert_null(planner_find(planner, 1));
    clock_free(clock);
    planner_free(planner);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/planner/order_at_the_start", test_order_at_the_start);
    g_test_add_func("/planner/intervals", test_intervals);
    g_test_add_func("/planner/movies_in_order", test_movies_in_order);
    g_test_add_func("/planner/the_popular_list_saves_requests",
                    test_the_popular_list_saves_requests);
    g_test_add_func("/planner/whole_answers", test_whole_answers);
    g_test_add_func("/planner/reviews_adapt", test_reviews_adapt);
    g_test_add_func("/planner/the_least_popular_leave", test_the_least_popular_leave);
    g_test_add_func("/planner/failures", test_failures);
    g_test_add_func("/planner/nobody_starves", test_nobody_starves);
    g_test_add_func("/planner/changes_after_a_pause", test_changes_after_a_pause);
    g_test_add_func("/planner/restart_and_a_clock_put_back", test_restart_and_a_clock_put_back);
    g_test_add_func("/planner/only_what_changed_is_saved", test_only_what_changed_is_saved);
    g_test_add_func("/planner/many_movies", test_many_movies);
    return g_test_run();
}

/* Each tracked movie stands in up to three heaps: movie_due (its own request), reviews_due, and
 * rank (who leaves first); it is out of a heap while a request of that kind is under way, and out
 * of rank while any is, because an answer will look for it. Every change of a movie goes through
 * movie_touched, which puts it where it belongs. */
#include "ingest/planner.h"

#include "ingest/source.h"
#include "model/record.h"
#include "model/tmdb.h"

enum { SOURCE_LATEST = LIST_COUNT, SOURCE_CHANGES, SOURCE_COUNT };

/* Movies without facts come before all that are merely due, in the order in which they were seen.
 */
#define KEY_NEW (INT64_MIN / 2)

struct planner {
    struct planner_options options;
    struct source sources[SOURCE_COUNT];
    GHashTable *movies;  /* movie_id -> struct tracked_movie */
    GHashTable *unsaved; /* set of movie_id */
    GHashTable *popular; /* set of movie_id: what the popular list showed last */
    struct due_heap movies_due, reviews_due, ranks;
    int64_t changes_read_ms, changes_since_ms;
    int64_t now_ms; /* the latest that planner_next was given */
    uint64_t turn;
};

struct planner *planner_new(const struct planner_options *options)
{
    g_assert(options->observe_interval_ms > 0 && options->list_interval_ms > 0 &&
             options->changes_interval_ms > 0);
    struct planner *planner = g_new0(struct planner, 1);
    planner->options = *options;
    for (int i = 0; i < LIST_COUNT; i++)
        source_init(&planner->sources[i],
                    i == LIST_POPULAR ? options->observe_interval_ms : options->list_interval_ms,
                    options->list_pages, false);
    source_init(&planner->sources[SOURCE_LATEST], options->list_interval_ms, 1, false);
    source_init(&planner->sources[SOURCE_CHANGES], options->changes_interval_ms, TMDB_PAGE_MAX,
                true);
    planner->movies = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    planner->unsaved = g_hash_table_new(NULL, NULL);
    planner->popular = g_hash_table_new(NULL, NULL);
    due_heap_init(&planner->movies_due);
    due_heap_init(&planner->reviews_due);
    due_heap_init(&planner->ranks);
    /* What was restored may come from a clock that was ahead: the first call looks. */
    planner->now_ms = INT64_MAX;
    return planner;
}

void planner_free(struct planner *planner)
{
    if (!planner)
        return;
    for (int i = 0; i < SOURCE_COUNT; i++)
        source_clear(&planner->sources[i]);
    due_heap_clear(&planner->movies_due);
    due_heap_clear(&planner->reviews_due);
    due_heap_clear(&planner->ranks);
    g_hash_table_unref(planner->popular);
    g_hash_table_unref(planner->unsaved);
    g_hash_table_unref(planner->movies);
    g_free(planner);
}

/* ---- movies ---- */

static struct tracked_movie *find(const struct planner *planner, int32_t movie_id)
{
    return g_hash_table_lookup(planner->movies, GINT_TO_POINTER(movie_id));
}

const struct tracked_movie *planner_find(const struct planner *planner, int32_t movie_id)
{
    return find(planner, movie_id);
}

size_t planner_tracked(const struct planner *planner)
{
    return g_hash_table_size(planner->movies);
}

/* When the movie's own request is due. A changed one is due since its last observation, so it comes
 * before the others, yet never starves them when the budget is too small for all. */
static int64_t movie_key(const struct planner *planner, const struct tracked_movie *movie)
{
    int64_t interval_ms = planner->options.observe_interval_ms;
    int64_t key = source_next_multiple(movie->observed_ms, interval_ms);
    if (movie->by_popular)
        key += interval_ms / PLANNER_POPULAR_GRACE;
    if (movie->not_before_ms)
        return MAX(key, movie->not_before_ms);
    if (!movie->facts_hash)
        return KEY_NEW + movie->observed_ms;
    return movie->stale ? movie->observed_ms : key;
}

static void movie_place(struct planner *planner, struct tracked_movie *movie)
{
    if (movie->movie_asked)
        due_heap_remove(&planner->movies_due, &movie->movie_due);
    else
        due_heap_put(&planner->movies_due, &movie->movie_due, movie_key(planner, movie),
                     movie->movie_id);
    /* Facts first: they say whether the movie is in scope at all. */
    if (movie->reviews_asked || !movie->facts_hash)
        due_heap_remove(&planner->reviews_due, &movie->reviews_due);
    else
        due_heap_put(&planner->reviews_due, &movie->reviews_due, movie->reviews_due_ms,
                     movie->movie_id);
    if (movie->movie_asked || movie->reviews_asked)
        due_heap_remove(&planner->ranks, &movie->rank);
    else /* of equals the higher id leaves */
        due_heap_put(&planner->ranks, &movie->rank, e4_from_double(movie->popularity),
                     -(int64_t)movie->movie_id);
}

static void movie_touched(struct planner *planner, struct tracked_movie *movie)
{
    movie_place(planner, movie);
    g_hash_table_add(planner->unsaved, GINT_TO_POINTER(movie->movie_id));
}

static struct tracked_movie *movie_add(struct planner *planner, int32_t movie_id)
{
    struct tracked_movie *movie = g_new0(struct tracked_movie, 1);
    movie->movie_id = movie_id;
    movie->reviews_interval_ms = REVIEWS_INTERVAL_MS_FIRST;
    g_hash_table_insert(planner->movies, GINT_TO_POINTER(movie_id), movie);
    return movie;
}

void planner_forget(struct planner *planner, int32_t movie_id)
{
    struct tracked_movie *movie = find(planner, movie_id);
    if (!movie)
        return;
    due_heap_remove(&planner->movies_due, &movie->movie_due);
    due_heap_remove(&planner->reviews_due, &movie->reviews_due);
    due_heap_remove(&planner->ranks, &movie->rank);
    g_hash_table_remove(planner->movies, GINT_TO_POINTER(movie_id));
    g_hash_table_add(planner->unsaved, GINT_TO_POINTER(movie_id));
}

/* Makes room for a movie of this popularity; false where it isn't popular enough. */
static bool make_room(struct planner *planner, double popularity)
{
    if (planner_tracked(planner) < planner->options.movies_max)
        return true;
    struct due_item *least = due_heap_first(&planner->ranks);
    if (!least || least->key >= e4_from_double(popularity))
        return false;
    planner_forget(planner, (int32_t)-least->tie);
    return true;
}

const struct tracked_movie *planner_observed(
    struct planner *planner, int32_t movie_id, double popularity, bool by_popular, int64_t now_ms)
{
    struct tracked_movie *movie = find(planner, movie_id);
    if (!movie && !make_room(planner, popularity))
        return NULL;
    if (!movie)
        movie = movie_add(planner, movie_id);
    movie->popularity = popularity;
    if (by_popular) {
        movie->by_popular = true; /* until a round goes by without it */
        g_hash_table_add(planner->popular, GINT_TO_POINTER(movie_id));
    }
    movie->observed_ms = MAX(movie->observed_ms, now_ms);
    movie_touched(planner, movie);
    return movie;
}

void planner_changed(struct planner *planner, int32_t movie_id, int64_t now_ms)
{
    struct tracked_movie *movie = find(planner, movie_id);
    if (!movie || movie->stale || now_ms - movie->whole_ms < PLANNER_CHANGED_INTERVAL_MS)
        return;
    movie->stale = true;
    movie_touched(planner, movie);
}

void planner_facts_read(
    struct planner *planner, int32_t movie_id, uint64_t facts_hash, bool whole, int64_t now_ms)
{
    struct tracked_movie *movie = find(planner, movie_id);
    if (!movie)
        return;
    if (whole) {
        movie->stale = false;
        movie->whole_ms = now_ms;
    } else if (facts_hash != movie->facts_hash) {
        movie->stale = true;
    }
    movie->facts_hash = facts_hash;
    movie_touched(planner, movie);
}

void planner_reviews_fresh(struct planner *planner, int32_t movie_id)
{
    struct tracked_movie *movie = find(planner, movie_id);
    if (movie)
        movie->reviews_fresh = true;
}

/* ---- asking ---- */

static bool next_movie(struct planner *planner, int64_t now_ms, struct ask *ret_ask)
{
    struct due_item *due = due_heap_first(&planner->movies_due);
    if (!due || due->key > now_ms)
        return false;
    struct tracked_movie *movie = find(planner, (int32_t)due->tie);
    movie->movie_asked = true;
    movie_place(planner, movie);
    *ret_ask = (struct ask){
        .kind = ASK_MOVIE,
        .movie_id = movie->movie_id,
        .whole = !movie->facts_hash || movie->stale ||
                 now_ms - movie->whole_ms >= planner->options.whole_interval_ms,
    };
    return true;
}

static bool next_reviews(struct planner *planner, int64_t now_ms, struct ask *ret_ask)
{
    struct due_item *due = due_heap_first(&planner->reviews_due);
    if (!due || due->key > now_ms)
        return false;
    struct tracked_movie *movie = find(planner, (int32_t)due->tie);
    movie->reviews_asked = true;
    movie->reviews_fresh = false;
    movie_place(planner, movie);
    *ret_ask = (struct ask){.kind = ASK_REVIEWS, .movie_id = movie->movie_id, .page = 1};
    return true;
}

static bool next_list(struct planner *planner, int64_t now_ms, struct ask *ret_ask)
{
    int32_t page;
    for (int i = 0; i < LIST_COUNT; i++)
        if (source_next(&planner->sources[i], now_ms, &page)) {
            *ret_ask = (struct ask){.kind = ASK_LIST, .list = (enum ask_list)i, .page = page};
            return true;
        }
    if (!source_next(&planner->sources[SOURCE_LATEST], now_ms, &page))
        return false;
    *ret_ask = (struct ask){.kind = ASK_LATEST, .page = page};
    return true;
}

static void all_stale(struct planner *planner)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, planner->movies);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        ((struct tracked_movie *)value)->stale = true;
        movie_touched(planner, value);
    }
}

static bool next_changes(struct planner *planner, int64_t now_ms, struct ask *ret_ask)
{
    int32_t page;
    if (!source_next(&planner->sources[SOURCE_CHANGES], now_ms, &page))
        return false;
    if (page == 1) {
        int64_t pause_ms = planner->changes_read_ms ? now_ms - planner->changes_read_ms : 0;
        bool dated = pause_ms > PLANNER_CHANGES_DEFAULT_MS && pause_ms <= PLANNER_CHANGES_SPAN_MS;
        planner->changes_since_ms = dated ? planner->changes_read_ms : 0;
        if (pause_ms > PLANNER_CHANGES_SPAN_MS)
            all_stale(planner);
    }
    *ret_ask =
        (struct ask){.kind = ASK_CHANGES, .page = page, .since_ms = planner->changes_since_ms};
    if (ret_ask->since_ms)
        ret_ask->until_ms = planner->sources[SOURCE_CHANGES].round_ms;
    return true;
}

/* Only when the world's clock was put back; costs a look at everything. */
static void rewind_to(struct planner *planner, int64_t now_ms)
{
    GHashTableIter iter;
    void *value;
    for (int i = 0; i < SOURCE_COUNT; i++)
        source_rewind(&planner->sources[i], now_ms);
    planner->changes_read_ms = MIN(planner->changes_read_ms, now_ms);
    g_hash_table_iter_init(&iter, planner->movies);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct tracked_movie *movie = value;
        movie->observed_ms = MIN(movie->observed_ms, now_ms);
        movie->whole_ms = MIN(movie->whole_ms, now_ms);
        movie->not_before_ms = MIN(movie->not_before_ms, now_ms);
        movie->reviews_due_ms = MIN(movie->reviews_due_ms, now_ms + movie->reviews_interval_ms);
        movie_place(planner, movie);
    }
}

bool planner_next(struct planner *planner, int64_t now_ms, struct ask *ret_ask)
{
    if (now_ms < planner->now_ms - PLANNER_CLOCK_BACK_MS) {
        rewind_to(planner, now_ms);
        planner->now_ms = now_ms;
    }
    planner->now_ms = MAX(planner->now_ms, now_ms);
    if (next_list(planner, now_ms, ret_ask) || next_changes(planner, now_ms, ret_ask))
        return true;
    bool reviews_first = planner->turn % PLANNER_REVIEWS_TURN == PLANNER_REVIEWS_TURN - 1;
    bool asked = (reviews_first && next_reviews(planner, now_ms, ret_ask)) ||
                 next_movie(planner, now_ms, ret_ask) || next_reviews(planner, now_ms, ret_ask);
    planner->turn += asked;
    return asked;
}

static struct source *ask_source(struct planner *planner, const struct ask *ask)
{
    switch (ask->kind) {
    case ASK_LIST:
        return &planner->sources[ask->list];
    case ASK_LATEST:
        return &planner->sources[SOURCE_LATEST];
    case ASK_CHANGES:
        return &planner->sources[SOURCE_CHANGES];
    default:
        return NULL;
    }
}

void planner_pages(struct planner *planner, const struct ask *ask, int32_t total_pages)
{
    source_pages(ask_source(planner, ask), ask->page, total_pages);
}

static void
movie_done(struct planner *planner, struct tracked_movie *movie, bool failed, int64_t now_ms)
{
    movie->movie_asked = false;
    movie->not_before_ms =
        failed ? now_ms + PLANNER_FAILURE_INTERVALS * planner->options.observe_interval_ms : 0;
    movie_touched(planner, movie);
}

static void
reviews_done(struct planner *planner, struct tracked_movie *movie, bool failed, int64_t now_ms)
{
    movie->reviews_asked = false;
    if (failed) {
        movie->reviews_due_ms =
            now_ms + PLANNER_FAILURE_INTERVALS * planner->options.observe_interval_ms;
    } else {
        int64_t interval_ms =
            movie->reviews_fresh ? movie->reviews_interval_ms / 2 : movie->reviews_interval_ms * 2;
        movie->reviews_interval_ms =
            CLAMP(interval_ms, REVIEWS_INTERVAL_MS_MIN, REVIEWS_INTERVAL_MS_MAX);
        movie->reviews_due_ms = now_ms + movie->reviews_interval_ms;
    }
    movie_touched(planner, movie);
}

/* What this round of the popular list no longer showed has waited for nothing: it is due. */
static void popular_done(struct planner *planner, int64_t round_ms)
{
    GHashTableIter iter;
    void *movie_id;
    g_hash_table_iter_init(&iter, planner->popular);
    while (g_hash_table_iter_next(&iter, &movie_id, NULL)) {
        struct tracked_movie *movie = find(planner, GPOINTER_TO_INT(movie_id));
        if (movie && movie->observed_ms >= round_ms)
            continue;
        if (movie) {
            movie->by_popular = false;
            movie_place(planner, movie);
        }
        g_hash_table_iter_remove(&iter);
    }
}

void planner_done(struct planner *planner, const struct ask *ask, bool failed, int64_t now_ms)
{
    struct source *source = ask_source(planner, ask);
    if (source) {
        bool round_done = source_done(source, ask->page, failed, now_ms);
        if (round_done && ask->kind == ASK_CHANGES)
            planner->changes_read_ms = source->round_ms;
        if (round_done && source == &planner->sources[LIST_POPULAR])
            popular_done(planner, source->round_ms);
        return;
    }
    struct tracked_movie *movie = find(planner, ask->movie_id);
    if (!movie)
        return;
    if (ask->kind == ASK_MOVIE)
        movie_done(planner, movie, failed, now_ms);
    else if (ask->kind == ASK_REVIEWS)
        reviews_done(planner, movie, failed, now_ms);
}

/* ---- for restarts ---- */

int64_t planner_changes_read_ms(const struct planner *planner)
{
    return planner->changes_read_ms;
}

void planner_restore_changes(struct planner *planner, int64_t changes_read_ms)
{
    planner->changes_read_ms = changes_read_ms;
}

void planner_restore(struct planner *planner, const struct tracked_movie *saved)
{
    struct tracked_movie *movie = find(planner, saved->movie_id);
    if (!movie) {
        if (planner_tracked(planner) >= planner->options.movies_max)
            return;
        movie = movie_add(planner, saved->movie_id);
    }
    movie->popularity = saved->popularity;
    movie->observed_ms = saved->observed_ms;
    movie->facts_hash = saved->facts_hash;
    movie->stale = saved->stale;
    movie->whole_ms = saved->whole_ms;
    movie->reviews_due_ms = saved->reviews_due_ms;
    movie->reviews_interval_ms =
        CLAMP(saved->reviews_interval_ms, REVIEWS_INTERVAL_MS_MIN, REVIEWS_INTERVAL_MS_MAX);
    movie_place(planner, movie);
}

void planner_each_unsaved(struct planner *planner,
                          void (*fn)(int32_t movie_id,
                                     const struct tracked_movie *movie,
                                     void *user),
                          void *user)
{
    GHashTableIter iter;
    void *movie_id;
    g_hash_table_iter_init(&iter, planner->unsaved);
    while (g_hash_table_iter_next(&iter, &movie_id, NULL))
        fn(GPOINTER_TO_INT(movie_id), find(planner, GPOINTER_TO_INT(movie_id)), user);
}

size_t planner_unsaved(const struct planner *planner)
{
    return g_hash_table_size(planner->unsaved);
}

void planner_saved(struct planner *planner)
{
    g_hash_table_remove_all(planner->unsaved);
}

#include "ingest/planner.h"

#include "model/tmdb.h"

/* One paged source: a list, or the changes. */
struct source {
    int64_t interval_ms;
    int64_t due_ms;    /* when page 1 is due again */
    int32_t next_page; /* 0: nothing of this round is left to ask */
    int32_t pages_max;
    int32_t under_way;
};

struct planner {
    struct planner_options options;
    struct source lists[LIST_COUNT];
    struct source changes;
    GHashTable *movies; /* movie_id -> struct tracked_movie */
    uint64_t turn;
};

static struct source source_new(int64_t interval_ms, int32_t pages_max)
{
    return (struct source){.interval_ms = interval_ms, .pages_max = pages_max};
}

struct planner *planner_new(const struct planner_options *options)
{
    struct planner *planner = g_new0(struct planner, 1);
    planner->options = *options;
    for (int list = 0; list < LIST_COUNT; list++)
        planner->lists[list] = source_new(options->list_interval_ms, options->list_pages);
    planner->lists[LIST_POPULAR].interval_ms = options->observe_interval_ms;
    planner->changes = source_new(options->changes_interval_ms, 1);
    planner->movies = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return planner;
}

void planner_free(struct planner *planner)
{
    if (!planner)
        return;
    g_hash_table_unref(planner->movies);
    g_free(planner);
}

/* ---- sources ---- */

static bool source_next(struct source *source, int64_t now_ms, int32_t *ret_page)
{
    if (!source->next_page) {
        /* A new round begins only when the last one has been answered. */
        if (now_ms < source->due_ms || source->under_way)
            return false;
        source->next_page = 1;
        source->due_ms = now_ms + source->interval_ms;
    }
    *ret_page = source->next_page;
    source->next_page = source->next_page < source->pages_max ? source->next_page + 1 : 0;
    source->under_way++;
    return true;
}

static struct source *ask_source(struct planner *planner, const struct ask *ask)
{
    return ask->kind == ASK_LIST ? &planner->lists[ask->list] : &planner->changes;
}

void planner_pages(struct planner *planner, const struct ask *ask, int32_t total_pages)
{
    struct source *source = ask_source(planner, ask);
    if (ask->kind == ASK_CHANGES) {
        source->pages_max = CLAMP(total_pages, 1, TMDB_PAGE_MAX);
        if (ask->page == 1 && source->pages_max > 1 && !source->next_page)
            source->next_page = 2;
    } else if (source->next_page > total_pages) {
        source->next_page = 0; /* a list that is shorter than what the settings ask for */
    }
}

/* ---- movies ---- */

struct tracked_movie *planner_find(struct planner *planner, int32_t movie_id)
{
    return g_hash_table_lookup(planner->movies, GINT_TO_POINTER(movie_id));
}

size_t planner_tracked(const struct planner *planner)
{
    return g_hash_table_size(planner->movies);
}

void planner_each(struct planner *planner,
                  void (*fn)(const struct tracked_movie *movie, void *user),
                  void *user)
{
    GHashTableIter iter;
    void *movie;
    g_hash_table_iter_init(&iter, planner->movies);
    while (g_hash_table_iter_next(&iter, NULL, &movie))
        fn(movie, user);
}

static struct tracked_movie *least_popular(struct planner *planner)
{
    GHashTableIter iter;
    void *value;
    struct tracked_movie *least = NULL;
    g_hash_table_iter_init(&iter, planner->movies);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct tracked_movie *movie = value;
        if (movie->movie_asked || movie->reviews_asked)
            continue; /* its answer will look for it */
        if (!least || movie->popularity < least->popularity ||
            (movie->popularity == least->popularity && movie->movie_id > least->movie_id))
            least = movie;
    }
    return least;
}

static struct tracked_movie *movie_add(struct planner *planner, int32_t movie_id)
{
    struct tracked_movie *movie = g_new0(struct tracked_movie, 1);
    movie->movie_id = movie_id;
    movie->reviews_interval_ms = REVIEWS_INTERVAL_MS_FIRST;
    g_hash_table_insert(planner->movies, GINT_TO_POINTER(movie_id), movie);
    return movie;
}

struct tracked_movie *
planner_observed(struct planner *planner, int32_t movie_id, double popularity, int64_t now_ms)
{
    struct tracked_movie *movie = planner_find(planner, movie_id);
    if (!movie) {
        if (planner_tracked(planner) >= planner->options.movies_max) {
            struct tracked_movie *least = least_popular(planner);
            if (!least || least->popularity >= popularity)
                return NULL;
            g_hash_table_remove(planner->movies, GINT_TO_POINTER(least->movie_id));
        }
        movie = movie_add(planner, movie_id);
    }
    movie->popularity = popularity;
    movie->observed_ms = MAX(movie->observed_ms, now_ms);
    return movie;
}

void planner_forget(struct planner *planner, int32_t movie_id)
{
    g_hash_table_remove(planner->movies, GINT_TO_POINTER(movie_id));
}

void planner_changed(struct planner *planner, int32_t movie_id)
{
    struct tracked_movie *movie = planner_find(planner, movie_id);
    if (movie)
        movie->stale = true;
}

void planner_reviews_read(struct planner *planner, int32_t movie_id, bool fresh, int64_t now_ms)
{
    struct tracked_movie *movie = planner_find(planner, movie_id);
    if (!movie)
        return;
    int64_t interval_ms = fresh ? movie->reviews_interval_ms / 2 : movie->reviews_interval_ms * 2;
    movie->reviews_interval_ms =
        CLAMP(interval_ms, REVIEWS_INTERVAL_MS_MIN, REVIEWS_INTERVAL_MS_MAX);
    movie->reviews_due_ms = now_ms + movie->reviews_interval_ms;
}

void planner_restore(struct planner *planner, const struct tracked_movie *saved)
{
    struct tracked_movie *movie = planner_find(planner, saved->movie_id);
    if (!movie) {
        if (planner_tracked(planner) >= planner->options.movies_max)
            return;
        movie = movie_add(planner, saved->movie_id);
    }
    *movie = *saved;
    movie->movie_asked = movie->reviews_asked = false;
    movie->not_before_ms = 0;
}

/* How much a movie's request is wanted: 0 not now; new and changed ones first, then the longest
 * unobserved. */
static int64_t
movie_urgency(const struct planner *planner, const struct tracked_movie *movie, int64_t now_ms)
{
    if (movie->movie_asked || now_ms < movie->not_before_ms)
        return 0;
    int64_t age_ms = now_ms - movie->observed_ms;
    if (!movie->facts_hash || movie->stale)
        return INT64_MAX / 2 + age_ms / 2;
    return age_ms >= planner->options.observe_interval_ms ? age_ms : 0;
}

static bool next_movie(struct planner *planner, int64_t now_ms, struct ask *ret_ask)
{
    GHashTableIter iter;
    void *value;
    struct tracked_movie *best = NULL;
    int64_t best_urgency = 0;
    g_hash_table_iter_init(&iter, planner->movies);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        int64_t urgency = movie_urgency(planner, value, now_ms);
        if (urgency > best_urgency) {
            best = value;
            best_urgency = urgency;
        }
    }
    if (!best)
        return false;
    best->movie_asked = true;
    *ret_ask = (struct ask){.kind = ASK_MOVIE, .movie_id = best->movie_id};
    return true;
}

static bool next_reviews(struct planner *planner, int64_t now_ms, struct ask *ret_ask)
{
    GHashTableIter iter;
    void *value;
    struct tracked_movie *best = NULL;
    g_hash_table_iter_init(&iter, planner->movies);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct tracked_movie *movie = value;
        /* Facts first: they say whether the movie is in scope at all. */
        if (movie->reviews_asked || !movie->facts_hash || movie->reviews_due_ms > now_ms ||
            now_ms < movie->not_before_ms)
            continue;
        if (!best || movie->reviews_due_ms < best->reviews_due_ms)
            best = movie;
    }
    if (!best)
        return false;
    best->reviews_asked = true;
    *ret_ask = (struct ask){.kind = ASK_REVIEWS, .movie_id = best->movie_id, .page = 1};
    return true;
}

bool planner_next(struct planner *planner, int64_t now_ms, struct ask *ret_ask)
{
    int32_t page;
    for (int list = 0; list < LIST_COUNT; list++)
        if (source_next(&planner->lists[list], now_ms, &page)) {
            *ret_ask = (struct ask){.kind = ASK_LIST, .list = (enum ask_list)list, .page = page};
            return true;
        }
    if (source_next(&planner->changes, now_ms, &page)) {
        *ret_ask = (struct ask){.kind = ASK_CHANGES, .page = page};
        return true;
    }
    bool reviews_first = ++planner->turn % PLANNER_REVIEWS_TURN == 0;
    if (reviews_first && next_reviews(planner, now_ms, ret_ask))
        return true;
    return next_movie(planner, now_ms, ret_ask) ||
           (!reviews_first && next_reviews(planner, now_ms, ret_ask));
}

void planner_done(struct planner *planner, const struct ask *ask, bool failed, int64_t now_ms)
{
    if (ask->kind == ASK_LIST || ask->kind == ASK_CHANGES) {
        ask_source(planner, ask)->under_way--;
        return;
    }
    struct tracked_movie *movie = planner_find(planner, ask->movie_id);
    if (!movie || ask->kind == ASK_CREDITS || ask->kind == ASK_KEYWORDS)
        return;
    if (ask->kind == ASK_MOVIE)
        movie->movie_asked = false;
    else
        movie->reviews_asked = false;
    if (failed)
        movie->not_before_ms =
            now_ms + PLANNER_FAILURE_INTERVALS * planner->options.observe_interval_ms;
}

/* Planner: what to ask TMDB next, under one budget.
 *
 *   lists (popular ...) ─► which movies there are, and an observation of twenty movies for one
 * request changes             ─► whose facts are stale movies              ─► facts of the new and
 * the changed; observations of those that no list shows any more reviews             ─► of movies
 * that get them: asked sooner where something new came, later where nothing did
 *
 * It only decides and remembers: no network, no storage, time is given. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

struct planner;

enum ask_kind {
    ASK_LIST,
    ASK_CHANGES,
    ASK_MOVIE,
    ASK_REVIEWS,
    /* Single calls for a block that an answer to ASK_MOVIE lacked; the planner itself never asks
       for them. */
    ASK_CREDITS,
    ASK_KEYWORDS,
};

/* The lists that are read. popular comes at every observation, the others at every list interval.
 */
enum ask_list { LIST_POPULAR, LIST_TRENDING, LIST_NOW_PLAYING, LIST_TOP_RATED, LIST_COUNT };

struct ask {
    enum ask_kind kind;
    enum ask_list list; /* ASK_LIST */
    int32_t page;       /* ASK_LIST, ASK_CHANGES, ASK_REVIEWS: from 1 */
    int32_t movie_id;   /* all kinds about one movie */
};

struct planner_options {
    int64_t observe_interval_ms, list_interval_ms, changes_interval_ms; /* world time */
    int32_t list_pages;
    size_t movies_max; /* tracked; the most popular are kept */
};

/* What is remembered of a movie, also across restarts (ingest_state.h). */
struct tracked_movie {
    int32_t movie_id;
    double popularity;
    int64_t observed_ms;    /* last observation; 0: never */
    uint64_t facts_hash;    /* of the metadata published last; 0: none yet */
    bool stale;             /* its facts may have changed */
    int64_t reviews_due_ms; /* when its reviews are asked for next */
    int64_t reviews_interval_ms;
    bool movie_asked, reviews_asked; /* a request is under way */
    int64_t not_before_ms;           /* after a failure */
};

/* How often a movie's reviews are asked for: halves when something new came, doubles when not. */
#define REVIEWS_INTERVAL_MS_MIN   (INT64_C(30) * 60 * 1000)
#define REVIEWS_INTERVAL_MS_MAX   (INT64_C(7) * 24 * 60 * 60 * 1000)
#define REVIEWS_INTERVAL_MS_FIRST (INT64_C(4) * 60 * 60 * 1000)
/* Every so many asks the reviews go first, so that observations never starve them. */
#define PLANNER_REVIEWS_TURN 4
/* A movie whose request failed for good is left alone for so many observation intervals. */
#define PLANNER_FAILURE_INTERVALS 3

struct planner *planner_new(const struct planner_options *options);
void planner_free(struct planner *planner); /* accepts NULL */

/* What is due at now_ms and not under way; false when nothing is. The ask counts as under way until
 * planner_done. */
bool planner_next(struct planner *planner, int64_t now_ms, struct ask *ret_ask);

/* The ask is over. failed: it is due again after a while. */
void planner_done(struct planner *planner, const struct ask *ask, bool failed, int64_t now_ms);

/* A list of changes has total_pages pages: asks for the rest (at most TMDB's own limit). */
void planner_pages(struct planner *planner, const struct ask *ask, int32_t total_pages);

/* A movie was seen. Tracks it where it is new; the least popular one leaves when there are too
 * many. NULL where it was not popular enough to be kept. The pointer lives until the next call. */
struct tracked_movie *
planner_observed(struct planner *planner, int32_t movie_id, double popularity, int64_t now_ms);

/* NULL where it isn't tracked. */
struct tracked_movie *planner_find(struct planner *planner, int32_t movie_id);

/* It is out of scope, or TMDB no longer has it. */
void planner_forget(struct planner *planner, int32_t movie_id);

/* Its facts changed at TMDB; no effect on movies that aren't tracked. */
void planner_changed(struct planner *planner, int32_t movie_id);

/* Its reviews were read: fresh says whether something new was among them. */
void planner_reviews_read(struct planner *planner, int32_t movie_id, bool fresh, int64_t now_ms);

/* For restarts. The restored movie replaces one with the same id. */
void planner_restore(struct planner *planner, const struct tracked_movie *movie);
void planner_each(struct planner *planner,
                  void (*fn)(const struct tracked_movie *movie, void *user),
                  void *user);
size_t planner_tracked(const struct planner *planner);

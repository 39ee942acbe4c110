/* Planner: what to ask TMDB next, under one budget.
 *
 *   lists (popular ...)   which movies there are, and an observation of twenty for one request
 *   latest                the newest movie of all
 *   changes               whose facts are stale
 *   movies                facts of the new and the changed; observations of those on no list
 *   reviews               of movies that get them: sooner where something new came, else later
 *
 * It only decides and remembers: no network, no storage, time is given. The order is: lists,
 * latest, changes; then movies, longest due first, every fourth turn the reviews before them. What
 * it keeps is bounded by movies_max. What changed since the last save is known, so that saving
 * costs what happened, not what there is. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "ingest/due_heap.h"

struct planner;

enum ask_kind {
    ASK_LIST,
    ASK_LATEST,
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
    int32_t page;       /* of all that has pages, from 1 */
    int32_t movie_id;   /* all kinds about one movie */
    bool whole;         /* ASK_MOVIE: with credits and keywords, for bronze; else an observation */
    int64_t since_ms, until_ms; /* ASK_CHANGES: other than the last 24 hours; both 0: those */
};

struct planner_options {
    int64_t observe_interval_ms, list_interval_ms, changes_interval_ms; /* world time */
    int64_t whole_interval_ms; /* how often the whole answer of a movie is wanted at least */
    int32_t list_pages;
    size_t movies_max; /* tracked; the most popular are kept */
};

/* What is known of a movie. Callers read it; the planner's functions change it. */
struct tracked_movie {
    /* Remembered across restarts (ingest_state.h). */
    int32_t movie_id;
    double popularity;
    int64_t observed_ms;    /* last observation; 0: never */
    uint64_t facts_hash;    /* of the metadata published last; 0: none yet */
    bool stale;             /* its facts may have changed */
    int64_t whole_ms;       /* when the whole answer was read last; 0: never */
    int64_t reviews_due_ms; /* when its reviews are asked for next */
    int64_t reviews_interval_ms;

    bool movie_asked, reviews_asked; /* a request is under way */
    bool by_popular;                 /* the popular list showed it, and is likely to again */
    bool reviews_fresh;              /* the reviews that are being read have something new */
    int64_t not_before_ms;           /* the movie's own request, after a failure */
    struct due_item movie_due, reviews_due, rank; /* the planner's */
};

/* Observations are due at the multiples of their interval, so that each of the stream's windows
 * gets one of each movie and none is skipped by drift. What the popular list showed it is likely to
 * show again: its own request waits until the list has been read, but no longer than this part of
 * the interval. */
#define PLANNER_POPULAR_GRACE 10
/* How often a movie's reviews are asked for: halves when something new came, doubles when not. */
#define REVIEWS_INTERVAL_MS_MIN   (INT64_C(30) * 60 * 1000)
#define REVIEWS_INTERVAL_MS_MAX   (INT64_C(7) * 24 * 60 * 60 * 1000)
#define REVIEWS_INTERVAL_MS_FIRST (INT64_C(4) * 60 * 60 * 1000)
/* Every so many asks the reviews go first, so that observations never starve them. */
#define PLANNER_REVIEWS_TURN 4
/* A request about a movie that failed after all tries is left alone for so many observation
 * intervals. */
#define PLANNER_FAILURE_INTERVALS 3
/* /movie/changes names a movie for 24 hours after its change: not each naming is a new change. A
 * movie that is named is read again, but so often at most. */
#define PLANNER_CHANGED_INTERVAL_MS (INT64_C(60) * 60 * 1000)
/* The changes of the last 24 hours are what TMDB gives; after a longer pause they are asked for by
 * date, so many days back at most (a day has about 7,200, and an answer has at most 500 pages of
 * 100). After a still longer pause every movie is read again. */
#define PLANNER_CHANGES_DEFAULT_MS (INT64_C(23) * 60 * 60 * 1000)
#define PLANNER_CHANGES_SPAN_MS    (INT64_C(5) * 24 * 60 * 60 * 1000)
/* A clock that goes back further than this makes the planner forget what it thinks is due. */
#define PLANNER_CLOCK_BACK_MS (INT64_C(60) * 1000)

struct planner *planner_new(const struct planner_options *options);
void planner_free(struct planner *planner); /* accepts NULL */

/* What is due at now_ms and not under way; false when nothing is. The ask counts as under way until
 * planner_done. */
bool planner_next(struct planner *planner, int64_t now_ms, struct ask *ret_ask);

/* The ask is over (reviews: all of their pages). failed: it is due again after a while. */
void planner_done(struct planner *planner, const struct ask *ask, bool failed, int64_t now_ms);

/* The answer to a list or to the changes says how many pages there are. */
void planner_pages(struct planner *planner, const struct ask *ask, int32_t total_pages);

/* A movie was seen. Tracks it where it is new; the least popular one leaves when there are too
 * many. by_popular: by the list that is read at each observation, which will show it again. NULL
 * where it isn't popular enough to be kept. The pointer lives until the next call. */
const struct tracked_movie *planner_observed(
    struct planner *planner, int32_t movie_id, double popularity, bool by_popular, int64_t now_ms);

/* NULL where it isn't tracked. */
const struct tracked_movie *planner_find(const struct planner *planner, int32_t movie_id);

/* It is out of scope, or TMDB no longer has it. */
void planner_forget(struct planner *planner, int32_t movie_id);

/* Its facts changed at TMDB; no effect on movies that aren't tracked. */
void planner_changed(struct planner *planner, int32_t movie_id, int64_t now_ms);

/* Its facts were read. Where an observation shows other facts than the last, the whole answer is
 * wanted. No effect on movies that aren't tracked. */
void planner_facts_read(
    struct planner *planner, int32_t movie_id, uint64_t facts_hash, bool whole, int64_t now_ms);

/* Something new was among the reviews that are being read. */
void planner_reviews_fresh(struct planner *planner, int32_t movie_id);

size_t planner_tracked(const struct planner *planner);

/* ---- for restarts ---- */

/* When the changes were last read to the end; 0: never. */
int64_t planner_changes_read_ms(const struct planner *planner);
void planner_restore_changes(struct planner *planner, int64_t changes_read_ms);

/* The restored movie replaces one with the same id; no effect where there are movies_max. */
void planner_restore(struct planner *planner, const struct tracked_movie *movie);

/* Each movie that is other than at the last planner_saved; movie is NULL where it left. */
void planner_each_unsaved(struct planner *planner,
                          void (*fn)(int32_t movie_id,
                                     const struct tracked_movie *movie,
                                     void *user),
                          void *user);
size_t planner_unsaved(const struct planner *planner);
void planner_saved(struct planner *planner);

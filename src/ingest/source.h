/* Source: one paged list of TMDB that is read again and again, round by round.
 *
 *   page 1, 2, 3 ... asked ─► answered ─► the round is complete when every page has been answered
 *                       └──► failed ───► asked again after a while, until the next round is due
 *
 * Rounds are due at the multiples of the interval, the first at once. One begins when it is due and
 * no page of the last one is under way. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* Failed pages are asked again so many times a round, evenly spread. */
#define SOURCE_TRIES_PER_ROUND 4

struct source {
    int64_t interval_ms;
    int32_t pages_wanted; /* the most that a round reads */
    bool first_alone;     /* page 1 alone tells how many there are */
    int64_t due_ms;       /* when the next round may begin */
    int64_t round_ms;     /* when this one began */
    int32_t next_page;    /* 0: no page of this round is left that was not asked for */
    int32_t pages;        /* of this round */
    int32_t under_way;
    GArray *again; /* int32_t: pages that failed */
    int64_t again_ms;
};

/* The first multiple of interval_ms after time_ms >= 0. */
int64_t source_next_multiple(int64_t time_ms, int64_t interval_ms);

void source_init(struct source *source,
                 int64_t interval_ms,
                 int32_t pages_wanted,
                 bool first_alone);
void source_clear(struct source *source);

/* The page to ask for now; false when there is none. */
bool source_next(struct source *source, int64_t now_ms, int32_t *ret_page);

/* The answer to a page says how many pages there are. */
void source_pages(struct source *source, int32_t page, int32_t total_pages);

/* True when this was the last page of a round that was answered whole. */
bool source_done(struct source *source, int32_t page, bool failed, int64_t now_ms);

/* The clock was put back to now_ms: nothing is due later than it can be from now. */
void source_rewind(struct source *source, int64_t now_ms);

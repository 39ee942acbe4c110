/* Reviews: what people say about a movie over time, as a pure function of (seed, movie, time).
 *
 *   time   |  slot 0  |  slot 1  |  slot 2  |        one review a slot, at a moment of chance in
 * it; review |   x      |       x  | x        |        slots are shorter for popular movies
 *
 * So the number of reviews at t is a division, and review k can be written without its neighbours.
 * Some are edited later, once or twice: updated_at rises and the text changes. In a capture the
 * reviews are the captured ones, each from its created_at on. Oldest first, as TMDB gives them.
 *
 * Immutable after review_source_init; any thread. */
#pragma once

#include "tmdb_sim/evolution.h"

#define REVIEWS_PAGE_ITEMS 20
/* 2026-01-01T00:00:00Z: no made-up review is older. */
#define REVIEWS_BEGIN_MS INT64_C(1767225600000)

/* One movie's reviews. */
struct review_source {
    const struct catalogue *catalogue;
    const struct catalogue_movie *movie;
    uint64_t seed;
    int64_t slot_ms, first_slot;
    const char *director, *actor, *genre;
};

void review_source_init(struct review_source *source,
                        uint64_t seed,
                        const struct catalogue *catalogue,
                        const struct catalogue_movie *movie);
int64_t reviews_count(const struct review_source *source, int64_t time_ms);
/* Appends review number index (0: the oldest; below reviews_count) as it stands at time_ms. */
void review_write(const struct review_source *source, int64_t index, int64_t time_ms, GString *out);

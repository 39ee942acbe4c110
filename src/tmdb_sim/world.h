/* World: the whole catalogue at one instant, and its orders. A worker keeps the last few instants,
 * because the pages of a list, and lists asked for together, are of one instant.
 *
 * One world is shared by all workers and immutable; a struct worlds belongs to one worker. */
#pragma once

#include "tmdb_sim/bodies.h"
#include "tmdb_sim/reviews.h"

struct world {
    const struct catalogue *catalogue;
    uint64_t seed;
    struct course *courses;
    struct review_source *reviews;
    struct body *bodies; /* all by the catalogue's index */
    struct arena *arena;
};

struct world *world_new(const struct catalogue *catalogue,
                        uint64_t seed,
                        const struct planted_burst *planted, /* outlive the world */
                        size_t planted_count);
void world_free(struct world *world); /* accepts NULL */

enum world_list {
    WORLD_POPULAR,
    WORLD_TOP_RATED,
    WORLD_NOW_PLAYING,
    WORLD_UPCOMING,
    WORLD_TRENDING_DAY,
    WORLD_TRENDING_WEEK,
    WORLD_LIST_COUNT
};

/* Days around an instant in which a release counts as playing, as coming. */
#define NOW_PLAYING_DAYS 45
#define UPCOMING_DAYS    28

/* Movies of a list, in order, as indexes of the catalogue. */
struct world_order {
    uint32_t *movies;
    size_t count;
};

/* The instants that one worker remembers. */
struct worlds;
struct worlds *worlds_new(const struct world *world);
void worlds_free(struct worlds *worlds); /* accepts NULL */

/* The list at time_ms (cut to STATE_STEP_MS). Valid until the next call with the same worlds. */
const struct world_order *
worlds_order(struct worlds *worlds, int64_t time_ms, enum world_list list);
/* The state of each movie at time_ms, by the catalogue's index; validity as above. */
const struct movie_state *worlds_states(struct worlds *worlds, int64_t time_ms);

#include "tmdb_sim/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define INSTANTS_MAX 4
/* As TMDB: fewer votes don't make a movie top rated. */
#define TOP_RATED_VOTES_MIN 300

struct world *world_new(const struct catalogue *catalogue,
                        uint64_t seed,
                        const struct planted_burst *planted,
                        size_t planted_count)
{
    struct world *world = g_new0(struct world, 1);
    size_t count = catalogue->movies_count;
    world->catalogue = catalogue;
    world->seed = seed;
    world->arena = arena_new();
    world->courses = g_new0(struct course, count);
    world->reviews = g_new0(struct review_source, count);
    world->bodies = g_new0(struct body, count);
    for (size_t i = 0; i < count; i++) {
        const struct catalogue_movie *movie = &catalogue->movies[i];
        course_init(&world->courses[i], seed, movie, planted, planted_count);
        review_source_init(&world->reviews[i], seed, catalogue, movie);
        body_init(&world->bodies[i], movie, seed, world->arena);
    }
    return world;
}

void world_free(struct world *world)
{
    if (!world)
        return;
    arena_free(world->arena);
    g_free(world->courses);
    g_free(world->reviews);
    g_free(world->bodies);
    g_free(world);
}

/* ---- instants ---- */

struct instant {
    int64_t step; /* time_ms / STATE_STEP_MS */
    uint64_t used;
    bool has_states, has_order[WORLD_LIST_COUNT];
    struct movie_state *states;
    struct world_order orders[WORLD_LIST_COUNT];
};

/* A movie and what a list sorts it by. */
struct ranked {
    double score;
    int32_t id;
    uint32_t index;
};

struct worlds {
    const struct world *world;
    struct instant instants[INSTANTS_MAX];
    struct ranked *scratch;
    uint64_t calls;
};

struct worlds *worlds_new(const struct world *world)
{
    struct worlds *worlds = g_new0(struct worlds, 1);
    worlds->world = world;
    for (size_t i = 0; i < INSTANTS_MAX; i++)
        worlds->instants[i].step = INT64_MIN;
    return worlds;
}

void worlds_free(struct worlds *worlds)
{
    if (!worlds)
        return;
    for (size_t i = 0; i < INSTANTS_MAX; i++) {
        g_free(worlds->instants[i].states);
        for (size_t list = 0; list < WORLD_LIST_COUNT; list++)
            g_free(worlds->instants[i].orders[list].movies);
    }
    g_free(worlds->scratch);
    g_free(worlds);
}

/* The instant of time_ms, in place of the longest unused one where it is new. */
static struct instant *instant_find(struct worlds *worlds, int64_t time_ms)
{
    int64_t step = time_ms / STATE_STEP_MS;
    struct instant *oldest = &worlds->instants[0];
    for (size_t i = 0; i < INSTANTS_MAX; i++) {
        struct instant *instant = &worlds->instants[i];
        if (instant->step == step) {
            instant->used = ++worlds->calls;
            return instant;
        }
        if (instant->used < oldest->used)
            oldest = instant;
    }
    oldest->step = step;
    oldest->used = ++worlds->calls;
    oldest->has_states = false;
    memset(oldest->has_order, 0, sizeof oldest->has_order);
    return oldest;
}

static void fill_states(const struct world *world, struct instant *instant)
{
    if (instant->has_states)
        return;
    size_t count = world->catalogue->movies_count;
    if (!instant->states)
        instant->states = g_new(struct movie_state, MAX(count, 1));
    for (size_t i = 0; i < count; i++)
        instant->states[i] = course_state(&world->courses[i], instant->step * STATE_STEP_MS);
    instant->has_states = true;
}

const struct movie_state *worlds_states(struct worlds *worlds, int64_t time_ms)
{
    struct instant *instant = instant_find(worlds, time_ms);
    fill_states(worlds->world, instant);
    return instant->states;
}

/* ---- orders ---- */

static bool released_within(const struct catalogue_movie *movie, int64_t from_ms, int64_t until_ms)
{
    return movie->release_ms != INT64_MIN && movie->release_ms >= from_ms &&
           movie->release_ms <= until_ms;
}

/* What has risen over the span weighs more than what has long been high. */
static double trend(const struct course *course, const struct movie_state *state, int64_t before_ms)
{
    double before =
        course_is_known(course, before_ms) ? (double)course_popularity_e4(course, before_ms) : 0;
    return (double)state->popularity_e4 + 2 * ((double)state->popularity_e4 - before);
}

/* False: not in the list. */
static bool score_movie(const struct course *course,
                        const struct movie_state *state,
                        enum world_list list,
                        int64_t time_ms,
                        double *ret_score)
{
    double popularity = (double)state->popularity_e4;
    const struct catalogue_movie *movie = course->movie;
    switch (list) {
    case WORLD_TOP_RATED:
        *ret_score = (double)state->vote_average_e3;
        return state->vote_count >= TOP_RATED_VOTES_MIN;
    case WORLD_NOW_PLAYING:
        *ret_score = popularity;
        return released_within(movie, time_ms - NOW_PLAYING_DAYS * MS_PER_DAY, time_ms);
    case WORLD_UPCOMING:
        *ret_score = popularity;
        return released_within(movie, time_ms + 1, time_ms + UPCOMING_DAYS * MS_PER_DAY);
    case WORLD_TRENDING_DAY:
        *ret_score = trend(course, state, time_ms - MS_PER_DAY);
        return true;
    case WORLD_TRENDING_WEEK:
        *ret_score = trend(course, state, time_ms - 7 * MS_PER_DAY);
        return true;
    default:
        *ret_score = popularity;
        return true;
    }
}

static int by_score(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    return a->id < b->id ? -1 : a->id > b->id;
}

static void fill_order(struct worlds *worlds, struct instant *instant, enum world_list list)
{
    const struct world *world = worlds->world;
    size_t total = world->catalogue->movies_count, count = 0;
    int64_t time_ms = instant->step * STATE_STEP_MS;
    if (!worlds->scratch)
        worlds->scratch = g_new(struct ranked, MAX(total, 1));
    for (size_t i = 0; i < total; i++) {
        const struct course *course = &world->courses[i];
        double score;
        if (!course_is_known(course, time_ms) ||
            !score_movie(course, &instant->states[i], list, time_ms, &score))
            continue;
        worlds->scratch[count++] = (struct ranked){score, course->movie->id, (uint32_t)i};
    }
    qsort(worlds->scratch, count, sizeof *worlds->scratch, by_score);
    struct world_order *order = &instant->orders[list];
    if (!order->movies)
        order->movies = g_new(uint32_t, MAX(total, 1));
    order->count = count;
    for (size_t i = 0; i < count; i++)
        order->movies[i] = worlds->scratch[i].index;
    instant->has_order[list] = true;
}

const struct world_order *worlds_order(struct worlds *worlds, int64_t time_ms, enum world_list list)
{
    struct instant *instant = instant_find(worlds, time_ms);
    fill_states(worlds->world, instant);
    if (!instant->has_order[list])
        fill_order(worlds, instant, list);
    return &instant->orders[list];
}

/* Evolution: how a movie's numbers move. A pure function of (seed, movie, planted bursts, time):
 * nothing is stepped, any instant can be asked for in O(1), before and after any other.
 *
 *   popularity = base × cycle(t) × daily rhythm(t) × noise   held still between the movie's updates
 *              + burst(t)                                    in five-minute steps
 *
 *     steady    ~~~~~~~~~      slow waves of a few percent
 *     rising    _/|_/|_/       up over weeks, down faster
 *     fading    |\_|\_|\_      up in a day, down over weeks
 *     bursting  ___/\____      steady, and once in ten days up within 10 to 20 minutes, down over
 *                              hours
 *     premiere  |\____         high at the debut, down over ten days, for good
 *
 *   vote_count = base + votes since the base was true: a rate with the daily rhythm, and the
 * bursts' own; its integral has a closed form, so it never falls vote_average is a function of
 * vote_count alone: it moves only when somebody has voted
 *
 * Time is cut to whole minutes. Immutable after course_init; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tmdb_sim/catalogue.h"

/* Everything stands still within it. */
#define STATE_STEP_MS INT64_C(60000)
/* Popularity moves in steps of this length. */
#define POPULARITY_STEP_MS INT64_C(300000)
#define PLANTED_BURSTS_MAX 64

enum archetype {
    ARCHETYPE_STEADY,
    ARCHETYPE_RISING,
    ARCHETYPE_FADING,
    ARCHETYPE_BURSTING,
    ARCHETYPE_PREMIERE,
    ARCHETYPE_COUNT
};

struct planted_burst {
    int32_t movie_id;
    int64_t at_ms;
};

/* One movie's way through time. */
struct course {
    const struct catalogue_movie *movie;
    uint64_t seed;
    int64_t key; /* the movie's id: what its dice are thrown for */
    enum archetype archetype;
    int64_t anchor_ms;     /* when the base was true */
    int64_t votes_from_ms; /* votes are counted from here on, or back: the anchor or the release */
    double base, rhythm_phase;
    double cycle_days, cycle_phase,
        cycle_anchor; /* cycle_anchor: the cycle's factor at anchor_ms */
    int64_t update_phase_ms, update_steps;
    double votes_per_day, votes_per_burst, burst_height;
    double average_phase, average_swing;
    int64_t change_ms, change_phase_ms;
    bool in_cinemas; /* its revenue grows with each change */
    const struct planted_burst *planted;
    size_t planted_count;
};

struct movie_state {
    int64_t popularity_e4, vote_average_e3, vote_count, revenue;
    const char *status;
};

/* planted: those of all movies; they outlive the course. */
void course_init(struct course *course,
                 uint64_t seed,
                 const struct catalogue_movie *movie,
                 const struct planted_burst *planted,
                 size_t planted_count);

struct movie_state course_state(const struct course *course, int64_t time_ms);
int64_t course_popularity_e4(const struct course *course, int64_t time_ms);
static inline bool course_is_known(const struct course *course, int64_t time_ms)
{
    return time_ms >= course->movie->debut_ms;
}

/* Whether TMDB lists the movie as changed at some instant of [from_ms, until_ms). */
bool course_changed(const struct course *course, int64_t from_ms, int64_t until_ms);

/* The beginning of the seeded burst that begins in the ten-day slot of time_ms; INT64_MIN for a
 * movie that doesn't burst by itself. */
int64_t course_burst_ms(const struct course *course, int64_t time_ms);

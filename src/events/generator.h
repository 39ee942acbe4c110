/* Generator: made-up user events, a pure function of seed, time and catalogue.
 *
 *   world second 100        101                102
 *   |--x---x------x--|--x-----------x---|---x--x--x-------|   x: an event happens
 *    chain(seed,100)   chain(seed,101)    chain(seed,102)
 *
 * Each second of the world has a chain of throws of its own, so the events of a range are the same
 * however it is cut, and whoever begins in the middle gets what the others get. Within a second
 * events are a Poisson process: gaps are exponential, with the mean that the hour of the day gives.
 *
 *   rate(t)    rate_per_s * (1 + rhythm * cos(2 pi (hour(t) - 20) / 24)); its mean of a day is
 *              rate_per_s
 *   type       view 60 %, click 22 %, search 9 %, watchlist 4.5 %, rate 3 %, share 1.5 %
 *   movie      catalogue.h
 *   user       1 to users; user k with chance ln(1 + 1/k) / ln(users + 1)
 *   timestamp  when it happened, less a delay: exponential, 1 s in the mean, at most 5 s; of a late
 *              one besides anything up to late_max, all as likely
 *   rating     of a rate: 0.5 * (1 + successes of 19 throws with chance 0.66): 0.5 to 10
 *
 * One owner thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "events/catalogue.h"
#include "model/record.h"

#define GENERATOR_TYPES         6 /* of enum event_type */
#define GENERATOR_DELAY_MS_MAX  5000
#define GENERATOR_DELAY_MS_MEAN 1000.0
#define GENERATOR_PEAK_HOUR     20 /* UTC */

struct generator_settings {
    uint64_t seed;
    double rate_per_s; /* mean of a day */
    double rhythm;     /* 0 to 1 */
    int64_t users;
    double late_share; /* 0 to 1 */
    int64_t late_max_ms;
};

struct generator;

/* Begins with the first full second at or after from_ms (0 or more). */
struct generator *generator_new(const struct generator_settings *settings, int64_t from_ms);
void generator_free(struct generator *generator); /* accepts NULL */

/* The next event that happens before until_ms, in the order in which they happen; without
 * event_id. False: there is none any more; call again with a later until_ms. */
bool generator_next(struct generator *generator,
                    const struct catalogue *catalogue,
                    int64_t until_ms,
                    struct user_event *ret_event);

/* All before it was given out: events that happen from here on are still to come. */
int64_t generator_position_ms(const struct generator *generator);

/* Leaves out what happens before the first full second at or after to_ms. Never goes back. */
void generator_skip(struct generator *generator, int64_t to_ms);

/* Events a second at a time. */
double generator_rate_per_s(const struct generator_settings *settings, int64_t time_ms);

/* "view" ... */
const char *generator_type_name(int32_t event_type);

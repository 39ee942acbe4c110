/* Windows: alignment of event times to hours and tumbling windows, [start, end) aligned to the
 * epoch.
 *
 *   hour h:  |0    |1    |2    | ...  |11   |      window = (hour, index); 5-minute windows tile
 * the hour
 *
 * All are floors, so an event time before 1970 is an ordinary one (C's division would round towards
 * 0). An hour is its number since the epoch, to keep it apart from times in ms. */
#pragma once

#include <stdint.h>

#include "base/clock.h"

/* divisor > 0 */
static inline int64_t floor_div(int64_t number, int64_t divisor)
{
    int64_t quotient = number / divisor;
    return number % divisor < 0 ? quotient - 1 : quotient;
}

static inline int64_t hour_of(int64_t time_ms)
{
    return floor_div(time_ms, MS_PER_HOUR);
}

static inline int64_t hour_start_ms(int64_t hour)
{
    return hour * MS_PER_HOUR;
}

/* Which window of its hour a time falls into. window_ms divides an hour. */
static inline int32_t window_index(int64_t time_ms, int64_t window_ms)
{
    return (int32_t)((time_ms - hour_start_ms(hour_of(time_ms))) / window_ms);
}

static inline int64_t window_start_ms(int64_t hour, int32_t index, int64_t window_ms)
{
    return hour_start_ms(hour) + index * window_ms;
}

/* The first hour that is held: end + retention above the highest event time. */
static inline int64_t first_held_hour(int64_t highest_event_ms, int64_t retention_ms)
{
    return floor_div(highest_event_ms - retention_ms, MS_PER_HOUR);
}

/* Time differences enter every velocity as hours in a double, divided first (docs/semantics.md,
 * Numbers). */
static inline double hours_between(int64_t from_ms, int64_t to_ms)
{
    return (double)(to_ms - from_ms) / (double)MS_PER_HOUR;
}

/* Velocity: differences per hour, in the order of operations of docs/semantics.md (Numbers): each
 * operation is rounded by itself, so the build of this folder forbids fused multiply-add. */
#pragma once

#include <stdint.h>

/* Of a measure in ten-thousandths: the difference is exact. */
static inline double velocity_e4(int64_t before_e4, int64_t now_e4, double hours)
{
    return (double)(now_e4 - before_e4) / 10000.0 / hours;
}

static inline double velocity_count(int64_t before, int64_t now, double hours)
{
    return (double)(now - before) / hours;
}

static inline double velocity_double(double before, double now, double hours)
{
    return (now - before) / hours;
}

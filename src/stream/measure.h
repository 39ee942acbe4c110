/* Measure: what a task tells the ranker of one movie and window: how fast it moves
 * (docs/semantics.md, Trending). Only windows with a velocity have one; once there it never goes,
 * it only changes.
 *
 * A list is encoded as format byte, count, then per measure the distance of window and movie from
 * the one before and the engagement (with a bit for has_acceleration) as zigzag varints, then
 * velocity, vote_velocity and the acceleration where there is one as IEEE doubles, little-endian;
 * last a CRC-32. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/error.h"
#include "model/record.h"

struct measure {
    int64_t window_start_ms;
    int32_t movie_id;
    int32_t engagement;
    double velocity, vote_velocity, acceleration;
    bool has_acceleration;
};

/* Measures of a list at most: what one commit can change, and what one window can hold. */
#define MEASURE_LIST_MAX 20000000

/* By window, then movie; for qsort. */
int measure_compare(const void *a, const void *b);

/* Sorts measures (of struct measure) by window and movie; equal ones keep their order. */
void measure_sort(GArray *measures);
/* Measures of one window, each list sorted by movie: of a movie the newer one counts, and of those
 * the last. A new array, no larger than that (g_free). */
struct measure *measure_merge(const struct measure *older,
                              size_t older_count,
                              const struct measure *newer,
                              size_t newer_count,
                              size_t *ret_count);

void measure_encode(const struct measure *measures, size_t count, GByteArray *out);
/* Appends to out (of struct measure). */
bool measure_decode(struct span bytes, GArray *out, GError **error) MUST_CHECK;

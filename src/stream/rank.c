#include "stream/rank.h"

#include <math.h>
#include <stdlib.h>

#define MAD_FACTOR                                                                                 \
    1.4826 /* median absolute deviation to standard deviation of a normal distribution */
#define MEAN_FACTOR      1.2533 /* mean absolute deviation, likewise */
#define SCALE_ZERO       1e-9
#define Z_MAX            10.0
#define POPULATION_SMALL 5
#define SCORE_UNITS      1e9

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Moves the k-th smallest value to its place, smaller ones before it, larger ones behind it.
 * Source: C. A. R. Hoare, "Algorithm 65: Find", 1961, with the median of three as pivot. */
static void select_nth(double *values, size_t count, size_t k)
{
    size_t low = 0, high = count - 1;
    while (low < high) {
        double a = values[low], b = values[low + (high - low) / 2], c = values[high];
        double pivot = MAX(MIN(a, b), MIN(MAX(a, b), c));
        size_t i = low, j = high;
        for (;;) {
            while (values[i] < pivot)
                i++;
            while (pivot < values[j])
                j--;
            if (i >= j)
                break;
            double swap = values[i];
            values[i++] = values[j];
            values[j--] = swap;
        }
        /* All up to j are at most the pivot, all from j + 1 on at least. */
        if (k <= j)
            high = j;
        else
            low = j + 1;
    }
}

/* Reorders the values; count > 0. */
static double median(double *values, size_t count)
{
    size_t middle = count / 2;
    select_nth(values, count, middle);
    if (count % 2)
        return values[middle];
    double below = values[0];
    for (size_t i = 1; i < middle; i++)
        below = MAX(below, values[i]);
    return (below + values[middle]) / 2;
}

struct scale {
    double median, scale; /* scale below SCALE_ZERO: all z are 0 */
};

/* room has space for count values, which it may hold already. */
static struct scale scale_of(double *room, size_t count, size_t population)
{
    struct scale scale = {0};
    if (count == 0)
        return scale;
    scale.median = median(room, count);
    if (population < POPULATION_SMALL) {
        scale.scale = 1;
        return scale;
    }
    for (size_t i = 0; i < count; i++)
        room[i] = fabs(room[i] - scale.median);
    scale.scale = MAD_FACTOR * median(room, count);
    if (scale.scale >= SCALE_ZERO)
        return scale;
    /* The sum goes over the values sorted ascending, so that it is the same everywhere. Zeros, most
     * of them here, would come first and add nothing. */
    size_t above = 0;
    for (size_t i = 0; i < count; i++) {
        if (room[i] > 0)
            room[above++] = room[i];
    }
    qsort(room, above, sizeof *room, compare_doubles);
    double sum = 0;
    for (size_t i = 0; i < above; i++)
        sum += room[i];
    scale.scale = MEAN_FACTOR * (sum / (double)count);
    return scale;
}

static double z_of(const struct scale *scale, double value)
{
    if (scale->scale < SCALE_ZERO)
        return 0;
    double z = (value - scale->median) / scale->scale;
    return z > Z_MAX ? Z_MAX : z < -Z_MAX ? -Z_MAX : z;
}

struct scales {
    struct scale velocity, votes, acceleration, engagement;
};

static struct scales scales_of(const struct measure *measures, size_t count)
{
    double *room = g_new(double, count + 1);
    struct scales scales;
    size_t present = 0;
    for (size_t i = 0; i < count; i++)
        room[i] = measures[i].velocity;
    scales.velocity = scale_of(room, count, count);
    for (size_t i = 0; i < count; i++)
        room[i] = measures[i].vote_velocity;
    scales.votes = scale_of(room, count, count);
    for (size_t i = 0; i < count; i++) {
        if (measures[i].has_acceleration)
            room[present++] = measures[i].acceleration;
    }
    scales.acceleration = scale_of(room, present, count);
    for (size_t i = 0; i < count; i++)
        room[i] = log1p(measures[i].engagement);
    scales.engagement = scale_of(room, count, count);
    g_free(room);
    return scales;
}

static double score_of(const struct measure *measure,
                       const struct scales *scales,
                       const struct stream_settings *settings)
{
    double z_acceleration =
        measure->has_acceleration ? z_of(&scales->acceleration, measure->acceleration) : 0;
    return settings->weight_velocity * z_of(&scales->velocity, measure->velocity) +
           settings->weight_votes * z_of(&scales->votes, measure->vote_velocity) +
           settings->weight_acceleration * z_acceleration +
           settings->weight_engagement * z_of(&scales->engagement, log1p(measure->engagement));
}

struct candidate {
    const struct measure *measure;
    double score, units;
};

/* Of no two movies the same, so any order of taking them gives one order of ranks. */
static bool ranks_before(const struct candidate *x, const struct candidate *y)
{
    return x->units != y->units ? x->units > y->units : x->measure->movie_id < y->measure->movie_id;
}

/* Into its place among the best so far, of which RANK_TOP stay. Returns how many there are. */
static size_t take_candidate(struct candidate top[RANK_TOP], size_t count, struct candidate new)
{
    size_t at = MIN(count, (size_t)RANK_TOP - 1);
    if (count == RANK_TOP && !ranks_before(&new, &top[at]))
        return count;
    for (; at > 0 && ranks_before(&new, &top[at - 1]); at--)
        top[at] = top[at - 1];
    top[at] = new;
    return MIN(count + 1, (size_t)RANK_TOP);
}

size_t rank_window(const struct measure *measures,
                   size_t count,
                   const struct stream_settings *settings,
                   struct ranked *ret_ranked)
{
    struct scales scales = scales_of(measures, count);
    struct candidate top[RANK_TOP];
    size_t ranked = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(measures[i].velocity > settings->min_velocity))
            continue;
        double score = score_of(&measures[i], &scales, settings);
        ranked = take_candidate(top, ranked,
                                (struct candidate){&measures[i], score, rint(score * SCORE_UNITS)});
    }
    for (size_t i = 0; i < ranked; i++) {
        const struct measure *measure = top[i].measure;
        ret_ranked[i] = (struct ranked){
            .rank = (int32_t)i + 1,
            .movie_id = measure->movie_id,
            .trending_score = top[i].score,
            .velocity = measure->velocity,
            .has_acceleration = measure->has_acceleration,
            .acceleration = measure->acceleration,
        };
    }
    return ranked;
}

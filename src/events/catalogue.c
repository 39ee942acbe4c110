#include "events/catalogue.h"

#include <math.h>

#include <glib.h>

struct catalogue {
    size_t count;
    int32_t *movie_ids;
    double *reach; /* of rank i: the weights of all up to it, added up */
};

struct catalogue *catalogue_new(const int32_t *movie_ids, size_t count, double skew)
{
    g_assert(count >= 1 && count <= CATALOGUE_MOVIES_MAX);
    struct catalogue *catalogue = g_new0(struct catalogue, 1);
    catalogue->count = count;
    catalogue->movie_ids = g_memdup2(movie_ids, count * sizeof *movie_ids);
    catalogue->reach = g_new(double, count);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += pow((double)(i + 1), -skew);
        catalogue->reach[i] = sum;
    }
    return catalogue;
}

void catalogue_free(struct catalogue *catalogue)
{
    if (!catalogue)
        return;
    g_free(catalogue->movie_ids);
    g_free(catalogue->reach);
    g_free(catalogue);
}

size_t catalogue_count(const struct catalogue *catalogue)
{
    return catalogue->count;
}

int32_t catalogue_pick(const struct catalogue *catalogue, double thrown)
{
    double wanted = thrown * catalogue->reach[catalogue->count - 1];
    /* The first whose reach is above what is wanted; rounding may put that behind the last. */
    size_t low = 0, high = catalogue->count - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (catalogue->reach[middle] > wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return catalogue->movie_ids[low];
}

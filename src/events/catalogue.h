/* Catalogue: the movies that users act on, by popularity, and how likely each is: Zipf's law, the
 * movie of rank r has weight r^-skew. Immutable; any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CATALOGUE_MOVIES_MAX 10000

struct catalogue;

/* movie_ids: 1 to CATALOGUE_MOVIES_MAX (asserted), the most popular first; copied. */
struct catalogue *catalogue_new(const int32_t *movie_ids, size_t count, double skew);
void catalogue_free(struct catalogue *catalogue); /* accepts NULL */

size_t catalogue_count(const struct catalogue *catalogue);

/* The movie that a throw in [0, 1) means. */
int32_t catalogue_pick(const struct catalogue *catalogue, double thrown);

/* Movie list: the movies that are known, the most popular first. Last values: the speed views'
 * where they have the movie in the last hours, else those of the batch's "top_movies"
 * (docs/views.md). */
#pragma once

#include <glib.h>

#include "serve/merge.h"

struct listed_movie {
    int64_t movie_id;
    int64_t popularity_e4;
    bool from_speed;
    struct span title; /* JSON values as stored; len 0: unknown */
    struct span vote_average, vote_count, last_updated, genres, release_date;
};

/* All that are known (top_movies is bounded, and so are the speed views), popularity descending,
 * then movie_id. */
bool movie_list_load(struct view *view,
                     const struct merge *merge,
                     struct arena *arena,
                     struct listed_movie **ret_movies,
                     size_t *ret_count,
                     GError **error) MUST_CHECK;

/* Appends one as an object. */
void movie_list_write(GString *out, const struct listed_movie *movie);

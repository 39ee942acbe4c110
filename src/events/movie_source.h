/* Movie source: which movies there are, the most popular first: the batch's view "top_movies";
 * before the first batch, the last observations on movie.ratings, read on from where the last
 * reading ended. One owner thread. */
#pragma once

#include "base/context.h"
#include "bus/bus.h"
#include "bus/serde.h"
#include "events/catalogue.h"
#include "view/view.h"

/* Of one partition of movie.ratings: older ones are passed over. */
#define MOVIE_SOURCE_RECORDS_MAX 20000

struct movie_source;

/* All outlive the source. */
struct movie_source *movie_source_new(const struct context *context,
                                      struct view *view,
                                      struct bus *bus,
                                      struct serde *serde);
void movie_source_free(struct movie_source *source); /* accepts NULL */

/* ret_catalogue: the caller's; NULL: no movie is known yet. AGAIN: now it can't be read. BADDATA:
 * the view isn't what docs/views.md says. */
bool movie_source_read(struct movie_source *source,
                       struct catalogue **ret_catalogue,
                       GError **error) MUST_CHECK;

/* Genre analytics: batch only. Names are matched whatever their case. */
#pragma once

#include "serve/worker.h"

/* The genre's own spelling. False without an error: the response is a problem of this status that
 * lists the known ones. */
bool genre_named(struct answer *answer,
                 const char *asked,
                 int status,
                 const char **ret_genre,
                 GError **error) MUST_CHECK;

/* Whether a JSON array of names has this one. */
bool genre_among(struct span genres, const char *genre, struct arena *arena);

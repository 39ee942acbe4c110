/* Movie: what other answers ask about one movie. */
#pragma once

#include "serve/worker.h"

/* The batch document of a movie, kept in the cache for SERVE_MOVIE_TTL_MS; len 0: the batch doesn't
 * know it. */
bool movie_document(struct answer *answer,
                    int64_t movie_id,
                    struct span *ret_document,
                    GError **error) MUST_CHECK;

/* Whether either side has seen it. */
bool movie_known(struct answer *answer, int64_t movie_id, bool *ret_known, GError **error)
    MUST_CHECK;

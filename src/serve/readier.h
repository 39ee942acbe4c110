/* Readier: has what a new generation's search needs made ready beside the requests, so that none of
 * them waits for it (view_prepare). One thread a server, and none where the view store has nothing
 * to make. Until a generation is ready, the one before it is searched: it is kept for
 * views.generation_grace. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"
#include "base/error.h"

struct readier;

struct readier *readier_start(const struct context *context, GError **error) MUST_CHECK;
void readier_stop(struct readier *readier); /* accepts NULL */

/* The generation to search where `current` is served: that one, or an older one that is ready. Any
 * thread. */
int64_t readier_generation(const struct readier *readier, int64_t current);

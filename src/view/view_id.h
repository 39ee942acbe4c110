/* View id: the deterministic _id of a batch document (contracts/views.sql shows one). Any thread.
 */
#pragma once

#include <glib.h>

#include "view/view.h"

/* Appends the _id of the key. */
void view_id_append(GString *out, int64_t generation, const struct view_key *key);

/* The bounds of the _ids that can match: ret_after < _id < ret_before. Uses the leading fields that
 * the filter gives. */
void view_id_range(int64_t generation,
                   const struct view_filter *filter,
                   GString *ret_after,
                   GString *ret_before);

/* All documents of a generation. */
void view_id_generation_range(int64_t generation, GString *ret_after, GString *ret_before);

/* Export: rows of sql/views into the view store's documents, in the run's own generation.
 *
 * A view's SELECT is ordered by its key. Its columns' names say where a value goes:
 *   key_movie_id, key_genre, key_year, key_month, key_window, key_day_ms   the document's key
 *   item_x    field x of an element of the view's array; rows with the same key are one document's
 * elements x         field x of the document, from the key's first row x_dec4    an integer of
 * 1/10,000, shown as the decimal x x_ms      a time, shown in ISO 8601 as x x_json    JSON already,
 * shown as x Null fields are written as null. */
#pragma once

#include "batch/run_state.h"

/* Puts all views' documents; ret_step: documents and their bytes. Repeatable. */
bool export_run(struct run_state *state, struct manifest_step *ret_step, GError **error) MUST_CHECK;

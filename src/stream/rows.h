/* Rows: what one commit changes of the speed tables (struct speed_batch) as bytes, for the
 * changelog: a task's new owner writes them again where its predecessor may not have.
 *
 * Bytes: format byte; then per table the number of rows and the rows. Ints are zigzag varints
 * (hours and movies as the distance from the row before, times from their hour), doubles IEEE
 * little-endian, text with its length before it (-1: none). No checksum: changelog.h has one. */
#pragma once

#include <glib.h>

#include "model/record.h"
#include "speed/speed.h"

/* Of one table at most. */
#define ROWS_COUNT_MAX 20000000

/* Appends to out. source and sequence are not part of it: whoever reads knows where it stood. */
void rows_encode(const struct speed_batch *batch, GByteArray *out);

/* The rows live in the arena. BADDATA where the bytes are none. */
bool rows_decode(struct span bytes,
                 struct arena *arena,
                 struct speed_batch *ret_batch,
                 GError **error) MUST_CHECK;

/* Mend: a damaged row in the embedded engine's state doesn't take the rest of marquee with it. Each
 * stored row ends with its checksum; where the engine met one that is wrong, all are looked at,
 * each damaged one is named, and the state is computed again from the log, which is the truth.
 *
 *   BADDATA ─► mend_state ─► every row's checksum ─► all right: the damage is somewhere else
 *                                                 └ some wrong: state and offsets go, in one
 *                                                   transaction; the engine reads the log anew
 *
 * The speed tables stay meanwhile, with their feed and the revisions of movie.trending: what is
 * computed again takes their rows' places. A file that SQLite itself can't read is not mended: the
 * error says what to do. On Kafka a task's file is made anew from the changelog instead
 * (task_file.h). */
#pragma once

#include <stdbool.h>

#include "base/context.h"
#include "base/error.h"

/* So often in one life of the stage; after that the disk is the trouble. */
#define MEND_MAX 3
/* So many damaged rows are named in the log, of each table. */
#define MEND_NAMED_MAX 5

/* data.dir/stream.db, which no engine has open. ret_mended: there was damage, and the state is
 * empty now. */
bool mend_state(const struct context *context, bool *ret_mended, GError **error) MUST_CHECK;

/* Reconcile: compares the lake's hours with the speed tables, and repairs these.
 *
 *   one read transaction:   counts equal there? ─► rows must be equal ─► drift, by cause
 *   one write transaction:  counts still equal? ─► the lake's rows replace what drifted, into the
 * feed
 *
 * Both sides are views of prefixes of the same log, [<cut) here and [<o) there, and o moves on
 * while we look. Where an hour and those before it that its formulas read hold the same number of
 * used records on both sides, the prefixes hold the same records there (one prefix contains the
 * other), so the rows must be equal; other hours are not compared now. Of stats and sentiment that
 * is within velocity.lookback and of the movie's partition; of ranks twice that, all partitions,
 * and the hour's user events. Final windows are ranked again only every ranker.late_interval, so
 * ranks that differ are looked at once more after that long.
 *
 * A store that is away is not compared, and keeps no run from its end.
 *
 * A store without such transactions (Cassandra) tells by sequences instead: what a writer is known
 * to have wholly written is read first, a row or a count that is newer takes no part, and what
 * drifted is looked at once more in any case.
 *
 * What drifted is counted by cause, listed (batch/drift.h) and repaired: for the same records the
 * lake's row is the right one, so under the store's write lock, with the counts still equal, it may
 * be written over the other; a row of nowhere goes. Without a lock the repair is written as of the
 * look (speed_batch.repair): over all that was compared, and under what its writer writes next. The
 * engine's own state isn't touched: should that be wrong, its next change of the row brings the
 * drift back and the next run says so again. A repair that fails is logged and fails no run. */
#pragma once

#include "batch/drift.h"
#include "batch/run_state.h"

/* ret_step: rows that were compared; the counts stand in the drift object. */
bool reconcile_run(struct run_state *state,
                   struct manifest_step *ret_step,
                   GError **error) MUST_CHECK;

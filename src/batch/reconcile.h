/* Reconcile: compares the lake's hours with the speed tables.
 *
 * Both are views of prefixes of the same log, [<cut) here and [<o) there, and o moves on while we
 * look. Where an hour and those before it within velocity.lookback hold the same number of used
 * records of a partition on both sides, the prefixes hold the same records there (one prefix
 * contains the other), so the rows must be equal; other hours are not compared now. Rows that
 * differ are counted by cause and listed in the lake's runs/drift.json; they are never silently
 * taken over. */
#pragma once

#include "batch/run_state.h"

#define RECONCILE_DRIFT_OBJECT "runs/drift.json" /* the last run's */
#define RECONCILE_LISTED_MAX   1000

enum reconcile_cause {
    RECONCILE_MISSING_SPEED,
    RECONCILE_MISSING_BATCH,
    RECONCILE_VALUE,
    RECONCILE_CAUSE_COUNT
};

/* "missing_speed", "missing_batch", "value" */
const char *reconcile_cause_name(enum reconcile_cause cause);

/* ret_step: rows that were compared; the counts stand in the drift object. */
bool reconcile_run(struct run_state *state,
                   struct manifest_step *ret_step,
                   GError **error) MUST_CHECK;

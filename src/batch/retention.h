/* Retention: which files a run's manifest lets go, and from which hour on the archive that is left
 * still gives exact hours.
 *
 *        let go            |  archive  (bronze_from ...)
 *   ───────────────────────┼───────────────┬──────────────────────────────► hours
 *                     bronze_from      exact_from: rows below are those of the run before
 *
 * A record that isn't bad has its event time at most stream.future_limit above its arrival; so from
 * bronze_from + future_limit on the archive holds every record, and 2 x velocity.lookback later
 * every window that a row reads. Hours that may still change (within speed.retention of now) must
 * lie above, so the archive is never kept shorter than that, whatever is configured. */
#pragma once

#include <stdint.h>

#include "base/config.h"
#include "lake/manifest.h"

/* The first hour whose rows the archive gives; far in the past where nothing was let go. */
int64_t retention_exact_from_ms(const struct config *config, const struct manifest *manifest);

/* Takes files out of the manifest. */
void retention_apply(const struct config *config, struct manifest *manifest);

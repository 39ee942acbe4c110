/* Keeper: a thread beside a run that renews its lease and ends the engine's statement when stop is
 * requested or the lease is lost. It has its own view handle. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"
#include "base/error.h"
#include "batch/engine.h"

struct keeper;

/* engine outlives the keeper. */
struct keeper *keeper_start(const struct context *context,
                            struct engine *engine,
                            int64_t lease_epoch,
                            int64_t ttl_ms,
                            GError **error) MUST_CHECK;
void keeper_stop(struct keeper *keeper); /* accepts NULL */

/* Another owner has the lease. */
bool keeper_fenced(const struct keeper *keeper);

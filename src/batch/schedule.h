/* Schedule: the instants at which a batch run is due: multiples of batch.interval since the epoch,
 * or what batch.schedule (base/cron.h) says. Pure functions over settings that config_check took.
 */
#pragma once

#include <stdint.h>

#include "base/config.h"

/* The last due instant at or before time_ms, and the first after it. */
int64_t schedule_last_ms(const struct config *config, int64_t time_ms);
int64_t schedule_next_ms(const struct config *config, int64_t time_ms);

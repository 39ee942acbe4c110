/* Settings: what the engine reads out of the config, once. Constant afterwards. */
#pragma once

#include <stdint.h>

#include "base/config.h"

struct stream_settings {
    int partitions;
    int64_t window_ms, retention_ms, lookback_ms;
    int64_t watermark_delay_ms, idle_timeout_ms, future_limit_ms;
    int64_t commit_interval_ms, commit_records;
    int64_t late_interval_ms;
    double weight_velocity, weight_votes, weight_acceleration, weight_engagement;
    double min_velocity;
};

/* CONFIG where a window doesn't divide an hour. */
bool stream_settings_read(struct stream_settings *settings,
                          const struct config *config,
                          GError **error) MUST_CHECK;

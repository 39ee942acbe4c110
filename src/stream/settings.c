#include "stream/settings.h"

#include <inttypes.h>

#include "base/clock.h"

bool stream_settings_read(struct stream_settings *settings,
                          const struct config *config,
                          GError **error)
{
    if (config->stream_window_ms < MS_PER_SECOND || MS_PER_HOUR % config->stream_window_ms != 0) {
        error_set(error, CONFIG,
                  "stream.window is %" PRId64
                  " ms: expected a length that divides an hour, such as 5m",
                  config->stream_window_ms);
        return false;
    }
    *settings = (struct stream_settings){
        .partitions = (int)config->bus_partitions,
        .window_ms = config->stream_window_ms,
        .retention_ms = config->speed_retention_ms,
        .lookback_ms = config->stream_velocity_lookback_ms,
        .watermark_delay_ms = config->stream_watermark_delay_ms,
        .idle_timeout_ms = config->stream_idle_timeout_ms,
        .future_limit_ms = config->stream_future_limit_ms,
        .commit_interval_ms = config->stream_commit_interval_ms,
        .commit_records = config->stream_commit_records,
        .late_interval_ms = config->ranker_late_interval_ms,
        .weight_velocity = config->trending_weight_velocity,
        .weight_votes = config->trending_weight_votes,
        .weight_acceleration = config->trending_weight_acceleration,
        .weight_engagement = config->trending_weight_engagement,
        .min_velocity = config->trending_min_velocity,
    };
    return true;
}

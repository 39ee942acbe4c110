#include "batch/schedule.h"

#include "base/cron.h"

static bool has_line(const struct config *config, struct cron *ret_cron)
{
    return *config->batch_schedule && cron_parse(config->batch_schedule, ret_cron, NULL);
}

int64_t schedule_last_ms(const struct config *config, int64_t time_ms)
{
    struct cron cron;
    int64_t interval_ms = config->batch_interval_ms;
    return has_line(config, &cron) ? cron_last(&cron, time_ms)
                                   : time_ms / interval_ms * interval_ms;
}

int64_t schedule_next_ms(const struct config *config, int64_t time_ms)
{
    struct cron cron;
    int64_t interval_ms = config->batch_interval_ms;
    return has_line(config, &cron) ? cron_next(&cron, time_ms)
                                   : (time_ms / interval_ms + 1) * interval_ms;
}

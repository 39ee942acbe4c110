/* Live statistics, the tasks' part: each used record counts in its minute. Rows come from live.h,
 * which knows all tasks' records, not from single movies. */
#include "stream/job.h"
#include "stream/live.h"

static bool
live_job_record(const struct job_context *job, const struct input *input, GError **error)
{
    return live_record(job->live, input, error);
}

static bool live_job_collect(const struct job_context *job,
                             struct movie *movie,
                             struct output *output,
                             GError **error)
{
    (void)job, (void)movie, (void)output, (void)error;
    return true;
}

const struct job_ops job_live = {
    .name = "live",
    .record = live_job_record,
    .collect = live_job_collect,
};

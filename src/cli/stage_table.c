#include "batch/scheduler.h"
#include "cli/stages.h"
#include "events/events.h"
#include "ingest/ingest.h"
#include "serve/serve.h"
#include "stream/stream.h"
#include "view/sync.h"

static bool
batch_stage_run(const struct context *context, const char *const *settings, GError **error)
{
    return batch_scheduler_run(context, &(struct batch_spawn){.arguments = settings}, error);
}

const struct stage stages[] = {
    {"ingest", "asks TMDB and publishes what it finds", ingest_run, NULL},
    {"events", "makes up what users do", events_run, NULL, events_wanted},
    {"stream", "windows, the speed tables", stream_run, NULL},
    {"sync", "copies changed speed rows to the views", sync_run, NULL},
    {"batch", "runs a batch every batch.interval, in a child process", NULL, batch_stage_run},
    {"serve", "the API and the page", serve_run, NULL},
    {0},
};

#include "cli/stages.h"
#include "ingest/ingest.h"
#include "serve/serve.h"
#include "stream/stream.h"
#include "view/sync.h"

const struct stage stages[] = {
    {"ingest", "asks TMDB and publishes what it finds", ingest_run},
    {"stream", "windows, the speed tables", stream_run},
    {"sync", "copies changed speed rows to the views", sync_run},
    {"serve", "the API and the page", serve_run},
    {0},
};

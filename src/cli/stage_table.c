#include "cli/stages.h"
#include "ingest/ingest.h"
#include "view/sync.h"

const struct stage stages[] = {
    {"ingest", "asks TMDB and publishes what it finds", ingest_run},
    {"sync", "copies changed speed rows to the views", sync_run},
    {0},
};

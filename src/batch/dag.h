/* DAG: the names by which an orchestrator's graphs call a run's work, and what each does here.
 *
 *   ingestion  check_api_health ► extract_movies, extract_reviews, extract_people
 *              ► validate_extraction ► store_bronze ► update_metadata
 *   transform  wait ► deduplicate ► validate ► enrich ► sentiment ► write_silver ► quality
 *   aggregate  genre, trending, temporal, revenue, sentiment_trends, people
 *              ► write_gold ► export ► indexes
 *
 * Extraction itself goes on all the time (`marquee run ingest`), so the extract steps only look
 * whether it brought something since the last cut. Of the others each runs what isn't done of the
 * plan (batch/plan.h) from its graph's beginning up to its own last step; several names may stand
 * for one SQL pass. Names may be called as "transform.quality"; where a step of the plan has the
 * same name the plain one is that. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/context.h"
#include "base/error.h"
#include "batch/batch_run.h"

#define DAG_TOPICS_MAX 2

enum dag_kind {
    DAG_HEALTH, /* asks TMDB: the caller's, as stages don't include one another */
    DAG_LOOK,   /* whether topics or the spool have something new */
    DAG_SPOOL,  /* whether all that waits in the spool can be read */
    DAG_PLAN,   /* steps of the plan */
    DAG_WAIT,   /* whether they are done */
};

struct dag_step {
    const char *dag, *name;
    enum dag_kind kind;
    const char *first, *last;           /* DAG_PLAN, DAG_WAIT: steps of the plan */
    const char *topics[DAG_TOPICS_MAX]; /* DAG_LOOK */
    bool spool;                         /* DAG_LOOK: TMDB's answers, too */
    const char *what;                   /* what it does, for people */
};

extern const struct dag_step dag_steps[];
extern const size_t dag_steps_count;

/* "transform.quality", or "quality"; NULL where there is none. */
const struct dag_step *dag_find(const char *name);

/* Any kind but DAG_HEALTH. Waits while another run has the lock. ret_note: what was found or done;
 * newly allocated. NOTFOUND: not due: nothing new came, or no run is open. Else as batch_step. */
bool dag_run(const struct context *context,
             const struct dag_step *step,
             char **ret_note,
             GError **error) MUST_CHECK;

/* Ingest state: what ingestion remembers across restarts (contracts/ingest.sql,
 * data.dir/ingest.db): the tracked movies and the version of each review that was published. It is
 * written after the bus has the records, so a crash in between publishes some again, which the
 * readers of the log undo; never the other way round. One owner thread. */
#pragma once

#include "base/context.h"
#include "base/error.h"
#include "ingest/planner.h"
#include "model/record.h"

struct ingest_state;

struct ingest_state *ingest_state_open(const struct context *context, GError **error) MUST_CHECK;
void ingest_state_close(struct ingest_state *state); /* accepts NULL */

/* Fills the planner with what was remembered. */
bool ingest_state_load(struct ingest_state *state,
                       struct planner *planner,
                       GError **error) MUST_CHECK;

/* The highest published version of a review; 0 where there is none. */
bool ingest_state_review_version(struct ingest_state *state,
                                 struct span review_id,
                                 int64_t *ret_version_ms,
                                 GError **error) MUST_CHECK;

struct published_review {
    char *review_id;
    int32_t movie_id;
    int64_t version_ms;
};

/* One transaction: all of the planner's movies, and these reviews. */
bool ingest_state_save(struct ingest_state *state,
                       struct planner *planner,
                       const struct published_review *reviews,
                       size_t reviews_count,
                       GError **error) MUST_CHECK;

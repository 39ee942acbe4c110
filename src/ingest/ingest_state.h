/* Ingest state: what ingestion remembers across restarts (contracts/ingest.sql,
 * data.dir/ingest.db): the tracked movies and the version of each review that was published. It is
 * written after the bus has the records, so a crash in between publishes some again, which the
 * readers of the log undo; never the other way round. A movie that left is remembered for
 * INGEST_LEFT_KEEP_MS. One owner thread. */
#pragma once

#include <stdbool.h>

#include "base/context.h"
#include "base/error.h"
#include "ingest/planner.h"
#include "model/record.h"

/* As long as bronze keeps what was published about it. */
#define INGEST_LEFT_KEEP_MS (INT64_C(90) * 24 * 60 * 60 * 1000)

struct ingest_state;

struct ingest_state *ingest_state_open(const struct context *context, GError **error) MUST_CHECK;
void ingest_state_close(struct ingest_state *state); /* accepts NULL */

/* Fills the planner with what was remembered, the most popular movies where there are too many. */
bool ingest_state_load(struct ingest_state *state,
                       struct planner *planner,
                       GError **error) MUST_CHECK;

/* The highest published version of a review; INT64_MIN where there is none. */
bool ingest_state_review_version(struct ingest_state *state,
                                 struct span review_id,
                                 int64_t *ret_version_ms,
                                 GError **error) MUST_CHECK;

/* Of the metadata that was published last for a movie, tracked or left; 0 where none is known. */
bool ingest_state_facts_hash(struct ingest_state *state,
                             int32_t movie_id,
                             uint64_t *ret_facts_hash,
                             GError **error) MUST_CHECK;

struct published_review {
    char *review_id;
    int32_t movie_id;
    int64_t version_ms;
};

/* One transaction: what the planner has not saved yet, and these reviews. Costs nothing where there
 * is neither. AGAIN: nothing was saved, call again. */
bool ingest_state_save(struct ingest_state *state,
                       struct planner *planner,
                       const struct published_review *reviews,
                       size_t reviews_count,
                       int64_t now_ms,
                       GError **error) MUST_CHECK;

/* Forgets the movies that left more than INGEST_LEFT_KEEP_MS before now_ms, and their reviews. */
bool ingest_state_sweep(struct ingest_state *state, int64_t now_ms, GError **error) MUST_CHECK;

/* The part of the past that a backfill has filled in, [from, to); both 0: none. */
bool ingest_state_backfilled(struct ingest_state *state,
                             int64_t *ret_from_ms,
                             int64_t *ret_to_ms,
                             GError **error) MUST_CHECK;
bool ingest_state_set_backfilled(struct ingest_state *state,
                                 int64_t from_ms,
                                 int64_t to_ms,
                                 GError **error) MUST_CHECK;

/* Ids of the tracked movies: a set for g_hash_table_contains(set, GINT_TO_POINTER(movie_id)). */
bool ingest_state_movie_ids(struct ingest_state *state,
                            GHashTable **ret_movie_ids,
                            GError **error) MUST_CHECK;

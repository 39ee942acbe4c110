/* What ingest.c, answers.c, stage.c and backfill.c share. Nobody else includes this. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/context.h"
#include "bus/bus.h"
#include "bus/serde.h"
#include "ingest/ingest_state.h"
#include "ingest/planner.h"
#include "ingest/publisher.h"
#include "ingest/tmdb_client.h"
#include "ingest/tmdb_health.h"
#include "lake/lake.h"
#include "lake/raw_store.h"

/* Reviews that are published or pending and not remembered yet: as many as the publisher holds, and
 * as many again when the state can't be written for a while. */
#define REVIEWS_UNSAVED_MAX (2 * PUBLISHER_RECORDS_MAX)
/* Answers that can't be used are counted each, and told of so often (monotonic). */
#define ANSWER_LOG_INTERVAL_MS 60000

struct ingest {
    const struct context *context; /* whose clock gives event and append times */
    struct registry *registry;
    struct serde *serde;
    struct bus *bus;
    struct lake *lake;
    struct raw_store *raw_store;
    struct ingest_state *state;
    struct planner *planner;
    struct publisher *publisher;
    struct tmdb_client *client;
    struct tmdb_health health;
    struct arena *arena; /* one answer */
    GQueue follow_ups;   /* struct ask: further pages and single blocks of asks under way */
    GArray *reviews;     /* struct published_review: published or pending, not remembered yet */
    GHashTable *review_versions; /* review_id -> index into reviews, plus 1 */
    bool raw_blocked; /* the lake doesn't take the raw answers; they are kept, nothing is asked */
    bool unsaved;     /* the bus has records that the state doesn't know; nothing is asked */
    GError *fatal;    /* TMDB refuses the key from the start, or a store is broken */
    int64_t answer_log_ms, answers_untold;
    int64_t records;
};

/* http_context: whose clock gives time-outs and back-off; the same but for a backfill. rate_per_s:
 * of requests, in real time; 0: no limit. */
struct ingest *ingest_open(const struct context *context,
                           const struct context *http_context,
                           double rate_per_s,
                           GError **error) MUST_CHECK;
void ingest_close(struct ingest *ingest); /* accepts NULL */

/* Sends what is due at the clock's now, while there is room. True when something was asked. */
bool ingest_ask(struct ingest *ingest);

/* Puts everything on the bus and remembers it, and spools raw answers that have waited. AGAIN:
 * nothing is lost, call again later. */
bool ingest_flush(struct ingest *ingest, GError **error) MUST_CHECK;

/* Ends what no longer may be kept: raw answers in the spool older than ingest.raw_retention, what
 * is remembered of movies that left long ago. */
bool ingest_sweep(struct ingest *ingest, GError **error) MUST_CHECK;

/* The callback of the TMDB client (answers.c); user is the struct ingest. */
void ingest_answered(const struct ask *ask, const struct tmdb_answer *answer, void *user);

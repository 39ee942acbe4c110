/* What ingest.c, answers.c and backfill.c share. Nobody else includes this. */
#pragma once

#include "base/arena.h"
#include "base/context.h"
#include "bus/bus.h"
#include "bus/serde.h"
#include "ingest/ingest_state.h"
#include "ingest/planner.h"
#include "ingest/publisher.h"
#include "ingest/tmdb_client.h"
#include "lake/lake.h"
#include "lake/raw_store.h"

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
    struct arena *arena; /* one answer */
    GArray *reviews;     /* struct published_review: published or pending, not remembered yet */
    GHashTable *review_versions; /* review_id -> index into reviews, plus 1 */
    GError *fatal;               /* TMDB refuses the key, or the state can't be read */
    bool answered;               /* TMDB has accepted the key since the start */
    int64_t records;
};

/* http_context: whose clock gives time-outs and back-off; the same but for a backfill. */
struct ingest *ingest_open(const struct context *context,
                           const struct context *http_context,
                           double rate_per_s,
                           GError **error) MUST_CHECK;
void ingest_close(struct ingest *ingest); /* accepts NULL */

/* Sends what is due at the clock's now, while there is room. True when something was asked. */
bool ingest_ask(struct ingest *ingest);

/* Puts everything on the bus and remembers it. */
bool ingest_flush(struct ingest *ingest, GError **error) MUST_CHECK;

/* The callback of the TMDB client (answers.c); user is the struct ingest. */
void ingest_answered(const struct ask *ask, const struct tmdb_answer *answer, void *user);

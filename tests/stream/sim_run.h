/* Run: one engine with its bus and its clock on a data folder, and what a seed's runs share. What
 * fails and isn't AGAIN ends the process with 1: a run is always in a child of its own. */
#pragma once

#include "base/context.h"
#include "bus/registry.h"
#include "sim_plan.h"
#include "stream/stream.h"

/* What outlives a life: shared between the parent and its children. */
struct shared {
    guint next; /* the action that the next life begins with */
    int64_t now_ms;
    int64_t produced;
    int64_t classes[RECORD_CLASS_COUNT], late, letters, revisions, rows;
};

struct sim {
    uint32_t seed;
    bool verbose;
    char *root; /* temporary folder of this seed */
    struct registry *registry;
    struct serde *serde;
    struct sim_plan *plan;
    struct shared *shared;
};

/* One engine, its bus and its clock. */
struct run {
    struct sim *sim;
    struct config *config;
    struct clock *clock;
    struct metrics *metrics;
    struct context context;
    struct bus *bus;
    struct stream *stream;
};

void sim_check(const struct sim *sim, bool done, GError *error);

/* Without bus and stream: they are the caller's to open. folder: within sim->root. */
void run_open(struct run *run, struct sim *sim, const char *folder, int64_t now_ms);
void run_close(struct run *run);
void run_create_topics(struct run *run);
void run_open_stream(struct run *run);

/* As the stage loop does: AGAIN is repeated. run_step: nothing was there to read. */
bool run_step(struct run *run);
void run_commit(struct run *run);
/* Everything read, committed and ranked. */
void run_settle(struct run *run);
/* A producer that repeats its batch until it knows that it is there. */
void run_produce(struct run *run, const struct sim_action *action);

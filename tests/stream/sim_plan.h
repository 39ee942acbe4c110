/* Plan: everything that one seed of the simulation does, made before anything is done: what the
 * producers send, when the engine steps and commits, how both times move, when the stage is
 * restarted. The same seed is the same plan, whatever then fails.
 *
 *   clock ─ produce ─ produce ─ step ─ clock ─ pass ─ commit ─ produce ─ reopen ─ ... */
#pragma once

#include <stdint.h>

#include <glib.h>

#include "bus/serde.h"

#define SIM_PARTITIONS 2

enum sim_verb {
    SIM_PRODUCE, /* first, count */
    SIM_CLOCK,   /* value: the world's time in ms, maybe an earlier one */
    SIM_PASS,    /* value: monotonic ms that pass */
    SIM_STEP,
    SIM_COMMIT,
    SIM_REOPEN, /* closed without a commit, opened again */
};

struct sim_action {
    enum sim_verb verb;
    int64_t value;
    guint first, count; /* of the records */
};

struct sim_record {
    enum topic topic;
    int partition;
    GBytes *bytes;
};

/* Kinds of records that a proof needs; summed over seeds none may be 0. */
struct sim_kinds {
    int64_t late, repeated, edited, lower_versions, expired, future, undecodable, foreign_ids,
        own_ids, jumps_back, jumps_forward;
};

struct sim_plan {
    GArray *actions;          /* struct sim_action */
    GArray *records;          /* struct sim_record */
    int64_t start_ms, end_ms; /* of the world's time; end: no earlier time is later */
    struct sim_kinds kinds;
};

struct sim_plan *sim_plan_new(uint32_t seed, struct serde *serde);
void sim_plan_free(struct sim_plan *plan);

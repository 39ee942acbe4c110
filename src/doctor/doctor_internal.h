/* What the files of this folder share. Nobody else includes this. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "bus/bus.h"
#include "bus/registry.h"
#include "doctor/doctor.h"
#include "lake/lake.h"
#include "view/view.h"

struct doctor {
    const struct context *context;
    struct findings *findings;
    struct arena *arena;   /* of the whole examination: texts */
    struct arena *fetched; /* of one fetch: records are as large as bus.record_max */
    int64_t now_ms;
    struct bus *bus; /* these are NULL where they couldn't be opened: that is a finding already */
    struct registry *registry;
    struct lake *lake;
    struct view *view;
    struct speed *speed;
};

/* "couldn't be looked at: ..." */
void doctor_unable(struct doctor *doctor, const char *check, const GError *error);
/* A finding that nothing is wrong, unless the check has said something else before. */
void doctor_fine(struct doctor *doctor, const char *check, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* "3.5 h", "12 min", "40 s"; in the arena. */
const char *doctor_span(struct doctor *doctor, int64_t span_ms);

/* ---- bus_checks.c ---- */
void check_idle_partitions(struct doctor *doctor);
void check_schemas(struct doctor *doctor);
void check_deadletters(struct doctor *doctor);

/* ---- layer_checks.c ---- */
void check_stream_lag(struct doctor *doctor);
void check_transactions(struct doctor *doctor); /* on Kafka; else it says nothing */
void check_sync(struct doctor *doctor);
void check_batch_late(struct doctor *doctor);
void check_batch_runs(struct doctor *doctor);
void check_small_files(struct doctor *doctor);

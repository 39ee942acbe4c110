/* Doctor: looks at every part of a deployment for what will hurt, and says what to do about it.
 *
 *   open what can be opened ─► each check looks ─► findings: ok, note, warn, bad
 *
 * It writes no record and no schema, and needs no running process; opening makes what isn't there.
 * A part that can't be opened or looked at is a finding too, never the end of the examination. One
 * owner thread. */
#pragma once

#include <stdbool.h>

#include "base/context.h"
#include "base/finding.h"

/* Thresholds; times are the world's. docs/doctor.md explains each check. */
#define DOCTOR_DISK_WARN_BYTES      INT64_C(2000000000)
#define DOCTOR_DISK_BAD_BYTES       INT64_C(200000000)
#define DOCTOR_IDLE_PARTITION_MS    (INT64_C(3600) * 1000) /* behind the topic's newest record */
#define DOCTOR_LAG_WARN_MS          (INT64_C(5) * 60 * 1000)
#define DOCTOR_DEADLETTERS_READ_MAX 1000 /* the newest of each partition */
#define DOCTOR_DEADLETTERS_AGE_MS   (INT64_C(24) * 3600 * 1000)
#define DOCTOR_COMMITS_PER_TIMEOUT  5 /* of stream.transaction_timeout */
#define DOCTOR_RUNS_READ            50
#define DOCTOR_SUCCESS_RATE_MIN     0.99
#define DOCTOR_SMALL_FILES_MIN      64 /* files of a table, below which small ones don't matter */

/* Adds what it found: at least one finding for each check that concerns this deployment. */
void doctor_examine(const struct context *context, struct findings *findings);

/* Shard: a task on Kafka: the engine's task (task.h) with all that is its own there, on its own
 * file (task_file.h). What the embedded engine shares among its tasks (live statistics, the late
 * ledger, positions) each shard has for itself; ranking and the sums of live statistics are the
 * global task's, to which it reports (report.h). One owner thread. */
#pragma once

#include "stream/intake.h"
#include "stream/late_ledger.h"
#include "stream/report.h"
#include "stream/task_file.h"

struct shard {
    struct task_file *file; /* the caller's */
    struct task *task;
    struct position_store *store;
    struct live *live;
    struct late_ledger *late_ledger;
    struct output output;            /* of the commit under way */
    int64_t swept_hour[INPUT_COUNT]; /* hour counts below it are gone from the file */
    int64_t taken[INPUT_COUNT];      /* records since the last commit */
    bool pending;                    /* something to commit */
};

/* Reads the file's last commit. file and settings outlive it. */
struct shard *shard_open(struct task_file *file,
                         const struct stream_settings *settings,
                         int64_t monotonic_ms,
                         GError **error) MUST_CHECK;
void shard_close(struct shard *shard); /* accepts NULL */

/* Compares the positions with the log (position_check). */
bool shard_check(struct shard *shard, struct bus *bus, GError **error) MUST_CHECK;

/* Within the file's transaction: collects shard->output and writes what changed. */
bool shard_write(struct shard *shard, GError **error) MUST_CHECK;
/* Behind shard_write: what the global task must know. */
void shard_report(struct shard *shard, struct report_writer *writer, GPtrArray *records);
/* It is committed, and the rows are in the speed store. */
void shard_committed(struct shard *shard);

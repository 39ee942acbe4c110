/* Holding: what a process holds of one partition of the changelog's topic: a task, first restoring,
 * then running.
 *
 *   given ─► restoring (restore.h) ─► running: shard, or for the last partition the global task
 *                  ▲                     │ commit ─► sinking ─► (now and then: file saved) ─►
 * running └──── abandoned ◄─────┤ (the transaction's outcome is bad or not known) └─► taken, lost:
 * dropped
 *
 * One thread at a time: the engine's, or in a commit its helper's (part.h). */
#pragma once

#include "stream/global_task.h"
#include "stream/restore.h"
#include "stream/shard.h"
#include "stream/snapshot.h"

/* So much later than the entries that it is made of the file is due, a task's at a time: a process
 * that dies plays them again. */
#define HOLDING_FILE_MS        INT64_C(5000)
#define HOLDING_FILE_BYTES_MAX (INT64_C(32) * 1024 * 1024)

struct holding {
    int number; /* partition, task */
    struct restore_options options;
    struct restore *restore; /* NULL: running */
    struct task_file *file;  /* while running */
    struct shard *shard;     /* while running: one of the two */
    struct global_task *global;
    bool begun;                /* an entry is under way in the file */
    bool wrote;                /* this commit has an entry of it */
    struct chain chain;        /* with that entry */
    int64_t unsaved_bytes;     /* of its changelog since the last snapshot */
    struct snapshot *snapshot; /* NULL: none is under way */
    int64_t sunk;              /* of the changelog: entries before it are in the speed store */
    int64_t unfiled_bytes;     /* of deltas since the file was last saved */
    int64_t filed_monotonic_ms;
};

/* Restoring. The options' pointers outlive it. */
struct holding *holding_new(const struct restore_options *options);
void holding_free(struct holding *holding); /* accepts NULL; what isn't committed is gone */

static inline bool holding_running(const struct holding *holding)
{
    return !holding->restore;
}

/* One step of restoring; then it runs. ret_idle: it waits. */
bool holding_restore(struct holding *holding, struct serde *serde, bool *ret_idle, GError **error)
    MUST_CHECK;

/* Forgets what isn't committed and restores again: it may have been committed after all. */
void holding_abandon(struct holding *holding);

bool holding_begin(struct holding *holding, GError **error) MUST_CHECK;
/* Runs, and nothing is in memory but what the changelog has: so right behind a commit. */
bool holding_settled(const struct holding *holding);
/* One step of the snapshot under way, or, where there is enough changelog for one, its begin, for
 * which it must be settled. Old changelog and snapshots go when it is done. ret_idle: nothing to
 * do.
 */
bool holding_save(struct holding *holding, bool *ret_idle, GError **error) MUST_CHECK;

/* Something to commit. */
bool holding_pending(const struct holding *holding, int64_t monotonic_ms);
/* Writes what changed into the file's transaction; the rows stand in holding_output. */
bool holding_write(struct holding *holding, int64_t monotonic_ms, GError **error) MUST_CHECK;
struct output *holding_output(struct holding *holding);
/* Positions that the commit stands for, appended (struct bus_position). */
void holding_positions(const struct holding *holding, GArray *positions);
/* Kafka has it. */
void holding_commit(struct holding *holding, int64_t next_offset);
/* The rows of the last commit into the speed store, where they go there and aren't. AGAIN: repeat.
 */
bool holding_sink(struct holding *holding, GError **error) MUST_CHECK;

/* Behind holding_sink, before anything more is read: saves the file. On failure it is abandoned. */
bool holding_file(struct holding *holding, GError **error) MUST_CHECK;
/* When that is due: HOLDING_FILE_MS after the last time, and at once where memory is full. */
enum holding_filing { HOLDING_FILED, HOLDING_FILE_DUE, HOLDING_FILE_NOW };
enum holding_filing holding_filing(const struct holding *holding, int64_t monotonic_ms);

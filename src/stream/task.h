/* Task: partition p of each input topic and all state that comes of it (Kafka Streams' unit of
 * work). A movie's records share a partition number, so no two tasks know the same movie.
 *
 *   life of a record: fetched, classified
 *     bad                  ──► dead letter
 *     expired, duplicate   ──► counted
 *     used                 ──► the jobs' windows ──► [commit] rows, offset, state together
 *
 * One thread at a time (part.h). */
#pragma once

#include "bus/serde.h"
#include "stream/job.h"
#include "stream/late_ledger.h"
#include "stream/position.h"
#include "stream/seen.h"
#include "stream/watermark.h"

struct task {
    int partition;
    const struct stream_settings *settings;
    struct state *state;
    struct seen *seen;
    struct live *live; /* the engine's */
    struct watermark watermark;
    struct position positions[INPUT_COUNT];
    GArray *hour_counts[INPUT_COUNT]; /* see hour_count.h */
    bool half_done;                   /* task_record failed behind its first change */
};

/* Reads the last commit. db, sql, settings and live outlive the task. */
struct task *task_open(sqlite3 *db,
                       const struct sql_file *sql,
                       struct position_store *store,
                       const struct stream_settings *settings,
                       struct live *live,
                       int partition,
                       int64_t monotonic_ms,
                       GError **error) MUST_CHECK;
void task_close(struct task *task); /* accepts NULL */

/* What became of a record. */
struct task_result {
    enum record_class class;
    bool late;
    const char *reason;           /* bad: why; in the arena */
    struct late_entry late_entry; /* where it is late */
};

/* Takes one record: its offset is the position's next one or a later one. On an error the record is
 * not taken; AGAIN: the registry can't be asked, nothing has changed. Any other error leaves the
 * state half changed. */
bool task_record(struct task *task,
                 struct serde *serde,
                 unsigned input,
                 const struct bus_record *record,
                 int64_t monotonic_ms,
                 struct arena *arena,
                 struct task_result *ret_result,
                 GError **error) MUST_CHECK;

/* The jobs' rows of what changed since the last commit. Titles in them live until task_committed.
 */
bool task_collect(struct task *task, struct output *output, GError **error) MUST_CHECK;

/* Within the engine's transaction, then after it. */
bool task_write(struct task *task, struct position_store *store, GError **error) MUST_CHECK;
void task_committed(struct task *task);

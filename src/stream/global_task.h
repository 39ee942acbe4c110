/* Global task: the one task that knows all movies: the ranker, and live statistics summed over the
 * tasks. It reads the tasks' reports (report.h) from REPORT_TOPIC, which has one partition, and has
 * a file and a changelog partition as every task. One owner thread. */
#pragma once

#include "bus/bus.h"
#include "bus/serde.h"
#include "stream/output.h"
#include "stream/position.h"
#include "stream/settings.h"
#include "stream/task_file.h"

struct global_task {
    struct task_file *file;   /* the caller's */
    struct position position; /* in REPORT_TOPIC */
    struct output output;     /* of the commit under way */
    int64_t watermark_ms;     /* the least of the tasks */
    int64_t horizon_ms;       /* the highest of the tasks */
    bool pending;             /* something to commit */
    /* private */
    const struct stream_settings *settings;
    struct position_store *store;
    struct outbox *outbox;
    struct ranker *ranker;
    struct live_sum *live_sum;
    GHashTable *watermarks; /* task -> int64_t, of reports since the last commit */
    GHashTable *horizons;
    int64_t stored_horizon_ms;
};

/* Reads the file's last commit. All arguments outlive it. */
struct global_task *global_task_open(struct task_file *file,
                                     const struct stream_settings *settings,
                                     struct serde *serde,
                                     int64_t monotonic_ms,
                                     GError **error) MUST_CHECK;
void global_task_close(struct global_task *global); /* accepts NULL */

/* Takes the reports of a fetched batch. An error leaves it half changed: open it again. Within the
 * file's transaction: titles and parts of minutes go into the file at once. */
bool global_task_take(struct global_task *global,
                      const struct bus_batch *batch,
                      GError **error) MUST_CHECK;

/* Late measures wait and may be ranked now. */
bool global_task_due(const struct global_task *global, int64_t monotonic_ms);

/* Within the file's transaction: ranks, sums, writes what changed, collects global->output. */
bool global_task_write(struct global_task *global, int64_t monotonic_ms, GError **error) MUST_CHECK;
/* Behind global_task_write: the records of movie.trending. */
void global_task_messages(const struct global_task *global, GArray *messages);
/* It is committed, and the rows are in the speed store. */
void global_task_committed(struct global_task *global);

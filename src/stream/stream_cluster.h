/* Stream on a cluster: the engine of the speed layer where the bus is Kafka. Several processes
 * share the tasks (one a partition number, and a global one for what needs all movies) and take
 * over from each other:
 *
 *   input topics ─► tasks ─► [ changelog entries, reports, dead letters, movie.trending, offsets ]
 *                     ▲          one Kafka transaction for all of a process's tasks
 *   reports ─► global ┘                   │ committed
 *                                         ▼
 *                   each task's file (task_file.h), then the speed store
 *
 * The changelog is the truth, files are caches. A transaction whose outcome is bad or not known
 * drops what was computed since; each task then goes on from what its group has committed. The
 * speed store is written from committed entries only, and once: batches say task and changelog
 * offset.
 *
 * It knows no time but context->clock. One owner thread; at a commit a helper thread writes some of
 * the tasks for it (docs/decisions/0018). docs/cluster.md, and
 * docs/decisions/0013-stream-on-kafka.md for why. */
#pragma once

#include "base/context.h"
#include "bus/serde.h"
#include "stream/stream.h"

#define STREAM_GROUP "stream"

struct stream_cluster;

/* The named places between every two steps of a commit (base/failpoint.h), in their order; ends
 * with NULL. */
extern const char *const stream_cluster_failpoints[];

/* Makes the topics that are absent, opens the speed store; joins the group at the first step. bus
 * and serde stay the caller's. instance: NULL for stream.instance. CONFIG: bus.backend isn't kafka,
 * or stream.instance runs already on this data folder. */
struct stream_cluster *stream_cluster_open(const struct context *context,
                                           struct bus *bus,
                                           struct serde *serde,
                                           const char *instance,
                                           GError **error) MUST_CHECK;
/* Leaves the group; what isn't committed is read again by whoever has the tasks next. Accepts NULL.
 */
void stream_cluster_close(struct stream_cluster *cluster);

/* As stream_step. FENCED: another process has this instance's name. */
bool stream_cluster_step(struct stream_cluster *cluster, bool *ret_idle, GError **error) MUST_CHECK;

/* Commits now what was read. */
bool stream_cluster_commit(struct stream_cluster *cluster, GError **error) MUST_CHECK;

/* As stream_caught_up; false too while another process has a task. */
bool stream_cluster_caught_up(const struct stream_cluster *cluster);

/* As stream_counts, of the tasks that this process runs. */
void stream_cluster_counts(const struct stream_cluster *cluster,
                           const char *topic,
                           struct stream_counts *ret_counts);

/* Tasks that this process runs, and that it restores. */
void stream_cluster_tasks(const struct stream_cluster *cluster,
                          int *ret_running,
                          int *ret_restoring);

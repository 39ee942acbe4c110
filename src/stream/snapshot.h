/* Snapshot: a task's file as a whole in Kafka, so that whoever gets the task needs not the whole
 * changelog, only its tail. Partition p of SNAPSHOT_TOPIC, for task p:
 *
 *   chunk 0, chunk 1, ... chunk n-1 (zstd), manifest     chunk 0, ... manifest        (the newest
 * last)
 *
 * A manifest says where in the changelog the file stood, how many chunks it has and the checksum of
 * all. Only a snapshot that has all of it is used, else the one before. Chunks and manifests are
 * appended without a transaction: they are copies of committed state, and a zombie's are as true as
 * any.
 *
 * Writing goes in steps, while the task goes on: a second connection holds the file's commit as it
 * was (WAL), SQLite's backup copies it page by page into a file beside it, which is sent chunk by
 * chunk. One owner thread. */
#pragma once

#include "bus/bus.h"
#include "stream/task_file.h"

#define SNAPSHOT_TOPIC "marquee.stream.snapshots"

/* What is kept in Kafka of a task: the newest snapshot, and one before it. */
#define SNAPSHOTS_KEPT 2

struct snapshot;

/* Begins one of the file's last commit. bus and file outlive it. */
struct snapshot *snapshot_begin(const struct context *context,
                                struct bus *bus,
                                const struct task_file *file,
                                GError **error) MUST_CHECK;
void snapshot_free(struct snapshot *snapshot); /* accepts NULL; what is half done stays unused */

/* One step. ret_done: it is in Kafka. AGAIN: repeat. */
bool snapshot_step(struct snapshot *snapshot, bool *ret_done, GError **error) MUST_CHECK;

/* Of a finished one. */
int64_t snapshot_bytes(const struct snapshot *snapshot);

/* Where a stored snapshot stands. */
struct snapshot_place {
    int64_t first_offset; /* of its first chunk */
    int64_t manifest_offset;
    int64_t changelog_offset; /* the changelog is needed from here */
};

/* The newest whole one and those before it, newest first, at most SNAPSHOTS_KEPT; looks at
 * manifests only. */
bool snapshot_find(struct bus *bus,
                   int task,
                   struct snapshot_place places[SNAPSHOTS_KEPT],
                   size_t *ret_count,
                   GError **error) MUST_CHECK;

/* Brings one into folder as the task's file, in steps. */
struct snapshot_fetch;

/* The file mustn't be open; it is removed. */
struct snapshot_fetch *snapshot_fetch_begin(struct bus *bus,
                                            int task,
                                            const struct snapshot_place *place,
                                            const char *folder,
                                            GError **error) MUST_CHECK;
void snapshot_fetch_free(struct snapshot_fetch *fetch); /* accepts NULL */
/* ret_done: the file is there. BADDATA where a chunk is missing or a checksum is wrong: try the one
 * before. */
bool snapshot_fetch_step(struct snapshot_fetch *fetch, bool *ret_done, GError **error) MUST_CHECK;

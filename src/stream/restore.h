/* Restore: brings a task's file to what its group has committed, in steps, while the process does
 * other things:
 *
 *   file as found ─┬─► tail of the changelog from its own offset ─► equal to the group's offsets?
 *      too old ────┴─► newest whole snapshot (snapshot.h) ─► tail ...
 *
 * The end is asked for after the group's offsets, so a commit whose offsets are seen has all its
 * records before that end; reading waits there for transactions that are undecided. What may not be
 * in the speed store yet is written again: the entries that the last one doesn't call sunk. */
#pragma once

#include "bus/bus_member.h"
#include "speed/speed.h"
#include "stream/settings.h"
#include "stream/task_file.h"

struct restore_options {
    const struct context *context;
    struct bus *bus;
    struct bus_member *member;
    struct speed *speed; /* NULL: rows don't go there */
    const struct stream_settings *settings;
    const struct sql_file *sql;
    const char *folder;
    int task;            /* settings->partitions: the global one */
    int64_t patience_ms; /* for offsets and changelog to agree; monotonic */
};

struct restore;

/* file: open already, or NULL. It is the restore's from now on. The options' pointers outlive it.
 */
struct restore *restore_new(const struct restore_options *options, struct task_file *file);
void restore_free(struct restore *restore); /* closes the file; accepts NULL */

/* ret_done: the file is whole. ret_idle: it waits for others. AGAIN: repeat. FAILED names task and
 * offset where state and changelog can't be brought together. */
bool restore_step(struct restore *restore, bool *ret_done, bool *ret_idle, GError **error)
    MUST_CHECK;

/* After ret_done: the file is the caller's, the restore is gone. */
struct task_file *restore_finish(struct restore *restore);

/* Task file: what one process keeps of one task on Kafka: a SQLite file that holds the task's state
 * as of some offset of its changelog. It is a cache, synchronous=OFF: whatever is wrong with it, it
 * is removed and made again from a snapshot and the changelog.
 *
 *   task_file_begin ─► statements by delta_run(file->delta, ...) ─► [entry is committed on Kafka]
 * ─► task_file_commit └─► task_file_rollback
 *
 * Its chain (changelog.h) says of which entries it is made. One owner thread. */
#pragma once

#include <sqlite3.h>

#include "base/sql_file.h"
#include "stream/changelog.h"

struct task_file {
    int task; /* also the changelog's partition */
    char *path;
    sqlite3 *db;
    const struct sql_file *sql;
    GByteArray *delta; /* of the commit under way */
    /* As of the last commit. */
    struct chain chain;
    int64_t next_offset; /* of the changelog: what stands before it is in the file */
    int64_t sunk;        /* entries before it are in the speed store for certain */
};

/* Makes an empty one where there is none, or where it is damaged. sql outlives it. */
struct task_file *
task_file_open(const char *folder, int task, const struct sql_file *sql, GError **error) MUST_CHECK;
/* All statements on its connection must be finalized. Accepts NULL. */
void task_file_close(struct task_file *file);

/* The file's name in folder. */
char *task_file_path(const char *folder, int task);
/* Removes a file that isn't open, with what SQLite keeps beside it. */
bool task_file_remove(const char *folder, int task, GError **error) MUST_CHECK;

bool task_file_begin(struct task_file *file, GError **error) MUST_CHECK;
/* Stores what the file is made of now with what was changed. On failure all of it is rolled back.
 */
bool task_file_commit(struct task_file *file,
                      const struct chain *chain,
                      int64_t next_offset,
                      GError **error) MUST_CHECK;
void task_file_rollback(struct task_file *file);

/* The entries before offset are in the speed store: enters the file with the commit under way. */
bool task_file_set_sunk(struct task_file *file, int64_t offset, GError **error) MUST_CHECK;

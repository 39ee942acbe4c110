/* Task file: what one process keeps of one task on Kafka: a SQLite file that holds the task's state
 * as of some offset of its changelog. It is a cache, synchronous=OFF: whatever is wrong with it, it
 * is removed and made again from a snapshot and the changelog.
 *
 *   task_file_begin ─► statements by delta_run(file->delta, ...) ─► [entry is committed on Kafka]
 *     ─► task_file_advance ─► ... some entries later: task_file_save
 *
 * One transaction of SQLite covers several entries, so that a row which each of them changes is
 * written once; task_file_rollback goes back to the last one, and who restores plays the entries
 * since. Its chain (changelog.h) says of which entries it is made. One owner thread. */
#pragma once

#include <sqlite3.h>

#include "base/sql_file.h"
#include "stream/changelog.h"

struct task_mark {
    struct chain chain;
    int64_t next_offset, sunk;
};

struct task_file {
    int task; /* also the changelog's partition */
    char *path;
    sqlite3 *db;
    const struct sql_file *sql;
    GByteArray *delta; /* of the entry under way */
    bool open;         /* a transaction is */
    /* As of the last entry. */
    struct chain chain;
    int64_t next_offset; /* of the changelog: what stands before it is in the file */
    int64_t sunk;        /* entries before it are in the speed store for certain */
    /* The same as of the last transaction: what is in the file whatever happens. */
    struct task_mark saved;
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

/* Opens the transaction where none is: a read outside of one takes and drops the file's locks. */
bool task_file_hold(struct task_file *file, GError **error) MUST_CHECK;
/* Of one entry's statements. The transaction may be open since an entry before. */
bool task_file_begin(struct task_file *file, GError **error) MUST_CHECK;
/* The entry stands in the changelog. */
void task_file_advance(struct task_file *file, const struct chain *chain, int64_t next_offset);
/* Stores all entries so far with what the file is made of now: the file doesn't go back behind it.
 * On failure all since the last time is rolled back. */
bool task_file_save(struct task_file *file, GError **error) MUST_CHECK;
/* Both. */
bool task_file_commit(struct task_file *file,
                      const struct chain *chain,
                      int64_t next_offset,
                      GError **error) MUST_CHECK;
/* Back to what was saved last. */
void task_file_rollback(struct task_file *file);

/* The entries before offset are in the speed store: enters the file with the entry under way. */
bool task_file_set_sunk(struct task_file *file, int64_t offset, GError **error) MUST_CHECK;

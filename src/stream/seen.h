/* Seen: what a task must remember of single records to tell repeats, two numbers under a kind, a
 * bucket and a key. Entries that are new or were used lately are in memory, all committed ones on
 * disk.
 *
 *   kind           bucket                 key
 *   SEEN_REVIEW    hour of created_at     movie, created_at, review_id
 *   SEEN_PRODUCER  0                      producer and epoch
 *   SEEN_EVENT_ID  append time / 10 min   event id
 *
 *   kind           a                      b
 *   SEEN_REVIEW    highest version        its compound, e4
 *   SEEN_PRODUCER  highest sequence       last append time
 *   SEEN_EVENT_ID  last append time       0
 *
 * A bucket is forgotten as a whole when no record could be told by it any more. One owner thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/error.h"
#include "base/sql_file.h"
#include "model/record.h"

enum seen_kind { SEEN_REVIEW, SEEN_PRODUCER, SEEN_EVENT_ID, SEEN_KIND_COUNT };

/* Entries in memory, of one task; above it all clean ones leave. */
#define SEEN_ENTRIES_MAX 50000
/* A longer key is kept as its SHA-256. */
#define SEEN_KEY_BYTES_MAX 96
/* Rows that one commit removes of a kind. */
#define SEEN_EXPIRE_ROWS_MAX 4000

struct seen;

struct seen_key {
    enum seen_kind kind;
    int64_t bucket;
    struct span key;
};

struct seen_entry {
    int64_t a, b;
    bool dirty; /* private */
};

struct seen *seen_new(sqlite3 *db, const struct sql_file *sql, int task, GError **error) MUST_CHECK;
void seen_free(struct seen *seen); /* accepts NULL */

/* NULL: not seen. The entry is valid until the next call. */
bool seen_find(struct seen *seen,
               const struct seen_key *key,
               const struct seen_entry **ret_entry,
               GError **error) MUST_CHECK;
size_t seen_count(const struct seen *seen); /* in memory */
void seen_put(struct seen *seen, const struct seen_key *key, int64_t a, int64_t b);

/* Buckets of a kind below first are no longer needed; of producers, those whose b is below first.
 */
void seen_forget(struct seen *seen, enum seen_kind kind, int64_t first);

/* As state_record, state_write and state_committed. */
void seen_record(struct seen *seen, GByteArray *delta);
bool seen_write(struct seen *seen, GError **error) MUST_CHECK;
void seen_committed(struct seen *seen);

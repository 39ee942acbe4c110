/* Live sum: the minutes of all tasks together (live_minute.h): each task's part is kept, and a
 * minute of which a part changed is summed again. In the global task's file. One owner thread. */
#pragma once

#include <sqlite3.h>

#include "base/sql_file.h"
#include "model/record.h"
#include "stream/output.h"

struct live_sum;

/* All arguments outlive it; what changes the file is appended to delta. */
struct live_sum *
live_sum_new(sqlite3 *db, const struct sql_file *sql, GByteArray *delta, GError **error) MUST_CHECK;
void live_sum_free(struct live_sum *sum); /* accepts NULL */

/* A task's part of a minute, in place of its last one. BADDATA where the bytes are none. Within the
 * file's transaction. */
bool live_sum_put(struct live_sum *sum, int task, int64_t minute, struct span bytes, GError **error)
    MUST_CHECK;

/* Within the file's transaction: rows of the changed minutes from horizon_ms on, appended to
 * output->live; minutes before it go. */
bool live_sum_write(struct live_sum *sum, struct output *output, int64_t horizon_ms, GError **error)
    MUST_CHECK;
/* The transaction is over, either way. */
void live_sum_clear(struct live_sum *sum);

/* Live: what happens in each minute of event time, over all movies and tasks: used records by
 * topic, user events by type, distinct users and active movies (approximate: hll.h). Outside the
 * equality. One for the engine; where tasks run in several processes each has its own part, and
 * parts merge by adding counts and merging registers.
 *
 * Minutes in use are in memory, all committed ones on disk. One owner thread. */
#pragma once

#include <sqlite3.h>

#include "base/sql_file.h"
#include "stream/job.h"

/* Minutes in memory; above it the clean ones leave. */
#define LIVE_MINUTES_MAX 128

struct live;
struct live_minute;

struct live *live_new(sqlite3 *db, const struct sql_file *sql, GError **error) MUST_CHECK;
void live_free(struct live *live); /* accepts NULL */

/* One used record. */
bool live_record(struct live *live, const struct input *input, GError **error) MUST_CHECK;

/* Within the engine's transaction: writes changed minutes, appends output->live; minutes before
 * horizon_ms go. Then after the transaction. */
bool live_write(struct live *live, struct output *output, int64_t horizon_ms, GError **error)
    MUST_CHECK;
void live_committed(struct live *live);

/* From now on what live_write changes of the file is appended to delta (delta.h), which outlives
 * this. */
void live_record_changes(struct live *live, GByteArray *delta);

/* The minutes that live_write writes, oldest first. */
void live_each_changed(const struct live *live,
                       int64_t horizon_ms,
                       void (*each)(const struct live_minute *minute, void *user),
                       void *user);

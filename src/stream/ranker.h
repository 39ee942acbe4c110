/* Ranker: the one task that knows all movies. It reads what the tasks' commits say of each movie
 * and window (the internal topic: stream_measure_log) and keeps, per window, all measures, their
 * ranking and its revision.
 *
 *   life of a window
 *     open       ranked at each commit
 *     final      late measures wait, and are ranked every ranker.late_interval
 *     expired    its hour is no longer held: it goes
 *
 *   what of it is where
 *     log row n   appended by each commit that is no checkpoint
 *     memory      measures of final windows wait (pending)
 *     checkpoint  every late_interval, or when memory is full: pending measures are merged, all
 *                 changed windows are written as a whole, and the log is emptied, in one
 *                 transaction with what is ranked
 *
 * So a crash loses nothing: the log has what the windows on disk lack, and merging it again changes
 * nothing. An hour shows its latest window with ranks; when a late record empties that one, the
 * window before it. One thread at a time (part.h). */
#pragma once

#include <sqlite3.h>

#include "base/sql_file.h"
#include "stream/outbox.h"
#include "stream/output.h"
#include "stream/settings.h"

/* Measures in memory, above which a checkpoint comes early: of windows, and waiting. */
#define RANKER_MEASURES_MAX 150000
#define RANKER_PENDING_MAX  100000

struct ranker;

/* All arguments outlive the ranker. Reads the log. */
struct ranker *ranker_open(sqlite3 *db,
                           const struct sql_file *sql,
                           const struct stream_settings *settings,
                           struct outbox *outbox,
                           int64_t monotonic_ms,
                           GError **error) MUST_CHECK;
void ranker_close(struct ranker *ranker); /* accepts NULL */

/* From now on what ranker_write changes of the file is appended to delta (delta.h), which outlives
 * the ranker. */
void ranker_record(struct ranker *ranker, GByteArray *delta);

/* In memory: of windows, and waiting. */
size_t ranker_measures_count(const struct ranker *ranker);

/* Something waits and may be ranked now. */
bool ranker_due(const struct ranker *ranker, int64_t monotonic_ms);

/* Within the engine's transaction, behind the tasks' writes: takes output->measures (which it
 * sorts), ranks, and appends output->trending and output->trending_gone. horizon_ms: windows before
 * it are no longer held. */
bool ranker_write(struct ranker *ranker,
                  struct output *output,
                  int64_t watermark_ms,
                  int64_t horizon_ms,
                  int64_t monotonic_ms,
                  GError **error) MUST_CHECK;
/* The transaction that ranker_write took part in has failed: reads again what the disk has. The
 * tasks' measures come again with the next commit. */
bool ranker_rolled_back(struct ranker *ranker, GError **error) MUST_CHECK;

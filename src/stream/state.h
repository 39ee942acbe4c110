/* State of one task: movies and their windows, in memory as far as they are new or were used
 * lately, the rest on disk (contracts/stream.sql). Reads go to the disk one bin at a time; writes
 * happen only in state_write, inside the engine's transaction.
 *
 *   record ─► state_movie ─► state_window (dirty)
 *   commit    collect results ─► state_write ─► COMMIT ─► state_committed
 *             on failure nothing changes: repeat
 *
 * On Kafka state_write only records, and state_file writes some commits later; what waits for that
 * stays in memory, so the file is never asked for a row that it doesn't have yet.
 *
 * Reachable are the hours that are held and 2 x lookback before them: no formula of a held window
 * reads more. What lies below is forgotten at once (its bit goes from the hour set) and its rows
 * are removed in steps. One thread at a time (part.h). Errors of state_* while records are
 * processed leave a record half done; the engine then drops all of its memory and reads the last
 * commit again. */
#pragma once

#include <sqlite3.h>

#include "base/sql_file.h"
#include "stream/movie_table.h"
#include "stream/settings.h"

/* In memory, of all tasks together; each has its share. What was changed since the last commit may
 * exceed them: that is bounded by stream.commit_records. */
#define STATE_WINDOWS_MAX      650000
#define STATE_MOVIES_MAX       120000
#define STATE_TASK_WINDOWS_MIN 1000 /* the least share */
/* Rows that one commit removes of a kind. */
#define STATE_EXPIRE_ROWS_MAX 4000

struct state;

/* One window in memory. Valid until the next state_window or state_committed. */
struct window_ref {
    struct bin *bin;
    uint32_t at;
    int64_t start_ms;
};

static inline struct bin_window *window_ref_get(const struct window_ref *ref)
{
    return &ref->bin->windows[ref->at];
}

/* All arguments outlive the state. */
struct state *state_new(sqlite3 *db,
                        const struct sql_file *sql,
                        const struct stream_settings *settings,
                        int task,
                        GError **error) MUST_CHECK;
void state_free(struct state *state); /* accepts NULL */

/* From now on what state_write changes is appended to delta (delta.h), which outlives the state.
 * Windows and movies then wait in memory, to be written by state_file: once, however many commits
 * have changed them. */
void state_record(struct state *state, GByteArray *delta);

/* The highest event time of the partition that feeds a kind has risen. */
void state_advance(struct state *state, enum bin_kind kind, int64_t highest_event_ms);

/* The first hour of a kind that is held. INT64_MIN before the first record. */
int64_t state_first_held(const struct state *state, enum bin_kind kind);

/* The movie, made where it is new. Valid until state_committed. */
bool state_movie(struct state *state, int32_t movie_id, struct movie **ret_movie, GError **error)
    MUST_CHECK;

/* As movie_table_prefetch. */
void state_prefetch(const struct state *state, int32_t movie_id, enum movie_part part);

/* The window of a used record, made where it was empty (then ret_new), marked as changed. */
bool state_window(struct state *state,
                  struct movie *movie,
                  enum bin_kind kind,
                  int64_t event_ms,
                  struct bin_window **ret_window,
                  bool *ret_new,
                  GError **error) MUST_CHECK;

/* The movie's metadata changed. */
void state_title(struct state *state, struct movie *movie, struct span title, int64_t event_ms);

/* The bin of an hour; NULL where all its windows are empty. */
bool state_bin(struct state *state,
               struct movie *movie,
               enum bin_kind kind,
               int64_t hour,
               struct bin **ret_bin,
               GError **error) MUST_CHECK;

/* The nearest non-empty window strictly before or after start_ms, at most the lookback away:
 * ret_found. */
bool state_before(struct state *state,
                  struct movie *movie,
                  enum bin_kind kind,
                  int64_t start_ms,
                  struct window_ref *ret_ref,
                  bool *ret_found,
                  GError **error) MUST_CHECK;
bool state_after(struct state *state,
                 struct movie *movie,
                 enum bin_kind kind,
                 int64_t start_ms,
                 struct window_ref *ret_ref,
                 bool *ret_found,
                 GError **error) MUST_CHECK;

/* Movies with changed windows or titles since the last commit. */
struct movie **state_changed(struct state *state, size_t *ret_count);

/* Within the engine's transaction: writes what changed, removes some of what is no longer
 * reachable. */
bool state_write(struct state *state, GError **error) MUST_CHECK;
/* The transaction has been committed. */
void state_committed(struct state *state);

/* Writes what waits, with the values of now: right behind state_committed only. Makes room in
 * memory where it is full. */
bool state_file(struct state *state, GError **error) MUST_CHECK;
/* More is in memory than its share: state_file is due. */
bool state_full(const struct state *state);

size_t state_windows_count(const struct state *state); /* in memory */
size_t state_movies_count(const struct state *state);  /* in memory */

/* Stream: the engine of the speed layer. It reads the input topics of the bus, keeps windows per
 * movie, and writes the speed tables, all exactly once:
 *
 *   bus ──► tasks, one a partition number
 *             │ good: [ offsets + state + speed tables + feed ], one transaction ──► stream.db
 *             └ bad: marquee.deadletter, before the offset that passes them is committed
 *
 * stream.db is one SQLite file, synchronous=NORMAL: after a power cut the last commits may be gone,
 * but offsets, state and output go back together, and what follows is read again from the bus
 * (which is synchronous=FULL). What leaves the file (dead letters, movie.trending) may then come
 * twice: at least once, never never.
 *
 * The engine is single-threaded and knows no time but context->clock. One owner thread. */
#pragma once

#include <stdbool.h>

#include "base/context.h"
#include "base/error.h"
#include "bus/serde.h"
#include "stream/classify.h"

struct stream;

/* Bytes asked of one partition at a time. */
#define STREAM_FETCH_BYTES ((size_t)256 * 1024)
/* The named places between every two steps of a commit (base/failpoint.h), in their order; ends
 * with NULL. */
extern const char *const stream_failpoints[];

/* Opens data.dir/stream.db and compares its offsets with the bus: FAILED where the log ends before
 * them (it lost its tail) or begins behind them. Makes the topics that are absent. bus and serde
 * stay the caller's. */
struct stream *stream_open(const struct context *context,
                           struct bus *bus,
                           struct serde *serde,
                           GError **error) MUST_CHECK;
/* What isn't committed is read again next time. Accepts NULL. */
void stream_close(struct stream *stream);

/* Reads some records of each partition and commits when stream.commit_records or
 * stream.commit_interval says so. ret_idle: there was nothing to read. AGAIN: back off and call
 * again. After any other error: close. */
bool stream_step(struct stream *stream, bool *ret_idle, GError **error) MUST_CHECK;

/* Commits now what was read. */
bool stream_commit(struct stream *stream, GError **error) MUST_CHECK;

/* Records so far by class, as committed plus what is pending: of a topic, or of all (NULL). */
struct stream_counts {
    int64_t classes[RECORD_CLASS_COUNT];
    int64_t late;
    int64_t pending; /* read but not committed */
};
void stream_counts(const struct stream *stream,
                   const char *topic,
                   struct stream_counts *ret_counts);

/* All that is on the bus is read and committed; late windows may wait for ranker.late_interval. */
bool stream_caught_up(const struct stream *stream);

/* The stage: opens bus, registry and engine, steps until context->stop asks, commits, closes. Waits
 * stream.poll_interval when idle, backs off on AGAIN. False: it had to give up; the error says why.
 */
bool stream_run(const struct context *context, GError **error) MUST_CHECK;
/* The same, until everything is read and committed; on Kafka it must get all tasks for that. */
bool stream_catch_up(const struct context *context, GError **error) MUST_CHECK;

/* Changelog: the truth about a task on Kafka. Partition p of CHANGELOG_TOPIC holds an entry for
 * each commit of task p, the last partition those of the global task:
 *
 *   entry n = { the delta of the task's file (delta.h), the rows for the speed store (rows.h) }
 *           = 1 .. CHANGELOG_PARTS_MAX records, one behind the other
 *
 * Entries are a chain: each carries its number and the checksum of all before it, so an entry that
 * doesn't follow what a file is made of is refused instead of played.
 *
 * A record: "MQC" and the format byte; as zigzag varints task, number, digest, part, parts, length
 * of the whole entry; then this part's piece of the zstd-compressed entry; last a CRC-32. The
 * entry: length of the delta as zigzag varint, delta, rows. */
#pragma once

#include <glib.h>

#include "base/arena.h"
#include "base/error.h"
#include "model/record.h"

#define CHANGELOG_TOPIC "marquee.stream.changelog"

/* An entry that is larger than this, uncompressed, is refused: commit smaller. */
#define CHANGELOG_ENTRY_BYTES_MAX ((size_t)512 * 1024 * 1024)
#define CHANGELOG_PARTS_MAX       100000
/* Of a record, besides the piece. */
#define CHANGELOG_HEAD_BYTES_MAX 72

/* What a task's file is made of. All 0: of nothing. */
struct chain {
    int64_t commits; /* entries so far */
    uint32_t digest; /* checksum over all of them */
};

struct changelog_entry {
    int task;
    struct chain before; /* number: before.commits */
    struct span delta, rows;
};

/* Makes records of entries. */
struct changelog_writer;

struct changelog_writer *changelog_writer_new(void);
void changelog_writer_free(struct changelog_writer *writer); /* accepts NULL */

/* The records' values, in the arena, each at most record_bytes_max, in the order in which they are
 * to be appended; ret_after: the chain with this entry. BADDATA where the entry is too large. */
bool changelog_encode(struct changelog_writer *writer,
                      const struct changelog_entry *entry,
                      size_t record_bytes_max,
                      struct arena *arena,
                      struct span **ret_values,
                      size_t *ret_count,
                      struct chain *ret_after,
                      GError **error) MUST_CHECK;

/* Puts entries together again. */
struct changelog_reader;

struct changelog_reader *changelog_reader_new(void);
void changelog_reader_free(struct changelog_reader *reader); /* accepts NULL */

/* Takes the next record's value. ret_whole: it was an entry's last; the entry lives until the next
 * call. BADDATA where it is damaged or isn't the part that follows. */
bool changelog_take(struct changelog_reader *reader,
                    struct span value,
                    bool *ret_whole,
                    struct changelog_entry *ret_entry,
                    struct chain *ret_after,
                    GError **error) MUST_CHECK;

/* Part: what one task says in a commit. Writes the holding, and makes of it the messages that go
 * into the transaction: its changelog entry, its rows where they go to a topic, its report or the
 * global task's rankings.
 *
 *   holding ─► part_write ─► messages ─► [transaction]
 *
 * It has its own room for all of that, and a holding its own file, state and delta: two parts may
 * write two holdings at the same time, in two threads. Tasks share what doesn't change and, for the
 * global task's rankings, the serde, which only encodes here. One part: one thread at a time. */
#pragma once

#include "stream/changelog.h"
#include "stream/holding.h"

struct part {
    GArray *messages; /* struct bus_message, of the last part_write; valid until part_clear */
    /* Its own. */
    bool rows_to_topic;
    size_t record_bytes_max;
    struct arena *arena;
    struct changelog_writer *changelog;
    struct report_writer *reports;
    GPtrArray *reported; /* GBytes: its records */
    GByteArray *rows;
};

/* rows_to_topic: rows go to ROWS_TOPIC, and not into the entry for the speed store. */
struct part *part_new(bool rows_to_topic, size_t record_bytes_max);
void part_free(struct part *part); /* accepts NULL */

/* Then the holding's chain is that with this entry, and it wrote. What was in the part goes. */
bool part_write(struct part *part, struct holding *holding, int64_t monotonic_ms, GError **error)
    MUST_CHECK;
/* The messages went. */
void part_clear(struct part *part);

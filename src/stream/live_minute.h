/* Live minute: what happens in one minute of event time: used records by topic, user events by
 * type, distinct users and active movies (hll.h). Parts of several tasks merge by adding counts and
 * merging registers.
 *
 * Bytes: format byte, the counts as zigzag varints, the registers of users, then of movies; last a
 * CRC-32. */
#pragma once

#include "stream/hll.h"
#include "stream/job.h"

#define LIVE_EVENT_TYPES 6
#define LIVE_COUNTS      (INPUT_COUNT + LIVE_EVENT_TYPES)

struct live_minute {
    int64_t number; /* since the epoch */
    int64_t counts[LIVE_COUNTS];
    struct hll users, movies;
};

/* Appends to out. The number stands elsewhere: it is the key. */
void live_minute_encode(const struct live_minute *minute, GByteArray *out);
/* Fills in all but the number; BADDATA names it. */
bool live_minute_decode(struct live_minute *minute, struct span bytes, GError **error) MUST_CHECK;

void live_minute_merge(struct live_minute *minute, const struct live_minute *other);

/* Appends to output->live. */
void live_minute_rows(const struct live_minute *minute, struct output *output);

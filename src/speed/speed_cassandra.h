/* The speed store on Cassandra: contracts/speed.cql over src/cql. What differs from the embedded
 * one:
 *
 * - A write is "all or nothing" for who repeats it: rows are upserts with timestamps, so after
 * AGAIN the same batch is simply written again, and the changed keys enter the feed only when all
 * rows are acknowledged by LOCAL_QUORUM. A numbered batch (speed_batch.sequence) that is older than
 *   what is there changes nothing, because its timestamps are.
 * - A store has either writers that number their batches or one that doesn't.
 * - Rows go by their own TTL, so speed_expire has only the feed to shorten. */
#pragma once

#include "speed/speed.h"

/* The last hour that a reader asks for is that of now + stream.future_limit: no used record is
 * later. */
struct cql *speed_cassandra_cql(struct speed *speed); /* for the bench and tests */

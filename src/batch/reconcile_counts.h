/* Reconcile counts: used records a topic, partition and hour, in the lake and in the speed layer.
 *
 * Both are counts over prefixes of the same log, and of two prefixes one contains the other: where
 * an hour's counts are equal, both hold the same records there. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "batch/run_state.h"
#include "model/topic.h"
#include "speed/speed.h"

#define RECONCILE_ALL_PARTITIONS (-1)

struct reconcile_counts;

/* Reads the lake's counts of hours from held_from_ms on. */
struct reconcile_counts *
reconcile_counts_new(struct run_state *state, int64_t held_from_ms, GError **error) MUST_CHECK;
void reconcile_counts_free(struct reconcile_counts *counts); /* accepts NULL */

/* Reads the speed layer's, anew at each call, and how far each of its writers has come
 * (speed_written): hours that one of them is just writing count as unequal. */
bool reconcile_counts_read(struct reconcile_counts *counts,
                           struct speed *speed,
                           GError **error) MUST_CHECK;

/* Whether all hours in [from_hour_ms, to_hour_ms] have equal counts on both sides. */
bool reconcile_counts_equal(const struct reconcile_counts *counts,
                            enum topic topic,
                            int partition,
                            int64_t from_hour_ms,
                            int64_t to_hour_ms);

/* The partition of a movie's records, which is also who writes its rows. */
int reconcile_counts_partition(const struct reconcile_counts *counts, int32_t movie_id);
/* Who writes ranks. */
int reconcile_counts_ranker(const struct reconcile_counts *counts);

/* What the writer had wholly written when the counts were read: a row with a sequence above it and
 * that of a repair (one more) belongs to a write that is under way. 0: it doesn't number them. */
int64_t reconcile_counts_written(const struct reconcile_counts *counts, int writer);
bool reconcile_counts_settled(const struct reconcile_counts *counts, int writer, int64_t sequence);

/* Group fake: the members of bus_member.h in one process, deterministic, over any bus. Transactions
 * are atomic: they stand in memory until their commit, which is one produce call, with the group's
 * offsets as one more record of it (topic GROUP_FAKE_OFFSETS). So a process may be killed at any
 * instruction, if its log outlives it.
 *
 *   faults of a commit (dice of the seed): aborted (AGAIN, nothing is there), unknown (AGAIN, all
 * is there) faults of the group: group_fake_lose: given up for dead, its partitions go to the
 * others at once */
#pragma once

#include "bus/bus_member.h"

#define GROUP_FAKE_OFFSETS "fake.offsets"

struct group_fake;

struct group_fake_faults {
    uint32_t seed;
    double aborted, unknown; /* chances of a commit */
};

/* log outlives it and never fails; it holds what earlier lives committed. */
struct group_fake *group_fake_new(struct bus *log, struct group_fake_faults faults);
void group_fake_free(struct group_fake *group); /* after its buses */

/* A bus whose members are this group's; reads through reader, which it owns. */
struct bus *group_fake_bus(struct group_fake *group, struct bus *reader);

/* The member with this instance, if there is one, is given up for dead. */
void group_fake_lose(struct group_fake *group, const char *instance);

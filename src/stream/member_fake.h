/* Member fake: a member of the group (bus_member.h) for tests that need no Kafka: the test says
 * what the group has committed and where partitions end. */
#pragma once

#include "bus/bus_member_backend.h"
#include "stream/job.h"

#define MEMBER_FAKE_END INT64_C(-1) /* of the bus */

struct member_fake {
    struct bus_member member; /* first: it is what restore and holding get */
    struct bus *bus;
    int64_t committed[INPUT_COUNT]; /* of any partition of these topics; -1: nothing */
    int64_t committed_reports;
    int64_t end;   /* of the changelog, or MEMBER_FAKE_END */
    bool away;     /* all is AGAIN */
    int questions; /* for offsets, so far */
};

/* Nothing committed. bus outlives it. */
void member_fake_init(struct member_fake *fake, struct bus *bus);

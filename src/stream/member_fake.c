#include "stream/member_fake.h"

#include <string.h>

#include "stream/report.h"

static bool is_here(const struct member_fake *fake, GError **error)
{
    if (fake->away)
        error_set(error, AGAIN, "the brokers are away");
    return !fake->away;
}

static bool fake_committed(struct bus_member *member,
                           struct bus_position *positions,
                           size_t count,
                           GError **error)
{
    struct member_fake *fake = (struct member_fake *)member;
    fake->questions++;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(positions[i].topic, REPORT_TOPIC) == 0)
            positions[i].offset = fake->committed_reports;
        for (unsigned input = 0; input < INPUT_COUNT; input++) {
            if (strcmp(positions[i].topic, topic_info(input_topics[input])->name) == 0)
                positions[i].offset = fake->committed[input];
        }
    }
    return is_here(fake, error);
}

static bool fake_end(
    struct bus_member *member, const char *topic, int partition, int64_t *ret_end, GError **error)
{
    struct member_fake *fake = (struct member_fake *)member;
    int64_t start;
    if (!is_here(fake, error) || !bus_offsets(fake->bus, topic, partition, &start, ret_end, error))
        return false;
    if (fake->end != MEMBER_FAKE_END)
        *ret_end = fake->end;
    return true;
}

void member_fake_init(struct member_fake *fake, struct bus *bus)
{
    static const struct bus_member_ops ops = {.committed = fake_committed, .end = fake_end};
    *fake = (struct member_fake){
        .member = {&ops}, .bus = bus, .committed_reports = -1, .end = MEMBER_FAKE_END};
    for (unsigned input = 0; input < INPUT_COUNT; input++)
        fake->committed[input] = -1;
}

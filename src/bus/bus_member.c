#include "bus/bus_member.h"

#include "bus/bus_member_backend.h"

/* NULL and the error where the backend has no members. */
static const struct bus_member_ops *member_ops(struct bus *bus, GError **error)
{
    if (!bus->ops->member)
        error_set(error, CONFIG,
                  "bus.backend: %s has no groups whose members share partitions; kafka has",
                  bus->ops->name);
    return bus->ops->member;
}

bool bus_member_create_topic(
    struct bus *bus, const char *topic, int partitions, enum member_topic kind, GError **error)
{
    const struct bus_member_ops *ops = member_ops(bus, error);
    return ops && ops->create_topic(bus, topic, partitions, kind, error);
}

struct bus_member *
bus_member_join(struct bus *bus, const struct bus_member_options *options, GError **error)
{
    const struct bus_member_ops *ops = member_ops(bus, error);
    return ops ? ops->join(bus, options, error) : NULL;
}

void bus_member_leave(struct bus_member *member)
{
    if (member)
        member->ops->leave(member);
}

bool bus_member_poll(struct bus_member *member,
                     int64_t wait_ms,
                     struct arena *arena,
                     struct member_event *ret_event,
                     GError **error)
{
    return member->ops->poll(member, wait_ms, arena, ret_event, error);
}

bool bus_member_release(struct bus_member *member, GError **error)
{
    return member->ops->release(member, error);
}

bool bus_member_committed(struct bus_member *member,
                          struct bus_position *positions,
                          size_t count,
                          GError **error)
{
    return count == 0 || member->ops->committed(member, positions, count, error);
}

bool bus_member_end(
    struct bus_member *member, const char *topic, int partition, int64_t *ret_end, GError **error)
{
    return member->ops->end(member, topic, partition, ret_end, error);
}

bool bus_member_begin(struct bus_member *member, GError **error)
{
    return member->ops->begin(member, error);
}

bool bus_member_produce(struct bus_member *member,
                        const struct bus_message *messages,
                        size_t count,
                        GError **error)
{
    return member->ops->produce(member, messages, count, error);
}

bool bus_member_offsets(struct bus_member *member,
                        const struct bus_position *positions,
                        size_t count,
                        GError **error)
{
    return count == 0 || member->ops->offsets(member, positions, count, error);
}

bool bus_member_commit(struct bus_member *member,
                       struct bus_position *ret_last,
                       size_t last_count,
                       GError **error)
{
    return member->ops->commit(member, ret_last, last_count, error);
}

void bus_member_abort(struct bus_member *member)
{
    member->ops->abort(member);
}

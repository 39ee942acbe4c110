/* bus_faulty: passes every call on to the bus inside, unless the dice say otherwise. The dice are
 * splitmix64 over the seed, so a seed replays its faults exactly. Group offsets, topics and expiry
 * never fail: the faults that matter are those of the records' path. */
#include "bus/bus_faulty.h"

#include "bus/bus_backend.h"
#include "bus/bus_mem.h"

struct bus_faulty {
    struct bus bus;
    struct bus *inner;
    struct bus_faults faults;
    uint64_t dice;
};

static const struct bus_ops bus_faulty_ops;

static struct bus_faulty *self(struct bus *bus)
{
    g_assert(bus->ops == &bus_faulty_ops);
    return (struct bus_faulty *)bus;
}

/* Source: Sebastiano Vigna, "splitmix64". */
static uint64_t next_random(struct bus_faulty *faulty)
{
    uint64_t z = faulty->dice += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Throws the dice even for chance 0, so that one fault's chance doesn't shift the others. */
static bool happens(struct bus_faulty *faulty, double chance)
{
    return (double)(next_random(faulty) >> 11) * 0x1p-53 < chance;
}

struct bus *bus_faulty_new(struct bus *inner, struct bus_faults faults)
{
    struct bus_faulty *faulty = g_new0(struct bus_faulty, 1);
    faulty->bus = (struct bus){.ops = &bus_faulty_ops, .context = inner->context};
    faulty->inner = inner;
    faulty->faults = faults;
    faulty->dice = faults.seed;
    return &faulty->bus;
}

static void faulty_close(struct bus *bus)
{
    struct bus_faulty *faulty = self(bus);
    faulty->inner->ops->close(faulty->inner);
    g_free(faulty);
}

static bool faulty_create_topic(struct bus *bus, const char *topic, int partitions, GError **error)
{
    struct bus *inner = self(bus)->inner;
    return inner->ops->create_topic(inner, topic, partitions, error);
}

static bool faulty_topics(struct bus *bus,
                          struct arena *arena,
                          struct bus_topic **ret_topics,
                          size_t *ret_count,
                          GError **error)
{
    struct bus *inner = self(bus)->inner;
    return inner->ops->topics(inner, arena, ret_topics, ret_count, error);
}

static bool faulty_produce(struct bus *bus,
                           const struct bus_message *messages,
                           size_t count,
                           int64_t *ret_offsets,
                           GError **error)
{
    struct bus_faulty *faulty = self(bus);
    bool lost = happens(faulty, faulty->faults.produce_lost);
    bool unknown = happens(faulty, faulty->faults.produce_unknown);
    if (lost) {
        error_set(error, AGAIN, "bus_faulty: nothing was appended");
        return false;
    }
    /* Whoever is told AGAIN gets no offsets, even where the records are there. */
    if (!faulty->inner->ops->produce(faulty->inner, messages, count, unknown ? NULL : ret_offsets,
                                     error))
        return false;
    if (unknown)
        error_set(error, AGAIN, "bus_faulty: it isn't known whether the records are there");
    return !unknown;
}

static bool faulty_fetch(struct bus *bus,
                         const char *topic,
                         int partition,
                         int64_t offset,
                         size_t bytes_max,
                         struct arena *arena,
                         struct bus_batch *ret_batch,
                         GError **error)
{
    struct bus_faulty *faulty = self(bus);
    bool fails = happens(faulty, faulty->faults.fetch_fails);
    bool is_short = happens(faulty, faulty->faults.fetch_short);
    if (fails) {
        error_set(error, AGAIN, "bus_faulty: the fetch failed");
        return false;
    }
    return faulty->inner->ops->fetch(faulty->inner, topic, partition, offset,
                                     is_short ? 1 : bytes_max, arena, ret_batch, error);
}

static bool faulty_offsets(struct bus *bus,
                           const char *topic,
                           int partition,
                           int64_t *ret_start,
                           int64_t *ret_end,
                           GError **error)
{
    struct bus *inner = self(bus)->inner;
    return inner->ops->offsets(inner, topic, partition, ret_start, ret_end, error);
}

static bool faulty_group_commit(struct bus *bus,
                                const char *group,
                                const struct bus_position *positions,
                                size_t count,
                                GError **error)
{
    struct bus *inner = self(bus)->inner;
    return inner->ops->group_commit(inner, group, positions, count, error);
}

static bool faulty_group_offset(struct bus *bus,
                                const char *group,
                                const char *topic,
                                int partition,
                                int64_t *ret_offset,
                                GError **error)
{
    struct bus *inner = self(bus)->inner;
    return inner->ops->group_offset(inner, group, topic, partition, ret_offset, error);
}

static bool faulty_expire(
    struct bus *bus, const char *topic, int64_t before_ms, int64_t *ret_records, GError **error)
{
    struct bus *inner = self(bus)->inner;
    return inner->ops->expire(inner, topic, before_ms, ret_records, error);
}

void bus_faulty_lose_tail(struct bus *bus, const char *topic, int partition, int64_t count)
{
    bus_mem_lose_tail(self(bus)->inner, topic, partition, count);
}

static const struct bus_ops bus_faulty_ops = {
    .name = "faulty",
    .close = faulty_close,
    .create_topic = faulty_create_topic,
    .topics = faulty_topics,
    .produce = faulty_produce,
    .fetch = faulty_fetch,
    .offsets = faulty_offsets,
    .group_commit = faulty_group_commit,
    .group_offset = faulty_group_offset,
    .expire = faulty_expire,
};

/* Member: one of the processes that share the partitions of a topic, and its transactional writer.
 * Only Kafka has it (embedded, one SQLite transaction covers all): bus_member_join is CONFIG
 * elsewhere.
 *
 *   join ─► poll: given / taken partitions of the topic ─► begin ─► produce, offsets ─► commit
 *     taken   commit what is read of them, then bus_member_release
 *     lost    drop them: nothing of them can be committed any more
 *     AGAIN   the transaction was aborted: go back to what was committed and repeat
 *
 * The group's topic only says who owns which number (cooperative-sticky); the member reads nothing
 * of it. Readers take whatever topics they like with bus_fetch. Offsets go to the group by
 * bus_member_offsets, within the transaction, with the group's generation (KIP-447): a process that
 * was given up for dead and wakes can commit nothing.
 *
 * One owner thread, that of the bus. It must call bus_member_poll at least every
 * MEMBER_POLL_INTERVAL_MAX_MS, else the group gives its partitions to others. */
#pragma once

#include "bus/bus.h"

#define MEMBER_POLL_INTERVAL_MAX_MS 60000

struct bus_member;

struct bus_member_options {
    const char *group;          /* without bus.prefix */
    const char *topic;          /* whose partitions are shared; it exists */
    const char *instance;       /* unique among the group's processes, the same after a restart: its
                                   transactional id, which fences the process that had it before */
    int64_t session_timeout_ms; /* silent for so long: given up */
    int64_t transaction_timeout_ms; /* open for so long: the brokers abort it */
};

enum member_change { MEMBER_NONE, MEMBER_GIVEN, MEMBER_TAKEN, MEMBER_LOST };

/* What changed: GIVEN and TAKEN name the partitions concerned, not all. */
struct member_event {
    enum member_change change;
    int *partitions; /* in the arena */
    size_t count;
};

/* Makes a topic of the group's own where it is absent: its records are kept for ever or, compacted,
 * the last one of each key, that one for ever (COMPACTED) or for bus.retention (LATEST).
 * bus_create_topic makes those that only expire.
 * CONFLICT: it exists with another number of partitions. CONFIG: not on Kafka. */
enum member_topic { MEMBER_TOPIC_KEPT, MEMBER_TOPIC_COMPACTED, MEMBER_TOPIC_LATEST };
bool bus_member_create_topic(struct bus *bus,
                             const char *topic,
                             int partitions,
                             enum member_topic kind,
                             GError **error) MUST_CHECK;

struct bus_member *bus_member_join(struct bus *bus,
                                   const struct bus_member_options *options,
                                   GError **error) MUST_CHECK;
/* Leaves the group at once (others take over without waiting), aborts what is open. Accepts NULL.
 */
void bus_member_leave(struct bus_member *member);

/* One event at a time, MEMBER_NONE when there is none; waits at most wait_ms for one. After TAKEN
 * the group waits for bus_member_release. AGAIN: the brokers are away. */
bool bus_member_poll(struct bus_member *member,
                     int64_t wait_ms,
                     struct arena *arena,
                     struct member_event *ret_event,
                     GError **error) MUST_CHECK;
bool bus_member_release(struct bus_member *member, GError **error) MUST_CHECK;

/* Offsets that the group has committed, waiting for the transaction of a former owner that is still
 * undecided. -1 where there is none. */
bool bus_member_committed(struct bus_member *member,
                          struct bus_position *positions,
                          size_t count,
                          GError **error) MUST_CHECK;

/* The offset after the partition's last record, those of undecided transactions among them (the end
 * of bus_offsets and bus_fetch leaves those out). Who restores a state from its changelog reads
 * until next_offset is here: bus_member_committed may answer before a former owner's commit has
 * reached every partition that it wrote to. */
bool bus_member_end(struct bus_member *member,
                    const char *topic,
                    int partition,
                    int64_t *ret_end,
                    GError **error) MUST_CHECK;

/* A transaction: begin, then any number of the next two, then commit or abort. Errors of all of
 * them: AGAIN: it was aborted, repeat from what was committed; CONFLICT: another process has this
 * instance's id, or the group gave its partitions away: leave and join again (or end); anything
 * else: end. produce copies nothing that it needs longer than the call. */
bool bus_member_begin(struct bus_member *member, GError **error) MUST_CHECK;
bool bus_member_produce(struct bus_member *member,
                        const struct bus_message *messages,
                        size_t count,
                        GError **error) MUST_CHECK;
/* The next offset of each partition that this transaction's results stand for. */
bool bus_member_offsets(struct bus_member *member,
                        const struct bus_position *positions,
                        size_t count,
                        GError **error) MUST_CHECK;
/* ret_last: NULL, or for each of the last_count (topic, partition) in it the offset of the last
 * record that this transaction appended there (untouched where it appended none). */
bool bus_member_commit(struct bus_member *member,
                       struct bus_position *ret_last,
                       size_t last_count,
                       GError **error) MUST_CHECK;
void bus_member_abort(struct bus_member *member);

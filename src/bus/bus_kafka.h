/* bus_kafka: what its files share. Private to src/bus; callers know bus.h alone.
 *
 *   bus_kafka.c          open, close, topics
 *   bus_kafka_client.c   settings, errors, statistics of a librdkafka client
 *   bus_kafka_stats.c    those statistics as metrics
 *   bus_kafka_produce.c  produce
 *   bus_kafka_fetch.c    fetch, offsets
 *   bus_kafka_ahead.c    the thread that reads ahead
 *   bus_kafka_group.c    offsets of groups, expiry
 *   bus_kafka_member.c   members of groups, bus_kafka_transaction.c their writers: see
 *                        bus_kafka_member.h
 *
 * A handle has up to three clients of librdkafka: a reader (fetch, metadata, admin), made when it
 * opens; a writer, made by the first produce call and made anew after one whose outcome isn't
 * known; and, once it fetches, an asker for the ends of partitions. The reader is in no group: it
 * says itself where it reads.
 *
 * On the cluster each topic and group carries bus.prefix before its name; "remote" below means with
 * it. */
#pragma once

#include <librdkafka/rdkafka.h>

#include "bus/bus_backend.h"
#include "bus/bus_kafka_ahead.h"

/* How long a call may wait for the brokers before it is AGAIN. */
#define KAFKA_REQUEST_TIMEOUT_MS 10000
#define KAFKA_POLL_SLICE_MS      100
#define KAFKA_UNKNOWN_WAIT_MS    2000 /* before a topic that we have met counts as gone */
#define KAFKA_RETRY_POLL_MS      20
#define KAFKA_PROBE_TIMEOUT_MS   1000
/* Room for a record's frame beside bus.record_max. */
#define KAFKA_RECORD_FRAME_BYTES (64 * 1024)

/* Where a partition is read; bus_kafka_fetch.c explains. */
struct kafka_partition {
    struct kafka_ahead_partition *ahead; /* NULL: not started */
    bool at_end;
    int64_t gap_from, position, known_end;
    struct kafka_page *held; /* taken, its first records handed out; or NULL */
    size_t held_first;
};

/* Records of a page that a fetch hands out. */
struct kafka_part {
    struct kafka_page *page;
    size_t first, count;
    bool spent; /* nothing of the page is left for the next one */
};

struct kafka_topic {
    int partitions_count;
    char *remote;
    rd_kafka_topic_t *reader, *writer; /* writer: NULL until first used */
    struct kafka_partition *partitions;
};

/* A produce call under way; its delivery reports fill this. */
struct kafka_call {
    int64_t *offsets; /* one a message */
    size_t pending, delivered;
    rd_kafka_resp_err_t failure; /* of the first message that failed */
};

struct bus_kafka {
    struct bus bus;
    rd_kafka_t *reader, *asker, *writer;
    GHashTable *topics;        /* name -> struct kafka_topic */
    GHashTable *groups;        /* name -> rd_kafka_t, a client for its offsets */
    struct kafka_ahead *ahead; /* NULL until the first fetch */
    GArray *parts;             /* struct kafka_part: of the fetch under way */
    struct kafka_call *call;
    struct kafka_member *member; /* NULL, or the one that this handle is */
    bool brokers_down;           /* librdkafka said so and nothing has answered since */
    bool refused;                /* the last trouble was one of authentication */
    char *trouble;               /* what librdkafka last complained of, or NULL */
    struct kafka_stats *stats;
};

static inline struct bus_kafka *bus_kafka(struct bus *bus)
{
    g_assert(bus->ops == &bus_kafka_ops);
    return (struct bus_kafka *)bus;
}

/* ---- bus_kafka.c ---- */

/* The topic; asks the brokers where this handle hasn't met it. NOTFOUND where there is none. */
struct kafka_topic *kafka_topic(struct bus_kafka *kafka, const char *name, GError **error);
/* The same, NOTFOUND also where it has no such partition. */
struct kafka_topic *
kafka_topic_partition(struct bus_kafka *kafka, const char *name, int partition, GError **error);
/* The next use asks the brokers again. */
void kafka_topic_forget(struct bus_kafka *kafka, const char *name);
/* Until this client has the topic (led: with every partition's leader), or wait_ms have passed:
 * then *ret_partitions is 0. Brokers learn of a topic one after another, and any of them may be the
 * one that answers. */
bool kafka_wait_for_topic(struct bus_kafka *kafka,
                          rd_kafka_t *client,
                          rd_kafka_topic_t *topic,
                          bool led,
                          int64_t wait_ms,
                          int *ret_partitions,
                          GError **error);
/* Newly allocated: bus.prefix and name. */
char *kafka_remote_name(const struct bus_kafka *kafka, const char *name);

/* Makes the topic where it is absent; expires: after bus.retention. */
struct kafka_topic_kind {
    bool compacted, expires;
};
bool kafka_make_topic(struct bus_kafka *kafka,
                      const char *name,
                      int partitions,
                      struct kafka_topic_kind kind,
                      GError **error);

/* ---- bus_kafka_client.c ---- */

struct kafka_setting {
    const char *key, *value;
};

/* A client of librdkafka as it is wanted; the callbacks' opaque is the struct bus_kafka. */
struct kafka_client {
    rd_kafka_type_t type;
    const char *group; /* NULL for none */
    void (*on_delivery)(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque);
    void (*on_rebalance)(rd_kafka_t *client,
                         rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions,
                         void *opaque);
    const struct kafka_setting *settings; /* NULL, or those that differ from the usual; ends with
                                             {NULL} */
};

/* CONFIG where a line of bus.properties_file is wrong. */
rd_kafka_t *
kafka_client_new(struct bus_kafka *kafka, const struct kafka_client *wanted, GError **error);

/* Sets the error that a code of librdkafka stands for; what: "fetch of movie.ratings/3". Always
 * false. */
bool kafka_fail(struct bus_kafka *kafka,
                rd_kafka_resp_err_t code,
                const char *what,
                const char *detail,
                GError **error);

/* Whether a request that began then and was refused so is worth repeating now: a leader or
 * coordinator is being elected, or a broker hasn't heard of a new topic yet. librdkafka doesn't
 * repeat these requests itself. */
bool kafka_mends(const GError *error, int64_t begun_ms);

/* AGAIN where nobody answers, librdkafka having said so. what: who asks. */
bool kafka_check_brokers(struct bus_kafka *kafka, const char *what, GError **error);

/* Takes what librdkafka has to say: errors, statistics. */
void kafka_serve(struct bus_kafka *kafka);

/* Milliseconds of the machine's monotonic time: brokers don't wait for a clock moved by hand. */
int64_t kafka_now_ms(void);

/* ---- bus_kafka_produce.c ---- */

void kafka_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque);
/* Ends the writer; the next produce call makes another. Nothing where there is none. */
void kafka_writer_close(struct bus_kafka *kafka);
bool kafka_produce(struct bus *bus,
                   const struct bus_message *messages,
                   size_t count,
                   int64_t *ret_offsets,
                   GError **error);

/* ---- bus_kafka_fetch.c ---- */

/* Stops reading; also what was taken and not handed out goes. */
void kafka_partition_stop(struct kafka_partition *partition);
/* Start and end as a reader of committed records sees them. NOTFOUND: topic is gone with it. */
bool kafka_watermarks(struct bus_kafka *kafka,
                      const char *name,
                      const struct kafka_topic *topic,
                      int partition,
                      int64_t *ret_start,
                      int64_t *ret_end,
                      GError **error);
bool kafka_fetch(struct bus *bus,
                 const char *topic,
                 int partition,
                 int64_t offset,
                 size_t bytes_max,
                 struct arena *arena,
                 struct bus_batch *ret_batch,
                 GError **error);
bool kafka_offsets(struct bus *bus,
                   const char *topic,
                   int partition,
                   int64_t *ret_start,
                   int64_t *ret_end,
                   GError **error);

/* ---- bus_kafka_group.c ---- */

/* The answer to an admin request sent to queue, or NULL and the error; of another type than wanted
 * can't be. */
rd_kafka_event_t *kafka_admin_answer(struct bus_kafka *kafka,
                                     rd_kafka_queue_t *queue,
                                     const char *what,
                                     GError **error);
bool kafka_group_commit(struct bus *bus,
                        const char *group,
                        const struct bus_position *positions,
                        size_t count,
                        GError **error);
bool kafka_group_offset(struct bus *bus,
                        const char *group,
                        const char *topic,
                        int partition,
                        int64_t *ret_offset,
                        GError **error);
bool kafka_expire(
    struct bus *bus, const char *topic, int64_t before_ms, int64_t *ret_records, GError **error);
bool kafka_truncate(
    struct bus *bus, const char *topic, int partition, int64_t before_offset, GError **error);

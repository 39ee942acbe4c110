/* bus_kafka_member: what the two files of a member share. Private to src/bus.
 *
 *   bus_kafka_member.c        the group: join, events, committed offsets
 *   bus_kafka_transaction.c   the writer: begin to commit
 *
 * A member has up to three clients of librdkafka: the group's (it owns partitions and never reads
 * them), a transactional writer (made anew after an outcome that isn't known), and a prober that
 * sees undecided records too, made when first asked. */
#pragma once

#include "bus/bus_kafka.h"
#include "bus/bus_member_backend.h"

struct kafka_member {
    struct bus_member member;
    struct bus_kafka *kafka;
    char *group, *topic, *transactional_id; /* group and topic without bus.prefix */
    int64_t session_timeout_ms, transaction_timeout_ms;

    rd_kafka_t *consumer, *prober;
    GQueue events;                              /* of struct kafka_event, oldest first */
    rd_kafka_topic_partition_list_t *releasing; /* TAKEN and not yet released, or NULL */
    char *id; /* the group's name for this member when it was last given partitions, or NULL */
    bool leaving;

    rd_kafka_t *writer;
    GHashTable *topics;  /* name -> struct written_topic, of this writer */
    bool open;           /* between begin and its end */
    bool fenced;         /* another has the transactional id: no new writer may take it back */
    bool offset_unknown; /* a record of this transaction is there, and librdkafka can't say where */
    int64_t begun_ms;
};

extern const struct bus_member_ops bus_kafka_member_ops;

/* ---- bus_kafka_transaction.c ---- */

/* A writer that owns the transactional id, what a former one left undecided being aborted. */
bool kafka_writer_open(struct kafka_member *member, GError **error);
/* Ends the writer; what is open is decided when its successor opens, or by its time-out. */
void kafka_transaction_close(struct kafka_member *member);
bool kafka_member_begin(struct bus_member *base, GError **error);
bool kafka_member_produce(struct bus_member *base,
                          const struct bus_message *messages,
                          size_t count,
                          GError **error);
bool kafka_member_offsets(struct bus_member *base,
                          const struct bus_position *positions,
                          size_t count,
                          GError **error);
bool kafka_member_commit(struct bus_member *base,
                         struct bus_position *ret_last,
                         size_t last_count,
                         GError **error);
void kafka_member_abort(struct bus_member *base);

/* The writer's side of a member: one transaction after the other under the instance's transactional
 * id. librdkafka's errors say what to do, and each becomes one of ours:
 *
 *   retriable          the same call again, until KAFKA_REQUEST_TIMEOUT_MS are over
 *   abort required     abort; AGAIN. CONFLICT where the group no longer knows this member
 *   fatal: fenced      CONFLICT; but AGAIN, with a new writer, where the transaction was open for
 *                      longer than its time-out: then the brokers aborted it, and that fences too
 *   other fatal        FAILED (DENIED, CONFIG), the writer ends
 *   outcome not known  AGAIN, the writer ends: its successor's first act is to have the brokers
 *                      decide what was left, and the caller reads what was committed
 *
 * Offsets carry the generation that the group's client holds. When the group drops a member,
 * librdkafka forgets its id at once, and offsets without one would be accepted unchecked; so the id
 * is compared with that of the last assignment, after the generation was taken: a member that was
 * dropped doesn't come back before bus_member_poll has told the owner. */
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "bus/bus_kafka_member.h"
#include "bus/bus_kafka_stats.h"
#include "model/topic.h"

#define NUMBER_BYTES       24
#define TRANSACTION_LINGER "20" /* ms; commit flushes */
/* zstd's default, 3, took a sixth of the stream engine's CPU for 6 % fewer bytes on the brokers. */
#define TRANSACTION_ZSTD_LEVEL "1"
#define OFFSET_NONE            (-1)

struct written_topic {
    char *name;
    rd_kafka_topic_t *handle;
    int partitions;
    int64_t last[]; /* of each partition: offset of this transaction's last record, or none */
};

static struct kafka_member *member_of(struct bus_member *base)
{
    return (struct kafka_member *)base;
}

/* ---- the writer ---- */

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    struct kafka_member *member = ((struct bus_kafka *)opaque)->member;
    int64_t *last = message->_private;
    if (message->err) /* the transaction fails by itself */
        return;
    if (message->offset < 0)
        member->offset_unknown = true;
    *last = MAX(*last, message->offset);
}

static void written_topic_free(struct written_topic *topic)
{
    rd_kafka_topic_destroy(topic->handle);
    g_free(topic->name);
    g_free(topic);
}

void kafka_transaction_close(struct kafka_member *member)
{
    if (!member->writer)
        return;
    GHashTableIter iter;
    gpointer topic;
    g_hash_table_iter_init(&iter, member->topics);
    while (g_hash_table_iter_next(&iter, NULL, &topic))
        written_topic_free(topic);
    g_hash_table_remove_all(member->topics);
    kafka_stats_forget(member->kafka->stats, rd_kafka_name(member->writer));
    rd_kafka_destroy(member->writer);
    member->writer = NULL;
    member->open = false;
}

static rd_kafka_t *writer_new(struct kafka_member *member, GError **error)
{
    char timeout[NUMBER_BYTES];
    g_snprintf(timeout, sizeof timeout, "%" G_GINT64_FORMAT, member->transaction_timeout_ms);
    const struct kafka_setting settings[] = {
        {"transactional.id", member->transactional_id},
        {"transaction.timeout.ms", timeout},
        {"message.timeout.ms", timeout},
        {"linger.ms", TRANSACTION_LINGER},
        {"compression.level", TRANSACTION_ZSTD_LEVEL},
        {NULL},
    };
    return kafka_client_new(member->kafka,
                            &(struct kafka_client){.type = RD_KAFKA_PRODUCER,
                                                   .on_delivery = on_delivery,
                                                   .settings = settings},
                            error);
}

/* ---- errors ---- */

static bool is_fence(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

/* The group, not the transaction, refused: it knows no such member (any more). */
static bool is_dropped(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

static bool is_overdue(const struct kafka_member *member)
{
    return member->open && kafka_now_ms() - member->begun_ms >= member->transaction_timeout_ms;
}

/* Always false. */
static bool fail_as(struct kafka_member *member,
                    enum marquee_error class,
                    const char *what,
                    rd_kafka_resp_err_t code,
                    const char *text,
                    GError **error)
{
    g_set_error(error, MARQUEE_ERROR, (int)class, "bus: Kafka: %s of %s: %s (%s)", what,
                member->transactional_id, text, rd_kafka_err2name(code));
    return false;
}

/* Always false. */
static bool fail_fenced(struct kafka_member *member, const char *what, GError **error)
{
    return fail_as(member, MARQUEE_ERROR_CONFLICT, what, RD_KAFKA_RESP_ERR__FENCED,
                   "another process has taken this instance's id", error);
}

static bool
fail_fatal(struct kafka_member *member, const char *what, rd_kafka_resp_err_t code, GError **error)
{
    char text[256] = "";
    rd_kafka_resp_err_t cause = rd_kafka_fatal_error(member->writer, text, sizeof text);
    bool overdue = is_overdue(member);
    if (!cause)
        cause = code;
    member->fenced = is_fence(cause) && !overdue;
    kafka_transaction_close(member);
    if (is_fence(cause) && overdue)
        return fail_as(member, MARQUEE_ERROR_AGAIN, what, cause,
                       "the transaction's time was over, and the brokers aborted it", error);
    if (is_fence(cause))
        return fail_fenced(member, what, error);
    if (cause == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT)
        return fail_as(
            member, MARQUEE_ERROR_CONFIG, what, cause,
            "the brokers' transaction.max.timeout.ms is below the transactions' time-out", error);
    return kafka_fail(member->kafka, cause, what, text, error);
}

static void give_up(struct kafka_member *member)
{
    rd_kafka_resp_err_t cause = rd_kafka_fatal_error(member->writer, NULL, 0);
    member->fenced |= is_fence(cause) && !is_overdue(member);
    kafka_transaction_close(member);
}

/* Ends what is open. Where the brokers don't answer in time the writer ends. */
static void abort_open(struct kafka_member *member)
{
    int64_t deadline_ms = kafka_now_ms() + KAFKA_REQUEST_TIMEOUT_MS;
    while (member->open) {
        rd_kafka_error_t *why =
            rd_kafka_abort_transaction(member->writer, KAFKA_REQUEST_TIMEOUT_MS);
        bool repeat = why && rd_kafka_error_is_retriable(why) && kafka_now_ms() < deadline_ms;
        if (!why)
            member->open = false;
        else if (!repeat)
            give_up(member);
        rd_kafka_error_destroy(why);
    }
}

/* Takes why: the transaction is over, what is left is to say how. */
static bool
fail_call(struct kafka_member *member, const char *what, rd_kafka_error_t *why, GError **error)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(why);
    g_autofree char *text = g_strdup(rd_kafka_error_string(why));
    bool fatal = rd_kafka_error_is_fatal(why) || code == RD_KAFKA_RESP_ERR__FATAL ||
                 rd_kafka_fatal_error(member->writer, NULL, 0);
    bool decided = rd_kafka_error_txn_requires_abort(why);
    bool unknown = rd_kafka_error_is_retriable(why);
    rd_kafka_error_destroy(why);
    if (fatal)
        return fail_fatal(member, what, code, error);
    abort_open(member);
    if (member->fenced)
        return fail_fenced(member, what, error);
    if (is_dropped(code))
        return fail_as(member, MARQUEE_ERROR_CONFLICT, what, code,
                       "the group has given this member up", error);
    if (decided || unknown) {
        g_autoptr(GError) class = NULL;
        kafka_fail(member->kafka, code, what, text, &class);
        bool denied = error_is(class, DENIED) || error_is(class, BADDATA);
        return fail_as(member, denied ? (enum marquee_error) class->code : MARQUEE_ERROR_AGAIN,
                       what, code, text, error);
    }
    return kafka_fail(member->kafka, code, what, text, error);
}

/* ---- begin ---- */

bool kafka_writer_open(struct kafka_member *member, GError **error)
{
    int64_t deadline_ms = kafka_now_ms() + KAFKA_REQUEST_TIMEOUT_MS;
    member->writer = writer_new(member, error);
    while (member->writer) {
        int64_t left_ms = MAX(deadline_ms - kafka_now_ms(), 1);
        rd_kafka_error_t *why = rd_kafka_init_transactions(member->writer, (int)left_ms);
        if (!why)
            return true;
        if (!rd_kafka_error_is_retriable(why) || kafka_now_ms() >= deadline_ms) {
            bool failed = fail_call(member, "making the writer", why, error);
            kafka_transaction_close(member);
            return failed;
        }
        rd_kafka_error_destroy(why);
        rd_kafka_poll(member->writer, KAFKA_RETRY_POLL_MS);
    }
    return false;
}

static gboolean forget_last(gpointer name, gpointer value, gpointer data)
{
    (void)name;
    (void)data;
    struct written_topic *topic = value;
    for (int i = 0; i < topic->partitions; i++)
        topic->last[i] = OFFSET_NONE;
    return FALSE;
}

bool kafka_member_begin(struct bus_member *base, GError **error)
{
    struct kafka_member *member = member_of(base);
    g_assert(!member->open);
    kafka_serve(member->kafka);
    if (member->consumer && rd_kafka_assignment_lost(member->consumer)) {
        error_set(error, CONFLICT, "bus: Kafka: the group has given %s up",
                  member->transactional_id);
        return false;
    }
    if (member->fenced)
        return fail_fenced(member, "begin", error);
    if (!member->writer && !kafka_writer_open(member, error))
        return false;
    rd_kafka_poll(member->writer, 0);
    rd_kafka_error_t *why = rd_kafka_begin_transaction(member->writer);
    if (why)
        return fail_call(member, "begin", why, error);
    g_hash_table_foreach_remove(member->topics, forget_last, NULL);
    member->open = true;
    member->offset_unknown = false;
    member->begun_ms = kafka_now_ms();
    return true;
}

/* The transaction ended in a call before: what was open is no more. */
static bool check_open(const struct kafka_member *member, const char *what, GError **error)
{
    if (member->open)
        return true;
    error_set(error, AGAIN, "bus: Kafka: %s of %s: its transaction has ended; begin again", what,
              member->transactional_id);
    return false;
}

/* ---- produce ---- */

static struct written_topic *written_topic_open(struct kafka_member *member,
                                                const struct kafka_topic *known,
                                                const char *name,
                                                GError **error)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(member->writer, known->remote, NULL);
    int found = 0;
    bool asked = kafka_wait_for_topic(member->kafka, member->writer, handle, false,
                                      KAFKA_REQUEST_TIMEOUT_MS, &found, error);
    if (!asked || found != known->partitions_count) {
        rd_kafka_topic_destroy(handle);
        if (asked)
            kafka_fail(member->kafka, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, known->remote,
                       "the brokers don't agree on its partitions", error);
        return NULL;
    }
    struct written_topic *topic = g_malloc(sizeof *topic + (gsize)found * sizeof *topic->last);
    topic->name = g_strdup(name);
    topic->handle = handle;
    topic->partitions = found;
    forget_last(NULL, topic, NULL);
    g_hash_table_insert(member->topics, topic->name, topic);
    return topic;
}

static struct written_topic *
written_topic(struct kafka_member *member, const char *name, GError **error)
{
    struct written_topic *topic = g_hash_table_lookup(member->topics, name);
    if (topic)
        return topic;
    const struct kafka_topic *known = kafka_topic(member->kafka, name, error);
    return known ? written_topic_open(member, known, name, error) : NULL;
}

/* Waits for room where librdkafka's queue is full: a transaction may be larger than it. */
static bool enqueue(struct kafka_member *member,
                    struct written_topic *topic,
                    int partition,
                    const struct bus_message *message,
                    int64_t now_ms,
                    GError **error)
{
    int64_t deadline_ms = kafka_now_ms() + member->transaction_timeout_ms;
    for (;;) {
        rd_kafka_resp_err_t code = rd_kafka_producev(
            member->writer, RD_KAFKA_V_RKT(topic->handle), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(now_ms),
            RD_KAFKA_V_KEY(message->key.data, message->key.len),
            RD_KAFKA_V_VALUE((void *)(uintptr_t)message->value.data, message->value.len),
            RD_KAFKA_V_OPAQUE(&topic->last[partition]), RD_KAFKA_V_END);
        if (!code)
            return true;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || kafka_now_ms() >= deadline_ms) {
            /* _STATE: the transaction has failed behind the scenes, and is to be aborted. */
            bool failed = code == RD_KAFKA_RESP_ERR__STATE || code == RD_KAFKA_RESP_ERR__QUEUE_FULL;
            if (rd_kafka_fatal_error(member->writer, NULL, 0))
                return fail_fatal(member, "produce", code, error);
            abort_open(member);
            if (member->fenced)
                return fail_fenced(member, "produce", error);
            if (failed)
                return fail_as(member, MARQUEE_ERROR_AGAIN, "produce", code,
                               "the transaction has failed", error);
            return kafka_fail(member->kafka, code, "produce", topic->name, error);
        }
        rd_kafka_poll(member->writer, KAFKA_POLL_SLICE_MS);
    }
}

static bool produce_one(struct kafka_member *member,
                        const struct bus_message *message,
                        int64_t now_ms,
                        GError **error)
{
    size_t record_max = (size_t)member->kafka->bus.context->config->bus_record_max_bytes;
    if (message->key.len > record_max || message->value.len > record_max - message->key.len) {
        error_set(error, BADDATA,
                  "bus: a record for %s has a key of %zu and a value of %zu bytes; bus.record_max "
                  "is %zu",
                  message->topic, message->key.len, message->value.len, record_max);
        return false;
    }
    struct written_topic *topic = written_topic(member, message->topic, error);
    if (!topic)
        return false;
    int partition = message->partition;
    if (partition == BUS_PARTITION_BY_KEY)
        partition = topic_partition(message->key.data, message->key.len, topic->partitions);
    if (partition < 0 || partition >= topic->partitions)
        return bus_error_no_partition(message->topic, partition, topic->partitions, error);
    return enqueue(member, topic, partition, message, now_ms, error);
}

bool kafka_member_produce(struct bus_member *base,
                          const struct bus_message *messages,
                          size_t count,
                          GError **error)
{
    struct kafka_member *member = member_of(base);
    if (!check_open(member, "produce", error))
        return false;
    int64_t now_ms = clock_now_ms(member->kafka->bus.context->clock);
    for (size_t i = 0; i < count; i++) {
        if (!produce_one(member, &messages[i], now_ms, error)) {
            abort_open(member);
            return false;
        }
    }
    rd_kafka_poll(member->writer, 0);
    return true;
}

/* ---- offsets ---- */

/* The group's generation as far as it may be used: NULL where the group has dropped the member. */
static rd_kafka_consumer_group_metadata_t *generation(struct kafka_member *member)
{
    rd_kafka_consumer_group_metadata_t *found = rd_kafka_consumer_group_metadata(member->consumer);
    char *id = rd_kafka_memberid(member->consumer);
    bool held = found && id && *id && member->id && strcmp(id, member->id) == 0 &&
                !rd_kafka_assignment_lost(member->consumer);
    if (id)
        rd_kafka_mem_free(member->consumer, id);
    if (held)
        return found;
    if (found)
        rd_kafka_consumer_group_metadata_destroy(found);
    return NULL;
}

static bool send_offsets(struct kafka_member *member,
                         const rd_kafka_topic_partition_list_t *list,
                         const rd_kafka_consumer_group_metadata_t *group,
                         GError **error)
{
    int64_t deadline_ms = kafka_now_ms() + KAFKA_REQUEST_TIMEOUT_MS;
    for (;;) {
        rd_kafka_error_t *why = rd_kafka_send_offsets_to_transaction(member->writer, list, group,
                                                                     KAFKA_REQUEST_TIMEOUT_MS);
        if (!why)
            return true;
        bool repeat = rd_kafka_error_is_retriable(why) && !rd_kafka_error_txn_requires_abort(why) &&
                      kafka_now_ms() < deadline_ms;
        if (!repeat)
            return fail_call(member, "offsets", why, error);
        rd_kafka_error_destroy(why);
        rd_kafka_poll(member->writer, KAFKA_RETRY_POLL_MS);
    }
}

bool kafka_member_offsets(struct bus_member *base,
                          const struct bus_position *positions,
                          size_t count,
                          GError **error)
{
    struct kafka_member *member = member_of(base);
    if (!check_open(member, "offsets", error))
        return false;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        const struct kafka_topic *topic =
            kafka_topic_partition(member->kafka, positions[i].topic, positions[i].partition, error);
        done = topic != NULL;
        if (topic)
            rd_kafka_topic_partition_list_add(list, topic->remote, positions[i].partition)->offset =
                positions[i].offset;
    }
    rd_kafka_consumer_group_metadata_t *group = done ? generation(member) : NULL;
    if (group) {
        done = send_offsets(member, list, group, error);
        rd_kafka_consumer_group_metadata_destroy(group);
    } else {
        abort_open(member);
        done = done && fail_as(member, MARQUEE_ERROR_CONFLICT, "offsets",
                               RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
                               "the group has given this member up", error);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return done;
}

/* ---- commit and abort ---- */

static void tell_last(const struct kafka_member *member, struct bus_position *last, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct written_topic *topic = g_hash_table_lookup(member->topics, last[i].topic);
        if (topic && last[i].partition >= 0 && last[i].partition < topic->partitions &&
            topic->last[last[i].partition] != OFFSET_NONE)
            last[i].offset = topic->last[last[i].partition];
    }
}

/* Every record is where librdkafka says. It can't where a batch was sent twice and the broker
 * remembers only that: such a transaction is aborted, for ret_last must be true. */
static bool flush(struct kafka_member *member, GError **error)
{
    int64_t deadline_ms = member->begun_ms + member->transaction_timeout_ms;
    while (rd_kafka_outq_len(member->writer) > 0 && kafka_now_ms() < deadline_ms)
        rd_kafka_flush(member->writer, KAFKA_POLL_SLICE_MS);
    if (!member->offset_unknown)
        return true;
    abort_open(member);
    return fail_as(member, MARQUEE_ERROR_AGAIN, "commit", RD_KAFKA_RESP_ERR__INCONSISTENT,
                   "a record's offset is not known", error);
}

bool kafka_member_commit(struct bus_member *base,
                         struct bus_position *ret_last,
                         size_t last_count,
                         GError **error)
{
    struct kafka_member *member = member_of(base);
    if (!check_open(member, "commit", error) || !flush(member, error))
        return false;
    int64_t deadline_ms =
        member->begun_ms + member->transaction_timeout_ms + KAFKA_REQUEST_TIMEOUT_MS;
    for (;;) {
        rd_kafka_error_t *why = rd_kafka_commit_transaction(member->writer, -1);
        if (!why)
            break;
        bool repeat = rd_kafka_error_is_retriable(why) && !rd_kafka_error_txn_requires_abort(why);
        if (repeat && kafka_now_ms() >= deadline_ms) {
            bool overdue = fail_as(member, MARQUEE_ERROR_AGAIN, "commit", rd_kafka_error_code(why),
                                   "the brokers didn't answer in time", error);
            rd_kafka_error_destroy(why);
            kafka_transaction_close(member);
            return overdue;
        }
        if (!repeat)
            return fail_call(member, "commit", why, error);
        rd_kafka_error_destroy(why);
        rd_kafka_poll(member->writer, KAFKA_RETRY_POLL_MS);
    }
    member->open = false;
    tell_last(member, ret_last, ret_last ? last_count : 0);
    return true;
}

void kafka_member_abort(struct bus_member *base)
{
    abort_open(member_of(base));
}

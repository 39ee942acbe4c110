/* The group's side of a member. librdkafka joins, heartbeats and balances in its own thread; what
 * it wants us to know comes as a callback inside bus_member_poll, and becomes an event.
 *
 *   assign  ─► incremental_assign, paused ─► GIVEN
 *   revoke  ─► TAKEN ─► (the caller commits) ─► bus_member_release ─► incremental_unassign
 *           └► lost: incremental_unassign ─► LOST
 *
 * The group waits between revoke and unassign, at most MEMBER_POLL_INTERVAL_MAX_MS. Assigned
 * partitions are paused: the group's topic has records, and they are read with bus_fetch. */
#include "bus/bus_kafka_member.h"

#include <string.h>

#include "base/log.h"

#define HEARTBEATS_PER_SESSION 3
#define NUMBER_BYTES           24
#define LEAVE_POLL_MS          20

struct kafka_event {
    enum member_change change;
    size_t count;
    int partitions[];
};

static void push_event(struct kafka_member *member,
                       enum member_change change,
                       const rd_kafka_topic_partition_list_t *partitions)
{
    size_t count = (size_t)partitions->cnt;
    struct kafka_event *event = g_malloc(sizeof *event + count * sizeof *event->partitions);
    event->change = change;
    event->count = count;
    for (size_t i = 0; i < count; i++)
        event->partitions[i] = partitions->elems[i].partition;
    g_queue_push_tail(&member->events, event);
}

/* ---- callbacks of librdkafka, in the owner's thread ---- */

/* librdkafka's complaint here is about the group's state, which its next event tells. */
static void unassign(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *partitions)
{
    if (g_strcmp0(rd_kafka_rebalance_protocol(client), "COOPERATIVE") == 0) /* NULL: not joined */
        rd_kafka_error_destroy(rd_kafka_incremental_unassign(client, partitions));
    else
        rd_kafka_assign(client, NULL);
}

/* From the end, so that nothing is asked about committed offsets, and paused. */
static void assign(struct kafka_member *member, rd_kafka_topic_partition_list_t *partitions)
{
    for (int i = 0; i < partitions->cnt; i++)
        partitions->elems[i].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_error_destroy(rd_kafka_incremental_assign(member->consumer, partitions));
    rd_kafka_pause_partitions(member->consumer, partitions);
    char *id = rd_kafka_memberid(member->consumer);
    g_free(member->id);
    member->id = g_strdup(id ? id : "");
    if (id)
        rd_kafka_mem_free(member->consumer, id);
}

static void on_rebalance(rd_kafka_t *client,
                         rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions,
                         void *opaque)
{
    struct kafka_member *member = ((struct bus_kafka *)opaque)->member;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        assign(member, partitions); /* also who leaves: what is not assigned can't be revoked */
        if (partitions->cnt > 0 && !member->leaving)
            push_event(member, MEMBER_GIVEN, partitions);
        return;
    }
    bool lost = rd_kafka_assignment_lost(client);
    if (lost || member->leaving || partitions->cnt == 0 || member->releasing)
        unassign(client, partitions);
    else
        member->releasing = rd_kafka_topic_partition_list_copy(partitions);
    if (partitions->cnt > 0)
        push_event(member, lost ? MEMBER_LOST : MEMBER_TAKEN, partitions);
}

/* ---- join and leave ---- */

/* Serves what librdkafka has to tell, at most for wait_ms. */
static void serve(const struct kafka_member *member, int wait_ms)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(member->consumer, wait_ms);
    if (message)
        rd_kafka_message_destroy(message);
}

/* The brokers know it, and it was never given anything, were it nothing. */
static bool is_joining(const struct kafka_member *member)
{
    if (member->id)
        return false;
    char *id = rd_kafka_memberid(member->consumer);
    const bool known = id && *id;
    if (id)
        rd_kafka_mem_free(member->consumer, id);
    return known;
}

static bool has_assignment(const struct kafka_member *member)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    const bool has = !rd_kafka_assignment(member->consumer, &list) && list->cnt > 0;
    if (list)
        rd_kafka_topic_partition_list_destroy(list);
    return has;
}

/* librdkafka 2.0 ends neither a consumer that joins (it aborts: the assignor has no state yet) nor
 * one that is closed with partitions on their way to it (it waits for ever; its issue 4527, mended
 * in 2.5). So a join comes to its end first, then the group is left, and only then it is closed.
 * Who can't come to that end in time is told to leave, and stays until the process ends. */
static void consumer_close(struct kafka_member *member)
{
    const int64_t deadline_ms = kafka_now_ms() + KAFKA_REQUEST_TIMEOUT_MS;
    while (is_joining(member) && kafka_now_ms() < deadline_ms)
        serve(member, LEAVE_POLL_MS);
    const bool stuck = is_joining(member);
    member->leaving = true;
    rd_kafka_unsubscribe(member->consumer);
    serve(member, 0);
    while (has_assignment(member) && kafka_now_ms() < deadline_ms)
        serve(member, LEAVE_POLL_MS);
    if (stuck) {
        log_warn(member->kafka->bus.context->log, "bus", "left the group while joining it",
                 LOG_STR("member", member->transactional_id));
        rd_kafka_set_log_level(member->consumer, 0); /* it would log through us */
        return;
    }
    rd_kafka_consumer_close(member->consumer);
    rd_kafka_destroy(member->consumer);
}

static void member_free(struct kafka_member *member)
{
    kafka_transaction_close(member);
    if (member->releasing) {
        unassign(member->consumer, member->releasing);
        rd_kafka_topic_partition_list_destroy(member->releasing);
        member->releasing = NULL;
    }
    if (member->consumer)
        consumer_close(member);
    if (member->prober)
        rd_kafka_destroy(member->prober);
    member->kafka->member = NULL;
    g_queue_clear_full(&member->events, g_free);
    g_hash_table_unref(member->topics);
    g_free(member->id);
    g_free(member->group);
    g_free(member->topic);
    g_free(member->transactional_id);
    g_free(member);
}

static void member_leave(struct bus_member *base)
{
    struct kafka_member *member = (struct kafka_member *)base;
    kafka_member_abort(base);
    member_free(member);
}

static rd_kafka_t *consumer_new(struct kafka_member *member, GError **error)
{
    struct bus_kafka *kafka = member->kafka;
    g_autofree char *group = kafka_remote_name(kafka, member->group);
    char session[NUMBER_BYTES], heartbeat[NUMBER_BYTES], interval[NUMBER_BYTES];
    g_snprintf(session, sizeof session, "%" G_GINT64_FORMAT, member->session_timeout_ms);
    g_snprintf(heartbeat, sizeof heartbeat, "%" G_GINT64_FORMAT,
               member->session_timeout_ms / HEARTBEATS_PER_SESSION);
    g_snprintf(interval, sizeof interval, "%" G_GINT64_FORMAT,
               MAX(member->session_timeout_ms, MEMBER_POLL_INTERVAL_MAX_MS));
    const struct kafka_setting settings[] = {
        {"partition.assignment.strategy", "cooperative-sticky"},
        {"session.timeout.ms", session},
        {"heartbeat.interval.ms", heartbeat},
        {"max.poll.interval.ms", interval},
        {"enable.partition.eof", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "latest"}, /* of partitions that are paused */
        {NULL},
    };
    rd_kafka_t *client = kafka_client_new(kafka,
                                          &(struct kafka_client){
                                              .type = RD_KAFKA_CONSUMER,
                                              .group = group,
                                              .on_rebalance = on_rebalance,
                                              .settings = settings,
                                          },
                                          error);
    if (client)
        rd_kafka_poll_set_consumer(client);
    return client;
}

static bool subscribe(struct kafka_member *member, GError **error)
{
    struct kafka_topic *topic = kafka_topic(member->kafka, member->topic, error);
    if (!topic)
        return false;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic->remote, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(member->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return !code || kafka_fail(member->kafka, code, "joining the group", member->group, error);
}

static struct bus_member *
member_join(struct bus *bus, const struct bus_member_options *options, GError **error)
{
    struct bus_kafka *kafka = bus_kafka(bus);
    g_autoptr(GError) why = NULL;
    g_assert(!kafka->member); /* one a handle */
    struct kafka_member *member = g_new0(struct kafka_member, 1);
    g_autofree char *group = kafka_remote_name(kafka, options->group);
    *member = (struct kafka_member){
        .member = {.ops = &bus_kafka_member_ops},
        .kafka = kafka,
        .group = g_strdup(options->group),
        .topic = g_strdup(options->topic),
        .transactional_id = g_strdup_printf("%s.%s", group, options->instance),
        .session_timeout_ms = options->session_timeout_ms,
        .transaction_timeout_ms = options->transaction_timeout_ms,
        .topics = g_hash_table_new(g_str_hash, g_str_equal),
    };
    g_queue_init(&member->events);
    kafka->member = member;
    if (kafka_writer_open(member, &why) && (member->consumer = consumer_new(member, &why)) &&
        subscribe(member, &why))
        return &member->member;
    member_free(member);
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

/* ---- events ---- */

static bool take_event(struct kafka_member *member, struct arena *arena, struct member_event *ret)
{
    struct kafka_event *event = g_queue_pop_head(&member->events);
    if (!event)
        return false;
    *ret = (struct member_event){
        .change = event->change,
        .count = event->count,
        .partitions = arena_array(arena, int, event->count),
    };
    memcpy(ret->partitions, event->partitions, event->count * sizeof *event->partitions);
    g_free(event);
    return true;
}

/* An error that librdkafka says instead of a record. Who was too slow to poll is told by LOST. */
static bool
check_message(struct kafka_member *member, const rd_kafka_message_t *message, GError **error)
{
    if (!message->err || message->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED ||
        message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        return true;
    return kafka_fail(member->kafka, message->err, "the group's member",
                      rd_kafka_message_errstr(message), error);
}

static bool member_poll(struct bus_member *base,
                        int64_t wait_ms,
                        struct arena *arena,
                        struct member_event *ret_event,
                        GError **error)
{
    struct kafka_member *member = (struct kafka_member *)base;
    int64_t deadline_ms = kafka_now_ms() + wait_ms;
    kafka_serve(member->kafka);
    if (member->writer)
        rd_kafka_poll(member->writer, 0);
    for (;;) {
        int64_t left_ms = MAX(deadline_ms - kafka_now_ms(), 0);
        /* Asked also when an event waits: only this tells the group that we live. */
        rd_kafka_message_t *message = rd_kafka_consumer_poll(
            member->consumer, (int)(g_queue_is_empty(&member->events) ? left_ms : 0));
        bool fine = !message || check_message(member, message, error);
        if (message)
            rd_kafka_message_destroy(message);
        if (!fine)
            return false;
        if (take_event(member, arena, ret_event))
            return true;
        if (!message && left_ms == 0)
            break;
    }
    if (!kafka_check_brokers(member->kafka, "the group's member", error))
        return false;
    *ret_event = (struct member_event){.change = MEMBER_NONE};
    return true;
}

static bool member_release(struct bus_member *base, GError **error)
{
    struct kafka_member *member = (struct kafka_member *)base;
    (void)error;
    if (member->releasing) {
        unassign(member->consumer, member->releasing);
        rd_kafka_topic_partition_list_destroy(member->releasing);
        member->releasing = NULL;
    }
    return true;
}

/* ---- offsets ---- */

/* read_committed makes the brokers answer "later" while a transaction over these offsets is
 * undecided, and librdkafka repeats until its time is over. */
static bool member_committed(struct bus_member *base,
                             struct bus_position *positions,
                             size_t count,
                             GError **error)
{
    struct kafka_member *member = (struct kafka_member *)base;
    struct bus_kafka *kafka = member->kafka;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    const struct kafka_topic *topic = NULL;
    for (size_t i = 0; i < count; i++) {
        topic = kafka_topic_partition(kafka, positions[i].topic, positions[i].partition, error);
        if (!topic)
            break;
        rd_kafka_topic_partition_list_add(list, topic->remote, positions[i].partition);
    }
    rd_kafka_resp_err_t code = 0;
    if (topic)
        code = rd_kafka_committed(member->consumer, list, KAFKA_REQUEST_TIMEOUT_MS);
    for (int i = 0; topic && !code && i < list->cnt; i++)
        code = list->elems[i].err;
    bool done = topic != NULL;
    if (code)
        done = kafka_fail(kafka, code, "committed offsets of group", member->group, error);
    for (size_t i = 0; done && i < count; i++) {
        const rd_kafka_topic_partition_t *found = &list->elems[i];
        positions[i].offset = found->offset < 0 ? -1 : found->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return done;
}

static bool member_end(
    struct bus_member *base, const char *name, int partition, int64_t *ret_end, GError **error)
{
    struct kafka_member *member = (struct kafka_member *)base;
    struct bus_kafka *kafka = member->kafka;
    static const struct kafka_setting settings[] = {
        {"isolation.level", "read_uncommitted"}, {"statistics.interval.ms", "0"}, {NULL}};
    const struct kafka_topic *topic = kafka_topic_partition(kafka, name, partition, error);
    if (!topic)
        return false;
    if (!member->prober &&
        !(member->prober = kafka_client_new(
              kafka, &(struct kafka_client){.type = RD_KAFKA_CONSUMER, .settings = settings},
              error)))
        return false;
    int64_t start, end;
    rd_kafka_poll(member->prober, 0);
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        member->prober, topic->remote, partition, &start, &end, KAFKA_REQUEST_TIMEOUT_MS);
    if (code) {
        /* It has no topics, so nothing makes it look for a partition's new leader but its age: the
         * next one asks. */
        rd_kafka_destroy(member->prober);
        member->prober = NULL;
        return kafka_fail(kafka, code, "true end of", name, error);
    }
    *ret_end = end;
    return true;
}

static bool member_create_topic(
    struct bus *bus, const char *topic, int partitions, enum member_topic kind, GError **error)
{
    return kafka_make_topic(bus_kafka(bus), topic, partitions,
                            (struct kafka_topic_kind){.compacted = kind != MEMBER_TOPIC_KEPT,
                                                      .expires = kind == MEMBER_TOPIC_LATEST},
                            error);
}

const struct bus_member_ops bus_kafka_member_ops = {
    .create_topic = member_create_topic,
    .join = member_join,
    .leave = member_leave,
    .poll = member_poll,
    .release = member_release,
    .committed = member_committed,
    .end = member_end,
    .begin = kafka_member_begin,
    .produce = kafka_member_produce,
    .offsets = kafka_member_offsets,
    .commit = kafka_member_commit,
    .abort = kafka_member_abort,
};

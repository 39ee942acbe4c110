/* Offsets of groups, and expiry. A group here is only a name under which Kafka keeps offsets:
 * nobody is a member, so whoever knows the name may set and read them. One request carries all
 * positions of a commit, and Kafka appends them to the group's partition of __consumer_offsets as
 * one batch.
 *
 * Each group has a client of its own. librdkafka 2.0.2 has admin calls for the same
 * (AlterConsumerGroupOffsets, ListConsumerGroupOffsets), which end the process where a coordinator
 * isn't there yet. */
#include <string.h>

#include "bus/bus_kafka.h"

rd_kafka_event_t *kafka_admin_answer(struct bus_kafka *kafka,
                                     rd_kafka_queue_t *queue,
                                     const char *what,
                                     GError **error)
{
    /* A margin over the request's own time: its end is an event too. */
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 2 * KAFKA_REQUEST_TIMEOUT_MS);
    if (!event) {
        kafka_fail(kafka, RD_KAFKA_RESP_ERR__TIMED_OUT, what, NULL, error);
        return NULL;
    }
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (code) {
        kafka_fail(kafka, code, what, rd_kafka_event_error_string(event), error);
        rd_kafka_event_destroy(event);
        return NULL;
    }
    return event;
}

/* ---- requests about one group ---- */

/* A client that has the group's name but never joins it. */
static rd_kafka_t *group_client(struct bus_kafka *kafka, const char *name, GError **error)
{
    rd_kafka_t *client = g_hash_table_lookup(kafka->groups, name);
    if (client)
        return client;
    g_autofree char *group = kafka_remote_name(kafka, name);
    client = kafka_client_new(
        kafka, &(struct kafka_client){.type = RD_KAFKA_CONSUMER, .group = group}, error);
    if (client)
        g_hash_table_insert(kafka->groups, g_strdup(name), client);
    return client;
}

enum group_request { GROUP_READ, GROUP_COMMIT };

/* GROUP_READ fills in the offsets of positions. A cluster's first group waits for
 * __consumer_offsets to be made; its first answers are "later". */
static bool group_run(struct bus_kafka *kafka,
                      enum group_request request,
                      const char *name,
                      rd_kafka_topic_partition_list_t *positions,
                      GError **error)
{
    int64_t begun_ms = kafka_now_ms();
    rd_kafka_t *client = group_client(kafka, name, error);
    if (!client)
        return false;
    for (;;) {
        g_autoptr(GError) why = NULL;
        rd_kafka_resp_err_t code =
            request == GROUP_READ ? rd_kafka_committed(client, positions, KAFKA_REQUEST_TIMEOUT_MS)
                                  : rd_kafka_commit(client, positions, 0);
        for (int i = 0; !code && i < positions->cnt; i++)
            code = positions->elems[i].err;
        rd_kafka_poll(client, 0);
        if (!code)
            return true;
        g_autofree char *what = g_strdup_printf("offsets of group %s", name);
        kafka_fail(kafka, code, what, NULL, &why);
        if (!kafka_mends(why, begun_ms)) {
            g_propagate_error(error, g_steal_pointer(&why));
            return false;
        }
        rd_kafka_poll(kafka->reader, KAFKA_RETRY_POLL_MS);
    }
}

/* ---- groups ---- */

static bool add_position(struct bus_kafka *kafka,
                         const char *group,
                         const struct bus_position *position,
                         rd_kafka_topic_partition_list_t *list,
                         GError **error)
{
    struct kafka_topic *topic =
        kafka_topic_partition(kafka, position->topic, position->partition, error);
    int64_t start, end;
    if (!topic ||
        !kafka_watermarks(kafka, position->topic, topic, position->partition, &start, &end, error))
        return false;
    if (position->offset > end)
        return bus_error_beyond_end(group, position->topic, position->partition, position->offset,
                                    end, error);
    rd_kafka_topic_partition_list_add(list, topic->remote, position->partition)->offset =
        position->offset;
    return true;
}

bool kafka_group_commit(struct bus *bus,
                        const char *group,
                        const struct bus_position *positions,
                        size_t count,
                        GError **error)
{
    struct bus_kafka *kafka = bus_kafka(bus);
    g_autoptr(GError) why = NULL;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    bool done = true;
    for (size_t i = 0; done && i < count; i++)
        done = add_position(kafka, group, &positions[i], list, &why);
    done = done && group_run(kafka, GROUP_COMMIT, group, list, &why);
    rd_kafka_topic_partition_list_destroy(list);
    if (!done)
        g_propagate_error(error, g_steal_pointer(&why));
    return done;
}

/* The committed offset of each partition in list; 0 where there is none. */
static bool read_committed(struct bus_kafka *kafka,
                           const char *group,
                           rd_kafka_topic_partition_list_t *list,
                           GError **error)
{
    if (!group_run(kafka, GROUP_READ, group, list, error))
        return false;
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = MAX(list->elems[i].offset, 0); /* OFFSET_INVALID is below 0 */
    return true;
}

bool kafka_group_offset(struct bus *bus,
                        const char *group,
                        const char *name,
                        int partition,
                        int64_t *ret_offset,
                        GError **error)
{
    struct bus_kafka *kafka = bus_kafka(bus);
    struct kafka_topic *topic = kafka_topic_partition(kafka, name, partition, error);
    if (!topic)
        return false;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic->remote, partition);
    bool done = read_committed(kafka, group, list, error);
    if (done)
        *ret_offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return done;
}

/* ---- expiry ---- */

static rd_kafka_topic_partition_list_t *all_partitions(const struct kafka_topic *topic)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(topic->partitions_count);
    for (int i = 0; i < topic->partitions_count; i++)
        rd_kafka_topic_partition_list_add(list, topic->remote, i);
    return list;
}

/* Into each offset: the first record that isn't older than before_ms, below 0 where there is none.
 */
static bool find_young(struct bus_kafka *kafka,
                       const char *name,
                       rd_kafka_topic_partition_list_t *list,
                       int64_t before_ms,
                       GError **error)
{
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = MAX(before_ms, 0);
    rd_kafka_resp_err_t code =
        rd_kafka_offsets_for_times(kafka->reader, list, KAFKA_REQUEST_TIMEOUT_MS);
    for (int i = 0; !code && i < list->cnt; i++)
        code = list->elems[i].err;
    return !code || kafka_fail(kafka, code, "offsets by time", name, error);
}

static bool delete_records(struct bus_kafka *kafka,
                           const char *name,
                           const rd_kafka_topic_partition_list_t *list,
                           GError **error)
{
    g_autofree char *what = g_strdup_printf("expiry of %s", name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->reader);
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(kafka->reader, &request, 1, NULL, queue);
    rd_kafka_event_t *event = kafka_admin_answer(kafka, queue, what, error);
    bool done = event != NULL;
    if (event) {
        const rd_kafka_topic_partition_list_t *gone =
            rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
        for (int i = 0; done && i < gone->cnt; i++) {
            if (gone->elems[i].err)
                done = kafka_fail(kafka, gone->elems[i].err, what, NULL, error);
        }
        rd_kafka_event_destroy(event);
    }
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_queue_destroy(queue);
    return done;
}

/* Adds to doomed where each partition shall begin, and counts what lies before that. */
static bool choose(struct bus_kafka *kafka,
                   const char *name,
                   const struct kafka_topic *topic,
                   const rd_kafka_topic_partition_list_t *young,
                   const rd_kafka_topic_partition_list_t *archived,
                   rd_kafka_topic_partition_list_t *doomed,
                   int64_t *ret_records,
                   GError **error)
{
    for (int i = 0; i < topic->partitions_count; i++) {
        int64_t start, end;
        if (!kafka_watermarks(kafka, name, topic, i, &start, &end, error))
            return false;
        int64_t until = young->elems[i].offset < 0 ? end : young->elems[i].offset;
        until = MIN(MIN(until, archived->elems[i].offset), end);
        if (until > start) {
            rd_kafka_topic_partition_list_add(doomed, topic->remote, i)->offset = until;
            *ret_records += until - start;
        }
    }
    return true;
}

bool kafka_expire(
    struct bus *bus, const char *name, int64_t before_ms, int64_t *ret_records, GError **error)
{
    struct bus_kafka *kafka = bus_kafka(bus);
    g_autoptr(GError) why = NULL;
    const struct kafka_topic *topic = kafka_topic(kafka, name, error);
    if (!topic)
        return false;
    rd_kafka_topic_partition_list_t *young = all_partitions(topic),
                                    *archived = all_partitions(topic);
    rd_kafka_topic_partition_list_t *doomed =
        rd_kafka_topic_partition_list_new(topic->partitions_count);
    int64_t records = 0;
    bool done = find_young(kafka, name, young, before_ms, &why) &&
                read_committed(kafka, BUS_GROUP_ARCHIVE, archived, &why) &&
                choose(kafka, name, topic, young, archived, doomed, &records, &why) &&
                (doomed->cnt == 0 || delete_records(kafka, name, doomed, &why));
    rd_kafka_topic_partition_list_destroy(young);
    rd_kafka_topic_partition_list_destroy(archived);
    rd_kafka_topic_partition_list_destroy(doomed);
    if (done)
        *ret_records = records;
    else
        g_propagate_error(error, g_steal_pointer(&why));
    return done;
}

bool kafka_truncate(
    struct bus *bus, const char *name, int partition, int64_t before_offset, GError **error)
{
    struct bus_kafka *kafka = bus_kafka(bus);
    struct kafka_topic *topic = kafka_topic_partition(kafka, name, partition, error);
    int64_t start, end;
    if (!topic || !kafka_watermarks(kafka, name, topic, partition, &start, &end, error))
        return false;
    if (before_offset <= start)
        return true;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic->remote, partition)->offset =
        MIN(before_offset, end);
    bool done = delete_records(kafka, name, list, error);
    rd_kafka_topic_partition_list_destroy(list);
    return done;
}

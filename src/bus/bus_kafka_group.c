/* Offsets of groups, and expiry. A group here is only a name under which Kafka keeps offsets:
 * nobody is a member, so the admin interface sets and reads them. One request carries all positions
 * of a commit, and Kafka appends them to the group's partition of __consumer_offsets as one batch.
 */
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

enum group_request { GROUP_LIST, GROUP_ALTER };

static rd_kafka_AdminOptions_t *group_options(struct bus_kafka *kafka, enum group_request request)
{
    char text[256];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(
        kafka->reader, request == GROUP_LIST ? RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS
                                             : RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
    rd_kafka_AdminOptions_set_request_timeout(options, KAFKA_REQUEST_TIMEOUT_MS, text, sizeof text);
    return options;
}

static void group_send(struct bus_kafka *kafka,
                       enum group_request request,
                       const char *group,
                       rd_kafka_topic_partition_list_t *positions,
                       rd_kafka_queue_t *queue)
{
    rd_kafka_AdminOptions_t *options = group_options(kafka, request);
    if (request == GROUP_LIST) {
        rd_kafka_ListConsumerGroupOffsets_t *list =
            rd_kafka_ListConsumerGroupOffsets_new(group, positions);
        rd_kafka_ListConsumerGroupOffsets(kafka->reader, &list, 1, options, queue);
        rd_kafka_ListConsumerGroupOffsets_destroy(list);
    } else {
        rd_kafka_AlterConsumerGroupOffsets_t *alter =
            rd_kafka_AlterConsumerGroupOffsets_new(group, positions);
        rd_kafka_AlterConsumerGroupOffsets(kafka->reader, &alter, 1, options, queue);
        rd_kafka_AlterConsumerGroupOffsets_destroy(alter);
    }
    rd_kafka_AdminOptions_destroy(options);
}

/* The first error of the group or of one of its partitions. */
static bool check_group(struct bus_kafka *kafka,
                        const rd_kafka_group_result_t *result,
                        const char *what,
                        GError **error)
{
    const rd_kafka_error_t *wrong = rd_kafka_group_result_error(result);
    if (wrong)
        return kafka_fail(kafka, rd_kafka_error_code(wrong), what, rd_kafka_error_string(wrong),
                          error);
    const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(result);
    for (int i = 0; list && i < list->cnt; i++) {
        if (list->elems[i].err)
            return kafka_fail(kafka, list->elems[i].err, what, list->elems[i].topic, error);
    }
    return true;
}

/* positions get the offsets that a list answers. */
static bool group_ask(struct bus_kafka *kafka,
                      enum group_request request,
                      const char *group,
                      rd_kafka_topic_partition_list_t *positions,
                      GError **error)
{
    g_autofree char *what = g_strdup_printf("offsets of group %s", group);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->reader);
    group_send(kafka, request, group, positions, queue);
    rd_kafka_event_t *event = kafka_admin_answer(kafka, queue, what, error);
    bool done = event != NULL;
    if (event) {
        size_t count;
        const rd_kafka_group_result_t **results =
            request == GROUP_LIST
                ? rd_kafka_ListConsumerGroupOffsets_result_groups(
                      rd_kafka_event_ListConsumerGroupOffsets_result(event), &count)
                : rd_kafka_AlterConsumerGroupOffsets_result_groups(
                      rd_kafka_event_AlterConsumerGroupOffsets_result(event), &count);
        done = check_group(kafka, results[0], what, error);
        const rd_kafka_topic_partition_list_t *found =
            done ? rd_kafka_group_result_partitions(results[0]) : NULL;
        for (int i = 0; found && request == GROUP_LIST && i < found->cnt; i++)
            rd_kafka_topic_partition_list_set_offset(positions, found->elems[i].topic,
                                                     found->elems[i].partition,
                                                     found->elems[i].offset);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    return done;
}

/* A cluster's first group waits for __consumer_offsets to be made; its first answers are "later".
 */
static bool group_run(struct bus_kafka *kafka,
                      enum group_request request,
                      const char *name,
                      rd_kafka_topic_partition_list_t *positions,
                      GError **error)
{
    g_autofree char *group = kafka_remote_name(kafka, name);
    int64_t begun_ms = kafka_now_ms();
    for (;;) {
        g_autoptr(GError) why = NULL;
        if (group_ask(kafka, request, group, positions, &why))
            return true;
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
    done = done && group_run(kafka, GROUP_ALTER, group, list, &why);
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
    if (!group_run(kafka, GROUP_LIST, group, list, error))
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

/* Fetch: a thread reads ahead of us into a queue of pages per partition (bus_kafka_ahead.h); a call
 * takes from there.
 *
 *   pages ──► held, from held_first on ──► the caller's arena
 *
 *   gap_from   position             known_end
 *      ├──────────┤..................┤
 *      nothing but other's control   what was the end when we last knew: up to there a call waits
 *      records lies in between       for what must come, beyond it never
 *
 * A call that goes on where the last one ended (anywhere in [gap_from, position]) costs no question
 * to the brokers. Any other offset starts the partition anew: the ends are asked for first, so that
 * an offset outside of them is told apart and an empty partition isn't waited for.
 *
 * at_end: librdkafka said so (PARTITION_EOF), or it was so at the start, and nothing came since. */
#include <string.h>

#include "bus/bus_kafka.h"

void kafka_partition_stop(struct kafka_partition *partition)
{
    kafka_ahead_stop(partition->ahead);
    partition->ahead = NULL;
    g_free(partition->held);
    partition->held = NULL;
}

/* A broker answers a connection's requests one after another, and behind a fetch of partitions that
 * have nothing new a question waits for fetch.wait.max.ms: so a handle that fetches asks with a
 * client that doesn't. NULL: it can't be made. */
static rd_kafka_t *asker(struct bus_kafka *kafka, GError **error)
{
    if (!kafka->ahead)
        return kafka->reader;
    if (!kafka->asker)
        kafka->asker =
            kafka_client_new(kafka, &(struct kafka_client){.type = RD_KAFKA_CONSUMER}, error);
    return kafka->asker;
}

bool kafka_watermarks(struct bus_kafka *kafka,
                      const char *name,
                      const struct kafka_topic *topic,
                      int partition,
                      int64_t *ret_start,
                      int64_t *ret_end,
                      GError **error)
{
    int64_t start, end, begun_ms = kafka_now_ms();
    rd_kafka_t *client = asker(kafka, error);
    if (!client)
        return false;
    for (;;) {
        g_autoptr(GError) why = NULL;
        rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
            client, topic->remote, partition, &start, &end, KAFKA_REQUEST_TIMEOUT_MS);
        if (!code)
            break;
        g_autofree char *what = g_strdup_printf("offsets of %s/%d", name, partition);
        kafka_fail(kafka, code, what, NULL, &why);
        if (kafka_mends(why, begun_ms)) {
            rd_kafka_poll(kafka->reader, KAFKA_RETRY_POLL_MS);
            continue;
        }
        if (error_is(why, NOTFOUND))
            kafka_topic_forget(kafka, name);
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    *ret_start = start;
    *ret_end = end;
    return true;
}

bool kafka_offsets(struct bus *bus,
                   const char *name,
                   int partition,
                   int64_t *ret_start,
                   int64_t *ret_end,
                   GError **error)
{
    struct bus_kafka *kafka = bus_kafka(bus);
    kafka_serve(kafka);
    struct kafka_topic *topic = kafka_topic_partition(kafka, name, partition, error);
    return topic && kafka_watermarks(kafka, name, topic, partition, ret_start, ret_end, error);
}

/* ---- one fetch ---- */

struct fetch {
    struct bus_kafka *kafka;
    const char *name;
    struct kafka_topic *topic;
    int number;
    struct kafka_partition *partition;
    int64_t offset;
    size_t bytes_max, bytes, count;
    bool full;
};

static bool start(struct fetch *fetch, GError **error)
{
    struct bus_kafka *kafka = fetch->kafka;
    struct kafka_partition *partition = fetch->partition;
    int64_t first, end, offset = fetch->offset;
    kafka_partition_stop(partition);
    if (!kafka_watermarks(kafka, fetch->name, fetch->topic, fetch->number, &first, &end, error))
        return false;
    if (offset < first)
        return bus_error_expired(fetch->name, fetch->number, offset, first, error);
    if (offset > end)
        return bus_error_beyond_end("fetch", fetch->name, fetch->number, offset, end, error);
    if (!kafka->ahead && !(kafka->ahead = kafka_ahead_new(error)))
        return false;
    rd_kafka_resp_err_t code = kafka_ahead_start(kafka->ahead, kafka->reader, fetch->topic->reader,
                                                 fetch->number, offset, &partition->ahead);
    if (code)
        return kafka_fail(kafka, code, "fetch", fetch->name, error);
    partition->gap_from = partition->position = offset;
    partition->known_end = end;
    partition->at_end = offset == end;
    return true;
}

static void take_end(struct kafka_partition *partition, int64_t end)
{
    partition->position = MAX(partition->position, end);
    partition->known_end = partition->position;
    partition->at_end = true;
}

/* librdkafka gave the partition up. An offset out of range is one that expired while we read. */
static bool take_error(struct fetch *fetch, const struct kafka_page *page, GError **error)
{
    rd_kafka_resp_err_t code = page->code;
    g_autofree char *what = g_strdup_printf("fetch of %s/%d", fetch->name, fetch->number);
    kafka_partition_stop(fetch->partition);
    if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        int64_t first, end;
        if (!kafka_watermarks(fetch->kafka, fetch->name, fetch->topic, fetch->number, &first, &end,
                              error))
            return false;
        if (fetch->offset < first)
            return bus_error_expired(fetch->name, fetch->number, fetch->offset, first, error);
        if (fetch->offset > end)
            return bus_error_beyond_end("fetch", fetch->name, fetch->number, fetch->offset, end,
                                        error);
        code = RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE;
    }
    kafka_fail(fetch->kafka, code, what, page->bytes, error);
    if (error_is(*error, NOTFOUND))
        kafka_topic_forget(fetch->kafka, fetch->name);
    return false;
}

/* As many of the page's records as fit; at least one where it is the first. */
static void take_records(struct fetch *fetch)
{
    struct kafka_partition *partition = fetch->partition;
    struct kafka_part part = {.page = partition->held, .first = partition->held_first};
    while (partition->held_first < part.page->count) {
        const struct kafka_page_record *record = &part.page->records[partition->held_first];
        const size_t bytes = fetch->bytes + kafka_page_record_len(record);
        if (fetch->count > 0 &&
            bytes + (fetch->count + 1) * BUS_RECORD_OVERHEAD_BYTES > fetch->bytes_max) {
            fetch->full = true;
            break;
        }
        fetch->bytes = bytes;
        fetch->count++;
        partition->held_first++;
        partition->gap_from = partition->position = record->offset + 1;
    }
    part.count = partition->held_first - part.first;
    part.spent = partition->held_first == part.page->count;
    if (part.spent)
        partition->held = NULL;
    if (part.count > 0) {
        partition->at_end = false;
        g_array_append_val(fetch->kafka->parts, part);
    }
}

/* The page that is held. An error waits for the call after the records before it. */
static bool take_held(struct fetch *fetch, GError **error)
{
    struct kafka_partition *partition = fetch->partition;
    struct kafka_page *page = partition->held;
    if (page->kind == KAFKA_PAGE_RECORDS) {
        take_records(fetch);
        return true;
    }
    if (page->kind == KAFKA_PAGE_ERROR && fetch->count > 0) {
        fetch->full = true;
        return true;
    }
    partition->held = NULL;
    bool done = true;
    if (page->kind == KAFKA_PAGE_END)
        take_end(partition, page->offset);
    else
        done = take_error(fetch, page, error);
    g_free(page);
    return done;
}

/* At most until wait_ms have passed; true: a page is held. */
static bool refill(struct kafka_partition *partition, int64_t wait_ms)
{
    if (partition->held)
        return true;
    partition->held = kafka_ahead_take(partition->ahead, wait_ms);
    partition->held_first = 0;
    return partition->held != NULL;
}

static bool take_all(struct fetch *fetch, GError **error)
{
    struct kafka_partition *partition = fetch->partition;
    int64_t deadline_ms = kafka_now_ms() + KAFKA_REQUEST_TIMEOUT_MS;
    for (;;) {
        int64_t wait_ms = 0;
        if (partition->position < partition->known_end)
            wait_ms = MAX(deadline_ms - kafka_now_ms(), 0);
        if (!refill(partition, wait_ms))
            break;
        if (!take_held(fetch, error))
            return false;
        if (fetch->full)
            break;
    }
    if (fetch->count > 0)
        return true;
    if (partition->position < partition->known_end) {
        g_autofree char *what = g_strdup_printf("fetch of %s/%d", fetch->name, fetch->number);
        return kafka_fail(fetch->kafka, RD_KAFKA_RESP_ERR__TIMED_OUT, what, NULL, error);
    }
    /* Nothing came and nothing had to; but is there anybody? */
    return kafka_check_brokers(fetch->kafka, "fetch", error);
}

/* Returns how many bytes of the caller's room it took. */
static size_t hand_out_part(const struct kafka_part *part, struct bus_record *records, char *bytes)
{
    const struct kafka_page_record *from = &part->page->records[part->first];
    const struct kafka_page_record *last = &from[part->count - 1];
    const size_t len = last->at + kafka_page_record_len(last) - from->at;
    memcpy(bytes, part->page->bytes + from->at, len);
    for (size_t i = 0; i < part->count; i++) {
        const char *key = bytes + (from[i].at - from->at);
        records[i] = (struct bus_record){
            .offset = from[i].offset,
            .append_time_ms = from[i].append_time_ms,
            .key = {.data = key, .len = from[i].key_len},
            .value = {.data = key + from[i].key_len, .len = from[i].value_len},
        };
    }
    return len;
}

static void hand_out(struct fetch *fetch, struct arena *arena, struct bus_batch *ret_batch)
{
    const GArray *parts = fetch->kafka->parts;
    const struct kafka_partition *partition = fetch->partition;
    struct bus_batch batch = {.count = fetch->count, .next_offset = partition->position};
    batch.records = arena_alloc(arena, (fetch->count + 1) * sizeof *batch.records);
    struct bus_record *record = batch.records;
    char *bytes = arena_alloc(arena, fetch->bytes + 1);
    for (guint i = 0; i < parts->len; i++) {
        const struct kafka_part *part = &g_array_index(parts, struct kafka_part, i);
        bytes += hand_out_part(part, record, bytes);
        record += part->count;
    }
    int64_t low, high = 0;
    if (!partition->at_end)
        rd_kafka_get_watermark_offsets(fetch->kafka->reader, fetch->topic->remote, fetch->number,
                                       &low, &high);
    batch.end_offset = MAX(batch.next_offset, MAX(high, partition->known_end));
    *ret_batch = batch;
}

bool kafka_fetch(struct bus *bus,
                 const char *name,
                 int number,
                 int64_t offset,
                 size_t bytes_max,
                 struct arena *arena,
                 struct bus_batch *ret_batch,
                 GError **error)
{
    struct bus_kafka *kafka = bus_kafka(bus);
    kafka_serve(kafka);
    struct kafka_topic *topic = kafka_topic_partition(kafka, name, number, error);
    if (!topic)
        return false;
    struct fetch fetch = {
        .kafka = kafka,
        .name = name,
        .topic = topic,
        .number = number,
        .partition = &topic->partitions[number],
        .offset = offset,
        .bytes_max = bytes_max,
    };
    g_autoptr(GError) why = NULL;
    bool goes_on = fetch.partition->ahead && offset >= fetch.partition->gap_from &&
                   offset <= fetch.partition->position;
    bool done = (goes_on || start(&fetch, &why)) && take_all(&fetch, &why);
    if (done)
        hand_out(&fetch, arena, ret_batch);
    else
        g_propagate_error(error, g_steal_pointer(&why));
    for (guint i = 0; i < kafka->parts->len; i++) {
        const struct kafka_part *part = &g_array_index(kafka->parts, struct kafka_part, i);
        if (part->spent)
            g_free(part->page);
    }
    g_array_set_size(kafka->parts, 0);
    return done;
}

#include "bus/bus_kafka_ahead.h"

#include <pthread.h>
#include <string.h>

#include <glib.h>

#include "base/clock.h"
#include "bus/frame.h"
#include "model/record.h"

#define HEADER_SCHEMA "__value_schema_id"

/* lock is a leaf: librdkafka is never called under it, for it calls on_filled under locks of its
 * own. */
struct kafka_ahead {
    pthread_mutex_t lock;
    pthread_cond_t filled; /* for the thread: a queue has something, a partition has room, an end */
    pthread_cond_t packed; /* for the owner: there is a page, or a partition isn't drained now */
    pthread_t thread;
    GPtrArray *partitions; /* that are read */
    bool work, ending;
};

struct kafka_ahead_partition {
    struct kafka_ahead *ahead;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    int number;
    bool draining; /* the thread is at its queue */
    struct kafka_page *first, **end;
    size_t bytes; /* of its pages */
};

/* ---- packing ---- */

/* The frame in the record's header; of length 0 where there is none, or another. */
static struct span header_frame(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const void *data;
    size_t len;
    if (rd_kafka_message_headers(message, &headers) ||
        rd_kafka_header_get_last(headers, HEADER_SCHEMA, &data, &len) || len == 0 ||
        frame_len(((const char *)data)[0]) != len)
        return (struct span){0};
    return (struct span){.data = data, .len = len};
}

static struct kafka_page *page_new(enum kafka_page_kind kind, size_t count, size_t bytes_len)
{
    const size_t head = sizeof(struct kafka_page) + count * sizeof(struct kafka_page_record);
    struct kafka_page *page = g_malloc(head + bytes_len);
    *page = (struct kafka_page){
        .kind = kind, .count = count, .bytes_len = bytes_len, .bytes = (char *)page + head};
    return page;
}

static size_t page_size(const struct kafka_page *page)
{
    return sizeof *page + page->count * sizeof page->records[0] + page->bytes_len;
}

static char *append(char *to, const void *data, size_t len)
{
    if (len)
        memcpy(to, data, len);
    return to + len;
}

static struct kafka_page *pack_records(rd_kafka_message_t **messages, size_t count)
{
    struct span frames[KAFKA_PAGE_RECORDS_MAX];
    size_t bytes_len = 0;
    for (size_t i = 0; i < count; i++) {
        frames[i] = header_frame(messages[i]);
        bytes_len += messages[i]->key_len + frames[i].len + messages[i]->len;
    }
    struct kafka_page *page = page_new(KAFKA_PAGE_RECORDS, count, bytes_len);
    char *start = (char *)page + page_size(page) - bytes_len, *to = start;
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_message_t *message = messages[i];
        page->records[i] = (struct kafka_page_record){
            .offset = message->offset,
            .append_time_ms = rd_kafka_message_timestamp(message, NULL),
            .at = (size_t)(to - start),
            .key_len = (uint32_t)message->key_len,
            .value_len = (uint32_t)(frames[i].len + message->len),
        };
        to = append(to, message->key, message->key_len);
        to = append(to, frames[i].data, frames[i].len);
        to = append(to, message->payload, message->len);
    }
    return page;
}

static struct kafka_page *pack_error(const rd_kafka_message_t *message)
{
    const char *text = rd_kafka_message_errstr(message);
    const size_t len = text ? strlen(text) : 0;
    const bool end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    struct kafka_page *page = page_new(end ? KAFKA_PAGE_END : KAFKA_PAGE_ERROR, 0, len + 1);
    *append((char *)page + sizeof *page, text, len) = '\0';
    page->code = message->err;
    page->offset = message->offset;
    return page;
}

/* As many pages as there are runs of records, and errors between them. */
static struct kafka_page *
pack(rd_kafka_message_t **messages, size_t count, struct kafka_page ***ret_end)
{
    struct kafka_page *first = NULL, **end = &first;
    for (size_t i = 0, from = 0; i < count; from = i) {
        while (i < count && !messages[i]->err)
            i++;
        *end = i > from ? pack_records(messages + from, i - from) : pack_error(messages[i++]);
        end = &(*end)->next;
    }
    *ret_end = end;
    return first;
}

/* ---- the thread ---- */

/* What its queue has now, a page's worth; false: nothing. Called, and returns, under the lock. */
static bool drain(struct kafka_ahead_partition *partition)
{
    struct kafka_ahead *ahead = partition->ahead;
    rd_kafka_message_t *messages[KAFKA_PAGE_RECORDS_MAX];
    partition->draining = true;
    pthread_mutex_unlock(&ahead->lock);
    const ssize_t count = rd_kafka_consume_batch(partition->topic, partition->number, 0, messages,
                                                 KAFKA_PAGE_RECORDS_MAX);
    struct kafka_page **end = NULL, *pages = count > 0 ? pack(messages, (size_t)count, &end) : NULL;
    for (ssize_t i = 0; i < count; i++)
        rd_kafka_message_destroy(messages[i]);
    pthread_mutex_lock(&ahead->lock);
    partition->draining = false;
    for (const struct kafka_page *page = pages; page; page = page->next)
        partition->bytes += page_size(page);
    if (pages) {
        *partition->end = pages;
        partition->end = end;
    }
    pthread_cond_signal(&ahead->packed);
    return pages != NULL;
}

static void *ahead_main(void *data)
{
    struct kafka_ahead *ahead = data;
    pthread_setname_np(pthread_self(), "kafka ahead");
    pthread_mutex_lock(&ahead->lock);
    while (!ahead->ending) {
        bool drained = false;
        ahead->work = false;
        /* The owner may start or stop others meanwhile; it says so by work. */
        for (guint i = 0; i < ahead->partitions->len; i++) {
            struct kafka_ahead_partition *partition = ahead->partitions->pdata[i];
            drained = (partition->bytes < KAFKA_AHEAD_BYTES_MAX && drain(partition)) || drained;
        }
        while (!drained && !ahead->work && !ahead->ending)
            pthread_cond_wait(&ahead->filled, &ahead->lock);
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

static void wake(struct kafka_ahead *ahead)
{
    ahead->work = true;
    pthread_cond_signal(&ahead->filled);
}

/* A queue that was empty isn't; in a thread of librdkafka's. */
static void on_filled(rd_kafka_t *client, void *opaque)
{
    (void)client;
    struct kafka_ahead *ahead = opaque;
    pthread_mutex_lock(&ahead->lock);
    wake(ahead);
    pthread_mutex_unlock(&ahead->lock);
}

/* ---- the owner ---- */

struct kafka_ahead *kafka_ahead_new(GError **error)
{
    struct kafka_ahead *ahead = g_new0(struct kafka_ahead, 1);
    pthread_condattr_t attr;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&ahead->filled, &attr);
    pthread_cond_init(&ahead->packed, &attr);
    pthread_condattr_destroy(&attr);
    ahead->partitions = g_ptr_array_new();
    const int failure = pthread_create(&ahead->thread, NULL, ahead_main, ahead);
    if (!failure)
        return ahead;
    error_set(error, FAILED, "bus: Kafka: no thread to read ahead with: %s", g_strerror(failure));
    ahead->ending = true;
    kafka_ahead_free(ahead);
    return NULL;
}

void kafka_ahead_free(struct kafka_ahead *ahead)
{
    if (!ahead)
        return;
    g_assert(ahead->partitions->len == 0);
    if (!ahead->ending) {
        pthread_mutex_lock(&ahead->lock);
        ahead->ending = true;
        wake(ahead);
        pthread_mutex_unlock(&ahead->lock);
        pthread_join(ahead->thread, NULL);
    }
    g_ptr_array_unref(ahead->partitions);
    pthread_cond_destroy(&ahead->filled);
    pthread_cond_destroy(&ahead->packed);
    pthread_mutex_destroy(&ahead->lock);
    g_free(ahead);
}

static void partition_free(struct kafka_ahead_partition *partition)
{
    rd_kafka_queue_cb_event_enable(partition->queue, NULL, NULL);
    rd_kafka_queue_destroy(partition->queue);
    while (partition->first) {
        struct kafka_page *page = partition->first;
        partition->first = page->next;
        g_free(page);
    }
    g_free(partition);
}

rd_kafka_resp_err_t kafka_ahead_start(struct kafka_ahead *ahead,
                                      rd_kafka_t *client,
                                      rd_kafka_topic_t *topic,
                                      int number,
                                      int64_t offset,
                                      struct kafka_ahead_partition **ret_partition)
{
    struct kafka_ahead_partition *partition = g_new0(struct kafka_ahead_partition, 1);
    partition->ahead = ahead;
    partition->topic = topic;
    partition->number = number;
    partition->end = &partition->first;
    partition->queue = rd_kafka_queue_get_partition(client, rd_kafka_topic_name(topic), number);
    rd_kafka_queue_cb_event_enable(partition->queue, on_filled, ahead);
    if (rd_kafka_consume_start(topic, number, offset) != 0) {
        const rd_kafka_resp_err_t code = rd_kafka_last_error();
        partition_free(partition);
        return code;
    }
    pthread_mutex_lock(&ahead->lock);
    g_ptr_array_add(ahead->partitions, partition);
    wake(ahead);
    pthread_mutex_unlock(&ahead->lock);
    *ret_partition = partition;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void kafka_ahead_stop(struct kafka_ahead_partition *partition)
{
    if (!partition)
        return;
    struct kafka_ahead *ahead = partition->ahead;
    pthread_mutex_lock(&ahead->lock);
    g_ptr_array_remove(ahead->partitions, partition);
    ahead->work = true;
    while (partition->draining)
        pthread_cond_wait(&ahead->packed, &ahead->lock);
    pthread_mutex_unlock(&ahead->lock);
    rd_kafka_consume_stop(partition->topic, partition->number);
    partition_free(partition);
}

struct kafka_page *kafka_ahead_take(struct kafka_ahead_partition *partition, int64_t wait_ms)
{
    struct kafka_ahead *ahead = partition->ahead;
    const struct timespec deadline = clock_deadline(wait_ms);
    pthread_mutex_lock(&ahead->lock);
    while (!partition->first && wait_ms > 0 &&
           pthread_cond_timedwait(&ahead->packed, &ahead->lock, &deadline) == 0)
        ;
    struct kafka_page *page = partition->first;
    if (page) {
        const bool full = partition->bytes >= KAFKA_AHEAD_BYTES_MAX;
        partition->bytes -= page_size(page);
        partition->first = page->next;
        if (!partition->first)
            partition->end = &partition->first;
        if (full && partition->bytes < KAFKA_AHEAD_BYTES_MAX)
            wake(ahead);
    }
    pthread_mutex_unlock(&ahead->lock);
    return page;
}

size_t kafka_ahead_bytes(const struct kafka_ahead_partition *partition)
{
    pthread_mutex_lock(&partition->ahead->lock);
    const size_t bytes = partition->bytes;
    pthread_mutex_unlock(&partition->ahead->lock);
    return bytes;
}

#include "ingest/publisher.h"

#include <inttypes.h>

#include "base/config.h"
#include "base/metrics.h"

struct pending {
    enum topic topic;
    size_t key_start, key_len, value_start, value_len; /* within bytes */
};

struct publisher {
    const struct context *context;
    struct bus *bus;
    struct serde *serde;
    GArray *pending;   /* struct pending */
    GByteArray *bytes; /* keys and values; moves while it grows, hence the offsets */
};

struct publisher *publisher_new(const struct context *context, struct bus *bus, struct serde *serde)
{
    struct publisher *publisher = g_new0(struct publisher, 1);
    publisher->context = context;
    publisher->bus = bus;
    publisher->serde = serde;
    publisher->pending = g_array_new(FALSE, FALSE, sizeof(struct pending));
    publisher->bytes = g_byte_array_new();
    return publisher;
}

void publisher_free(struct publisher *publisher)
{
    if (!publisher)
        return;
    g_array_unref(publisher->pending);
    g_byte_array_unref(publisher->bytes);
    g_free(publisher);
}

bool publisher_add(struct publisher *publisher,
                   enum topic topic,
                   int32_t movie_id,
                   const void *record,
                   GError **error)
{
    char key[TOPIC_KEY_BYTES];
    struct pending pending = {.topic = topic,
                              .key_start = publisher->bytes->len,
                              .key_len = topic_movie_key(movie_id, key)};
    g_byte_array_append(publisher->bytes, (const uint8_t *)key, (unsigned)pending.key_len);
    pending.value_start = publisher->bytes->len;
    serde_encode(publisher->serde, topic, record, publisher->bytes);
    pending.value_len = publisher->bytes->len - pending.value_start;
    size_t bytes = pending.key_len + pending.value_len;
    if ((int64_t)bytes > publisher->context->config->bus_record_max_bytes) {
        error_set(error, BADDATA,
                  "%s: a record of movie %" PRId32 " has %zu bytes; bus.record_max is %" PRId64,
                  topic_info(topic)->name, movie_id, bytes,
                  publisher->context->config->bus_record_max_bytes);
        g_byte_array_set_size(publisher->bytes, (unsigned)pending.key_start);
        return false;
    }
    g_array_append_val(publisher->pending, pending);
    return true;
}

bool publisher_full(const struct publisher *publisher)
{
    return publisher->pending->len >= PUBLISHER_RECORDS_MAX ||
           publisher->bytes->len >= PUBLISHER_BYTES_MAX;
}

size_t publisher_pending_records(const struct publisher *publisher)
{
    return publisher->pending->len;
}

bool publisher_flush(struct publisher *publisher, GError **error)
{
    size_t count = publisher->pending->len;
    if (!count)
        return true;
    const char *bytes = (const char *)publisher->bytes->data;
    g_autofree struct bus_message *messages = g_new0(struct bus_message, count);
    for (size_t i = 0; i < count; i++) {
        const struct pending *pending = &g_array_index(publisher->pending, struct pending, i);
        messages[i] = (struct bus_message){
            .topic = topic_info(pending->topic)->name,
            .partition = BUS_PARTITION_BY_KEY,
            .key = {bytes + pending->key_start, pending->key_len},
            .value = {bytes + pending->value_start, pending->value_len},
        };
    }
    if (!bus_produce(publisher->bus, messages, count, NULL, error))
        return false;
    for (size_t i = 0; i < count; i++)
        metrics_add(publisher->context->metrics, METRIC_INGEST_RECORDS, messages[i].topic, 1);
    g_array_set_size(publisher->pending, 0);
    g_byte_array_set_size(publisher->bytes, 0);
    return true;
}

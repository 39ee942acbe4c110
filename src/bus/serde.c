/* Serde: one encoder a topic, and a decoder for each writer's schema that has been met. A topic has
 * few schemas, so its decoders are a short array that begins with the last one used. Source of the
 * framing: Confluent, "Wire format". */
#include "bus/serde.h"

#include <string.h>

#include "base/config.h"
#include "base/embedded.h"
#include "base/metrics.h"
#include "bus/bus.h"
#include "bus/frame.h"

#define SERDE_DECODERS_MAX      64 /* a topic; then the oldest goes */
#define DEADLETTER_REASON_BYTES 256
/* A dead letter without its bytes and its topic's name: mending the reason's UTF-8 may treble it.
 */
#define DEADLETTER_OTHER_BYTES (3 * DEADLETTER_REASON_BYTES + 128)

struct known_decoder {
    char frame[FRAME_GUID_BYTES]; /* what a record begins with that it decodes, as long as its
                                     first byte says */
    struct decoder *decoder;
};

struct topic_serde {
    struct schema *schema;
    struct encoder *encoder;
    int32_t id;
    struct known_decoder decoders[SERDE_DECODERS_MAX];
    size_t decoders_count, last_used, oldest;
};

struct serde {
    struct registry *registry;
    struct topic_serde topics[TOPIC_COUNT];
    GByteArray *scratch;
};

static bool topic_serde_init(struct topic_serde *topic,
                             struct registry *registry,
                             const struct topic_info *info,
                             GError **error)
{
    size_t len;
    const char *json = embedded_text(info->schema_path, &len);
    topic->schema = schema_parse(json, len, error);
    if (topic->schema)
        topic->encoder = encoder_new(topic->schema, info->type, error);
    if (!topic->encoder) {
        g_prefix_error(error, "%s: ", info->schema_path);
        return false;
    }
    return registry_register(registry, info->subject, json, &topic->id, error);
}

struct serde *serde_new(struct registry *registry, GError **error)
{
    struct serde *serde = g_new0(struct serde, 1);
    serde->registry = registry;
    serde->scratch = g_byte_array_new();
    for (int i = 0; i < TOPIC_COUNT; i++) {
        if (!topic_serde_init(&serde->topics[i], registry, topic_info((enum topic)i), error)) {
            serde_free(serde);
            return NULL;
        }
    }
    return serde;
}

void serde_free(struct serde *serde)
{
    if (!serde)
        return;
    for (size_t i = 0; i < TOPIC_COUNT; i++) {
        struct topic_serde *topic = &serde->topics[i];
        for (size_t j = 0; j < topic->decoders_count; j++)
            decoder_free(topic->decoders[j].decoder);
        encoder_free(topic->encoder);
        schema_free(topic->schema);
    }
    g_byte_array_unref(serde->scratch);
    g_free(serde);
}

void serde_encode(struct serde *serde, enum topic topic, const void *record, GByteArray *out)
{
    const struct topic_serde *own = &serde->topics[topic];
    uint32_t id = GUINT32_TO_BE((uint32_t)own->id);
    guint8 frame[FRAME_ID_BYTES] = {FRAME_ID};
    memcpy(frame + 1, &id, sizeof id);
    g_byte_array_append(out, frame, sizeof frame);
    encoder_encode(own->encoder, record, out);
}

static uint32_t frame_id(const char *frame)
{
    uint32_t id;
    memcpy(&id, frame + 1, sizeof id);
    return GUINT32_FROM_BE(id);
}

static const struct schema *
find_schema(struct registry *registry, const char *frame, GError **error)
{
    if (frame[0] == FRAME_GUID)
        return registry_schema_guid(registry, frame + 1, error);
    return registry_schema(registry, (int32_t)frame_id(frame), error);
}

static struct decoder *
add_decoder(struct serde *serde, enum topic topic, const char *frame, size_t len, GError **error)
{
    struct topic_serde *own = &serde->topics[topic];
    GError *why = NULL;
    const struct schema *writer = find_schema(serde->registry, frame, &why);
    if (!writer) {
        if (error_is(why, NOTFOUND))
            why->code = MARQUEE_ERROR_BADDATA; /* a record that names it will never be right */
        g_propagate_error(error, why);
        return NULL;
    }
    struct decoder *decoder = decoder_new(writer, own->schema, topic_info(topic)->type, error);
    if (!decoder) {
        if (frame[0] == FRAME_ID)
            g_prefix_error(error, "schema %u: ", frame_id(frame));
        else
            g_prefix_error(error, "schema of a GUID: ");
        return NULL;
    }
    size_t slot = own->decoders_count;
    if (slot == SERDE_DECODERS_MAX) {
        slot = own->oldest++ % SERDE_DECODERS_MAX;
        decoder_free(own->decoders[slot].decoder);
    } else {
        own->decoders_count++;
    }
    own->decoders[slot].decoder = decoder;
    memcpy(own->decoders[slot].frame, frame, len);
    own->last_used = slot;
    return decoder;
}

static inline struct decoder *
find_decoder(struct serde *serde, enum topic topic, const char *frame, size_t len, GError **error)
{
    struct topic_serde *own = &serde->topics[topic];
    if (G_LIKELY(own->decoders_count > 0 &&
                 memcmp(own->decoders[own->last_used].frame, frame, len) == 0))
        return own->decoders[own->last_used].decoder;
    for (size_t i = 0; i < own->decoders_count; i++) {
        if (memcmp(own->decoders[i].frame, frame, len) == 0) {
            own->last_used = i;
            return own->decoders[i].decoder;
        }
    }
    return add_decoder(serde, topic, frame, len, error);
}

bool serde_decode(struct serde *serde,
                  enum topic topic,
                  struct span value,
                  struct arena *arena,
                  void *ret_record,
                  GError **error)
{
    size_t len = value.len > 0 ? frame_len(value.data[0]) : 0;
    if (len == 0 || value.len < len) {
        error_set(error, BADDATA,
                  "%s: no Confluent frame: %zu bytes that begin with 0x%02x, not with 0x00 and an "
                  "id, or 0x01 and a GUID",
                  topic_info(topic)->name, value.len, value.len ? (unsigned char)value.data[0] : 0);
        return false;
    }
    const struct decoder *decoder = find_decoder(serde, topic, value.data, len, error);
    return decoder &&
           decoder_decode(decoder, value.data + len, value.len - len, arena, ret_record, error);
}

/* UTF-8 of a bounded length: a reason may quote what was wrong. */
static char *clean_reason(const char *reason, bool truncated)
{
    g_autofree char *cut = g_strndup(reason, DEADLETTER_REASON_BYTES);
    g_autofree char *valid = g_utf8_make_valid(cut, -1);
    return g_strconcat(valid, truncated ? " (its bytes are cut to bus.record_max)" : NULL, NULL);
}

void serde_deadletter_encode(struct serde *serde,
                             const struct context *context,
                             const char *topic,
                             int partition,
                             int64_t offset,
                             const char *reason,
                             struct span bytes,
                             GByteArray *out)
{
    size_t bytes_max = (size_t)context->config->bus_record_max_bytes;
    bytes_max -= MIN(bytes_max, DEADLETTER_OTHER_BYTES + 2 * strlen(topic));
    bool truncated = bytes.len > bytes_max;
    g_autofree char *text = clean_reason(reason, truncated);
    const struct deadletter letter = {
        .topic = {topic, strlen(topic)},
        .partition = partition,
        .offset = offset,
        .reason = {text, strlen(text)},
        .bytes = {bytes.data, MIN(bytes.len, bytes_max)},
    };
    serde_encode(serde, TOPIC_DEADLETTER, &letter, out);
}

bool serde_deadletter(struct serde *serde,
                      struct bus *bus,
                      const char *topic,
                      int partition,
                      int64_t offset,
                      const char *reason,
                      struct span bytes,
                      GError **error)
{
    const struct context *context = bus_context(bus);
    g_byte_array_set_size(serde->scratch, 0);
    serde_deadletter_encode(serde, context, topic, partition, offset, reason, bytes,
                            serde->scratch);
    const struct bus_message message = {
        .topic = topic_info(TOPIC_DEADLETTER)->name,
        .partition = BUS_PARTITION_BY_KEY,
        .key = {topic, strlen(topic)},
        .value = {(const char *)serde->scratch->data, serde->scratch->len},
    };
    if (!bus_produce(bus, &message, 1, NULL, error))
        return false;
    metrics_add(context->metrics, METRIC_BUS_DEADLETTERS, topic, 1);
    return true;
}

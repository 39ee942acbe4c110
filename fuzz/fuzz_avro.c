/* Avro: parses a writer's schema, resolves it against a contract and decodes a record with it. What
 * decodes is encoded and decoded again, to the same bytes.
 *
 *   input = topic (1 byte), schema's JSON, a byte 0, record
 *   Without JSON the contract itself is the writer's schema. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/embedded.h"
#include "model/codec.h"
#include "model/topic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pair {
    struct schema *reader, *writer;
    const struct record_type *type;
};

static void assert_same_again(const struct pair *pair, const void *record, struct arena *arena)
{
    struct encoder *encoder = encoder_new(pair->reader, pair->type, NULL);
    struct decoder *decoder = decoder_new(pair->reader, pair->reader, pair->type, NULL);
    g_assert(encoder && decoder);
    g_autoptr(GByteArray) first = g_byte_array_new();
    g_autoptr(GByteArray) second = g_byte_array_new();
    encoder_encode(encoder, record, first);
    g_autofree void *back = g_malloc0(pair->type->size);
    bool decoded = decoder_decode(decoder, first->data, first->len, arena, back, NULL);
    g_assert(decoded);
    encoder_encode(encoder, back, second);
    g_assert(first->len == second->len && memcmp(first->data, second->data, first->len) == 0);
    g_autoptr(GString) json = g_string_new(NULL);
    record_to_json(pair->type, pair->reader, record, json);
    encoder_free(encoder);
    decoder_free(decoder);
}

static void decode(const struct pair *pair, const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    g_autofree void *record = g_malloc0(pair->type->size);
    g_autoptr(GError) error = NULL;
    struct decoder *decoder = decoder_new(pair->writer, pair->reader, pair->type, &error);
    if (decoder && decoder_decode(decoder, data, size, arena, record, &error))
        assert_same_again(pair, record, arena);
    else
        g_assert(error_is(error, BADDATA));
    decoder_free(decoder);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const struct topic_info *info = topic_info((enum topic)(data[0] % TOPIC_COUNT));
    size_t contract_len;
    const char *contract = embedded_text(info->schema_path, &contract_len);
    struct pair pair = {.type = info->type, .reader = schema_parse(contract, contract_len, NULL)};
    g_assert(pair.reader);

    const char *json = (const char *)data + 1;
    const char *end = memchr(json, '\0', size - 1);
    size_t json_len = end ? (size_t)(end - json) : size - 1;
    g_autoptr(GError) error = NULL;
    pair.writer = json_len > 0 ? schema_parse(json, json_len, &error)
                               : schema_parse(contract, contract_len, &error);
    if (pair.writer) {
        bool can_read = schema_can_read(pair.reader, pair.writer, NULL);
        (void)can_read;
        const uint8_t *record = end ? (const uint8_t *)end + 1 : data + size;
        decode(&pair, record, (size_t)(data + size - record));
    } else {
        g_assert(error_is(error, BADDATA));
    }
    schema_free(pair.writer);
    schema_free(pair.reader);
    return 0;
}

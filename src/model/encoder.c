/* Encoder: one op a field of the schema, in its order. First the room that the record needs at most
 * is computed, then it is written without further checks. */
#include <string.h>

#include "base/arena.h"
#include "model/codec.h"
#include "model/codec_field.h"
#include "model/varint.h"

#define NO_EXTRA UINT32_MAX

struct encode_op {
    enum field_kind kind;
    uint32_t offset, extra_offset;
    int null_branch;      /* -1: no union */
    size_t symbols_count; /* FIELD_ENUM */
    size_t element_size;  /* FIELD_RECORDS */
    const struct encoder_plan *items;
};

struct encoder_plan {
    struct encode_op *ops;
    size_t count;
    size_t fixed_bytes; /* room for all but what strings, bytes and arrays hold */
};

struct encoder {
    struct arena *arena;
    struct encoder_plan plan;
};

static bool plan_new(struct arena *arena,
                     const struct schema_node *node,
                     const struct record_type *type,
                     struct encoder_plan *ret_plan,
                     GError **error)
{
    if (!codec_type_check(type, node, error))
        return false;
    struct encoder_plan plan = {.count = node->fields_count};
    plan.ops = arena_array(arena, struct encode_op, plan.count);
    for (size_t i = 0; i < plan.count; i++) {
        struct codec_field found;
        if (!codec_field_find(type, &node->fields[i], &found, error))
            return false;
        const struct record_field *field = found.field;
        struct encode_op *op = &plan.ops[i];
        *op = (struct encode_op){
            .kind = field->kind,
            .offset = (uint32_t)field->offset,
            .extra_offset =
                field->extra_offset == SIZE_MAX ? NO_EXTRA : (uint32_t)field->extra_offset,
            .null_branch = found.null_branch,
        };
        if (field->kind == FIELD_ENUM)
            op->symbols_count = found.value->symbols_count;
        if (field->kind == FIELD_RECORDS) {
            struct encoder_plan *items = arena_new0(arena, struct encoder_plan);
            if (!plan_new(arena, found.value->items, field->element, items, error))
                return false;
            op->items = items;
            op->element_size = field->element->size;
        }
        /* A branch, and a number, a length or the count and end of an array. */
        plan.fixed_bytes += 1 + 2 * VARINT_LONG_BYTES_MAX;
    }
    *ret_plan = plan;
    return true;
}

struct encoder *
encoder_new(const struct schema *schema, const struct record_type *type, GError **error)
{
    struct encoder *encoder = g_new0(struct encoder, 1);
    encoder->arena = arena_new();
    if (!plan_new(encoder->arena, schema_root(schema), type, &encoder->plan, error)) {
        encoder_free(encoder);
        return NULL;
    }
    return encoder;
}

void encoder_free(struct encoder *encoder)
{
    if (!encoder)
        return;
    arena_free(encoder->arena);
    g_free(encoder);
}

static bool is_null(const struct encode_op *op, const char *record)
{
    return op->null_branch >= 0 && !*(const bool *)(record + op->extra_offset);
}

#define LOAD(type, record, at) (*(const type *)(const void *)((record) + (at)))

static size_t room_needed(const struct encoder_plan *plan, const char *record)
{
    size_t room = plan->fixed_bytes;
    for (size_t i = 0; i < plan->count; i++) {
        const struct encode_op *op = &plan->ops[i];
        if (is_null(op, record))
            continue;
        switch (op->kind) {
        case FIELD_STRING:
        case FIELD_BYTES:
            room += LOAD(struct span, record, op->offset).len;
            break;
        case FIELD_STRINGS: {
            const struct span *items = LOAD(struct span *, record, op->offset);
            for (size_t j = 0; j < LOAD(size_t, record, op->extra_offset); j++)
                room += VARINT_LONG_BYTES_MAX + items[j].len;
            break;
        }
        case FIELD_RECORDS: {
            const char *items = LOAD(char *, record, op->offset);
            for (size_t j = 0; j < LOAD(size_t, record, op->extra_offset); j++)
                room += room_needed(op->items, items + j * op->element_size);
            break;
        }
        default:
            break;
        }
    }
    return room;
}

static unsigned char *write_span(unsigned char *at, struct span span)
{
    at = varint_write(at, (int64_t)span.len);
    if (span.len)
        memcpy(at, span.data, span.len);
    return at + span.len;
}

static unsigned char *
write_record(const struct encoder_plan *plan, const char *record, unsigned char *at);

/* One block that holds all items, then the empty one that ends the array. */
static unsigned char *write_array(const struct encode_op *op, const char *record, unsigned char *at)
{
    size_t count = LOAD(size_t, record, op->extra_offset);
    if (count > 0)
        at = varint_write(at, (int64_t)count);
    const char *items = LOAD(char *, record, op->offset);
    for (size_t i = 0; i < count; i++) {
        if (op->kind == FIELD_STRINGS)
            at = write_span(at, LOAD(struct span, items, i * sizeof(struct span)));
        else
            at = write_record(op->items, items + i * op->element_size, at);
    }
    *at++ = 0;
    return at;
}

static unsigned char *write_value(const struct encode_op *op, const char *record, unsigned char *at)
{
    switch (op->kind) {
    case FIELD_ENUM: {
        int32_t symbol = LOAD(int32_t, record, op->offset);
        g_assert(symbol >= 0 && (size_t)symbol < op->symbols_count);
        return varint_write(at, symbol);
    }
    case FIELD_INT:
        return varint_write(at, LOAD(int32_t, record, op->offset));
    case FIELD_LONG:
        return varint_write(at, LOAD(int64_t, record, op->offset));
    case FIELD_DOUBLE: {
        uint64_t bits;
        memcpy(&bits, record + op->offset, sizeof bits);
        bits = GUINT64_TO_LE(bits);
        memcpy(at, &bits, sizeof bits);
        return at + sizeof bits;
    }
    case FIELD_STRING:
    case FIELD_BYTES:
        return write_span(at, LOAD(struct span, record, op->offset));
    case FIELD_STRINGS:
    case FIELD_RECORDS:
        return write_array(op, record, at);
    }
    g_assert_not_reached();
}

static unsigned char *
write_record(const struct encoder_plan *plan, const char *record, unsigned char *at)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct encode_op *op = &plan->ops[i];
        bool null = is_null(op, record);
        if (op->null_branch >= 0)
            at = varint_write(at, null ? op->null_branch : !op->null_branch);
        if (!null)
            at = write_value(op, record, at);
    }
    return at;
}

void encoder_encode(const struct encoder *encoder, const void *record, GByteArray *out)
{
    size_t room = room_needed(&encoder->plan, record);
    guint before = out->len;
    g_assert(room <= G_MAXUINT - before);
    g_byte_array_set_size(out, before + (guint)room);
    unsigned char *end = write_record(&encoder->plan, record, out->data + before);
    g_byte_array_set_size(out, (guint)(end - out->data));
}

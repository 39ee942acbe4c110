/* Walks a decoder's program over one record. Input is never trusted: each length is checked against
 * what is left, and what costs no bytes (items of a type without any) is counted, so that a short
 * record can't ask for much work. */
#include <string.h>

#include "base/arena.h"
#include "model/codec.h"
#include "model/decoder_program.h"
#include "model/varint.h"

#define DECODE_ITEMS_MAX  65536 /* items of all arrays and maps of one record */
#define DECODE_DEPTH_MAX  32    /* nesting of what is skipped */
#define DECODE_STRUCT_MAX 512   /* bytes of the largest struct */
#define DECODE_ITEMS_MIN  16    /* room that an array begins with at least */

struct input {
    const unsigned char *at, *end;
    struct arena *arena;
    size_t items_left;
    const char *field, *why; /* of the failure */
};

static bool run(const struct program *program, struct input *input, char *record);

__attribute__((noinline, cold)) static bool
fail(struct input *input, const char *field, const char *why)
{
    if (!input->field)
        input->field = field;
    if (!input->why)
        input->why = why;
    return false;
}

#define CUT_SHORT "its bytes are cut short"
#define NO_INT    "its int is cut short, longer than 5 bytes or too large"
#define NO_LONG   "its long is cut short, longer than 10 bytes or too large"

static inline size_t left(const struct input *input)
{
    return (size_t)(input->end - input->at);
}

static inline bool read_long(struct input *input, int64_t *ret_value)
{
    return varint_read_long(&input->at, input->end, ret_value);
}

static inline bool read_double(struct input *input, double *ret_value)
{
    uint64_t bits;
    if (left(input) < sizeof bits)
        return false;
    memcpy(&bits, input->at, sizeof bits);
    input->at += sizeof bits;
    bits = GUINT64_FROM_LE(bits);
    memcpy(ret_value, &bits, sizeof bits);
    return true;
}

static inline bool read_float(struct input *input, double *ret_value)
{
    uint32_t bits;
    float value;
    if (left(input) < sizeof bits)
        return false;
    memcpy(&bits, input->at, sizeof bits);
    input->at += sizeof bits;
    bits = GUINT32_FROM_LE(bits);
    memcpy(&value, &bits, sizeof value);
    *ret_value = (double)value;
    return true;
}

static inline bool read_span(struct input *input, struct span *ret_span)
{
    int64_t len;
    if (!read_long(input, &len) || len < 0 || (uint64_t)len > left(input))
        return false;
    *ret_span = (struct span){.data = (const char *)input->at, .len = (size_t)len};
    input->at += len;
    return true;
}

/* UTF-8 in which U+0000 may stand, as Avro allows; GLib's check stops at one. */
static bool utf8_valid(struct span text)
{
    const char *at = text.data, *end = text.data + text.len;
    while (at < end && !g_utf8_validate(at, end - at, &at)) {
        if (at == end || *at != '\0')
            return false;
        at++;
    }
    return true;
}

/* Skipping: walks the writer's type. Only here may types contain themselves, hence the depth. */

static bool skip(struct input *input, const struct schema_node *node, int depth);

static bool skip_bytes(struct input *input, size_t len)
{
    if (len > left(input))
        return false;
    input->at += len;
    return true;
}

/* The head of a block of an array or map: how many items follow, 0 at the end. ret_bytes: how long
 * they are, where the writer says so, else -1. */
static bool read_block(struct input *input, size_t *ret_count, int64_t *ret_bytes)
{
    int64_t count, bytes = -1;
    if (!read_long(input, &count))
        return false;
    if (count < 0) {
        if (count == INT64_MIN || !read_long(input, &bytes) || bytes < 0 ||
            (uint64_t)bytes > left(input))
            return false;
        count = -count;
    }
    if ((uint64_t)count > input->items_left)
        return fail(input, NULL, "it has more than " G_STRINGIFY(DECODE_ITEMS_MAX) " items");
    input->items_left -= (size_t)count;
    *ret_count = (size_t)count;
    *ret_bytes = bytes;
    return true;
}

static bool skip_items(struct input *input, const struct schema_node *node, int depth)
{
    while (true) {
        size_t count;
        int64_t bytes;
        if (!read_block(input, &count, &bytes))
            return false;
        if (count == 0)
            return true;
        if (bytes >= 0) {
            input->at += bytes; /* checked by read_block */
            continue;
        }
        struct span key;
        for (size_t i = 0; i < count; i++) {
            if ((node->type == SCHEMA_MAP && !read_span(input, &key)) ||
                !skip(input, node->items, depth + 1))
                return false;
        }
    }
}

static bool skip_record(struct input *input, const struct schema_node *node, int depth)
{
    for (size_t i = 0; i < node->fields_count; i++) {
        if (!skip(input, node->fields[i].type, depth + 1))
            return false;
    }
    return true;
}

static bool skip(struct input *input, const struct schema_node *node, int depth)
{
    int32_t index;
    int64_t number;
    struct span span;
    if (depth > DECODE_DEPTH_MAX)
        return fail(input, NULL, "it is nested more than " G_STRINGIFY(DECODE_DEPTH_MAX) " deep");
    switch (node->type) {
    case SCHEMA_NULL:
        return true;
    case SCHEMA_BOOLEAN:
        return skip_bytes(input, 1);
    case SCHEMA_INT:
    case SCHEMA_ENUM:
        return varint_read_int(&input->at, input->end, &index);
    case SCHEMA_LONG:
        return read_long(input, &number);
    case SCHEMA_FLOAT:
        return skip_bytes(input, 4);
    case SCHEMA_DOUBLE:
        return skip_bytes(input, 8);
    case SCHEMA_BYTES:
    case SCHEMA_STRING:
        return read_span(input, &span);
    case SCHEMA_FIXED:
        return skip_bytes(input, node->fixed_size);
    case SCHEMA_RECORD:
        return skip_record(input, node, depth);
    case SCHEMA_ARRAY:
    case SCHEMA_MAP:
        return skip_items(input, node, depth);
    case SCHEMA_UNION:
        return read_long(input, &number) && number >= 0 &&
               (uint64_t)number < node->branches_count &&
               skip(input, node->branches[number], depth + 1);
    case SCHEMA_TYPE_COUNT:
        break;
    }
    g_assert_not_reached();
}

/* Running */

static bool run_array(const struct op *op, struct input *input, char *record)
{
    char *items = NULL;
    size_t count = 0, room = 0;
    while (true) {
        size_t more;
        int64_t bytes;
        if (!read_block(input, &more, &bytes))
            return fail(input, op->name, CUT_SHORT);
        if (more == 0)
            break;
        for (size_t i = 0; i < more; i++, count++) {
            if (count == room) {
                /* The count is only a claim: no more room than the bytes that are left could fill,
                 * or twice what has come so far. */
                size_t claimed = MIN(count + more - i, MAX(count * 2, left(input) + 1));
                room = MAX(claimed, DECODE_ITEMS_MIN);
                char *grown = arena_zalloc(input->arena, room * op->element_size);
                if (count)
                    memcpy(grown, items, count * op->element_size);
                items = grown;
            }
            if (!run(op->items, input, items + count * op->element_size))
                return false;
        }
    }
    memcpy(record + op->offset, &items, sizeof items);
    memcpy(record + op->extra_offset, &count, sizeof count);
    return true;
}

static bool run_enum(const struct op *op, struct input *input, char *record)
{
    int32_t index;
    if (!varint_read_int(&input->at, input->end, &index))
        return fail(input, op->name, NO_INT);
    if (index < 0 || (size_t)index >= op->symbols_count)
        return fail(input, op->name, "the writer's enum has no such symbol");
    if (op->symbols[index] < 0)
        return fail(input, op->name, "the reader's enum lacks the symbol and has no default");
    memcpy(record + op->offset, &op->symbols[index], sizeof(int32_t));
    return true;
}

static bool run_union(const struct op *op, struct input *input, char *record)
{
    int64_t branch;
    if (!read_long(input, &branch))
        return fail(input, op->name, NO_LONG);
    if (branch < 0 || (uint64_t)branch >= op->branches_count)
        return fail(input, op->name, "the writer's union has no such branch");
    return run(&op->branches[branch], input, record);
}

static bool run_default(const struct op *op, struct input *input, char *record)
{
    const unsigned char *bytes =
        (const unsigned char *)arena_strndup(input->arena, (const char *)op->bytes, op->len);
    struct input value = *input;
    value.at = bytes;
    value.end = bytes + op->len;
    if (run(op->value, &value, record)) {
        input->items_left = value.items_left;
        return true;
    }
    return fail(input, op->name,
                "its default has more than " G_STRINGIFY(DECODE_ITEMS_MAX) " items");
}

static bool run(const struct program *program, struct input *input, char *record)
{
    const struct op *end = program->ops + program->count;
    for (const struct op *op = program->ops; op < end; op++) {
        char *field = record + op->offset;
        union {
            int32_t i;
            int64_t l;
            double d;
            struct span s;
        } value;
        switch (op->code) {
        case OP_INT:
            if (!varint_read_int(&input->at, input->end, &value.i))
                return fail(input, op->name, NO_INT);
            memcpy(field, &value.i, sizeof value.i);
            break;
        case OP_LONG:
            if (!read_long(input, &value.l))
                return fail(input, op->name, NO_LONG);
            memcpy(field, &value.l, sizeof value.l);
            break;
        case OP_LONG_FROM_INT:
            if (!varint_read_int(&input->at, input->end, &value.i))
                return fail(input, op->name, NO_INT);
            value.l = value.i;
            memcpy(field, &value.l, sizeof value.l);
            break;
        case OP_DOUBLE:
            if (!read_double(input, &value.d))
                return fail(input, op->name, CUT_SHORT);
            memcpy(field, &value.d, sizeof value.d);
            break;
        case OP_DOUBLE_FROM_FLOAT:
            if (!read_float(input, &value.d))
                return fail(input, op->name, CUT_SHORT);
            memcpy(field, &value.d, sizeof value.d);
            break;
        case OP_DOUBLE_FROM_LONG:
            if (!read_long(input, &value.l))
                return fail(input, op->name, NO_LONG);
            value.d = (double)value.l;
            memcpy(field, &value.d, sizeof value.d);
            break;
        case OP_DOUBLE_FROM_INT:
            if (!varint_read_int(&input->at, input->end, &value.i))
                return fail(input, op->name, NO_INT);
            value.d = value.i;
            memcpy(field, &value.d, sizeof value.d);
            break;
        case OP_STRING:
            if (!read_span(input, &value.s))
                return fail(input, op->name, CUT_SHORT);
            if (!utf8_valid(value.s))
                return fail(input, op->name, "its string isn't UTF-8");
            memcpy(field, &value.s, sizeof value.s);
            break;
        case OP_BYTES:
            if (!read_span(input, &value.s))
                return fail(input, op->name, CUT_SHORT);
            memcpy(field, &value.s, sizeof value.s);
            break;
        case OP_ENUM:
            if (!run_enum(op, input, record))
                return false;
            break;
        case OP_NULL:
            continue; /* the struct is zero already, its flag too */
        case OP_STRINGS:
        case OP_RECORDS:
            if (!run_array(op, input, record))
                return false;
            continue; /* its extra is the count */
        case OP_UNION:
            if (!run_union(op, input, record))
                return false;
            continue; /* the branch has set the flag */
        case OP_DEFAULT:
            if (!run_default(op, input, record))
                return false;
            continue;
        case OP_SKIP:
            if (!skip(input, op->skip, 0))
                return fail(input, op->name, "it can't be skipped: " CUT_SHORT);
            continue;
        case OP_REFUSE:
            return fail(input, op->name, op->why);
        }
        if (op->extra_offset != NO_EXTRA)
            *(bool *)(record + op->extra_offset) = true;
    }
    return true;
}

bool decoder_decode(const struct decoder *decoder,
                    const void *data,
                    size_t len,
                    struct arena *arena,
                    void *ret_record,
                    GError **error)
{
    const struct record_type *type = decoder->type;
    _Alignas(max_align_t) char record[DECODE_STRUCT_MAX];
    g_assert(type->size <= sizeof record);
    memset(record, 0, type->size);
    struct input input = {.at = data, .arena = arena, .items_left = DECODE_ITEMS_MAX};
    input.end = input.at + len;
    if (!run(&decoder->program, &input, record)) {
        error_set(error, BADDATA, "%s.%s: %s", type->name, input.field, input.why);
        return false;
    }
    if (input.at != input.end) {
        error_set(error, BADDATA, "%s: %zu bytes behind the record", type->name, left(&input));
        return false;
    }
    memcpy(ret_record, record, type->size);
    return true;
}

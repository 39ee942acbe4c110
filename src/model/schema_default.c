/* A field's default, from its JSON to Avro binary, so that a missing field is decoded as if it had
 * been written. Bytes and fixed are strings whose code points 0 to 255 are the bytes. A union's
 * default is a value of the first branch that takes it. Source: Avro specification, "Complex Types,
 * Records: default". */
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "model/schema_node.h"
#include "model/varint.h"

static void append_long(GByteArray *out, int64_t value)
{
    unsigned char bytes[VARINT_LONG_BYTES_MAX];
    unsigned char *end = varint_write(bytes, value);
    g_byte_array_append(out, bytes, (guint)(end - bytes));
}

static bool append_integer(GByteArray *out, const json_t *value, int64_t min, int64_t max)
{
    int64_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < min || number > max)
        return false;
    append_long(out, number);
    return true;
}

static bool append_double(GByteArray *out, const json_t *value)
{
    if (!json_is_number(value))
        return false;
    union {
        double number;
        uint64_t bits;
    } raw = {.number = json_number_value(value)};
    raw.bits = GUINT64_TO_LE(raw.bits);
    g_byte_array_append(out, (guint8 *)&raw.bits, sizeof raw.bits);
    return true;
}

static bool append_float(GByteArray *out, const json_t *value)
{
    if (!json_is_number(value))
        return false;
    union {
        float number;
        uint32_t bits;
    } raw = {.number = (float)json_number_value(value)};
    raw.bits = GUINT32_TO_LE(raw.bits);
    g_byte_array_append(out, (guint8 *)&raw.bits, sizeof raw.bits);
    return true;
}

static bool append_string(GByteArray *out, const json_t *value)
{
    if (!json_is_string(value))
        return false;
    append_long(out, (int64_t)json_string_length(value));
    g_byte_array_append(out, (const guint8 *)json_string_value(value),
                        (guint)json_string_length(value));
    return true;
}

static bool append_bytes(GByteArray *out, const json_t *value, const size_t *fixed_size)
{
    if (!json_is_string(value))
        return false;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    const char *at = json_string_value(value), *end = at + json_string_length(value);
    for (; at < end; at = g_utf8_next_char(at)) {
        gunichar code = g_utf8_get_char(at); /* jansson has checked that it is UTF-8 */
        guint8 byte = (guint8)code;
        if (code > 0xff)
            return false;
        g_byte_array_append(bytes, &byte, 1);
    }
    if (!fixed_size)
        append_long(out, bytes->len);
    else if (*fixed_size != bytes->len)
        return false;
    g_byte_array_append(out, bytes->data, bytes->len);
    return true;
}

static bool append_record(GByteArray *out, const struct schema_node *node, const json_t *value)
{
    if (!json_is_object(value))
        return false;
    for (size_t i = 0; i < node->fields_count; i++) {
        const json_t *member = json_object_get(value, node->fields[i].name);
        if (!member || !schema_encode_default(node->fields[i].type, member, out))
            return false;
    }
    return true;
}

static bool append_array(GByteArray *out, const struct schema_node *node, const json_t *value)
{
    if (!json_is_array(value))
        return false;
    size_t count = json_array_size(value);
    if (count > 0)
        append_long(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        if (!schema_encode_default(node->items, json_array_get(value, i), out))
            return false;
    }
    append_long(out, 0);
    return true;
}

static bool append_map(GByteArray *out, const struct schema_node *node, const json_t *value)
{
    if (!json_is_object(value))
        return false;
    if (json_object_size(value) > 0)
        append_long(out, (int64_t)json_object_size(value));
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)value, key, member)
    {
        append_long(out, (int64_t)strlen(key));
        g_byte_array_append(out, (const guint8 *)key, (guint)strlen(key));
        if (!schema_encode_default(node->items, member, out))
            return false;
    }
    append_long(out, 0);
    return true;
}

static bool append_union(GByteArray *out, const struct schema_node *node, const json_t *value)
{
    for (size_t i = 0; i < node->branches_count; i++) {
        guint before = out->len;
        append_long(out, (int64_t)i);
        if (schema_encode_default(node->branches[i], value, out))
            return true;
        g_byte_array_set_size(out, before);
    }
    return false;
}

bool schema_encode_default(const struct schema_node *node, const json_t *value, GByteArray *out)
{
    switch (node->type) {
    case SCHEMA_NULL:
        return json_is_null(value);
    case SCHEMA_BOOLEAN: {
        guint8 byte = json_is_true(value);
        g_byte_array_append(out, &byte, 1);
        return json_is_boolean(value);
    }
    case SCHEMA_INT:
        return append_integer(out, value, INT32_MIN, INT32_MAX);
    case SCHEMA_LONG:
        return append_integer(out, value, INT64_MIN, INT64_MAX);
    case SCHEMA_FLOAT:
        return append_float(out, value);
    case SCHEMA_DOUBLE:
        return append_double(out, value);
    case SCHEMA_STRING:
        return append_string(out, value);
    case SCHEMA_BYTES:
        return append_bytes(out, value, NULL);
    case SCHEMA_FIXED:
        return append_bytes(out, value, &node->fixed_size);
    case SCHEMA_ENUM: {
        int index = json_is_string(value) ? schema_find_symbol(node, json_string_value(value)) : -1;
        append_long(out, index);
        return index >= 0;
    }
    case SCHEMA_RECORD:
        return append_record(out, node, value);
    case SCHEMA_ARRAY:
        return append_array(out, node, value);
    case SCHEMA_MAP:
        return append_map(out, node, value);
    case SCHEMA_UNION:
        return append_union(out, node, value);
    case SCHEMA_TYPE_COUNT:
        break;
    }
    g_assert_not_reached();
}

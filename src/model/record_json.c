#include <math.h>

#include "base/number.h"
#include "model/codec.h"
#include "model/codec_field.h"

static void write_record(const struct record_type *type,
                         const struct schema_node *node,
                         const char *record,
                         GString *out);

/* Source: RFC 8259, section 7. The text is UTF-8 already. */
static void write_string(struct span text, GString *out)
{
    g_string_append_c(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\')
            g_string_append_printf(out, "\\%c", c);
        else if (c < 0x20)
            g_string_append_printf(out, "\\u%04x", c);
        else
            g_string_append_c(out, (char)c);
    }
    g_string_append_c(out, '"');
}

/* JSON has no infinity and no NaN: null. */
static void write_double(double number, GString *out)
{
    char text[NUMBER_TEXT_BYTES];
    g_string_append(out, isfinite(number) ? number_text(number, text) : "null");
}

static void write_array(const struct codec_field *found, const char *record, GString *out)
{
    const struct record_field *field = found->field;
    size_t count = *(const size_t *)(const void *)(record + field->extra_offset);
    const char *items = *(char *const *)(const void *)(record + field->offset);
    g_string_append_c(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            g_string_append_c(out, ',');
        if (field->kind == FIELD_STRINGS)
            write_string(((const struct span *)(const void *)items)[i], out);
        else
            write_record(field->element, found->value->items, items + i * field->element->size,
                         out);
    }
    g_string_append_c(out, ']');
}

static void write_value(const struct codec_field *found, const char *record, GString *out)
{
    const void *value = record + found->field->offset;
    switch (found->field->kind) {
    case FIELD_INT:
        g_string_append_printf(out, "%d", *(const int32_t *)value);
        break;
    case FIELD_LONG:
        g_string_append_printf(out, "%" G_GINT64_FORMAT, *(const int64_t *)value);
        break;
    case FIELD_DOUBLE:
        write_double(*(const double *)value, out);
        break;
    case FIELD_STRING:
        write_string(*(const struct span *)value, out);
        break;
    case FIELD_BYTES: {
        const struct span *bytes = value;
        g_autofree char *text = g_base64_encode((const guchar *)bytes->data, bytes->len);
        g_string_append_printf(out, "\"%s\"", text);
        break;
    }
    case FIELD_ENUM: {
        int32_t symbol = *(const int32_t *)value;
        g_assert(symbol >= 0 && (size_t)symbol < found->value->symbols_count);
        g_string_append_printf(out, "\"%s\"", found->value->symbols[symbol]);
        break;
    }
    case FIELD_STRINGS:
    case FIELD_RECORDS:
        write_array(found, record, out);
    }
}

static void write_record(const struct record_type *type,
                         const struct schema_node *node,
                         const char *record,
                         GString *out)
{
    g_string_append_c(out, '{');
    for (size_t i = 0; i < node->fields_count; i++) {
        struct codec_field found;
        g_autoptr(GError) error = NULL;
        if (!codec_field_find(type, &node->fields[i], &found, &error))
            g_error("%s", error->message); /* a decoder of the same pair could not have been made */
        g_string_append_printf(out, "%s\"%s\":", i ? "," : "", node->fields[i].name);
        if (codec_is_optional(found.field) && !*(const bool *)(record + found.field->extra_offset))
            g_string_append(out, "null");
        else
            write_value(&found, record, out);
    }
    g_string_append_c(out, '}');
}

void record_to_json(const struct record_type *type,
                    const struct schema *schema,
                    const void *record,
                    GString *out)
{
    write_record(type, schema_root(schema), record, out);
}

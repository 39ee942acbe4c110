#include "model/codec_field.h"

#include <string.h>

static bool kind_fits(enum field_kind kind, const struct schema_node *node)
{
    switch (kind) {
    case FIELD_INT:
        return node->type == SCHEMA_INT;
    case FIELD_LONG:
        return node->type == SCHEMA_LONG;
    case FIELD_DOUBLE:
        return node->type == SCHEMA_DOUBLE;
    case FIELD_STRING:
        return node->type == SCHEMA_STRING;
    case FIELD_BYTES:
        return node->type == SCHEMA_BYTES;
    case FIELD_ENUM:
        return node->type == SCHEMA_ENUM;
    case FIELD_STRINGS:
        return node->type == SCHEMA_ARRAY && node->items->type == SCHEMA_STRING;
    case FIELD_RECORDS:
        return node->type == SCHEMA_ARRAY && node->items->type == SCHEMA_RECORD;
    }
    return false;
}

bool codec_is_optional(const struct record_field *field)
{
    return field->extra_offset != SIZE_MAX && field->kind != FIELD_STRINGS &&
           field->kind != FIELD_RECORDS;
}

bool codec_field_find(const struct record_type *type,
                      const struct schema_field *schema_field,
                      struct codec_field *ret_field,
                      GError **error)
{
    struct codec_field found = {.value = schema_field->type, .null_branch = -1};
    for (size_t i = 0; i < type->fields_count && !found.field; i++) {
        if (strcmp(type->fields[i].name, schema_field->name) == 0)
            found.field = &type->fields[i];
    }
    if (!found.field) {
        error_set(error, FAILED, "struct %s lacks the field %s of its schema", type->name,
                  schema_field->name);
        return false;
    }
    bool fits = true;
    if (codec_is_optional(found.field)) {
        const struct schema_node *node = schema_field->type;
        fits = node->type == SCHEMA_UNION && node->branches_count == 2;
        if (fits) {
            found.null_branch = node->branches[0]->type == SCHEMA_NULL ? 0 : 1;
            found.value = node->branches[!found.null_branch];
            fits = node->branches[found.null_branch]->type == SCHEMA_NULL;
        }
    }
    if (!fits || !kind_fits(found.field->kind, found.value)) {
        error_set(error, FAILED, "struct %s: the field %s has another type than in its schema",
                  type->name, schema_field->name);
        return false;
    }
    *ret_field = found;
    return true;
}

bool codec_type_check(const struct record_type *type,
                      const struct schema_node *node,
                      GError **error)
{
    if (node->type != SCHEMA_RECORD) {
        error_set(error, FAILED, "struct %s: its schema is a %s, not a record", type->name,
                  schema_type_name(node->type));
        return false;
    }
    for (size_t i = 0; i < type->fields_count; i++) {
        if (!schema_find_field(node, type->fields[i].name)) {
            error_set(error, FAILED, "struct %s: its schema lacks the field %s", type->name,
                      type->fields[i].name);
            return false;
        }
    }
    return true;
}

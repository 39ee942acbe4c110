/* Parsing Canonical Form: primitive types as strings, full names, only the attributes that reading
 * needs, in a fixed order, without white space. A named type is written out the first time and
 * named from then on. Source: Apache Avro 1.11 specification, "Parsing Canonical Form for Schemas".
 */
#include "model/schema_node.h"

static void write_node(const struct schema_node *node, GHashTable *seen, GString *out);

static void write_record(const struct schema_node *node, GHashTable *seen, GString *out)
{
    g_string_append(out, ",\"fields\":[");
    for (size_t i = 0; i < node->fields_count; i++) {
        g_string_append_printf(out, "%s{\"name\":\"%s\",\"type\":", i ? "," : "",
                               node->fields[i].name);
        write_node(node->fields[i].type, seen, out);
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

static void write_enum(const struct schema_node *node, GString *out)
{
    g_string_append(out, ",\"symbols\":[");
    for (size_t i = 0; i < node->symbols_count; i++)
        g_string_append_printf(out, "%s\"%s\"", i ? "," : "", node->symbols[i]);
    g_string_append_c(out, ']');
}

/* Names and symbols are checked by the parser: nothing in them needs an escape. */
static void write_named(const struct schema_node *node, GHashTable *seen, GString *out)
{
    if (!g_hash_table_add(seen, (char *)node->name)) {
        g_string_append_printf(out, "\"%s\"", node->name);
        return;
    }
    g_string_append_printf(out, "{\"name\":\"%s\",\"type\":\"%s\"", node->name,
                           schema_type_name(node->type));
    if (node->type == SCHEMA_RECORD)
        write_record(node, seen, out);
    else if (node->type == SCHEMA_ENUM)
        write_enum(node, out);
    else
        g_string_append_printf(out, ",\"size\":%zu", node->fixed_size);
    g_string_append_c(out, '}');
}

static void write_node(const struct schema_node *node, GHashTable *seen, GString *out)
{
    switch (node->type) {
    case SCHEMA_RECORD:
    case SCHEMA_ENUM:
    case SCHEMA_FIXED:
        write_named(node, seen, out);
        break;
    case SCHEMA_ARRAY:
    case SCHEMA_MAP:
        g_string_append_printf(out, "{\"type\":\"%s\",\"%s\":", schema_type_name(node->type),
                               node->type == SCHEMA_MAP ? "values" : "items");
        write_node(node->items, seen, out);
        g_string_append_c(out, '}');
        break;
    case SCHEMA_UNION:
        g_string_append_c(out, '[');
        for (size_t i = 0; i < node->branches_count; i++) {
            if (i)
                g_string_append_c(out, ',');
            write_node(node->branches[i], seen, out);
        }
        g_string_append_c(out, ']');
        break;
    default:
        g_string_append_printf(out, "\"%s\"", schema_type_name(node->type));
    }
}

void schema_write_canonical(const struct schema_node *root, GString *out)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    write_node(root, seen, out);
}

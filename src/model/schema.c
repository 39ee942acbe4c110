#include "model/schema.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "model/schema_node.h"

#define SCHEMA_NODES_MAX      4096
#define SCHEMA_FIXED_SIZE_MAX (1024 * 1024)

struct schema {
    struct arena *arena;
    const struct schema_node *root;
    char *canonical;
};

struct pending_default {
    struct schema_field *field;
    const struct schema_node *record;
    const json_t *value;
};

struct parser {
    struct arena *arena;
    GHashTable *names; /* full name -> struct schema_node */
    GArray *defaults;  /* struct pending_default: encoded once all types are known */
    size_t nodes_count;
    GError **error;
};

const char *schema_type_name(enum schema_type type)
{
    static const char *const names[] = {
#define X(id, name) name,
        SCHEMA_TYPES(X)
#undef X
    };
    return names[type];
}

static bool fail(struct parser *parser, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(struct parser *parser, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    error_set(parser->error, BADDATA, "Avro schema: %s", text);
    return false;
}

static const struct schema_node *
parse_node(struct parser *parser, const json_t *json, const char *space, int depth);

static struct schema_node *node_new(struct parser *parser, enum schema_type type)
{
    if (parser->nodes_count++ >= SCHEMA_NODES_MAX) {
        fail(parser, "more than %d types", SCHEMA_NODES_MAX);
        return NULL;
    }
    struct schema_node *node = arena_new0(parser->arena, struct schema_node);
    node->type = type;
    return node;
}

/* Avro's rule: [A-Za-z_][A-Za-z0-9_]*, of a full name between the dots. */
static bool name_valid(const char *name, bool dots)
{
    bool start = true;
    for (; *name; name++) {
        if (start ? !(g_ascii_isalpha(*name) || *name == '_')
                  : !(g_ascii_isalnum(*name) || *name == '_' || (dots && *name == '.')))
            return false;
        start = *name == '.';
    }
    return !start;
}

/* NULL where it is no string, or one that a name can't be: only defaults may hold U+0000. */
static const char *name_value(const json_t *json)
{
    const char *text = json_string_value(json);
    return text && strlen(text) == json_string_length(json) ? text : NULL;
}

static const char *string_member(const json_t *json, const char *key)
{
    return name_value(json_object_get(json, key));
}

/* Source: Avro specification, "Names". */
static const char *full_name(struct parser *parser, const char *name, const char *space)
{
    if (strchr(name, '.') || !space || !*space)
        return arena_strdup(parser->arena, name);
    return arena_printf(parser->arena, "%s.%s", space, name);
}

static const char *space_of(struct parser *parser, const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? arena_strndup(parser->arena, name, (size_t)(dot - name)) : "";
}

static struct schema_node *
named_node(struct parser *parser, const json_t *json, enum schema_type type, const char *space)
{
    const char *name = string_member(json, "name"), *own_space = string_member(json, "namespace");
    if (!name || !name_valid(name, true)) {
        fail(parser, "a %s has no name, or one that isn't allowed", schema_type_name(type));
        return NULL;
    }
    if (own_space && *own_space && !name_valid(own_space, true)) {
        fail(parser, "%s: its namespace isn't allowed", name);
        return NULL;
    }
    struct schema_node *node = node_new(parser, type);
    if (!node)
        return NULL;
    node->name = full_name(parser, name, own_space ? own_space : space);
    if (g_hash_table_contains(parser->names, node->name)) {
        fail(parser, "%s is defined twice", node->name);
        return NULL;
    }
    g_hash_table_insert(parser->names, (char *)node->name, node);
    return node;
}

static bool parse_field(struct parser *parser,
                        const struct schema_node *record,
                        const json_t *json,
                        const char *space,
                        int depth,
                        struct schema_field *field)
{
    const char *name = string_member(json, "name");
    if (!name || !name_valid(name, false))
        return fail(parser, "%s: a field has no name, or one that isn't allowed", record->name);
    field->name = arena_strdup(parser->arena, name);
    field->type = parse_node(parser, json_object_get(json, "type"), space, depth + 1);
    if (!field->type) {
        if (parser->error)
            g_prefix_error(parser->error, "%s.%s: ", record->name, name);
        return false;
    }
    const json_t *value = json_object_get(json, "default");
    if (value) {
        struct pending_default pending = {.field = field, .record = record, .value = value};
        g_array_append_val(parser->defaults, pending);
    }
    return true;
}

static const struct schema_node *
parse_record(struct parser *parser, const json_t *json, const char *space, int depth)
{
    struct schema_node *node = named_node(parser, json, SCHEMA_RECORD, space);
    const json_t *fields = json_object_get(json, "fields");
    if (!node)
        return NULL;
    if (!json_is_array(fields)) {
        fail(parser, "%s: a record needs an array of fields", node->name);
        return NULL;
    }
    size_t count = json_array_size(fields);
    if (count > SCHEMA_NODES_MAX) {
        fail(parser, "%s: more than %d fields", node->name, SCHEMA_NODES_MAX);
        return NULL;
    }
    struct schema_field *parsed = arena_array(parser->arena, struct schema_field, count);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    const char *own_space = space_of(parser, node->name);
    for (size_t i = 0; i < count; i++) {
        if (!parse_field(parser, node, json_array_get(fields, i), own_space, depth, &parsed[i]))
            return NULL;
        if (!g_hash_table_add(seen, (char *)parsed[i].name)) {
            fail(parser, "%s: the field %s stands twice", node->name, parsed[i].name);
            return NULL;
        }
    }
    node->fields = parsed;
    node->fields_count = count;
    return node;
}

static const struct schema_node *
parse_enum(struct parser *parser, const json_t *json, const char *space)
{
    struct schema_node *node = named_node(parser, json, SCHEMA_ENUM, space);
    const json_t *symbols = json_object_get(json, "symbols");
    if (!node)
        return NULL;
    size_t count = json_array_size(symbols);
    if (count == 0 || count > SCHEMA_NODES_MAX) {
        fail(parser, "%s: an enum needs 1 to %d symbols", node->name, SCHEMA_NODES_MAX);
        return NULL;
    }
    node->symbols = arena_array(parser->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        const char *symbol = name_value(json_array_get(symbols, i));
        if (!symbol || !name_valid(symbol, false) || schema_find_symbol(node, symbol) >= 0) {
            fail(parser, "%s: symbol %zu isn't allowed or stands twice", node->name, i);
            return NULL;
        }
        node->symbols[i] = arena_strdup(parser->arena, symbol);
        node->symbols_count = i + 1;
    }
    node->default_symbol = -1;
    if (json_object_get(json, "default")) {
        const char *symbol = string_member(json, "default");
        node->default_symbol = symbol ? schema_find_symbol(node, symbol) : -1;
        if (node->default_symbol < 0) {
            fail(parser, "%s: its default is none of its symbols", node->name);
            return NULL;
        }
    }
    return node;
}

static const struct schema_node *
parse_fixed(struct parser *parser, const json_t *json, const char *space)
{
    struct schema_node *node = named_node(parser, json, SCHEMA_FIXED, space);
    const json_t *size = json_object_get(json, "size");
    if (!node)
        return NULL;
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        json_integer_value(size) > SCHEMA_FIXED_SIZE_MAX) {
        fail(parser, "%s: a fixed needs a size of 0 to %d", node->name, SCHEMA_FIXED_SIZE_MAX);
        return NULL;
    }
    node->fixed_size = (size_t)json_integer_value(size);
    return node;
}

/* Two branches that a reader could not tell apart aren't allowed. */
static bool branch_is_new(const struct schema_node *node, const struct schema_node *branch)
{
    if (branch->type == SCHEMA_UNION)
        return false;
    for (size_t i = 0; i < node->branches_count; i++) {
        const struct schema_node *other = node->branches[i];
        if (other->type == branch->type &&
            (!branch->name || g_str_equal(other->name, branch->name)))
            return false;
    }
    return true;
}

static const struct schema_node *
parse_union(struct parser *parser, const json_t *json, const char *space, int depth)
{
    struct schema_node *node = node_new(parser, SCHEMA_UNION);
    size_t count = json_array_size(json);
    if (!node)
        return NULL;
    if (count == 0 || count > SCHEMA_NODES_MAX) {
        fail(parser, "a union needs 1 to %d branches", SCHEMA_NODES_MAX);
        return NULL;
    }
    node->branches = arena_array(parser->arena, const struct schema_node *, count);
    for (size_t i = 0; i < count; i++) {
        const struct schema_node *branch =
            parse_node(parser, json_array_get(json, i), space, depth + 1);
        if (!branch)
            return NULL;
        if (!branch_is_new(node, branch)) {
            fail(parser, "a union holds another union, or the same type twice");
            return NULL;
        }
        node->branches[node->branches_count++] = branch;
    }
    return node;
}

static const struct schema_node *
parse_items(struct parser *parser, const json_t *json, const char *space, int depth, bool map)
{
    struct schema_node *node = node_new(parser, map ? SCHEMA_MAP : SCHEMA_ARRAY);
    if (!node)
        return NULL;
    node->items =
        parse_node(parser, json_object_get(json, map ? "values" : "items"), space, depth + 1);
    return node->items ? node : NULL;
}

/* A primitive type, or one that was defined before. */
static const struct schema_node *
parse_name(struct parser *parser, const char *name, const char *space)
{
    for (int type = 0; type < SCHEMA_PRIMITIVES; type++) {
        if (strcmp(name, schema_type_name((enum schema_type)type)) == 0)
            return node_new(parser, (enum schema_type)type);
    }
    const struct schema_node *node =
        g_hash_table_lookup(parser->names, full_name(parser, name, space));
    if (!node)
        fail(parser, "there is no type '%s'", name);
    return node;
}

static const struct schema_node *
parse_object(struct parser *parser, const json_t *json, const char *space, int depth)
{
    const json_t *type = json_object_get(json, "type");
    const char *name = name_value(type);
    if (!name) /* {"type": {...}}: the type within; attributes such as logicalType are ignored */
        return parse_node(parser, type, space, depth + 1);
    if (strcmp(name, "record") == 0 || strcmp(name, "error") == 0)
        return parse_record(parser, json, space, depth);
    if (strcmp(name, "enum") == 0)
        return parse_enum(parser, json, space);
    if (strcmp(name, "fixed") == 0)
        return parse_fixed(parser, json, space);
    if (strcmp(name, "array") == 0)
        return parse_items(parser, json, space, depth, false);
    if (strcmp(name, "map") == 0)
        return parse_items(parser, json, space, depth, true);
    return parse_name(parser, name, space);
}

static const struct schema_node *
parse_node(struct parser *parser, const json_t *json, const char *space, int depth)
{
    if (depth > SCHEMA_DEPTH_MAX) {
        fail(parser, "types are nested more than %d deep", SCHEMA_DEPTH_MAX);
        return NULL;
    }
    if (name_value(json))
        return parse_name(parser, name_value(json), space);
    if (json_is_array(json))
        return parse_union(parser, json, space, depth);
    if (json_is_object(json))
        return parse_object(parser, json, space, depth);
    fail(parser, "a type is a string, an object or an array");
    return NULL;
}

static bool encode_defaults(struct parser *parser)
{
    for (guint i = 0; i < parser->defaults->len; i++) {
        struct pending_default *pending =
            &g_array_index(parser->defaults, struct pending_default, i);
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        if (!schema_encode_default(pending->field->type, pending->value, bytes))
            return fail(parser, "%s.%s: its default is no value of its type", pending->record->name,
                        pending->field->name);
        pending->field->default_len = bytes->len;
        pending->field->default_bytes =
            (unsigned char *)arena_strndup(parser->arena, (char *)bytes->data, bytes->len);
    }
    return true;
}

struct schema *schema_parse(const char *json, size_t len, GError **error)
{
    if (len > SCHEMA_BYTES_MAX) {
        error_set(error, BADDATA, "Avro schema: %zu bytes; at most %zu", len, SCHEMA_BYTES_MAX);
        return NULL;
    }
    json_error_t where;
    json_t *document =
        json_loadb(json, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
    if (!document) {
        error_set(error, BADDATA, "Avro schema: no JSON, line %d: %s", where.line, where.text);
        return NULL;
    }
    struct schema *schema = g_new0(struct schema, 1);
    schema->arena = arena_new();
    struct parser parser = {
        .arena = schema->arena,
        .names = g_hash_table_new(g_str_hash, g_str_equal),
        .defaults = g_array_new(FALSE, FALSE, sizeof(struct pending_default)),
        .error = error,
    };
    schema->root = parse_node(&parser, document, "", 0);
    bool good = schema->root && encode_defaults(&parser);
    g_hash_table_unref(parser.names);
    g_array_unref(parser.defaults);
    json_decref(document);
    if (!good) {
        schema_free(schema);
        return NULL;
    }
    GString *canonical = g_string_new(NULL);
    schema_write_canonical(schema->root, canonical);
    schema->canonical = g_string_free(canonical, FALSE);
    return schema;
}

void schema_free(struct schema *schema)
{
    if (!schema)
        return;
    arena_free(schema->arena);
    g_free(schema->canonical);
    g_free(schema);
}

const char *schema_canonical(const struct schema *schema)
{
    return schema->canonical;
}

const struct schema_node *schema_root(const struct schema *schema)
{
    return schema->root;
}

const char *schema_unqualified(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

const struct schema_field *schema_find_field(const struct schema_node *record, const char *name)
{
    for (size_t i = 0; i < record->fields_count; i++) {
        if (strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    }
    return NULL;
}

int schema_find_symbol(const struct schema_node *node, const char *symbol)
{
    for (size_t i = 0; i < node->symbols_count; i++) {
        if (strcmp(node->symbols[i], symbol) == 0)
            return (int)i;
    }
    return -1;
}

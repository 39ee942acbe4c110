#include "serve/openapi.h"

#include <string.h>

#include <yaml.h>

#include "base/json_writer.h"

#define YAML_DEPTH_MAX 64

static bool is_number(const char *text)
{
    if (*text == '-')
        text++;
    if (!g_ascii_isdigit(*text) || (text[0] == '0' && g_ascii_isdigit(text[1])))
        return false; /* "007" is a string */
    char *end;
    g_ascii_strtod(text, &end);
    return !*end && strspn(text, "0123456789.eE+-") == strlen(text) && !g_str_has_suffix(text, ".");
}

static void write_scalar(GString *out, const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    bool word = plain && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
    if (plain && (!*text || strcmp(text, "null") == 0 || strcmp(text, "~") == 0))
        json_write_null(out);
    else if (word || (plain && is_number(text)))
        json_write_raw(out, text, node->data.scalar.length);
    else
        json_write_string(out, text);
}

static bool
write_node(yaml_document_t *document, int index, int depth, GString *out, GError **error);

static bool write_mapping(
    yaml_document_t *document, const yaml_node_t *node, int depth, GString *out, GError **error)
{
    json_write_object(out);
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(document, pair->key);
        if (key->type != YAML_SCALAR_NODE) {
            error_set(error, BADDATA, "line %zu: a key must be a word", key->start_mark.line + 1);
            return false;
        }
        json_write_string(out, (const char *)key->data.scalar.value);
        g_string_append_c(out, ':');
        if (!write_node(document, pair->value, depth + 1, out, error))
            return false;
    }
    json_write_object_end(out);
    return true;
}

static bool write_sequence(
    yaml_document_t *document, const yaml_node_t *node, int depth, GString *out, GError **error)
{
    json_write_array(out);
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        if (!write_node(document, *item, depth + 1, out, error))
            return false;
    }
    json_write_array_end(out);
    return true;
}

static bool
write_node(yaml_document_t *document, int index, int depth, GString *out, GError **error)
{
    const yaml_node_t *node = yaml_document_get_node(document, index);
    if (depth > YAML_DEPTH_MAX) {
        error_set(error, BADDATA, "line %zu: nested deeper than %d", node->start_mark.line + 1,
                  YAML_DEPTH_MAX);
        return false;
    }
    switch (node->type) {
    case YAML_MAPPING_NODE:
        return write_mapping(document, node, depth, out, error);
    case YAML_SEQUENCE_NODE:
        return write_sequence(document, node, depth, out, error);
    default:
        write_scalar(out, node);
        return true;
    }
}

char *openapi_from_yaml(const char *yaml, size_t len, GError **error)
{
    yaml_parser_t parser;
    yaml_document_t document;
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, len);
    if (!yaml_parser_load(&parser, &document)) {
        error_set(error, BADDATA, "line %zu: %s", parser.problem_mark.line + 1, parser.problem);
        yaml_parser_delete(&parser);
        return NULL;
    }
    GString *out = g_string_new(NULL);
    bool ok = false;
    if (yaml_document_get_root_node(&document))
        ok = write_node(&document, 1, 0, out, error);
    else
        error_set(error, BADDATA, "the document is empty");
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return g_string_free(out, !ok);
}

/* The tree inside of a struct schema, for the files of model/ that walk it. Nodes live in the
 * schema's arena and never change after parsing. A named type that is used again is the same node,
 * so the tree may hold cycles. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/schema.h"

/* Avro's names of the types, as they stand in a schema. */
#define SCHEMA_TYPES(X)                                                                            \
    X(NULL, "null")                                                                                \
    X(BOOLEAN, "boolean")                                                                          \
    X(INT, "int")                                                                                  \
    X(LONG, "long")                                                                                \
    X(FLOAT, "float")                                                                              \
    X(DOUBLE, "double")                                                                            \
    X(BYTES, "bytes")                                                                              \
    X(STRING, "string")                                                                            \
    X(RECORD, "record")                                                                            \
    X(ENUM, "enum")                                                                                \
    X(ARRAY, "array")                                                                              \
    X(MAP, "map")                                                                                  \
    X(FIXED, "fixed")                                                                              \
    X(UNION, "union")

enum schema_type {
#define X(id, name) SCHEMA_##id,
    SCHEMA_TYPES(X)
#undef X
        SCHEMA_TYPE_COUNT
};

#define SCHEMA_PRIMITIVES SCHEMA_RECORD /* the types below are primitive */

struct schema_node;

struct schema_field {
    const char *name;
    const struct schema_node *type;
    const unsigned char *default_bytes; /* the default in Avro binary; NULL: there is none */
    size_t default_len;
};

struct schema_node {
    enum schema_type type;
    const char *name; /* full name of a record, enum or fixed */
    union {
        struct {
            struct schema_field *fields;
            size_t fields_count;
        };
        struct {
            const char **symbols;
            size_t symbols_count;
            int default_symbol; /* -1: none */
        };
        struct {
            const struct schema_node **branches;
            size_t branches_count;
        };
        const struct schema_node *items; /* also a map's values */
        size_t fixed_size;
    };
};

const char *schema_type_name(enum schema_type type);
const struct schema_node *schema_root(const struct schema *schema);

/* The name behind the last dot: what resolution compares. */
const char *schema_unqualified(const char *name);
const struct schema_field *schema_find_field(const struct schema_node *record, const char *name);
int schema_find_symbol(const struct schema_node *node, const char *symbol); /* -1: none */

/* Do the two match by themselves: primitive types as they promote, named types by unqualified name,
 * fixed by size? What is inside of records, arrays, maps and unions is left to the caller. */
bool schema_shallow_match(const struct schema_node *reader, const struct schema_node *writer);

/* Appends the Parsing Canonical Form. */
void schema_write_canonical(const struct schema_node *root, GString *out);

/* Appends a default's JSON value in Avro binary; false where it isn't a value of the type. */
struct json_t; /* jansson.h */
bool schema_encode_default(const struct schema_node *node,
                           const struct json_t *value,
                           GByteArray *out) MUST_CHECK;

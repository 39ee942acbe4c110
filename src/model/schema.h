/* Schema: an Avro schema as a tree, parsed from its JSON, and Avro's rules of resolution between a
 * writer's and a reader's. Immutable after parsing; any thread. Source: Apache Avro 1.11
 * specification, "Schema Resolution" and "Parsing Canonical Form". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct schema;

#define SCHEMA_BYTES_MAX ((size_t)256 * 1024)
#define SCHEMA_DEPTH_MAX 32

struct schema *schema_parse(const char *json, size_t len, GError **error) MUST_CHECK;
void schema_free(struct schema *schema); /* accepts NULL */

/* Avro's Parsing Canonical Form: equal schemas have equal text. Owned by the schema. */
const char *schema_canonical(const struct schema *schema);

/* BADDATA with the path of the first difference when a reader with this schema can't read what a
 * writer with the other wrote. */
bool schema_can_read(const struct schema *reader,
                     const struct schema *writer,
                     GError **error) MUST_CHECK;

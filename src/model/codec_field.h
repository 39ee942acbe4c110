/* What the decoder, the encoder and the JSON writer agree on: how a field of a struct looks in its
 * schema. */
#pragma once

#include "model/record.h"
#include "model/schema_node.h"

/* A field without has_ flag is of the kind's type; one with it is a union of null and that type. */
struct codec_field {
    const struct record_field *field;
    const struct schema_node *value; /* the type; of a union the branch that isn't null */
    int null_branch;                 /* its index in the union, 0 or 1; -1: no union */
};

/* FAILED where struct and schema don't go together; the text names the field. */
bool codec_field_find(const struct record_type *type,
                      const struct schema_field *schema_field,
                      struct codec_field *ret_field,
                      GError **error) MUST_CHECK;

/* The schema is a record and no field of the struct is missing in it; else FAILED. */
bool codec_type_check(const struct record_type *type,
                      const struct schema_node *node,
                      GError **error) MUST_CHECK;

bool codec_is_optional(const struct record_field *field);

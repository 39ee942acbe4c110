/* Quality literals: the one way by which a suite's values and names become SQL text.
 *
 * A value is put in as a literal of its column's class, quoted and checked; what doesn't fit the
 * class is refused, never converted. Any thread. */
#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "base/error.h"

/* What a column's values can be compared with. */
enum quality_class {
    QUALITY_CLASS_WHOLE,  /* integers */
    QUALITY_CLASS_FLOAT,  /* FLOAT, DOUBLE: a NaN is missing */
    QUALITY_CLASS_NUMBER, /* DECIMAL */
    QUALITY_CLASS_TEXT,
    QUALITY_CLASS_BOOL,
    QUALITY_CLASS_DATE,
    QUALITY_CLASS_TIME,   /* TIMESTAMP */
    QUALITY_CLASS_NESTED, /* lists and the like: only whether there is a value */
};

/* Of an engine's type name: "BIGINT", "DECIMAL(10,2)", "VARCHAR[]". */
enum quality_class quality_class_of(const char *type);
const char *quality_class_name(enum quality_class class); /* "a number", for messages */
bool quality_class_is_number(enum quality_class class);

/* Whether the value can be one of the class, so that quality_literal takes it. */
bool quality_class_takes(enum quality_class class, const json_t *value);

/* Appends the value as a literal. BADDATA: it isn't of the class. */
bool quality_literal(GString *out, enum quality_class class, const json_t *value, GError **error)
    MUST_CHECK;

/* Appends text of any bytes that are UTF-8 (a NUL too) as a literal. */
void quality_literal_text(GString *out, const char *text, size_t len);
/* Appends a column's name. */
void quality_literal_name(GString *out, const char *name);

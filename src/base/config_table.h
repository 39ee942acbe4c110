/* Config's table: config.def as rows, and what config.c, config_value.c, config_yaml.c and
 * config_docs.c share. Nobody else includes it.
 *
 *   config_yaml.c   text of marquee.yaml  -> (row, text, "file:line") ┐
 *   config.c        environment, --set    -> (row, text, where)       ┴-> config_assign -> struct
 * config config_value.c  text <-> typed value of a row config_docs.c   rows -> CONFIGURATION.md,
 * marquee.yaml, values */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/config.h"

/* The longest text of any value, and the largest marquee.yaml. */
#define CONFIG_TEXT_BYTES_MAX ((size_t)4096)
#define CONFIG_FILE_BYTES_MAX ((size_t)1024 * 1024)

enum config_type {
    CONFIG_TYPE_BOOL,
    CONFIG_TYPE_INT,
    CONFIG_TYPE_DOUBLE,
    CONFIG_TYPE_STRING,
    CONFIG_TYPE_SECRET,
    CONFIG_TYPE_CHOICE,
    CONFIG_TYPE_DURATION,
    CONFIG_TYPE_SIZE,
};

struct config_row {
    const char *section, *key;
    enum config_type type;
    size_t offset;         /* of the field in struct config */
    const char *fallback;  /* as it would be written in marquee.yaml */
    const char *min, *max; /* NULL where there is no range; of the type of the row */
    const char *choices;   /* "a|b|c" or NULL */
    const char *env;       /* the variable's own name, or NULL */
    const char *help;
};

extern const struct config_row config_rows[];
extern const size_t config_rows_count;

struct config_origin {
    char *where; /* NULL: the default */
};

/* A value out of its text; config_value.c. Which member counts says the row's type. */
union config_value {
    bool truth;
    int64_t integer; /* also ms and bytes */
    double number;
    char *text; /* newly allocated; NULL for an empty secret */
};

/* The error's text is "expected ..., found ..." and never holds a secret. */
bool config_value_parse(const struct config_row *row,
                        const char *text,
                        union config_value *ret_value,
                        GError **error) MUST_CHECK;

/* The field's value as config_value_parse reads it; a secret as it is. Newly allocated. */
char *config_value_text(const struct config *config, const struct config_row *row);
char *config_duration_text(int64_t duration_ms);

/* "a whole number from 1 to 64". Newly allocated. */
char *config_expectation(const struct config_row *row);

/* Text from outside for an error: in quotes, escaped, cut, without passwords in URLs. Newly
 * allocated. */
char *config_quote(const char *text);
/* The same URL with *** for the password. Newly allocated. */
char *config_mask_url(const char *text);

/* MARQUEE_SECTION_KEY. Newly allocated. */
char *config_variable(const struct config_row *row);

/* config.c: finds a row; where there is none, names the nearest. */
const struct config_row *
config_row_find(const char *section, const char *key, GError **error) MUST_CHECK;
bool config_section_find(const char *section, GError **error) MUST_CHECK;

/* Parses and sets one value; the error begins with "where: section.key: ". */
bool config_assign(struct config *config,
                   const struct config_row *row,
                   const char *text,
                   const char *where,
                   GError **error) MUST_CHECK;

/* config_yaml.c: reads a whole file's text into config. name is only for messages. */
bool config_read_yaml(struct config *config,
                      const char *name,
                      const char *text,
                      size_t len,
                      GError **error) MUST_CHECK;

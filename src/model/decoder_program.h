/* Decoder program: what decoder.c compiles a pair of schemas into and decoder_run.c walks. Private
 * to both.
 *
 *   writer    movie_id int | note string | popularity float | -
 *   reader    movie_id int |             | popularity double| genres array, default []
 *   ops       INT          | SKIP        | DOUBLE_FROM_FLOAT| DEFAULT
 *
 * One op a field of the writer, in the writer's order (which is the order of the bytes), then one
 * for each field of the reader that the writer lacks. A writer's union becomes an op with one small
 * program a branch. */
#pragma once

#include "model/record.h"
#include "model/schema_node.h"

enum op_code {
    OP_INT,
    OP_LONG,
    OP_LONG_FROM_INT,
    OP_DOUBLE,
    OP_DOUBLE_FROM_FLOAT,
    OP_DOUBLE_FROM_LONG,
    OP_DOUBLE_FROM_INT,
    OP_STRING, /* of a string or of bytes; must be UTF-8 */
    OP_BYTES,
    OP_ENUM,
    OP_NULL,    /* reads nothing: the field is null */
    OP_STRINGS, /* array whose items one op reads */
    OP_RECORDS,
    OP_UNION,
    OP_DEFAULT,
    OP_SKIP,
    OP_REFUSE, /* a branch or symbol that the reader can't take came */
};

struct program {
    struct op *ops;
    size_t count;
};

struct op {
    enum op_code code;
    uint32_t offset;       /* in the struct */
    uint32_t extra_offset; /* of a has_ flag to be set, or of an array's count; NO_EXTRA: none */
    const char *name;      /* of the field, for errors */
    union {
        const struct schema_node *skip; /* OP_SKIP: the writer's type */
        const char *why;                /* OP_REFUSE */
        struct {
            int32_t *symbols; /* OP_ENUM: of the writer's index the reader's, -1: none */
            size_t symbols_count;
        };
        struct {
            struct program *branches; /* OP_UNION */
            size_t branches_count;
        };
        struct {
            struct program
                *items; /* OP_STRINGS, OP_RECORDS: of one item, offsets within the element */
            size_t element_size;
        };
        struct {
            struct program *value; /* OP_DEFAULT: reads these bytes, once they are in the arena */
            const unsigned char *bytes;
            size_t len;
        };
    };
};

#define NO_EXTRA UINT32_MAX

struct decoder {
    struct arena *arena; /* the programs */
    const struct record_type *type;
    struct program program;
};

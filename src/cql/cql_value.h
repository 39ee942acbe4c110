/* Values: what is bound to a statement's markers, and the cells of rows that come back.
 *
 * Bound: [value], an int n and n bytes; n = -1 is null (for a column that had a value it writes a
 * tombstone), n = -2 not set (the column stays as it is). Numbers are big-endian, a timestamp is ms
 * since the epoch. The kinds are those that marquee's tables use; a value must be of its marker's
 * type exactly. */
#pragma once

#include "base/error.h"
#include "cql/cql_bytes.h"

enum cql_type { /* ids of the protocol's [option] */
                CQL_TYPE_ASCII = 0x01,
                CQL_TYPE_BIGINT = 0x02,
                CQL_TYPE_BLOB = 0x03,
                CQL_TYPE_BOOLEAN = 0x04,
                CQL_TYPE_DOUBLE = 0x07,
                CQL_TYPE_INT = 0x09,
                CQL_TYPE_TIMESTAMP = 0x0B,
                CQL_TYPE_UUID = 0x0C,
                CQL_TYPE_TEXT = 0x0D,
                CQL_TYPE_INET = 0x10,
                CQL_TYPE_SET = 0x22,
};

enum cql_kind { CQL_UNSET, CQL_NULL, CQL_INT, CQL_LONG, CQL_DOUBLE, CQL_TEXT, CQL_BLOB };

struct cql_value {
    enum cql_kind kind;
    union {
        int32_t number;
        int64_t large;
        double real;
        struct cql_span bytes; /* must live until the call that binds it returns */
    };
};

static inline struct cql_value cql_unset(void)
{
    return (struct cql_value){.kind = CQL_UNSET};
}

static inline struct cql_value cql_null(void)
{
    return (struct cql_value){.kind = CQL_NULL};
}

static inline struct cql_value cql_int(int32_t value)
{
    return (struct cql_value){.kind = CQL_INT, .number = value};
}

/* bigint and timestamp */
static inline struct cql_value cql_long(int64_t value)
{
    return (struct cql_value){.kind = CQL_LONG, .large = value};
}

static inline struct cql_value cql_double(double value)
{
    return (struct cql_value){.kind = CQL_DOUBLE, .real = value};
}

/* text NULL: null. */
static inline struct cql_value cql_text(const char *text)
{
    if (!text)
        return cql_null();
    return (struct cql_value){.kind = CQL_TEXT, .bytes = {(const uint8_t *)text, strlen(text)}};
}

static inline struct cql_value cql_blob(const void *data, size_t len)
{
    return (struct cql_value){.kind = CQL_BLOB, .bytes = {data, len}};
}

/* Does a value of this kind fit a marker of this type? Null and not set fit any. */
bool cql_value_fits(const struct cql_value *value, uint16_t type);
const char *cql_type_name(uint16_t type);

void cql_put_value(struct cql_bytes *bytes, const struct cql_value *value);

/* A cell: len -1 is null. */
struct cql_cell {
    const uint8_t *data;
    int32_t len;
};

/* 0 for null and for a cell of another length. */
int32_t cql_cell_int(const struct cql_cell *cell);
int64_t cql_cell_long(const struct cql_cell *cell);
double cql_cell_double(const struct cql_cell *cell);

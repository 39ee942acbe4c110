#include "cql/cql_value.h"

#define LEN_NULL    (-1)
#define LEN_NOT_SET (-2)

bool cql_value_fits(const struct cql_value *value, uint16_t type)
{
    switch (value->kind) {
    case CQL_UNSET:
    case CQL_NULL:
        return true;
    case CQL_INT:
        return type == CQL_TYPE_INT;
    case CQL_LONG:
        return type == CQL_TYPE_BIGINT || type == CQL_TYPE_TIMESTAMP;
    case CQL_DOUBLE:
        return type == CQL_TYPE_DOUBLE;
    case CQL_TEXT:
        return type == CQL_TYPE_TEXT || type == CQL_TYPE_ASCII;
    case CQL_BLOB:
        return type == CQL_TYPE_BLOB;
    }
    return false;
}

const char *cql_type_name(uint16_t type)
{
    switch (type) {
    case CQL_TYPE_ASCII:
        return "ascii";
    case CQL_TYPE_BIGINT:
        return "bigint";
    case CQL_TYPE_BLOB:
        return "blob";
    case CQL_TYPE_BOOLEAN:
        return "boolean";
    case CQL_TYPE_DOUBLE:
        return "double";
    case CQL_TYPE_INT:
        return "int";
    case CQL_TYPE_TIMESTAMP:
        return "timestamp";
    case CQL_TYPE_UUID:
        return "uuid";
    case CQL_TYPE_TEXT:
        return "text";
    case CQL_TYPE_INET:
        return "inet";
    case CQL_TYPE_SET:
        return "set";
    }
    return "a type that marquee doesn't use";
}

void cql_put_value(struct cql_bytes *bytes, const struct cql_value *value)
{
    switch (value->kind) {
    case CQL_UNSET:
        cql_put_int(bytes, LEN_NOT_SET);
        return;
    case CQL_NULL:
        cql_put_int(bytes, LEN_NULL);
        return;
    case CQL_INT:
        cql_put_int(bytes, sizeof(int32_t));
        cql_put_int(bytes, value->number);
        return;
    case CQL_LONG:
        cql_put_int(bytes, sizeof(int64_t));
        cql_put_long(bytes, value->large);
        return;
    case CQL_DOUBLE: {
        int64_t bits;
        memcpy(&bits, &value->real, sizeof bits);
        cql_put_int(bytes, sizeof bits);
        cql_put_long(bytes, bits);
        return;
    }
    case CQL_TEXT:
    case CQL_BLOB:
        g_assert(value->bytes.len <= INT32_MAX);
        cql_put_int(bytes, (int32_t)value->bytes.len);
        cql_put_raw(bytes, value->bytes.data, value->bytes.len);
        return;
    }
}

int32_t cql_cell_int(const struct cql_cell *cell)
{
    uint32_t value = 0;
    if (cell->len == sizeof value)
        memcpy(&value, cell->data, sizeof value);
    return (int32_t)GUINT32_FROM_BE(value);
}

int64_t cql_cell_long(const struct cql_cell *cell)
{
    uint64_t value = 0;
    if (cell->len == sizeof value)
        memcpy(&value, cell->data, sizeof value);
    return (int64_t)GUINT64_FROM_BE(value);
}

double cql_cell_double(const struct cql_cell *cell)
{
    int64_t bits = cql_cell_long(cell);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

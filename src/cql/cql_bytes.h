/* Bytes of the native protocol: a growing buffer to write big-endian fields into, and a reader that
 * never leaves what it was given.
 *
 * Notations as in the protocol's text, section 3: [short] 2 bytes, [int] 4, [long] 8, [string] a
 * short n and n bytes, [long string] an int n and n bytes, [bytes] an int n (negative: null) and n
 * bytes, [short bytes] a short n and n bytes. A reader that runs over the end stays failed and
 * yields zeros: callers look once, at the end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

struct cql_bytes {
    uint8_t *data;
    size_t len, capacity;
};

static inline void cql_bytes_clear(struct cql_bytes *bytes)
{
    g_free(bytes->data);
    *bytes = (struct cql_bytes){0};
}

/* Room for more bytes behind len, which becomes theirs; never NULL, also for none. */
static inline uint8_t *cql_bytes_grow(struct cql_bytes *bytes, size_t more)
{
    if (bytes->capacity - bytes->len <= more) {
        size_t capacity = MAX(bytes->capacity * 2, 64);
        while (capacity - bytes->len <= more)
            capacity *= 2;
        bytes->data = g_realloc(bytes->data, capacity);
        bytes->capacity = capacity;
    }
    uint8_t *at = bytes->data + bytes->len;
    bytes->len += more;
    return at;
}

static inline void cql_put_raw(struct cql_bytes *bytes, const void *data, size_t len)
{
    uint8_t *at = cql_bytes_grow(bytes, len);
    if (len)
        memcpy(at, data, len);
}

static inline void cql_put_u8(struct cql_bytes *bytes, uint8_t value)
{
    *cql_bytes_grow(bytes, 1) = value;
}

static inline void cql_put_short(struct cql_bytes *bytes, uint16_t value)
{
    value = GUINT16_TO_BE(value);
    cql_put_raw(bytes, &value, sizeof value);
}

static inline void cql_put_int(struct cql_bytes *bytes, int32_t value)
{
    value = GINT32_TO_BE(value);
    cql_put_raw(bytes, &value, sizeof value);
}

static inline void cql_put_long(struct cql_bytes *bytes, int64_t value)
{
    value = GINT64_TO_BE(value);
    cql_put_raw(bytes, &value, sizeof value);
}

/* text has at most 65,535 bytes; asserted. */
static inline void cql_put_string(struct cql_bytes *bytes, const char *text)
{
    size_t len = strlen(text);
    g_assert(len <= UINT16_MAX);
    cql_put_short(bytes, (uint16_t)len);
    cql_put_raw(bytes, text, len);
}

struct cql_span {
    const uint8_t *data;
    size_t len;
};

struct cql_reader {
    const uint8_t *at, *end;
    bool failed;
};

static inline struct cql_reader cql_reader_of(const uint8_t *data, size_t len)
{
    return (struct cql_reader){.at = data, .end = data + len};
}

static inline size_t cql_reader_left(const struct cql_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

/* NULL, and failed, where fewer are left. */
static inline const uint8_t *cql_read_raw(struct cql_reader *reader, size_t len)
{
    if (reader->failed || cql_reader_left(reader) < len) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *at = reader->at;
    reader->at += len;
    return at;
}

static inline uint8_t cql_read_u8(struct cql_reader *reader)
{
    const uint8_t *at = cql_read_raw(reader, 1);
    return at ? *at : 0;
}

static inline uint16_t cql_read_short(struct cql_reader *reader)
{
    const uint8_t *at = cql_read_raw(reader, 2);
    return at ? (uint16_t)(at[0] << 8 | at[1]) : 0;
}

static inline int32_t cql_read_int(struct cql_reader *reader)
{
    const uint8_t *at = cql_read_raw(reader, 4);
    uint32_t value = 0;
    if (at)
        memcpy(&value, at, sizeof value);
    return (int32_t)GUINT32_FROM_BE(value);
}

static inline struct cql_span cql_read_span(struct cql_reader *reader, size_t len)
{
    const uint8_t *at = cql_read_raw(reader, len);
    return at ? (struct cql_span){at, len} : (struct cql_span){0};
}

/* [string] and [short bytes]: not ended by a NUL. */
static inline struct cql_span cql_read_string(struct cql_reader *reader)
{
    return cql_read_span(reader, cql_read_short(reader));
}

/* [bytes]; data NULL where it is null. */
static inline struct cql_span cql_read_bytes(struct cql_reader *reader)
{
    int32_t len = cql_read_int(reader);
    return len < 0 ? (struct cql_span){0} : cql_read_span(reader, (size_t)len);
}

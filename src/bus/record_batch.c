#include "bus/record_batch.h"

#include <string.h>

#include <zlib.h>

#define CAPACITY_MIN ((size_t)4096)

static void reserve(struct record_batch *batch, size_t more)
{
    if (batch->capacity - batch->len >= more)
        return;
    batch->capacity = MAX(MAX(batch->capacity * 2, batch->len + more), CAPACITY_MIN);
    batch->bytes = g_realloc(batch->bytes, batch->capacity);
}

static unsigned char *write_span(unsigned char *at, struct span span)
{
    size_t rest = span.len;
    for (; rest >= 0x80; rest >>= 7)
        *at++ = (unsigned char)(rest | 0x80);
    *at++ = (unsigned char)rest;
    if (span.len)
        memcpy(at, span.data, span.len);
    return at + span.len;
}

void record_batch_append(struct record_batch *batch, struct span key, struct span value)
{
    g_assert(key.len <= RECORD_BATCH_LENGTH_MAX && value.len <= RECORD_BATCH_LENGTH_MAX);
    reserve(batch, 1 + 2 * RECORD_BATCH_VARINT_BYTES + key.len + value.len);
    if (batch->len == 0)
        batch->bytes[batch->len++] = RECORD_BATCH_VERSION;
    unsigned char *at = write_span(batch->bytes + batch->len, key);
    at = write_span(at, value);
    batch->len = (size_t)(at - batch->bytes);
    batch->records++;
}

void record_batch_reset(struct record_batch *batch)
{
    batch->len = 0;
    batch->records = 0;
}

void record_batch_clear(struct record_batch *batch)
{
    g_free(batch->bytes);
    *batch = (struct record_batch){0};
}

uint32_t record_batch_crc(const struct record_batch_row *row, const void *bytes, size_t len)
{
    uint64_t numbers[] = {
        GUINT64_TO_LE((uint64_t)row->partition),
        GUINT64_TO_LE((uint64_t)row->base_offset),
        GUINT64_TO_LE((uint64_t)row->records),
        GUINT64_TO_LE((uint64_t)row->append_time_ms),
    };
    uLong crc = crc32_z(0, (const unsigned char *)numbers, sizeof numbers);
    return (uint32_t)crc32_z(crc, bytes, len);
}

bool record_batch_read(struct record_batch_reader *reader,
                       const void *bytes,
                       size_t len,
                       int64_t records,
                       GError **error)
{
    const unsigned char *at = bytes;
    if (len < 1 || at[0] != RECORD_BATCH_VERSION) {
        error_set(error, BADDATA, "the batch has no version, or one that isn't %d",
                  RECORD_BATCH_VERSION);
        return false;
    }
    /* A record takes two bytes at least. */
    if (records < 1 || (uint64_t)records > (len - 1) / 2) {
        error_set(error, BADDATA, "%zu bytes can't hold %" G_GINT64_FORMAT " records", len,
                  records);
        return false;
    }
    *reader = (struct record_batch_reader){.at = at + 1, .end = at + len, .left = records};
    return true;
}

static bool read_span(struct record_batch_reader *reader, struct span *ret_span)
{
    const unsigned char *at = reader->at;
    uint64_t len = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (at == reader->end || shift == 7 * RECORD_BATCH_VARINT_BYTES)
            return false;
        len |= (uint64_t)(*at & 0x7f) << shift;
        if (!(*at++ & 0x80))
            break;
    }
    if (len > (size_t)(reader->end - at))
        return false;
    *ret_span = (struct span){.data = (const char *)at, .len = (size_t)len};
    reader->at = at + len;
    return true;
}

bool record_batch_next(struct record_batch_reader *reader,
                       struct span *ret_key,
                       struct span *ret_value,
                       GError **error)
{
    g_assert(reader->left > 0);
    struct span key, value;
    if (!read_span(reader, &key) || !read_span(reader, &value)) {
        error_set(error, BADDATA,
                  "a length passes the end of the batch, %" G_GINT64_FORMAT
                  " records before its last",
                  reader->left - 1);
        return false;
    }
    if (--reader->left == 0 && reader->at != reader->end) {
        error_set(error, BADDATA, "%zu bytes behind the last record",
                  (size_t)(reader->end - reader->at));
        return false;
    }
    *ret_key = key;
    *ret_value = value;
    return true;
}

#include "stream/checksum.h"

#include <zlib.h>

uint8_t *checksum_write(const uint8_t *start, uint8_t *end)
{
    const uint32_t sum = (uint32_t)crc32(0, start, (uInt)(end - start));
    for (size_t i = 0; i < CHECKSUM_BYTES; i++)
        *end++ = (uint8_t)(sum >> (8 * i));
    return end;
}

void checksum_append(GByteArray *out, guint start)
{
    const guint len = out->len;
    g_byte_array_set_size(out, len + CHECKSUM_BYTES);
    checksum_write(out->data + start, out->data + len);
}

bool checksum_strip(struct span bytes, struct span *ret_bytes)
{
    if (bytes.len < CHECKSUM_BYTES)
        return false;
    size_t len = bytes.len - CHECKSUM_BYTES;
    const uint8_t *data = (const uint8_t *)bytes.data;
    uint32_t stored = 0;
    for (size_t i = 0; i < CHECKSUM_BYTES; i++)
        stored |= (uint32_t)data[len + i] << (8 * i);
    if (stored != (uint32_t)crc32(0, data, (uInt)len))
        return false;
    *ret_bytes = (struct span){bytes.data, len};
    return true;
}

#include "stream/checksum.h"

#include <zlib.h>

void checksum_append(GByteArray *out, guint start)
{
    uint32_t sum = (uint32_t)crc32(0, out->data + start, out->len - start);
    const uint8_t bytes[CHECKSUM_BYTES] = {(uint8_t)sum, (uint8_t)(sum >> 8), (uint8_t)(sum >> 16),
                                           (uint8_t)(sum >> 24)};
    g_byte_array_append(out, bytes, CHECKSUM_BYTES);
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

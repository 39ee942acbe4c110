/* Varint: Avro's int and long (zigzag, then 7 bits a byte, low bits first). Source: Avro
 * specification, "Binary Encoding". Reading is bounded: an int has at most 5 bytes, a long at most
 * 10, and neither may overflow. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VARINT_INT_BYTES_MAX  5
#define VARINT_LONG_BYTES_MAX 10

static inline unsigned char *varint_write(unsigned char *at, int64_t value)
{
    uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; rest >= 0x80; rest >>= 7)
        *at++ = (unsigned char)(rest | 0x80);
    *at++ = (unsigned char)rest;
    return at;
}

/* Advances *at. False: cut short by end, too long or too large; *at is then undefined. */
static inline bool
varint_read_long(const unsigned char **at, const unsigned char *end, int64_t *ret_value)
{
    const unsigned char *p = *at;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 7 * VARINT_LONG_BYTES_MAX; shift += 7) {
        if (p == end)
            return false;
        uint64_t byte = *p++;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (shift == 63 && byte > 1)
                return false; /* bits beyond the 64th */
            *at = p;
            *ret_value = (int64_t)((value >> 1) ^ (0 - (value & 1)));
            return true;
        }
    }
    return false;
}

static inline bool
varint_read_int(const unsigned char **at, const unsigned char *end, int32_t *ret_value)
{
    const unsigned char *p = *at;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 7 * VARINT_INT_BYTES_MAX; shift += 7) {
        if (p == end)
            return false;
        uint64_t byte = *p++;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (value > UINT32_MAX)
                return false;
            *at = p;
            *ret_value = (int32_t)((value >> 1) ^ (0 - (value & 1)));
            return true;
        }
    }
    return false;
}

#include "cql/cql_murmur3.h"

#include <string.h>

#include <glib.h>

#define C1          UINT64_C(0x87c37b91114253d5)
#define C2          UINT64_C(0x4cf5ad432745937f)
#define BLOCK_BYTES 16

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t finish(uint64_t value)
{
    value ^= value >> 33;
    value *= UINT64_C(0xff51afd7ed558ccd);
    value ^= value >> 33;
    value *= UINT64_C(0xc4ceb9fe1a85ec53);
    return value ^ value >> 33;
}

static uint64_t word(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return GUINT64_FROM_LE(value);
}

/* Up to eight bytes of the tail, the first one lowest. A negative byte fills all bits above its own
 * with ones, and they are added by exclusive or. */
static uint64_t signed_tail(const uint8_t *at, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value ^= (uint64_t)(int64_t)(int8_t)at[i] << (8 * i);
    return value;
}

int64_t cql_murmur3(const void *key, size_t len)
{
    const uint8_t *at = key;
    uint64_t h1 = 0, h2 = 0;
    for (size_t blocks = len / BLOCK_BYTES; blocks > 0; blocks--, at += BLOCK_BYTES) {
        h1 ^= rotate(word(at) * C1, 31) * C2;
        h1 = (rotate(h1, 27) + h2) * 5 + 0x52dce729;
        h2 ^= rotate(word(at + 8) * C2, 33) * C1;
        h2 = (rotate(h2, 31) + h1) * 5 + 0x38495ab5;
    }
    size_t tail = len % BLOCK_BYTES;
    if (tail > 8)
        h2 ^= rotate(signed_tail(at + 8, tail - 8) * C2, 33) * C1;
    if (tail > 0)
        h1 ^= rotate(signed_tail(at, MIN(tail, 8)) * C1, 31) * C2;
    h1 ^= len;
    h2 ^= len;
    h1 += h2;
    h2 += h1;
    h1 = finish(h1);
    h2 = finish(h2);
    int64_t token = (int64_t)(h1 + h2);
    return token == INT64_MIN ? INT64_MAX : token;
}

/* murmur2 as Kafka's Java client computes it, so that a key has the same partition whoever
 * produces. Source: org.apache.kafka.common.utils.Utils.murmur2 (Austin Appleby's MurmurHash2, seed
 * 0x9747b28c). */
#include <string.h>

#include <glib.h>

#include "model/topic.h"

#define MURMUR2_SEED 0x9747b28cu
#define MURMUR2_M    0x5bd1e995u
#define MURMUR2_R    24

int32_t murmur2(const void *key, size_t len)
{
    const unsigned char *bytes = key;
    uint32_t hash = MURMUR2_SEED ^ (uint32_t)len;
    for (; len >= 4; bytes += 4, len -= 4) {
        uint32_t word;
        memcpy(&word, bytes, sizeof word);
        word = GUINT32_FROM_LE(word);
        word *= MURMUR2_M;
        word ^= word >> MURMUR2_R;
        word *= MURMUR2_M;
        hash *= MURMUR2_M;
        hash ^= word;
    }
    switch (len) {
    case 3:
        hash ^= (uint32_t)bytes[2] << 16;
        G_GNUC_FALLTHROUGH;
    case 2:
        hash ^= (uint32_t)bytes[1] << 8;
        G_GNUC_FALLTHROUGH;
    case 1:
        hash ^= bytes[0];
        hash *= MURMUR2_M;
    }
    hash ^= hash >> 13;
    hash *= MURMUR2_M;
    hash ^= hash >> 15;
    return (int32_t)hash;
}

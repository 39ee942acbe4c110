#include "stream/hll.h"

#include <math.h>

/* splitmix64's finisher: every bit of the id reaches every bit of the hash. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void hll_add(struct hll *hll, uint64_t thing)
{
    uint64_t hash = mix(thing);
    uint64_t rest =
        hash << HLL_BITS | UINT64_C(1) << (HLL_BITS - 1); /* the guard bit ends the run of zeros */
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    uint8_t *place = &hll->registers[hash >> (64 - HLL_BITS)];
    if (rank > *place)
        *place = rank;
}

void hll_merge(struct hll *hll, const struct hll *other)
{
    for (int i = 0; i < HLL_REGISTERS; i++) {
        if (other->registers[i] > hll->registers[i])
            hll->registers[i] = other->registers[i];
    }
}

double hll_count(const struct hll *hll)
{
    const double count = HLL_REGISTERS, alpha = 0.7213 / (1 + 1.079 / count);
    double sum = 0;
    int zeros = 0;
    for (int i = 0; i < HLL_REGISTERS; i++) {
        sum += ldexp(1, -hll->registers[i]);
        zeros += hll->registers[i] == 0;
    }
    double estimate = alpha * count * count / sum;
    /* Below 2.5 m the empty registers tell more. */
    if (estimate <= 2.5 * count && zeros > 0)
        return count * log(count / zeros);
    return estimate;
}

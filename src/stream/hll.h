/* HyperLogLog: how many distinct things, approximately (standard error 3.3 %), in one kilobyte; two
 * of them merge into that of the union, whatever the order. Small counts are exact but for hash
 * collisions (linear counting). Source: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog", 2007,
 * with 64-bit hashes instead of the large-range correction, as in Heule, Nunkesser, Hall,
 * "HyperLogLog in Practice", 2013. */
#pragma once

#include <stdint.h>

#define HLL_BITS      10
#define HLL_REGISTERS (1 << HLL_BITS)

struct hll {
    uint8_t registers[HLL_REGISTERS];
};

void hll_add(struct hll *hll, uint64_t thing);
void hll_merge(struct hll *hll, const struct hll *other);
double hll_count(const struct hll *hll);

/* Chance: throws of the generator, a chain that follows from where it began.
 *
 * The mixer is the finalizer of splitmix64 (Steele, Lea, Flood 2014). Any thread. */
#pragma once

#include <stdint.h>

static inline uint64_t chance_mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* The next throw of the chain, in [0, 1). */
static inline double chance_next(uint64_t *chain)
{
    *chain += UINT64_C(0x9E3779B97F4A7C15);
    return (double)(chance_mix(*chain) >> 11) * 0x1p-53;
}

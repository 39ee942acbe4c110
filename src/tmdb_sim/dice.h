/* Dice: the simulator's chance, without memory. The same seed, purpose and numbers give the same
 * throw in every process, in any order: that is what makes the world a pure function of time.
 *
 * The mixer is the finalizer of splitmix64 (Steele, Lea, Flood 2014). Any thread. */
#pragma once

#include <stdint.h>

/* What is thrown for. Values are part of what a seed means: add at the end. */
enum dice_purpose {
    DICE_COURSE,
    DICE_UPDATE,
    DICE_NOISE,
    DICE_BURST,
    DICE_CHANGE,
    DICE_REVIEW_TIME,
    DICE_REVIEW_TEXT,
    DICE_REVIEW_EDIT,
    DICE_AUTHOR,
    DICE_MADE_UP,
    DICE_FAULT,
    DICE_ID,
};

static inline uint64_t dice_mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static inline uint64_t dice_throw(uint64_t seed, enum dice_purpose purpose, int64_t a, int64_t b)
{
    uint64_t x = dice_mix(seed ^ ((uint64_t)purpose << 56));
    return dice_mix(dice_mix(x ^ (uint64_t)a) + (uint64_t)b);
}

/* The next throw of a chain: for choices that follow one another. */
static inline uint64_t dice_next(uint64_t *chain)
{
    *chain += UINT64_C(0x9E3779B97F4A7C15);
    return dice_mix(*chain);
}

/* In [0, 1). */
static inline double dice_unit(uint64_t thrown)
{
    return (double)(thrown >> 11) * 0x1p-53;
}

/* In [0, n). */
static inline uint32_t dice_below(uint64_t thrown, uint32_t n)
{
    return (uint32_t)(((thrown >> 32) * n) >> 32);
}

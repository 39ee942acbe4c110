#include "stream/hour_set.h"

#include <assert.h>
#include <string.h>

#include <glib.h>

#include "stream/window.h"

#define BITS 64

void hour_set_clear(struct hour_set *set)
{
    g_free(set->words);
    *set = (struct hour_set){0};
}

static int64_t word_base(int64_t hour)
{
    return floor_div(hour, BITS) * BITS;
}

/* Word and bit of an hour; false where it lies outside. */
static bool locate(const struct hour_set *set, int64_t hour, size_t *ret_word, unsigned *ret_bit)
{
    if (!set->words_count || hour < set->base ||
        hour >= set->base + (int64_t)set->words_count * BITS)
        return false;
    uint64_t distance = (uint64_t)(hour - set->base);
    *ret_word = distance / BITS;
    *ret_bit = (unsigned)(distance % BITS);
    return true;
}

/* Makes room so that the words cover base, with front words before the present ones. */
static void grow(struct hour_set *set, int64_t base)
{
    if (!set->words_count) {
        set->base = base;
        set->words = g_new0(uint64_t, 1);
        set->words_count = 1;
        return;
    }
    int64_t first = MIN(base, set->base);
    int64_t end = MAX(base + BITS, set->base + (int64_t)set->words_count * BITS);
    size_t count = (size_t)((end - first) / BITS), front = (size_t)((set->base - first) / BITS);
    assert(count <= HOUR_SET_WORDS_MAX); /* else the caller didn't drop what has expired */
    uint64_t *words = g_new0(uint64_t, count);
    memcpy(words + front, set->words, set->words_count * sizeof *words);
    g_free(set->words);
    set->words = words;
    set->words_count = count;
    set->base = first;
}

void hour_set_add(struct hour_set *set, int64_t hour)
{
    size_t word;
    unsigned bit;
    if (!locate(set, hour, &word, &bit)) {
        grow(set, word_base(hour));
        bool inside = locate(set, hour, &word, &bit);
        assert(inside);
    }
    set->words[word] |= UINT64_C(1) << bit;
}

bool hour_set_has(const struct hour_set *set, int64_t hour)
{
    size_t word;
    unsigned bit;
    return locate(set, hour, &word, &bit) && (set->words[word] >> bit & 1);
}

bool hour_set_before(const struct hour_set *set, int64_t hour, int64_t *ret_hour)
{
    if (!set->words_count || hour <= set->base)
        return false;
    int64_t last = MIN(hour - 1, set->base + (int64_t)set->words_count * BITS - 1);
    size_t word = (size_t)((last - set->base) / BITS);
    unsigned bit = (unsigned)((last - set->base) % BITS);
    uint64_t found = set->words[word] & (UINT64_MAX >> (BITS - 1 - bit));
    while (!found && word > 0)
        found = set->words[--word];
    if (!found)
        return false;
    *ret_hour = set->base + (int64_t)word * BITS + (BITS - 1 - __builtin_clzll(found));
    return true;
}

bool hour_set_after(const struct hour_set *set, int64_t hour, int64_t *ret_hour)
{
    if (!set->words_count)
        return false;
    int64_t first = MAX(hour + 1, set->base);
    if (first >= set->base + (int64_t)set->words_count * BITS)
        return false;
    size_t word = (size_t)((first - set->base) / BITS);
    unsigned bit = (unsigned)((first - set->base) % BITS);
    uint64_t found = set->words[word] & (UINT64_MAX << bit);
    while (!found && word + 1 < set->words_count)
        found = set->words[++word];
    if (!found)
        return false;
    *ret_hour = set->base + (int64_t)word * BITS + __builtin_ctzll(found);
    return true;
}

void hour_set_drop_below(struct hour_set *set, int64_t first)
{
    if (!set->words_count || first <= set->base)
        return;
    if (first >= set->base + (int64_t)set->words_count * BITS) {
        hour_set_clear(set);
        return;
    }
    size_t whole = (size_t)((first - set->base) / BITS);
    unsigned bit = (unsigned)((first - set->base) % BITS);
    if (whole > 0) {
        memmove(set->words, set->words + whole, (set->words_count - whole) * sizeof *set->words);
        set->words_count -= whole;
        set->base += (int64_t)whole * BITS;
    }
    set->words[0] &= UINT64_MAX << bit;
}

/* Hour set: in which hours a movie has windows, one bit an hour from a base on. It answers "the
 * last hour before" and "the first after" without asking the disk. Owned by a movie; one owner
 * thread.
 *
 * The caller drops what is no longer reachable before it adds, so the span, and with it the memory,
 * stays within retention + 2 x lookback. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOUR_SET_WORDS_MAX                                                                         \
    ((size_t)4096) /* 262,144 hours: 29 years, above what the config allows */

struct hour_set {
    int64_t base; /* hour of the first bit; a multiple of 64 */
    size_t words_count;
    uint64_t *words;
};

void hour_set_clear(struct hour_set *set); /* frees; an all-zero struct is the empty set */
void hour_set_add(struct hour_set *set, int64_t hour);
bool hour_set_has(const struct hour_set *set, int64_t hour);

/* The nearest hour strictly before or after; false: there is none. */
bool hour_set_before(const struct hour_set *set, int64_t hour, int64_t *ret_hour);
bool hour_set_after(const struct hour_set *set, int64_t hour, int64_t *ret_hour);

/* Removes all hours below first. */
void hour_set_drop_below(struct hour_set *set, int64_t first);

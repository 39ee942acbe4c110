/* Bin: the windows of one movie and one hour, of one kind. It is what the state keeps on disk in
 * one row and what moves between disk and memory.
 *
 *   bin (movie 11, hour 12:00, ratings):   [index 0 | last observation][index 1 | ...][index 7 |
 * ...]
 *
 * Windows stand by ascending index, only non-empty ones. A bin is dirty when the disk doesn't have
 * it yet, a window when no result was collected from it yet.
 *
 * Encoded: format byte, count, then for each window the distance of its index and its fields, all
 * as zigzag varints, then the CRC-32 of all that, little-endian. Input of bin_decode isn't trusted:
 * a damaged row is an error that names itself, never a wrong number. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/error.h"
#include "model/record.h"

enum bin_kind { BIN_RATINGS, BIN_REVIEWS, BIN_EVENTS, BIN_KIND_COUNT };

/* Windows an hour: stream.window is a second at least. */
#define BIN_WINDOWS_MAX 3600

/* The last observation of a window. Records of a movie come in offset order, so of equal event
 * times the later one is the last; the offset need not be kept. */
struct bin_rating {
    int64_t popularity_e4, vote_average_e4;
    int32_t vote_count;
    int32_t event_ms; /* since the hour's start */
};

struct bin_reviews {
    int64_t sum_e4;
    int32_t count, positive, negative;
};

struct bin_events {
    int32_t count;
};

struct bin_window {
    int16_t index; /* within the hour */
    bool dirty;
    union {
        struct bin_rating rating;
        struct bin_reviews reviews;
        struct bin_events events;
    };
};

struct bin {
    int64_t hour;
    enum bin_kind kind;
    bool dirty;         /* to be written */
    bool dirty_windows; /* at least one window is */
    bool waits;         /* written to the changelog, not yet to the file (state.h) */
    uint32_t count, capacity;
    uint64_t touched; /* number of the commit before which it was last used */
    struct bin_window *windows;
};

struct bin *bin_new(enum bin_kind kind, int64_t hour);
void bin_free(struct bin *bin);          /* accepts NULL */
size_t bin_bytes(const struct bin *bin); /* of memory */

/* NULL where the window is empty. Valid until the next bin_put. */
struct bin_window *bin_find(struct bin *bin, int32_t index);
/* The window, made where it is empty: then ret_new, and all its fields are 0. */
struct bin_window *bin_put(struct bin *bin, int32_t index, bool *ret_new);

void bin_encode(const struct bin *bin, GByteArray *out);
struct bin *
bin_decode(enum bin_kind kind, int64_t hour, struct span bytes, GError **error) MUST_CHECK;

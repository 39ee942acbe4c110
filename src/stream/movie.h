/* Movie: what a task knows of one movie: its last title, in which hours it has windows of each
 * kind, and the bins of those hours that are in memory.
 *
 *   life of a bin: absent ─ first record ─► dirty ─ commit ─► clean ─ trimmed ─► on disk
 *                                                             ▲ needed ─────────────┘
 *
 * hours, as stored: for each kind the base hour and the number of 64-bit words, then the words, all
 * as zigzag varints, then a CRC-32 as in bin.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/error.h"
#include "model/record.h"
#include "stream/bin.h"
#include "stream/hour_set.h"

/* What every record asks for stands first, on one line of the processor's cache. */
struct movie {
    int32_t movie_id;
    uint32_t bins_count, bins_capacity;
    uint32_t changed_from;  /* the bins before it are as they were committed; UINT32_MAX: all */
    bool dirty : 1;         /* title or hours are to be written */
    bool queued : 1;        /* in its state's list of changed movies */
    bool title_changed : 1; /* since the last commit */
    bool waits : 1;         /* as bin.h; then or where one of its bins does: */
    bool waiting : 1;       /* in its state's list of movies that the file lacks something of */
    uint64_t touched;       /* number of the commit before which it was last used */
    struct bin *recent;     /* the one that was asked for last; may be NULL */
    struct bin **bins;      /* in memory, by (hour, kind) ascending */
    int64_t title_time_ms;
    char *title; /* NULL before the first metadata */
    struct hour_set hours[BIN_KIND_COUNT];
};

struct movie *movie_new(int32_t movie_id);
void movie_free(struct movie *movie);          /* accepts NULL */
size_t movie_bytes(const struct movie *movie); /* of memory, bins included */

/* The bin when it is in memory, else NULL. */
struct bin *movie_bin(struct movie *movie, enum bin_kind kind, int64_t hour);
/* One of bins becomes dirty. Those that are stand from changed_from on, so that a commit doesn't
 * look at all that are in memory. */
void movie_change_bin(struct movie *movie, struct bin *bin);

/* Takes ownership. No bin of that kind and hour may be there. */
void movie_add_bin(struct movie *movie, struct bin *bin);
/* Frees clean bins not used since the given commit that wait for nothing; returns how many stay. */
uint32_t movie_trim(struct movie *movie, uint64_t touched_before);

void movie_encode_hours(const struct movie *movie, GByteArray *out);
bool movie_decode_hours(struct movie *movie, struct span bytes, GError **error) MUST_CHECK;

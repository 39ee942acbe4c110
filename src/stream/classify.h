/* Classify: each record is exactly one of bad, expired, duplicate, used, tested in this order
 * (docs/semantics.md, "Each record is exactly one of"). The class depends on the record and on
 * lower offsets of its own partition only, so it is the same whenever it is computed. Here are the
 * rules that need no memory of single records; repeats are seen.h's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/record.h"

enum record_class { RECORD_USED, RECORD_DUPLICATE, RECORD_EXPIRED, RECORD_BAD, RECORD_CLASS_COUNT };

/* "used", "duplicate", "expired", "bad". */
const char *record_class_name(enum record_class class);

/* Popularity and vote_average beyond this can't be computed with exactly. */
#define CLASSIFY_NUMBER_MAX 1e9
/* The years 0001 to 9999. */
#define CLASSIFY_TIME_MS_MIN INT64_C(-62135596800000)
#define CLASSIFY_TIME_MS_MAX INT64_C(253402300799999)

/* NULL: the record can be computed with; else why it is bad. */
const char *classify_rating(const struct rating *rating);
const char *classify_time(int64_t event_ms);
const char *classify_review(const struct review *review);

/* More than future_limit_ms after append time. */
static inline bool classify_future(int64_t time_ms, int64_t append_ms, int64_t future_limit_ms)
{
    return time_ms - append_ms > future_limit_ms;
}

/* The record's hour has ended retention_ms or more before the highest event time at lower offsets.
 */
bool classify_expired(int64_t event_ms,
                      bool has_highest,
                      int64_t highest_event_ms,
                      int64_t retention_ms);

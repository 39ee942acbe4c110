/* JSON scan: finds members and elements in JSON text without building a tree, as spans of the text,
 * so that stored documents go into answers byte for byte. The text is ours (batch views, speed
 * views) but not trusted: what isn't well-formed where the scan passes is "not found", never a read
 * outside the text. Any thread.
 *
 *   {"hours":[{"hour":"2026-...","popularity":1.5},{...}]}
 *            └ member "hours" ┘  └ element 0 ┘ ... */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/record.h"

#define JSON_SCAN_DEPTH_MAX 64

/* The value of a member of an object. */
bool json_scan_member(struct span object, const char *key, struct span *ret_value);

/* The next element of an array, or member of an object (then ret_key, which may be NULL, is its key
 * without quotes, escapes as they stand). cursor starts at 0. False at the end, and where the text
 * is broken. */
bool json_scan_next(struct span container,
                    size_t *cursor,
                    struct span *ret_key,
                    struct span *ret_value);

/* Values; false where the span isn't one. null is none of them. */
bool json_scan_int(struct span value, int64_t *ret_value);
bool json_scan_double(struct span value, double *ret_value);
bool json_scan_time(struct span value, int64_t *ret_time_ms); /* "2026-03-03T04:00:00Z" */
/* Unescaped, NUL-terminated (a \u0000 ends it early). */
bool json_scan_string(struct span value, struct arena *arena, const char **ret_text);

struct span json_scan_text(const char *text);

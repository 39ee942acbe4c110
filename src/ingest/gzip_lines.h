/* Gzip lines: the lines of a gzip stream (or of plain text), one by one as its bytes come, in
 * bounded memory: one line and one buffer. Several gzip members after one another are one stream.
 * One owner thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define GZIP_LINE_BYTES_MAX ((size_t)64 * 1024)
/* Of the text: what inflates to more than this is no file that we know of. */
#define GZIP_TEXT_BYTES_MAX (INT64_C(16) * 1024 * 1024 * 1024)

struct gzip_lines;

/* A line without its line end; number counts from 1. text NULL: longer than GZIP_LINE_BYTES_MAX.
 * text lives during the call. False, with an error, ends the reading. */
typedef bool (*gzip_line_fn)(
    void *user, int64_t number, const char *text, size_t len, GError **error);

struct gzip_lines *gzip_lines_new(gzip_line_fn fn, void *user);
void gzip_lines_free(struct gzip_lines *lines); /* accepts NULL */

/* BADDATA: damaged, or larger than GZIP_TEXT_BYTES_MAX; else what fn said. */
bool gzip_lines_feed(struct gzip_lines *lines, const void *data, size_t len, GError **error)
    MUST_CHECK;

/* No more bytes come: gives out a last line without line end. BADDATA: the stream was cut short. */
bool gzip_lines_end(struct gzip_lines *lines, GError **error) MUST_CHECK;

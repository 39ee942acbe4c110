#include "ingest/gzip_lines.h"

#include <inttypes.h>
#include <string.h>

#include <zlib.h>

#define TEXT_BUFFER_BYTES ((size_t)64 * 1024)
#define GZIP_ONLY         (15 + 16) /* zlib's way to say: a gzip header, the largest window */
#define GZIP_MAGIC        0x1f
#define FEED_BYTES_MAX    ((size_t)1024 * 1024) /* zlib counts in unsigned int */

struct gzip_lines {
    gzip_line_fn fn;
    void *user;
    enum { UNKNOWN, PLAIN, INSIDE_MEMBER, BETWEEN_MEMBERS } state;
    z_stream zlib;
    bool zlib_open;
    GString *line;
    bool line_too_long;
    int64_t lines, text_bytes, packed_bytes;
    unsigned char text[TEXT_BUFFER_BYTES];
};

struct gzip_lines *gzip_lines_new(gzip_line_fn fn, void *user)
{
    struct gzip_lines *lines = g_new0(struct gzip_lines, 1);
    lines->fn = fn;
    lines->user = user;
    lines->line = g_string_new(NULL);
    return lines;
}

void gzip_lines_free(struct gzip_lines *lines)
{
    if (!lines)
        return;
    if (lines->zlib_open)
        inflateEnd(&lines->zlib);
    g_string_free(lines->line, TRUE);
    g_free(lines);
}

static bool emit(struct gzip_lines *lines, const char *text, size_t len, GError **error)
{
    if (len && text[len - 1] == '\r')
        len--;
    return lines->fn(lines->user, ++lines->lines, text, len, error);
}

static void keep_part(struct gzip_lines *lines, const char *text, size_t len)
{
    if (lines->line->len + len > GZIP_LINE_BYTES_MAX)
        lines->line_too_long = true;
    else
        g_string_append_len(lines->line, text, (gssize)len);
}

/* The line that is kept is whole now. */
static bool emit_kept(struct gzip_lines *lines, GError **error)
{
    bool done = lines->line_too_long ? lines->fn(lines->user, ++lines->lines, NULL, 0, error)
                                     : emit(lines, lines->line->str, lines->line->len, error);
    lines->line_too_long = false;
    g_string_truncate(lines->line, 0);
    return done;
}

static bool take_text(struct gzip_lines *lines, const char *text, size_t len, GError **error)
{
    lines->text_bytes += (int64_t)len;
    if (lines->text_bytes > GZIP_TEXT_BYTES_MAX) {
        error_set(error, BADDATA, "line %" PRId64 ": more than %" PRId64 " bytes of text",
                  lines->lines + 1, GZIP_TEXT_BYTES_MAX);
        return false;
    }
    for (const char *end = text + len; text < end;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t part = (size_t)((newline ? newline : end) - text);
        bool whole =
            newline && !lines->line->len && !lines->line_too_long && part <= GZIP_LINE_BYTES_MAX;
        if (whole) {
            if (!emit(lines, text, part, error))
                return false;
        } else {
            keep_part(lines, text, part);
            if (newline && !emit_kept(lines, error))
                return false;
        }
        text = newline ? newline + 1 : end;
    }
    return true;
}

static bool damaged(struct gzip_lines *lines, const char *what, GError **error)
{
    error_set(error, BADDATA, "gzip: %s near byte %" PRId64 " (line %" PRId64 ")", what,
              lines->packed_bytes, lines->lines + 1);
    return false;
}

static bool begin_member(struct gzip_lines *lines, GError **error)
{
    int code =
        lines->zlib_open ? inflateReset(&lines->zlib) : inflateInit2(&lines->zlib, GZIP_ONLY);
    if (code != Z_OK)
        return damaged(lines, "zlib can't be started", error);
    lines->zlib_open = true;
    lines->state = INSIDE_MEMBER;
    return true;
}

/* Inflates what zlib was given, to the end of the input or of the member. */
static bool inflate_some(struct gzip_lines *lines, GError **error)
{
    lines->zlib.next_out = lines->text;
    lines->zlib.avail_out = sizeof lines->text;
    unsigned before = lines->zlib.avail_in;
    int code = inflate(&lines->zlib, Z_NO_FLUSH);
    lines->packed_bytes += before - lines->zlib.avail_in;
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return damaged(lines, lines->zlib.msg ? lines->zlib.msg : "damaged", error);
    if (code == Z_STREAM_END)
        lines->state = BETWEEN_MEMBERS;
    return take_text(lines, (const char *)lines->text, sizeof lines->text - lines->zlib.avail_out,
                     error);
}

static bool feed_some(struct gzip_lines *lines, const void *data, size_t len, GError **error)
{
    if (lines->state == UNKNOWN)
        lines->state = *(const unsigned char *)data == GZIP_MAGIC ? BETWEEN_MEMBERS : PLAIN;
    if (lines->state == PLAIN)
        return take_text(lines, data, len, error);
    lines->zlib.next_in = (unsigned char *)data;
    lines->zlib.avail_in = (unsigned)len;
    /* A full buffer may hide more text that needs no further input. */
    do {
        if (lines->state == BETWEEN_MEMBERS && !begin_member(lines, error))
            return false;
        if (!inflate_some(lines, error))
            return false;
    } while (lines->zlib.avail_in || (lines->state == INSIDE_MEMBER && !lines->zlib.avail_out));
    return true;
}

bool gzip_lines_feed(struct gzip_lines *lines, const void *data, size_t len, GError **error)
{
    for (const char *at = data; len;) {
        size_t part = MIN(len, FEED_BYTES_MAX);
        if (!feed_some(lines, at, part, error))
            return false;
        at += part;
        len -= part;
    }
    return true;
}

bool gzip_lines_end(struct gzip_lines *lines, GError **error)
{
    if (lines->state == INSIDE_MEMBER)
        return damaged(lines, "cut short", error);
    return (!lines->line->len && !lines->line_too_long) || emit_kept(lines, error);
}

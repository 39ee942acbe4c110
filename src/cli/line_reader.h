/* line_reader.h: the lines of a file descriptor, as bytes, of a limited length. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/* A longer line is not held in memory: its beginning is given, marked as cut. */
#define LINE_BYTES_MAX ((size_t)16 << 20)

struct line_reader;

struct line {
    char *bytes; /* without the newline; bytes[len] is NUL; yours to change until the next call */
    size_t len;
    uint64_t number; /* from 1 */
    bool cut;        /* longer than LINE_BYTES_MAX */
};

/* `before_wait` is called whenever the next read would wait for input, so that answers to what came
 * so far can be sent; may be NULL. The descriptor stays the caller's. */
struct line_reader *line_reader_open(int fd, void (*before_wait)(void *user), void *user);
void line_reader_close(struct line_reader *reader);

/* The next line. False at the end of input and, with `error` set, when reading fails. A last line
 * without a newline is one if it has any bytes. */
bool line_reader_next(struct line_reader *reader,
                      struct line *ret_line,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

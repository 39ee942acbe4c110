/* line_reader.c: see line_reader.h.
 *
 *     buffer   [ given before | unread: from .. to | free ]   grows up to a line of LINE_BYTES_MAX
 */
#include "cli/line_reader.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 << 10)

struct line_reader {
    int fd;
    void (*before_wait)(void *user);
    void *user;
    char *buffer;
    size_t from, to, capacity;
    uint64_t lines;
    bool ended;
};

struct line_reader *line_reader_open(int fd, void (*before_wait)(void *user), void *user)
{
    struct line_reader *reader = g_new0(struct line_reader, 1);

    *reader = (struct line_reader){.fd = fd, .before_wait = before_wait, .user = user};
    reader->capacity = 2 * READ_BYTES;
    reader->buffer = g_malloc(reader->capacity + 1); /* room for a NUL behind the last byte */
    return reader;
}

void line_reader_close(struct line_reader *reader)
{
    if (!reader)
        return;
    g_free(reader->buffer);
    g_free(reader);
}

static void make_room(struct line_reader *reader)
{
    if (reader->from > 0) {
        memmove(reader->buffer, reader->buffer + reader->from, reader->to - reader->from);
        reader->to -= reader->from;
        reader->from = 0;
    }
    if (reader->capacity - reader->to < READ_BYTES) {
        reader->capacity *= 2;
        reader->buffer = g_realloc(reader->buffer, reader->capacity + 1);
    }
}

/* Reads on; at the end of input only `ended` changes. */
static bool fill(struct line_reader *reader, GError **error)
{
    struct pollfd waiting = {.fd = reader->fd, .events = POLLIN};

    make_room(reader);
    if (reader->before_wait && poll(&waiting, 1, 0) == 0)
        reader->before_wait(reader->user);
    ssize_t got;
    do
        got = read(reader->fd, reader->buffer + reader->to, reader->capacity - reader->to);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "reading input: %s",
                    g_strerror(errno));
        return false;
    }
    reader->ended = got == 0;
    reader->to += (size_t)got;
    return true;
}

/* Drops the rest of a line that is too long; its beginning stays at `from`. */
static bool skip_rest(struct line_reader *reader, GError **error)
{
    size_t keep = reader->from + LINE_BYTES_MAX;

    for (;;) {
        char *end = memchr(reader->buffer + keep, '\n', reader->to - keep);
        if (end) {
            /* The line's end moves up, behind what is kept, and what follows with it. */
            size_t end_at = (size_t)(end - reader->buffer);
            memmove(reader->buffer + keep, end, reader->to - end_at);
            reader->to -= end_at - keep;
            return true;
        }
        reader->to = keep;
        if (reader->ended)
            return true;
        if (!fill(reader, error))
            return false;
        keep = reader->from + LINE_BYTES_MAX;
    }
}

bool line_reader_next(struct line_reader *reader, struct line *ret_line, GError **error)
{
    size_t searched = 0; /* bytes of this line known to hold no newline */
    bool cut = false;
    char *end = NULL;

    for (;;) {
        char *unsearched = reader->buffer + reader->from + searched;
        end = memchr(unsearched, '\n', reader->to - reader->from - searched);
        searched = reader->to - reader->from;
        if (end || reader->ended || searched > LINE_BYTES_MAX)
            break;
        if (!fill(reader, error))
            return false;
    }
    size_t len = end ? (size_t)(end - reader->buffer) - reader->from : searched;
    if (len > LINE_BYTES_MAX) {
        cut = true;
        if (!skip_rest(reader, error))
            return false;
        len = LINE_BYTES_MAX;
        end = reader->from + len < reader->to ? reader->buffer + reader->from + len : NULL;
    }
    if (len == 0 && !end)
        return false;
    char *bytes = reader->buffer + reader->from;
    bytes[len] = '\0';
    reader->from += len + (end != NULL);
    *ret_line = (struct line){.bytes = bytes, .len = len, .number = ++reader->lines, .cut = cut};
    return true;
}

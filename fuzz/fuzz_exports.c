/* Exports: any bytes as TMDB's daily ID export, gzip or plain text, fed in pieces of any size. The
 * pieces make no difference: a file that is whole gives the same lines with the same numbers, one
 * that is damaged is refused. A line that is read has an id and a popularity in the ranges that
 * exports_line.h names; what is refused is BADDATA with a text that can be logged.
 *
 *   input = length of a piece (1 byte; 0: whole), the file */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "ingest/exports_line.h"
#include "ingest/gzip_lines.h"

/* A small input may inflate to a thousand times its size; more of it shows nothing new. */
#define LINES_MAX 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    int64_t lines, read, refused;
    uint64_t hash; /* of all lines in their order */
    bool failed;
};

static void assert_line(const char *text, size_t len, struct seen *seen)
{
    struct exports_line line;
    g_autoptr(GError) error = NULL;
    if (exports_line_parse(text, len, &line, &error)) {
        g_assert(line.movie_id >= 1 && line.popularity_e4 >= 0);
        seen->read++;
    } else {
        g_assert(error_is(error, BADDATA));
        g_assert(g_utf8_validate(error->message, -1, NULL));
        seen->refused++;
    }
}

static bool take_line(void *user, int64_t number, const char *text, size_t len, GError **error)
{
    struct seen *seen = user;
    g_assert(number == ++seen->lines);
    for (size_t i = 0; text && i < len; i++)
        seen->hash = (seen->hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    seen->hash = (seen->hash ^ (text ? '\n' : '\f')) * UINT64_C(0x100000001b3);
    if (text)
        assert_line(text, len, seen);
    if (number < LINES_MAX)
        return true;
    error_set(error, BADDATA, "more lines than the target looks at");
    return false;
}

static struct seen feed(const uint8_t *data, size_t size, size_t piece)
{
    struct seen seen = {0};
    g_autoptr(GError) error = NULL;
    struct gzip_lines *lines = gzip_lines_new(take_line, &seen);
    bool good = true;
    for (size_t at = 0; good && at < size; at += piece)
        good = gzip_lines_feed(lines, data + at, MIN(piece, size - at), &error);
    good = good && gzip_lines_end(lines, &error);
    g_assert(good == !error);
    g_assert(!error || (error_is(error, BADDATA) && g_utf8_validate(error->message, -1, NULL)));
    g_assert(seen.read + seen.refused <= seen.lines);
    seen.failed = !good;
    gzip_lines_free(lines);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct seen whole = feed(data + 1, size - 1, size - 1);
    if (data[0] == 0)
        return 0;
    struct seen pieces = feed(data + 1, size - 1, data[0]);
    g_assert(whole.failed == pieces.failed);
    g_assert(whole.failed || (whole.lines == pieces.lines && whole.hash == pieces.hash));
    return 0;
}

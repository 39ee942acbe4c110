/* Proves: the lines come out as they went in, however the stream is cut into pieces and members; a
 * stream that is damaged or cut short is refused; a line without end doesn't take memory. The
 * packed bytes come from zlib's own gzip writer. */
#include "ingest/gzip_lines.h"

#include <string.h>

#include <zlib.h>

static GByteArray *gzip(const char *text, size_t len)
{
    z_stream zlib = {0};
    GByteArray *packed = g_byte_array_new();
    g_byte_array_set_size(packed, (unsigned)len + 1000);
    g_assert_cmpint(deflateInit2(&zlib, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
    zlib.next_in = (unsigned char *)text;
    zlib.avail_in = (unsigned)len;
    zlib.next_out = packed->data;
    zlib.avail_out = packed->len;
    g_assert_cmpint(deflate(&zlib, Z_FINISH), ==, Z_STREAM_END);
    g_byte_array_set_size(packed, (unsigned)zlib.total_out);
    deflateEnd(&zlib);
    return packed;
}

static bool collect(void *user, int64_t number, const char *text, size_t len, GError **error)
{
    GString *out = user;
    (void)error;
    g_string_append_printf(out, "%d:", (int)number);
    if (text)
        g_string_append_len(out, text, (gssize)len);
    else
        g_string_append(out, "<too long>");
    g_string_append_c(out, '|');
    return true;
}

/* Feeds in pieces; the lines, or NULL with an error. */
static char *lines_of(const void *data, size_t len, size_t piece, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    struct gzip_lines *lines = gzip_lines_new(collect, out);
    bool done = true;
    for (size_t at = 0; done && at < len; at += piece)
        done = gzip_lines_feed(lines, (const char *)data + at, MIN(piece, len - at), error);
    done = done && gzip_lines_end(lines, error);
    gzip_lines_free(lines);
    return done ? g_strdup(out->str) : NULL;
}

static void test_pieces_and_members(void)
{
    static const char first[] = "one\ntwo\r\n\nfo", second[] = "ur\nfive";
    static const char expected[] = "1:one|2:two|3:|4:four|5:five|";
    g_autoptr(GByteArray) packed = gzip(first, strlen(first));
    g_autoptr(GByteArray) more = gzip(second, strlen(second));
    g_byte_array_append(packed, more->data, more->len);
    for (size_t piece = 1; piece <= packed->len; piece++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *lines = lines_of(packed->data, packed->len, piece, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(lines, ==, expected);
    }
    g_autofree char *plain_text = g_strconcat(first, second, NULL);
    for (size_t piece = 1; piece < 30; piece++) {
        g_autofree char *plain = lines_of(plain_text, strlen(plain_text), piece, NULL);
        g_assert_cmpstr(plain, ==, expected);
    }
    g_autofree char *nothing = lines_of("", 0, 1, NULL);
    g_assert_cmpstr(nothing, ==, "");
}

static void test_damaged(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 20000; i++)
        g_string_append_printf(text, "line %d\n", i * 7919);
    g_autoptr(GByteArray) packed = gzip(text->str, text->len);
    for (size_t len = 1; len < packed->len; len += 997) {
        g_autoptr(GError) error = NULL;
        g_assert_null(lines_of(packed->data, len, 4096, &error));
        g_assert_true(error_is(error, BADDATA));
        g_assert_nonnull(strstr(error->message, "cut short"));
    }
    /* One bit somewhere: the format or the checksum sees it. */
    for (size_t at = 20; at < packed->len; at += 1499) {
        g_autoptr(GError) error = NULL;
        packed->data[at] ^= 4;
        g_assert_null(lines_of(packed->data, packed->len, 4096, &error));
        g_assert_true(error_is(error, BADDATA));
        packed->data[at] ^= 4;
    }
    g_autoptr(GError) error = NULL;
    g_byte_array_append(packed, (const guint8 *)"trailing", 8);
    g_assert_null(lines_of(packed->data, packed->len, 4096, &error));
    g_assert_true(error_is(error, BADDATA));
}

static void test_a_line_without_end(void)
{
    g_autofree char *longest = g_strnfill(GZIP_LINE_BYTES_MAX, 'x');
    g_autofree char *longer = g_strnfill(GZIP_LINE_BYTES_MAX + 1, 'y');
    g_autofree char *text = g_strconcat("a\n", longest, "\n", longer, "\nb\n", longer, NULL);
    g_autofree char *expected =
        g_strconcat("1:a|2:", longest, "|3:<too long>|4:b|5:<too long>|", NULL);
    g_autoptr(GByteArray) packed = gzip(text, strlen(text));
    static const size_t pieces[] = {1, 100, 65536, 1 << 20};
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autofree char *plain = lines_of(text, strlen(text), pieces[i], NULL);
        g_assert_true(g_str_equal(plain, expected));
        g_autofree char *unpacked = lines_of(packed->data, packed->len, pieces[i], NULL);
        g_assert_true(g_str_equal(unpacked, expected));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gzip_lines/pieces_and_members", test_pieces_and_members);
    g_test_add_func("/gzip_lines/damaged", test_damaged);
    g_test_add_func("/gzip_lines/a_line_without_end", test_a_line_without_end);
    return g_test_run();
}

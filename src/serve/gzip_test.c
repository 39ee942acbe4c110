/* Who takes gzip, and that a packed body is what was packed (unpacked by zlib's reader). */
#include "serve/gzip.h"

#include <string.h>

#include <glib.h>
#include <zlib.h>

static void test_accepted(void)
{
    static const struct {
        const char *header;
        bool accepted;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"GZIP", true},
        {"gzip, deflate, br", true},
        {"br;q=1.0 , gzip;q=0.5", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"gzip;q=0.001", true},
        {"gzipped", false},
        {"identity", false},
        {"br, x-gzip", true},
        {"gzip;q=0, x-gzip", true},
        {",,;,", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (gzip_accepted(cases[i].header) != cases[i].accepted)
            g_error("'%s'", cases[i].header);
    }
}

static void check_unpacks(const char *packed, size_t packed_len, const char *body, size_t len)
{
    g_autofree char *out = g_malloc(len + 1);
    z_stream stream = {.next_in = (Bytef *)packed,
                       .avail_in = (uInt)packed_len,
                       .next_out = (Bytef *)out,
                       .avail_out = (uInt)len + 1};
    g_assert_cmpint(inflateInit2(&stream, 15 + 16), ==, Z_OK); /* gzip's frame alone */
    g_assert_cmpint(inflate(&stream, Z_FINISH), ==, Z_STREAM_END);
    size_t written = stream.total_out;
    inflateEnd(&stream);
    g_assert_cmpuint(written, ==, len);
    g_assert_true(memcmp(out, body, len) == 0);
}

static void test_packed(void)
{
    struct arena *arena = arena_new();
    struct gzip_statics *statics = gzip_statics_new();
    g_autofree char *body = g_strnfill(5000, 'x');
    for (size_t i = 0; i < 5000; i += 7)
        body[i] = (char)('a' + i % 20);
    size_t len, again_len;
    const char *packed = gzip_pack(arena, body, 5000, &len);
    g_assert_nonnull(packed);
    g_assert_cmpuint(len, <, 2000);
    check_unpacks(packed, len, body, 5000);
    const char *kept = gzip_static(statics, body, 5000, &len);
    check_unpacks(kept, len, body, 5000);
    g_assert_true(gzip_static(statics, body, 5000, &again_len) == kept);
    g_assert_cmpuint(again_len, ==, len);
    /* Noise doesn't get smaller. */
    for (size_t i = 0; i < 5000; i++)
        body[i] = (char)g_test_rand_int();
    g_assert_null(gzip_pack(arena, body, 5000, &len));
    g_autofree char *noise = g_strndup("q8#z", 4);
    g_assert_null(gzip_static(statics, noise, 4, &len));
    gzip_statics_free(statics);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gzip/accepted", test_accepted);
    g_test_add_func("/gzip/packed", test_packed);
    return g_test_run();
}

/* Proves that both forms of block_scan, SIMD and plain C, give the masks that the C library's and
 * Python's definitions of the classes give, byte by byte. */
#include "sentiment/block.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

struct block block_scan_plain(const unsigned char *at);

static void check(const struct block *b, const unsigned char *at)
{
    for (int i = 0; i < BLOCK_BYTES; i++) {
        uint64_t bit = (uint64_t)1 << i;
        char c = (char)at[i];
        bool space = at[i] && strchr("\t\n\v\f\r\x1C\x1D\x1E\x1F ", c);
        g_assert_cmpint((b->space & bit) != 0, ==, space);
        g_assert_cmpint((b->upper & bit) != 0, ==, g_ascii_isupper(c));
        g_assert_cmpint((b->lower & bit) != 0, ==, g_ascii_islower(c));
        g_assert_cmpint((b->digit & bit) != 0, ==, g_ascii_isdigit(c));
        g_assert_cmpint((b->odd & bit) != 0, ==, !space && !g_ascii_isgraph(c));
        g_assert_cmpint((b->nt & bit) != 0, ==,
                        g_ascii_strncasecmp((const char *)at + i, "n't", 3) == 0);
    }
}

static void test_masks(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);

    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[BLOCK_BYTES + BLOCK_BYTES_AHEAD];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = round % 2 ? (unsigned char)g_rand_int_range(rand, 0, 256)
                                 : (unsigned char)"nN''tT .a"[g_rand_int_range(rand, 0, 9)];
        struct block fast = block_scan(bytes), plain = block_scan_plain(bytes);
        check(&fast, bytes);
        check(&plain, bytes);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/block/masks", test_masks);
    return g_test_run();
}

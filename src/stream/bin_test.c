/* Proves: windows stand in order whatever the order of coming; the stored form reads back equal, is
 * the one that is documented, and any damaged byte is found. */
#include "stream/bin.h"

#include <string.h>

static struct bin *sample(void)
{
    struct bin *bin = bin_new(BIN_RATINGS, 490908);
    static const int indexes[] = {5, 0, 11, 7};
    for (size_t i = 0; i < G_N_ELEMENTS(indexes); i++) {
        bool new;
        struct bin_window *window = bin_put(bin, indexes[i], &new);
        g_assert_true(new);
        window->rating = (struct bin_rating){
            .popularity_e4 = INT64_C(10000000000000) * (i % 2 ? 1 : -1),
            .vote_average_e4 = indexes[i],
            .vote_count = INT32_MAX,
            .event_ms = 3599999,
        };
    }
    return bin;
}

static void test_order(void)
{
    struct bin *bin = sample();
    static const int sorted[] = {0, 5, 7, 11};
    for (size_t i = 0; i < 4; i++) {
        g_assert_cmpint(bin->windows[i].index, ==, sorted[i]);
        g_assert_cmpint(bin->windows[i].rating.vote_average_e4, ==, sorted[i]);
    }
    bool new;
    g_assert_true(bin_put(bin, 7, &new) == bin_find(bin, 7));
    g_assert_false(new);
    g_assert_null(bin_find(bin, 6));
    bin_free(bin);
}

static void test_round_trip(void)
{
    struct bin *bin = sample();
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    GError *error = NULL;
    bin_encode(bin, bytes);
    struct bin *read =
        bin_decode(BIN_RATINGS, 490908, (struct span){(char *)bytes->data, bytes->len}, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(read->count, ==, 4);
    for (uint32_t i = 0; i < 4; i++) {
        g_assert_cmpint(read->windows[i].index, ==, bin->windows[i].index);
        g_assert_true(memcmp(&read->windows[i].rating, &bin->windows[i].rating,
                             sizeof(struct bin_rating)) == 0);
    }
    bin_free(read);
    bin_free(bin);
}

/* One window of events, index 3, count 2, by hand: format 1; count 1, distance 3 and count 2 as
 * zigzag; then the CRC-32 as Python's zlib.crc32(bytes([1, 2, 6, 4])) gives it. */
static void test_format(void)
{
    static const uint8_t expected[] = {1, 2, 6, 4, 0x88, 0x0f, 0x4b, 0xcb};
    struct bin *bin = bin_new(BIN_EVENTS, 0);
    bool new;
    bin_put(bin, 3, &new)->events.count = 2;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    bin_encode(bin, bytes);
    g_assert_cmpuint(bytes->len, ==, sizeof expected);
    g_assert_true(memcmp(bytes->data, expected, sizeof expected) == 0);
    bin_free(bin);
}

/* Each single bit flipped, and each cut. */
static void test_damage(void)
{
    struct bin *bin = sample();
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    bin_encode(bin, bytes);
    for (guint i = 0; i < bytes->len * 8; i++) {
        g_autoptr(GError) error = NULL;
        bytes->data[i / 8] ^= (guint8)(1 << i % 8);
        g_assert_null(bin_decode(BIN_RATINGS, 490908,
                                 (struct span){(char *)bytes->data, bytes->len}, &error));
        g_assert_true(error_is(error, BADDATA));
        bytes->data[i / 8] ^= (guint8)(1 << i % 8);
    }
    for (guint len = 0; len < bytes->len; len++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(
            bin_decode(BIN_RATINGS, 490908, (struct span){(char *)bytes->data, len}, &error));
        g_assert_true(error_is(error, BADDATA));
    }
    bin_free(bin);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/bin/order", test_order);
    g_test_add_func("/stream/bin/round_trip", test_round_trip);
    g_test_add_func("/stream/bin/format", test_format);
    g_test_add_func("/stream/bin/damage", test_damage);
    return g_test_run();
}

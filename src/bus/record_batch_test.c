/* Proves: the bytes are those that the header describes (written out by hand), each damaged length
 * is refused, and the checksum is CRC-32 (its published check value) and covers the row's numbers.
 */
#include "bus/record_batch.h"

#include <string.h>

#include <zlib.h>

static bool read_all(const void *bytes, size_t len, int64_t records)
{
    struct record_batch_reader reader;
    g_autoptr(GError) error = NULL;
    bool good = record_batch_read(&reader, bytes, len, records, &error);
    struct span key, value;
    while (good && reader.left > 0)
        good = record_batch_next(&reader, &key, &value, &error);
    g_assert_true(good || error_is(error, BADDATA));
    return good;
}

static void test_bytes(void)
{
    static const unsigned char expected[] = {1, 2, 'a', 'b', 1, 'c', 0, 0};
    struct record_batch batch = {0};
    record_batch_append(&batch, (struct span){"ab", 2}, (struct span){"c", 1});
    record_batch_append(&batch, (struct span){NULL, 0}, (struct span){NULL, 0});
    g_assert_cmpuint(batch.records, ==, 2);
    g_assert_cmpuint(batch.len, ==, sizeof expected);
    g_assert_true(memcmp(batch.bytes, expected, sizeof expected) == 0);

    struct record_batch_reader reader;
    struct span key, value;
    g_autoptr(GError) error = NULL;
    g_assert_true(record_batch_read(&reader, expected, sizeof expected, 2, &error));
    g_assert_true(record_batch_next(&reader, &key, &value, &error));
    g_assert_true(key.len == 2 && memcmp(key.data, "ab", 2) == 0);
    g_assert_true(value.len == 1 && *value.data == 'c');
    g_assert_true(record_batch_next(&reader, &key, &value, &error));
    g_assert_true(key.len == 0 && value.len == 0);
    g_assert_cmpint(reader.left, ==, 0);
    record_batch_reset(&batch);
    g_assert_cmpuint(batch.len, ==, 0);
    record_batch_clear(&batch);
}

static void test_damaged(void)
{
    static const unsigned char good[] = {1, 2, 'a', 'b', 1, 'c', 0, 0};
    g_assert_true(read_all(good, sizeof good, 2));
    for (size_t len = 0; len < sizeof good; len++)
        g_assert_false(read_all(good, len, 2));
    g_assert_false(read_all(good, sizeof good, 1)); /* bytes behind the last */
    g_assert_false(read_all(good, sizeof good, 3));
    g_assert_false(read_all(good, sizeof good, 0));
    g_assert_false(read_all(good, sizeof good, -1));
    g_assert_false(read_all(good, sizeof good, INT64_MAX));
    static const unsigned char version[] = {2, 0, 0}, beyond[] = {1, 3, 'a', 'b', 0},
                               endless[] = {1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0},
                               huge[] = {1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0};
    g_assert_false(read_all(version, sizeof version, 1));
    g_assert_false(read_all(beyond, sizeof beyond, 1));
    g_assert_false(read_all(endless, sizeof endless, 1));
    g_assert_false(read_all(huge, sizeof huge, 1));
}

static void test_crc(void)
{
    /* The check value of CRC-32/ISO-HDLC: what zlib computes. */
    g_assert_cmpuint(crc32(0, (const unsigned char *)"123456789", 9), ==, 0xcbf43926);
    const struct record_batch_row row = {
        .partition = 1, .base_offset = 2, .records = 3, .append_time_ms = 4};
    unsigned char all[32 + 9] = {[0] = 1, [8] = 2, [16] = 3, [24] = 4};
    memcpy(all + 32, "123456789", 9);
    g_assert_cmpuint(record_batch_crc(&row, "123456789", 9), ==, crc32(0, all, sizeof all));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record_batch/bytes", test_bytes);
    g_test_add_func("/record_batch/damaged", test_damaged);
    g_test_add_func("/record_batch/crc", test_crc);
    return g_test_run();
}

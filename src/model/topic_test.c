/* Proves: murmur2 equals Kafka's own (vectors of its UtilsTest), a key is the decimal id, and each
 * topic's row joins the right contract, struct and event time. */
#include "model/topic.h"

#include <string.h>

#include <glib.h>

#include "base/embedded.h"

static void test_murmur2_vectors(void)
{
    /* Source: org.apache.kafka.common.utils.UtilsTest.testMurmur2 */
    static const struct {
        const char *text;
        int32_t hash;
    } vectors[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++)
        g_assert_cmpint(murmur2(vectors[i].text, strlen(vectors[i].text)), ==, vectors[i].hash);
}

static void test_partition_is_never_negative(void)
{
    /* murmur2("21") is negative: -973932308 & 0x7fffffff = 1173551340, which is 0 mod 6 and 3
     * mod 7. */
    g_assert_cmpint(topic_partition("21", 2, 6), ==, 0);
    g_assert_cmpint(topic_partition("21", 2, 7), ==, 3);
    /* An empty key has a partition too. */
    g_assert_cmpint(topic_partition("", 0, 6), >=, 0);
}

static void test_movie_key(void)
{
    static const int32_t ids[] = {0, 7, 10, 603692, INT32_MAX, -1, INT32_MIN};
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        char buffer[TOPIC_KEY_BYTES];
        size_t len = topic_movie_key(ids[i], buffer);
        g_autofree char *expected = g_strdup_printf("%d", ids[i]);
        g_assert_cmpuint(len, ==, strlen(expected));
        g_assert_true(memcmp(buffer, expected, len) == 0);
    }
}

static void test_rows(void)
{
    for (int i = 0; i < TOPIC_COUNT; i++) {
        const struct topic_info *info = topic_info((enum topic)i);
        g_assert_cmpint(info->id, ==, i);
        g_assert_true(topic_by_name(info->name) == info);
        g_assert_nonnull(embedded_find(info->schema_path));
        g_autofree char *subject = g_strconcat(info->name, "-value", NULL);
        g_assert_cmpstr(info->subject, ==, subject);
    }
    g_assert_null(topic_by_name("movie.nothing"));
    g_assert_true(topic_internal("marquee.stream.changelog"));
    g_assert_false(topic_internal("marquee.deadletter"));
    g_assert_false(topic_internal("movie.ratings"));
    g_assert_cmpuint(topic_info(TOPIC_RATINGS)->event_time_offset, ==,
                     offsetof(struct rating, timestamp_ms));
    g_assert_cmpuint(topic_info(TOPIC_DEADLETTER)->event_time_offset, ==, SIZE_MAX);
}

static void test_e4(void)
{
    g_assert_cmpint(e4_from_double(7.1235), ==, 71235);
    g_assert_cmpint(e4_from_double(0.00029), ==, 3);
    g_assert_cmpint(e4_from_double(-0.5267), ==, -5267);
    g_assert_cmpint(e4_from_double(1234.5678), ==, 12345678);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/topic/murmur2_vectors", test_murmur2_vectors);
    g_test_add_func("/topic/partition_is_never_negative", test_partition_is_never_negative);
    g_test_add_func("/topic/movie_key", test_movie_key);
    g_test_add_func("/topic/rows", test_rows);
    g_test_add_func("/topic/e4", test_e4);
    return g_test_run();
}

/* Proves: a list of measures reads back equal, and any damaged byte is found. */
#include "stream/measure.h"

static const struct measure sample[] = {
    {.window_start_ms = INT64_C(-62135596800000), .movie_id = INT32_MIN, .velocity = -1.5},
    {.window_start_ms = INT64_C(1767268800000),
     .movie_id = 7,
     .engagement = INT32_MAX,
     .velocity = 0.1,
     .vote_velocity = 1e300},
    {.window_start_ms = INT64_C(1767268800000),
     .movie_id = INT32_MAX,
     .has_acceleration = true,
     .acceleration = -0.30000000000000004},
};

static GByteArray *encoded(void)
{
    GByteArray *bytes = g_byte_array_new();
    measure_encode(sample, G_N_ELEMENTS(sample), bytes);
    return bytes;
}

static void test_round_trip(void)
{
    g_autoptr(GByteArray) bytes = encoded();
    g_autoptr(GArray) read = g_array_new(FALSE, FALSE, sizeof(struct measure));
    GError *error = NULL;
    g_assert_true(measure_decode((struct span){(char *)bytes->data, bytes->len}, read, &error));
    g_assert_cmpuint(read->len, ==, G_N_ELEMENTS(sample));
    for (guint i = 0; i < read->len; i++) {
        const struct measure *measure = &g_array_index(read, struct measure, i);
        g_assert_cmpint(measure_compare(measure, &sample[i]), ==, 0);
        g_assert_cmpint(measure->engagement, ==, sample[i].engagement);
        g_assert_cmpint(measure->has_acceleration, ==, sample[i].has_acceleration);
        g_assert_true(measure->velocity == sample[i].velocity);
        g_assert_true(measure->vote_velocity == sample[i].vote_velocity);
        g_assert_true(measure->acceleration == sample[i].acceleration);
    }
}

static void test_damage(void)
{
    g_autoptr(GByteArray) bytes = encoded();
    for (guint i = 0; i <= bytes->len * 8; i++) {
        g_autoptr(GArray) read = g_array_new(FALSE, FALSE, sizeof(struct measure));
        g_autoptr(GError) error = NULL;
        guint len = i < bytes->len * 8 ? bytes->len : bytes->len - 1;
        if (len == bytes->len)
            bytes->data[i / 8] ^= (guint8)(1 << i % 8);
        g_assert_false(measure_decode((struct span){(char *)bytes->data, len}, read, &error));
        g_assert_true(error_is(error, BADDATA));
        if (len == bytes->len)
            bytes->data[i / 8] ^= (guint8)(1 << i % 8);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/measure/round_trip", test_round_trip);
    g_test_add_func("/stream/measure/damage", test_damage);
    return g_test_run();
}

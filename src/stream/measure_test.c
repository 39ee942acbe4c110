/* Proves: a list of measures reads back equal, any damaged byte is found, and of two lists the
 * newer measure of a movie counts, of several the last. */
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

/* movie_id and engagement of each, in their order. */
static void assert_measures(const GArray *measures, const int32_t (*expected)[2], guint count)
{
    g_assert_cmpuint(measures->len, ==, count);
    for (guint i = 0; i < count; i++) {
        const struct measure *measure = &g_array_index(measures, struct measure, i);
        g_assert_cmpint(measure->movie_id, ==, expected[i][0]);
        g_assert_cmpint(measure->engagement, ==, expected[i][1]);
    }
}

static GArray *merge(const GArray *older, const struct measure *newer, size_t newer_count)
{
    size_t count;
    g_autofree struct measure *merged =
        measure_merge((const struct measure *)older->data, older->len, newer, newer_count, &count);
    GArray *array = g_array_new(FALSE, FALSE, sizeof *merged);
    return g_array_append_vals(array, merged, (guint)count);
}

static void test_merge(void)
{
    static const struct measure old[] = {
        {.movie_id = 1, .engagement = 10},
        {.movie_id = 3, .engagement = 30},
        {.movie_id = 5, .engagement = 50},
    };
    static const struct measure newer[] = {
        {.movie_id = 3, .engagement = 31},
        {.movie_id = 3, .engagement = 32},
        {.movie_id = 4, .engagement = 41},
        {.movie_id = 6, .engagement = 61},
    };
    g_autoptr(GArray) older = g_array_new(FALSE, FALSE, sizeof(struct measure));
    g_array_append_vals(older, old, G_N_ELEMENTS(old));
    g_autoptr(GArray) merged = merge(older, newer, G_N_ELEMENTS(newer));
    assert_measures(merged, (const int32_t[][2]){{1, 10}, {3, 32}, {4, 41}, {5, 50}, {6, 61}}, 5);
    g_autoptr(GArray) same = merge(older, NULL, 0);
    assert_measures(same, (const int32_t[][2]){{1, 10}, {3, 30}, {5, 50}}, 3);
}

/* Many equal ones, so that a sort which mixes them is found. */
static void test_sort(void)
{
    enum { COUNT = 1000 };
    g_autoptr(GArray) measures = g_array_new(FALSE, FALSE, sizeof(struct measure));
    for (int32_t i = 0; i < COUNT; i++) {
        struct measure measure = {.movie_id = 2 - i % 2, .engagement = i};
        g_array_append_val(measures, measure);
    }
    measure_sort(measures);
    for (guint i = 1; i < COUNT; i++) {
        const struct measure *before = &g_array_index(measures, struct measure, i - 1),
                             *measure = before + 1;
        g_assert_true(
            before->movie_id < measure->movie_id ||
            (before->movie_id == measure->movie_id && before->engagement < measure->engagement));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/measure/round_trip", test_round_trip);
    g_test_add_func("/stream/measure/damage", test_damage);
    g_test_add_func("/stream/measure/merge", test_merge);
    g_test_add_func("/stream/measure/sort", test_sort);
    return g_test_run();
}

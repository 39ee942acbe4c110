/* Proves: bad and expired begin exactly where docs/semantics.md says. */
#include "stream/classify.h"

#include <math.h>

#include <glib.h>

#include "base/clock.h"

static void test_numbers(void)
{
    static const struct {
        double number;
        bool bad;
    } cases[] = {{0, false},   {1e9, false},     {-1e9, false},     {1000000000.5, true},
                 {-2e9, true}, {INFINITY, true}, {-INFINITY, true}, {NAN, true}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpint(classify_rating(&(struct rating){.popularity = cases[i].number}) != NULL,
                        ==, cases[i].bad);
        g_assert_cmpint(classify_rating(&(struct rating){.vote_average = cases[i].number}) != NULL,
                        ==, cases[i].bad);
    }
}

/* The years 0001 to 9999; of a review, updated_at too. */
static void test_times(void)
{
    g_assert_null(classify_time(INT64_C(-62135596800000)));
    g_assert_nonnull(classify_time(INT64_C(-62135596800001)));
    g_assert_null(classify_time(INT64_C(253402300799999)));
    g_assert_nonnull(classify_time(INT64_C(253402300800000)));
    g_assert_null(classify_review(&(struct review){.updated_at_ms = INT64_MAX}));
    g_assert_nonnull(
        classify_review(&(struct review){.has_updated_at = true, .updated_at_ms = INT64_MAX}));
}

/* Exactly ten minutes ahead isn't bad. */
static void test_future(void)
{
    g_assert_false(classify_future(1000 + 600000, 1000, 600000));
    g_assert_true(classify_future(1001 + 600000, 1000, 600000));
}

/* Its hour's end + retention at or below the highest event time. */
static void test_expired(void)
{
    const int64_t retention_ms = 52 * MS_PER_HOUR, event_ms = 10 * MS_PER_HOUR + 1;
    int64_t limit_ms = 11 * MS_PER_HOUR + retention_ms;
    g_assert_false(classify_expired(event_ms, true, limit_ms - 1, retention_ms));
    g_assert_true(classify_expired(event_ms, true, limit_ms, retention_ms));
    g_assert_false(
        classify_expired(event_ms, false, limit_ms, retention_ms));        /* the first record */
    g_assert_true(classify_expired(-1, true, retention_ms, retention_ms)); /* hour -1 ends at 0 */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/classify/numbers", test_numbers);
    g_test_add_func("/stream/classify/times", test_times);
    g_test_add_func("/stream/classify/future", test_future);
    g_test_add_func("/stream/classify/expired", test_expired);
    return g_test_run();
}

/* Proves: what metrics_write wrote is read back, quantiles are those that a hand calculation gives
 * by Prometheus' rule, and text that isn't such a histogram is refused. */
#include "base/metrics_text.h"

#include <math.h>

#include <glib.h>

/* 100 commits: 50 of at most 1 ms, 40 more up to 2.5 ms, 9 up to 10 ms, 1 above a minute. */
static char *written(void)
{
    struct metrics *metrics = metrics_new();
    for (int i = 0; i < 100; i++)
        metrics_observe(metrics, METRIC_STREAM_COMMIT_SECONDS, NULL,
                        i < 50   ? 0.0005
                        : i < 90 ? 0.002
                        : i < 99 ? 0.009
                                 : 100);
    GString *out = g_string_new(NULL);
    metrics_write(metrics, out);
    metrics_free(metrics);
    return g_string_free(out, FALSE);
}

static void test_quantiles(void)
{
    struct metrics_histogram histogram;
    g_autofree char *text = written();
    g_assert_true(metrics_text_histogram(text, METRIC_STREAM_COMMIT_SECONDS, &histogram));
    g_assert_cmpuint(histogram.count, ==, 100);
    static const struct {
        double share, expected_s;
    } cases[] = {
        {0.25, 0.0005},                    /* rank 25 of the 50 between 0 and 1 ms */
        {0.5, 0.001},                      /* all 50 */
        {0.9, 0.0025},                     /* all 90 */
        {0.95, 0.005 + 0.005 * 5.0 / 9.0}, /* rank 95: 5 of the 9 between 5 and 10 ms */
        {0.995, 60},                       /* in the bucket without a bound */
        {1, 60},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        double found_s = metrics_histogram_quantile(&histogram, cases[i].share);
        g_assert_cmpfloat_with_epsilon(found_s, cases[i].expected_s, 1e-12);
    }
}

static void test_no_observations(void)
{
    struct metrics_histogram histogram = {0};
    g_assert_true(isnan(metrics_histogram_quantile(&histogram, 0.5)));
    g_assert_false(metrics_text_histogram("# nothing\n", METRIC_STREAM_COMMIT_SECONDS, &histogram));
}

#define BUCKET(bound, count) "marquee_stream_commit_seconds_bucket{le=\"" bound "\"} " count "\n"

static void test_refused(void)
{
    static const char *const texts[] = {
        "",
        "\n",
        "marquee_stream_commit_seconds_bucket",
        "marquee_stream_commit_seconds_bucket{le=\"1\" 5\n",
        BUCKET("1", "5"),                     /* no last bucket */
        BUCKET("1", "5") BUCKET("+Inf", "4"), /* not cumulative */
        BUCKET("1", "5") BUCKET("1", "5") BUCKET("+Inf", "5"),
        BUCKET("NaN", "5") BUCKET("+Inf", "5"),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        struct metrics_histogram histogram;
        g_test_message("%zu", i);
        g_assert_false(metrics_text_histogram(texts[i], METRIC_STREAM_COMMIT_SECONDS, &histogram));
    }
    struct metrics_histogram histogram;
    g_assert_true(metrics_text_histogram(BUCKET("1", "5") BUCKET("+Inf", "5"),
                                         METRIC_STREAM_COMMIT_SECONDS, &histogram));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metrics_text/quantiles", test_quantiles);
    g_test_add_func("/metrics_text/no_observations", test_no_observations);
    g_test_add_func("/metrics_text/refused", test_refused);
    return g_test_run();
}

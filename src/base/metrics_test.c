/* Proves that /metrics is what Prometheus' text format 0.0.4 asks for (the expected lines are
 * written by hand from its specification), that counting from many threads loses nothing, and that
 * labels stay few. */
#include "base/metrics.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

static char *write_all(struct metrics *metrics)
{
    GString *out = g_string_new(NULL);
    metrics_write(metrics, out);
    return g_string_free(out, FALSE);
}

/* The lines of one metric: from its HELP to the next metric's. */
static char *write_one(struct metrics *metrics, const char *name)
{
    g_autofree char *all = write_all(metrics);
    g_autofree char *help = g_strdup_printf("# HELP %s ", name);
    const char *start = strstr(all, help);
    g_assert_nonnull(start);
    const char *end = strstr(start + 1, "# HELP ");
    return end ? g_strndup(start, (size_t)(end - start)) : g_strdup(start);
}

static void assert_one(struct metrics *metrics, const char *name, const char *expected)
{
    g_autofree char *lines = write_one(metrics, name);
    g_assert_cmpstr(lines, ==, expected);
}

static void test_untouched(void)
{
    struct metrics *metrics = metrics_new();
    assert_one(metrics, "marquee_stream_commits_total",
               "# HELP marquee_stream_commits_total Commits of offsets, state and output.\n"
               "# TYPE marquee_stream_commits_total counter\n"
               "marquee_stream_commits_total 0\n");
    metrics_free(metrics);
    metrics_free(NULL);
}

static void test_counter_and_gauge(void)
{
    struct metrics *metrics = metrics_new();
    metrics_add(metrics, METRIC_STREAM_LATE, NULL, 2);
    metrics_add(metrics, METRIC_STREAM_LATE, NULL, UINT64_C(1) << 60);
    assert_one(metrics, "marquee_stream_late_records_total",
               "# HELP marquee_stream_late_records_total Used records whose window was final.\n"
               "# TYPE marquee_stream_late_records_total counter\n"
               "marquee_stream_late_records_total 1152921504606846978\n");
    metrics_set(metrics, METRIC_STREAM_WATERMARK_DELAY_SECONDS, NULL, 10.25);
    metrics_set(metrics, METRIC_STREAM_WATERMARK_DELAY_SECONDS, NULL, 0.1);
    assert_one(
        metrics, "marquee_stream_watermark_delay_seconds",
        "# HELP marquee_stream_watermark_delay_seconds World time less the least watermark of the "
        "tasks.\n"
        "# TYPE marquee_stream_watermark_delay_seconds gauge\n"
        "marquee_stream_watermark_delay_seconds 0.1\n");
    g_assert_cmpfloat(metrics_get(metrics, METRIC_STREAM_WATERMARK_DELAY_SECONDS, NULL), ==, 0.1);
    metrics_set(metrics, METRIC_STREAM_WATERMARK_DELAY_SECONDS, NULL, NAN);
    g_autofree char *lines = write_one(metrics, "marquee_stream_watermark_delay_seconds");
    g_assert_true(g_str_has_suffix(lines, "\nmarquee_stream_watermark_delay_seconds NaN\n"));
    metrics_free(metrics);
}

static void test_labels(void)
{
    struct metrics *metrics = metrics_new();
    metrics_add(metrics, METRIC_STREAM_RECORDS, "used", 7);
    metrics_add(metrics, METRIC_STREAM_RECORDS, "a\"b\\c\nd", 1);
    metrics_add(metrics, METRIC_STREAM_RECORDS, "used", 1);
    assert_one(metrics, "marquee_stream_records_total",
               "# HELP marquee_stream_records_total Records read by class: used, duplicate, "
               "expired, bad.\n"
               "# TYPE marquee_stream_records_total counter\n"
               "marquee_stream_records_total{class=\"used\"} 8\n"
               "marquee_stream_records_total{class=\"a\\\"b\\\\c\\nd\"} 1\n");
    g_assert_cmpfloat(metrics_get(metrics, METRIC_STREAM_RECORDS, "used"), ==, 8);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_STREAM_RECORDS, "bad"), ==, 0);
    metrics_free(metrics);
}

static void test_label_limit(void)
{
    struct metrics *metrics = metrics_new();
    for (int i = 0; i < 1000; i++) {
        g_autofree char *value = g_strdup_printf("topic-%d", i);
        metrics_add(metrics, METRIC_BUS_PRODUCED, value, 1);
    }
    g_assert_cmpfloat(metrics_get(metrics, METRIC_BUS_PRODUCED, "topic-63"), ==, 1);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_BUS_PRODUCED, "topic-64"), ==, 0);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_BUS_PRODUCED, "other"), ==, 1000 - 64);
    metrics_add(metrics, METRIC_BUS_PRODUCED, "topic-0", 1); /* the early ones still count */
    g_assert_cmpfloat(metrics_get(metrics, METRIC_BUS_PRODUCED, "topic-0"), ==, 2);

    g_autofree char *huge = g_strnfill(1000, 'x');
    metrics_add(metrics, METRIC_HTTP_REJECTED, huge, 1);
    metrics_add(metrics, METRIC_HTTP_REJECTED, "\xff", 1);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_HTTP_REJECTED, "other"), ==, 2);
    g_autofree char *all = write_all(metrics);
    g_assert_true(g_utf8_validate(all, -1, NULL));
    metrics_free(metrics);
}

static void test_histogram(void)
{
    struct metrics *metrics = metrics_new();
    metrics_observe(metrics, METRIC_HTTP_SECONDS, "/health",
                    0.001); /* a bound belongs to its bucket */
    metrics_observe(metrics, METRIC_HTTP_SECONDS, "/health", 0.0011);
    metrics_observe(metrics, METRIC_HTTP_SECONDS, "/health", 0.2);
    metrics_observe(metrics, METRIC_HTTP_SECONDS, "/health", 61);
    metrics_observe(metrics, METRIC_HTTP_SECONDS, "/health", NAN); /* no time at all: left out */
    metrics_observe(metrics, METRIC_HTTP_SECONDS, "/health", -1);  /* clocks differ: counts as 0 */
#define LINE(bound, count)                                                                         \
    "marquee_http_request_seconds_bucket{route=\"/health\",le=\"" bound "\"} " count "\n"
    assert_one(
        metrics, "marquee_http_request_seconds",
        "# HELP marquee_http_request_seconds Time to answer by route.\n"
        "# TYPE marquee_http_request_seconds histogram\n" LINE("0.001", "2") LINE("0.0025", "3")
            LINE("0.005", "3") LINE("0.01", "3") LINE("0.025", "3") LINE("0.05", "3")
                LINE("0.1", "3") LINE("0.25", "4") LINE("0.5", "4") LINE("1", "4") LINE("2.5", "4")
                    LINE("5", "4") LINE("10", "4") LINE("30", "4") LINE("60", "4") LINE(
                        "+Inf", "5") "marquee_http_request_seconds_sum{route=\"/health\"} 61.2021\n"
                                     "marquee_http_request_seconds_count{route=\"/health\"} 5\n");
#undef LINE
    g_assert_cmpfloat(metrics_get(metrics, METRIC_HTTP_SECONDS, "/health"), ==, 5);
    metrics_observe(metrics, METRIC_STREAM_COMMIT_SECONDS, NULL, 2);
    g_autofree char *lines = write_one(metrics, "marquee_stream_commit_seconds");
    g_assert_nonnull(strstr(lines, "\nmarquee_stream_commit_seconds_bucket{le=\"2.5\"} 1\n"));
    g_assert_nonnull(strstr(lines, "\nmarquee_stream_commit_seconds_sum 2\n"));
    g_assert_nonnull(strstr(lines, "\nmarquee_stream_commit_seconds_count 1\n"));
    metrics_free(metrics);
}

/* Every row of metrics.def: printed once, and a metric without a label has its value. */
static void test_every_row(void)
{
    static const struct {
        const char *name, *label;
    } rows[] = {
#define METRIC(id, type, name, label, help) {name, label},
#include "base/metrics.def"
#undef METRIC
    };
    struct metrics *metrics = metrics_new();
    g_autofree char *all = write_all(metrics);
    GString *reference = g_string_new(NULL);
    metrics_write_reference(reference);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_true(g_str_has_prefix(rows[i].name, "marquee_"));
        g_autofree char *type = g_strdup_printf("\n# TYPE %s ", rows[i].name);
        const char *found = strstr(all, type);
        g_assert_nonnull(found);
        g_assert_null(strstr(found + 1, type));
        const char *next = strchr(found + 1, '\n') + 1;
        g_assert_cmpint(g_str_has_prefix(next, rows[i].name), ==, rows[i].label == NULL);
        g_autofree char *in_table = g_strdup_printf("| `%s` |", rows[i].name);
        g_assert_nonnull(strstr(reference->str, in_table));
    }
    g_string_free(reference, TRUE);
    metrics_free(metrics);
}

enum { THREADS = 4, ROUNDS = 5000 };

static void *count(void *pointer)
{
    struct metrics *metrics = pointer;
    for (int i = 0; i < ROUNDS; i++) {
        metrics_add(metrics, METRIC_STREAM_COMMITS, NULL, 1);
        metrics_add(metrics, METRIC_INGEST_REQUESTS, i % 2 ? "200" : "429", 1);
        metrics_observe(metrics, METRIC_STREAM_COMMIT_SECONDS, NULL, 0.5);
        metrics_set(metrics, METRIC_STREAM_STATE_WINDOWS, NULL, i);
        if (i % 1000 == 0) {
            g_autofree char *text = write_all(metrics);
            g_assert_nonnull(text);
        }
    }
    return NULL;
}

static void test_threads(void)
{
    struct metrics *metrics = metrics_new();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count, metrics);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_STREAM_COMMITS, NULL), ==, THREADS * ROUNDS);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_INGEST_REQUESTS, "429"), ==,
                      THREADS * ROUNDS / 2);
    g_assert_cmpfloat(metrics_get(metrics, METRIC_STREAM_COMMIT_SECONDS, NULL), ==,
                      THREADS * ROUNDS);
    metrics_free(metrics);
}

static void test_null_swallows(void)
{
    metrics_add(NULL, METRIC_STREAM_COMMITS, NULL, 1);
    metrics_set(NULL, METRIC_STREAM_STATE_WINDOWS, NULL, 1);
    metrics_observe(NULL, METRIC_HTTP_SECONDS, "/", 1);
    g_assert_cmpfloat(metrics_get(NULL, METRIC_STREAM_COMMITS, NULL), ==, 0);
    g_autofree char *all = write_all(NULL);
    g_assert_cmpstr(all, ==, "");
}

static void test_total_is_over_all_label_values(void)
{
    struct metrics *metrics = metrics_new();
    g_assert_cmpfloat(metrics_total(metrics, METRIC_HTTP_REQUESTS), ==, 0);
    metrics_add(metrics, METRIC_HTTP_REQUESTS, "200", 5);
    metrics_add(metrics, METRIC_HTTP_REQUESTS, "404", 2);
    metrics_observe(metrics, METRIC_HTTP_SECONDS, "movie", 0.25);
    g_assert_cmpfloat(metrics_total(metrics, METRIC_HTTP_REQUESTS), ==, 7);
    g_assert_cmpfloat(metrics_total(metrics, METRIC_HTTP_SECONDS), ==, 1);
    metrics_free(metrics);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metrics/untouched", test_untouched);
    g_test_add_func("/metrics/counter-and-gauge", test_counter_and_gauge);
    g_test_add_func("/metrics/labels", test_labels);
    g_test_add_func("/metrics/label-limit", test_label_limit);
    g_test_add_func("/metrics/histogram", test_histogram);
    g_test_add_func("/metrics/every-row", test_every_row);
    g_test_add_func("/metrics/threads", test_threads);
    g_test_add_func("/metrics/null-swallows", test_null_swallows);
    g_test_add_func("/metrics/total", test_total_is_over_all_label_values);
    return g_test_run();
}

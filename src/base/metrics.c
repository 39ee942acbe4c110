#include "base/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/number.h"

enum metric_type { COUNTER, GAUGE, HISTOGRAM };

struct metric_row {
    enum metric_type type;
    const char *name, *label, *help;
};

static const struct metric_row rows[METRIC_COUNT] = {
#define METRIC(id, type, name, label, help) [METRIC_##id] = {type, name, label, help},
#include "base/metrics.def"
#undef METRIC
};

static const char *const type_names[] = {"counter", "gauge", "histogram"};

/* Upper bounds in seconds; the last bucket, +Inf, has no bound. */
static const double bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                0.5,   1,      2.5,   5,    10,    30,   60};
#define BUCKETS (G_N_ELEMENTS(bounds) + 1)

/* A longer label value isn't one of the few that a metric may have. */
#define LABEL_VALUE_BYTES_MAX 128
#define LABEL_OVERFLOW        "other"

/* One label value of one metric. Histograms have buckets, counters a count, gauges a value. */
struct series {
    char *label_value; /* NULL where the metric has no label */
    uint64_t count;
    double value;      /* of a histogram: the sum */
    uint64_t *buckets; /* not cumulative here */
};

struct metrics {
    pthread_mutex_t lock;               /* leaf: nothing else is locked while it is held */
    GPtrArray *series_of[METRIC_COUNT]; /* of struct series, in the order of their first use */
};

static struct series *series_new(enum metric metric, const char *label_value)
{
    struct series *series = g_new0(struct series, 1);
    series->label_value = label_value ? g_utf8_make_valid(label_value, -1) : NULL;
    if (rows[metric].type == HISTOGRAM)
        series->buckets = g_new0(uint64_t, BUCKETS);
    return series;
}

static void series_free(void *pointer)
{
    struct series *series = pointer;
    g_free(series->label_value);
    g_free(series->buckets);
    g_free(series);
}

struct metrics *metrics_new(void)
{
    struct metrics *metrics = g_new0(struct metrics, 1);
    pthread_mutex_init(&metrics->lock, NULL);
    for (int i = 0; i < METRIC_COUNT; i++) {
        metrics->series_of[i] = g_ptr_array_new_with_free_func(series_free);
        if (!rows[i].label)
            g_ptr_array_add(metrics->series_of[i], series_new((enum metric)i, NULL));
    }
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (int i = 0; i < METRIC_COUNT; i++)
        g_ptr_array_unref(metrics->series_of[i]);
    pthread_mutex_destroy(&metrics->lock);
    g_free(metrics);
}

/* NULL where there is none. Needs the lock. */
static struct series *
series_find(struct metrics *metrics, enum metric metric, const char *label_value)
{
    GPtrArray *all = metrics->series_of[metric];
    for (unsigned i = 0; i < all->len; i++) {
        struct series *series = all->pdata[i];
        if (g_strcmp0(series->label_value, label_value) == 0)
            return series;
    }
    return NULL;
}

/* Found, made, or the one that takes what is too many. Needs the lock. */
static struct series *
series_get(struct metrics *metrics, enum metric metric, const char *label_value)
{
    struct series *series = series_find(metrics, metric, label_value);
    if (series)
        return series;
    GPtrArray *all = metrics->series_of[metric];
    bool too_many = all->len >= METRICS_LABEL_VALUES_MAX;
    if (too_many || strlen(label_value) > LABEL_VALUE_BYTES_MAX ||
        !g_utf8_validate(label_value, -1, NULL)) {
        label_value = LABEL_OVERFLOW;
        series = series_find(metrics, metric, label_value);
    }
    if (!series) {
        series = series_new(metric, label_value);
        g_ptr_array_add(all, series);
    }
    return series;
}

static void assert_use(enum metric metric, enum metric_type type, const char *label_value)
{
    g_assert(metric < METRIC_COUNT && rows[metric].type == type);
    g_assert(!rows[metric].label == !label_value);
}

void metrics_add(struct metrics *metrics,
                 enum metric metric,
                 const char *label_value,
                 uint64_t delta)
{
    assert_use(metric, COUNTER, label_value);
    if (!metrics)
        return;
    pthread_mutex_lock(&metrics->lock);
    series_get(metrics, metric, label_value)->count += delta;
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_set(struct metrics *metrics, enum metric metric, const char *label_value, double value)
{
    assert_use(metric, GAUGE, label_value);
    if (!metrics)
        return;
    pthread_mutex_lock(&metrics->lock);
    series_get(metrics, metric, label_value)->value = value;
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_observe(struct metrics *metrics,
                     enum metric metric,
                     const char *label_value,
                     double seconds)
{
    assert_use(metric, HISTOGRAM, label_value);
    if (!metrics || isnan(seconds))
        return;
    seconds = MAX(seconds, 0);
    size_t bucket = 0;
    while (bucket < G_N_ELEMENTS(bounds) && seconds > bounds[bucket])
        bucket++;
    pthread_mutex_lock(&metrics->lock);
    struct series *series = series_get(metrics, metric, label_value);
    series->buckets[bucket]++;
    series->count++;
    series->value += seconds;
    pthread_mutex_unlock(&metrics->lock);
}

double metrics_get(struct metrics *metrics, enum metric metric, const char *label_value)
{
    g_assert(metric < METRIC_COUNT && !rows[metric].label == !label_value);
    if (!metrics)
        return 0;
    pthread_mutex_lock(&metrics->lock);
    const struct series *series = series_find(metrics, metric, label_value);
    double value = !series ? 0 : rows[metric].type == GAUGE ? series->value : (double)series->count;
    pthread_mutex_unlock(&metrics->lock);
    return value;
}

double metrics_total(struct metrics *metrics, enum metric metric)
{
    g_assert(metric < METRIC_COUNT && rows[metric].type != GAUGE);
    if (!metrics)
        return 0;
    double total = 0;
    pthread_mutex_lock(&metrics->lock);
    GPtrArray *all = metrics->series_of[metric];
    for (unsigned i = 0; i < all->len; i++)
        total += (double)((const struct series *)all->pdata[i])->count;
    pthread_mutex_unlock(&metrics->lock);
    return total;
}

/* Prometheus' escapes: backslash and line feed, in label values also the quote. */
static void append_escaped(GString *out, const char *text, bool in_quotes)
{
    for (; *text; text++) {
        if (*text == '\n')
            g_string_append(out, "\\n");
        else if (*text == '\\' || (in_quotes && *text == '"'))
            g_string_append_printf(out, "\\%c", *text);
        else
            g_string_append_c(out, *text);
    }
}

/* name_suffix{label="value",le="bound"}, then a space. */
static void append_name(GString *out,
                        const struct metric_row *row,
                        const char *suffix,
                        const struct series *series,
                        const char *bound)
{
    g_string_append_printf(out, "%s%s", row->name, suffix);
    if (series->label_value) {
        g_string_append_printf(out, "{%s=\"", row->label);
        append_escaped(out, series->label_value, true);
        g_string_append_c(out, '"');
    }
    if (bound)
        g_string_append_printf(out, "%sle=\"%s\"", series->label_value ? "," : "{", bound);
    g_string_append(out, series->label_value || bound ? "} " : " ");
}

static void
append_histogram(GString *out, const struct metric_row *row, const struct series *series)
{
    char text[NUMBER_TEXT_BYTES];
    uint64_t cumulated = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        cumulated += series->buckets[i];
        number_text(i < G_N_ELEMENTS(bounds) ? bounds[i] : INFINITY, text);
        append_name(out, row, "_bucket", series, text);
        g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", cumulated);
    }
    append_name(out, row, "_sum", series, NULL);
    g_string_append_printf(out, "%s\n", number_text(series->value, text));
    append_name(out, row, "_count", series, NULL);
    g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", series->count);
}

void metrics_write(struct metrics *metrics, GString *out)
{
    if (!metrics)
        return;
    char text[NUMBER_TEXT_BYTES];
    pthread_mutex_lock(&metrics->lock);
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = &rows[i];
        g_string_append_printf(out, "# HELP %s ", row->name);
        append_escaped(out, row->help, false);
        g_string_append_printf(out, "\n# TYPE %s %s\n", row->name, type_names[row->type]);
        for (unsigned j = 0; j < metrics->series_of[i]->len; j++) {
            const struct series *series = metrics->series_of[i]->pdata[j];
            if (row->type == HISTOGRAM) {
                append_histogram(out, row, series);
                continue;
            }
            append_name(out, row, "", series, NULL);
            if (row->type == COUNTER)
                g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", series->count);
            else
                g_string_append_printf(out, "%s\n", number_text(series->value, text));
        }
    }
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_write_reference(GString *out)
{
    g_string_append_printf(
        out,
        "# Metrics\n\n"
        "Made from `src/base/metrics.def` by `ninja docs`; don't edit.\n\n"
        "`GET /metrics` answers in Prometheus' text format, version 0.0.4. A metric has at most "
        "one label\n"
        "of at most %d values; what comes after those is counted under `" LABEL_OVERFLOW
        "`. Histograms are\n"
        "in seconds, with these buckets:\n",
        METRICS_LABEL_VALUES_MAX);
    for (size_t i = 0; i < G_N_ELEMENTS(bounds); i++) {
        char text[NUMBER_TEXT_BYTES];
        g_string_append_printf(out, "%s, ", number_text(bounds[i], text));
    }
    g_string_append(out, "+Inf.\n\n| metric | type | label | meaning |\n|---|---|---|---|\n");
    for (int i = 0; i < METRIC_COUNT; i++)
        g_string_append_printf(out, "| `%s` | %s | %s%s%s | %s |\n", rows[i].name,
                               type_names[rows[i].type], rows[i].label ? "`" : "",
                               rows[i].label ? rows[i].label : "–", rows[i].label ? "`" : "",
                               rows[i].help);
}

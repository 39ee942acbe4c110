/* Metrics: counters, gauges and histograms, one row each in metrics.def. Any thread.
 *
 * A metric has at most one label, whose name stands in its row and whose values are few
 * (METRICS_LABEL_VALUES_MAX; more are counted under "other"): a topic, a class, an HTTP status,
 * never a movie. */
#pragma once

#include <stdint.h>

#include <glib.h>

#define METRICS_LABEL_VALUES_MAX 64

enum metric {
#define METRIC(id, type, name, label, help) METRIC_##id,
#include "base/metrics.def"
#undef METRIC
    METRIC_COUNT
};

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics); /* accepts NULL */

/* label_value is NULL where the metric has no label. A NULL metrics swallows everything. Only
 * counters are added to, only gauges set, only histograms observed (asserted). */
void metrics_add(struct metrics *metrics,
                 enum metric metric,
                 const char *label_value,
                 uint64_t delta);
void metrics_set(struct metrics *metrics,
                 enum metric metric,
                 const char *label_value,
                 double value);
/* Histograms of seconds: buckets 1 ms .. 60 s. */
void metrics_observe(struct metrics *metrics,
                     enum metric metric,
                     const char *label_value,
                     double seconds);

/* The value of a counter or gauge (0 where never touched), the count of a histogram. */
double metrics_get(struct metrics *metrics, enum metric metric, const char *label_value);

/* A counter's value or a histogram's count, over all values of its label. */
double metrics_total(struct metrics *metrics, enum metric metric);

/* Appends Prometheus' text format (0.0.4). */
void metrics_write(struct metrics *metrics, GString *out);

/* Appends METRICS.md. */
void metrics_write_reference(GString *out);

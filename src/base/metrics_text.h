/* Metrics text: reads back a histogram of what metrics_write wrote, another process' /metrics.
 * Input isn't trusted. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/metrics.h"

#define METRICS_TEXT_BUCKETS_MAX 64

/* The buckets of a histogram without label, as they stand: cumulative, bounds ascending. */
struct metrics_histogram {
    uint64_t count;
    size_t buckets_count;
    struct {
        double bound_s; /* the last one's is infinite */
        uint64_t cumulated;
    } buckets[METRICS_TEXT_BUCKETS_MAX];
};

/* False: it isn't there, or is no histogram. */
bool metrics_text_histogram(const char *text,
                            enum metric metric,
                            struct metrics_histogram *ret_histogram);

/* The value that a share (0..1) of the observations doesn't exceed, straight within its bucket, as
 * Prometheus' histogram_quantile does; in the last bucket, which has no bound, the bound before it.
 * NaN without observations. */
double metrics_histogram_quantile(const struct metrics_histogram *histogram, double share);

#include "base/metrics_text.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {
#define METRIC(id, type, name, label, help) name,
#include "base/metrics.def"
#undef METRIC
};

/* "_bucket{le="0.005"} 17": true where the line is one of the histogram's buckets. */
static bool read_bucket(const char *line, struct metrics_histogram *histogram)
{
    static const char before[] = "_bucket{le=\"", between[] = "\"} ";
    if (!g_str_has_prefix(line, before) || histogram->buckets_count == METRICS_TEXT_BUCKETS_MAX)
        return false;
    char *end;
    double bound = g_ascii_strtod(line + strlen(before), &end);
    if (!g_str_has_prefix(end, between))
        return false;
    uint64_t cumulated = g_ascii_strtoull(end + strlen(between), NULL, 10);
    size_t last = histogram->buckets_count;
    /* Ascending, or it isn't ours. */
    if (last && (!(bound > histogram->buckets[last - 1].bound_s) ||
                 cumulated < histogram->buckets[last - 1].cumulated))
        return false;
    histogram->buckets[last].bound_s = bound;
    histogram->buckets[last].cumulated = cumulated;
    histogram->buckets_count++;
    return true;
}

bool metrics_text_histogram(const char *text,
                            enum metric metric,
                            struct metrics_histogram *ret_histogram)
{
    struct metrics_histogram histogram = {0};
    size_t name_len = strlen(names[metric]);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, names[metric], name_len) != 0 || line[name_len] != '_')
            continue;
        if (g_str_has_prefix(line + name_len, "_bucket") &&
            !read_bucket(line + name_len, &histogram))
            return false;
    }
    if (!histogram.buckets_count)
        return false;
    size_t last = histogram.buckets_count - 1;
    if (!isinf(histogram.buckets[last].bound_s))
        return false;
    histogram.count = histogram.buckets[last].cumulated;
    *ret_histogram = histogram;
    return true;
}

double metrics_histogram_quantile(const struct metrics_histogram *histogram, double share)
{
    double rank = share * (double)histogram->count, from = 0;
    uint64_t below = 0;
    if (!histogram->count)
        return NAN;
    for (size_t i = 0; i < histogram->buckets_count; i++) {
        double to = histogram->buckets[i].bound_s;
        uint64_t cumulated = histogram->buckets[i].cumulated;
        if ((double)cumulated >= rank && cumulated > below)
            return isinf(to)
                       ? from
                       : from + (to - from) * (rank - (double)below) / (double)(cumulated - below);
        from = to;
        below = cumulated;
    }
    return from;
}

#include "stream/output.h"

#include "stream/cascade.h"
#include "stream/measure.h"

void output_init(struct output *output)
{
    output->stats = g_array_new(FALSE, FALSE, sizeof(struct stats_row));
    output->sentiment = g_array_new(FALSE, FALSE, sizeof(struct sentiment_row));
    output->hour_counts = g_array_new(FALSE, FALSE, sizeof(struct hour_count_row));
    output->measures = g_array_new(FALSE, FALSE, sizeof(struct measure));
    output->trending = g_array_new(FALSE, FALSE, sizeof(struct trending_row));
    output->trending_gone = g_array_new(FALSE, FALSE, sizeof(int64_t));
    output->live = g_array_new(FALSE, FALSE, sizeof(struct live_row));
    output->cascade = g_array_new(FALSE, FALSE, sizeof(struct cascade_window));
}

void output_clear(struct output *output)
{
    g_array_set_size(output->stats, 0);
    g_array_set_size(output->sentiment, 0);
    g_array_set_size(output->hour_counts, 0);
    g_array_set_size(output->measures, 0);
    g_array_set_size(output->live, 0);
    g_array_set_size(output->trending, 0);
    g_array_set_size(output->trending_gone, 0);
}

void output_free(struct output *output)
{
    g_clear_pointer(&output->stats, g_array_unref);
    g_clear_pointer(&output->sentiment, g_array_unref);
    g_clear_pointer(&output->hour_counts, g_array_unref);
    g_clear_pointer(&output->measures, g_array_unref);
    g_clear_pointer(&output->live, g_array_unref);
    g_clear_pointer(&output->trending, g_array_unref);
    g_clear_pointer(&output->trending_gone, g_array_unref);
    g_clear_pointer(&output->cascade, g_array_unref);
}

struct speed_batch output_batch(const struct output *output)
{
    return (struct speed_batch){
        .stats = (struct stats_row *)output->stats->data,
        .stats_count = output->stats->len,
        .sentiment = (struct sentiment_row *)output->sentiment->data,
        .sentiment_count = output->sentiment->len,
        .trending = (struct trending_row *)output->trending->data,
        .trending_count = output->trending->len,
        .trending_gone = (int64_t *)output->trending_gone->data,
        .trending_gone_count = output->trending_gone->len,
        .live = (struct live_row *)output->live->data,
        .live_count = output->live->len,
        .hour_counts = (struct hour_count_row *)output->hour_counts->data,
        .hour_counts_count = output->hour_counts->len,
    };
}

#include "view/sync_docs.h"

#include <string.h>

#include "base/json_writer.h"

static const char *const view_types[SPEED_TABLE_COUNT] = {
    [SPEED_SENTIMENT] = "sentiment",     [SPEED_STATS] = "stats",
    [SPEED_TRENDING] = "trending",       [SPEED_LIVE] = "live",
    [SPEED_HOUR_COUNTS] = "hour_counts",
};

const char *sync_view_type(enum speed_table table)
{
    g_assert((int)table >= 0 && table < SPEED_TABLE_COUNT);
    return view_types[table];
}

static void add_optional(GString *out, const char *key, bool has, double value)
{
    json_write_key(out, key);
    if (has)
        json_write_double(out, value);
    else
        json_write_null(out);
}

void sync_write_stats(GString *out, const struct stats_row *row)
{
    json_write_object(out);
    json_add_time(out, "hour", row->hour_ms);
    json_add_string(out, "title", row->title);
    json_add_e4(out, "vote_average", row->vote_average_e4);
    json_add_int(out, "vote_count", row->vote_count);
    json_add_e4(out, "popularity", row->popularity_e4);
    add_optional(out, "rating_velocity", row->has_velocity, row->rating_velocity);
    json_add_time(out, "last_updated", row->last_updated_ms);
    json_write_object_end(out);
}

void sync_write_sentiment(GString *out, const struct sentiment_row *rows, size_t count)
{
    json_write_object(out);
    json_write_key(out, "windows");
    json_write_array(out);
    for (size_t i = 0; i < count; i++) {
        const struct sentiment_row *row = &rows[i];
        json_write_object(out);
        json_add_time(out, "window_start", row->window_start_ms);
        json_add_time(out, "window_end", row->window_end_ms);
        json_add_double(out, "avg_sentiment", row->avg_sentiment);
        json_add_int(out, "sentiment_sum_e4", row->sentiment_sum_e4);
        json_add_int(out, "review_count", row->review_count);
        json_add_int(out, "positive_count", row->positive_count);
        json_add_int(out, "negative_count", row->negative_count);
        json_add_int(out, "neutral_count", row->neutral_count);
        add_optional(out, "sentiment_velocity", row->has_velocity, row->sentiment_velocity);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_write_object_end(out);
}

void sync_write_trending(GString *out, const struct trending_row *rows, size_t count)
{
    json_write_object(out);
    json_add_time(out, "window_end", rows[0].window_end_ms);
    json_write_key(out, "movies");
    json_write_array(out);
    for (size_t i = 0; i < count; i++) {
        const struct trending_row *row = &rows[i];
        json_write_object(out);
        json_add_int(out, "rank", row->rank);
        json_add_int(out, "movie_id", row->movie_id);
        json_add_string(out, "title", row->title);
        json_add_double(out, "trending_score", row->trending_score);
        json_add_double(out, "velocity", row->velocity);
        add_optional(out, "acceleration", row->has_acceleration, row->acceleration);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_write_object_end(out);
}

static int compare_live(const void *a, const void *b)
{
    const struct live_row *x = *(const struct live_row *const *)a,
                          *y = *(const struct live_row *const *)b;
    int by_metric = strcmp(x->metric, y->metric);
    return by_metric ? by_metric
                     : (x->window_start_ms > y->window_start_ms) -
                           (x->window_start_ms < y->window_start_ms);
}

void sync_write_live(GString *out, const struct live_row *rows, size_t count)
{
    g_autofree const struct live_row **sorted = g_new(const struct live_row *, count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &rows[i];
    qsort(sorted, count, sizeof *sorted, compare_live);
    json_write_object(out);
    json_write_key(out, "metrics");
    json_write_object(out);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(sorted[i]->metric, sorted[i - 1]->metric) != 0) {
            json_write_key(out, sorted[i]->metric);
            json_write_array(out);
        }
        json_write_object(out);
        json_add_time(out, "window_start", sorted[i]->window_start_ms);
        json_add_double(out, "value", sorted[i]->value);
        json_write_object_end(out);
        if (i + 1 == count || strcmp(sorted[i]->metric, sorted[i + 1]->metric) != 0)
            json_write_array_end(out);
    }
    json_write_object_end(out);
    json_write_object_end(out);
}

/* Rows come by topic and partition; a partition without a row counts 0. */
void sync_write_hour_counts(GString *out, const struct hour_count_row *rows, size_t count)
{
    json_write_object(out);
    json_add_time(out, "hour", rows[0].hour_ms);
    for (size_t i = 0; i < count;) {
        const char *topic = rows[i].topic;
        json_write_key(out, topic);
        json_write_array(out);
        for (int32_t partition = 0; i < count && strcmp(rows[i].topic, topic) == 0; partition++) {
            bool here = rows[i].partition <= partition;
            json_write_int(out, here ? rows[i].used_records : 0);
            if (here)
                i++;
        }
        json_write_array_end(out);
    }
    json_write_object_end(out);
}

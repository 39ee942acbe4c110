#include "sim_tables.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "speed/speed.h"

#define I64 G_GINT64_FORMAT

struct reading {
    const struct sim_view *view;
    const struct context *context;
    struct speed *speed;
    struct arena *arena;
    GPtrArray *lines;
};

static bool held(const struct reading *reading, int64_t hour_ms)
{
    return hour_ms + MS_PER_HOUR + reading->context->config->speed_retention_ms >
           reading->view->highest_event_ms;
}

static bool may_repeat(const struct reading *reading, const char *name)
{
    return reading->view->without_repeats &&
           (strstr(name, "movie.ratings") || strstr(name, "movie.metadata"));
}

G_GNUC_PRINTF(2, 3) static void line(struct reading *reading, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_ptr_array_add(reading->lines, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

/* %.17g reads back equal. */
static void read_stats(struct reading *reading)
{
    GError *error = NULL;
    struct stats_row *rows;
    size_t count;
    if (!speed_scan_stats(reading->speed, reading->arena, &rows, &count, &error))
        g_error("%s", error->message);
    for (size_t i = 0; i < count; i++) {
        if (held(reading, rows[i].hour_ms))
            line(reading,
                 "stats movie %d hour %" I64 ": %s, popularity %" I64 ", average %" I64
                 ", votes %d, updated %" I64 ", velocity %d %.17g",
                 rows[i].movie_id, rows[i].hour_ms, rows[i].title ? rows[i].title : "(none)",
                 rows[i].popularity_e4, rows[i].vote_average_e4, rows[i].vote_count,
                 rows[i].last_updated_ms, rows[i].has_velocity, rows[i].rating_velocity);
    }
}

static void read_sentiment(struct reading *reading)
{
    GError *error = NULL;
    struct sentiment_row *rows;
    size_t count;
    if (!speed_scan_sentiment(reading->speed, reading->arena, &rows, &count, &error))
        g_error("%s", error->message);
    for (size_t i = 0; i < count; i++) {
        if (held(reading, rows[i].hour_ms))
            line(reading,
                 "sentiment movie %d window %" I64 ": sum %" I64
                 ", count %d, +%d -%d =%d, velocity %d %.17g",
                 rows[i].movie_id, rows[i].window_start_ms, rows[i].sentiment_sum_e4,
                 rows[i].review_count, rows[i].positive_count, rows[i].negative_count,
                 rows[i].neutral_count, rows[i].has_velocity, rows[i].sentiment_velocity);
    }
}

static void read_trending(struct reading *reading)
{
    GError *error = NULL;
    struct trending_row *rows;
    size_t count;
    if (!speed_read_trending(reading->speed, INT64_MIN, INT64_MAX, reading->arena, &rows, &count,
                             &error))
        g_error("%s", error->message);
    for (size_t i = 0; i < count; i++) {
        if (held(reading, rows[i].hour_ms))
            line(reading,
                 "trending hour %" I64 " rank %d: window end %" I64
                 ", movie %d, score %.0f, velocity %.17g, acceleration %d %.17g",
                 rows[i].hour_ms, rows[i].rank, rows[i].window_end_ms, rows[i].movie_id,
                 rint(rows[i].trending_score * 1e9), rows[i].velocity, rows[i].has_acceleration,
                 rows[i].acceleration);
    }
}

static void read_hour_counts(struct reading *reading)
{
    GError *error = NULL;
    struct hour_count_row *rows;
    size_t count;
    if (!speed_read_hour_counts(reading->speed, INT64_MIN, INT64_MAX, reading->arena, &rows, &count,
                                &error))
        g_error("%s", error->message);
    for (size_t i = 0; i < count; i++) {
        if (held(reading, rows[i].hour_ms) && !may_repeat(reading, rows[i].topic))
            line(reading, "hour count %s/%d hour %" I64 ": %" I64, rows[i].topic, rows[i].partition,
                 rows[i].hour_ms, rows[i].used_records);
    }
}

static void read_live(struct reading *reading)
{
    GError *error = NULL;
    struct live_row *rows;
    size_t count;
    if (!speed_read_live(reading->speed, NULL, INT64_MIN, INT64_MAX, reading->arena, &rows, &count,
                         &error))
        g_error("%s", error->message);
    for (size_t i = 0; i < count; i++) {
        if (held(reading, rows[i].hour_ms) && !may_repeat(reading, rows[i].metric))
            line(reading, "live %s minute %" I64 ": %.17g", rows[i].metric, rows[i].window_start_ms,
                 rows[i].value);
    }
}

static int compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *sim_tables_read(const struct context *context, const struct sim_view *view)
{
    GError *error = NULL;
    struct reading reading = {
        .view = view,
        .context = context,
        .speed = speed_open(context, &error),
        .arena = arena_new(),
        .lines = g_ptr_array_new_with_free_func(g_free),
    };
    if (!reading.speed)
        g_error("%s", error->message);
    read_stats(&reading);
    read_sentiment(&reading);
    read_trending(&reading);
    read_hour_counts(&reading);
    read_live(&reading);
    g_ptr_array_sort(reading.lines, compare_lines);
    speed_close(reading.speed);
    arena_free(reading.arena);
    return reading.lines;
}

void sim_tables_add_counters(GPtrArray *lines, const struct stream_status *status)
{
    for (size_t i = 0; i < status->partitions_count; i++) {
        const struct stream_partition_status *partition = &status->partitions[i];
        g_ptr_array_add(lines,
                        g_strdup_printf("counters %s/%d: next %" I64 ", used %" I64
                                        ", duplicate %" I64 ", expired %" I64 ", bad %" I64,
                                        partition->topic, partition->partition,
                                        partition->next_offset, partition->used,
                                        partition->duplicate, partition->expired, partition->bad));
    }
}

#include "stream/rows_topic.h"

#include <inttypes.h>
#include <string.h>

#include "bus/bus.h"
#include "stream/rows.h"

/* Of the numbers and slashes of a key. */
#define KEY_NUMBERS_MAX 64

struct writer {
    int partition;
    struct arena *arena;
    GArray *messages;
    GByteArray *bytes;
};

/* batch: of one row or hour; NULL: none is left. */
static void add(struct writer *writer, const char *key, const struct speed_batch *batch)
{
    const size_t len = strlen(key);
    struct bus_message message = {
        .topic = ROWS_TOPIC,
        .partition = writer->partition,
        .key = {arena_strndup(writer->arena, key, len), len},
    };
    if (batch) {
        g_byte_array_set_size(writer->bytes, 0);
        rows_encode(batch, writer->bytes);
        message.value = (struct span){
            arena_strndup(writer->arena, (const char *)writer->bytes->data, writer->bytes->len),
            writer->bytes->len};
    }
    g_array_append_val(writer->messages, message);
}

static void add_stats(struct writer *writer, const struct speed_batch *batch)
{
    char key[KEY_NUMBERS_MAX];
    for (size_t i = 0; i < batch->stats_count; i++) {
        struct stats_row *row = &batch->stats[i];
        g_snprintf(key, sizeof key, "movie_stats/%" PRId32 "/%" PRId64, row->movie_id,
                   row->hour_ms);
        add(writer, key, &(struct speed_batch){.stats = row, .stats_count = 1});
    }
}

static void add_sentiment(struct writer *writer, const struct speed_batch *batch)
{
    char key[KEY_NUMBERS_MAX];
    for (size_t i = 0; i < batch->sentiment_count; i++) {
        struct sentiment_row *row = &batch->sentiment[i];
        g_snprintf(key, sizeof key, "review_sentiments/%" PRId32 "/%" PRId64, row->movie_id,
                   row->window_start_ms);
        add(writer, key, &(struct speed_batch){.sentiment = row, .sentiment_count = 1});
    }
}

/* The rows of an hour stand together. */
static void add_trending(struct writer *writer, const struct speed_batch *batch)
{
    char key[KEY_NUMBERS_MAX];
    for (size_t from = 0, to; from < batch->trending_count; from = to) {
        const int64_t hour_ms = batch->trending[from].hour_ms;
        for (to = from; to < batch->trending_count && batch->trending[to].hour_ms == hour_ms;)
            to++;
        g_snprintf(key, sizeof key, "trending_movies/%" PRId64, hour_ms);
        add(writer, key,
            &(struct speed_batch){.trending = batch->trending + from, .trending_count = to - from});
    }
    for (size_t i = 0; i < batch->trending_gone_count; i++) {
        g_snprintf(key, sizeof key, "trending_movies/%" PRId64, batch->trending_gone[i]);
        add(writer, key, NULL);
    }
}

static void add_live(struct writer *writer, const struct speed_batch *batch)
{
    for (size_t i = 0; i < batch->live_count; i++) {
        struct live_row *row = &batch->live[i];
        g_autofree char *key =
            g_strdup_printf("real_time_stats/%s/%" PRId64, row->metric, row->window_start_ms);
        add(writer, key, &(struct speed_batch){.live = row, .live_count = 1});
    }
}

static void add_hour_counts(struct writer *writer, const struct speed_batch *batch)
{
    for (size_t i = 0; i < batch->hour_counts_count; i++) {
        struct hour_count_row *row = &batch->hour_counts[i];
        g_autofree char *key = g_strdup_printf("hour_counts/%s/%" PRId32 "/%" PRId64, row->topic,
                                               row->partition, row->hour_ms);
        add(writer, key, &(struct speed_batch){.hour_counts = row, .hour_counts_count = 1});
    }
}

void rows_topic_messages(const struct speed_batch *batch,
                         int partition,
                         struct arena *arena,
                         GArray *messages)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct writer writer = {partition, arena, messages, bytes};
    add_stats(&writer, batch);
    add_sentiment(&writer, batch);
    add_trending(&writer, batch);
    add_live(&writer, batch);
    add_hour_counts(&writer, batch);
}

/* The only one that goes by itself. */
static bool read_gone(struct span key, struct arena *arena, struct speed_batch *ret_batch)
{
    static const char head[] = "trending_movies/";
    g_autofree char *text = g_strndup(key.data, key.len);
    char *end;
    if (!g_str_has_prefix(text, head))
        return false;
    int64_t *hour_ms = arena_array(arena, int64_t, 1);
    *hour_ms = g_ascii_strtoll(text + strlen(head), &end, 10);
    *ret_batch = (struct speed_batch){.trending_gone = hour_ms, .trending_gone_count = 1};
    return *end == '\0' && end > text + strlen(head);
}

bool rows_topic_read(struct span key,
                     struct span value,
                     struct arena *arena,
                     struct speed_batch *ret_batch,
                     GError **error)
{
    struct speed_batch batch;
    if (value.len > 0) {
        if (!rows_decode(value, arena, &batch, error))
            return false;
    } else if (!read_gone(key, arena, &batch)) {
        error_set(error, BADDATA,
                  "%s has a record without a value under another key than an hour's "
                  "ranks",
                  ROWS_TOPIC);
        return false;
    }
    *ret_batch = batch;
    return true;
}

static void count(struct metrics *metrics, enum speed_table table, size_t rows)
{
    if (rows)
        metrics_add(metrics, METRIC_SPEED_ROWS, speed_table_name(table), rows);
}

void rows_topic_count(const struct speed_batch *batch, struct metrics *metrics)
{
    count(metrics, SPEED_STATS, batch->stats_count);
    count(metrics, SPEED_SENTIMENT, batch->sentiment_count);
    count(metrics, SPEED_TRENDING, batch->trending_count);
    count(metrics, SPEED_LIVE, batch->live_count);
    count(metrics, SPEED_HOUR_COUNTS, batch->hour_counts_count);
}

#include "stream/rows.h"

#include <string.h>

#include "model/varint.h"

#define FORMAT 1
/* The fixed part of a row: at most nine numbers. */
#define ROW_BYTES_MAX (9 * VARINT_LONG_BYTES_MAX + 4 * sizeof(double))
/* The least bytes of any row: what a claimed count is checked against before room is made. */
#define ROW_BYTES_MIN 1

/* Distances are from the row before, within a table. */
struct last {
    int64_t hour_ms, movie_id;
};

/* ---- writing ---- */

struct writer {
    GByteArray *out;
    uint8_t *to;
};

static void reserve(struct writer *writer, size_t bytes)
{
    const guint len = writer->out->len;
    g_byte_array_set_size(writer->out, len + (guint)bytes);
    writer->to = writer->out->data + len;
}

static void done(struct writer *writer)
{
    g_byte_array_set_size(writer->out, (guint)(writer->to - writer->out->data));
}

static void put_int(struct writer *writer, int64_t number)
{
    writer->to = varint_write(writer->to, number);
}

static void put_double(struct writer *writer, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    bits = GUINT64_TO_LE(bits);
    memcpy(writer->to, &bits, sizeof bits);
    writer->to += sizeof bits;
}

static void put_optional(struct writer *writer, bool has, double number)
{
    *writer->to++ = has;
    if (has)
        put_double(writer, number);
}

static void put_text(struct writer *writer, const char *text, size_t len)
{
    put_int(writer, text ? (int64_t)len : -1);
    if (text && len)
        memcpy(writer->to, text, len);
    writer->to += text ? len : 0;
}

static size_t text_len(const char *text)
{
    return text ? strlen(text) : 0;
}

static void put_key(struct writer *writer, struct last *last, int64_t hour_ms, int64_t movie_id)
{
    put_int(writer, hour_ms - last->hour_ms);
    put_int(writer, movie_id - last->movie_id);
    *last = (struct last){hour_ms, movie_id};
}

static void put_count(struct writer *writer, size_t count)
{
    reserve(writer, VARINT_LONG_BYTES_MAX);
    put_int(writer, (int64_t)count);
    done(writer);
}

static void put_stats(struct writer *writer, const struct speed_batch *batch)
{
    struct last last = {0};
    put_count(writer, batch->stats_count);
    for (size_t i = 0; i < batch->stats_count; i++) {
        const struct stats_row *row = &batch->stats[i];
        const size_t len = text_len(row->title);
        reserve(writer, ROW_BYTES_MAX + len);
        put_key(writer, &last, row->hour_ms, row->movie_id);
        put_text(writer, row->title, len);
        put_int(writer, row->popularity_e4);
        put_int(writer, row->vote_average_e4);
        put_int(writer, row->vote_count);
        put_optional(writer, row->has_velocity, row->rating_velocity);
        put_int(writer, row->last_updated_ms - row->hour_ms);
        done(writer);
    }
}

static void put_sentiment(struct writer *writer, const struct sentiment_row *rows, size_t count)
{
    struct last last = {0};
    put_count(writer, count);
    for (size_t i = 0; i < count; i++) {
        const struct sentiment_row *row = &rows[i];
        reserve(writer, ROW_BYTES_MAX);
        put_key(writer, &last, row->hour_ms, row->movie_id);
        put_int(writer, row->window_start_ms - row->hour_ms);
        put_int(writer, row->window_end_ms - row->window_start_ms);
        put_int(writer, row->sentiment_sum_e4);
        put_int(writer, row->review_count);
        put_int(writer, row->positive_count);
        put_int(writer, row->negative_count);
        put_int(writer, row->neutral_count);
        put_double(writer, row->avg_sentiment);
        put_optional(writer, row->has_velocity, row->sentiment_velocity);
        done(writer);
    }
}

static void put_trending(struct writer *writer, const struct speed_batch *batch)
{
    struct last last = {0};
    put_count(writer, batch->trending_count);
    for (size_t i = 0; i < batch->trending_count; i++) {
        const struct trending_row *row = &batch->trending[i];
        const size_t len = text_len(row->title);
        reserve(writer, ROW_BYTES_MAX + len);
        put_key(writer, &last, row->hour_ms, row->movie_id);
        put_int(writer, row->window_end_ms - row->hour_ms);
        put_int(writer, row->rank);
        put_text(writer, row->title, len);
        put_double(writer, row->trending_score);
        put_double(writer, row->velocity);
        put_optional(writer, row->has_acceleration, row->acceleration);
        done(writer);
    }
    put_count(writer, batch->trending_gone_count);
    for (size_t i = 0; i < batch->trending_gone_count; i++) {
        reserve(writer, ROW_BYTES_MAX);
        put_int(writer, batch->trending_gone[i]);
        done(writer);
    }
}

static void put_live(struct writer *writer, const struct speed_batch *batch)
{
    put_count(writer, batch->live_count);
    for (size_t i = 0; i < batch->live_count; i++) {
        const struct live_row *row = &batch->live[i];
        const size_t len = text_len(row->metric);
        reserve(writer, ROW_BYTES_MAX + len);
        put_text(writer, row->metric, len);
        put_int(writer, row->hour_ms);
        put_int(writer, row->window_start_ms - row->hour_ms);
        put_double(writer, row->value);
        done(writer);
    }
}

static void put_hour_counts(struct writer *writer, const struct speed_batch *batch)
{
    put_count(writer, batch->hour_counts_count);
    for (size_t i = 0; i < batch->hour_counts_count; i++) {
        const struct hour_count_row *row = &batch->hour_counts[i];
        const size_t len = text_len(row->topic);
        reserve(writer, ROW_BYTES_MAX + len);
        put_text(writer, row->topic, len);
        put_int(writer, row->partition);
        put_int(writer, row->hour_ms);
        put_int(writer, row->used_records);
        done(writer);
    }
}

static void put_stats_gone(struct writer *writer, const struct speed_batch *batch)
{
    struct last last = {0};
    put_count(writer, batch->stats_gone_count);
    for (size_t i = 0; i < batch->stats_gone_count; i++) {
        reserve(writer, ROW_BYTES_MAX);
        put_key(writer, &last, batch->stats_gone[i].hour_ms, batch->stats_gone[i].movie_id);
        done(writer);
    }
}

void rows_encode(const struct speed_batch *batch, GByteArray *out)
{
    struct writer writer = {.out = out};
    const uint8_t format = FORMAT;
    g_byte_array_append(out, &format, 1);
    put_stats(&writer, batch);
    put_stats_gone(&writer, batch);
    put_sentiment(&writer, batch->sentiment, batch->sentiment_count);
    put_sentiment(&writer, batch->sentiment_gone, batch->sentiment_gone_count);
    put_trending(&writer, batch);
    put_live(&writer, batch);
    put_hour_counts(&writer, batch);
}

/* ---- reading ---- */

/* After the first fault everything reads as 0. */
struct reader {
    const unsigned char *at, *end;
    struct arena *arena;
    bool right;
};

static int64_t take_int(struct reader *reader)
{
    int64_t number = 0;
    reader->right = reader->right && varint_read_long(&reader->at, reader->end, &number);
    return reader->right ? number : 0;
}

static int32_t take_int32(struct reader *reader)
{
    int64_t number = take_int(reader);
    reader->right = reader->right && number >= INT32_MIN && number <= INT32_MAX;
    return reader->right ? (int32_t)number : 0;
}

static int64_t add(struct reader *reader, int64_t a, int64_t b)
{
    int64_t sum = 0;
    reader->right = reader->right && !__builtin_add_overflow(a, b, &sum);
    return reader->right ? sum : 0;
}

static double take_double(struct reader *reader)
{
    uint64_t bits = 0;
    double number;
    reader->right = reader->right && (size_t)(reader->end - reader->at) >= sizeof bits;
    if (reader->right) {
        memcpy(&bits, reader->at, sizeof bits);
        reader->at += sizeof bits;
    }
    bits = GUINT64_FROM_LE(bits);
    memcpy(&number, &bits, sizeof number);
    return number;
}

static bool take_optional(struct reader *reader, double *ret_number)
{
    reader->right = reader->right && reader->at < reader->end && *reader->at <= 1;
    bool has = reader->right && *reader->at++;
    *ret_number = has ? take_double(reader) : 0;
    return has;
}

static const char *take_text(struct reader *reader)
{
    int64_t len = take_int(reader);
    reader->right = reader->right && len >= -1 && len <= reader->end - reader->at;
    if (!reader->right || len < 0)
        return NULL;
    const char *text = arena_strndup(reader->arena, (const char *)reader->at, (size_t)len);
    reader->at += len;
    return text;
}

static const char *need_text(struct reader *reader)
{
    const char *text = take_text(reader);
    reader->right = reader->right && text;
    return text ? text : "";
}

/* A row has at least a byte, so no count makes more room than the bytes are worth. */
static size_t take_count(struct reader *reader)
{
    int64_t count = take_int(reader);
    reader->right = reader->right && count >= 0 && count <= ROWS_COUNT_MAX &&
                    count <= (reader->end - reader->at) / ROW_BYTES_MIN;
    return reader->right ? (size_t)count : 0;
}

static void take_key(struct reader *reader, struct last *last)
{
    last->hour_ms = add(reader, last->hour_ms, take_int(reader));
    last->movie_id = add(reader, last->movie_id, take_int(reader));
    reader->right = reader->right && last->movie_id >= INT32_MIN && last->movie_id <= INT32_MAX;
}

static void take_stats(struct reader *reader, struct speed_batch *batch)
{
    struct last last = {0};
    batch->stats_count = take_count(reader);
    batch->stats = arena_array(reader->arena, struct stats_row, batch->stats_count);
    for (size_t i = 0; i < batch->stats_count && reader->right; i++) {
        struct stats_row *row = &batch->stats[i];
        take_key(reader, &last);
        row->hour_ms = last.hour_ms;
        row->movie_id = (int32_t)last.movie_id;
        row->title = take_text(reader);
        row->popularity_e4 = take_int(reader);
        row->vote_average_e4 = take_int(reader);
        row->vote_count = take_int32(reader);
        row->has_velocity = take_optional(reader, &row->rating_velocity);
        row->last_updated_ms = add(reader, row->hour_ms, take_int(reader));
    }
}

static void take_stats_gone(struct reader *reader, struct speed_batch *batch)
{
    struct last last = {0};
    batch->stats_gone_count = take_count(reader);
    batch->stats_gone = arena_array(reader->arena, struct stats_row, batch->stats_gone_count);
    for (size_t i = 0; i < batch->stats_gone_count && reader->right; i++) {
        take_key(reader, &last);
        batch->stats_gone[i].hour_ms = last.hour_ms;
        batch->stats_gone[i].movie_id = (int32_t)last.movie_id;
    }
}

static void
take_sentiment(struct reader *reader, struct sentiment_row **ret_rows, size_t *ret_count)
{
    struct last last = {0};
    size_t count = take_count(reader);
    struct sentiment_row *rows = arena_array(reader->arena, struct sentiment_row, count);
    for (size_t i = 0; i < count && reader->right; i++) {
        struct sentiment_row *row = &rows[i];
        take_key(reader, &last);
        row->hour_ms = last.hour_ms;
        row->movie_id = (int32_t)last.movie_id;
        row->window_start_ms = add(reader, row->hour_ms, take_int(reader));
        row->window_end_ms = add(reader, row->window_start_ms, take_int(reader));
        row->sentiment_sum_e4 = take_int(reader);
        row->review_count = take_int32(reader);
        row->positive_count = take_int32(reader);
        row->negative_count = take_int32(reader);
        row->neutral_count = take_int32(reader);
        row->avg_sentiment = take_double(reader);
        row->has_velocity = take_optional(reader, &row->sentiment_velocity);
    }
    *ret_rows = rows;
    *ret_count = count;
}

static void take_trending(struct reader *reader, struct speed_batch *batch)
{
    struct last last = {0};
    batch->trending_count = take_count(reader);
    batch->trending = arena_array(reader->arena, struct trending_row, batch->trending_count);
    for (size_t i = 0; i < batch->trending_count && reader->right; i++) {
        struct trending_row *row = &batch->trending[i];
        take_key(reader, &last);
        row->hour_ms = last.hour_ms;
        row->movie_id = (int32_t)last.movie_id;
        row->window_end_ms = add(reader, row->hour_ms, take_int(reader));
        row->rank = take_int32(reader);
        row->title = take_text(reader);
        row->trending_score = take_double(reader);
        row->velocity = take_double(reader);
        row->has_acceleration = take_optional(reader, &row->acceleration);
    }
    batch->trending_gone_count = take_count(reader);
    batch->trending_gone = arena_array(reader->arena, int64_t, batch->trending_gone_count);
    for (size_t i = 0; i < batch->trending_gone_count; i++)
        batch->trending_gone[i] = take_int(reader);
}

static void take_live(struct reader *reader, struct speed_batch *batch)
{
    batch->live_count = take_count(reader);
    batch->live = arena_array(reader->arena, struct live_row, batch->live_count);
    for (size_t i = 0; i < batch->live_count && reader->right; i++) {
        struct live_row *row = &batch->live[i];
        row->metric = need_text(reader);
        row->hour_ms = take_int(reader);
        row->window_start_ms = add(reader, row->hour_ms, take_int(reader));
        row->value = take_double(reader);
    }
}

static void take_hour_counts(struct reader *reader, struct speed_batch *batch)
{
    batch->hour_counts_count = take_count(reader);
    batch->hour_counts =
        arena_array(reader->arena, struct hour_count_row, batch->hour_counts_count);
    for (size_t i = 0; i < batch->hour_counts_count && reader->right; i++) {
        struct hour_count_row *row = &batch->hour_counts[i];
        row->topic = need_text(reader);
        row->partition = take_int32(reader);
        row->hour_ms = take_int(reader);
        row->used_records = take_int(reader);
    }
}

bool rows_decode(struct span bytes,
                 struct arena *arena,
                 struct speed_batch *ret_batch,
                 GError **error)
{
    const unsigned char *start = (const unsigned char *)bytes.data;
    struct reader reader = {.at = start, .end = start + bytes.len, .arena = arena};
    struct speed_batch batch = {0};
    reader.right = bytes.len > 0 && *reader.at++ == FORMAT;
    take_stats(&reader, &batch);
    take_stats_gone(&reader, &batch);
    take_sentiment(&reader, &batch.sentiment, &batch.sentiment_count);
    take_sentiment(&reader, &batch.sentiment_gone, &batch.sentiment_gone_count);
    take_trending(&reader, &batch);
    take_live(&reader, &batch);
    take_hour_counts(&reader, &batch);
    if (!reader.right || reader.at != reader.end) {
        error_set(error, BADDATA, "rows of the speed tables are damaged");
        return false;
    }
    *ret_batch = batch;
    return true;
}

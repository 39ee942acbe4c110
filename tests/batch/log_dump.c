#include "log_dump.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static struct span span_of(json_t *value)
{
    const char *text = json_string_value(value);
    return (struct span){text ? text : "", text ? json_string_length(value) : 0};
}

static double double_of(json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static int64_t int_of(json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static bool has(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return value && !json_is_null(value);
}

static void encode_rating(struct serde *serde, json_t *value, GByteArray *bytes)
{
    const struct rating rating = {
        .movie_id = (int32_t)int_of(value, "movie_id"),
        .vote_average = double_of(value, "vote_average"),
        .vote_count = (int32_t)int_of(value, "vote_count"),
        .popularity = double_of(value, "popularity"),
        .timestamp_ms = int_of(value, "timestamp"),
    };
    serde_encode(serde, TOPIC_RATINGS, &rating, bytes);
}

static void encode_metadata(struct serde *serde, json_t *value, GByteArray *bytes)
{
    json_t *genres = json_object_get(value, "genres");
    size_t count = json_array_size(genres);
    g_autofree struct span *spans = g_new0(struct span, count + 1);
    for (size_t i = 0; i < count; i++)
        spans[i] = span_of(json_array_get(genres, i));
    const struct metadata metadata = {
        .movie_id = (int32_t)int_of(value, "movie_id"),
        .title = span_of(json_object_get(value, "title")),
        .has_release_date = has(value, "release_date"),
        .release_date = span_of(json_object_get(value, "release_date")),
        .genres = spans,
        .genres_count = count,
        .has_runtime = has(value, "runtime"),
        .runtime = (int32_t)int_of(value, "runtime"),
        .has_budget = has(value, "budget"),
        .budget = int_of(value, "budget"),
        .has_revenue = has(value, "revenue"),
        .revenue = int_of(value, "revenue"),
        .timestamp_ms = int_of(value, "timestamp"),
        .event_type = span_of(json_object_get(value, "event_type")),
    };
    serde_encode(serde, TOPIC_METADATA, &metadata, bytes);
}

static void encode_review(struct serde *serde, json_t *value, GByteArray *bytes)
{
    const struct review review = {
        .review_id = span_of(json_object_get(value, "review_id")),
        .movie_id = (int32_t)int_of(value, "movie_id"),
        .author = span_of(json_object_get(value, "author")),
        .content = span_of(json_object_get(value, "content")),
        .url = span_of(json_object_get(value, "url")),
        .has_rating = has(value, "rating"),
        .rating = double_of(value, "rating"),
        .created_at_ms = int_of(value, "created_at"),
        .has_updated_at = has(value, "updated_at"),
        .updated_at_ms = int_of(value, "updated_at"),
    };
    serde_encode(serde, TOPIC_REVIEWS, &review, bytes);
}

static void encode_event(struct serde *serde, json_t *value, GByteArray *bytes)
{
    static const char *const types[] = {"view", "click", "search", "watchlist", "rate", "share"};
    const char *type = json_string_value(json_object_get(value, "event_type"));
    struct user_event event = {
        .event_id = span_of(json_object_get(value, "event_id")),
        .user_id = int_of(value, "user_id"),
        .movie_id = (int32_t)int_of(value, "movie_id"),
        .has_rating = has(value, "rating"),
        .rating = double_of(value, "rating"),
        .timestamp_ms = int_of(value, "timestamp"),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_strcmp0(types[i], type) == 0)
            event.event_type = (int32_t)i;
    }
    serde_encode(serde, TOPIC_EVENTS, &event, bytes);
}

static void append_hex(GByteArray *bytes, const char *hex)
{
    for (size_t i = 0; hex && hex[i] && hex[i + 1]; i += 2) {
        guint8 byte =
            (guint8)(g_ascii_xdigit_value(hex[i]) << 4 | g_ascii_xdigit_value(hex[i + 1]));
        g_byte_array_append(bytes, &byte, 1);
    }
}

void log_dump_parse(const char *line,
                    struct serde *serde,
                    GByteArray *bytes,
                    struct log_line *ret_line)
{
    json_error_t why;
    json_t *dumped = json_loads(line, 0, &why);
    if (!dumped)
        g_error("log dump: %s: %s", why.text, line);
    const struct topic_info *info =
        topic_by_name(json_string_value(json_object_get(dumped, "topic")));
    g_assert(info);
    json_t *value = json_object_get(dumped, "value");
    g_byte_array_set_size(bytes, 0);
    if (json_object_get(value, "_bad"))
        append_hex(bytes, json_string_value(json_object_get(value, "bytes")));
    else if (info->id == TOPIC_RATINGS)
        encode_rating(serde, value, bytes);
    else if (info->id == TOPIC_METADATA)
        encode_metadata(serde, value, bytes);
    else if (info->id == TOPIC_REVIEWS)
        encode_review(serde, value, bytes);
    else
        encode_event(serde, value, bytes);
    *ret_line = (struct log_line){
        .info = info,
        .partition = (int)int_of(dumped, "partition"),
        .offset = int_of(dumped, "offset"),
        .append_time_ms = int_of(dumped, "append_time"),
        .bytes = bytes,
    };
    json_decref(dumped);
}

/* The tables that join each struct of record.h with its contract. A field that is missing here is
 * found by decoder_new (FAILED), a field of the wrong kind by the same. */
#include "model/record.h"

#include <math.h>

#define NONE SIZE_MAX

#define FIELD(type, name_, kind_, member)                                                          \
    {                                                                                              \
        .name = (name_), .kind = FIELD_##kind_, .offset = offsetof(struct type, member),           \
        .extra_offset = NONE                                                                       \
    }
#define OPTIONAL(type, name_, kind_, member)                                                       \
    {                                                                                              \
        .name = (name_), .kind = FIELD_##kind_, .offset = offsetof(struct type, member),           \
        .extra_offset = offsetof(struct type, has_##member)                                        \
    }
#define MANY(type, name_, kind_, member, element_)                                                 \
    {                                                                                              \
        .name = (name_), .kind = FIELD_##kind_, .offset = offsetof(struct type, member),           \
        .extra_offset = offsetof(struct type, member##_count), .element = (element_)               \
    }
#define TYPE(type, fields_)                                                                        \
    {                                                                                              \
        .name = #type, .size = sizeof(struct type), .fields = (fields_),                           \
        .fields_count = sizeof(fields_) / sizeof(fields_)[0]                                       \
    }

static const struct record_field rating_fields[] = {
    FIELD(rating, "movie_id", INT, movie_id),
    FIELD(rating, "vote_average", DOUBLE, vote_average),
    FIELD(rating, "vote_count", INT, vote_count),
    FIELD(rating, "popularity", DOUBLE, popularity),
    FIELD(rating, "timestamp", LONG, timestamp_ms),
};
const struct record_type rating_type = TYPE(rating, rating_fields);

static const struct record_field metadata_fields[] = {
    FIELD(metadata, "movie_id", INT, movie_id),
    FIELD(metadata, "title", STRING, title),
    OPTIONAL(metadata, "release_date", STRING, release_date),
    MANY(metadata, "genres", STRINGS, genres, NULL),
    OPTIONAL(metadata, "runtime", INT, runtime),
    OPTIONAL(metadata, "budget", LONG, budget),
    OPTIONAL(metadata, "revenue", LONG, revenue),
    FIELD(metadata, "timestamp", LONG, timestamp_ms),
    FIELD(metadata, "event_type", STRING, event_type),
};
const struct record_type metadata_type = TYPE(metadata, metadata_fields);

static const struct record_field review_fields[] = {
    FIELD(review, "review_id", STRING, review_id),
    FIELD(review, "movie_id", INT, movie_id),
    FIELD(review, "author", STRING, author),
    FIELD(review, "content", STRING, content),
    OPTIONAL(review, "rating", DOUBLE, rating),
    FIELD(review, "created_at", LONG, created_at_ms),
    FIELD(review, "url", STRING, url),
    {.name = "updated_at",
     .kind = FIELD_LONG,
     .offset = offsetof(struct review, updated_at_ms),
     .extra_offset = offsetof(struct review, has_updated_at)},
};
const struct record_type review_type = TYPE(review, review_fields);

static const struct record_field user_event_fields[] = {
    FIELD(user_event, "event_id", STRING, event_id),
    FIELD(user_event, "user_id", LONG, user_id),
    FIELD(user_event, "movie_id", INT, movie_id),
    FIELD(user_event, "event_type", ENUM, event_type),
    OPTIONAL(user_event, "rating", DOUBLE, rating),
    FIELD(user_event, "timestamp", LONG, timestamp_ms),
};
const struct record_type user_event_type = TYPE(user_event, user_event_fields);

static const struct record_field trending_movie_fields[] = {
    FIELD(trending_movie, "rank", INT, rank),
    FIELD(trending_movie, "movie_id", INT, movie_id),
    OPTIONAL(trending_movie, "title", STRING, title),
    FIELD(trending_movie, "trending_score", DOUBLE, trending_score),
    FIELD(trending_movie, "velocity", DOUBLE, velocity),
    OPTIONAL(trending_movie, "acceleration", DOUBLE, acceleration),
};
static const struct record_type trending_movie_type = TYPE(trending_movie, trending_movie_fields);

static const struct record_field trending_fields[] = {
    FIELD(trending, "window_start", LONG, window_start_ms),
    FIELD(trending, "window_end", LONG, window_end_ms),
    FIELD(trending, "revision", INT, revision),
    MANY(trending, "movies", RECORDS, movies, &trending_movie_type),
};
const struct record_type trending_type = TYPE(trending, trending_fields);

static const struct record_field deadletter_fields[] = {
    FIELD(deadletter, "topic", STRING, topic), FIELD(deadletter, "partition", INT, partition),
    FIELD(deadletter, "offset", LONG, offset), FIELD(deadletter, "reason", STRING, reason),
    FIELD(deadletter, "bytes", BYTES, bytes),
};
const struct record_type deadletter_type = TYPE(deadletter, deadletter_fields);

int64_t e4_from_double(double value)
{
    return (int64_t)rint(value * 1e4);
}

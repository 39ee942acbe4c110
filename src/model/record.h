/* Records: what travels on the bus, as plain C structs.
 *
 * A struct span points into the decoded input or into the arena that the decoder was given; it is
 * not NUL-terminated and lives as long as they do. Event times are ms UTC. An optional value has a
 * has_ flag. How a struct maps to its Avro schema is a table (struct record_type, record.c) that
 * the codec walks, so a field stands in two places only: the contract (contracts/avro) and the
 * struct. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const char *data;
    size_t len;
};

struct rating {
    int32_t movie_id;
    int32_t vote_count;
    double vote_average;
    double popularity;
    int64_t timestamp_ms;
};

struct metadata {
    int32_t movie_id;
    bool has_release_date, has_runtime, has_budget, has_revenue;
    int32_t runtime;
    struct span title;
    struct span release_date; /* "2026-02-12" */
    struct span *genres;
    size_t genres_count;
    int64_t budget, revenue; /* US dollars */
    int64_t timestamp_ms;
    struct span event_type; /* "new", "update" */
};

struct review {
    struct span review_id, author, content, url;
    int32_t movie_id;
    bool has_rating, has_updated_at;
    double rating;
    int64_t created_at_ms, updated_at_ms;
};

enum event_type { EVENT_VIEW, EVENT_CLICK, EVENT_SEARCH, EVENT_WATCHLIST, EVENT_RATE, EVENT_SHARE };

struct user_event {
    struct span event_id;
    int64_t user_id;
    int32_t movie_id;
    int32_t event_type; /* enum event_type */
    bool has_rating;
    double rating;
    int64_t timestamp_ms;
};

struct trending_movie {
    int32_t rank, movie_id;
    bool has_title, has_acceleration;
    struct span title;
    double trending_score, velocity, acceleration;
};

struct trending {
    int64_t window_start_ms, window_end_ms;
    int32_t revision;
    struct trending_movie *movies;
    size_t movies_count;
};

struct deadletter {
    struct span topic;
    int32_t partition;
    int64_t offset;
    struct span reason, bytes;
};

/* How one field of a struct maps to a field of its schema. */
enum field_kind {
    FIELD_INT,     /* int32_t */
    FIELD_LONG,    /* int64_t, also timestamp-millis */
    FIELD_DOUBLE,  /* double */
    FIELD_STRING,  /* struct span, UTF-8 */
    FIELD_BYTES,   /* struct span */
    FIELD_ENUM,    /* int32_t, index of the reader's symbol */
    FIELD_STRINGS, /* struct span *, with a size_t count */
    FIELD_RECORDS, /* array of structs, with a size_t count */
};

struct record_type;

struct record_field {
    const char *name; /* as in the schema */
    enum field_kind kind;
    size_t offset;
    size_t extra_offset; /* of the bool has_ flag, or of the count of an array; else SIZE_MAX */
    const struct record_type *element; /* FIELD_RECORDS */
};

struct record_type {
    const char *name; /* "rating" */
    size_t size;
    const struct record_field *fields;
    size_t fields_count;
};

extern const struct record_type rating_type, metadata_type, review_type, user_event_type,
    trending_type, deadletter_type;

/* Popularity, vote_average and compound as exact integers of 1/10,000: rint(value * 1e4). */
int64_t e4_from_double(double value);

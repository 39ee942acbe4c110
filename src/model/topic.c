#include "model/topic.h"

#include <string.h>

#include <glib.h>

#define INTERNAL_START "marquee.stream."

#define TOPIC(id_, name_, type_, event_time)                                                       \
    [id_] = {.id = (id_),                                                                          \
             .name = (name_),                                                                      \
             .subject = name_ "-value",                                                            \
             .schema_path = "contracts/avro/" name_ ".avsc",                                       \
             .type = &type_##_type,                                                                \
             .event_time_offset = (event_time)}

static const struct topic_info topics[TOPIC_COUNT] = {
    TOPIC(TOPIC_REVIEWS, "movie.reviews", review, offsetof(struct review, created_at_ms)),
    TOPIC(TOPIC_RATINGS, "movie.ratings", rating, offsetof(struct rating, timestamp_ms)),
    TOPIC(TOPIC_METADATA, "movie.metadata", metadata, offsetof(struct metadata, timestamp_ms)),
    TOPIC(TOPIC_TRENDING, "movie.trending", trending, offsetof(struct trending, window_end_ms)),
    TOPIC(TOPIC_EVENTS, "user.events", user_event, offsetof(struct user_event, timestamp_ms)),
    TOPIC(TOPIC_DEADLETTER, "marquee.deadletter", deadletter, SIZE_MAX),
};

const struct topic_info *topic_info(enum topic topic)
{
    g_assert((unsigned)topic < TOPIC_COUNT);
    return &topics[topic];
}

const struct topic_info *topic_by_name(const char *name)
{
    for (size_t i = 0; i < TOPIC_COUNT; i++) {
        if (strcmp(topics[i].name, name) == 0)
            return &topics[i];
    }
    return NULL;
}

bool topic_internal(const char *name)
{
    return g_str_has_prefix(name, INTERNAL_START);
}

int topic_partition(const void *key, size_t len, int partitions)
{
    return (murmur2(key, len) & INT32_MAX) % partitions;
}

size_t topic_movie_key(int32_t movie_id, char buffer[TOPIC_KEY_BYTES])
{
    char reversed[TOPIC_KEY_BYTES];
    uint32_t rest = movie_id < 0 ? 0u - (uint32_t)movie_id : (uint32_t)movie_id;
    size_t digits = 0, len = 0;
    do {
        reversed[digits++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (movie_id < 0)
        buffer[len++] = '-';
    while (digits > 0)
        buffer[len++] = reversed[--digits];
    return len;
}

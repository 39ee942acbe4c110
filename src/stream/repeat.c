#include "stream/repeat.h"

#include <string.h>

#include <glib.h>

#include "stream/window.h"

static bool take_number(const char **at, const char *end, int64_t *ret_number)
{
    const char *start = *at;
    int64_t number = 0;
    bool fits = true;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
        fits = fits && !__builtin_mul_overflow(number, 10, &number) &&
               !__builtin_add_overflow(number, **at - '0', &number);
    *ret_number = number;
    return *at > start && fits;
}

static bool take_char(const char **at, const char *end, char expected)
{
    if (*at == end || **at != expected)
        return false;
    (*at)++;
    return true;
}

bool producer_id_parse(struct span id, struct producer_id *ret_id)
{
    const char *at = id.data, *end = id.data + id.len;
    while (at < end && ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-'))
        at++;
    struct producer_id parsed = {.producer = {id.data, (size_t)(at - id.data)}};
    if (!parsed.producer.len || !take_char(&at, end, '.') ||
        !take_number(&at, end, &parsed.epoch) || !take_char(&at, end, ':') ||
        !take_number(&at, end, &parsed.sequence) || at != end)
        return false;
    *ret_id = parsed;
    return true;
}

int64_t review_version(const struct review *review)
{
    return review->has_updated_at ? review->updated_at_ms : review->created_at_ms;
}

/* movie, created_at, then the id: the first two have fixed lengths, so no two reviews share a key.
 */
static struct seen_key review_key(const struct review *review, GString *room)
{
    g_string_append_len(room, (const char *)&review->movie_id, sizeof review->movie_id);
    g_string_append_len(room, (const char *)&review->created_at_ms, sizeof review->created_at_ms);
    g_string_append_len(room, review->review_id.data, (gssize)review->review_id.len);
    return (struct seen_key){.kind = SEEN_REVIEW,
                             .bucket = hour_of(review->created_at_ms),
                             .key = {room->str, room->len}};
}

bool repeat_review(struct seen *seen,
                   const struct review *review,
                   bool *ret_repeat,
                   bool *ret_replaces,
                   int64_t *ret_old_compound_e4,
                   GError **error)
{
    g_autoptr(GString) room = g_string_sized_new(SEEN_KEY_BYTES_MAX);
    struct seen_key key = review_key(review, room);
    const struct seen_entry *before;
    if (!seen_find(seen, &key, &before, error))
        return false;
    *ret_repeat = before && review_version(review) <= before->a;
    *ret_replaces = before && !*ret_repeat;
    *ret_old_compound_e4 = before ? before->b : 0;
    return true;
}

void repeat_note_review(struct seen *seen, const struct review *review, int64_t compound_e4)
{
    g_autoptr(GString) room = g_string_sized_new(SEEN_KEY_BYTES_MAX);
    struct seen_key key = review_key(review, room);
    seen_put(seen, &key, review_version(review), compound_e4);
}

/* Producer and epoch as a number: a.01 is a.1. */
static bool repeat_producer(struct seen *seen,
                            const struct producer_id *id,
                            int64_t append_ms,
                            bool *ret_repeat,
                            GError **error)
{
    g_autoptr(GString) room = g_string_sized_new(SEEN_KEY_BYTES_MAX);
    g_string_append_len(room, id->producer.data, (gssize)id->producer.len);
    g_string_append_printf(room, ".%" G_GINT64_FORMAT, id->epoch);
    struct seen_key key = {.kind = SEEN_PRODUCER, .key = {room->str, room->len}};
    const struct seen_entry *before;
    if (!seen_find(seen, &key, &before, error))
        return false;
    bool remembered = before && append_ms - before->b < REPEAT_PRODUCER_MS;
    *ret_repeat = remembered && id->sequence <= before->a;
    seen_put(seen, &key, *ret_repeat ? before->a : id->sequence, append_ms);
    return true;
}

static bool
repeat_id(struct seen *seen, struct span id, int64_t append_ms, bool *ret_repeat, GError **error)
{
    int64_t bucket = floor_div(append_ms, REPEAT_ID_MS);
    bool repeat = false;
    for (int64_t i = bucket - 1; i <= bucket && !repeat; i++) {
        const struct seen_entry *before;
        if (!seen_find(seen, &(struct seen_key){SEEN_EVENT_ID, i, id}, &before, error))
            return false;
        repeat = before && append_ms - before->a <= REPEAT_ID_MS;
    }
    seen_put(seen, &(struct seen_key){SEEN_EVENT_ID, bucket, id}, append_ms, 0);
    *ret_repeat = repeat;
    return true;
}

bool repeat_event(
    struct seen *seen, struct span event_id, int64_t append_ms, bool *ret_repeat, GError **error)
{
    struct producer_id id;
    if (producer_id_parse(event_id, &id))
        return repeat_producer(seen, &id, append_ms, ret_repeat, error);
    return repeat_id(seen, event_id, append_ms, ret_repeat, error);
}

void repeat_pass(struct seen *seen, int64_t append_ms)
{
    seen_forget(seen, SEEN_EVENT_ID, floor_div(append_ms, REPEAT_ID_MS) - 1);
    /* By whole hours: each step looks at all of a task's producers. */
    seen_forget(seen, SEEN_PRODUCER,
                floor_div(append_ms - REPEAT_PRODUCER_MS, MS_PER_HOUR) * MS_PER_HOUR);
}

void repeat_forget_reviews(struct seen *seen, int64_t first_held_hour)
{
    seen_forget(seen, SEEN_REVIEW, first_held_hour);
}

#include "stream/measure.h"

#include <string.h>

#include "model/varint.h"
#include "stream/checksum.h"

#define FORMAT            1
#define MEASURE_BYTES_MAX (3 * VARINT_LONG_BYTES_MAX + 3 * sizeof(double))

int measure_compare(const void *a, const void *b)
{
    const struct measure *x = a, *y = b;
    if (x->window_start_ms != y->window_start_ms)
        return x->window_start_ms < y->window_start_ms ? -1 : 1;
    return (x->movie_id > y->movie_id) - (x->movie_id < y->movie_id);
}

/* qsort doesn't promise to keep the order of equal ones; GLib's merge sort does. */
void measure_sort(GArray *measures)
{
    g_array_sort(measures, measure_compare);
}

/* Into out; NULL: counts only. */
static size_t merge_into(const struct measure *older,
                         size_t older_count,
                         const struct measure *newer,
                         size_t newer_count,
                         struct measure *out)
{
    size_t count = 0;
    for (size_t i = 0, j = 0; i < older_count || j < newer_count; count++) {
        const struct measure *next;
        if (j == newer_count || (i < older_count && older[i].movie_id < newer[j].movie_id)) {
            next = &older[i++];
        } else {
            if (i < older_count && older[i].movie_id == newer[j].movie_id)
                i++;
            while (j + 1 < newer_count && newer[j + 1].movie_id == newer[j].movie_id)
                j++;
            next = &newer[j++];
        }
        if (out)
            out[count] = *next;
    }
    return count;
}

struct measure *measure_merge(const struct measure *older,
                              size_t older_count,
                              const struct measure *newer,
                              size_t newer_count,
                              size_t *ret_count)
{
    *ret_count = merge_into(older, older_count, newer, newer_count, NULL);
    struct measure *merged = g_new(struct measure, *ret_count);
    merge_into(older, older_count, newer, newer_count, merged);
    return merged;
}

static uint8_t *put_double(uint8_t *to, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    bits = GUINT64_TO_LE(bits);
    memcpy(to, &bits, sizeof bits);
    return to + sizeof bits;
}

void measure_encode(const struct measure *measures, size_t count, GByteArray *out)
{
    guint start = out->len;
    g_byte_array_set_size(out,
                          start + 1 + VARINT_LONG_BYTES_MAX + (guint)(count * MEASURE_BYTES_MAX));
    uint8_t *to = out->data + start;
    *to++ = FORMAT;
    to = varint_write(to, (int64_t)count);
    int64_t window_ms = 0, movie_id = 0;
    for (size_t i = 0; i < count; i++) {
        const struct measure *measure = &measures[i];
        to = varint_write(to, measure->window_start_ms - window_ms);
        to = varint_write(to, measure->movie_id - movie_id);
        to = varint_write(to, (int64_t)measure->engagement << 1 | measure->has_acceleration);
        to = put_double(to, measure->velocity);
        to = put_double(to, measure->vote_velocity);
        if (measure->has_acceleration)
            to = put_double(to, measure->acceleration);
        window_ms = measure->window_start_ms;
        movie_id = measure->movie_id;
    }
    g_byte_array_set_size(out, (guint)(to - out->data));
    checksum_append(out, start);
}

static bool take_double(const unsigned char **at, const unsigned char *end, double *ret_number)
{
    uint64_t bits;
    if ((size_t)(end - *at) < sizeof bits)
        return false;
    memcpy(&bits, *at, sizeof bits);
    bits = GUINT64_FROM_LE(bits);
    memcpy(ret_number, &bits, sizeof bits);
    *at += sizeof bits;
    return true;
}

static bool
take_measure(const unsigned char **at, const unsigned char *end, struct measure *measure)
{
    int64_t window_ms, movie_id, engagement;
    if (!varint_read_long(at, end, &window_ms) || !varint_read_long(at, end, &movie_id) ||
        !varint_read_long(at, end, &engagement) || !take_double(at, end, &measure->velocity) ||
        !take_double(at, end, &measure->vote_velocity))
        return false;
    if (__builtin_add_overflow(measure->window_start_ms, window_ms, &measure->window_start_ms) ||
        __builtin_add_overflow(movie_id, measure->movie_id, &movie_id) || movie_id < INT32_MIN ||
        movie_id > INT32_MAX || engagement >> 1 < 0 || engagement >> 1 > INT32_MAX)
        return false;
    measure->movie_id = (int32_t)movie_id;
    measure->engagement = (int32_t)(engagement >> 1);
    measure->has_acceleration = engagement & 1;
    measure->acceleration = 0;
    return !measure->has_acceleration || take_double(at, end, &measure->acceleration);
}

bool measure_decode(struct span bytes, GArray *out, GError **error)
{
    struct span content;
    int64_t count = 0;
    bool right = checksum_strip(bytes, &content) && content.len > 0 && content.data[0] == FORMAT;
    if (right) {
        const unsigned char *at = (const unsigned char *)content.data + 1;
        const unsigned char *end = (const unsigned char *)content.data + content.len;
        struct measure measure = {0};
        right = varint_read_long(&at, end, &count) && count >= 0 && count <= MEASURE_LIST_MAX;
        for (int64_t i = 0; i < count && right; i++) {
            right = take_measure(&at, end, &measure);
            if (right)
                g_array_append_val(out, measure);
        }
        right = right && at == end;
    }
    if (!right)
        error_set(error, BADDATA, "a list of measures is damaged");
    return right;
}

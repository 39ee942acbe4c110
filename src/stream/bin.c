#include "stream/bin.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "model/varint.h"
#include "stream/checksum.h"

#define FORMAT         1
#define CAPACITY_FIRST 2

struct bin *bin_new(enum bin_kind kind, int64_t hour)
{
    struct bin *bin = g_new0(struct bin, 1);
    bin->kind = kind;
    bin->hour = hour;
    return bin;
}

void bin_free(struct bin *bin)
{
    if (!bin)
        return;
    g_free(bin->windows);
    g_free(bin);
}

size_t bin_bytes(const struct bin *bin)
{
    return sizeof *bin + bin->capacity * sizeof *bin->windows;
}

/* Where the window stands or would stand. Most records fall into the last one. */
static uint32_t position_of(const struct bin *bin, int32_t index)
{
    uint32_t low = 0, high = bin->count;
    if (high && bin->windows[high - 1].index < index)
        return high;
    if (high && bin->windows[high - 1].index == index)
        return high - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bin->windows[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct bin_window *bin_find(struct bin *bin, int32_t index)
{
    uint32_t at = position_of(bin, index);
    return at < bin->count && bin->windows[at].index == index ? &bin->windows[at] : NULL;
}

struct bin_window *bin_put(struct bin *bin, int32_t index, bool *ret_new)
{
    assert(index >= 0 && index < BIN_WINDOWS_MAX);
    uint32_t at = position_of(bin, index);
    *ret_new = !(at < bin->count && bin->windows[at].index == index);
    if (!*ret_new)
        return &bin->windows[at];
    if (bin->count == bin->capacity) {
        bin->capacity = bin->capacity ? bin->capacity + (bin->capacity + 1) / 2 : CAPACITY_FIRST;
        bin->windows = g_renew(struct bin_window, bin->windows, bin->capacity);
    }
    memmove(bin->windows + at + 1, bin->windows + at, (bin->count - at) * sizeof *bin->windows);
    bin->count++;
    bin->windows[at] = (struct bin_window){.index = (int16_t)index};
    return &bin->windows[at];
}

/* ---- format ---- */

/* The fields of a window in the order of the format; returns how many. */
#define FIELDS_MAX 4
static int
fields_of(enum bin_kind kind, const struct bin_window *window, int64_t fields[FIELDS_MAX])
{
    switch (kind) {
    case BIN_RATINGS:
        fields[0] = window->rating.event_ms;
        fields[1] = window->rating.popularity_e4;
        fields[2] = window->rating.vote_average_e4;
        fields[3] = window->rating.vote_count;
        return 4;
    case BIN_REVIEWS:
        fields[0] = window->reviews.sum_e4;
        fields[1] = window->reviews.count;
        fields[2] = window->reviews.positive;
        fields[3] = window->reviews.negative;
        return 4;
    case BIN_EVENTS:
        fields[0] = window->events.count;
        return 1;
    default:
        g_assert_not_reached();
    }
}

void bin_encode(const struct bin *bin, GByteArray *out)
{
    guint start = out->len;
    guint room = 1 + VARINT_LONG_BYTES_MAX + bin->count * (1 + FIELDS_MAX) * VARINT_LONG_BYTES_MAX;
    g_byte_array_set_size(out, start + room);
    uint8_t *to = out->data + start;
    *to++ = FORMAT;
    to = varint_write(to, bin->count);
    int32_t before = 0;
    for (uint32_t i = 0; i < bin->count; i++) {
        int64_t fields[FIELDS_MAX];
        int count = fields_of(bin->kind, &bin->windows[i], fields);
        to = varint_write(to, bin->windows[i].index - before);
        before = bin->windows[i].index;
        for (int j = 0; j < count; j++)
            to = varint_write(to, fields[j]);
    }
    g_byte_array_set_size(out, (guint)(to - out->data));
    checksum_append(out, start);
}

/* What is left to read; ok turns false where a value is cut short or too long. */
struct reading {
    const uint8_t *at, *end;
    bool ok;
};

static int64_t take_long(struct reading *reading)
{
    int64_t value = 0;
    reading->ok = reading->ok && varint_read_long(&reading->at, reading->end, &value);
    return value;
}

static int32_t take_int(struct reading *reading)
{
    int32_t value = 0;
    reading->ok = reading->ok && varint_read_int(&reading->at, reading->end, &value);
    return value;
}

static void take_fields(struct reading *reading, enum bin_kind kind, struct bin_window *window)
{
    switch (kind) {
    case BIN_RATINGS:
        window->rating.event_ms = take_int(reading);
        window->rating.popularity_e4 = take_long(reading);
        window->rating.vote_average_e4 = take_long(reading);
        window->rating.vote_count = take_int(reading);
        break;
    case BIN_REVIEWS:
        window->reviews.sum_e4 = take_long(reading);
        window->reviews.count = take_int(reading);
        window->reviews.positive = take_int(reading);
        window->reviews.negative = take_int(reading);
        break;
    case BIN_EVENTS:
        window->events.count = take_int(reading);
        break;
    default:
        g_assert_not_reached();
    }
}

/* Fills the empty bin; false where the bytes don't say a bin. */
static bool read_windows(struct bin *bin, struct reading *reading)
{
    int32_t count = take_int(reading), index = 0;
    if (!reading->ok || count < 0 || count > BIN_WINDOWS_MAX)
        return false;
    for (int32_t i = 0; i < count; i++) {
        int32_t distance = take_int(reading);
        if (!reading->ok || distance < 0 || distance >= BIN_WINDOWS_MAX || (i > 0 && distance == 0))
            return false;
        index += distance;
        if (index >= BIN_WINDOWS_MAX)
            return false;
        bool new;
        take_fields(reading, bin->kind, bin_put(bin, index, &new));
    }
    return reading->ok && reading->at == reading->end;
}

struct bin *bin_decode(enum bin_kind kind, int64_t hour, struct span bytes, GError **error)
{
    struct span content;
    if (!checksum_strip(bytes, &content) || content.len == 0) {
        error_set(error, BADDATA, "windows of hour %" PRId64 ": the checksum is wrong", hour);
        return NULL;
    }
    const uint8_t *data = (const uint8_t *)content.data;
    if (data[0] != FORMAT) {
        error_set(error, BADDATA, "windows of hour %" PRId64 ": unknown format %u", hour, data[0]);
        return NULL;
    }
    struct bin *bin = bin_new(kind, hour);
    struct reading reading = {.at = data + 1, .end = data + content.len, .ok = true};
    if (!read_windows(bin, &reading)) {
        bin_free(bin);
        error_set(error, BADDATA, "windows of hour %" PRId64 ": the row isn't one of ours", hour);
        return NULL;
    }
    return bin;
}

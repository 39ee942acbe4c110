#include "stream/movie.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "model/varint.h"
#include "stream/checksum.h"

#define BINS_FIRST 2
#define WORD_BITS  64

struct movie *movie_new(int32_t movie_id)
{
    struct movie *movie = g_new0(struct movie, 1);
    movie->movie_id = movie_id;
    movie->changed_from = UINT32_MAX;
    return movie;
}

void movie_free(struct movie *movie)
{
    if (!movie)
        return;
    for (uint32_t i = 0; i < movie->bins_count; i++)
        bin_free(movie->bins[i]);
    for (int kind = 0; kind < BIN_KIND_COUNT; kind++)
        hour_set_clear(&movie->hours[kind]);
    g_free(movie->bins);
    g_free(movie->title);
    g_free(movie);
}

size_t movie_bytes(const struct movie *movie)
{
    size_t bytes = sizeof *movie + movie->bins_capacity * sizeof *movie->bins;
    if (movie->title)
        bytes += strlen(movie->title) + 1;
    for (int kind = 0; kind < BIN_KIND_COUNT; kind++)
        bytes += movie->hours[kind].words_count * sizeof *movie->hours[kind].words;
    for (uint32_t i = 0; i < movie->bins_count; i++)
        bytes += bin_bytes(movie->bins[i]);
    return bytes;
}

static bool is_bin(const struct bin *bin, enum bin_kind kind, int64_t hour)
{
    return bin->hour == hour && bin->kind == kind;
}

/* The recent one first: most records ask for it, and it is a cache miss less. Else few bins are in
 * memory and a new one is asked for most, so from the end. */
struct bin *movie_bin(struct movie *movie, enum bin_kind kind, int64_t hour)
{
    if (movie->recent && is_bin(movie->recent, kind, hour))
        return movie->recent;
    for (uint32_t i = movie->bins_count; i-- > 0 && movie->bins[i]->hour >= hour;) {
        if (is_bin(movie->bins[i], kind, hour))
            return movie->recent = movie->bins[i];
    }
    return NULL;
}

void movie_change_bin(struct movie *movie, struct bin *bin)
{
    if (bin->dirty)
        return; /* it has before */
    uint32_t at = movie->bins_count - 1;
    while (movie->bins[at] != bin)
        at--;
    movie->changed_from = MIN(at, movie->changed_from);
    bin->dirty = bin->dirty_windows = true;
}

void movie_add_bin(struct movie *movie, struct bin *bin)
{
    assert(!movie_bin(movie, bin->kind, bin->hour));
    if (movie->bins_count == movie->bins_capacity) {
        movie->bins_capacity = movie->bins_capacity ? 2 * movie->bins_capacity : BINS_FIRST;
        movie->bins = g_renew(struct bin *, movie->bins, movie->bins_capacity);
    }
    uint32_t at = movie->bins_count++;
    for (; at > 0; at--) {
        const struct bin *before = movie->bins[at - 1];
        if (before->hour < bin->hour || (before->hour == bin->hour && before->kind < bin->kind))
            break;
        movie->bins[at] = movie->bins[at - 1];
    }
    movie->bins[at] = movie->recent = bin;
}

uint32_t movie_trim(struct movie *movie, uint64_t touched_before)
{
    uint32_t kept = 0;
    movie->recent = NULL;
    for (uint32_t i = 0; i < movie->bins_count; i++) {
        struct bin *bin = movie->bins[i];
        if (!bin->dirty && !bin->waits && bin->touched < touched_before)
            bin_free(bin);
        else
            movie->bins[kept++] = bin;
    }
    movie->bins_count = kept;
    if (movie->changed_from != UINT32_MAX)
        movie->changed_from = 0; /* what changed has moved */
    return kept;
}

void movie_encode_hours(const struct movie *movie, GByteArray *out)
{
    guint start = out->len, words = 0;
    for (int kind = 0; kind < BIN_KIND_COUNT; kind++)
        words += (guint)movie->hours[kind].words_count + 2;
    g_byte_array_set_size(out, start + words * VARINT_LONG_BYTES_MAX);
    uint8_t *to = out->data + start;
    for (int kind = 0; kind < BIN_KIND_COUNT; kind++) {
        const struct hour_set *set = &movie->hours[kind];
        to = varint_write(to, set->base / WORD_BITS);
        to = varint_write(to, (int64_t)set->words_count);
        for (size_t i = 0; i < set->words_count; i++)
            to = varint_write(to, (int64_t)set->words[i]);
    }
    g_byte_array_set_size(out, (guint)(to - out->data));
    checksum_append(out, start);
}

static bool decode_set(struct hour_set *set, const unsigned char **at, const unsigned char *end)
{
    int64_t base, count, word;
    if (!varint_read_long(at, end, &base) || !varint_read_long(at, end, &count))
        return false;
    if (count < 0 || count > (int64_t)HOUR_SET_WORDS_MAX || base < INT32_MIN || base > INT32_MAX)
        return false;
    set->base = base * WORD_BITS;
    set->words_count = (size_t)count;
    set->words = g_new0(uint64_t, set->words_count);
    for (int64_t i = 0; i < count; i++) {
        if (!varint_read_long(at, end, &word))
            return false;
        set->words[i] = (uint64_t)word;
    }
    return true;
}

bool movie_decode_hours(struct movie *movie, struct span bytes, GError **error)
{
    struct span content;
    bool right = checksum_strip(bytes, &content);
    if (right) {
        const unsigned char *at = (const unsigned char *)content.data, *end = at + content.len;
        for (int kind = 0; kind < BIN_KIND_COUNT && right; kind++) {
            hour_set_clear(&movie->hours[kind]);
            right = decode_set(&movie->hours[kind], &at, end);
        }
        right = right && at == end;
    }
    if (!right)
        error_set(error, BADDATA, "movie %" PRId32 ": its row of hours is damaged",
                  movie->movie_id);
    return right;
}

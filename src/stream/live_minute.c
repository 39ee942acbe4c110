#include "stream/live_minute.h"

#include <math.h>
#include <string.h>

#include "model/varint.h"
#include "stream/checksum.h"
#include "stream/window.h"

#define FORMAT    1
#define BYTES_MAX (1 + LIVE_COUNTS * VARINT_LONG_BYTES_MAX + 2 * HLL_REGISTERS + CHECKSUM_BYTES)

/* In the order of a minute's counts. */
static const char *const count_metrics[LIVE_COUNTS] = {
    [INPUT_RATINGS] = "records.movie.ratings",
    [INPUT_METADATA] = "records.movie.metadata",
    [INPUT_REVIEWS] = "records.movie.reviews",
    [INPUT_EVENTS] = "records.user.events",
    [INPUT_COUNT + EVENT_VIEW] = "events.view",
    [INPUT_COUNT + EVENT_CLICK] = "events.click",
    [INPUT_COUNT + EVENT_SEARCH] = "events.search",
    [INPUT_COUNT + EVENT_WATCHLIST] = "events.watchlist",
    [INPUT_COUNT + EVENT_RATE] = "events.rate",
    [INPUT_COUNT + EVENT_SHARE] = "events.share",
};

void live_minute_encode(const struct live_minute *minute, GByteArray *out)
{
    uint8_t bytes[BYTES_MAX], *to = bytes;
    const guint start = out->len;
    *to++ = FORMAT;
    for (int i = 0; i < LIVE_COUNTS; i++)
        to = varint_write(to, minute->counts[i]);
    memcpy(to, minute->users.registers, HLL_REGISTERS);
    to += HLL_REGISTERS;
    memcpy(to, minute->movies.registers, HLL_REGISTERS);
    to += HLL_REGISTERS;
    g_byte_array_append(out, bytes, (guint)(to - bytes));
    checksum_append(out, start);
}

bool live_minute_decode(struct live_minute *minute, struct span bytes, GError **error)
{
    struct span content;
    bool right = checksum_strip(bytes, &content) && content.len > 0 && content.data[0] == FORMAT;
    if (right) {
        const unsigned char *at = (const unsigned char *)content.data + 1;
        const unsigned char *end = (const unsigned char *)content.data + content.len;
        for (int i = 0; i < LIVE_COUNTS && right; i++)
            right = varint_read_long(&at, end, &minute->counts[i]);
        right = right && end - at == 2 * HLL_REGISTERS;
        if (right) {
            memcpy(minute->users.registers, at, HLL_REGISTERS);
            memcpy(minute->movies.registers, at + HLL_REGISTERS, HLL_REGISTERS);
        }
    }
    if (!right)
        error_set(error, BADDATA, "live minute %" G_GINT64_FORMAT " is damaged", minute->number);
    return right;
}

void live_minute_merge(struct live_minute *minute, const struct live_minute *other)
{
    for (int i = 0; i < LIVE_COUNTS; i++)
        minute->counts[i] += other->counts[i];
    hll_merge(&minute->users, &other->users);
    hll_merge(&minute->movies, &other->movies);
}

static void
add_row(struct output *output, const struct live_minute *minute, const char *metric, double value)
{
    if (value == 0)
        return;
    int64_t start_ms = minute->number * MS_PER_MINUTE;
    struct live_row row = {
        .metric = metric,
        .hour_ms = hour_start_ms(hour_of(start_ms)),
        .window_start_ms = start_ms,
        .value = value,
    };
    g_array_append_val(output->live, row);
}

void live_minute_rows(const struct live_minute *minute, struct output *output)
{
    for (int i = 0; i < LIVE_COUNTS; i++)
        add_row(output, minute, count_metrics[i], (double)minute->counts[i]);
    add_row(output, minute, "users", rint(hll_count(&minute->users)));
    add_row(output, minute, "movies", rint(hll_count(&minute->movies)));
}

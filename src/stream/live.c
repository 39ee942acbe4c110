#include "stream/live.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/db.h"
#include "model/varint.h"
#include "stream/checksum.h"
#include "stream/hll.h"
#include "stream/window.h"

#define FORMAT      1
#define EVENT_TYPES 6
#define COUNTS      (INPUT_COUNT + EVENT_TYPES)
#define BYTES_MAX   (1 + COUNTS * VARINT_LONG_BYTES_MAX + 2 * HLL_REGISTERS + CHECKSUM_BYTES)

/* In the order of a minute's counts. */
static const char *const count_metrics[COUNTS] = {
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

enum statement { READ_LIVE_MINUTE, PUT_LIVE_MINUTE, EXPIRE_LIVE_MINUTES, STATEMENT_COUNT };

static const char *const statement_names[STATEMENT_COUNT] = {
    "read_live_minute",
    "put_live_minute",
    "expire_live_minutes",
};

struct minute {
    int64_t number; /* since the epoch */
    bool dirty;
    int64_t counts[COUNTS];
    struct hll users, movies;
};

struct live {
    sqlite3_stmt *statements[STATEMENT_COUNT];
    GPtrArray *minutes;  /* struct minute *, by number */
    struct minute *last; /* most records fall into the minute of the one before */
    int64_t swept_ms;
};

struct live *live_new(sqlite3 *db, const struct sql_file *sql, GError **error)
{
    struct live *live = g_new0(struct live, 1);
    live->minutes = g_ptr_array_new_with_free_func(g_free);
    live->swept_ms = INT64_MIN;
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        live->statements[i] = db_prepare(db, sql_file_get(sql, statement_names[i]), error);
        if (!live->statements[i]) {
            live_free(live);
            return NULL;
        }
    }
    return live;
}

void live_free(struct live *live)
{
    if (!live)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(live->statements[i]);
    g_ptr_array_unref(live->minutes);
    g_free(live);
}

static void encode(const struct minute *minute, uint8_t bytes[BYTES_MAX], GByteArray *out)
{
    uint8_t *to = bytes;
    *to++ = FORMAT;
    for (int i = 0; i < COUNTS; i++)
        to = varint_write(to, minute->counts[i]);
    memcpy(to, minute->users.registers, HLL_REGISTERS);
    to += HLL_REGISTERS;
    memcpy(to, minute->movies.registers, HLL_REGISTERS);
    to += HLL_REGISTERS;
    g_byte_array_set_size(out, 0);
    g_byte_array_append(out, bytes, (guint)(to - bytes));
    checksum_append(out, 0);
}

static bool decode(struct minute *minute, struct span bytes, GError **error)
{
    struct span content;
    bool right = checksum_strip(bytes, &content) && content.len > 0 && content.data[0] == FORMAT;
    if (right) {
        const unsigned char *at = (const unsigned char *)content.data + 1;
        const unsigned char *end = (const unsigned char *)content.data + content.len;
        for (int i = 0; i < COUNTS && right; i++)
            right = varint_read_long(&at, end, &minute->counts[i]);
        right = right && end - at == 2 * HLL_REGISTERS;
        if (right) {
            memcpy(minute->users.registers, at, HLL_REGISTERS);
            memcpy(minute->movies.registers, at + HLL_REGISTERS, HLL_REGISTERS);
        }
    }
    if (!right)
        error_set(error, BADDATA, "stream.db: live minute %" G_GINT64_FORMAT " is damaged",
                  minute->number);
    return right;
}

static bool load(struct live *live, struct minute *minute, GError **error)
{
    sqlite3_stmt *read = live->statements[READ_LIVE_MINUTE];
    db_bind_int(read, 1, minute->number);
    bool row;
    if (!db_step(read, &row, error))
        return false;
    bool loaded = !row || decode(minute, db_column_span(read, 0), error);
    if (row)
        sqlite3_reset(read);
    return loaded;
}

static bool get_minute(struct live *live, int64_t number, GError **error)
{
    if (live->last && live->last->number == number)
        return true;
    guint at = live->minutes->len;
    while (at > 0 && ((struct minute *)live->minutes->pdata[at - 1])->number > number)
        at--;
    if (at > 0 && ((struct minute *)live->minutes->pdata[at - 1])->number == number) {
        live->last = live->minutes->pdata[at - 1];
        return true;
    }
    struct minute *minute = g_new0(struct minute, 1);
    minute->number = number;
    if (!load(live, minute, error)) {
        g_free(minute);
        return false;
    }
    g_ptr_array_insert(live->minutes, (gint)at, minute);
    live->last = minute;
    return true;
}

static int input_number(enum topic topic)
{
    for (int input = 0; input < INPUT_COUNT; input++) {
        if (input_topics[input] == topic)
            return input;
    }
    g_assert_not_reached();
}

bool live_record(struct live *live, const struct input *input, GError **error)
{
    if (!get_minute(live, floor_div(input->event_ms, MS_PER_MINUTE), error))
        return false;
    struct minute *minute = live->last;
    minute->dirty = true;
    minute->counts[input_number(input->topic)]++;
    hll_add(&minute->movies, (uint64_t)input->movie->movie_id);
    if (input->topic == TOPIC_EVENTS) {
        const struct user_event *event = input->record;
        assert(event->event_type >= 0 &&
               event->event_type < EVENT_TYPES); /* the decoder checks symbols */
        minute->counts[INPUT_COUNT + event->event_type]++;
        hll_add(&minute->users, (uint64_t)event->user_id);
    }
    return true;
}

static void
add_row(struct output *output, const struct minute *minute, const char *metric, double value)
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

static bool write_minute(struct live *live,
                         const struct minute *minute,
                         struct output *output,
                         GByteArray *scratch,
                         GError **error)
{
    uint8_t bytes[BYTES_MAX];
    encode(minute, bytes, scratch);
    sqlite3_stmt *put = live->statements[PUT_LIVE_MINUTE];
    db_bind_int(put, 1, minute->number);
    db_bind_blob(put, 2, (struct span){(const char *)scratch->data, scratch->len});
    if (!db_run(put, error))
        return false;
    for (int i = 0; i < COUNTS; i++)
        add_row(output, minute, count_metrics[i], (double)minute->counts[i]);
    add_row(output, minute, "users", rint(hll_count(&minute->users)));
    add_row(output, minute, "movies", rint(hll_count(&minute->movies)));
    return true;
}

bool live_write(struct live *live, struct output *output, int64_t horizon_ms, GError **error)
{
    g_autoptr(GByteArray) scratch = g_byte_array_new();
    for (guint i = 0; i < live->minutes->len; i++) {
        const struct minute *minute = live->minutes->pdata[i];
        if (minute->dirty && minute->number * MS_PER_MINUTE >= horizon_ms &&
            !write_minute(live, minute, output, scratch, error))
            return false;
    }
    if (horizon_ms == live->swept_ms)
        return true;
    sqlite3_stmt *drop = live->statements[EXPIRE_LIVE_MINUTES];
    db_bind_int(drop, 1, floor_div(horizon_ms, MS_PER_MINUTE));
    if (!db_run(drop, error))
        return false;
    live->swept_ms = horizon_ms;
    return true;
}

void live_committed(struct live *live)
{
    for (guint i = 0; i < live->minutes->len; i++)
        ((struct minute *)live->minutes->pdata[i])->dirty = false;
    if (live->minutes->len <= LIVE_MINUTES_MAX)
        return;
    g_ptr_array_set_size(live->minutes, 0);
    live->last = NULL;
}

#include "stream/live.h"

#include <assert.h>

#include "model/db.h"
#include "stream/delta.h"
#include "stream/live_minute.h"
#include "stream/window.h"

enum statement { READ_LIVE_MINUTE, PUT_LIVE_MINUTE, EXPIRE_LIVE_MINUTES, STATEMENT_COUNT };

static const char *const statement_names[STATEMENT_COUNT] = {
    "read_live_minute",
    "put_live_minute",
    "expire_live_minutes",
};

struct held_minute {
    struct live_minute minute;
    bool dirty;
};

struct live {
    sqlite3_stmt *statements[STATEMENT_COUNT];
    GPtrArray *minutes;       /* struct held_minute *, by number */
    struct held_minute *last; /* most records fall into the minute of the one before */
    int64_t swept_ms;
    GByteArray *delta;
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

static bool load(struct live *live, struct live_minute *minute, GError **error)
{
    sqlite3_stmt *read = live->statements[READ_LIVE_MINUTE];
    db_bind_int(read, 1, minute->number);
    bool row;
    if (!db_step(read, &row, error))
        return false;
    bool loaded = !row || live_minute_decode(minute, db_column_span(read, 0), error);
    if (!loaded)
        g_prefix_error(error, "stream.db: ");
    if (row)
        sqlite3_reset(read);
    return loaded;
}

static bool get_minute(struct live *live, int64_t number, GError **error)
{
    if (live->last && live->last->minute.number == number)
        return true;
    guint at = live->minutes->len;
    while (at > 0 && ((struct held_minute *)live->minutes->pdata[at - 1])->minute.number > number)
        at--;
    if (at > 0 && ((struct held_minute *)live->minutes->pdata[at - 1])->minute.number == number) {
        live->last = live->minutes->pdata[at - 1];
        return true;
    }
    struct held_minute *minute = g_new0(struct held_minute, 1);
    minute->minute.number = number;
    if (!load(live, &minute->minute, error)) {
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
    struct live_minute *minute = &live->last->minute;
    live->last->dirty = true;
    minute->counts[input_number(input->topic)]++;
    hll_add(&minute->movies, (uint64_t)input->movie->movie_id);
    if (input->topic == TOPIC_EVENTS) {
        const struct user_event *event = input->record;
        assert(event->event_type >= 0 &&
               event->event_type < LIVE_EVENT_TYPES); /* the decoder checks symbols */
        minute->counts[INPUT_COUNT + event->event_type]++;
        hll_add(&minute->users, (uint64_t)event->user_id);
    }
    return true;
}

static bool write_minute(struct live *live,
                         const struct live_minute *minute,
                         struct output *output,
                         GByteArray *scratch,
                         GError **error)
{
    g_byte_array_set_size(scratch, 0);
    live_minute_encode(minute, scratch);
    const struct value values[] = {
        value_int(minute->number),
        value_blob((struct span){(const char *)scratch->data, scratch->len}),
    };
    if (!delta_run(live->delta, DELTA_PUT_LIVE_MINUTE, live->statements[PUT_LIVE_MINUTE], values,
                   error))
        return false;
    live_minute_rows(minute, output);
    return true;
}

void live_record_changes(struct live *live, GByteArray *delta)
{
    live->delta = delta;
}

void live_each_changed(const struct live *live,
                       int64_t horizon_ms,
                       void (*each)(const struct live_minute *minute, void *user),
                       void *user)
{
    for (guint i = 0; i < live->minutes->len; i++) {
        const struct held_minute *held = live->minutes->pdata[i];
        if (held->dirty && held->minute.number * MS_PER_MINUTE >= horizon_ms)
            each(&held->minute, user);
    }
}

bool live_write(struct live *live, struct output *output, int64_t horizon_ms, GError **error)
{
    g_autoptr(GByteArray) scratch = g_byte_array_new();
    for (guint i = 0; i < live->minutes->len; i++) {
        const struct held_minute *held = live->minutes->pdata[i];
        if (held->dirty && held->minute.number * MS_PER_MINUTE >= horizon_ms &&
            !write_minute(live, &held->minute, output, scratch, error))
            return false;
    }
    if (horizon_ms == live->swept_ms)
        return true;
    const struct value first = value_int(floor_div(horizon_ms, MS_PER_MINUTE));
    if (!delta_run(live->delta, DELTA_EXPIRE_LIVE_MINUTES, live->statements[EXPIRE_LIVE_MINUTES],
                   &first, error))
        return false;
    live->swept_ms = horizon_ms;
    return true;
}

void live_committed(struct live *live)
{
    for (guint i = 0; i < live->minutes->len; i++)
        ((struct held_minute *)live->minutes->pdata[i])->dirty = false;
    if (live->minutes->len <= LIVE_MINUTES_MAX)
        return;
    g_ptr_array_set_size(live->minutes, 0);
    live->last = NULL;
}

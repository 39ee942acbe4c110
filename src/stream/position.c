#include "stream/position.h"

#include <inttypes.h>

#include "base/clock.h"
#include "model/db.h"
#include "stream/delta.h"
#include "stream/watermark.h"

#define FETCH_TRIES 10

enum statement { READ_POSITION, PUT_POSITION, READ_TASK, PUT_TASK, STATEMENT_COUNT };

static const char *const statement_names[STATEMENT_COUNT] = {
    "read_position",
    "put_position",
    "read_task",
    "put_task",
};

struct position_store {
    sqlite3_stmt *statements[STATEMENT_COUNT];
    GByteArray *delta;
};

struct position_store *position_store_new(sqlite3 *db, const struct sql_file *sql, GError **error)
{
    struct position_store *store = g_new0(struct position_store, 1);
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        store->statements[i] = db_prepare(db, sql_file_get(sql, statement_names[i]), error);
        if (!store->statements[i]) {
            position_store_free(store);
            return NULL;
        }
    }
    return store;
}

void position_store_free(struct position_store *store)
{
    if (!store)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(store->statements[i]);
    g_free(store);
}

bool position_read(struct position_store *store,
                   const char *topic,
                   int partition,
                   struct position *ret_position,
                   GError **error)
{
    sqlite3_stmt *read = store->statements[READ_POSITION];
    db_bind_text(read, 1, topic);
    db_bind_int(read, 2, partition);
    bool row;
    if (!db_step(read, &row, error))
        return false;
    *ret_position = (struct position){0};
    if (!row)
        return true;
    *ret_position = (struct position){
        .started = true,
        .next_offset = sqlite3_column_int64(read, 0),
        .has_event = sqlite3_column_type(read, 1) != SQLITE_NULL,
        .highest_event_ms = sqlite3_column_int64(read, 1),
        .has_append = sqlite3_column_type(read, 2) != SQLITE_NULL,
        .highest_append_ms = sqlite3_column_int64(read, 2),
        .counts =
            {
                [RECORD_USED] = sqlite3_column_int64(read, 3),
                [RECORD_DUPLICATE] = sqlite3_column_int64(read, 4),
                [RECORD_EXPIRED] = sqlite3_column_int64(read, 5),
                [RECORD_BAD] = sqlite3_column_int64(read, 6),
            },
        .late = sqlite3_column_int64(read, 7),
    };
    sqlite3_reset(read);
    return true;
}

void position_store_record(struct position_store *store, GByteArray *delta)
{
    store->delta = delta;
}

static struct value optional(bool has, int64_t value)
{
    return has ? value_int(value) : value_null();
}

bool position_write(struct position_store *store,
                    const char *topic,
                    int partition,
                    const struct position *position,
                    GError **error)
{
    const struct value values[] = {
        value_text(topic),
        value_int(partition),
        value_int(position->next_offset),
        optional(position->has_event, position->highest_event_ms),
        optional(position->has_append, position->highest_append_ms),
        value_int(position->counts[RECORD_USED]),
        value_int(position->counts[RECORD_DUPLICATE]),
        value_int(position->counts[RECORD_EXPIRED]),
        value_int(position->counts[RECORD_BAD]),
        value_int(position->late),
    };
    return delta_run(store->delta, DELTA_PUT_POSITION, store->statements[PUT_POSITION], values,
                     error);
}

bool position_read_watermark(struct position_store *store,
                             int task,
                             int64_t *ret_watermark_ms,
                             GError **error)
{
    sqlite3_stmt *read = store->statements[READ_TASK];
    db_bind_int(read, 1, task);
    bool row;
    if (!db_step(read, &row, error))
        return false;
    bool has = row && sqlite3_column_type(read, 0) != SQLITE_NULL;
    *ret_watermark_ms = has ? sqlite3_column_int64(read, 0) : WATERMARK_NONE;
    if (row)
        sqlite3_reset(read);
    return true;
}

bool position_write_watermark(struct position_store *store,
                              int task,
                              int64_t watermark_ms,
                              GError **error)
{
    const struct value values[] = {value_int(task),
                                   optional(watermark_ms != WATERMARK_NONE, watermark_ms)};
    return delta_run(store->delta, DELTA_PUT_TASK, store->statements[PUT_TASK], values, error);
}

/* A bus that can't answer for a moment is asked again: the start has no loop of its own. */
static bool fetch_one(struct bus *bus,
                      const char *topic,
                      int partition,
                      int64_t offset,
                      struct arena *arena,
                      struct bus_batch *ret_batch,
                      GError **error)
{
    for (int tries = 1;; tries++) {
        g_autoptr(GError) why = NULL;
        if (bus_fetch(bus, topic, partition, offset, 1, arena, ret_batch, &why))
            return true;
        if (tries == FETCH_TRIES || !error_is(why, AGAIN)) {
            g_propagate_error(error, g_steal_pointer(&why));
            return false;
        }
    }
}

/* A log that lost its tail and has grown since is long enough, but where the position stands it
 * holds other records: they came later than all that was read. */
static bool check_same_log(const struct position *position,
                           struct bus *bus,
                           const char *topic,
                           int partition,
                           GError **error)
{
    struct arena *arena = arena_new();
    struct bus_batch batch;
    int64_t last = position->next_offset - 1;
    bool same = fetch_one(bus, topic, partition, last, arena, &batch, error);
    if (same && batch.count > 0 && batch.records[0].offset == last &&
        batch.records[0].append_time_ms > position->highest_append_ms) {
        char found[CLOCK_ISO_BYTES], read[CLOCK_ISO_BYTES];
        error_set(error, FAILED,
                  "%s partition %d: the record at offset %" PRId64
                  " was appended at %s, after all that was read up to there (%s): the bus lost its "
                  "tail and has grown since. Move stream.db away: it is computed again from what "
                  "the bus holds",
                  topic, partition, last, clock_iso8601(batch.records[0].append_time_ms, found),
                  clock_iso8601(position->highest_append_ms, read));
        same = false;
    }
    arena_free(arena);
    return same;
}

bool position_check(
    struct position *position, struct bus *bus, const char *topic, int partition, GError **error)
{
    int64_t start, end;
    if (!bus_offsets(bus, topic, partition, &start, &end, error))
        return false;
    if (!position->started) {
        position->next_offset = start;
    } else if (position->next_offset > end) {
        error_set(error, FAILED,
                  "%s partition %d: the committed offset %" PRId64
                  " is beyond the log's end %" PRId64
                  ": the bus lost its tail. Restore the bus, or move stream.db away: it is "
                  "computed again from what the bus holds",
                  topic, partition, position->next_offset, end);
        return false;
    } else if (position->next_offset < start) {
        error_set(error, FAILED,
                  "%s partition %d: the committed offset %" PRId64
                  " is before the log's start %" PRId64
                  ": records expired unread. Move stream.db away: it is computed again from what "
                  "the bus holds",
                  topic, partition, position->next_offset, start);
        return false;
    } else if (position->next_offset > start && position->has_append &&
               !check_same_log(position, bus, topic, partition, error)) {
        return false;
    }
    position->end_offset = end;
    return true;
}

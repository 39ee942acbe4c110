/* Reading of the SQLite bus: one read transaction, so that start, end and rows belong together.
 * Rows join without gaps: a row that is missing or whose checksum is wrong is told by its offsets;
 * the rows before and behind it can still be read. */
#include <string.h>

#include "bus/bus_sqlite.h"

struct fetch {
    const struct partition *partition;
    int64_t offset, end; /* of the next record to be read; of the log */
    size_t bytes, bytes_max;
    struct arena *arena;
    GArray *records; /* struct bus_record */
};

static bool
damaged(const struct fetch *fetch, int64_t first, int64_t last, const char *why, GError **error)
{
    error_set(error, BADDATA,
              "bus: %s/%d: the stored batch of offsets %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
              " is damaged (%s); restore " BUS_FILE
              " from a copy, or go on at offset %" G_GINT64_FORMAT,
              fetch->partition->topic->name, fetch->partition->number, first, last, why, last + 1);
    return false;
}

/* Adds the row's records from fetch->offset on until bytes_max. ret_full: there was no room for
 * all. */
static bool add_records(struct fetch *fetch,
                        const struct record_batch_row *row,
                        struct span bytes,
                        bool *ret_full,
                        GError **error)
{
    struct record_batch_reader reader;
    if (!record_batch_read(&reader, bytes.data, bytes.len, row->records, error))
        return false;
    for (int64_t offset = row->base_offset; reader.left > 0; offset++) {
        struct bus_record record = {.offset = offset, .append_time_ms = row->append_time_ms};
        if (!record_batch_next(&reader, &record.key, &record.value, error))
            return false;
        if (offset < fetch->offset)
            continue;
        size_t cost = record.key.len + record.value.len + BUS_RECORD_OVERHEAD_BYTES;
        if (fetch->records->len > 0 &&
            cost > fetch->bytes_max - MIN(fetch->bytes, fetch->bytes_max)) {
            *ret_full = true;
            return true;
        }
        fetch->bytes += cost;
        fetch->offset++;
        g_array_append_val(fetch->records, record);
    }
    *ret_full = false;
    return true;
}

/* The last offset of a damaged row, whose own numbers can't be believed: the next row tells. */
static int64_t last_of_damaged(const struct fetch *fetch, sqlite3_stmt *statement)
{
    bool row;
    return db_step(statement, &row, NULL) && row ? sqlite3_column_int64(statement, 0) - 1
                                                 : fetch->end - 1;
}

/* One row of fetch_batches; it should begin at fetch->offset, or hold it when it is the first. */
static bool read_row(struct fetch *fetch, sqlite3_stmt *statement, bool *ret_full, GError **error)
{
    struct record_batch_row row = {
        .partition = fetch->partition->number,
        .base_offset = sqlite3_column_int64(statement, 0),
        .records = sqlite3_column_int64(statement, 1),
        .append_time_ms = sqlite3_column_int64(statement, 2),
    };
    struct span stored = db_column_span(statement, 4);
    if (row.base_offset > fetch->offset)
        return damaged(fetch, fetch->offset, row.base_offset - 1, "missing", error);
    uint32_t crc = (uint32_t)sqlite3_column_int64(statement, 3);
    if (record_batch_crc(&row, stored.data, stored.len) != crc)
        return damaged(fetch, row.base_offset, last_of_damaged(fetch, statement), "checksum",
                       error);
    if (row.base_offset + row.records <= fetch->offset)
        return true; /* the row that holds the offset asked for is missing: the next one tells */

    char *bytes = arena_strndup(fetch->arena, stored.data, stored.len);
    g_autoptr(GError) why = NULL;
    if (!add_records(fetch, &row, (struct span){bytes, stored.len}, ret_full, &why))
        return damaged(fetch, row.base_offset, row.base_offset + row.records - 1, why->message,
                       error);
    return true;
}

/* Within a read transaction. */
static bool read_rows(struct bus_sqlite *sqlite, struct fetch *fetch, GError **error)
{
    sqlite3_stmt *statement = bus_sqlite_bind(sqlite->fetch_batches, fetch->partition);
    db_bind_int(statement, 3, fetch->offset);
    bool full = false, row = true, good = true;
    g_autoptr(GError) why = NULL;
    while (good && !full && fetch->offset < fetch->end) {
        good = db_step(statement, &row, &why);
        if (good && row)
            good = read_row(fetch, statement, &full, &why);
        else if (good)
            good = damaged(fetch, fetch->offset, fetch->end - 1, "missing", &why);
        full |= fetch->bytes >= fetch->bytes_max;
    }
    sqlite3_reset(statement);
    if (good || fetch->records->len > 0)
        return true; /* records before a damaged row are good; the next fetch tells of it */
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static bool fetch_from(struct bus_sqlite *sqlite, struct fetch *fetch, GError **error)
{
    const struct partition *partition = fetch->partition;
    int64_t start;
    if (!bus_sqlite_read_offsets(sqlite, partition, &start, &fetch->end, error))
        return false;
    if (fetch->offset < start)
        return bus_error_expired(partition->topic->name, partition->number, fetch->offset, start,
                                 error);
    if (fetch->offset > fetch->end)
        return bus_error_beyond_end("fetch", partition->topic->name, partition->number,
                                    fetch->offset, fetch->end, error);
    return read_rows(sqlite, fetch, error);
}

bool bus_sqlite_fetch(struct bus *bus,
                      const char *topic,
                      int number,
                      int64_t offset,
                      size_t bytes_max,
                      struct arena *arena,
                      struct bus_batch *ret_batch,
                      GError **error)
{
    struct bus_sqlite *sqlite = bus_sqlite_self(bus);
    const struct partition *partition = bus_sqlite_partition(sqlite, topic, number, error);
    if (!partition || !db_begin_read(sqlite->db, error))
        return false;
    g_autoptr(GArray) records = g_array_new(FALSE, FALSE, sizeof(struct bus_record));
    struct fetch fetch = {.partition = partition,
                          .offset = offset,
                          .bytes_max = bytes_max,
                          .arena = arena,
                          .records = records};
    if (!bus_sqlite_end(sqlite, fetch_from(sqlite, &fetch, error), error))
        return false;
    struct bus_batch batch = {
        .count = records->len, .next_offset = fetch.offset, .end_offset = fetch.end};
    batch.records = arena_alloc(arena, records->len * sizeof(struct bus_record));
    if (records->len)
        memcpy(batch.records, records->data, records->len * sizeof(struct bus_record));
    *ret_batch = batch;
    return true;
}

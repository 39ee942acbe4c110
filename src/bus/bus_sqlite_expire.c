/* Expiry of the SQLite bus: whole rows from the front of a partition, in transactions of a bounded
 * size. */
#include "bus/bus_sqlite.h"

#define BUS_EXPIRE_ROWS_STEP 256 /* rows that one transaction removes of a partition */

/* Where the partition may begin: behind the first rows that are all old enough and archived. */
static bool find_new_start(struct bus_sqlite *sqlite,
                           const struct partition *partition,
                           int64_t before_ms,
                           int64_t archived,
                           int64_t *start,
                           int *ret_rows,
                           GError **error)
{
    sqlite3_stmt *statement = bus_sqlite_bind(sqlite->oldest_batches, partition);
    db_bind_int(statement, 3, BUS_EXPIRE_ROWS_STEP);
    int rows = 0;
    bool row;
    while (true) {
        if (!db_step(statement, &row, error))
            return false;
        if (!row)
            break;
        int64_t behind = sqlite3_column_int64(statement, 0) + sqlite3_column_int64(statement, 1);
        if (sqlite3_column_int64(statement, 2) >= before_ms || behind > archived)
            break;
        *start = behind;
        rows++;
    }
    sqlite3_reset(statement);
    *ret_rows = rows;
    return true;
}

/* One transaction's worth; ret_rows below BUS_EXPIRE_ROWS_STEP: that was all. */
static bool expire_step(struct bus_sqlite *sqlite,
                        const struct partition *partition,
                        int64_t before_ms,
                        int *ret_rows,
                        int64_t *records,
                        GError **error)
{
    int64_t old_start, end, archived;
    if (!bus_sqlite_read_offsets(sqlite, partition, &old_start, &end, error) ||
        !bus_sqlite_read_group(sqlite, BUS_GROUP_ARCHIVE, partition, &archived, error))
        return false;
    int64_t start = old_start;
    if (!find_new_start(sqlite, partition, before_ms, archived, &start, ret_rows, error))
        return false;
    if (*ret_rows == 0)
        return true;
    sqlite3_stmt *remove = bus_sqlite_bind(sqlite->remove_batches, partition);
    db_bind_int(remove, 3, start);
    sqlite3_stmt *set_start = bus_sqlite_bind(sqlite->set_start, partition);
    db_bind_int(set_start, 3, start);
    if (!db_run(remove, error) || !db_run(set_start, error))
        return false;
    *records += start - old_start;
    return true;
}

bool bus_sqlite_expire(
    struct bus *bus, const char *name, int64_t before_ms, int64_t *ret_records, GError **error)
{
    struct bus_sqlite *sqlite = bus_sqlite_self(bus);
    struct topic_entry *topic = bus_sqlite_topic(sqlite, name, error);
    if (!topic)
        return false;
    int64_t records = 0;
    for (int i = 0; i < topic->partitions_count; i++) {
        for (int rows = BUS_EXPIRE_ROWS_STEP; rows == BUS_EXPIRE_ROWS_STEP;) {
            if (!db_begin(sqlite->db, error) ||
                !bus_sqlite_end(
                    sqlite,
                    expire_step(sqlite, &topic->partitions[i], before_ms, &rows, &records, error),
                    error))
                return false;
        }
    }
    *ret_records = records;
    return true;
}

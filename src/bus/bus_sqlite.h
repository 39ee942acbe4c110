/* What the files of the SQLite bus share: the handle, its statements, topics and partitions.
 * Private to bus_sqlite*.c. */
#pragma once

#include "bus/bus_backend.h"
#include "bus/record_batch.h"
#include "model/db.h"

#define BUS_FILE       "bus.db"
#define BUS_LAYOUT     1
#define BUS_PAGE_BYTES 16384 /* rows are mostly large blobs */

struct partition {
    struct topic_entry *topic;
    int number;
    struct record_batch batch; /* of the produce call under way */
    int64_t base_offset;       /* where that batch went */
};

struct topic_entry {
    int64_t id;
    char *name;
    int partitions_count;
    struct partition *partitions;
};

/* One prepared statement each, named as in contracts/bus.sql. */
#define STATEMENTS(X)                                                                              \
    X(list_topics)                                                                                 \
    X(find_topic)                                                                                  \
    X(create_topic)                                                                                \
    X(create_partition)                                                                            \
    X(offsets)                                                                                     \
    X(append)                                                                                      \
    X(set_end)                                                                                     \
    X(set_start)                                                                                   \
    X(fetch_batches)                                                                               \
    X(oldest_batches)                                                                              \
    X(remove_batches)                                                                              \
    X(group_commit)                                                                                \
    X(group_offset)

struct bus_sqlite {
    struct bus bus;
    sqlite3 *db;
    GHashTable *topics; /* name -> struct topic_entry */
    GPtrArray *touched; /* struct partition with records of the produce call under way */
#define X(name) sqlite3_stmt *name;
    STATEMENTS(X)
#undef X
};

struct bus_sqlite *bus_sqlite_self(struct bus *bus);

/* NOTFOUND where there is none. */
struct topic_entry *
bus_sqlite_topic(struct bus_sqlite *sqlite, const char *name, GError **error) MUST_CHECK;
struct partition *bus_sqlite_partition(struct bus_sqlite *sqlite,
                                       const char *name,
                                       int number,
                                       GError **error) MUST_CHECK;

/* Binds the two parameters with which every statement on a partition begins; returns the statement.
 */
sqlite3_stmt *bus_sqlite_bind(sqlite3_stmt *statement, const struct partition *partition);

bool bus_sqlite_read_offsets(struct bus_sqlite *sqlite,
                             const struct partition *partition,
                             int64_t *ret_start,
                             int64_t *ret_end,
                             GError **error) MUST_CHECK;
bool bus_sqlite_read_group(struct bus_sqlite *sqlite,
                           const char *group,
                           const struct partition *partition,
                           int64_t *ret_offset,
                           GError **error) MUST_CHECK;

/* Ends the transaction that the caller began: commits what went well, rolls the rest back. */
bool bus_sqlite_end(struct bus_sqlite *sqlite, bool good, GError **error) MUST_CHECK;

/* Of the ops table. */
bool bus_sqlite_fetch(struct bus *bus,
                      const char *topic,
                      int number,
                      int64_t offset,
                      size_t bytes_max,
                      struct arena *arena,
                      struct bus_batch *ret_batch,
                      GError **error) MUST_CHECK;
bool bus_sqlite_expire(struct bus *bus,
                       const char *name,
                       int64_t before_ms,
                       int64_t *ret_records,
                       GError **error) MUST_CHECK;

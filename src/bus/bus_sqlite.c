/* bus_sqlite: the embedded bus in one SQLite file, data.dir/bus.db (contracts/bus.sql).
 *
 * Produce: records are gathered by partition into record batches without any lock, then one
 * transaction (BEGIN IMMEDIATE, so that one process at a time gives out offsets; synchronous=FULL,
 * so that true means on the disk) reads each partition's end, appends one row and moves the end. A
 * crash leaves all of it or nothing.
 *
 * Topics are never removed nor changed, so a handle may remember them. */
#include "bus/bus_sqlite.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "model/topic.h"

struct bus_sqlite *bus_sqlite_self(struct bus *bus)
{
    g_assert(bus->ops == &bus_sqlite_ops);
    return (struct bus_sqlite *)bus;
}

static void topic_entry_free(void *data)
{
    struct topic_entry *topic = data;
    for (int i = 0; i < topic->partitions_count; i++)
        record_batch_clear(&topic->partitions[i].batch);
    g_free(topic->partitions);
    g_free(topic->name);
    g_free(topic);
}

static void sqlite_close(struct bus *bus)
{
    struct bus_sqlite *sqlite = bus_sqlite_self(bus);
#define X(name) sqlite3_finalize(sqlite->name);
    STATEMENTS(X)
#undef X
    db_close(sqlite->db);
    g_hash_table_unref(sqlite->topics);
    g_ptr_array_unref(sqlite->touched);
    g_free(sqlite);
}

static bool prepare(struct bus_sqlite *sqlite, GError **error)
{
    g_autoptr(sql_file) sql = sql_file_load("contracts/bus.sql");
    if (!db_schema(sqlite->db, sql_file_get(sql, "schema"), BUS_LAYOUT, error))
        return false;
#define X(name)                                                                                    \
    sqlite->name = db_prepare(sqlite->db, sql_file_get(sql, #name), error);                        \
    if (!sqlite->name)                                                                             \
        return false;
    STATEMENTS(X)
#undef X
    return true;
}

static struct bus *sqlite_open(const struct context *context, GError **error)
{
    struct bus_sqlite *sqlite = g_new0(struct bus_sqlite, 1);
    sqlite->bus = (struct bus){.ops = &bus_sqlite_ops, .context = context};
    sqlite->topics = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, topic_entry_free);
    sqlite->touched = g_ptr_array_new();

    g_autofree char *path = config_path(context->config, BUS_FILE);
    const struct db_options options = {.sync = DB_SYNC_FULL, .page_bytes = BUS_PAGE_BYTES};
    sqlite->db = db_open(path, &options, error);
    if (!sqlite->db || !prepare(sqlite, error)) {
        sqlite_close(&sqlite->bus);
        return NULL;
    }
    return &sqlite->bus;
}

/* NULL without an error where there is no such topic. */
static bool find_topic(struct bus_sqlite *sqlite,
                       const char *name,
                       struct topic_entry **ret_topic,
                       GError **error)
{
    struct topic_entry *topic = g_hash_table_lookup(sqlite->topics, name);
    if (!topic) {
        bool row;
        db_bind_text(sqlite->find_topic, 1, name);
        if (!db_step(sqlite->find_topic, &row, error))
            return false;
        if (row) {
            topic = g_new0(struct topic_entry, 1);
            topic->id = sqlite3_column_int64(sqlite->find_topic, 0);
            topic->name = g_strdup(name);
            topic->partitions_count = sqlite3_column_int(sqlite->find_topic, 1);
            topic->partitions = g_new0(struct partition, (gsize)topic->partitions_count);
            for (int i = 0; i < topic->partitions_count; i++)
                topic->partitions[i] = (struct partition){.topic = topic, .number = i};
            g_hash_table_insert(sqlite->topics, topic->name, topic);
            sqlite3_reset(sqlite->find_topic);
        }
    }
    *ret_topic = topic;
    return true;
}

struct topic_entry *bus_sqlite_topic(struct bus_sqlite *sqlite, const char *name, GError **error)
{
    struct topic_entry *topic;
    if (!find_topic(sqlite, name, &topic, error))
        return NULL;
    if (!topic)
        bus_error_no_topic(name, error);
    return topic;
}

static struct partition *topic_at(struct topic_entry *topic, int number, GError **error)
{
    if (number < 0 || number >= topic->partitions_count) {
        bus_error_no_partition(topic->name, number, topic->partitions_count, error);
        return NULL;
    }
    return &topic->partitions[number];
}

struct partition *
bus_sqlite_partition(struct bus_sqlite *sqlite, const char *name, int number, GError **error)
{
    struct topic_entry *topic = bus_sqlite_topic(sqlite, name, error);
    return topic ? topic_at(topic, number, error) : NULL;
}

sqlite3_stmt *bus_sqlite_bind(sqlite3_stmt *statement, const struct partition *partition)
{
    db_bind_int(statement, 1, partition->topic->id);
    db_bind_int(statement, 2, partition->number);
    return statement;
}

bool bus_sqlite_read_offsets(struct bus_sqlite *sqlite,
                             const struct partition *partition,
                             int64_t *ret_start,
                             int64_t *ret_end,
                             GError **error)
{
    sqlite3_stmt *statement = bus_sqlite_bind(sqlite->offsets, partition);
    bool row;
    if (!db_step(statement, &row, error))
        return false;
    if (!row)
        return bus_error_no_partition(partition->topic->name, partition->number,
                                      partition->topic->partitions_count, error);
    *ret_start = sqlite3_column_int64(statement, 0);
    *ret_end = sqlite3_column_int64(statement, 1);
    sqlite3_reset(statement);
    return true;
}

bool bus_sqlite_end(struct bus_sqlite *sqlite, bool good, GError **error)
{
    if (good)
        return db_commit(sqlite->db, error);
    db_rollback(sqlite->db);
    return false;
}

/* Topics */

static bool
insert_topic(struct bus_sqlite *sqlite, const char *name, int partitions, GError **error)
{
    struct topic_entry *topic;
    if (!find_topic(sqlite, name, &topic, error))
        return false;
    if (topic)
        return topic->partitions_count == partitions ||
               bus_error_partitions(name, topic->partitions_count, partitions, error);
    db_bind_text(sqlite->create_topic, 1, name);
    db_bind_int(sqlite->create_topic, 2, partitions);
    if (!db_run(sqlite->create_topic, error))
        return false;
    int64_t id = sqlite3_last_insert_rowid(sqlite->db);
    for (int i = 0; i < partitions; i++) {
        db_bind_int(sqlite->create_partition, 1, id);
        db_bind_int(sqlite->create_partition, 2, i);
        if (!db_run(sqlite->create_partition, error))
            return false;
    }
    return true;
}

static bool sqlite_create_topic(struct bus *bus, const char *name, int partitions, GError **error)
{
    struct bus_sqlite *sqlite = bus_sqlite_self(bus);
    struct topic_entry *topic;
    if (!find_topic(sqlite, name, &topic, error))
        return false;
    if (topic) /* the usual case takes no write lock */
        return insert_topic(sqlite, name, partitions, error);
    return db_begin(sqlite->db, error) &&
           bus_sqlite_end(sqlite, insert_topic(sqlite, name, partitions, error), error);
}

static bool sqlite_topics(struct bus *bus,
                          struct arena *arena,
                          struct bus_topic **ret_topics,
                          size_t *ret_count,
                          GError **error)
{
    struct bus_sqlite *sqlite = bus_sqlite_self(bus);
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct bus_topic));
    bool row;
    while (true) {
        if (!db_step(sqlite->list_topics, &row, error))
            return false;
        if (!row)
            break;
        struct span name = db_column_span(sqlite->list_topics, 0);
        struct bus_topic topic = {
            .name = arena_strndup(arena, name.data, name.len),
            .partitions = sqlite3_column_int(sqlite->list_topics, 1),
        };
        g_array_append_val(rows, topic);
    }
    *ret_topics = arena_array(arena, struct bus_topic, rows->len);
    if (rows->len)
        memcpy(*ret_topics, rows->data, rows->len * sizeof(struct bus_topic));
    *ret_count = rows->len;
    return true;
}

/* Produce */

static void forget_touched(struct bus_sqlite *sqlite)
{
    for (guint i = 0; i < sqlite->touched->len; i++)
        record_batch_reset(&((struct partition *)sqlite->touched->pdata[i])->batch);
    g_ptr_array_set_size(sqlite->touched, 0);
}

/* Where a message went: its offset is known once the partition's base is. */
struct place {
    struct partition *partition;
    uint32_t index;
};

static bool gather(struct bus_sqlite *sqlite,
                   const struct bus_message *messages,
                   size_t count,
                   struct place *places,
                   GError **error)
{
    struct topic_entry *topic = NULL;
    const char *topic_name = NULL; /* the pointer: messages of a batch mostly share it */
    for (size_t i = 0; i < count; i++) {
        const struct bus_message *message = &messages[i];
        if (message->topic != topic_name) {
            topic = bus_sqlite_topic(sqlite, message->topic, error);
            if (!topic)
                return false;
            topic_name = message->topic;
        }
        int number = message->partition;
        if (number == BUS_PARTITION_BY_KEY)
            number = topic_partition(message->key.data, message->key.len, topic->partitions_count);
        struct partition *partition = topic_at(topic, number, error);
        if (!partition)
            return false;
        if (partition->batch.records == 0)
            g_ptr_array_add(sqlite->touched, partition);
        if (places)
            places[i] = (struct place){.partition = partition, .index = partition->batch.records};
        record_batch_append(&partition->batch, message->key, message->value);
    }
    return true;
}

static bool
append_batch(struct bus_sqlite *sqlite, struct partition *partition, int64_t now_ms, GError **error)
{
    int64_t start, end;
    if (!bus_sqlite_read_offsets(sqlite, partition, &start, &end, error))
        return false;
    const struct record_batch *batch = &partition->batch;
    struct record_batch_row row = {
        .partition = partition->number,
        .base_offset = end,
        .records = batch->records,
        .append_time_ms = now_ms,
    };
    partition->base_offset = end;
    sqlite3_stmt *append = bus_sqlite_bind(sqlite->append, partition);
    db_bind_int(append, 3, row.base_offset);
    db_bind_int(append, 4, row.records);
    db_bind_int(append, 5, row.append_time_ms);
    db_bind_int(append, 6, record_batch_crc(&row, batch->bytes, batch->len));
    db_bind_blob(append, 7, (struct span){.data = (const char *)batch->bytes, .len = batch->len});
    if (!db_run(append, error))
        return false;
    sqlite3_stmt *set_end = bus_sqlite_bind(sqlite->set_end, partition);
    db_bind_int(set_end, 3, end + batch->records);
    return db_run(set_end, error);
}

static bool append_touched(struct bus_sqlite *sqlite, GError **error)
{
    int64_t now_ms = clock_now_ms(sqlite->bus.context->clock);
    for (guint i = 0; i < sqlite->touched->len; i++) {
        if (!append_batch(sqlite, sqlite->touched->pdata[i], now_ms, error))
            return false;
        failpoint("bus_append");
    }
    return true;
}

static bool sqlite_produce(struct bus *bus,
                           const struct bus_message *messages,
                           size_t count,
                           int64_t *ret_offsets,
                           GError **error)
{
    struct bus_sqlite *sqlite = bus_sqlite_self(bus);
    g_autofree struct place *places = ret_offsets ? g_new(struct place, count) : NULL;
    bool done = gather(sqlite, messages, count, places, error) && db_begin(sqlite->db, error) &&
                bus_sqlite_end(sqlite, append_touched(sqlite, error), error);
    if (done && ret_offsets) {
        for (size_t i = 0; i < count; i++)
            ret_offsets[i] = places[i].partition->base_offset + places[i].index;
    }
    forget_touched(sqlite);
    return done;
}

static bool sqlite_offsets(struct bus *bus,
                           const char *topic,
                           int number,
                           int64_t *ret_start,
                           int64_t *ret_end,
                           GError **error)
{
    struct bus_sqlite *sqlite = bus_sqlite_self(bus);
    const struct partition *partition = bus_sqlite_partition(sqlite, topic, number, error);
    return partition && bus_sqlite_read_offsets(sqlite, partition, ret_start, ret_end, error);
}

/* Groups */

static bool commit_positions(struct bus_sqlite *sqlite,
                             const char *group,
                             const struct bus_position *positions,
                             size_t count,
                             GError **error)
{
    for (size_t i = 0; i < count; i++) {
        const struct bus_position *position = &positions[i];
        const struct partition *partition =
            bus_sqlite_partition(sqlite, position->topic, position->partition, error);
        int64_t start, end;
        if (!partition || !bus_sqlite_read_offsets(sqlite, partition, &start, &end, error))
            return false;
        if (position->offset > end)
            return bus_error_beyond_end(group, position->topic, position->partition,
                                        position->offset, end, error);
        db_bind_text(sqlite->group_commit, 1, group);
        db_bind_int(sqlite->group_commit, 2, partition->topic->id);
        db_bind_int(sqlite->group_commit, 3, partition->number);
        db_bind_int(sqlite->group_commit, 4, position->offset);
        if (!db_run(sqlite->group_commit, error))
            return false;
    }
    return true;
}

static bool sqlite_group_commit(struct bus *bus,
                                const char *group,
                                const struct bus_position *positions,
                                size_t count,
                                GError **error)
{
    struct bus_sqlite *sqlite = bus_sqlite_self(bus);
    return db_begin(sqlite->db, error) &&
           bus_sqlite_end(sqlite, commit_positions(sqlite, group, positions, count, error), error);
}

bool bus_sqlite_read_group(struct bus_sqlite *sqlite,
                           const char *group,
                           const struct partition *partition,
                           int64_t *ret_offset,
                           GError **error)
{
    bool row;
    db_bind_text(sqlite->group_offset, 1, group);
    db_bind_int(sqlite->group_offset, 2, partition->topic->id);
    db_bind_int(sqlite->group_offset, 3, partition->number);
    if (!db_step(sqlite->group_offset, &row, error))
        return false;
    *ret_offset = row ? sqlite3_column_int64(sqlite->group_offset, 0) : 0;
    sqlite3_reset(sqlite->group_offset);
    return true;
}

static bool sqlite_group_offset(struct bus *bus,
                                const char *group,
                                const char *topic,
                                int number,
                                int64_t *ret_offset,
                                GError **error)
{
    struct bus_sqlite *sqlite = bus_sqlite_self(bus);
    const struct partition *partition = bus_sqlite_partition(sqlite, topic, number, error);
    return partition && bus_sqlite_read_group(sqlite, group, partition, ret_offset, error);
}

const struct bus_ops bus_sqlite_ops = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .create_topic = sqlite_create_topic,
    .topics = sqlite_topics,
    .produce = sqlite_produce,
    .fetch = bus_sqlite_fetch,
    .offsets = sqlite_offsets,
    .group_commit = sqlite_group_commit,
    .group_offset = sqlite_group_offset,
    .expire = bus_sqlite_expire,
};

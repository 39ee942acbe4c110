/* bus_mem: the log as arrays. One mutex guards the log that the handles share; every function takes
 * it once and calls nothing of others meanwhile, so it is a leaf.
 *
 *   records[0]            = offset start of the partition
 *   records[i].batch_end  = offset behind the produce call that wrote it: expiry removes whole
 * calls
 */
#include "bus/bus_mem.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "bus/bus_backend.h"
#include "model/topic.h"

struct mem_record {
    int64_t append_time_ms, batch_end;
    struct span key, value; /* one allocation, at key.data */
};

struct mem_partition {
    int64_t start; /* offset of records[0] */
    GArray *records;
};

struct mem_topic {
    int partitions_count;
    struct mem_partition *partitions;
};

struct mem_log {
    pthread_mutex_t lock;
    int handles;
    GTree *topics;       /* name -> struct mem_topic, sorted by name */
    GHashTable *offsets; /* "group topic/partition" -> int64_t */
};

struct bus_mem {
    struct bus bus;
    struct mem_log *log;
};

static const struct bus_ops bus_mem_ops;

static struct mem_log *log_lock(struct bus *bus)
{
    g_assert(bus->ops == &bus_mem_ops);
    struct mem_log *log = ((struct bus_mem *)bus)->log;
    pthread_mutex_lock(&log->lock);
    return log;
}

static bool log_unlock(struct mem_log *log, bool result)
{
    pthread_mutex_unlock(&log->lock);
    return result;
}

static void record_clear(void *record)
{
    g_free((char *)((struct mem_record *)record)->key.data);
}

static void mem_topic_free(void *data)
{
    struct mem_topic *topic = data;
    for (int i = 0; i < topic->partitions_count; i++)
        g_array_unref(topic->partitions[i].records);
    g_free(topic->partitions);
    g_free(topic);
}

static int compare_names(const void *a, const void *b, void *data)
{
    (void)data;
    return strcmp(a, b);
}

static int64_t partition_end(const struct mem_partition *partition)
{
    return partition->start + partition->records->len;
}

static struct mem_record *partition_at(const struct mem_partition *partition, int64_t offset)
{
    return &g_array_index(partition->records, struct mem_record,
                          (guint)(offset - partition->start));
}

static struct mem_topic *find_topic(struct mem_log *log, const char *name, GError **error)
{
    struct mem_topic *topic = g_tree_lookup(log->topics, name);
    if (!topic)
        bus_error_no_topic(name, error);
    return topic;
}

static struct mem_partition *
find_partition(struct mem_log *log, const char *name, int partition, GError **error)
{
    struct mem_topic *topic = find_topic(log, name, error);
    if (!topic)
        return NULL;
    if (partition < 0 || partition >= topic->partitions_count) {
        bus_error_no_partition(name, partition, topic->partitions_count, error);
        return NULL;
    }
    return &topic->partitions[partition];
}

static struct bus *handle_new(const struct context *context, struct mem_log *log)
{
    struct bus_mem *mem = g_new0(struct bus_mem, 1);
    mem->bus = (struct bus){.ops = &bus_mem_ops, .context = context};
    mem->log = log;
    return &mem->bus;
}

struct bus *bus_mem_new(const struct context *context)
{
    struct mem_log *log = g_new0(struct mem_log, 1);
    pthread_mutex_init(&log->lock, NULL);
    log->handles = 1;
    log->topics = g_tree_new_full(compare_names, NULL, g_free, mem_topic_free);
    log->offsets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return handle_new(context, log);
}

struct bus *bus_mem_share(struct bus *bus)
{
    struct mem_log *log = log_lock(bus);
    log->handles++;
    log_unlock(log, true);
    return handle_new(bus->context, log);
}

static void mem_close(struct bus *bus)
{
    struct mem_log *log = log_lock(bus);
    bool last = --log->handles == 0;
    log_unlock(log, true);
    g_free(bus);
    if (!last)
        return;
    pthread_mutex_destroy(&log->lock);
    g_tree_unref(log->topics);
    g_hash_table_unref(log->offsets);
    g_free(log);
}

static bool create_topic(struct mem_log *log, const char *name, int partitions, GError **error)
{
    struct mem_topic *topic = g_tree_lookup(log->topics, name);
    if (topic)
        return topic->partitions_count == partitions ||
               bus_error_partitions(name, topic->partitions_count, partitions, error);
    topic = g_new0(struct mem_topic, 1);
    topic->partitions_count = partitions;
    topic->partitions = g_new0(struct mem_partition, (gsize)partitions);
    for (int i = 0; i < partitions; i++) {
        topic->partitions[i].records = g_array_new(FALSE, FALSE, sizeof(struct mem_record));
        g_array_set_clear_func(topic->partitions[i].records, record_clear);
    }
    g_tree_insert(log->topics, g_strdup(name), topic);
    return true;
}

static bool mem_create_topic(struct bus *bus, const char *topic, int partitions, GError **error)
{
    struct mem_log *log = log_lock(bus);
    return log_unlock(log, create_topic(log, topic, partitions, error));
}

struct topics_walk {
    struct arena *arena;
    struct bus_topic *topics;
    size_t count;
};

static gboolean add_topic(void *name, void *topic, void *data)
{
    struct topics_walk *walk = data;
    walk->topics[walk->count++] = (struct bus_topic){
        .name = arena_strdup(walk->arena, name),
        .partitions = ((struct mem_topic *)topic)->partitions_count,
    };
    return FALSE;
}

static bool mem_topics(struct bus *bus,
                       struct arena *arena,
                       struct bus_topic **ret_topics,
                       size_t *ret_count,
                       GError **error)
{
    (void)error;
    struct mem_log *log = log_lock(bus);
    struct topics_walk walk = {.arena = arena};
    walk.topics = arena_array(arena, struct bus_topic, (size_t)g_tree_nnodes(log->topics));
    g_tree_foreach(log->topics, add_topic, &walk);
    *ret_topics = walk.topics;
    *ret_count = walk.count;
    return log_unlock(log, true);
}

static struct mem_partition *
message_partition(struct mem_log *log, const struct bus_message *message, GError **error)
{
    int partition = message->partition;
    if (partition == BUS_PARTITION_BY_KEY) {
        struct mem_topic *topic = find_topic(log, message->topic, error);
        if (!topic)
            return NULL;
        partition = topic_partition(message->key.data, message->key.len, topic->partitions_count);
    }
    return find_partition(log, message->topic, partition, error);
}

static int64_t
append(struct mem_partition *partition, const struct bus_message *message, int64_t now_ms)
{
    char *bytes = g_malloc(message->key.len + message->value.len + 1);
    struct mem_record record = {
        .append_time_ms = now_ms,
        .key = {.data = bytes, .len = message->key.len},
        .value = {.data = bytes + message->key.len, .len = message->value.len},
    };
    if (message->key.len)
        memcpy(bytes, message->key.data, message->key.len);
    if (message->value.len)
        memcpy(bytes + message->key.len, message->value.data, message->value.len);
    g_array_append_val(partition->records, record);
    return partition_end(partition) - 1;
}

static bool produce(struct mem_log *log,
                    const struct bus_message *messages,
                    size_t count,
                    int64_t now_ms,
                    int64_t *ret_offsets,
                    GError **error)
{
    /* All partitions first, so that a message that fails leaves nothing behind. */
    g_autofree struct mem_partition **partitions = g_new(struct mem_partition *, count);
    g_autofree int64_t *offsets = g_new(int64_t, count);
    for (size_t i = 0; i < count; i++) {
        partitions[i] = message_partition(log, &messages[i], error);
        if (!partitions[i])
            return false;
    }
    for (size_t i = 0; i < count; i++)
        offsets[i] = append(partitions[i], &messages[i], now_ms);
    for (size_t i = 0; i < count; i++)
        partition_at(partitions[i], offsets[i])->batch_end = partition_end(partitions[i]);
    if (ret_offsets)
        memcpy(ret_offsets, offsets, count * sizeof *offsets);
    return true;
}

static bool mem_produce(struct bus *bus,
                        const struct bus_message *messages,
                        size_t count,
                        int64_t *ret_offsets,
                        GError **error)
{
    struct mem_log *log = log_lock(bus);
    int64_t now_ms = clock_now_ms(bus->context->clock);
    return log_unlock(log, produce(log, messages, count, now_ms, ret_offsets, error));
}

static struct span span_copy(struct arena *arena, struct span span)
{
    return (struct span){.data = arena_strndup(arena, span.data, span.len), .len = span.len};
}

static bool fetch(struct mem_log *log,
                  const char *topic,
                  int number,
                  int64_t offset,
                  size_t bytes_max,
                  struct arena *arena,
                  struct bus_batch *ret_batch,
                  GError **error)
{
    const struct mem_partition *partition = find_partition(log, topic, number, error);
    if (!partition)
        return false;
    int64_t end = partition_end(partition), next = offset;
    if (offset < partition->start)
        return bus_error_expired(topic, number, offset, partition->start, error);
    if (offset > end)
        return bus_error_beyond_end("fetch", topic, number, offset, end, error);
    for (size_t bytes = 0; next < end; next++) {
        const struct mem_record *record = partition_at(partition, next);
        bytes += record->key.len + record->value.len + BUS_RECORD_OVERHEAD_BYTES;
        if (bytes > bytes_max && next > offset)
            break;
    }
    struct bus_batch batch = {
        .count = (size_t)(next - offset), .next_offset = next, .end_offset = end};
    batch.records = arena_array(arena, struct bus_record, batch.count);
    for (size_t i = 0; i < batch.count; i++) {
        const struct mem_record *record = partition_at(partition, offset + (int64_t)i);
        batch.records[i] = (struct bus_record){
            .offset = offset + (int64_t)i,
            .append_time_ms = record->append_time_ms,
            .key = span_copy(arena, record->key),
            .value = span_copy(arena, record->value),
        };
    }
    *ret_batch = batch;
    return true;
}

static bool mem_fetch(struct bus *bus,
                      const char *topic,
                      int partition,
                      int64_t offset,
                      size_t bytes_max,
                      struct arena *arena,
                      struct bus_batch *ret_batch,
                      GError **error)
{
    struct mem_log *log = log_lock(bus);
    return log_unlock(log,
                      fetch(log, topic, partition, offset, bytes_max, arena, ret_batch, error));
}

static bool mem_offsets(struct bus *bus,
                        const char *topic,
                        int number,
                        int64_t *ret_start,
                        int64_t *ret_end,
                        GError **error)
{
    struct mem_log *log = log_lock(bus);
    const struct mem_partition *partition = find_partition(log, topic, number, error);
    if (partition) {
        *ret_start = partition->start;
        *ret_end = partition_end(partition);
    }
    return log_unlock(log, partition != NULL);
}

/* Neither name can hold a space or a slash. */
static char *offset_key(const char *group, const char *topic, int partition)
{
    return g_strdup_printf("%s %s/%d", group, topic, partition);
}

static int64_t committed(struct mem_log *log, const char *group, const char *topic, int partition)
{
    g_autofree char *key = offset_key(group, topic, partition);
    const int64_t *offset = g_hash_table_lookup(log->offsets, key);
    return offset ? *offset : 0;
}

static bool group_commit(struct mem_log *log,
                         const char *group,
                         const struct bus_position *positions,
                         size_t count,
                         GError **error)
{
    for (size_t i = 0; i < count; i++) {
        const struct bus_position *position = &positions[i];
        const struct mem_partition *partition =
            find_partition(log, position->topic, position->partition, error);
        if (!partition)
            return false;
        int64_t end = partition_end(partition);
        if (position->offset > end)
            return bus_error_beyond_end(group, position->topic, position->partition,
                                        position->offset, end, error);
    }
    for (size_t i = 0; i < count; i++)
        g_hash_table_replace(log->offsets,
                             offset_key(group, positions[i].topic, positions[i].partition),
                             g_memdup2(&positions[i].offset, sizeof positions[i].offset));
    return true;
}

static bool mem_group_commit(struct bus *bus,
                             const char *group,
                             const struct bus_position *positions,
                             size_t count,
                             GError **error)
{
    struct mem_log *log = log_lock(bus);
    return log_unlock(log, group_commit(log, group, positions, count, error));
}

static bool mem_group_offset(struct bus *bus,
                             const char *group,
                             const char *topic,
                             int partition,
                             int64_t *ret_offset,
                             GError **error)
{
    struct mem_log *log = log_lock(bus);
    bool found = find_partition(log, topic, partition, error) != NULL;
    if (found)
        *ret_offset = committed(log, group, topic, partition);
    return log_unlock(log, found);
}

static int64_t
expire_partition(struct mem_partition *partition, int64_t before_ms, int64_t archived)
{
    int64_t start = partition->start, end = partition_end(partition);
    while (start < end) {
        const struct mem_record *first = partition_at(partition, start);
        int64_t batch_end = MIN(first->batch_end, end); /* its tail may have been lost */
        if (first->append_time_ms >= before_ms || batch_end > archived)
            break;
        start = batch_end;
    }
    int64_t records = start - partition->start;
    if (records > 0)
        g_array_remove_range(partition->records, 0, (guint)records);
    partition->start = start;
    return records;
}

static bool mem_expire(
    struct bus *bus, const char *name, int64_t before_ms, int64_t *ret_records, GError **error)
{
    struct mem_log *log = log_lock(bus);
    struct mem_topic *topic = find_topic(log, name, error);
    if (!topic)
        return log_unlock(log, false);
    int64_t records = 0;
    for (int i = 0; i < topic->partitions_count; i++)
        records += expire_partition(&topic->partitions[i], before_ms,
                                    committed(log, BUS_GROUP_ARCHIVE, name, i));
    *ret_records = records;
    return log_unlock(log, true);
}

void bus_mem_lose_tail(struct bus *bus, const char *topic, int number, int64_t count)
{
    struct mem_log *log = log_lock(bus);
    struct mem_partition *partition = find_partition(log, topic, number, NULL);
    g_assert(partition && count >= 0 && count <= partition->records->len);
    g_array_set_size(partition->records, partition->records->len - (guint)count);
    log_unlock(log, true);
}

static const struct bus_ops bus_mem_ops = {
    .name = "mem",
    .close = mem_close,
    .create_topic = mem_create_topic,
    .topics = mem_topics,
    .produce = mem_produce,
    .fetch = mem_fetch,
    .offsets = mem_offsets,
    .group_commit = mem_group_commit,
    .group_offset = mem_group_offset,
    .expire = mem_expire,
};

#include "stream/part.h"

#include "stream/report.h"
#include "stream/rows.h"
#include "stream/rows_topic.h"

static void unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

struct part *part_new(bool rows_to_topic, size_t record_bytes_max)
{
    struct part *part = g_new0(struct part, 1);
    part->rows_to_topic = rows_to_topic;
    part->record_bytes_max = record_bytes_max;
    part->messages = g_array_new(FALSE, FALSE, sizeof(struct bus_message));
    part->arena = arena_new();
    part->changelog = changelog_writer_new();
    part->reports = report_writer_new(record_bytes_max);
    part->reported = g_ptr_array_new_with_free_func(unref_bytes);
    part->rows = g_byte_array_new();
    return part;
}

void part_free(struct part *part)
{
    if (!part)
        return;
    g_array_unref(part->messages);
    arena_free(part->arena);
    changelog_writer_free(part->changelog);
    report_writer_free(part->reports);
    g_ptr_array_unref(part->reported);
    g_byte_array_unref(part->rows);
    g_free(part);
}

void part_clear(struct part *part)
{
    g_array_set_size(part->messages, 0);
    g_ptr_array_set_size(part->reported, 0);
    arena_reset(part->arena);
}

static void add(struct part *part, const char *topic, int partition, struct span value)
{
    const struct bus_message message = {topic, partition, {"", 0}, value};
    g_array_append_val(part->messages, message);
}

static bool add_entry(struct part *part, struct holding *holding, GError **error)
{
    const struct speed_batch batch = output_batch(holding_output(holding)), none = {0};
    g_byte_array_set_size(part->rows, 0);
    rows_encode(part->rows_to_topic ? &none : &batch, part->rows);
    if (part->rows_to_topic)
        rows_topic_messages(&batch, holding->shard ? holding->number : BUS_PARTITION_BY_KEY,
                            part->arena, part->messages);
    const struct changelog_entry entry = {
        .task = holding->number,
        .before = holding->file->chain,
        .delta = {(const char *)holding->file->delta->data, holding->file->delta->len},
        .rows = {(const char *)part->rows->data, part->rows->len},
    };
    struct span *values;
    size_t count;
    if (!changelog_encode(part->changelog, &entry, part->record_bytes_max, part->arena, &values,
                          &count, &holding->chain, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        add(part, CHANGELOG_TOPIC, holding->number, values[i]);
        holding->unsaved_bytes += (int64_t)values[i].len;
    }
    return true;
}

static void add_report(struct part *part, struct shard *shard)
{
    shard_report(shard, part->reports, part->reported);
    for (guint i = 0; i < part->reported->len; i++) {
        gsize len;
        const char *data = g_bytes_get_data(part->reported->pdata[i], &len);
        add(part, REPORT_TOPIC, 0, (struct span){data, len});
    }
}

bool part_write(struct part *part, struct holding *holding, int64_t monotonic_ms, GError **error)
{
    part_clear(part);
    if (!holding_write(holding, monotonic_ms, error) || !add_entry(part, holding, error))
        return false;
    if (holding->shard)
        add_report(part, holding->shard);
    else
        global_task_messages(holding->global, part->messages);
    holding->wrote = true;
    return true;
}

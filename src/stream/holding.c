#include "stream/holding.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "stream/rows_topic.h"

struct holding *holding_new(const struct restore_options *options)
{
    struct holding *holding = g_new0(struct holding, 1);
    holding->number = options->task;
    holding->options = *options;
    holding->restore = restore_new(options, NULL);
    return holding;
}

/* Memory only: the file stays. */
static void drop_memory(struct holding *holding)
{
    g_clear_pointer(&holding->snapshot, snapshot_free);
    g_clear_pointer(&holding->shard, shard_close);
    g_clear_pointer(&holding->global, global_task_close);
    if (holding->file)
        task_file_rollback(holding->file);
    holding->begun = holding->wrote = false;
    holding->unfiled_bytes = 0;
}

bool holding_settled(const struct holding *holding)
{
    return holding_running(holding) && !holding->begun && !holding->wrote &&
           !(holding->shard ? holding->shard->pending : holding->global->pending);
}

void holding_free(struct holding *holding)
{
    if (!holding)
        return;
    g_autoptr(GError) why = NULL;
    if (holding_settled(holding) && !holding_file(holding, &why))
        log_warn(holding->options.context->log, "stream", "a task's file stays behind",
                 LOG_INT("task", holding->number), LOG_STR("error", why->message));
    drop_memory(holding);
    restore_free(holding->restore);
    task_file_close(holding->file);
    g_free(holding);
}

static bool start(struct holding *holding, struct serde *serde, GError **error)
{
    const struct stream_settings *settings = holding->options.settings;
    const int64_t monotonic_ms = clock_monotonic_ms(holding->options.context->clock);
    holding->sunk = holding->file->next_offset;
    holding->filed_monotonic_ms = monotonic_ms;
    if (holding->number == settings->partitions) {
        holding->global = global_task_open(holding->file, settings, serde, monotonic_ms, error);
        return holding->global && position_check(&holding->global->position, holding->options.bus,
                                                 REPORT_TOPIC, 0, error);
    }
    holding->shard = shard_open(holding->file, settings, monotonic_ms, error);
    return holding->shard && shard_check(holding->shard, holding->options.bus, error);
}

bool holding_restore(struct holding *holding, struct serde *serde, bool *ret_idle, GError **error)
{
    bool done;
    if (!restore_step(holding->restore, &done, ret_idle, error))
        return false;
    if (!done)
        return true;
    holding->file = restore_finish(holding->restore);
    holding->restore = NULL;
    if (start(holding, serde, error))
        return true;
    holding_abandon(holding);
    return false;
}

void holding_abandon(struct holding *holding)
{
    if (holding->restore)
        return;
    drop_memory(holding);
    holding->restore = restore_new(&holding->options, holding->file);
    holding->file = NULL;
}

/* What no restore will need: below the older of the snapshots that are kept. */
static bool truncate_old(struct holding *holding, GError **error)
{
    struct bus *bus = holding->options.bus;
    struct snapshot_place places[SNAPSHOTS_KEPT];
    size_t count;
    if (!snapshot_find(bus, holding->number, places, &count, error))
        return false;
    if (count < SNAPSHOTS_KEPT)
        return true;
    const struct snapshot_place *oldest = &places[SNAPSHOTS_KEPT - 1];
    return bus_truncate(bus, CHANGELOG_TOPIC, holding->number, oldest->changelog_offset, error) &&
           bus_truncate(bus, SNAPSHOT_TOPIC, holding->number, oldest->first_offset, error);
}

/* The changelog is enough: without a snapshot a restore only takes longer. */
static void give_up_snapshot(struct holding *holding, const GError *why)
{
    log_warn(holding->options.context->log, "stream", "no snapshot this time",
             LOG_INT("task", holding->number), LOG_STR("error", why->message));
    g_clear_pointer(&holding->snapshot, snapshot_free);
    holding->unsaved_bytes = 0;
}

static bool save_step(struct holding *holding, GError **error)
{
    bool done;
    if (!snapshot_step(holding->snapshot, &done, error))
        return false;
    if (!done)
        return true;
    log_info(holding->options.context->log, "stream", "snapshot", LOG_INT("task", holding->number),
             LOG_INT("bytes", snapshot_bytes(holding->snapshot)));
    g_clear_pointer(&holding->snapshot, snapshot_free);
    return truncate_old(holding, error);
}

bool holding_save(struct holding *holding, bool *ret_idle, GError **error)
{
    const struct context *context = holding->options.context;
    g_autoptr(GError) why = NULL;
    *ret_idle = !holding->snapshot;
    if (holding->snapshot) {
        if (save_step(holding, &why))
            return true;
    } else {
        if (holding->unsaved_bytes < context->config->stream_snapshot_after_bytes)
            return true;
        holding->unsaved_bytes = 0;
        if (!holding_file(holding, error))
            return false;
        holding->snapshot = snapshot_begin(context, holding->options.bus, holding->file, &why);
        if (holding->snapshot)
            return true;
    }
    if (error_is(why, AGAIN)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    give_up_snapshot(holding, why);
    return true;
}

bool holding_begin(struct holding *holding, GError **error)
{
    if (!holding->begun)
        holding->begun = task_file_begin(holding->file, error);
    return holding->begun;
}

bool holding_pending(const struct holding *holding, int64_t monotonic_ms)
{
    if (!holding_running(holding))
        return false;
    if (holding->shard)
        return holding->shard->pending;
    return holding->global->pending || global_task_due(holding->global, monotonic_ms);
}

bool holding_write(struct holding *holding, int64_t monotonic_ms, GError **error)
{
    if (!holding_begin(holding, error))
        return false;
    if (holding->sunk != holding->file->sunk &&
        !task_file_set_sunk(holding->file, holding->sunk, error))
        return false;
    return holding->shard ? shard_write(holding->shard, error)
                          : global_task_write(holding->global, monotonic_ms, error);
}

struct output *holding_output(struct holding *holding)
{
    return holding->shard ? &holding->shard->output : &holding->global->output;
}

void holding_positions(const struct holding *holding, GArray *positions)
{
    for (unsigned input = 0; holding->shard && input < INPUT_COUNT; input++) {
        const struct position *position = &holding->shard->task->positions[input];
        const struct bus_position mark = {topic_info(input_topics[input])->name, holding->number,
                                          position->next_offset};
        if (position->dirty)
            g_array_append_val(positions, mark);
    }
    if (holding->global && holding->global->position.dirty) {
        const struct bus_position mark = {REPORT_TOPIC, 0, holding->global->position.next_offset};
        g_array_append_val(positions, mark);
    }
}

void holding_commit(struct holding *holding, int64_t next_offset)
{
    holding->unfiled_bytes += holding->file->delta->len;
    holding->begun = false;
    task_file_advance(holding->file, &holding->chain, next_offset);
}

bool holding_sink(struct holding *holding, GError **error)
{
    if (!holding->wrote)
        return true;
    struct speed_batch batch = output_batch(holding_output(holding));
    batch.source = holding->number;
    batch.sequence = holding->file->next_offset; /* of its last record, and 1 */
    if (!holding->options.speed)
        rows_topic_count(&batch, holding->options.context->metrics);
    else if (!speed_write(holding->options.speed, &batch, error))
        return false;
    holding->sunk = holding->file->next_offset;
    holding->wrote = false;
    if (holding->shard)
        shard_committed(holding->shard);
    else
        global_task_committed(holding->global);
    return true;
}

enum holding_filing holding_filing(const struct holding *holding, int64_t monotonic_ms)
{
    if (!holding_settled(holding) || !holding->file->open)
        return HOLDING_FILED;
    if (holding->unfiled_bytes >= HOLDING_FILE_BYTES_MAX ||
        (holding->shard && state_full(holding->shard->task->state)))
        return HOLDING_FILE_NOW;
    return monotonic_ms - holding->filed_monotonic_ms >= HOLDING_FILE_MS ? HOLDING_FILE_DUE
                                                                         : HOLDING_FILED;
}

bool holding_file(struct holding *holding, GError **error)
{
    holding->filed_monotonic_ms = clock_monotonic_ms(holding->options.context->clock);
    holding->unfiled_bytes = 0;
    if (!holding->file->open)
        return true;
    if ((!holding->shard || state_file(holding->shard->task->state, error)) &&
        task_file_save(holding->file, error))
        return true;
    holding_abandon(holding);
    return false;
}

#include "stream/restore.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "stream/delta.h"
#include "stream/job.h"
#include "stream/position.h"
#include "stream/report.h"
#include "stream/rows.h"
#include "stream/snapshot.h"

/* Bytes of the changelog asked for in one step. */
#define RESTORE_FETCH_BYTES ((size_t)4 * 1024 * 1024)
#define MS_PER_S            1000.0

enum phase {
    RESTORE_OPEN,
    RESTORE_FIND,
    RESTORE_FETCH,
    RESTORE_ASK,
    RESTORE_TAIL,
    RESTORE_SINK,
    RESTORE_COMPARE
};

/* Rows that may not be in the speed store. */
struct unsunk {
    int64_t offset; /* of the entry's last record */
    GBytes *rows;
};

struct restore {
    struct restore_options options;
    struct task_file *file;
    enum phase phase;
    struct changelog_reader *reader;
    struct delta_player *player;
    GArray *unsunk; /* struct unsunk */
    bool diverged;  /* an entry didn't follow the file's chain */
    struct arena *arena;
    struct bus_position committed[INPUT_COUNT];
    size_t committed_count;
    int64_t at, end;                              /* of the changelog */
    struct snapshot_place places[SNAPSHOTS_KEPT]; /* newest first */
    size_t places_count, place;
    struct snapshot_fetch *fetch;
    bool looked; /* for snapshots */
    bool fresh;  /* the file was made by this restore: it can't be another's leftover */
    int64_t begun_monotonic_ms;
    int64_t deadline_monotonic_ms; /* INT64_MAX: nothing has disagreed yet */
};

static void unsunk_clear(gpointer data)
{
    g_bytes_unref(((struct unsunk *)data)->rows);
}

struct restore *restore_new(const struct restore_options *options, struct task_file *file)
{
    struct restore *restore = g_new0(struct restore, 1);
    restore->options = *options;
    restore->file = file;
    restore->reader = changelog_reader_new();
    restore->unsunk = g_array_new(FALSE, FALSE, sizeof(struct unsunk));
    g_array_set_clear_func(restore->unsunk, unsunk_clear);
    restore->arena = arena_new();
    restore->begun_monotonic_ms = clock_monotonic_ms(options->context->clock);
    restore->deadline_monotonic_ms = INT64_MAX;
    return restore;
}

static void forget(struct restore *restore)
{
    snapshot_fetch_free(restore->fetch);
    delta_player_free(restore->player);
    changelog_reader_free(restore->reader);
    g_array_unref(restore->unsunk);
    arena_free(restore->arena);
    g_free(restore);
}

void restore_free(struct restore *restore)
{
    if (!restore)
        return;
    struct task_file *file = restore->file;
    forget(restore);
    task_file_close(file);
}

struct task_file *restore_finish(struct restore *restore)
{
    struct task_file *file = restore->file;
    const struct context *context = restore->options.context;
    const double seconds =
        (double)(clock_monotonic_ms(context->clock) - restore->begun_monotonic_ms) / MS_PER_S;
    metrics_observe(context->metrics, METRIC_STREAM_RESTORE_SECONDS, NULL, seconds);
    log_info(context->log, "stream", "task restored", LOG_INT("task", restore->options.task),
             LOG_INT("commits", file->chain.commits), LOG_INT("offset", file->next_offset),
             LOG_NUM("seconds", seconds));
    forget(restore);
    return file;
}

/* ---- the file as found ---- */

/* The changelog is the truth: what doesn't fit it is made again. */
static bool start_over(struct restore *restore, const char *why, GError **error)
{
    const struct restore_options *options = &restore->options;
    log_warn(options->context->log, "stream", "a task's file is made again",
             LOG_INT("task", options->task), LOG_STR("why", why));
    g_clear_pointer(&restore->player, delta_player_free);
    g_clear_pointer(&restore->file, task_file_close);
    g_array_set_size(restore->unsunk, 0);
    changelog_reader_free(restore->reader);
    restore->reader = changelog_reader_new();
    restore->diverged = restore->looked = false;
    restore->place = restore->places_count = 0;
    restore->phase = RESTORE_OPEN;
    return task_file_remove(options->folder, options->task, error);
}

static bool open_file(struct restore *restore, GError **error)
{
    const struct restore_options *options = &restore->options;
    int64_t start, end;
    if (!bus_offsets(options->bus, CHANGELOG_TOPIC, options->task, &start, &end, error))
        return false;
    if (!restore->file)
        restore->file = task_file_open(options->folder, options->task, options->sql, error);
    if (!restore->file)
        return false;
    restore->fresh = restore->looked || restore->file->chain.commits == 0;
    if (restore->fresh && !restore->looked) {
        g_clear_pointer(&restore->file, task_file_close);
        restore->phase = RESTORE_FIND;
        return true;
    }
    if (restore->file->next_offset < start) {
        if (!restore->fresh)
            return start_over(restore, "the changelog begins behind it", error);
        error_set(error, FAILED,
                  "task %d: %s partition %d begins at offset %" PRId64
                  " and there is no whole snapshot of what stood before",
                  options->task, CHANGELOG_TOPIC, options->task, start);
        return false;
    }
    restore->player = delta_player_new(restore->file->db, restore->file->sql);
    restore->at = MAX(MIN(restore->file->next_offset, restore->file->sunk), start);
    restore->phase = RESTORE_ASK;
    return true;
}

/* ---- a snapshot ---- */

static bool find(struct restore *restore, GError **error)
{
    if (!snapshot_find(restore->options.bus, restore->options.task, restore->places,
                       &restore->places_count, error))
        return false;
    restore->looked = true;
    restore->phase = restore->places_count > 0 ? RESTORE_FETCH : RESTORE_OPEN;
    return true;
}

/* The next one where this one isn't whole; none is left: an empty file. */
static void pass_over(struct restore *restore, const char *why)
{
    log_warn(restore->options.context->log, "stream", "a snapshot is passed over",
             LOG_INT("task", restore->options.task), LOG_STR("why", why));
    g_clear_pointer(&restore->fetch, snapshot_fetch_free);
    restore->place++;
    if (restore->place == restore->places_count)
        restore->phase = RESTORE_OPEN;
}

static bool fetch_some(struct restore *restore, bool *ret_done, GError **error)
{
    const struct restore_options *options = &restore->options;
    *ret_done = false;
    if (!restore->fetch)
        restore->fetch = snapshot_fetch_begin(
            options->bus, options->task, &restore->places[restore->place], options->folder, error);
    return restore->fetch && snapshot_fetch_step(restore->fetch, ret_done, error);
}

static bool fetch(struct restore *restore, GError **error)
{
    g_autoptr(GError) why = NULL;
    bool done;
    if (fetch_some(restore, &done, &why)) {
        if (!done)
            return true;
        g_clear_pointer(&restore->fetch, snapshot_fetch_free);
        restore->phase = RESTORE_OPEN;
        return true;
    }
    if (!error_is(why, BADDATA)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    pass_over(restore, why->message);
    return true;
}

/* ---- what the group has committed ---- */

static bool is_global(const struct restore *restore)
{
    return restore->options.task == restore->options.settings->partitions;
}

/* First the offsets, then the end: see restore.h. */
static bool ask(struct restore *restore, GError **error)
{
    const struct restore_options *options = &restore->options;
    if (is_global(restore)) {
        restore->committed[0] = (struct bus_position){REPORT_TOPIC, 0, 0};
        restore->committed_count = 1;
    } else {
        for (unsigned input = 0; input < INPUT_COUNT; input++)
            restore->committed[input] =
                (struct bus_position){topic_info(input_topics[input])->name, options->task, 0};
        restore->committed_count = INPUT_COUNT;
    }
    if (!bus_member_committed(options->member, restore->committed, restore->committed_count,
                              error) ||
        !bus_member_end(options->member, CHANGELOG_TOPIC, options->task, &restore->end, error))
        return false;
    if (restore->at > restore->end && !restore->fresh && restore->end == 0)
        return start_over(restore, "the changelog is empty", error);
    if (restore->at > restore->end) {
        error_set(error, FAILED,
                  "task %d: %s partition %d ends at offset %" PRId64
                  ", before what %s holds (%" PRId64 "): the changelog lost its tail",
                  options->task, CHANGELOG_TOPIC, options->task, restore->end, restore->file->path,
                  restore->at);
        return false;
    }
    restore->phase = RESTORE_TAIL;
    return true;
}

/* ---- the tail ---- */

static bool play(struct restore *restore,
                 const struct changelog_entry *entry,
                 const struct chain *after,
                 int64_t offset,
                 GError **error)
{
    struct task_file *file = restore->file;
    if (entry->task != file->task || entry->before.commits != file->chain.commits ||
        entry->before.digest != file->chain.digest) {
        restore->diverged = true;
        error_set(error, FAILED,
                  "task %d: the changelog's entry %" PRId64 " (partition %d, offset %" PRId64
                  ") doesn't follow the %" PRId64 " entries that %s is made of",
                  file->task, entry->before.commits, file->task, offset, file->chain.commits,
                  file->path);
        return false;
    }
    if (!task_file_begin(file, error))
        return false;
    if (!delta_player_run(restore->player, entry->delta, error)) {
        task_file_rollback(file);
        return false;
    }
    return task_file_commit(file, after, offset + 1, error);
}

/* Entries that a later one calls sunk needn't be written again. */
static void drop_sunk(struct restore *restore)
{
    while (restore->unsunk->len > 0 &&
           g_array_index(restore->unsunk, struct unsunk, 0).offset < restore->file->sunk)
        g_array_remove_index(restore->unsunk, 0);
}

static bool take_record(struct restore *restore, const struct bus_record *record, GError **error)
{
    bool whole;
    struct changelog_entry entry;
    struct chain after;
    if (!changelog_take(restore->reader, record->value, &whole, &entry, &after, error)) {
        g_prefix_error(error, "%s partition %d, offset %" PRId64 ": ", CHANGELOG_TOPIC,
                       restore->options.task, record->offset);
        return false;
    }
    if (!whole)
        return true;
    if (record->offset >= restore->file->next_offset &&
        !play(restore, &entry, &after, record->offset, error))
        return false;
    if (record->offset >= restore->file->sunk) {
        struct unsunk unsunk = {record->offset, g_bytes_new(entry.rows.data, entry.rows.len)};
        g_array_append_val(restore->unsunk, unsunk);
    }
    drop_sunk(restore);
    return true;
}

static bool read_tail(struct restore *restore, bool *ret_idle, GError **error)
{
    const struct restore_options *options = &restore->options;
    struct bus_batch batch;
    if (restore->at >= restore->end) {
        restore->phase = RESTORE_SINK;
        return true;
    }
    arena_reset(restore->arena);
    if (!bus_fetch(options->bus, CHANGELOG_TOPIC, options->task, restore->at, RESTORE_FETCH_BYTES,
                   restore->arena, &batch, error))
        return false;
    *ret_idle = batch.next_offset == restore->at;
    for (size_t i = 0; i < batch.count; i++) {
        g_autoptr(GError) why = NULL;
        if (take_record(restore, &batch.records[i], &why))
            continue;
        if (restore->diverged && !restore->fresh)
            return start_over(restore, why->message, error);
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    restore->at = batch.next_offset;
    return true;
}

/* ---- the speed store ---- */

static bool sink_one(struct restore *restore, const struct unsunk *unsunk, GError **error)
{
    gsize len;
    const char *data = g_bytes_get_data(unsunk->rows, &len);
    struct speed_batch batch;
    arena_reset(restore->arena);
    if (!rows_decode((struct span){data, len}, restore->arena, &batch, error))
        return false;
    batch.source = restore->options.task;
    batch.sequence = unsunk->offset + 1;
    return speed_write(restore->options.speed, &batch, error);
}

static bool sink(struct restore *restore, GError **error)
{
    while (restore->options.speed && restore->unsunk->len > 0) {
        if (!sink_one(restore, &g_array_index(restore->unsunk, struct unsunk, 0), error))
            return false;
        g_array_remove_index(restore->unsunk, 0);
    }
    restore->phase = RESTORE_COMPARE;
    return true;
}

/* ---- equal? ---- */

static bool read_own(struct restore *restore, int64_t own[INPUT_COUNT], GError **error)
{
    struct position_store *store = position_store_new(restore->file->db, restore->file->sql, error);
    bool read = store != NULL;
    for (size_t i = 0; read && i < restore->committed_count; i++) {
        struct position position;
        read = position_read(store, restore->committed[i].topic, restore->committed[i].partition,
                             &position, error);
        own[i] = position.started ? position.next_offset : -1;
    }
    position_store_free(store);
    return read;
}

/* They may disagree for a moment: a commit's markers reach one partition after the other. Offsets
 * that the group has forgotten (its retention) say nothing: the changelog knows them. */
static bool compare(struct restore *restore, bool *ret_done, bool *ret_idle, GError **error)
{
    int64_t own[INPUT_COUNT];
    if (!read_own(restore, own, error))
        return false;
    const int64_t now_ms = clock_monotonic_ms(restore->options.context->clock);
    for (size_t i = 0; i < restore->committed_count; i++) {
        const struct bus_position *committed = &restore->committed[i];
        if (committed->offset < 0 || own[i] == committed->offset)
            continue;
        if (restore->deadline_monotonic_ms == INT64_MAX)
            restore->deadline_monotonic_ms = now_ms + restore->options.patience_ms;
        if (now_ms >= restore->deadline_monotonic_ms) {
            error_set(error, FAILED,
                      "task %d: the changelog up to offset %" PRId64 " has read %s partition %d up "
                      "to %" PRId64 ", the group has committed %" PRId64
                      ": one of the two was changed by somebody else",
                      restore->options.task, restore->at, committed->topic, committed->partition,
                      own[i], committed->offset);
            return false;
        }
        restore->phase = RESTORE_ASK;
        *ret_idle = true;
        return true;
    }
    *ret_done = true;
    return true;
}

bool restore_step(struct restore *restore, bool *ret_done, bool *ret_idle, GError **error)
{
    *ret_done = *ret_idle = false;
    switch (restore->phase) {
    case RESTORE_OPEN:
        return open_file(restore, error);
    case RESTORE_FIND:
        return find(restore, error);
    case RESTORE_FETCH:
        return fetch(restore, error);
    case RESTORE_ASK:
        return ask(restore, error);
    case RESTORE_TAIL:
        return read_tail(restore, ret_idle, error);
    case RESTORE_SINK:
        return sink(restore, error);
    default:
        return compare(restore, ret_done, ret_idle, error);
    }
}

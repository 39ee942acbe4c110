#include "stream/stream_cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "stream/rows_topic.h"
#include "stream/stream_cluster_own.h"

#define FOLDER_MODE 0700
#define LOCK_MODE   0600
/* A name that is taken from us again and again belongs to another process. */
#define CONFLICTS_MAX 3
/* Changelog and group may disagree for as long as an undecided transaction may last, twice. */
#define PATIENCE_TRANSACTIONS 2
/* Between two tries to restore. */
#define RESTORE_PAUSE_MS_MIN INT64_C(1000)
#define RESTORE_PAUSE_MS_MAX INT64_C(10000)
/* What ps and top show of the thread that helps at commits. */
#define HELPER_NAME "stream commit"
/* Events of the group taken in one step. */
#define EVENTS_MAX 16

/* ---- open and close ---- */

static bool to_topic(const struct stream_cluster *cluster)
{
    return strcmp(cluster->context->config->stream_sink, "topic") == 0;
}

static bool create_topics(struct stream_cluster *cluster, GError **error)
{
    const int partitions = cluster->settings.partitions;
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        if (!bus_create_topic(cluster->bus, topic_info(topic)->name, partitions, error))
            return false;
    }
    return bus_member_create_topic(cluster->bus, CHANGELOG_TOPIC, partitions + 1, MEMBER_TOPIC_KEPT,
                                   error) &&
           bus_member_create_topic(cluster->bus, SNAPSHOT_TOPIC, partitions + 1, MEMBER_TOPIC_KEPT,
                                   error) &&
           bus_create_topic(cluster->bus, REPORT_TOPIC, 1, error) &&
           (!to_topic(cluster) || bus_member_create_topic(cluster->bus, ROWS_TOPIC, partitions,
                                                          MEMBER_TOPIC_LATEST, error));
}

/* Names a folder and a transactional id. */
static bool check_instance(const char *instance, GError **error)
{
    const size_t len = strlen(instance);
    if (len > 0 &&
        strspn(instance, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                         "-_.") == len &&
        instance[0] != '.')
        return true;
    error_set(error, CONFIG,
              "stream.instance \"%s\": expected letters, digits, \"-\", \"_\" and \".\"", instance);
    return false;
}

/* The host's name and, for several data folders on one host, a number made of the folder. */
static char *default_instance(const struct config *config)
{
    g_autofree char *folder = g_canonicalize_filename(config->data_dir, NULL);
    g_autofree char *name = g_strdup_printf("%s-%08x", g_get_host_name(), g_str_hash(folder));
    return g_strcanon(g_steal_pointer(&name),
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", '-');
}

static bool open_folder(struct stream_cluster *cluster, const char *instance, GError **error)
{
    const struct config *config = cluster->context->config;
    if (!instance && *config->stream_instance)
        instance = config->stream_instance;
    cluster->instance = instance ? g_strdup(instance) : default_instance(config);
    if (!check_instance(cluster->instance, error))
        return false;
    cluster->folder = g_build_filename(config->data_dir, "stream", cluster->instance, NULL);
    g_autofree char *lock = g_build_filename(cluster->folder, "lock", NULL);
    if (g_mkdir_with_parents(cluster->folder, FOLDER_MODE) != 0 ||
        (cluster->lock = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, LOCK_MODE)) < 0) {
        error_set(error, FAILED, "%s: %s", cluster->folder, g_strerror(errno));
        return false;
    }
    if (flock(cluster->lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    error_set(
        error, CONFIG,
        "a process with stream.instance \"%s\" runs already on this data folder: give each its "
        "own (run stream --instance NAME, or MARQUEE_STREAM_INSTANCE)",
        cluster->instance);
    return false;
}

static bool check_settings(const struct stream_cluster *cluster, GError **error)
{
    const struct config *config = cluster->context->config;
    if ((size_t)config->bus_record_max_bytes < REPORT_RECORD_BYTES_MIN) {
        error_set(error, CONFIG,
                  "bus.record_max is %" PRId64 " bytes: the stream engine on Kafka needs %zu",
                  config->bus_record_max_bytes, REPORT_RECORD_BYTES_MIN);
        return false;
    }
    return true;
}

static void free_holding(gpointer holding)
{
    holding_free(holding);
}

static struct part *new_part(const struct stream_cluster *cluster)
{
    return part_new(!cluster->speed, (size_t)cluster->context->config->bus_record_max_bytes);
}

struct stream_cluster *stream_cluster_open(const struct context *context,
                                           struct bus *bus,
                                           struct serde *serde,
                                           const char *instance,
                                           GError **error)
{
    struct stream_cluster *cluster = g_new0(struct stream_cluster, 1);
    cluster->context = context;
    cluster->bus = bus;
    cluster->serde = serde;
    cluster->lock = -1;
    cluster->arena = arena_new();
    cluster->holdings = g_ptr_array_new_with_free_func(free_holding);
    cluster->intake = intake_new(context, serde, &cluster->settings);
    cluster->sql = sql_file_load("contracts/stream.sql");
    cluster->last_commit_monotonic_ms = clock_monotonic_ms(context->clock);
    if (!check_settings(cluster, error) || !(cluster->helper = helper_new(HELPER_NAME, error)) ||
        !stream_settings_read(&cluster->settings, context->config, error) ||
        !open_folder(cluster, instance, error) || !create_topics(cluster, error) ||
        (!to_topic(cluster) && !(cluster->speed = speed_open(context, error)))) {
        stream_cluster_close(cluster);
        return NULL;
    }
    cluster->part = new_part(cluster);
    cluster->part_beside = new_part(cluster);
    return cluster;
}

static void log_committed(const struct stream_cluster *cluster)
{
    log_info(cluster->context->log, "stream", "committed by this process",
             LOG_STR("instance", cluster->instance),
             LOG_INT("ratings", cluster->committed[INPUT_RATINGS]),
             LOG_INT("metadata", cluster->committed[INPUT_METADATA]),
             LOG_INT("reviews", cluster->committed[INPUT_REVIEWS]),
             LOG_INT("events", cluster->committed[INPUT_EVENTS]));
}

void stream_cluster_close(struct stream_cluster *cluster)
{
    if (!cluster)
        return;
    log_committed(cluster);
    bus_member_leave(cluster->member);
    g_ptr_array_unref(cluster->holdings);
    speed_close(cluster->speed);
    intake_free(cluster->intake);
    helper_free(cluster->helper);
    part_free(cluster->part);
    part_free(cluster->part_beside);
    arena_free(cluster->arena);
    sql_file_free(cluster->sql);
    if (cluster->lock >= 0)
        close(cluster->lock);
    g_free(cluster->instance);
    g_free(cluster->folder);
    g_free(cluster);
}

/* ---- the group ---- */

static bool join(struct stream_cluster *cluster, GError **error)
{
    const struct config *config = cluster->context->config;
    if (cluster->member)
        return true;
    if (cluster->conflicts >= CONFLICTS_MAX) {
        error_set(error, FENCED,
                  "stream.instance \"%s\" was taken over %d times: another process has the same "
                  "name; give each its own (run stream --instance NAME, or "
                  "MARQUEE_STREAM_INSTANCE)",
                  cluster->instance, cluster->conflicts);
        return false;
    }
    const struct bus_member_options options = {
        .group = STREAM_GROUP,
        .topic = CHANGELOG_TOPIC,
        .instance = cluster->instance,
        .session_timeout_ms = config->stream_session_timeout_ms,
        .transaction_timeout_ms = config->stream_transaction_timeout_ms,
    };
    cluster->member = bus_member_join(cluster->bus, &options, error);
    return cluster->member != NULL;
}

static void
log_event(const struct stream_cluster *cluster, const char *what, const struct member_event *event)
{
    g_autoptr(GString) numbers = g_string_new(NULL);
    for (size_t i = 0; i < event->count; i++)
        g_string_append_printf(numbers, "%s%d", i ? "," : "", event->partitions[i]);
    log_info(cluster->context->log, "stream", what, LOG_STR("instance", cluster->instance),
             LOG_STR("tasks", numbers->str));
}

static void log_left(struct stream_cluster *cluster)
{
    struct member_event event = {.change = MEMBER_LOST, .count = cluster->holdings->len};
    g_autofree int *numbers = g_new(int, event.count + 1);
    for (size_t i = 0; i < event.count; i++)
        numbers[i] = ((const struct holding *)cluster->holdings->pdata[i])->number;
    event.partitions = numbers;
    if (event.count > 0)
        log_event(cluster, "tasks lost", &event);
}

void stream_cluster_leave(struct stream_cluster *cluster)
{
    log_left(cluster);
    g_ptr_array_set_size(cluster->holdings, 0);
    intake_clear(cluster->intake);
    cluster->sinking = false;
    bus_member_leave(cluster->member);
    cluster->member = NULL;
}

void stream_cluster_abandon(struct stream_cluster *cluster)
{
    for (guint i = 0; i < cluster->holdings->len; i++)
        holding_abandon(cluster->holdings->pdata[i]);
    intake_clear(cluster->intake);
    cluster->sinking = false;
}

static bool find_holding(const struct stream_cluster *cluster, int number, guint *ret_at)
{
    for (*ret_at = 0; *ret_at < cluster->holdings->len; (*ret_at)++) {
        if (((const struct holding *)cluster->holdings->pdata[*ret_at])->number >= number)
            break;
    }
    return *ret_at < cluster->holdings->len &&
           ((const struct holding *)cluster->holdings->pdata[*ret_at])->number == number;
}

static void give(struct stream_cluster *cluster, int number)
{
    guint at;
    if (find_holding(cluster, number, &at))
        return;
    const struct restore_options options = {
        .context = cluster->context,
        .bus = cluster->bus,
        .member = cluster->member,
        .speed = cluster->speed,
        .settings = &cluster->settings,
        .sql = cluster->sql,
        .folder = cluster->folder,
        .task = number,
        .patience_ms =
            PATIENCE_TRANSACTIONS * cluster->context->config->stream_transaction_timeout_ms,
    };
    g_ptr_array_insert(cluster->holdings, (gint)at, holding_new(&options));
}

static void drop(struct stream_cluster *cluster, const struct member_event *event)
{
    for (size_t i = 0; i < event->count; i++) {
        guint at;
        if (find_holding(cluster, event->partitions[i], &at))
            g_ptr_array_remove_index(cluster->holdings, at);
        intake_drop(cluster->intake, event->partitions[i]);
    }
}

/* What can't be committed now is read again by the next owner. */
static bool
take_away(struct stream_cluster *cluster, const struct member_event *event, GError **error)
{
    g_autoptr(GError) why = NULL;
    if (!stream_cluster_commit(cluster, &why)) {
        log_warn(cluster->context->log, "stream", "tasks go without a last commit",
                 LOG_STR("error", why->message));
        if (!cluster->member)
            return true; /* out of the group: nothing to release */
    }
    drop(cluster, event);
    return bus_member_release(cluster->member, error);
}

static bool handle(struct stream_cluster *cluster, const struct member_event *event, GError **error)
{
    switch (event->change) {
    case MEMBER_GIVEN:
        log_event(cluster, "tasks given", event);
        for (size_t i = 0; i < event->count; i++)
            give(cluster, event->partitions[i]);
        return true;
    case MEMBER_TAKEN:
        log_event(cluster, "tasks taken", event);
        return take_away(cluster, event, error);
    case MEMBER_LOST:
        log_event(cluster, "tasks lost", event);
        drop(cluster, event);
        return true;
    default:
        return true;
    }
}

static bool poll(struct stream_cluster *cluster, GError **error)
{
    for (int i = 0; i < EVENTS_MAX; i++) {
        struct member_event event;
        if (!join(cluster, error))
            return false;
        arena_reset(cluster->arena);
        if (!bus_member_poll(cluster->member, 0, cluster->arena, &event, error))
            return false;
        if (event.change == MEMBER_NONE)
            return true;
        if (!handle(cluster, &event, error))
            return false;
    }
    return true;
}

/* ---- reading ---- */

static bool read_input(struct stream_cluster *cluster,
                       struct shard *shard,
                       unsigned input,
                       bool *ret_idle,
                       GError **error)
{
    struct task *task = shard->task;
    struct position *position = &task->positions[input];
    struct bus_batch batch;
    arena_reset(cluster->arena);
    if (!bus_fetch(cluster->bus, topic_info(input_topics[input])->name, task->partition,
                   position->next_offset, STREAM_FETCH_BYTES, cluster->arena, &batch, error))
        return false;
    *ret_idle = batch.count == 0;
    if (batch.count == 0) {
        watermark_pass(&task->watermark, clock_monotonic_ms(cluster->context->clock));
        position->next_offset = MAX(position->next_offset, batch.next_offset); /* a marker */
        position->end_offset = batch.end_offset;
        return true;
    }
    const int64_t before = cluster->intake->records_pending;
    if (!task_file_hold(shard->file, error))
        return false;
    bool taken = intake_take(cluster->intake, task, shard->late_ledger, input, &batch, error);
    shard->taken[input] += cluster->intake->records_pending - before;
    shard->pending = shard->pending || position->dirty;
    if (taken)
        return true;
    if (task->half_done)
        stream_cluster_abandon(cluster);
    return false;
}

static bool read_reports(struct stream_cluster *cluster,
                         struct holding *holding,
                         bool *ret_idle,
                         GError **error)
{
    struct global_task *global = holding->global;
    struct bus_batch batch;
    arena_reset(cluster->arena);
    if (!bus_fetch(cluster->bus, REPORT_TOPIC, 0, global->position.next_offset, STREAM_FETCH_BYTES,
                   cluster->arena, &batch, error))
        return false;
    *ret_idle = batch.count == 0;
    if (batch.count == 0) {
        global->position.next_offset = MAX(global->position.next_offset, batch.next_offset);
        global->position.end_offset = batch.end_offset;
        return true;
    }
    if (holding_begin(holding, error) && global_task_take(global, &batch, error))
        return true;
    stream_cluster_abandon(cluster);
    return false;
}

/* What it waits for (a dead owner's transaction may be undecided for as long as its time-out) is
 * not to hold up the tasks that run: they have the process to themselves about as long as the last
 * try took. */
static bool restore_some(struct stream_cluster *cluster,
                         struct holding *holding,
                         bool *ret_idle,
                         GError **error)
{
    const struct context *context = cluster->context;
    const int64_t begun_ms = clock_monotonic_ms(context->clock);
    g_autoptr(GError) why = NULL;
    if (begun_ms < cluster->restore_monotonic_ms)
        return true;
    if (holding_restore(holding, cluster->serde, ret_idle, &why))
        return true;
    if (!error_is(why, AGAIN)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    const int64_t now_ms = clock_monotonic_ms(context->clock);
    cluster->restore_monotonic_ms =
        now_ms + CLAMP(now_ms - begun_ms, RESTORE_PAUSE_MS_MIN, RESTORE_PAUSE_MS_MAX);
    *ret_idle = true;
    log_warn(context->log, "stream", "try again", LOG_INT("task", holding->number),
             LOG_STR("error", why->message),
             LOG_INT("wait_ms", cluster->restore_monotonic_ms - now_ms));
    return true;
}

static bool read_holding(struct stream_cluster *cluster,
                         struct holding *holding,
                         bool *ret_idle,
                         GError **error)
{
    *ret_idle = true;
    if (!holding_running(holding))
        return restore_some(cluster, holding, ret_idle, error);
    if (holding->global)
        return read_reports(cluster, holding, ret_idle, error);
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        bool nothing;
        if (intake_due(cluster->intake))
            return true;
        if (!read_input(cluster, holding->shard, input, &nothing, error))
            return false;
        *ret_idle = *ret_idle && nothing;
    }
    return true;
}

/* One task's snapshot at a time, a step of it. */
static bool save_some(struct stream_cluster *cluster, bool *ret_idle, GError **error)
{
    *ret_idle = true;
    struct holding *chosen = NULL;
    for (guint i = 0; i < cluster->holdings->len; i++) {
        struct holding *holding = cluster->holdings->pdata[i];
        if ((holding->snapshot || holding_settled(holding)) &&
            (!chosen || holding->snapshot ||
             (!chosen->snapshot && holding->unsaved_bytes > chosen->unsaved_bytes)))
            chosen = holding;
    }
    return !chosen || holding_save(chosen, ret_idle, error);
}

static bool commit_due(const struct stream_cluster *cluster)
{
    const int64_t monotonic_ms = clock_monotonic_ms(cluster->context->clock);
    bool pending = intake_due(cluster->intake);
    for (guint i = 0; !pending && i < cluster->holdings->len; i++)
        pending = holding_pending(cluster->holdings->pdata[i], monotonic_ms);
    return intake_due(cluster->intake) ||
           (pending && monotonic_ms - cluster->last_commit_monotonic_ms >=
                           cluster->settings.commit_interval_ms);
}

static void count_tasks(const struct stream_cluster *cluster)
{
    int running, restoring;
    stream_cluster_tasks(cluster, &running, &restoring);
    metrics_set(cluster->context->metrics, METRIC_STREAM_TASKS, "running", running);
    metrics_set(cluster->context->metrics, METRIC_STREAM_TASKS, "restoring", restoring);
}

bool stream_cluster_step(struct stream_cluster *cluster, bool *ret_idle, GError **error)
{
    bool idle = true;
    count_tasks(cluster);
    if (!poll(cluster, error) || !stream_cluster_sink(cluster, error))
        return false;
    for (guint i = 0; i < cluster->holdings->len; i++) {
        bool nothing;
        if (!read_holding(cluster, cluster->holdings->pdata[i], &nothing, error))
            return false;
        idle = idle && nothing;
        if (intake_due(cluster->intake) && !stream_cluster_commit(cluster, error))
            return false;
    }
    if (commit_due(cluster) && !stream_cluster_commit(cluster, error))
        return false;
    bool saved;
    if (!stream_cluster_file(cluster, error) || !save_some(cluster, &saved, error))
        return false;
    *ret_idle = idle && saved;
    return true;
}

/* ---- what it has ---- */

static bool holding_caught_up(const struct holding *holding)
{
    if (!holding_running(holding) || holding->wrote)
        return false;
    if (holding->global)
        return !holding->global->pending &&
               holding->global->position.next_offset >= holding->global->position.end_offset;
    for (unsigned input = 0; input < INPUT_COUNT; input++) {
        const struct position *position = &holding->shard->task->positions[input];
        if (position->next_offset < position->end_offset)
            return false;
    }
    return !holding->shard->pending;
}

/* Reports of a commit of our own come back by the bus, and the end that the last fetch saw may be
 * older than that commit. */
static bool reports_read(const struct stream_cluster *cluster)
{
    int64_t start, end;
    if (!bus_offsets(cluster->bus, REPORT_TOPIC, 0, &start, &end, NULL))
        return false;
    for (guint i = 0; i < cluster->holdings->len; i++) {
        const struct holding *holding = cluster->holdings->pdata[i];
        if (holding->global && holding->global->position.next_offset < end)
            return false;
    }
    return true;
}

bool stream_cluster_caught_up(const struct stream_cluster *cluster)
{
    for (guint i = 0; i < cluster->holdings->len; i++) {
        if (!holding_caught_up(cluster->holdings->pdata[i]))
            return false;
    }
    return cluster->holdings->len == (guint)cluster->settings.partitions + 1 &&
           reports_read(cluster);
}

void stream_cluster_counts(const struct stream_cluster *cluster,
                           const char *topic,
                           struct stream_counts *ret_counts)
{
    *ret_counts = (struct stream_counts){.pending = cluster->intake->records_pending};
    for (guint i = 0; i < cluster->holdings->len; i++) {
        const struct holding *holding = cluster->holdings->pdata[i];
        for (unsigned input = 0; holding->shard && input < INPUT_COUNT; input++) {
            const struct position *position = &holding->shard->task->positions[input];
            if (topic && strcmp(topic, topic_info(input_topics[input])->name) != 0)
                continue;
            for (enum record_class class = 0; class < RECORD_CLASS_COUNT; class ++)
                ret_counts->classes[class] += position->counts[class];
            ret_counts->late += position->late;
        }
    }
}

void stream_cluster_tasks(const struct stream_cluster *cluster,
                          int *ret_running,
                          int *ret_restoring)
{
    *ret_running = *ret_restoring = 0;
    for (guint i = 0; i < cluster->holdings->len; i++) {
        if (holding_running(cluster->holdings->pdata[i]))
            (*ret_running)++;
        else
            (*ret_restoring)++;
    }
}

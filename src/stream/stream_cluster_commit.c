/* A commit: each task with something to say writes into its own file's open transaction, which also
 * gives its delta; deltas, rows, reports, letters and offsets go into one Kafka transaction, task
 * by task; then the speed store is written. Now and then, one behind the other, the files are
 * saved, with all entries since the last time.
 *
 *   where it dies        what is there then
 *   before Kafka's       nothing; the records are read again
 *   behind Kafka's       the entries: whoever has the task next plays them, and writes their rows
 *   before the store's   the same; rows that are there already are left out by their sequence
 *   between two files    the same, for those that weren't saved, with the entries before it */
#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "stream/gauges.h"
#include "stream/rows.h"
#include "stream/rows_topic.h"
#include "stream/stream_cluster_own.h"

#define US_PER_SECOND 1e6

const char *const stream_cluster_failpoints[] = {
    "stream.cluster.begin",    /* nothing done yet */
    "stream.cluster.written",  /* one more task: its file's transaction holds all, its entry is on
                                  its way */
    "stream.cluster.produced", /* the transaction on Kafka has the records of all */
    "stream.cluster.offsets",  /* and the offsets */
    "stream.cluster.decided",  /* it is committed */
    "stream.cluster.sunk",     /* one more task's rows are in the speed store */
    "stream.cluster.filed",    /* one more file is saved */
    "stream.cluster.done",     /* all of them */
    NULL,
};

/* What one commit sends. */
struct sending {
    GArray *messages;  /* struct bus_message */
    GArray *positions; /* struct bus_position */
    GArray *last;      /* struct bus_position: the end of each entry */
    GPtrArray *owned;  /* GBytes that messages point to */
};

static void unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

static void sending_init(struct sending *sending)
{
    sending->messages = g_array_new(FALSE, FALSE, sizeof(struct bus_message));
    sending->positions = g_array_new(FALSE, FALSE, sizeof(struct bus_position));
    sending->last = g_array_new(FALSE, FALSE, sizeof(struct bus_position));
    sending->owned = g_ptr_array_new_with_free_func(unref_bytes);
}

static void sending_clear(struct sending *sending)
{
    g_array_unref(sending->messages);
    g_array_unref(sending->positions);
    g_array_unref(sending->last);
    g_ptr_array_unref(sending->owned);
}

static void add_message(
    struct sending *sending, const char *topic, int partition, struct span key, struct span value)
{
    const struct bus_message message = {topic, partition, key, value};
    g_array_append_val(sending->messages, message);
}

static struct span span_of(GBytes *bytes)
{
    gsize len;
    const char *data = g_bytes_get_data(bytes, &len);
    return (struct span){data, len};
}

/* ---- what each task says ---- */

static bool add_entry(struct stream_cluster *cluster,
                      struct holding *holding,
                      struct sending *sending,
                      GError **error)
{
    const struct speed_batch batch = output_batch(holding_output(holding)), none = {0};
    g_byte_array_set_size(cluster->rows, 0);
    rows_encode(cluster->speed ? &batch : &none, cluster->rows);
    if (!cluster->speed)
        rows_topic_messages(&batch, holding->shard ? holding->number : BUS_PARTITION_BY_KEY,
                            cluster->records, sending->messages);
    const struct changelog_entry entry = {
        .task = holding->number,
        .before = holding->file->chain,
        .delta = {(const char *)holding->file->delta->data, holding->file->delta->len},
        .rows = {(const char *)cluster->rows->data, cluster->rows->len},
    };
    struct span *values;
    size_t count;
    if (!changelog_encode(cluster->changelog, &entry,
                          (size_t)cluster->context->config->bus_record_max_bytes, cluster->records,
                          &values, &count, &holding->chain, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        add_message(sending, CHANGELOG_TOPIC, holding->number, (struct span){"", 0}, values[i]);
        holding->unsaved_bytes += (int64_t)values[i].len;
    }
    const struct bus_position last = {CHANGELOG_TOPIC, holding->number, -1};
    g_array_append_val(sending->last, last);
    holding_positions(holding, sending->positions);
    holding->wrote = true;
    return true;
}

static void add_report(struct stream_cluster *cluster, struct shard *shard, struct sending *sending)
{
    const guint from = sending->owned->len;
    shard_report(shard, cluster->reports, sending->owned);
    for (guint i = from; i < sending->owned->len; i++)
        add_message(sending, REPORT_TOPIC, 0, (struct span){"", 0},
                    span_of(sending->owned->pdata[i]));
}

static void add_letters(struct stream_cluster *cluster, struct sending *sending)
{
    const struct intake *intake = cluster->intake;
    for (guint i = 0; i < intake->letters->len; i++) {
        const struct letter *letter = &g_array_index(intake->letters, struct letter, i);
        GByteArray *bytes = g_byte_array_new();
        serde_deadletter_encode(cluster->serde, cluster->context, letter->topic, letter->partition,
                                letter->offset, letter->reason, span_of(letter->bytes), bytes);
        g_ptr_array_add(sending->owned, g_byte_array_free_to_bytes(bytes));
        add_message(sending, topic_info(TOPIC_DEADLETTER)->name, BUS_PARTITION_BY_KEY,
                    (struct span){letter->topic, strlen(letter->topic)},
                    span_of(sending->owned->pdata[sending->owned->len - 1]));
    }
}

/* What stands in sending so far: it is on its way while the next task is written. */
static bool produce(struct stream_cluster *cluster, struct sending *sending, GError **error)
{
    if (!bus_member_produce(cluster->member, (const struct bus_message *)sending->messages->data,
                            sending->messages->len, error))
        return false;
    g_array_set_size(sending->messages, 0);
    g_ptr_array_set_size(sending->owned, 0);
    arena_reset(cluster->records);
    return true;
}

static bool write_all(struct stream_cluster *cluster, struct sending *sending, GError **error)
{
    const int64_t monotonic_ms = clock_monotonic_ms(cluster->context->clock);
    arena_reset(cluster->records);
    for (guint i = 0; i < cluster->holdings->len; i++) {
        struct holding *holding = cluster->holdings->pdata[i];
        if (!holding_pending(holding, monotonic_ms))
            continue;
        if (!holding_write(holding, monotonic_ms, error) ||
            !add_entry(cluster, holding, sending, error))
            return false;
        if (holding->shard)
            add_report(cluster, holding->shard, sending);
        else
            global_task_messages(holding->global, sending->messages);
        if (!produce(cluster, sending, error))
            return false;
        failpoint("stream.cluster.written");
    }
    add_letters(cluster, sending);
    return produce(cluster, sending, error);
}

/* ---- the transaction ---- */

static bool send(struct stream_cluster *cluster, struct sending *sending, GError **error)
{
    struct bus_member *member = cluster->member;
    if (!bus_member_begin(member, error) || !write_all(cluster, sending, error))
        return false;
    failpoint("stream.cluster.produced");
    if (!bus_member_offsets(member, (const struct bus_position *)sending->positions->data,
                            sending->positions->len, error))
        return false;
    failpoint("stream.cluster.offsets");
    return bus_member_commit(member, (struct bus_position *)sending->last->data, sending->last->len,
                             error);
}

static void advance_all(struct stream_cluster *cluster, const struct sending *sending)
{
    guint at = 0;
    for (guint i = 0; i < cluster->holdings->len; i++) {
        struct holding *holding = cluster->holdings->pdata[i];
        if (holding->wrote)
            holding_commit(holding,
                           g_array_index(sending->last, struct bus_position, at++).offset + 1);
    }
}

static void count_outcome(struct stream_cluster *cluster, const char *outcome)
{
    metrics_add(cluster->context->metrics, METRIC_STREAM_TRANSACTIONS, outcome, 1);
}

static void count_committed(struct stream_cluster *cluster)
{
    for (guint i = 0; i < cluster->holdings->len; i++) {
        const struct holding *holding = cluster->holdings->pdata[i];
        for (unsigned input = 0; holding->wrote && holding->shard && input < INPUT_COUNT; input++)
            cluster->committed[input] += holding->shard->taken[input];
    }
}

/* The start of a new life, whatever became of the transaction. */
static bool give_up(struct stream_cluster *cluster, GError *why, GError **error)
{
    const bool conflict = error_is(why, CONFLICT);
    count_outcome(cluster, conflict ? "fenced" : "aborted");
    if (cluster->member)
        bus_member_abort(cluster->member);
    if (conflict) {
        stream_cluster_leave(cluster);
        cluster->conflicts++;
    } else {
        stream_cluster_abandon(cluster);
    }
    g_propagate_error(error, why);
    return false;
}

static bool commit(struct stream_cluster *cluster, struct sending *sending, GError **error)
{
    GError *why = NULL;
    failpoint("stream.cluster.begin");
    if (!send(cluster, sending, &why))
        return give_up(cluster, why, error);
    failpoint("stream.cluster.decided");
    count_outcome(cluster, "committed");
    count_committed(cluster);
    cluster->conflicts = 0;
    intake_clear(cluster->intake);
    cluster->last_commit_monotonic_ms = clock_monotonic_ms(cluster->context->clock);
    advance_all(cluster, sending);
    cluster->sinking = true;
    return stream_cluster_sink(cluster, error);
}

bool stream_cluster_sink(struct stream_cluster *cluster, GError **error)
{
    if (!cluster->sinking)
        return true;
    for (guint i = 0; i < cluster->holdings->len; i++) {
        struct holding *holding = cluster->holdings->pdata[i];
        if (!holding->wrote)
            continue;
        if (!holding_sink(holding, error))
            return false;
        failpoint("stream.cluster.sunk");
    }
    cluster->sinking = false;
    if (!stream_cluster_file(cluster, error))
        return false;
    failpoint("stream.cluster.done");
    return true;
}

static bool file_one(struct holding *holding, GError **error)
{
    if (!holding_file(holding, error))
        return false;
    failpoint("stream.cluster.filed");
    return true;
}

/* Those whose memory is full, and of those that are due the one whose turn came first: all at once
 * would hold up the records. */
bool stream_cluster_file(struct stream_cluster *cluster, GError **error)
{
    const int64_t monotonic_ms = clock_monotonic_ms(cluster->context->clock);
    struct holding *first = NULL;
    for (guint i = 0; i < cluster->holdings->len; i++) {
        struct holding *holding = cluster->holdings->pdata[i];
        enum holding_filing filing = holding_filing(holding, monotonic_ms);
        if (filing == HOLDING_FILE_NOW && !file_one(holding, error))
            return false;
        if (filing == HOLDING_FILE_DUE &&
            (!first || holding->filed_monotonic_ms < first->filed_monotonic_ms))
            first = holding;
    }
    return !first || file_one(first, error);
}

static void report(struct stream_cluster *cluster, double seconds)
{
    struct metrics *metrics = cluster->context->metrics;
    const int64_t now_ms = clock_now_ms(cluster->context->clock);
    struct gauges gauges = gauges_none();
    for (guint i = 0; i < cluster->holdings->len; i++) {
        const struct holding *holding = cluster->holdings->pdata[i];
        if (holding->shard)
            gauges_add(&gauges, holding->shard->task, now_ms);
    }
    gauges_set(&gauges, metrics, now_ms);
    metrics_add(metrics, METRIC_STREAM_COMMITS, NULL, 1);
    metrics_observe(metrics, METRIC_STREAM_COMMIT_SECONDS, NULL, seconds);
}

static bool something_pending(const struct stream_cluster *cluster)
{
    const int64_t monotonic_ms = clock_monotonic_ms(cluster->context->clock);
    for (guint i = 0; i < cluster->holdings->len; i++) {
        if (holding_pending(cluster->holdings->pdata[i], monotonic_ms))
            return true;
    }
    return false;
}

bool stream_cluster_commit(struct stream_cluster *cluster, GError **error)
{
    if (!stream_cluster_sink(cluster, error))
        return false;
    if (!cluster->member || !something_pending(cluster))
        return true;
    const int64_t start_us = clock_monotonic_us(cluster->context->clock);
    struct sending sending;
    sending_init(&sending);
    bool committed = commit(cluster, &sending, error);
    sending_clear(&sending);
    if (committed)
        report(cluster,
               (double)(clock_monotonic_us(cluster->context->clock) - start_us) / US_PER_SECOND);
    return committed;
}

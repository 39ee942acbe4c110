/* A commit: each task with something to say writes into its own file's open transaction, which also
 * gives its delta; deltas, rows, reports, letters and offsets go into one Kafka transaction, task
 * by task; then the speed store is written. Now and then, one behind the other or two at once, the
 * files are saved, with all entries since the last time. A helper thread writes every second task.
 *
 *   where it dies        what is there then
 *   before Kafka's       nothing; the records are read again
 *   behind Kafka's       the entries: whoever has the task next plays them, and writes their rows
 *   before the store's   the same; rows that are there already are left out by their sequence
 *   between two files    the same, for those that weren't saved, with the entries before it */
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/metrics.h"
#include "stream/gauges.h"
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

/* What one commit says, beside its messages. */
struct sending {
    GArray *positions; /* struct bus_position */
    GArray *last;      /* struct bus_position: the end of each entry */
};

static void sending_init(struct sending *sending)
{
    sending->positions = g_array_new(FALSE, FALSE, sizeof(struct bus_position));
    sending->last = g_array_new(FALSE, FALSE, sizeof(struct bus_position));
}

static void sending_clear(struct sending *sending)
{
    g_array_unref(sending->positions);
    g_array_unref(sending->last);
}

/* ---- what each task says ---- */

/* It is on its way while the next task is written. */
static bool produce_part(struct stream_cluster *cluster, struct part *part, GError **error)
{
    if (!bus_member_produce(cluster->member, (const struct bus_message *)part->messages->data,
                            part->messages->len, error))
        return false;
    part_clear(part);
    failpoint("stream.cluster.written");
    return true;
}

static bool write_here(struct stream_cluster *cluster,
                       struct holding *holding,
                       int64_t monotonic_ms,
                       GError **error)
{
    return part_write(cluster->part, holding, monotonic_ms, error) &&
           produce_part(cluster, cluster->part, error);
}

/* A task that the helper writes. */
struct beside {
    struct part *part;
    struct holding *holding; /* NULL: the helper has none */
    int64_t monotonic_ms;
    bool written;
    GError *error;
};

static void write_beside(void *data)
{
    struct beside *beside = data;
    beside->written =
        part_write(beside->part, beside->holding, beside->monotonic_ms, &beside->error);
}

static void
start_beside(struct stream_cluster *cluster, struct beside *beside, struct holding *holding)
{
    beside->holding = holding;
    helper_start(cluster->helper, write_beside, beside);
}

/* The helper is done, or waited for. */
static bool take_beside(struct stream_cluster *cluster, struct beside *beside, GError **error)
{
    helper_wait(cluster->helper);
    beside->holding = NULL;
    if (beside->written)
        return produce_part(cluster, beside->part, error);
    g_propagate_error(error, g_steal_pointer(&beside->error));
    return false;
}

/* What is left when another has failed: nothing of it goes. */
static void drop_beside(struct stream_cluster *cluster, struct beside *beside)
{
    if (!beside->holding)
        return;
    helper_wait(cluster->helper);
    g_clear_error(&beside->error);
}

/* The helper writes one task while the owner writes others, and only the owner talks to Kafka. From
 * the last on, which is the global task: it takes longest. */
static bool write_tasks(struct stream_cluster *cluster,
                        const GPtrArray *holdings,
                        int64_t monotonic_ms,
                        GError **error)
{
    struct beside beside = {.part = cluster->part_beside, .monotonic_ms = monotonic_ms};
    bool fine = true;
    for (guint left = holdings->len; fine && left > 0;) {
        if (!beside.holding && left > 1)
            start_beside(cluster, &beside, holdings->pdata[--left]);
        fine = write_here(cluster, holdings->pdata[--left], monotonic_ms, error);
        if (fine && beside.holding && (left == 0 || helper_done(cluster->helper)))
            fine = take_beside(cluster, &beside, error);
    }
    drop_beside(cluster, &beside);
    return fine;
}

static void add_places(const struct holding *holding, struct sending *sending)
{
    const struct bus_position last = {CHANGELOG_TOPIC, holding->number, -1};
    g_array_append_val(sending->last, last);
    holding_positions(holding, sending->positions);
}

static struct span span_of(GBytes *bytes)
{
    gsize len;
    const char *data = g_bytes_get_data(bytes, &len);
    return (struct span){data, len};
}

static void
encode_letter(const struct stream_cluster *cluster, const struct letter *letter, GByteArray *bytes)
{
    serde_deadletter_encode(cluster->serde, cluster->context, letter->topic, letter->partition,
                            letter->offset, letter->reason, span_of(letter->bytes), bytes);
}

static bool produce_letters(struct stream_cluster *cluster, GError **error)
{
    const GArray *letters = cluster->intake->letters;
    for (guint i = 0; i < letters->len; i++) {
        const struct letter *letter = &g_array_index(letters, struct letter, i);
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        encode_letter(cluster, letter, bytes);
        const struct bus_message message = {topic_info(TOPIC_DEADLETTER)->name,
                                            BUS_PARTITION_BY_KEY,
                                            {letter->topic, strlen(letter->topic)},
                                            {(const char *)bytes->data, bytes->len}};
        if (!bus_member_produce(cluster->member, &message, 1, error))
            return false;
    }
    return true;
}

static bool write_all(struct stream_cluster *cluster, struct sending *sending, GError **error)
{
    const int64_t monotonic_ms = clock_monotonic_ms(cluster->context->clock);
    g_autoptr(GPtrArray) holdings = g_ptr_array_new();
    for (guint i = 0; i < cluster->holdings->len; i++) {
        if (holding_pending(cluster->holdings->pdata[i], monotonic_ms))
            g_ptr_array_add(holdings, cluster->holdings->pdata[i]);
    }
    if (!write_tasks(cluster, holdings, monotonic_ms, error))
        return false;
    for (guint i = 0; i < holdings->len; i++)
        add_places(holdings->pdata[i], sending);
    return produce_letters(cluster, error);
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

/* ---- the files ---- */

static bool file_one(struct holding *holding, GError **error)
{
    if (!holding_file(holding, error))
        return false;
    failpoint("stream.cluster.filed");
    return true;
}

struct filing {
    struct holding *holding;
    bool filed;
    GError *error;
};

static void file_beside(void *data)
{
    struct filing *filing = data;
    filing->filed = file_one(filing->holding, &filing->error);
}

/* The other's error is the caller's. */
static void log_filing(const struct stream_cluster *cluster, struct filing *filing)
{
    log_warn(cluster->context->log, "stream", "a task's file can't be saved either",
             LOG_INT("task", filing->holding->number), LOG_STR("error", filing->error->message));
    g_clear_error(&filing->error);
}

/* One by the helper, the other here. */
static bool file_two(struct stream_cluster *cluster,
                     struct holding *here,
                     struct holding *there,
                     GError **error)
{
    struct filing filing = {.holding = there};
    helper_start(cluster->helper, file_beside, &filing);
    const bool filed = file_one(here, error);
    helper_wait(cluster->helper);
    if (filing.filed)
        return filed;
    if (filed)
        g_propagate_error(error, filing.error);
    else
        log_filing(cluster, &filing);
    return false;
}

static bool file_all(struct stream_cluster *cluster, const GPtrArray *holdings, GError **error)
{
    guint i = 0;
    for (; i + 1 < holdings->len; i += 2) {
        if (!file_two(cluster, holdings->pdata[i], holdings->pdata[i + 1], error))
            return false;
    }
    return i == holdings->len || file_one(holdings->pdata[i], error);
}

/* Those whose memory is full, and of those that are due the one whose turn came first: all at once
 * would hold up the records. */
bool stream_cluster_file(struct stream_cluster *cluster, GError **error)
{
    const int64_t monotonic_ms = clock_monotonic_ms(cluster->context->clock);
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();
    struct holding *first = NULL;
    for (guint i = 0; i < cluster->holdings->len; i++) {
        struct holding *holding = cluster->holdings->pdata[i];
        enum holding_filing filing = holding_filing(holding, monotonic_ms);
        if (filing == HOLDING_FILE_NOW)
            g_ptr_array_add(chosen, holding);
        if (filing == HOLDING_FILE_DUE &&
            (!first || holding->filed_monotonic_ms < first->filed_monotonic_ms))
            first = holding;
    }
    if (first)
        g_ptr_array_add(chosen, first);
    return file_all(cluster, chosen, error);
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

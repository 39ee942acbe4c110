/* Whether the layers keep up: stream, sync, batch, the lake's files. */
#include "base/clock.h"
#include "base/config.h"
#include "doctor/doctor_internal.h"
#include "lake/manifest.h"
#include "speed/speed.h"
#include "stream/stream_status.h"

#define ONE_RECORD_BYTES ((size_t)1)
#define ONE_CHANGE       1

/* ---- stream ---- */

/* How long the first record that isn't committed has waited. */
static bool
look_at_partition(struct doctor *doctor, const struct stream_partition_status *read, GError **error)
{
    static const char check[] = "stream.lag";
    int64_t start, end;
    if (!bus_offsets(doctor->bus, read->topic, read->partition, &start, &end, error))
        return false;
    if (read->next_offset < start) {
        findings_add(doctor->findings, FINDING_BAD, check,
                     "records left the bus unread: bus.retention is shorter than the stream stood; "
                     "docs/cluster.md, What breaks first",
                     "%s/%d: %" G_GINT64_FORMAT " records are gone", read->topic, read->partition,
                     start - read->next_offset);
        return true;
    }
    if (read->next_offset >= end)
        return true;
    struct bus_batch batch;
    arena_reset(doctor->fetched);
    if (!bus_fetch(doctor->bus, read->topic, read->partition, read->next_offset, ONE_RECORD_BYTES,
                   doctor->fetched, &batch, error))
        return false;
    int64_t waits_ms = batch.count ? doctor->now_ms - batch.records[0].append_time_ms : 0;
    if (waits_ms > DOCTOR_LAG_WARN_MS)
        findings_add(doctor->findings, FINDING_WARN, check,
                     "is the stream running (marquee up, marquee run stream)? then see its log",
                     "%s/%d: %" G_GINT64_FORMAT " records wait, the first for %s", read->topic,
                     read->partition, end - read->next_offset, doctor_span(doctor, waits_ms));
    return true;
}

void check_stream_lag(struct doctor *doctor)
{
    static const char check[] = "stream.lag";
    struct stream_status status = {0};
    g_autoptr(GError) error = NULL;
    if (!doctor->bus || !stream_status_read(doctor->context, doctor->arena, &status, &error)) {
        if (error && error_is(error, NOTFOUND))
            findings_add(doctor->findings, FINDING_NOTE, check, "marquee up, or marquee run stream",
                         "the stream has never run here");
        else
            doctor_unable(doctor, check, error);
        return;
    }
    for (size_t i = 0; i < status.partitions_count; i++) {
        g_clear_error(&error);
        if (!look_at_partition(doctor, &status.partitions[i], &error))
            doctor_unable(doctor, check, error);
    }
    doctor_fine(doctor, check, "no record has waited longer than %s",
                doctor_span(doctor, DOCTOR_LAG_WARN_MS));
}

/* What a commit takes beside its interval is not known here: a factor stands for it. */
void check_transactions(struct doctor *doctor)
{
    static const char check[] = "stream.transactions";
    const struct config *config = doctor->context->config;
    if (!g_str_equal(config->bus_backend, "kafka"))
        return;
    if (config->stream_transaction_timeout_ms <
        DOCTOR_COMMITS_PER_TIMEOUT * config->stream_commit_interval_ms)
        findings_add(doctor->findings, FINDING_WARN, check,
                     "raise stream.transaction_timeout or lower stream.commit_interval: the "
                     "brokers abort what is open for longer, and the work is done again",
                     "stream.transaction_timeout is %s, a commit is made every %s",
                     doctor_span(doctor, config->stream_transaction_timeout_ms),
                     doctor_span(doctor, config->stream_commit_interval_ms));
    doctor_fine(doctor, check, "the brokers wait for %d commits and more",
                DOCTOR_COMMITS_PER_TIMEOUT);
}

/* ---- sync ---- */

void check_sync(struct doctor *doctor)
{
    static const char check[] = "sync.late";
    int64_t position, synced_at_ms;
    g_autoptr(GError) error = NULL;
    if (!doctor->view || !doctor->speed ||
        !view_sync_position(doctor->view, &position, &synced_at_ms, &error)) {
        doctor_unable(doctor, check, error);
        return;
    }
    if (position < 0) {
        findings_add(doctor->findings, FINDING_NOTE, check, "marquee up, or marquee run sync",
                     "nothing was ever copied to the views");
        return;
    }
    struct speed_change *changes;
    size_t count;
    if (!speed_feed(doctor->speed, position, ONE_CHANGE, doctor->arena, &changes, &count, &error)) {
        doctor_unable(doctor, check, error);
        return;
    }
    int64_t late_ms = doctor->now_ms - synced_at_ms;
    if (count && late_ms > 2 * doctor->context->config->sync_interval_ms)
        findings_add(doctor->findings, FINDING_WARN, check,
                     "is sync running (marquee up, marquee run sync)? then see its log",
                     "changed rows wait; the views are as of %s ago", doctor_span(doctor, late_ms));
    doctor_fine(doctor, check, "the views have what the speed store has");
}

/* ---- batch ---- */

void check_batch_late(struct doctor *doctor)
{
    static const char check[] = "batch.late";
    static const char advice[] =
        "see marquee batch status and its log; marquee batch run starts one now";
    const struct config *config = doctor->context->config;
    struct view_generation served;
    g_autoptr(GError) error = NULL;
    if (!doctor->view || !view_current(doctor->view, doctor->arena, &served, &error)) {
        doctor_unable(doctor, check, error);
        return;
    }
    if (!served.generation) {
        findings_add(doctor->findings, FINDING_NOTE, check, "marquee batch run",
                     "no run was ever published: answers know the last %s only",
                     doctor_span(doctor, config->speed_retention_ms));
        return;
    }
    int64_t age_ms = doctor->now_ms - served.through_ms;
    if (age_ms > config->speed_retention_ms)
        findings_add(doctor->findings, FINDING_BAD, check, advice,
                     "%s ends %s ago, and the speed layer keeps %s: the hours between are in "
                     "neither",
                     served.batch_run_id, doctor_span(doctor, age_ms),
                     doctor_span(doctor, config->speed_retention_ms));
    else if (doctor->now_ms - served.cut_at_ms > 2 * config_batch_gap_ms(config))
        findings_add(doctor->findings, FINDING_WARN, check, advice,
                     "%s was cut %s ago; one is due every %s", served.batch_run_id,
                     doctor_span(doctor, doctor->now_ms - served.cut_at_ms),
                     doctor_span(doctor, config_batch_gap_ms(config)));
    doctor_fine(doctor, check, "%s was cut %s ago", served.batch_run_id,
                doctor_span(doctor, doctor->now_ms - served.cut_at_ms));
}

void check_batch_runs(struct doctor *doctor)
{
    static const char check[] = "batch.success-rate";
    struct view_run *runs;
    size_t count, ended = 0, done = 0;
    g_autoptr(GError) error = NULL;
    if (!doctor->view ||
        !view_runs(doctor->view, DOCTOR_RUNS_READ, doctor->arena, &runs, &count, &error)) {
        doctor_unable(doctor, check, error);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        ended += runs[i].ended_ms != 0 && !g_str_equal(runs[i].state, "stopped");
        done += g_str_equal(runs[i].state, "done");
    }
    if (!ended)
        return;
    if ((double)done < DOCTOR_SUCCESS_RATE_MIN * (double)ended)
        findings_add(doctor->findings, FINDING_WARN, check, "marquee batch status names the errors",
                     "%zu of the last %zu runs failed", ended - done, ended);
    doctor_fine(doctor, check, "the last runs (%zu) all ended well", ended);
}

/* ---- lake ---- */

void check_small_files(struct doctor *doctor)
{
    static const char check[] = "lake.small-files";
    struct manifest *manifest = NULL;
    g_autoptr(GError) error = NULL;
    if (!doctor->lake || !manifest_load_current(doctor->lake, &manifest, &error)) {
        doctor_unable(doctor, check, error);
        return;
    }
    int64_t small_bytes = doctor->context->config->lake_partition_min_bytes;
    for (guint i = 0; manifest && i < manifest->tables->len; i++) {
        const struct manifest_table *table = g_ptr_array_index(manifest->tables, i);
        guint small = 0;
        for (guint k = 0; k < table->files->len; k++)
            small +=
                ((const struct manifest_file *)g_ptr_array_index(table->files, k))->size_bytes <
                small_bytes;
        if (small >= DOCTOR_SMALL_FILES_MIN)
            findings_add(doctor->findings, FINDING_WARN, check,
                         "runs compact what is older than a day; if the number grows from run to "
                         "run, raise lake.partition_min",
                         "%s: %u of %u files are under lake.partition_min", table->name, small,
                         table->files->len);
    }
    if (manifest)
        doctor_fine(doctor, check, "no table has %d or more files under lake.partition_min",
                    DOCTOR_SMALL_FILES_MIN);
    manifest_free(manifest);
}

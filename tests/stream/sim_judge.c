#include "sim_judge.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "bus/bus.h"
#include "bus/bus_mem.h"
#include "sim_tables.h"
#include "speed/speed.h"

#define DIFFERENCES_SHOWN 6
#define FETCH_BYTES       ((size_t)1 << 20)

static struct stream_status read_status(struct run *run, struct arena *arena)
{
    GError *error = NULL;
    struct stream_status status;
    sim_check(run->sim, stream_status_read(&run->context, arena, &status, &error), error);
    return status;
}

/* The highest event time on the log that is not bad by too late an event time: what is held. */
static int64_t highest_event_ms(struct run *run)
{
    int64_t highest = INT64_MIN;
    struct arena *arena = arena_new();
    static const enum topic inputs[] = {TOPIC_RATINGS, TOPIC_METADATA, TOPIC_REVIEWS, TOPIC_EVENTS};
    for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++) {
        for (int p = 0; p < SIM_PARTITIONS; p++) {
            GError *error = NULL;
            struct bus_batch batch;
            int64_t offset = 0, append_ms = INT64_MIN;
            do {
                sim_check(run->sim,
                          bus_fetch(run->bus, topic_info(inputs[i])->name, p, offset, FETCH_BYTES,
                                    arena, &batch, &error),
                          error);
                for (size_t r = 0; r < batch.count; r++) {
                    union {
                        struct rating rating;
                        struct metadata metadata;
                        struct review review;
                        struct user_event event;
                    } record;
                    append_ms = MAX(append_ms, batch.records[r].append_time_ms);
                    if (!serde_decode(run->sim->serde, inputs[i], batch.records[r].value, arena,
                                      &record, NULL))
                        continue;
                    int64_t event_ms = *(const int64_t *)((const char *)&record +
                                                          topic_info(inputs[i])->event_time_offset);
                    if (event_ms - append_ms <= run->config->stream_future_limit_ms)
                        highest = MAX(highest, event_ms);
                }
                offset = batch.next_offset;
            } while (batch.count > 0);
        }
    }
    arena_free(arena);
    return highest;
}

/* Returns how many lines only one of both has. */
static guint compare(struct sim *sim, const char *with, GPtrArray *found, GPtrArray *expected)
{
    guint wrong = 0;
    for (guint f = 0, e = 0; f < found->len || e < expected->len;) {
        int order = f == found->len      ? 1
                    : e == expected->len ? -1
                                         : strcmp(found->pdata[f], expected->pdata[e]);
        if (order != 0 && wrong++ < DIFFERENCES_SHOWN)
            printf("seed %u, %s: %s %s\n", sim->seed, with, order < 0 ? "only here" : "missing",
                   (char *)(order < 0 ? found->pdata[f] : expected->pdata[e]));
        f += order <= 0;
        e += order >= 0;
    }
    return wrong;
}

/* A new engine reads the log of the lives in one go. */
static guint judge_same_log(struct sim *sim, struct run *lives, struct sim_view view)
{
    struct run run;
    run_open(&run, sim, "log", sim->plan->end_ms);
    GError *error = NULL;
    run.bus = bus_open(&lives->context, &error);
    sim_check(sim, run.bus != NULL, error);
    run_open_stream(&run);
    run_settle(&run);
    struct arena *arena = arena_new();
    struct stream_status here = read_status(lives, arena), there = read_status(&run, arena);
    g_autoptr(GPtrArray) found = sim_tables_read(&lives->context, &view);
    g_autoptr(GPtrArray) expected = sim_tables_read(&run.context, &view);
    sim->shared->rows += expected->len;
    sim_tables_add_counters(found, &here);
    sim_tables_add_counters(expected, &there);
    guint wrong = compare(sim, "same log", found, expected);
    arena_free(arena);
    run_close(&run);
    return wrong;
}

/* The plan where nothing fails; the engine reads in one go. */
static guint judge_same_plan(struct sim *sim, struct run *lives, struct sim_view view)
{
    struct run run;
    run_open(&run, sim, "plan", sim->plan->start_ms);
    run.bus = bus_mem_new(&run.context);
    run_create_topics(&run);
    for (guint i = 0; i < sim->plan->actions->len; i++) {
        const struct sim_action *action = &g_array_index(sim->plan->actions, struct sim_action, i);
        if (action->verb == SIM_PRODUCE)
            run_produce(&run, action);
        else if (action->verb == SIM_CLOCK)
            clock_set_now(run.clock, action->value);
    }
    clock_set_now(run.clock, sim->plan->end_ms);
    run_open_stream(&run);
    run_settle(&run);
    view.without_repeats = true;
    g_autoptr(GPtrArray) found = sim_tables_read(&lives->context, &view);
    g_autoptr(GPtrArray) expected = sim_tables_read(&run.context, &view);
    guint wrong = compare(sim, "same plan", found, expected);
    run_close(&run);
    return wrong;
}

/* Nothing produced is uncounted: by the bus' offsets, which the engine doesn't write. */
static guint judge_counters(struct sim *sim, struct run *lives)
{
    guint wrong = 0;
    struct arena *arena = arena_new();
    struct stream_status status = read_status(lives, arena);
    int64_t produced = 0;
    for (size_t i = 0; i < status.partitions_count; i++) {
        const struct stream_partition_status *partition = &status.partitions[i];
        GError *error = NULL;
        int64_t start, end;
        sim_check(
            sim,
            bus_offsets(lives->bus, partition->topic, partition->partition, &start, &end, &error),
            error);
        int64_t counted =
            partition->used + partition->duplicate + partition->expired + partition->bad;
        if (counted != end && ++wrong)
            printf("seed %u: %s/%d: %" PRId64 " records produced, %" PRId64 " counted\n", sim->seed,
                   partition->topic, partition->partition, end, counted);
        produced += end;
        sim->shared->classes[RECORD_USED] += partition->used;
        sim->shared->classes[RECORD_DUPLICATE] += partition->duplicate;
        sim->shared->classes[RECORD_EXPIRED] += partition->expired;
        sim->shared->classes[RECORD_BAD] += partition->bad;
        sim->shared->late += partition->late;
    }
    GError *error = NULL;
    struct late_entry *late;
    size_t late_count;
    sim_check(sim,
              stream_status_late(&lives->context, arena, LATE_LEDGER_ROWS_MAX, &late, &late_count,
                                 &error),
              error);
    if ((int64_t)late_count != sim->shared->late && ++wrong)
        printf("seed %u: %" PRId64 " late records counted, %zu in the ledger\n", sim->seed,
               sim->shared->late, late_count);
    if (produced < sim->plan->records->len && ++wrong)
        printf("seed %u: %u records planned, %" PRId64 " on the log\n", sim->seed,
               sim->plan->records->len, produced);
    sim->shared->produced += produced;
    arena_free(arena);
    return wrong;
}

typedef void take_record(void *data, const struct bus_record *record, struct arena *arena);

static void
each_record(struct run *run, enum topic topic, take_record *take, void *data, struct arena *arena)
{
    for (int p = 0; p < SIM_PARTITIONS; p++) {
        struct bus_batch batch;
        int64_t offset = 0;
        do {
            GError *error = NULL;
            sim_check(run->sim,
                      bus_fetch(run->bus, topic_info(topic)->name, p, offset, FETCH_BYTES, arena,
                                &batch, &error),
                      error);
            for (size_t i = 0; i < batch.count; i++)
                take(data, &batch.records[i], arena);
            offset = batch.next_offset;
        } while (batch.count > 0);
    }
}

struct outgoing {
    struct sim *sim;
    GHashTable *letters;   /* "topic/partition/offset" */
    GHashTable *revisions; /* "window start/revision" -> GBytes */
    GHashTable *latest;    /* window end -> struct trending *, in the arena */
    guint wrong;
};

static void take_letter(void *data, const struct bus_record *record, struct arena *arena)
{
    struct outgoing *outgoing = data;
    struct deadletter letter;
    GError *error = NULL;
    sim_check(
        outgoing->sim,
        serde_decode(outgoing->sim->serde, TOPIC_DEADLETTER, record->value, arena, &letter, &error),
        error);
    g_hash_table_add(outgoing->letters,
                     g_strdup_printf("%.*s/%d/%" PRId64, (int)letter.topic.len, letter.topic.data,
                                     letter.partition, letter.offset));
}

static void take_trending(void *data, const struct bus_record *record, struct arena *arena)
{
    struct outgoing *outgoing = data;
    struct trending *trending = arena_alloc(arena, sizeof *trending);
    GError *error = NULL;
    sim_check(
        outgoing->sim,
        serde_decode(outgoing->sim->serde, TOPIC_TRENDING, record->value, arena, trending, &error),
        error);
    g_autofree char *key =
        g_strdup_printf("%" PRId64 "/%d", trending->window_start_ms, trending->revision);
    g_autoptr(GBytes) bytes = g_bytes_new(record->value.data, record->value.len);
    GBytes *before = g_hash_table_lookup(outgoing->revisions, key);
    if (before && !g_bytes_equal(before, bytes)) {
        printf("seed %u: movie.trending: window/revision %s says two things\n", outgoing->sim->seed,
               key);
        outgoing->wrong++;
    }
    g_hash_table_insert(outgoing->revisions, g_steal_pointer(&key), g_steal_pointer(&bytes));
    const struct trending *latest = g_hash_table_lookup(outgoing->latest, &trending->window_end_ms);
    if (!latest || trending->revision > latest->revision)
        g_hash_table_replace(outgoing->latest, &trending->window_end_ms, trending);
}

/* Revisions 1, 2, ... up to the latest: none was lost on its way. */
static void check_revisions(struct outgoing *outgoing)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, outgoing->latest);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct trending *latest = value;
        for (int32_t revision = 1; revision < latest->revision; revision++) {
            g_autofree char *key =
                g_strdup_printf("%" PRId64 "/%d", latest->window_start_ms, revision);
            if (g_hash_table_contains(outgoing->revisions, key))
                continue;
            printf("seed %u: movie.trending: window/revision %s is missing\n", outgoing->sim->seed,
                   key);
            outgoing->wrong++;
        }
        outgoing->sim->shared->revisions += latest->revision;
    }
}

/* What the table shows of a window is what was last published of it. */
static void check_shown(struct outgoing *outgoing, struct run *lives, struct arena *arena)
{
    GError *error = NULL;
    struct trending_row *rows;
    size_t count;
    struct speed *speed = speed_open(&lives->context, &error);
    sim_check(outgoing->sim, speed != NULL, error);
    sim_check(outgoing->sim,
              speed_read_trending(speed, INT64_MIN, INT64_MAX, arena, &rows, &count, &error),
              error);
    for (size_t i = 0; i < count; i++) {
        const struct trending *latest =
            g_hash_table_lookup(outgoing->latest, &rows[i].window_end_ms);
        size_t place = (size_t)rows[i].rank - 1;
        bool same =
            latest && place < latest->movies_count &&
            latest->movies[place].movie_id == rows[i].movie_id &&
            rint(latest->movies[place].trending_score * 1e9) == rint(rows[i].trending_score * 1e9);
        if (same)
            continue;
        printf("seed %u: trending_movies: window end %" PRId64
               " rank %d: movie.trending says otherwise\n",
               outgoing->sim->seed, rows[i].window_end_ms, rows[i].rank);
        outgoing->wrong++;
    }
    speed_close(speed);
}

static guint judge_outgoing(struct sim *sim, struct run *lives)
{
    struct arena *arena = arena_new();
    struct outgoing outgoing = {
        .sim = sim,
        .letters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .revisions =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref),
        .latest = g_hash_table_new(g_int64_hash, g_int64_equal),
    };
    each_record(lives, TOPIC_DEADLETTER, take_letter, &outgoing, arena);
    each_record(lives, TOPIC_TRENDING, take_trending, &outgoing, arena);
    guint letters = g_hash_table_size(outgoing.letters);
    if (letters != sim->shared->classes[RECORD_BAD] && ++outgoing.wrong)
        printf("seed %u: %" PRId64 " bad records, %u of them have a dead letter\n", sim->seed,
               sim->shared->classes[RECORD_BAD], letters);
    sim->shared->letters += letters;
    check_revisions(&outgoing);
    check_shown(&outgoing, lives, arena);
    g_hash_table_unref(outgoing.letters);
    g_hash_table_unref(outgoing.revisions);
    g_hash_table_unref(outgoing.latest);
    arena_free(arena);
    return outgoing.wrong;
}

bool sim_judge(struct sim *sim)
{
    GError *error = NULL;
    struct run lives;
    run_open(&lives, sim, "lives", sim->plan->end_ms);
    lives.bus = bus_open(&lives.context, &error);
    sim_check(sim, lives.bus != NULL, error);
    const struct sim_view view = {.highest_event_ms = highest_event_ms(&lives)};
    guint wrong = judge_counters(sim, &lives);
    wrong += judge_outgoing(sim, &lives);
    wrong += judge_same_log(sim, &lives, view);
    wrong += judge_same_plan(sim, &lives, view);
    run_close(&lives);
    return wrong == 0;
}

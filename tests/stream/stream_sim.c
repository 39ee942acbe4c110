/* Deterministic simulation of the stream engine. One seed makes a plan (sim_plan.h) and, apart from
 * it, all that goes wrong: a bus that loses and doubles what is produced and fails when it is read,
 * commits of another size in each life, and deaths. A life is a child process on the data folder of
 * the one before; it dies of SIGKILL at a named step of a commit, and the next one goes on with the
 * plan's next action.
 *
 *   life 1: actions 0..41, killed at stream.commit.state ─► life 2: 42..97, killed ─► ... ─► judge
 *
 * The judge, one more child, compares the speed tables with two runs that nothing ever happened to:
 *
 *   same log      a new engine that reads the same log in one go: all tables and counters are equal
 *   same plan     the plan on a bus without faults, so no retry ever doubled a record: all tables
 *                 are equal but for the counts of records that have no duplicates
 *
 * and what left the engine: each bad record has its dead letter, the revisions of each ranking are
 * 1, 2, 3, ... without a gap, one revision always says the same, and the last one of a window is
 * what trending_movies shows. Counters: produced = used + duplicates + expired + bad.
 *
 *   stream_sim --seed N            one seed, in detail
 *   stream_sim --seeds FIRST COUNT  many; fails too when a fault, a class or a fail point was
 * absent
 *
 * Time is a manual clock's, dice are the seed's, so a seed that failed fails again. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "bus/bus_faulty.h"
#include "bus/bus_mem.h"
#include "bus/registry.h"
#include "sim_plan.h"
#include "sim_tables.h"
#include "speed/speed.h"
#include "stream/stream.h"

#define DEATHS_MAX         5
#define LIVES_MAX          (DEATHS_MAX + 1)
#define PASSAGE_MAX        4
#define COMMIT_RECORDS_MAX 120
#define FAULT_CHANCE       0.05
#define STEPS_MAX          1000000
#define SETTLES            3
#define DIFFERENCES_SHOWN  6
#define FETCH_BYTES        ((size_t)1 << 20)
#define FAILPOINTS_MAX     32
/* Of so many seeds none of the things that a proof needs may be absent. */
#define SEEDS_FOR_PROOF 50

/* What outlives a life: shared between the parent and its children. */
struct shared {
    guint next; /* the action that the next life begins with */
    int64_t now_ms;
    int64_t produced;
    int64_t classes[RECORD_CLASS_COUNT], late, letters, revisions, rows;
};

struct sim {
    uint32_t seed;
    bool verbose;
    char *root; /* temporary folder of this seed */
    struct registry *registry;
    struct serde *serde;
    struct sim_plan *plan;
    struct shared *shared;
};

/* One engine, its bus and its clock. */
struct run {
    struct sim *sim;
    struct config *config;
    struct clock *clock;
    struct metrics *metrics;
    struct context context;
    struct bus *bus;
    struct stream *stream;
};

static guint failpoints_count(void)
{
    guint count = 0;
    while (stream_failpoints[count])
        count++;
    g_assert(count <= FAILPOINTS_MAX);
    return count;
}

static void check(const struct sim *sim, bool done, GError *error)
{
    if (done)
        return;
    fprintf(stderr, "seed %u: %s\n", sim->seed, error ? error->message : "?");
    _exit(1);
}

/* ---- a run ---- */

static void run_open(struct run *run, struct sim *sim, const char *folder, int64_t now_ms)
{
    *run = (struct run){.sim = sim, .config = config_new_default()};
    g_free(run->config->data_dir);
    run->config->data_dir = g_build_filename(sim->root, folder, NULL);
    g_mkdir_with_parents(run->config->data_dir, 0700);
    run->config->bus_partitions = SIM_PARTITIONS;
    run->clock = clock_new_manual(now_ms);
    run->metrics = metrics_new();
    run->context =
        (struct context){.config = run->config, .clock = run->clock, .metrics = run->metrics};
}

static void run_close(struct run *run)
{
    stream_close(run->stream);
    bus_close(run->bus);
    metrics_free(run->metrics);
    clock_free(run->clock);
    config_free(run->config);
}

static void create_topics(struct run *run)
{
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        GError *error = NULL;
        check(run->sim, bus_create_topic(run->bus, topic_info(topic)->name, SIM_PARTITIONS, &error),
              error);
    }
}

static void open_stream(struct run *run)
{
    GError *error = NULL;
    run->stream = stream_open(&run->context, run->bus, run->sim->serde, &error);
    check(run->sim, run->stream != NULL, error);
}

/* AGAIN is repeated, as the stage loop does. */
static bool again(const struct run *run, bool done, GError *error)
{
    if (done)
        return false;
    if (!error_is(error, AGAIN))
        check(run->sim, false, error);
    g_error_free(error);
    return true;
}

static bool step(struct run *run)
{
    bool idle = false, done;
    GError *error;
    do {
        error = NULL;
        done = stream_step(run->stream, &idle, &error);
    } while (again(run, done, error));
    return idle;
}

static void commit(struct run *run)
{
    bool done;
    GError *error;
    do {
        error = NULL;
        done = stream_commit(run->stream, &error);
    } while (again(run, done, error));
}

/* Everything read, committed and ranked. */
static void settle(struct run *run)
{
    for (int i = 0; i < STEPS_MAX && !step(run); i++)
        continue;
    for (int i = 0; i < SETTLES; i++) {
        clock_advance_monotonic(run->clock, run->config->ranker_late_interval_ms +
                                                run->config->stream_commit_interval_ms);
        step(run);
        commit(run);
    }
}

/* A producer that repeats its batch until it knows that it is there. */
static void produce(struct run *run, const struct sim_action *action)
{
    g_autofree struct bus_message *messages = g_new0(struct bus_message, action->count);
    for (guint i = 0; i < action->count; i++) {
        const struct sim_record *record =
            &g_array_index(run->sim->plan->records, struct sim_record, action->first + i);
        gsize len;
        const char *data = g_bytes_get_data(record->bytes, &len);
        messages[i] = (struct bus_message){
            .topic = topic_info(record->topic)->name,
            .partition = record->partition,
            .key = {"0", 1},
            .value = {data ? data : "", len},
        };
    }
    bool done;
    GError *error;
    do {
        error = NULL;
        done = bus_produce(run->bus, messages, action->count, NULL, &error);
    } while (again(run, done, error));
}

/* ---- a life ---- */

static void act(struct run *run, const struct sim_action *action)
{
    switch (action->verb) {
    case SIM_PRODUCE:
        produce(run, action);
        break;
    case SIM_CLOCK:
        run->sim->shared->now_ms = action->value;
        clock_set_now(run->clock, action->value);
        break;
    case SIM_PASS:
        clock_advance_monotonic(run->clock, action->value);
        break;
    case SIM_STEP:
        step(run);
        break;
    case SIM_COMMIT:
        commit(run);
        break;
    case SIM_REOPEN:
        stream_close(run->stream);
        open_stream(run);
        break;
    }
}

/* In the child. An action that a death interrupted is not repeated: a stage that starts again
 * doesn't know what the one before it was about to do. */
static void live(struct sim *sim, int number, uint32_t commit_records)
{
    GError *error = NULL;
    struct run run;
    struct shared *shared = sim->shared;
    failpoint_init();
    run_open(&run, sim, "lives", shared->now_ms);
    run.config->stream_commit_records = commit_records;
    struct bus *bus = bus_open(&run.context, &error);
    check(sim, bus != NULL, error);
    run.bus = bus_faulty_new(
        bus, (struct bus_faults){.seed = ((uint64_t)sim->seed << 8) + (uint64_t)number,
                                 .produce_lost = FAULT_CHANCE,
                                 .produce_unknown = FAULT_CHANCE,
                                 .fetch_fails = FAULT_CHANCE,
                                 .fetch_short = FAULT_CHANCE});
    create_topics(&run);
    open_stream(&run);
    while (shared->next < sim->plan->actions->len)
        act(&run, &g_array_index(sim->plan->actions, struct sim_action, shared->next++));
    settle(&run);
    run_close(&run);
}

/* ---- the judge ---- */

static struct stream_status read_status(struct run *run, struct arena *arena)
{
    GError *error = NULL;
    struct stream_status status;
    check(run->sim, stream_status_read(&run->context, arena, &status, &error), error);
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
                check(run->sim,
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
    check(sim, run.bus != NULL, error);
    open_stream(&run);
    settle(&run);
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
    create_topics(&run);
    for (guint i = 0; i < sim->plan->actions->len; i++) {
        const struct sim_action *action = &g_array_index(sim->plan->actions, struct sim_action, i);
        if (action->verb == SIM_PRODUCE)
            produce(&run, action);
        else if (action->verb == SIM_CLOCK)
            clock_set_now(run.clock, action->value);
    }
    clock_set_now(run.clock, sim->plan->end_ms);
    open_stream(&run);
    settle(&run);
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
        check(sim,
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
    check(sim,
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
            check(run->sim,
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
    check(
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
    check(
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
    check(outgoing->sim, speed != NULL, error);
    check(outgoing->sim,
          speed_read_trending(speed, INT64_MIN, INT64_MAX, arena, &rows, &count, &error), error);
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

/* In a child: false where something is wrong. */
static bool judge(struct sim *sim)
{
    GError *error = NULL;
    struct run lives;
    run_open(&lives, sim, "lives", sim->plan->end_ms);
    lives.bus = bus_open(&lives.context, &error);
    check(sim, lives.bus != NULL, error);
    const struct sim_view view = {.highest_event_ms = highest_event_ms(&lives)};
    guint wrong = judge_counters(sim, &lives);
    wrong += judge_outgoing(sim, &lives);
    wrong += judge_same_log(sim, &lives, view);
    wrong += judge_same_plan(sim, &lives, view);
    run_close(&lives);
    return wrong == 0;
}

/* ---- a seed ---- */

static void remove_folder(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        if (g_file_test(inner, G_FILE_TEST_IS_DIR))
            remove_folder(inner);
        else
            g_unlink(inner);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(path);
}

static int wait_for(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            g_error("waitpid: %s", g_strerror(errno));
    }
    return status;
}

static pid_t start_child(void)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        g_error("fork: %s", g_strerror(errno));
    return child;
}

static void choose_death(const char *name, int passage)
{
    g_autofree char *setting = g_strdup_printf("%s:%d", name, passage);
    g_setenv("MARQUEE_FAILPOINT", setting, TRUE);
}

/* Dies at most DEATHS_MAX times, first at the fail point whose turn it is. False: a life failed. */
static bool live_all(struct sim *sim, int64_t deaths[FAILPOINTS_MAX])
{
    g_autoptr(GRand) random = g_rand_new_with_seed(~sim->seed);
    const guint names = failpoints_count();
    for (int number = 0; number < LIVES_MAX; number++) {
        guint which =
            number == 0 ? sim->seed % names : (guint)g_rand_int_range(random, 0, (gint32)names);
        int passage = g_rand_int_range(random, 1, PASSAGE_MAX + 1);
        uint32_t commit_records = (uint32_t)g_rand_int_range(random, 1, COMMIT_RECORDS_MAX);
        pid_t child = start_child();
        if (child == 0) {
            if (number < DEATHS_MAX)
                choose_death(stream_failpoints[which], passage);
            live(sim, number, commit_records);
            exit(0);
        }
        int status = wait_for(child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return true;
        bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        if (sim->verbose)
            printf("seed %u, life %d: %s at %s:%d, action %u of %u\n", sim->seed, number,
                   killed ? "killed" : "failed", stream_failpoints[which], passage,
                   sim->shared->next, sim->plan->actions->len);
        if (!killed)
            return false;
        deaths[which]++;
    }
    return false;
}

static bool judge_in_child(struct sim *sim)
{
    pid_t child = start_child();
    if (child == 0)
        exit(judge(sim) ? 0 : 1);
    int status = wait_for(child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct totals {
    int64_t deaths[FAILPOINTS_MAX];
    struct shared seen; /* its counters, over all seeds */
    struct sim_kinds kinds;
    int64_t repeats_by_retry;
};

static void add_totals(struct totals *totals, const struct sim *sim)
{
    const struct sim_kinds *kinds = &sim->plan->kinds;
    totals->seen.produced += sim->shared->produced;
    totals->repeats_by_retry += sim->shared->produced - sim->plan->records->len;
    for (int class = 0; class < RECORD_CLASS_COUNT; class ++)
        totals->seen.classes[class] += sim->shared->classes[class];
    totals->seen.late += sim->shared->late;
    totals->seen.letters += sim->shared->letters;
    totals->seen.revisions += sim->shared->revisions;
    totals->seen.rows += sim->shared->rows;
    totals->kinds.late += kinds->late;
    totals->kinds.repeated += kinds->repeated;
    totals->kinds.edited += kinds->edited;
    totals->kinds.lower_versions += kinds->lower_versions;
    totals->kinds.expired += kinds->expired;
    totals->kinds.future += kinds->future;
    totals->kinds.undecodable += kinds->undecodable;
    totals->kinds.foreign_ids += kinds->foreign_ids;
    totals->kinds.own_ids += kinds->own_ids;
    totals->kinds.jumps_back += kinds->jumps_back;
    totals->kinds.jumps_forward += kinds->jumps_forward;
}

/* Memory survives SIGKILL, and syncs cost nothing there. */
static char *make_root(void)
{
    const char *room = g_access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
    char *root = g_build_filename(room, "stream-sim-XXXXXX", NULL);
    if (!g_mkdtemp(root))
        g_error("%s: %s", root, g_strerror(errno));
    return root;
}

static bool run_seed(struct sim *sim, uint32_t seed, struct totals *totals)
{
    sim->seed = seed;
    sim->root = make_root();
    sim->plan = sim_plan_new(seed, sim->serde);
    *sim->shared = (struct shared){.now_ms = sim->plan->start_ms};
    bool good = live_all(sim, totals->deaths) && judge_in_child(sim);
    add_totals(totals, sim);
    if (!good)
        printf("seed %u failed; replay: stream_sim --seed %u\n", seed, seed);
    else if (sim->verbose)
        printf("seed %u: ok, %u actions, %" PRId64 " records, %" PRId64 " rows\n", seed,
               sim->plan->actions->len, sim->shared->produced, sim->shared->rows);
    sim_plan_free(sim->plan);
    remove_folder(sim->root);
    g_free(sim->root);
    return good;
}

/* ---- main ---- */

static bool present(const char *name, int64_t count)
{
    printf("  %s %" PRId64 "\n", name, count);
    if (count == 0)
        printf("%s: absent, so the simulation proves nothing\n", name);
    return count > 0;
}

static bool all_present(const struct totals *totals)
{
    const struct sim_kinds *kinds = &totals->kinds;
    const struct {
        const char *name;
        int64_t count;
    } needed[] = {
        {"used", totals->seen.classes[RECORD_USED]},
        {"duplicate", totals->seen.classes[RECORD_DUPLICATE]},
        {"expired", totals->seen.classes[RECORD_EXPIRED]},
        {"bad", totals->seen.classes[RECORD_BAD]},
        {"late", totals->seen.late},
        {"dead letters", totals->seen.letters},
        {"ranking revisions", totals->seen.revisions},
        {"rows compared", totals->seen.rows},
        {"doubled by a retry", totals->repeats_by_retry},
        {"repeated", kinds->repeated},
        {"edited", kinds->edited},
        {"lower versions", kinds->lower_versions},
        {"future", kinds->future},
        {"undecodable", kinds->undecodable},
        {"foreign event ids", kinds->foreign_ids},
        {"own event ids", kinds->own_ids},
        {"clock set back", kinds->jumps_back},
        {"clock set forward", kinds->jumps_forward},
    };
    bool all = true;
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
        all = present(needed[i].name, needed[i].count) && all;
    for (guint i = 0; stream_failpoints[i]; i++) {
        g_autofree char *name = g_strdup_printf("killed at %s", stream_failpoints[i]);
        all = present(name, totals->deaths[i]) && all;
    }
    return all;
}

static int run_seeds(struct sim *sim, uint32_t first, uint32_t count)
{
    struct totals totals = {0};
    uint32_t failed = 0;
    for (uint32_t i = 0; i < count; i++)
        failed += !run_seed(sim, first + i, &totals);
    bool proof = true;
    if (count >= SEEDS_FOR_PROOF)
        proof = all_present(&totals);
    printf("%u seeds, %u failed\n", count, failed);
    return failed == 0 && proof ? 0 : 1;
}

static bool parse(int argc, char **argv, uint32_t *ret_first, uint32_t *ret_count)
{
    if (argc == 3 && strcmp(argv[1], "--seed") == 0) {
        *ret_first = (uint32_t)g_ascii_strtoull(argv[2], NULL, 10);
        *ret_count = 1;
        return true;
    }
    if (argc != 4 || strcmp(argv[1], "--seeds") != 0)
        return false;
    *ret_first = (uint32_t)g_ascii_strtoull(argv[2], NULL, 10);
    *ret_count = (uint32_t)g_ascii_strtoull(argv[3], NULL, 10);
    return true;
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    uint32_t first, count;
    if (!parse(argc, argv, &first, &count)) {
        fprintf(stderr, "usage: stream_sim --seed N | --seeds FIRST COUNT\n");
        return 2;
    }
    struct sim sim = {.verbose = count == 1, .registry = registry_new_mem()};
    sim.serde = serde_new(sim.registry, &error);
    check(&sim, sim.serde != NULL, error);
    sim.shared =
        mmap(NULL, sizeof *sim.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sim.shared == MAP_FAILED)
        g_error("mmap: %s", g_strerror(errno));
    int status = run_seeds(&sim, first, count);
    munmap(sim.shared, sizeof *sim.shared);
    serde_free(sim.serde);
    registry_close(sim.registry);
    return status;
}

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
#include "bus/bus.h"
#include "bus/bus_faulty.h"
#include "sim_judge.h"

#define DEATHS_MAX         5
#define LIVES_MAX          (DEATHS_MAX + 1)
#define PASSAGE_MAX        4
#define COMMIT_RECORDS_MAX 120
#define FAULT_CHANCE       0.05
#define FAILPOINTS_MAX     32
/* Of so many seeds none of the things that a proof needs may be absent. */
#define SEEDS_FOR_PROOF 50

static guint failpoints_count(void)
{
    guint count = 0;
    while (stream_failpoints[count])
        count++;
    g_assert(count <= FAILPOINTS_MAX);
    return count;
}

/* ---- a life ---- */

static void act(struct run *run, const struct sim_action *action)
{
    switch (action->verb) {
    case SIM_PRODUCE:
        run_produce(run, action);
        break;
    case SIM_CLOCK:
        run->sim->shared->now_ms = action->value;
        clock_set_now(run->clock, action->value);
        break;
    case SIM_PASS:
        clock_advance_monotonic(run->clock, action->value);
        break;
    case SIM_STEP:
        run_step(run);
        break;
    case SIM_COMMIT:
        run_commit(run);
        break;
    case SIM_REOPEN:
        stream_close(run->stream);
        run_open_stream(run);
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
    sim_check(sim, bus != NULL, error);
    run.bus = bus_faulty_new(
        bus, (struct bus_faults){.seed = ((uint64_t)sim->seed << 8) + (uint64_t)number,
                                 .produce_lost = FAULT_CHANCE,
                                 .produce_unknown = FAULT_CHANCE,
                                 .fetch_fails = FAULT_CHANCE,
                                 .fetch_short = FAULT_CHANCE});
    run_create_topics(&run);
    run_open_stream(&run);
    while (shared->next < sim->plan->actions->len)
        act(&run, &g_array_index(sim->plan->actions, struct sim_action, shared->next++));
    run_settle(&run);
    run_close(&run);
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
        exit(sim_judge(sim) ? 0 : 1);
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
    sim_check(&sim, sim.serde != NULL, error);
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

/* The world around a run is bad: the disk is full, another run writes into the same lake folder, a
 * Parquet file is cut short, or one byte of it is another. The run fails and says where; lake and
 * views serve what they served, at every step; nothing half-written is read; once the world is well
 * again the next run completes.
 */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch/as_of.h"
#include "batch/batch_fixture.h"
#include "batch/journal.h"
#include "batch/query.h"
#include "batch/verify.h"
#include "lake/manifest.h"

#define MOVIES      60
#define STRAY       "silver/movies/stray.parquet"
#define OTHER_RUN   "run-000900-20300101T000000Z"
#define COUNT_SQL   "SELECT count(*) AS n FROM silver.movies"
#define ERROR_BYTES 4096

/* Movies from first on, with texts that don't compress to nothing. */
static void spool_movies(struct test_world *world, int32_t first)
{
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)first);
    for (int32_t id = first; id < first + MOVIES; id++) {
        char overview[1001];
        for (size_t i = 0; i + 1 < sizeof overview; i++)
            overview[i] = (char)g_rand_int_range(random, 'a', 'z' + 1);
        overview[sizeof overview - 1] = '\0';
        g_autofree char *body =
            g_strdup_printf("{\"id\":%d,\"title\":\"Movie %d\",\"release_date\":\"2020-01-01\","
                            "\"overview\":\"%s\",\"genres\":[{\"id\":18,\"name\":\"Drama\"}]}",
                            id, id, overview);
        fixture_spool(world, id, body);
    }
    fixture_rate(world, first, 10);
}

/* One run is published, the next has something to do. */
static void open_world(struct test_world *world)
{
    test_world_open(world);
    spool_movies(world, 1);
    fixture_run_well(world);
    clock_advance(world->context.clock, MS_PER_HOUR);
    spool_movies(world, 1001);
}

/* The first run is served whole. */
static void expect_old(struct test_world *world)
{
    g_assert_cmpint(fixture_generation(world), ==, 1);
    fixture_expect(world, COUNT_SQL, "{\"n\":60}\n");
    g_autofree char *old = fixture_document(world, "movie", 1);
    g_assert_nonnull(old);
    g_autofree char *new = fixture_document(world, "movie", 1001);
    g_assert_null(new);
}

static void expect_new(struct test_world *world)
{
    g_assert_cmpint(fixture_generation(world), >, 1);
    fixture_expect(world, COUNT_SQL, "{\"n\":120}\n");
    fixture_expect(world, "SELECT count(*) AS n FROM bronze.movies", "{\"n\":120}\n");
    g_autofree char *new = fixture_document(world, "movie", 1001);
    g_assert_nonnull(new);
}

/* A run in a process whose files may not grow beyond the limit: the error of each write as on a
 * full disk. What it said: "" where it succeeded. Newly allocated. */
static char *run_on_full_disk(struct test_world *world, rlim_t limit_bytes)
{
    int ends[2];
    g_assert_cmpint(pipe(ends), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {limit_bytes, limit_bytes};
        signal(SIGXFSZ, SIG_IGN);
        GError *error = NULL;
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(2);
        if (fixture_run(world, &error))
            _exit(0);
        (void)!write(ends[1], error->message, strlen(error->message));
        _exit(1);
    }
    close(ends[1]);
    char *said = g_malloc0(ERROR_BYTES + 1);
    size_t len = 0;
    ssize_t got;
    while (len < ERROR_BYTES && (got = read(ends[0], said + len, ERROR_BYTES - len)) > 0)
        len += (size_t)got;
    close(ends[0]);
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, len ? 1 : 0);
    return said;
}

static void test_full_disk(void)
{
    static const rlim_t limits[] = {1000, 50000, 150000};
    struct test_world world;
    open_world(&world);
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        g_autofree char *said = run_on_full_disk(&world, limits[i]);
        g_test_message("files up to %zu bytes: %s", (size_t)limits[i], said);
        g_assert_cmpstr(said, !=, "");
        expect_old(&world);
        clock_advance(world.context.clock, MS_PER_HOUR);
    }
    fixture_run_well(&world);
    expect_new(&world);
    test_world_close(&world);
}

/* ---- another writer ---- */

struct watcher {
    struct test_world *world;
    bool interferes;
    size_t steps;
};

/* As a run of another machine, which doesn't see our lock, would publish. */
static void publish_other(struct lake *lake)
{
    GError *error = NULL;
    struct manifest *manifest = NULL;
    g_assert_true(manifest_load_current(lake, &manifest, &error));
    g_autofree char *run_id = g_steal_pointer(&manifest->run_id);
    manifest->run_id = g_strdup(OTHER_RUN);
    g_free(manifest->previous);
    manifest->previous = g_strdup(run_id);
    g_assert_true(manifest_save(manifest, lake, &error));
    g_assert_true(lake_swap(lake, MANIFEST_CURRENT, run_id, OTHER_RUN, &error));
    manifest_free(manifest);
}

static void watch_step(void *user, size_t step, size_t steps_count, const char *name)
{
    (void)step, (void)steps_count;
    struct watcher *watcher = user;
    watcher->steps++;
    bool published = strcmp(name, "publish_views") == 0 || strcmp(name, "release") == 0;
    if (!published)
        expect_old(watcher->world);
    if (watcher->interferes && strcmp(name, "publish_lake") == 0)
        publish_other(watcher->world->lake);
}

static void test_readers_beside_a_run(void)
{
    struct test_world world;
    open_world(&world);
    g_assert_true(lake_put(world.lake, STRAY, "PAR1 half-writ", 14, NULL));
    struct watcher watcher = {.world = &world};
    struct batch_report report;
    GError *error = NULL;
    g_assert_true(batch_run(&world.context, watch_step, &watcher, &report, &error));
    g_assert_cmpuint(watcher.steps, ==, batch_steps_count());
    expect_new(&world);
    struct arena *arena = arena_new();
    struct lake_object *objects;
    size_t count;
    g_assert_true(lake_list(world.lake, STRAY, arena, &objects, &count, NULL));
    g_assert_cmpuint(count, ==, 0); /* no manifest names it */
    arena_free(arena);
    test_world_close(&world);
}

static void test_another_writer(void)
{
    struct test_world world;
    open_world(&world);
    struct watcher watcher = {.world = &world, .interferes = true};
    struct batch_report report;
    GError *error = NULL;
    g_assert_false(batch_run(&world.context, watch_step, &watcher, &report, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_FENCED);
    g_assert_nonnull(strstr(error->message, OTHER_RUN));
    g_clear_error(&error);
    expect_old(&world);
    clock_advance(world.context.clock, MS_PER_HOUR);
    fixture_run_well(&world); /* from what the other one published */
    expect_new(&world);
    test_world_close(&world);
}

/* ---- files cut short ---- */

static char *path_of(struct test_world *world, const char *name)
{
    return g_build_filename(world->config->data_dir, "lake", name, NULL);
}

/* A run, or what reads all of bronze: a past instant. */
static bool read_again(struct test_world *world, bool past, GError **error)
{
    struct batch_report report;
    return past ? batch_as_of(&world->context, TEST_START_MS, NULL, NULL, &report, error)
                : fixture_run(world, error);
}

/* Each file of the table in turn is half of itself, then gone. */
static void check_table(struct test_world *world, const struct manifest_table *table)
{
    for (guint i = 0; i < table->files->len; i++) {
        const struct manifest_file *file = table->files->pdata[i];
        g_autofree char *path = path_of(world, file->name), *whole = NULL;
        const char *base = strrchr(file->name, '/') + 1;
        gsize len;
        g_assert_true(g_file_get_contents(path, &whole, &len, NULL));
        for (int gone = 0; gone < 2; gone++) {
            if (gone)
                g_assert_cmpint(g_unlink(path), ==, 0);
            else
                g_assert_cmpint(truncate(path, (off_t)(len / 2)), ==, 0);
            GError *error = NULL;
            g_assert_false(read_again(world, g_str_has_prefix(file->name, "bronze/"), &error));
            g_test_message("%s %s: %s", file->name, gone ? "gone" : "cut short", error->message);
            g_assert_nonnull(strstr(error->message, base));
            g_clear_error(&error);
            g_assert_cmpint(fixture_generation(world), ==, 1);
        }
        g_assert_true(g_file_set_contents(path, whole, (gssize)len, NULL));
    }
}

static void test_cut_short(void)
{
    static const char *const tables[] = {"bronze/ratings", "bronze/movies", "silver/movies",
                                         "silver/snapshots"};
    struct test_world world;
    open_world(&world);
    GError *error = NULL;
    struct manifest *manifest = NULL;
    g_assert_true(manifest_load_current(world.lake, &manifest, &error));
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        const struct manifest_table *table = manifest_find_table(manifest, tables[i]);
        g_assert_cmpuint(table->files->len, >, 0);
        check_table(&world, table);
    }
    manifest_free(manifest);
    expect_old(&world);
    fixture_run_well(&world);
    expect_new(&world);
    test_world_close(&world);
}

/* ---- one byte is another ---- */

static void flip_byte(struct test_world *world, const char *name)
{
    g_autofree char *path = path_of(world, name), *whole = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(path, &whole, &len, NULL));
    whole[len / 3] ^= 0x10;
    g_assert_true(g_file_set_contents(path, whole, (gssize)len, NULL));
}

struct damage {
    const char *name; /* of the file that is damaged; NULL: none */
    int64_t found;
};

static void take_file(void *user, const char *why, int64_t done, int64_t total)
{
    struct damage *damage = user;
    g_assert_cmpint(done, <=, total);
    if (!why)
        return;
    g_assert_nonnull(damage->name);
    g_assert_nonnull(strstr(why, damage->name));
    damage->found++;
}

/* What `marquee batch verify` finds. */
static void expect_damaged(struct test_world *world, const char *name)
{
    GError *error = NULL;
    struct damage damage = {.name = name};
    struct verify_report report;
    g_assert_true(batch_verify(&world->context, take_file, &damage, &report, &error));
    g_assert_no_error(error);
    g_assert_cmpint(report.files, >, 10);
    g_assert_cmpint(report.damaged, ==, name ? 1 : 0);
    g_assert_cmpint(damage.found, ==, report.damaged);
}

static void expect_refused(struct test_world *world, const char *name, bool past)
{
    GError *error = NULL;
    g_assert_false(read_again(world, past, &error));
    g_test_message("%s", error->message);
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA);
    g_assert_nonnull(strstr(error->message, name));
    g_assert_nonnull(strstr(error->message, "put back a copy"));
    g_clear_error(&error);
}

/* All bytes of a file count, also those that DuckDB reads without a word, and those of partitions
 * that the run takes over as they are. Each file that a run reads, in turn. */
static void test_flipped(void)
{
    static const char *const tables[] = {"bronze/ratings",     "bronze/movies",
                                         "silver/movies",      "silver/snapshots",
                                         "silver/hours_stats", "silver/quarantine"};
    struct test_world world;
    open_world(&world);
    fixture_run_well(&world);
    clock_advance(world.context.clock, 30 * MS_PER_DAY);
    fixture_rate(&world, 1, 20); /* the hours of March, then, are the run's before */
    fixture_run_well(&world);
    clock_advance(world.context.clock, MS_PER_HOUR);
    fixture_rate(&world, 1, 30);
    int64_t generation = fixture_generation(&world);
    expect_damaged(&world, NULL);
    GError *error = NULL;
    struct manifest *manifest = NULL;
    g_assert_true(manifest_load_current(world.lake, &manifest, &error));
    guint hours = manifest_find_table(manifest, "silver/hours_stats")->files->len;
    g_assert_cmpuint(hours, ==, 2);
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        const struct manifest_table *table = manifest_find_table(manifest, tables[i]);
        g_assert_cmpuint(table->files->len, >, 0);
        for (guint j = 0; j < table->files->len; j++) {
            const struct manifest_file *file = table->files->pdata[j];
            flip_byte(&world, file->name);
            expect_damaged(&world, file->name);
            /* Old answers are read by what computes the past. */
            expect_refused(&world, file->name, strcmp(tables[i], "bronze/movies") == 0);
            g_assert_cmpint(fixture_generation(&world), ==, generation);
            flip_byte(&world, file->name);
        }
    }
    manifest_free(manifest);
    fixture_run_well(&world);
    g_assert_cmpint(fixture_generation(&world), >, generation);
    test_world_close(&world);
}

/* Gold is what a run has just written: it is read again only by a run that goes on, which looks. */
static void test_flipped_gold(void)
{
    struct test_world world;
    open_world(&world);
    fixture_die_at(&world, "batch.quality.done");
    GError *error = NULL;
    struct journal *journal;
    g_assert_true(journal_load(world.lake, &journal, &error));
    g_assert_nonnull(journal);
    const struct manifest_table *table =
        manifest_find_table(journal->manifest, "gold/genre_analytics");
    const struct manifest_file *file = table->files->pdata[0];
    flip_byte(&world, file->name);
    expect_refused(&world, file->name, false);
    expect_old(&world);
    flip_byte(&world, file->name);
    fixture_run_well(&world);
    expect_new(&world);
    /* Damaged later on, it is found by who looks, and the next run makes it anew. */
    flip_byte(&world, file->name);
    expect_damaged(&world, file->name);
    clock_advance(world.context.clock, MS_PER_HOUR);
    fixture_rate(&world, 1, 30);
    fixture_run_well(&world);
    expect_damaged(&world, NULL);
    journal_free(journal);
    test_world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bad_world/full_disk", test_full_disk);
    g_test_add_func("/bad_world/readers_beside_a_run", test_readers_beside_a_run);
    g_test_add_func("/bad_world/another_writer", test_another_writer);
    g_test_add_func("/bad_world/cut_short", test_cut_short);
    g_test_add_func("/bad_world/flipped", test_flipped);
    g_test_add_func("/bad_world/flipped_gold", test_flipped_gold);
    return g_test_run();
}

/* Proves: bus_sqlite keeps the bus' contract, also across processes; a damaged or missing row is
 * told by its offsets and takes no other along; a file that isn't ours is refused by name. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "bus/bus_contract.h"
#include "model/db.h"

#define TOPIC           "movie.ratings"
#define PROCESSES       3
#define PROCESS_CALLS   30
#define PROCESS_RECORDS 20

struct fixture {
    struct config *config;
    struct context context;
    struct clock *clock; /* ours, where the suite gives none */
    char *folder;
};

static struct fixture *fixture_new(const struct context *given)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    g_autoptr(GError) error = NULL;
    fixture->folder = g_dir_make_tmp("bus-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->config = config_new_default();
    g_free(fixture->config->data_dir);
    fixture->config->data_dir = g_strdup(fixture->folder);
    if (given) {
        fixture->context = *given;
    } else {
        fixture->clock = clock_new_manual(0);
        fixture->context.clock = fixture->clock;
    }
    fixture->context.config = fixture->config;
    return fixture;
}

static char *fixture_path(const struct fixture *fixture, const char *name)
{
    return g_build_filename(fixture->folder, name, NULL);
}

static void fixture_free(void *data)
{
    struct fixture *fixture = data;
    static const char *const names[] = {"bus.db", "bus.db-wal", "bus.db-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = fixture_path(fixture, names[i]);
        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    config_free(fixture->config);
    clock_free(fixture->clock);
    g_free(fixture->folder);
    g_free(fixture);
}

static void *setup(const struct context *context)
{
    return fixture_new(context);
}

static struct bus *open_handle(void *data)
{
    struct fixture *fixture = data;
    g_autoptr(GError) error = NULL;
    struct bus *bus = bus_open(&fixture->context, &error);
    g_assert_no_error(error);
    return bus;
}

static const struct bus_contract contract = {
    .name = "sqlite",
    .setup = setup,
    .teardown = fixture_free,
    .open = open_handle,
    .durable = true,
};

static void run_sql(const struct fixture *fixture, const char *sql)
{
    g_autofree char *path = fixture_path(fixture, "bus.db");
    g_autoptr(GError) error = NULL;
    g_autoptr(sqlite3) db = db_open(path, NULL, &error);
    g_assert_no_error(error);
    bool done = db_exec(db, sql, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_cmpint(sqlite3_changes(db), ==, 1);
}

static void produce(struct bus *bus, int partition, int count)
{
    struct bus_message messages[16];
    for (int i = 0; i < count; i++)
        messages[i] = (struct bus_message){
            .topic = TOPIC, .partition = partition, .key = {"key", 3}, .value = {"value", 5}};
    g_autoptr(GError) error = NULL;
    g_assert_true(bus_produce(bus, messages, (size_t)count, NULL, &error));
}

/* Three batches, offsets 0-3, 4-7, 8-11, in both of two partitions. */
static struct bus *three_batches(struct fixture *fixture)
{
    struct bus *bus = open_handle(fixture);
    g_autoptr(GError) error = NULL;
    g_assert_true(bus_create_topic(bus, TOPIC, 2, &error));
    for (int i = 0; i < 6; i++)
        produce(bus, i % 2, 4);
    return bus;
}

static void assert_damaged_in_the_middle(struct bus *bus)
{
    struct arena *arena = arena_new();
    struct bus_batch batch;
    GError *error = NULL;
    /* What stands before the damage comes, and no more. */
    bool done = bus_fetch(bus, TOPIC, 1, 0, 1 << 20, arena, &batch, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_cmpuint(batch.count, ==, 4);
    g_assert_cmpint(batch.next_offset, ==, 4);
    /* The damage is told by topic, partition and offsets. */
    for (int64_t offset = 4; offset <= 7; offset++) {
        g_assert_false(bus_fetch(bus, TOPIC, 1, offset, 1 << 20, arena, &batch, &error));
        g_assert_true(error_is(error, BADDATA));
        g_assert_nonnull(strstr(error->message, TOPIC "/1"));
        g_assert_nonnull(strstr(error->message, "to 7"));
        g_assert_nonnull(strstr(error->message, "go on at offset 8"));
        g_clear_error(&error);
    }
    /* What stands behind it, and the other partition, are untouched. */
    g_assert_true(bus_fetch(bus, TOPIC, 1, 8, 1 << 20, arena, &batch, &error));
    g_assert_cmpuint(batch.count, ==, 4);
    g_assert_true(bus_fetch(bus, TOPIC, 0, 0, 1 << 20, arena, &batch, &error));
    g_assert_cmpuint(batch.count, ==, 12);
    arena_free(arena);
}

static void test_damage(const void *sql)
{
    struct fixture *fixture = fixture_new(NULL);
    struct bus *bus = three_batches(fixture);
    run_sql(fixture, sql);
    assert_damaged_in_the_middle(bus);
    bus_close(bus);
    fixture_free(fixture);
}

static void test_not_a_database(void)
{
    struct fixture *fixture = fixture_new(NULL);
    g_autofree char *path = fixture_path(fixture, "bus.db");
    g_autofree char *garbage = g_strnfill(8192, 'x');
    g_autoptr(GError) error = NULL;
    g_assert_true(g_file_set_contents(path, garbage, 8192, &error));
    g_assert_null(bus_open(&fixture->context, &error));
    g_assert_true(error_is(error, BADDATA));
    g_assert_nonnull(strstr(error->message, path));
    fixture_free(fixture);
}

static void test_other_layout(void)
{
    struct fixture *fixture = fixture_new(NULL);
    bus_close(open_handle(fixture));
    g_autofree char *path = fixture_path(fixture, "bus.db");
    g_autoptr(GError) error = NULL;
    sqlite3 *db = db_open(path, NULL, &error);
    g_assert_true(db_exec(db, "PRAGMA user_version = 99", &error));
    db_close(db);
    g_assert_null(bus_open(&fixture->context, &error));
    g_assert_true(error_is(error, FAILED));
    g_assert_nonnull(strstr(error->message, "99"));
    fixture_free(fixture);
}

static void test_no_such_backend(void)
{
    struct fixture *fixture = fixture_new(NULL);
    g_free(fixture->config->bus_backend);
    fixture->config->bus_backend = g_strdup("pulsar");
    g_autoptr(GError) error = NULL;
    g_assert_null(bus_open(&fixture->context, &error));
    g_assert_true(error_is(error, CONFIG));
    g_assert_nonnull(strstr(error->message, "not built in"));
    fixture_free(fixture);
}

/* In a process of its own: opens the bus, makes the topic, writes. */
G_NORETURN static void child_main(struct fixture *fixture, int number)
{
    struct bus *bus = open_handle(fixture);
    g_autoptr(GError) error = NULL;
    if (!bus_create_topic(bus, TOPIC, 2, &error))
        _exit(3);
    for (int64_t call = 0; call < PROCESS_CALLS;) {
        int64_t values[PROCESS_RECORDS][2];
        struct bus_message messages[PROCESS_RECORDS];
        for (int i = 0; i < PROCESS_RECORDS; i++) {
            values[i][0] = number;
            values[i][1] = call * PROCESS_RECORDS + i;
            messages[i] = (struct bus_message){
                .topic = TOPIC, .partition = 0, .value = {(char *)values[i], sizeof values[i]}};
        }
        g_clear_error(&error);
        if (bus_produce(bus, messages, PROCESS_RECORDS, NULL, &error))
            call++;
        else if (!error_is(error, AGAIN))
            _exit(4);
    }
    bus_close(bus);
    _exit(0);
}

/* Several processes open a new log at once and write: nothing is lost, doubled or out of a writer's
 * order. */
static void test_processes(void)
{
    struct fixture *fixture = fixture_new(NULL);
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        g_assert_cmpint(children[i], >=, 0);
        if (children[i] == 0)
            child_main(fixture, i);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        g_assert_cmpint(waitpid(children[i], &status, 0), ==, children[i]);
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    }
    struct bus *bus = open_handle(fixture);
    struct arena *arena = arena_new();
    struct bus_batch batch;
    g_autoptr(GError) error = NULL;
    g_assert_true(bus_fetch(bus, TOPIC, 0, 0, 1 << 20, arena, &batch, &error));
    g_assert_cmpuint(batch.count, ==, PROCESSES * PROCESS_CALLS * PROCESS_RECORDS);
    int64_t next[PROCESSES] = {0};
    for (size_t i = 0; i < batch.count; i++) {
        int64_t value[2];
        memcpy(value, batch.records[i].value.data, sizeof value);
        g_assert_cmpint(value[1], ==, next[value[0]]++);
    }
    arena_free(arena);
    bus_close(bus);
    fixture_free(fixture);
}

/* A process that is killed between the two partitions of a call leaves nothing of the call behind.
 */
static void test_killed_in_append(void)
{
    struct fixture *fixture = fixture_new(NULL);
    struct bus *bus = three_batches(fixture);
    bus_close(bus);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        g_setenv("MARQUEE_FAILPOINT", "bus_append:1", TRUE);
        failpoint_init();
        const struct bus_message messages[] = {
            {.topic = TOPIC, .partition = 0, .value = {"value", 5}},
            {.topic = TOPIC, .partition = 1, .value = {"value", 5}},
        };
        bus = open_handle(fixture);
        bool done = bus_produce(bus, messages, G_N_ELEMENTS(messages), NULL, NULL);
        _exit(done ? 1 : 2);
    }
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    bus = open_handle(fixture);
    for (int partition = 0; partition < 2; partition++) {
        int64_t start, end;
        g_autoptr(GError) error = NULL;
        g_assert_true(bus_offsets(bus, TOPIC, partition, &start, &end, &error));
        g_assert_cmpint(end, ==, 12);
    }
    produce(bus, 0, 4); /* and the lock went with it */
    bus_close(bus);
    fixture_free(fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    bus_contract_add(&contract);
    static const struct {
        const char *name, *sql;
    } damages[] = {
        {"/bus_sqlite/damage/byte", "UPDATE batches SET bytes = CAST(substr(bytes, 1, 9) || x'00' "
                                    "|| substr(bytes, 11) AS BLOB) "
                                    "WHERE partition = 1 AND base_offset = 4"},
        {"/bus_sqlite/damage/time",
         "UPDATE batches SET append_time_ms = 1 WHERE partition = 1 AND base_offset = 4"},
        {"/bus_sqlite/damage/count",
         "UPDATE batches SET records = 1000000 WHERE partition = 1 AND base_offset = 4"},
        {"/bus_sqlite/damage/cut",
         "UPDATE batches SET bytes = x'' WHERE partition = 1 AND base_offset = 4"},
        {"/bus_sqlite/damage/missing",
         "DELETE FROM batches WHERE partition = 1 AND base_offset = 4"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(damages); i++)
        g_test_add_data_func(damages[i].name, damages[i].sql, test_damage);
    g_test_add_func("/bus_sqlite/not_a_database", test_not_a_database);
    g_test_add_func("/bus_sqlite/other_layout", test_other_layout);
    g_test_add_func("/bus_sqlite/no_such_backend", test_no_such_backend);
    g_test_add_func("/bus_sqlite/processes", test_processes);
    g_test_add_func("/bus_sqlite/killed_in_append", test_killed_in_append);
    return g_test_run();
}

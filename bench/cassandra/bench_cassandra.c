/* Upserts a second into one Cassandra node: src/cql beside the DataStax C driver, by turns, the
 * same statement of contracts/speed.cql, the same rows, the same number under way. run.sh brings
 * the driver out of a Python wheel; it has no header there, so its few functions are declared here.
 *
 * usage: bench_cassandra HOST:PORT [--driver FILE --python FILE] [--rows N] [--rounds N] [--flight
 * N] */
#include <dlfcn.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/resource.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/sql_file.h"
#include "cql/cql.h"
#include "speed/speed_cassandra.h"

#define HOUR_MS          INT64_C(1767268800000)
#define ROUNDS_MAX       100
#define DRIVER_QUEUE     65536
#define LOCAL_QUORUM     6
#define TTL_S            180000
#define DEFAULT_ROWS     100000
#define DEFAULT_ROUNDS   5
#define DEFAULT_INFLIGHT 1024

struct options {
    const char *hosts, *driver, *python;
    int rows, rounds, in_flight;
};

struct measure {
    double rows_per_s, cpu_us_per_row;
};

static struct clock *machine;

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static G_NORETURN void die(const char *what, const GError *error)
{
    fprintf(stderr, "bench_cassandra: %s%s%s\n", what, error ? ": " : "",
            error ? error->message : "");
    exit(EXIT_FAILURE);
}

/* ---- ours ---- */

static void on_row(void *user, struct cql_rows *rows, bool last, const GError *error)
{
    (void)user;
    (void)rows;
    (void)last;
    if (error)
        die("an upsert failed", error);
}

static void upsert_ours(struct cql *cql, struct cql_statement *put, int rows, int round)
{
    GError *error = NULL;
    const struct cql_execute_options options = {.consistency = CQL_LOCAL_QUORUM,
                                                .idempotent = true};
    for (int i = 0; i < rows; i++) {
        const struct cql_value values[] = {
            cql_int(i),
            cql_long(HOUR_MS),
            cql_text("The Quiet Earth"),
            cql_double(7.2345),
            cql_int(i * 3),
            cql_double(i / 8.0),
            cql_double(0.125),
            cql_long(HOUR_MS),
            cql_int(TTL_S),
            cql_long(HOUR_MS * 1000 + round),
        };
        if (!cql_execute(cql, put, values, G_N_ELEMENTS(values), &options, on_row, NULL, &error))
            die("cql_execute", error);
    }
    cql_flush(cql);
}

/* ---- the driver's ---- */

struct driver {
    void *(*prepared_bind)(const void *);
    int (*bind_int32)(void *, size_t, int32_t);
    int (*bind_int64)(void *, size_t, int64_t);
    int (*bind_double)(void *, size_t, double);
    int (*bind_string)(void *, size_t, const char *);
    int (*set_consistency)(void *, int);
    void (*statement_free)(void *);
    void *(*execute)(void *, const void *);
    int (*set_callback)(void *, void (*)(void *, void *), void *);
    int (*error_code)(void *);
    void (*future_free)(void *);
    void *session;
    const void *prepared;
    sem_t room;
    int in_flight;
};

static void *find(void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    if (!symbol)
        die(name, NULL);
    return symbol;
}

#define FIND(library, name, result, ...) ((result(*)(__VA_ARGS__))find(library, name))

static void driver_connect(struct driver *driver,
                           void *library,
                           const struct options *options,
                           const char *text)
{
    void *cluster = FIND(library, "cass_cluster_new", void *, void)();
    g_auto(GStrv) parts = g_strsplit(options->hosts, ":", 2);
    FIND(library, "cass_cluster_set_contact_points", int, void *, const char *)(cluster, parts[0]);
    FIND(library, "cass_cluster_set_port", int, void *, int)
    (cluster, (int)g_ascii_strtoll(parts[1], NULL, 10));
    FIND(library, "cass_cluster_set_queue_size_io", int, void *, unsigned)(cluster, DRIVER_QUEUE);
    void *(*prepare)(void *, const char *) =
        FIND(library, "cass_session_prepare", void *, void *, const char *);
    const void *(*get_prepared)(void *) =
        FIND(library, "cass_future_get_prepared", const void *, void *);
    driver->session = FIND(library, "cass_session_new", void *, void)();
    void *future = FIND(library, "cass_session_connect", void *, void *,
                        const void *)(driver->session, cluster);
    if (driver->error_code(future) != 0) /* waits */
        die("the driver can't connect", NULL);
    future = prepare(driver->session, text);
    if (driver->error_code(future) != 0)
        die("the driver can't prepare", NULL);
    driver->prepared = get_prepared(future);
}

static void driver_open(struct driver *driver, const struct options *options, const char *text)
{
    if (!dlopen(options->python, RTLD_NOW | RTLD_GLOBAL))
        die(dlerror(), NULL);
    void *library = dlopen(options->driver, RTLD_NOW);
    if (!library)
        die(dlerror(), NULL);
    *driver = (struct driver){
        .prepared_bind = FIND(library, "cass_prepared_bind", void *, const void *),
        .bind_int32 = FIND(library, "cass_statement_bind_int32", int, void *, size_t, int32_t),
        .bind_int64 = FIND(library, "cass_statement_bind_int64", int, void *, size_t, int64_t),
        .bind_double = FIND(library, "cass_statement_bind_double", int, void *, size_t, double),
        .bind_string =
            FIND(library, "cass_statement_bind_string", int, void *, size_t, const char *),
        .set_consistency = FIND(library, "cass_statement_set_consistency", int, void *, int),
        .statement_free = FIND(library, "cass_statement_free", void, void *),
        .execute = FIND(library, "cass_session_execute", void *, void *, const void *),
        .set_callback = FIND(library, "cass_future_set_callback", int, void *,
                             void (*)(void *, void *), void *),
        .error_code = FIND(library, "cass_future_error_code", int, void *),
        .future_free = FIND(library, "cass_future_free", void, void *),
        .in_flight = options->in_flight,
    };
    sem_init(&driver->room, 0, (unsigned)options->in_flight);
    driver_connect(driver, library, options, text);
}

static void on_future(void *future, void *user)
{
    struct driver *driver = user;
    if (driver->error_code(future) != 0)
        die("an upsert of the driver failed", NULL);
    sem_post(&driver->room);
}

static void upsert_driver(struct driver *driver, int rows, int round)
{
    for (int i = 0; i < rows; i++) {
        void *statement = driver->prepared_bind(driver->prepared);
        driver->bind_int32(statement, 0, i);
        driver->bind_int64(statement, 1, HOUR_MS);
        driver->bind_string(statement, 2, "The Quiet Earth");
        driver->bind_double(statement, 3, 7.2345);
        driver->bind_int32(statement, 4, i * 3);
        driver->bind_double(statement, 5, i / 8.0);
        driver->bind_double(statement, 6, 0.125);
        driver->bind_int64(statement, 7, HOUR_MS);
        driver->bind_int32(statement, 8, TTL_S);
        driver->bind_int64(statement, 9, HOUR_MS * 1000 + round);
        driver->set_consistency(statement, LOCAL_QUORUM);
        sem_wait(&driver->room);
        void *future = driver->execute(driver->session, statement);
        driver->statement_free(statement);
        driver->set_callback(future, on_future, driver);
        driver->future_free(future);
    }
    for (int i = 0; i < driver->in_flight; i++)
        sem_wait(&driver->room);
    for (int i = 0; i < driver->in_flight; i++)
        sem_post(&driver->room);
}

/* ---- both ---- */

static int by_rate(const void *a, const void *b)
{
    double x = ((const struct measure *)a)->rows_per_s, y = ((const struct measure *)b)->rows_per_s;
    return (x > y) - (x < y);
}

static struct measure end_of(int64_t began_us, double began_cpu_s, int rows)
{
    double us = (double)(clock_monotonic_us(machine) - began_us);
    return (struct measure){rows * 1e6 / us, (cpu_s() - began_cpu_s) * 1e6 / rows};
}

static void report(const char *name, struct measure *measures, int rounds)
{
    qsort(measures, (size_t)rounds, sizeof *measures, by_rate);
    const struct measure *median = &measures[rounds / 2];
    printf("%-22s %8.0f upserts/s (%.0f to %.0f), client's CPU %.1f us an upsert\n", name,
           median->rows_per_s, measures[0].rows_per_s, measures[rounds - 1].rows_per_s,
           median->cpu_us_per_row);
}

static void run(const struct options *options, struct cql *cql, const char *text)
{
    struct measure ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
    struct driver driver;
    GError *error = NULL;
    struct cql_statement *put = cql_prepare(cql, text, &error);
    if (!put)
        die("preparing", error);
    if (options->driver)
        driver_open(&driver, options, text);
    for (int round = -1; round < options->rounds; round++) { /* -1: the server warms up */
        int64_t began_us = clock_monotonic_us(machine);
        double began_cpu_s = cpu_s();
        upsert_ours(cql, put, options->rows, round + 2);
        if (round >= 0)
            ours[round] = end_of(began_us, began_cpu_s, options->rows);
        if (!options->driver)
            continue;
        began_us = clock_monotonic_us(machine);
        began_cpu_s = cpu_s();
        upsert_driver(&driver, options->rows, round + 2);
        if (round >= 0)
            theirs[round] = end_of(began_us, began_cpu_s, options->rows);
    }
    printf("%d rows a round, medians of %d rounds by turns, %d under way, protocol v%d\n",
           options->rows, options->rounds, options->in_flight, cql_version(cql));
    report("marquee", ours, options->rounds);
    if (options->driver) {
        report("DataStax driver", theirs, options->rounds);
        printf("%-22s %8.2f\n", "ratio of medians",
               ours[options->rounds / 2].rows_per_s / theirs[options->rounds / 2].rows_per_s);
    }
}

static void read_options(int argc, char **argv, struct options *options)
{
    for (int i = 2; i + 1 < argc; i += 2) {
        int number = (int)g_ascii_strtoll(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--driver") == 0)
            options->driver = argv[i + 1];
        else if (strcmp(argv[i], "--python") == 0)
            options->python = argv[i + 1];
        else if (strcmp(argv[i], "--rows") == 0)
            options->rows = MAX(number, 1);
        else if (strcmp(argv[i], "--rounds") == 0)
            options->rounds = CLAMP(number, 1, ROUNDS_MAX);
        else if (strcmp(argv[i], "--flight") == 0)
            options->in_flight = MAX(number, 1);
    }
}

int main(int argc, char **argv)
{
    struct options options = {
        .rows = DEFAULT_ROWS, .rounds = DEFAULT_ROUNDS, .in_flight = DEFAULT_INFLIGHT};
    if (argc < 2) {
        fprintf(stderr, "usage: bench_cassandra HOST:PORT [--driver FILE --python FILE] "
                        "[--rows N] [--rounds N] [--flight N]\n");
        return 2;
    }
    options.hosts = argv[1];
    read_options(argc, argv, &options);
    signal(SIGPIPE, SIG_IGN);
    machine = clock_new_real();
    struct config *config = config_new_default();
    g_free(config->speed_backend);
    g_free(config->speed_hosts);
    g_free(config->speed_keyspace);
    config->speed_backend = g_strdup("cassandra");
    config->speed_hosts = g_strdup(options.hosts);
    config->speed_keyspace = g_strdup("bench");
    config->speed_in_flight = options.in_flight;
    const struct context context = {.config = config, .clock = machine};
    GError *error = NULL;
    struct speed *speed = speed_open(&context, &error);
    if (!speed)
        die("opening", error);
    sql_file *texts = sql_file_load("contracts/speed.cql");
    g_autoptr(GString) put = g_string_new(sql_file_get(texts, "put_stats"));
    g_string_truncate(put, strcspn(put->str, ";"));
    g_string_replace(put, "$keyspace", config->speed_keyspace, 0);
    run(&options, speed_cassandra_cql(speed), put->str);
    fflush(stdout);
    _exit(EXIT_SUCCESS); /* the driver's threads have no end that a C program could wait for */
}

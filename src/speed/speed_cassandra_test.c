/* Proves: speed_cassandra keeps the speed store's contract on a real node; rows carry the TTL of
 * their hour and the timestamp of their sequence; an absent value erases one that may be there; the
 * feed has no gap whoever writes, and a long one is read in parts. MARQUEE_CASSANDRA names the
 * nodes (tests/cluster/servers.sh), CASSANDRA_USERNAME and the others what they want to know;
 * without it all of this is skipped. */
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/finding.h"
#include "base/metrics.h"
#include "cql/cql.h"
#include "speed/speed_cassandra.h"
#include "speed/speed_contract.h"

#define NOON_MS INT64_C(1767268800000) /* 2026-01-01 12:00 */

static const char *hosts;
static char *keyspace; /* of this process: made by the first case, emptied by the next ones */

struct fixture {
    struct context context;
    struct config *config;
};

static void set_string(char **field, const char *value)
{
    g_free(*field);
    *field = g_strdup(value);
}

/* A node with passwords or TLS (tests/cluster/servers.sh). */
static void set_from(char **field, const char *variable)
{
    if (g_getenv(variable))
        set_string(field, g_getenv(variable));
}

static void empty_tables(struct speed *speed)
{
    static const char *const tables[] = {"review_sentiments", "movie_stats",  "trending_movies",
                                         "real_time_stats",   "live_metrics", "hour_counts",
                                         "speed_feed",        "speed_numbers"};
    GError *error = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autofree char *text = g_strdup_printf("truncate %s.%s", keyspace, tables[i]);
        g_assert_true(cql_run(speed_cassandra_cql(speed), text, &error));
        g_assert_no_error(error);
    }
}

/* An empty store. Making a keyspace takes three nodes a minute, emptying one some seconds. */
static void *setup(const struct context *context)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    bool made = keyspace == NULL;
    if (made) {
        g_autofree char *uuid = g_uuid_string_random();
        keyspace = g_strdup_printf("t%.8s", uuid);
    }
    fixture->config = (struct config *)context->config;
    set_string(&fixture->config->speed_backend, "cassandra");
    set_string(&fixture->config->speed_hosts, hosts);
    set_string(&fixture->config->speed_keyspace, keyspace);
    set_from(&fixture->config->speed_user, "CASSANDRA_USERNAME");
    set_from(&fixture->config->speed_password, "CASSANDRA_PASSWORD");
    set_from(&fixture->config->speed_tls, "CASSANDRA_TLS");
    set_from(&fixture->config->speed_ca_file, "CASSANDRA_CA_FILE");
    fixture->config->speed_replication = strchr(hosts, ',') ? 3 : 1;
    fixture->context = *context;
    if (!made) {
        GError *error = NULL;
        struct speed *speed = speed_open(&fixture->context, &error);
        g_assert_no_error(error);
        empty_tables(speed);
        speed_close(speed);
    }
    return fixture;
}

static struct speed *open_handle(void *data)
{
    struct fixture *fixture = data;
    GError *error = NULL;
    struct speed *speed = speed_open(&fixture->context, &error);
    g_assert_no_error(error);
    return speed;
}

static void teardown(void *data)
{
    g_free(data);
}

static void drop_keyspace(void)
{
    struct config *config = config_new_default();
    struct clock *clock = clock_new_real();
    GError *error = NULL;
    const struct context context = {.config = config, .clock = clock};
    void *fixture = setup(&context);
    struct speed *speed = open_handle(fixture);
    g_autofree char *drop = g_strdup_printf("drop keyspace if exists %s", keyspace);
    g_assert_true(cql_run(speed_cassandra_cql(speed), drop, &error));
    g_assert_no_error(error);
    speed_close(speed);
    teardown(fixture);
    clock_free(clock);
    config_free(config);
    g_free(keyspace);
}

struct world {
    struct config *config;
    struct clock *clock;
    struct metrics *metrics;
    struct context context;
    void *fixture;
    struct speed *speed;
    struct arena *arena;
};

static void world_open(struct world *world, const void *data)
{
    (void)data;
    world->config = config_new_default();
    world->clock = clock_new_manual(NOON_MS + 30 * MS_PER_MINUTE);
    world->metrics = metrics_new();
    world->context =
        (struct context){.config = world->config, .clock = world->clock, .metrics = world->metrics};
    world->fixture = setup(&world->context);
    world->speed = open_handle(world->fixture);
    world->arena = arena_new();
}

static void world_close(struct world *world, const void *data)
{
    (void)data;
    arena_free(world->arena);
    speed_close(world->speed);
    teardown(world->fixture);
    metrics_free(world->metrics);
    clock_free(world->clock);
    config_free(world->config);
}

static void on_long(void *data, struct cql_rows *rows, bool last, const GError *error)
{
    struct cql_cell cells[CQL_COLUMNS_MAX];
    (void)last;
    g_assert_no_error(error);
    while (rows && cql_rows_next(rows, cells))
        *(int64_t *)data = cells[0].len < 0    ? -1
                           : cells[0].len == 4 ? cql_cell_int(&cells[0])
                                               : cql_cell_long(&cells[0]);
}

/* The one number that a question over the one row of movie_stats gives; -1: null or no row. */
static int64_t ask(struct world *world, const char *what)
{
    GError *error = NULL;
    int64_t number = -1;
    struct cql *cql = speed_cassandra_cql(world->speed);
    g_autofree char *text =
        g_strconcat("select ", what, " from ", world->config->speed_keyspace, ".movie_stats", NULL);
    struct cql_statement *statement = cql_prepare(cql, text, &error);
    g_assert_no_error(error);
    const struct cql_execute_options options = {.consistency = CQL_LOCAL_QUORUM};
    g_assert_true(cql_execute(cql, statement, NULL, 0, &options, on_long, &number, &error));
    cql_flush(cql);
    return number;
}

static void write_stats(struct speed *speed, const struct stats_row *row, int64_t sequence)
{
    speed_contract_write(speed, &(struct speed_batch){.sequence = sequence,
                                                      .stats = (struct stats_row *)row,
                                                      .stats_count = 1});
}

/* By hand: the hour ends at 13:00, 52 h later is 187,200 s after that; it is 12:30. */
static void test_ttl_and_timestamp(struct world *world, const void *data)
{
    (void)data;
    const struct stats_row row = {.movie_id = 7, .hour_ms = NOON_MS, .vote_count = 1};
    write_stats(world->speed, &row, 17);
    int64_t ttl_s = ask(world, "ttl(vote_count)");
    g_assert_cmpint(ttl_s, <=, 187200 + 1800);
    g_assert_cmpint(ttl_s, >, 187200 + 1800 - 600); /* however slow this machine is */
    g_assert_cmpint(ask(world, "writetime(vote_count)"), ==, NOON_MS * 1000 + 17);
}

/* What the client did stands in the metrics. */
static void test_metrics(struct world *world, const void *data)
{
    (void)data;
    const struct stats_row row = {.movie_id = 7, .hour_ms = NOON_MS};
    double before = metrics_get(world->metrics, METRIC_CASSANDRA_REQUESTS, NULL);
    write_stats(world->speed, &row, 1);
    g_assert_cmpfloat(metrics_get(world->metrics, METRIC_CASSANDRA_REQUESTS, NULL), >, before);
    g_assert_cmpfloat(metrics_get(world->metrics, METRIC_CASSANDRA_CONNECTIONS, NULL), >=, 1);
    g_assert_cmpfloat(metrics_get(world->metrics, METRIC_CASSANDRA_RETRIES, NULL), >=, 0);
    g_assert_cmpfloat(metrics_get(world->metrics, METRIC_CASSANDRA_TIMEOUTS, NULL), >=, 0);
    g_assert_cmpfloat(metrics_get(world->metrics, METRIC_CASSANDRA_RECONNECTS, NULL), >=, 0);
}

/* Null where a value may be: written by somebody else, or by this handle. Not set where there was
 * none by all that this handle knows, which shows in the value that another one put there. */
static void test_absent(struct world *world, const void *data)
{
    (void)data;
    struct stats_row row = {
        .movie_id = 7, .hour_ms = NOON_MS, .title = "Heat", .has_velocity = true};
    struct stats_row bare = {.movie_id = 7, .hour_ms = NOON_MS};
    struct speed *other = open_handle(world->fixture);
    write_stats(other, &row, 1);
    write_stats(world->speed, &bare, 2); /* another one's value */
    g_assert_cmpint(ask(world, "writetime(rating_velocity)"), ==, -1);
    row.hour_ms = bare.hour_ms = NOON_MS;
    write_stats(world->speed, &row, 3);
    g_assert_cmpint(ask(world, "writetime(rating_velocity)"), ==, NOON_MS * 1000 + 3);
    write_stats(world->speed, &bare, 4); /* its own */
    g_assert_cmpint(ask(world, "writetime(rating_velocity)"), ==, -1);
    write_stats(other, &row, 5);
    write_stats(world->speed, &bare, 6); /* known to be absent: not touched */
    g_assert_cmpint(ask(world, "writetime(rating_velocity)"), ==, NOON_MS * 1000 + 5);
    g_assert_cmpint(ask(world, "writetime(vote_count)"), ==, NOON_MS * 1000 + 6);
    speed_close(other);
}

/* The sequence that a row was read with, and a repair that comes late: it loses to what its source
 * has written since. Ranks, too, and an hour that has none any more. */
static void test_repair(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    struct trending_row rank = {.hour_ms = NOON_MS, .rank = 1, .movie_id = 7, .title = "Heat"};
    struct stats_row row = {.movie_id = 7, .hour_ms = NOON_MS, .vote_count = 1}, *rows;
    struct speed_batch batch = {.source = 6,
                                .sequence = 17,
                                .stats = &row,
                                .stats_count = 1,
                                .trending = &rank,
                                .trending_count = 1};
    int64_t hours[] = {NOON_MS};
    struct trending_row *ranks;
    size_t count;
    speed_contract_write(world->speed, &batch);
    batch.sequence = 19;
    speed_contract_write(world->speed, &batch);
    row.vote_count = 2;
    const struct speed_batch late = {.source = 6,
                                     .sequence = 17,
                                     .repair = true,
                                     .stats = &row,
                                     .stats_count = 1,
                                     .trending_gone = hours,
                                     .trending_gone_count = 1};
    speed_contract_write(world->speed, &late);
    g_assert_true(speed_scan_stats(world->speed, world->arena, &rows, &count, &error));
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpint(rows[0].vote_count, ==, 1);
    g_assert_cmpint(rows[0].sequence, ==, 19);
    g_assert_true(speed_read_trending(world->speed, NOON_MS, NOON_MS + 1, world->arena, &ranks,
                                      &count, &error));
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpint(ranks[0].sequence, ==, 19);
    const struct speed_batch repair = {.source = 6,
                                       .sequence = 19,
                                       .repair = true,
                                       .trending_gone = hours,
                                       .trending_gone_count = 1};
    speed_contract_write(world->speed, &repair);
    g_assert_true(speed_read_trending(world->speed, NOON_MS, NOON_MS + 1, world->arena, &ranks,
                                      &count, &error));
    g_assert_cmpuint(count, ==, 0);
    batch.sequence = 21;
    speed_contract_write(world->speed, &batch);
    g_assert_true(speed_read_trending(world->speed, NOON_MS, NOON_MS + 1, world->arena, &ranks,
                                      &count, &error));
    g_assert_cmpuint(count, ==, 1);
}

/* Two writers by turns, more keys than a segment holds, read in small parts: each key comes, each
 * sequence is above the one before, and what was copied is gone. */
static void test_feed(struct world *world, const void *data)
{
    (void)data;
    enum { KEYS = 20000, PART = 7001 };
    struct speed *other = open_handle(world->fixture);
    g_autofree struct stats_row *rows = g_new0(struct stats_row, KEYS);
    for (int i = 0; i < KEYS; i++)
        rows[i] = (struct stats_row){.movie_id = i + 1, .hour_ms = NOON_MS};
    GError *error = NULL;
    struct speed_batch batch = {.sequence = 1, .stats = rows, .stats_count = KEYS};
    speed_contract_write(world->speed, &batch);
    for (int i = 0; i < 4; i++) {
        rows[i].movie_id = -1 - i;
        write_stats(i % 2 ? world->speed : other, &rows[i], 2 + i);
    }
    g_autofree bool *seen = g_new0(bool, KEYS + 1);
    int64_t after = 0;
    size_t total = 0;
    for (size_t count = 1; count > 0; total += count) {
        struct speed_change *changes;
        g_assert_true(speed_feed(other, after, PART, world->arena, &changes, &count, &error));
        for (size_t i = 0; i < count; i++) {
            g_assert_cmpint(changes[i].sequence, >, after);
            after = changes[i].sequence;
            g_assert_cmpint(changes[i].hour_ms, ==, NOON_MS);
            if (changes[i].movie_id > 0) {
                g_assert_false(seen[changes[i].movie_id]);
                seen[changes[i].movie_id] = true;
            }
        }
    }
    g_assert_cmpuint(total, ==, KEYS + 4);
    int64_t went, all = 0;
    do {
        g_assert_true(speed_expire(world->speed, after, 1, &went, &error));
        all += went;
    } while (went);
    g_assert_cmpint(all, ==, 2 + 4); /* segments of 16,384 and 3,616 keys, and of one four times */
    speed_close(other);
}

/* A wrong address, keyspace or name says what to mend. */
static void test_settings(void)
{
    struct config *config = config_new_default();
    struct clock *clock = clock_new_manual(0);
    const struct context context = {.config = config, .clock = clock};
    set_string(&config->speed_backend, "cassandra");
    set_string(&config->speed_hosts, "127.0.0.1:1");
    g_autoptr(GError) error = NULL;
    g_assert_null(speed_open(&context, &error));
    g_assert_true(error_is(error, AGAIN));
    g_assert_nonnull(strstr(error->message, "speed.hosts: "));
    g_clear_error(&error);
    set_string(&config->speed_keyspace, "a;b");
    g_assert_null(speed_open(&context, &error));
    g_assert_true(error_is(error, CONFIG));
    clock_free(clock);
    config_free(config);
}

/* What marquee doctor hears: nothing against the tables as they are made, and the option by name
 * that somebody altered. */
static void test_inspect(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    struct findings *findings = findings_new();
    g_assert_true(speed_inspect(world->speed, findings, &error));
    g_assert_no_error(error);
    g_assert_cmpint(findings_worst(findings, NULL), <=, FINDING_NOTE);
    g_assert_nonnull(strstr(findings_get(findings, 0)->text, "8 tables"));
    findings_free(findings);
    g_autofree char *alter = g_strdup_printf(
        "alter table %s.movie_stats with default_time_to_live = 60 and compaction = "
        "{'class': 'SizeTieredCompactionStrategy'}",
        world->config->speed_keyspace);
    g_assert_true(cql_run(speed_cassandra_cql(world->speed), alter, &error));
    g_assert_no_error(error);
    findings = findings_new();
    g_assert_true(speed_inspect(world->speed, findings, &error));
    g_assert_cmpint(findings_worst(findings, "speed.tables"), ==, FINDING_WARN);
    g_assert_cmpstr(findings_get(findings, 0)->text, ==,
                    "movie_stats: default_time_to_live is 60, expected 172800");
    g_assert_nonnull(strstr(findings_get(findings, 1)->text, "SizeTieredCompactionStrategy"));
    findings_free(findings);
}

static void test_skipped(void)
{
    g_test_skip("MARQUEE_CASSANDRA names no node: tests/cluster/servers.sh starts one");
}

static const struct speed_contract contract = {
    .name = "cassandra",
    .rows_expire_themselves = true,
    .setup = setup,
    .teardown = teardown,
    .open = open_handle,
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    hosts = g_getenv("MARQUEE_CASSANDRA");
    g_test_add_func("/speed/cassandra/settings", test_settings);
    if (!hosts || !*hosts) {
        g_test_add_func("/speed/cassandra/contract", test_skipped);
        return g_test_run();
    }
    speed_contract_add(&contract);
    g_test_add("/speed/cassandra/ttl_and_timestamp", struct world, NULL, world_open,
               test_ttl_and_timestamp, world_close);
    g_test_add("/speed/cassandra/metrics", struct world, NULL, world_open, test_metrics,
               world_close);
    g_test_add("/speed/cassandra/absent", struct world, NULL, world_open, test_absent, world_close);
    g_test_add("/speed/cassandra/late_repair", struct world, NULL, world_open, test_repair,
               world_close);
    g_test_add("/speed/cassandra/feed_of_two", struct world, NULL, world_open, test_feed,
               world_close);
    /* The last one, as it alters a table. */
    g_test_add("/speed/cassandra/inspect", struct world, NULL, world_open, test_inspect,
               world_close);
    int status = g_test_run();
    if (keyspace)
        drop_keyspace();
    return status;
}

/* The MongoDB view store keeps the contract of view.h on a real replica set, which MARQUEE_MONGODB
 * names (tests/cluster/servers.sh); each test has a database of its own and drops it. Then what
 * only this store can get wrong: step-downs in the middle of publications and copies, connection
 * strings, servers that aren't there, indexes that are others. */
#include "view/view_contract.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/finding.h"
#include "view/mongoc_header.h"
#include "view/view_contract_internal.h"

#define PATIENT "1m" /* on a crowded machine nothing but an outage may look like one */

static const char *server;
static GPtrArray *databases; /* made by this process */

/* The server's connection string with a database of its own. */
static char *fresh_uri(void)
{
    char *name = g_strdup_printf("marquee_test_%08x%08x", g_random_int(), g_random_int());
    g_ptr_array_add(databases, name);
    const char *slash = strchr(server + strlen("mongodb://"), '/');
    const char *options = slash ? strchr(slash, '?') : NULL;
    int hosts = (int)(slash ? slash - server : (ptrdiff_t)strlen(server));
    return g_strdup_printf("%.*s/%s%s", hosts, server, name, options ? options : "");
}

static void set(struct config *config, const char *key, const char *value)
{
    GError *error = NULL;
    bool ok = config_set(config, key, value, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void prepare(struct config *config)
{
    g_autofree char *uri = fresh_uri();
    set(config, "views.uri", uri);
    set(config, "views.timeout", PATIENT);
}

static void drop_databases(void)
{
    mongoc_client_t *client = mongoc_client_new(server);
    for (guint i = 0; i < databases->len; i++) {
        mongoc_database_t *database = mongoc_client_get_database(client, databases->pdata[i]);
        mongoc_database_drop(database, NULL);
        mongoc_database_destroy(database);
    }
    mongoc_client_destroy(client);
    g_ptr_array_unref(databases);
}

/* Members of the set, as its connection string names them. */
static int members(void)
{
    const char *hosts = server + strlen("mongodb://");
    int count = 1;
    for (size_t i = 0; i < strcspn(hosts, "/"); i++)
        count += hosts[i] == ',';
    return count;
}

/* ---- a world without the contract's fixture ---- */

struct world {
    struct config *config;
    struct context context;
    char *folder;
};

static void world_open(struct world *world, const char *uri, struct clock *clock)
{
    GError *error = NULL;
    world->folder = g_dir_make_tmp("marquee-mongo-XXXXXX", &error);
    g_assert_no_error(error);
    world->config = config_new_default();
    set(world->config, "data.dir", world->folder);
    set(world->config, "views.backend", "mongodb");
    set(world->config, "views.uri", uri);
    set(world->config, "views.timeout", PATIENT);
    world->context = (struct context){.config = world->config, .clock = clock};
}

static void world_close(struct world *world)
{
    g_assert_cmpint(g_rmdir(world->folder), ==, 0);
    g_free(world->folder);
    clock_free(world->context.clock);
    config_free(world->config);
}

/* ---- step-downs ---- */

#define STEP_DOWNS          3
#define DOCS_A_GENERATION   40
#define PUBLICATIONS_MIN    30
#define BETWEEN_STEPS       6 /* publications between two step-downs */
#define PATIENCE_MS         50
#define STEP_DOWN_TRIES_MAX 600

/* What the writer and the one who takes its primary away share. */
struct storm {
    struct world world;
    pthread_mutex_t lock;
    int64_t published, copied; /* acknowledged */
    int again;                 /* calls that were told to repeat */
    char *killed;              /* a server's name */
    bool ending;
};

static int64_t published(struct storm *storm)
{
    pthread_mutex_lock(&storm->lock);
    int64_t number = storm->published;
    pthread_mutex_unlock(&storm->lock);
    return number;
}

/* True: done. False: AGAIN, to be repeated; any other error fails the test. */
static bool passed(struct storm *storm, bool ok, GError *failure)
{
    if (ok)
        return true;
    if (!error_is(failure, AGAIN))
        g_assert_no_error(failure);
    g_clear_error(&failure);
    pthread_mutex_lock(&storm->lock);
    storm->again++;
    pthread_mutex_unlock(&storm->lock);
    return false;
}

#define REPEAT(storm, call)                                                                        \
    do {                                                                                           \
        GError *failure = NULL;                                                                    \
        bool ok = (call);                                                                          \
        if (passed((storm), ok, failure))                                                          \
            break;                                                                                 \
    } while (true)

static void publish_one(struct storm *storm, struct view *view, int64_t number)
{
    struct view_doc docs[DOCS_A_GENERATION];
    g_autofree char *data = g_strdup_printf("{\"g\":%" G_GINT64_FORMAT "}", number);
    for (int i = 0; i < DOCS_A_GENERATION; i++)
        docs[i] = (struct view_doc){.key = {.view_type = "movie", .movie_id = i + 1}, .data = data};
    const struct view_generation pointer = {
        .generation = number, .batch_run_id = data, .cut = "{}"};
    struct view_lease lease;
    REPEAT(storm, view_put(view, number, docs, DOCS_A_GENERATION / 2, &failure));
    REPEAT(storm,
           view_put(view, number, docs + DOCS_A_GENERATION / 2, DOCS_A_GENERATION / 2, &failure));
    REPEAT(storm, view_lease_acquire(view, "batch", "storm", HOUR, &lease, &failure));
    REPEAT(storm, view_publish(view, &pointer, lease.epoch, &failure));
}

static void copy_one(struct storm *storm, struct view *view, int64_t number)
{
    g_autofree char *data = g_strdup_printf("{\"p\":%" G_GINT64_FORMAT "}", number);
    struct speed_doc docs[2] = {
        {.view_type = "stats", .movie_id = 1, .hour_ms = T0, .data = data},
        {.view_type = "stats", .movie_id = 2, .hour_ms = T0, .data = data},
    };
    REPEAT(storm, view_put_speed(view, docs, 2, number, T0 + number, &failure));
}

static void *write_on(void *user)
{
    struct storm *storm = user;
    GError *error = NULL;
    struct view *view = view_open(&storm->world.context, &error);
    g_assert_no_error(error);
    for (int64_t number = 1;; number++) {
        publish_one(storm, view, number);
        copy_one(storm, view, number);
        pthread_mutex_lock(&storm->lock);
        storm->published = storm->copied = number;
        bool ending = storm->ending;
        pthread_mutex_unlock(&storm->lock);
        if (ending && number >= PUBLICATIONS_MIN)
            break;
    }
    view_close(view);
    return NULL;
}

/* The primary becomes a secondary for a second at least, and is elected again. */
static void step_down(struct storm *storm, mongoc_client_t *client)
{
    (void)storm;
    bson_error_t failure = {0};
    bool ok = false;
    for (int i = 0; !ok && i < STEP_DOWN_TRIES_MAX; i++) {
        bson_t *command = BCON_NEW("replSetStepDown", BCON_INT32(1), "secondaryCatchUpPeriodSecs",
                                   BCON_INT32(0), "force", BCON_BOOL(true));
        ok = mongoc_client_command_simple(client, "admin", command, NULL, NULL, &failure);
        bson_destroy(command);
        if (!ok)
            poll(NULL, 0, PATIENCE_MS);
    }
    g_assert_true(ok);
}

/* tests/cluster/servers.sh WHAT [NAME]; what it prints, newly allocated. */
static char *run_servers(const char *what, const char *name)
{
    GError *error = NULL;
    g_autofree char *script =
        g_build_filename(g_getenv("MARQUEE_SOURCE_ROOT"), "tests", "cluster", "servers.sh", NULL);
    char *argv[] = {script, (char *)what, (char *)name, NULL}, *out = NULL;
    int status = -1;
    g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, &status, &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
    return g_strchomp(out);
}

static void start_killed(struct storm *storm)
{
    if (!storm->killed)
        return;
    g_free(run_servers("again", storm->killed));
    g_clear_pointer(&storm->killed, g_free);
}

/* The other two elect one; the one of last time is a member again. */
static void kill_primary(struct storm *storm, mongoc_client_t *client)
{
    (void)client;
    start_killed(storm);
    storm->killed = run_servers("primary", NULL);
    struct clock *machine = clock_new_real();
    int64_t began_ms = clock_monotonic_ms(machine);
    g_free(run_servers("kill", storm->killed));
    int64_t from = published(storm);
    while (published(storm) < from + 2) /* the second was begun after the kill */
        poll(NULL, 0, PATIENCE_MS);
    g_test_message("%s killed, published again after %" G_GINT64_FORMAT " ms", storm->killed,
                   clock_monotonic_ms(machine) - began_ms);
    clock_free(machine);
}

/* What a reader sees at this moment: one whole generation, and both copied documents of one step,
 * at a position that isn't behind them. */
static void look(struct storm *storm, struct view *view, struct arena *arena)
{
    struct view_generation current;
    int64_t before = published(storm), position, synced_ms;
    REPEAT(storm, view_current(view, arena, &current, &failure));
    g_assert_cmpint(current.generation, >=, before);
    if (current.generation == 0)
        return;
    const struct view_filter filter = {.key = {.view_type = "movie"}};
    struct view_doc *docs;
    size_t count;
    const char *cursor;
    REPEAT(storm, view_query(view, current.generation, &filter, NULL, VIEW_QUERY_LIMIT_MAX, arena,
                             &docs, &count, &cursor, &failure));
    g_assert_cmpuint(count, ==, DOCS_A_GENERATION);
    for (size_t i = 0; i < count; i++)
        g_assert_cmpstr(docs[i].data, ==, current.batch_run_id);
    struct speed_doc *speed;
    REPEAT(storm, view_query_speed(view, "stats", VIEW_ANY_MOVIE, T0, T0 + HOUR, arena, &speed,
                                   &count, &failure));
    REPEAT(storm, view_sync_position(view, &position, &synced_ms, &failure));
    for (size_t i = 0; i < count; i++) {
        g_assert_cmpuint(count, ==, 2);
        g_assert_cmpstr(speed[i].data, ==, speed[0].data);
        g_assert_cmpint(position, >=, g_ascii_strtoll(speed[i].data + strlen("{\"p\":"), NULL, 10));
    }
}

/* The primary goes in the middle of publications and copies: each is there whole or not at all,
 * what was acknowledged stays, and writing goes on by itself with AGAIN as the only error. */
static void test_storm(void (*take_away)(struct storm *storm, mongoc_client_t *client))
{
    struct storm storm = {0};
    g_autofree char *uri = fresh_uri();
    world_open(&storm.world, uri, clock_new_manual(T0));
    pthread_mutex_init(&storm.lock, NULL);
    GError *error = NULL;
    struct view *reader = view_open(&storm.world.context, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    mongoc_client_t *client = mongoc_client_new(server);
    pthread_t writer;
    g_assert_cmpint(pthread_create(&writer, NULL, write_on, &storm), ==, 0);
    for (int i = 0; i < STEP_DOWNS; i++) {
        for (int64_t from = published(&storm); published(&storm) < from + BETWEEN_STEPS;) {
            look(&storm, reader, arena);
            arena_reset(arena);
        }
        take_away(&storm, client);
    }
    start_killed(&storm);
    pthread_mutex_lock(&storm.lock);
    storm.ending = true;
    pthread_mutex_unlock(&storm.lock);
    pthread_join(writer, NULL);
    look(&storm, reader, arena);
    struct view_generation current;
    OK(view_current(reader, arena, &current, &failure));
    g_assert_cmpint(current.generation, ==, storm.published);
    g_test_message("%d primaries gone, %" G_GINT64_FORMAT " publications, %d calls repeated",
                   STEP_DOWNS, storm.published, storm.again);
    mongoc_client_destroy(client);
    arena_free(arena);
    view_close(reader);
    pthread_mutex_destroy(&storm.lock);
    world_close(&storm.world);
}

static void test_step_down(void)
{
    test_storm(step_down);
}

static void test_kill(void)
{
    if (members() < 3)
        g_test_skip(
            "of one member nobody is left to elect: tests/cluster/servers.sh start mongod:3");
    else
        test_storm(kill_primary);
}

/* ---- settings ---- */

/* A connection string that can't be read is told without the password in it. */
static void test_bad_uri(void)
{
    static const char *const uris[] = {
        "mongodb://user:hunter2@host:notaport/db",
        "mongodb://user:hun@ter2@host/db",
        "http://user:hunter2@host/db",
        "mongodb://host/db?w=majority&w=zz&readConcernLevel=",
        "nonsense",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(uris); i++) {
        struct world world;
        world_open(&world, uris[i], clock_new_manual(T0));
        GError *error = NULL;
        struct view *view = view_open(&world.context, &error);
        if (view) {
            /* Odd, but readable: no error either. */
            view_close(view);
        } else {
            g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFIG);
            g_assert_null(strstr(error->message, "hunter2"));
            g_assert_null(strstr(error->message, "ter2"));
            g_assert_nonnull(strstr(error->message, "views.uri"));
        }
        g_clear_error(&error);
        world_close(&world);
    }
}

/* The store opens, and each call is AGAIN within views.timeout. */
static void all_again(const char *uri)
{
    struct world world;
    world_open(&world, uri, clock_new_manual(T0));
    set(world.config, "views.timeout", "100ms");
    GError *error = NULL;
    struct view *view = view_open(&world.context, &error);
    g_assert_no_error(error);
    struct arena *arena = arena_new();
    struct view_generation current;
    struct view_lease lease;
    g_assert_false(view_current(view, arena, &current, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_AGAIN);
    g_assert_null(strstr(error->message, "hunter2"));
    g_clear_error(&error);
    FAILS(view_put_speed(view, NULL, 0, 1, T0, &failure), MARQUEE_ERROR_AGAIN);
    FAILS(view_lease_acquire(view, "batch", "me", HOUR, &lease, &failure), MARQUEE_ERROR_AGAIN);
    arena_free(arena);
    view_close(view);
    world_close(&world);
}

/* Nobody there. */
static void test_nobody(void)
{
    all_again("mongodb://user:hunter2@127.0.0.1:9/db?replicaSet=rs0");
}

/* Somebody takes the connection and says nothing, as a paused server does: a listening socket that
 * nobody accepts from. */
static void test_silent(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
    g_assert_cmpint(listen(fd, SOMAXCONN), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
    g_autofree char *uri =
        g_strdup_printf("mongodb://127.0.0.1:%d/db?replicaSet=rs0", ntohs(address.sin_port));
    all_again(uri);
    g_autofree char *direct =
        g_strdup_printf("mongodb://127.0.0.1:%d/db?directConnection=true", ntohs(address.sin_port));
    all_again(direct);
    close(fd);
}

/* A user that the server doesn't know: DENIED at the start, and the password in no text. */
static void test_denied(void)
{
    g_autofree char *uri = fresh_uri();
    const char *hosts = uri + strlen("mongodb://");
    g_autofree char *known = g_strdup_printf("mongodb://nobody:hunter2@%s", hosts);
    struct world world;
    world_open(&world, known, clock_new_manual(T0));
    GError *error = NULL;
    g_assert_null(view_open(&world.context, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_DENIED);
    g_assert_null(strstr(error->message, "hunter2"));
    g_clear_error(&error);
    world_close(&world);
}

/* A database of a made-up clock has no expiry; on the real clock it is refused, and so is an index
 * that somebody changed. */
static void test_other_index(void)
{
    g_autofree char *uri = fresh_uri();
    struct world made_up, real;
    world_open(&made_up, uri, clock_new_manual(T0));
    GError *error = NULL;
    struct view *view = view_open(&made_up.context, &error);
    g_assert_no_error(error);
    view_close(view);
    world_open(&real, uri, clock_new_real());
    g_assert_null(view_open(&real.context, &error));
    g_assert_error(error, MARQUEE_ERROR, MARQUEE_ERROR_CONFIG);
    g_assert_nonnull(strstr(error->message, "speed_views"));
    g_clear_error(&error);
    world_close(&made_up);
    world_close(&real);
}

/* What has expired is removed by mongod itself where the clock is real, and isn't read before. */
static void test_ttl_index(void)
{
    g_autofree char *uri = fresh_uri();
    struct world world;
    world_open(&world, uri, clock_new_real());
    GError *error = NULL;
    struct view *view = view_open(&world.context, &error);
    g_assert_no_error(error);
    struct speed_doc old = {
        .view_type = "stats", .movie_id = 1, .hour_ms = T0 - 1000 * HOUR, .data = "{}"};
    OK(view_put_speed(view, &old, 1, 1, T0, &failure));
    struct arena *arena = arena_new();
    struct speed_doc *docs;
    size_t count;
    OK(view_query_speed(view, "stats", 1, 0, INT64_MAX / 2, arena, &docs, &count, &failure));
    g_assert_cmpuint(count, ==, 0);
    mongoc_client_t *client = mongoc_client_new(server);
    mongoc_collection_t *speed =
        mongoc_client_get_collection(client, databases->pdata[databases->len - 1], "speed_views");
    int found = 0;
    mongoc_cursor_t *indexes = mongoc_collection_find_indexes_with_opts(speed, NULL);
    for (const bson_t *index; mongoc_cursor_next(indexes, &index);)
        found += bson_has_field(index, "expireAfterSeconds");
    g_assert_cmpint(found, ==, 1);
    mongoc_cursor_destroy(indexes);
    mongoc_collection_destroy(speed);
    mongoc_client_destroy(client);
    arena_free(arena);
    view_close(view);
    world_close(&world);
}

/* What marquee doctor hears: missing indexes by name before marquee has made them, none afterwards,
 * and that nothing was made by looking. */
static void test_inspect(void)
{
    struct world world;
    g_autofree char *uri = fresh_uri();
    int64_t generation;
    world_open(&world, uri, clock_new_real());
    for (int round = 0; round < 2; round++) {
        struct findings *findings = findings_new();
        OK(view_inspect(&world.context, findings, &failure));
        g_assert_cmpint(findings_worst(findings, "views.indexes"), ==, FINDING_WARN);
        g_assert_nonnull(strstr(findings_get(findings, 2)->text, "batch_views has no index"));
        g_assert_cmpint(findings_worst(findings, "views.clock"), ==, FINDING_OK);
        g_assert_cmpint(findings_worst(findings, "views.members"), ==,
                        members() < 3 ? FINDING_NOTE : FINDING_OK);
        findings_free(findings);
    }
    GError *why = NULL;
    struct view *view = view_open(&world.context, &why); /* makes them */
    g_assert_no_error(why);
    OK(view_last_generation(view, &generation, &failure));
    struct findings *findings = findings_new();
    OK(view_inspect(&world.context, findings, &failure));
    g_assert_cmpint(findings_worst(findings, "views.indexes"), ==, FINDING_OK);
    findings_free(findings);
    view_close(view);
    world_close(&world);
}

int main(int argc, char **argv)
{
    static const struct view_contract contract = {.backend = "mongodb", .prepare = prepare};
    server = g_getenv("MARQUEE_MONGODB");
    if (!server || !*server) {
        printf("1..0 # SKIP MARQUEE_MONGODB names no replica set; make test-cluster starts one\n");
        return 0;
    }
    g_test_init(&argc, &argv, NULL);
    mongoc_init();
    databases = g_ptr_array_new_with_free_func(g_free);
    view_contract_add(&contract);
    g_test_add_func("/view/mongodb/bad-uri", test_bad_uri);
    g_test_add_func("/view/mongodb/nobody", test_nobody);
    g_test_add_func("/view/mongodb/silent", test_silent);
    g_test_add_func("/view/mongodb/denied", test_denied);
    g_test_add_func("/view/mongodb/other-index", test_other_index);
    g_test_add_func("/view/mongodb/ttl-index", test_ttl_index);
    g_test_add_func("/view/mongodb/inspect", test_inspect);
    g_test_add_func("/view/mongodb/step-down", test_step_down);
    g_test_add_func("/view/mongodb/kill", test_kill);
    int status = g_test_run();
    drop_databases();
    return status;
}

/* Proves, against a real broker, what bus_member.h promises: partitions are shared and handed over
 * without two owners; a killed member's move on; a transaction is all or nothing, and so are its
 * offsets; who was fenced, too slow or given up by the group can commit nothing. MARQUEE_KAFKA
 * names the brokers (tests/kafka/servers.sh); without it all of this is skipped.
 *
 * Other processes are this program again, with a pipe for commands and one for answers. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "bus/bus_member.h"

#define SHARED         "shared" /* the group's topic */
#define OUTPUT         "output" /* where transactions write */
#define GROUP          "stream"
#define PARTITIONS     6
#define SESSION_MS     6000 /* the brokers' least */
#define TRANSACTION_MS 60000
#define HANG_MS        120000 /* a guard: nothing waits for it */
#define SLICE_MS       20
#define FETCH_ALL      ((size_t)1 << 20)
#define LINE_BYTES     256
#define NS_PER_MS      1000000

static const char *brokers, *program;

/* Of the machine: the brokers wait for no clock of ours. */
static int64_t now_ms(void)
{
    struct timespec now = clock_deadline(0);
    return (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / NS_PER_MS;
}

/* ---- one member and its bus ---- */

struct peer {
    struct config *config;
    struct context context;
    struct bus *bus;
    struct bus_member *member;
    struct arena *arena;
    bool owns[PARTITIONS];
    int taken, lost; /* how many were, since it joined */
};

static void set_string(char **field, const char *value)
{
    g_free(*field);
    *field = g_strdup(value);
}

static struct peer *peer_new(const char *prefix)
{
    g_autoptr(GError) error = NULL;
    struct peer *peer = g_new0(struct peer, 1);
    peer->config = config_new_default();
    set_string(&peer->config->bus_backend, "kafka");
    set_string(&peer->config->bus_brokers, brokers);
    set_string(&peer->config->bus_prefix, prefix);
    peer->context = (struct context){.config = peer->config, .clock = clock_new_real()};
    peer->arena = arena_new();
    peer->bus = bus_open(&peer->context, &error);
    g_assert_no_error(error);
    return peer;
}

static void peer_leave(struct peer *peer)
{
    bus_member_leave(peer->member);
    peer->member = NULL;
    memset(peer->owns, 0, sizeof peer->owns);
}

static void peer_free(struct peer *peer)
{
    bus_member_leave(peer->member);
    bus_close(peer->bus);
    arena_free(peer->arena);
    clock_free(peer->context.clock);
    config_free(peer->config);
    g_free(peer);
}

static void peer_join(struct peer *peer, const char *instance, int64_t transaction_ms)
{
    g_autoptr(GError) error = NULL;
    const struct bus_member_options options = {
        .group = GROUP,
        .topic = SHARED,
        .instance = instance,
        .session_timeout_ms = SESSION_MS,
        .transaction_timeout_ms = transaction_ms,
    };
    for (int64_t end_ms = now_ms() + HANG_MS; !peer->member;) {
        g_clear_error(&error);
        peer->member = bus_member_join(peer->bus, &options, &error);
        g_assert_true(peer->member || error_is(error, AGAIN));
        g_assert_cmpint(now_ms(), <, end_ms);
    }
}

static void apply(struct peer *peer, const struct member_event *event)
{
    for (size_t i = 0; i < event->count; i++) {
        int partition = event->partitions[i];
        g_assert_cmpint(partition, >=, 0);
        g_assert_cmpint(partition, <, PARTITIONS);
        bool given = event->change == MEMBER_GIVEN;
        g_assert_true(peer->owns[partition] != given);
        peer->owns[partition] = given;
    }
    if (event->change == MEMBER_TAKEN)
        peer->taken += (int)event->count;
    if (event->change == MEMBER_LOST)
        peer->lost += (int)event->count;
}

static void peer_poll(struct peer *peer)
{
    struct member_event event;
    g_autoptr(GError) error = NULL;
    arena_reset(peer->arena);
    if (!bus_member_poll(peer->member, SLICE_MS, peer->arena, &event, &error)) {
        g_assert_true(error_is(error, AGAIN));
        return;
    }
    apply(peer, &event);
    if (event.change == MEMBER_TAKEN) {
        g_assert_true(bus_member_release(peer->member, &error));
        g_assert_no_error(error);
    }
}

static int owned(const struct peer *peer)
{
    int count = 0;
    for (int i = 0; i < PARTITIONS; i++)
        count += peer->owns[i];
    return count;
}

/* Polls all of them until each owns as many as wanted. Never does a partition have two owners. */
static void settle(struct peer *const *peers, const int *wanted, size_t count)
{
    int64_t end_ms = now_ms() + HANG_MS;
    for (bool settled = false; !settled;) {
        int owners[PARTITIONS] = {0};
        settled = true;
        for (size_t i = 0; i < count; i++)
            peer_poll(peers[i]);
        for (size_t i = 0; i < count; i++) {
            settled = settled && owned(peers[i]) == wanted[i];
            for (int p = 0; p < PARTITIONS; p++)
                owners[p] += peers[i]->owns[p];
        }
        for (int p = 0; p < PARTITIONS; p++)
            g_assert_cmpint(owners[p], <=, 1);
        g_assert_cmpint(now_ms(), <, end_ms);
    }
}

static void settle_one(struct peer *peer, int wanted)
{
    settle(&peer, &wanted, 1);
}

/* ---- the world: two topics, empty but for some records in the shared one ---- */

struct world {
    char *prefix;
    struct peer *a, *b, *c;
};

static char *new_prefix(void)
{
    g_autofree char *name = g_uuid_string_random();
    return g_strdup_printf("m%s.", name);
}

static void world_setup(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    world->prefix = new_prefix();
    world->a = peer_new(world->prefix);
    world->b = peer_new(world->prefix);
    world->c = peer_new(world->prefix);
    g_assert_true(bus_create_topic(world->a->bus, SHARED, PARTITIONS, &error));
    g_assert_true(bus_create_topic(world->a->bus, OUTPUT, PARTITIONS, &error));
    for (int p = 0; p < PARTITIONS; p++) {
        const struct bus_message message = {.topic = SHARED, .partition = p};
        g_assert_true(bus_produce(world->a->bus, &message, 1, NULL, &error));
    }
    g_assert_no_error(error);
}

static void world_teardown(struct world *world, const void *data)
{
    (void)data;
    peer_free(world->c);
    peer_free(world->b);
    peer_free(world->a);
    g_free(world->prefix);
}

/* ---- transactions ---- */

static struct span text(const char *bytes)
{
    return (struct span){.data = bytes, .len = strlen(bytes)};
}

static bool produce(struct peer *peer, int partition, const char *value, int count, GError **error)
{
    g_autofree struct bus_message *messages = g_new(struct bus_message, (gsize)count);
    for (int i = 0; i < count; i++)
        messages[i] = (struct bus_message){
            .topic = OUTPUT, .partition = partition, .key = text("k"), .value = text(value)};
    return bus_member_produce(peer->member, messages, (size_t)count, error);
}

/* Until the broker has them: what is aborted before it has left this process was never there. */
static bool
produce_sent(struct peer *peer, int partition, const char *value, int count, GError **error)
{
    int64_t before, end, end_ms = now_ms() + HANG_MS;
    if (!bus_member_end(peer->member, OUTPUT, partition, &before, error) ||
        !produce(peer, partition, value, count, error))
        return false;
    do {
        g_assert_cmpint(now_ms(), <, end_ms);
        if (!bus_member_end(peer->member, OUTPUT, partition, &end, error))
            return false;
    } while (end < before + count);
    return true;
}

static bool offset_of(struct peer *peer, int partition, int64_t offset, GError **error)
{
    const struct bus_position position = {SHARED, partition, offset};
    return bus_member_offsets(peer->member, &position, 1, error);
}

static bool
transact(struct peer *peer, int partition, const char *value, int64_t offset, GError **error)
{
    return bus_member_begin(peer->member, error) && produce(peer, partition, value, 3, error) &&
           offset_of(peer, partition, offset, error) &&
           bus_member_commit(peer->member, NULL, 0, error);
}

/* What the group has committed for the partition, once it is decided. */
static int64_t committed(struct peer *peer, int partition)
{
    g_autoptr(GError) error = NULL;
    struct bus_position position = {SHARED, partition, -7};
    int64_t end_ms = now_ms() + HANG_MS;
    while (!bus_member_committed(peer->member, &position, 1, &error)) {
        g_assert_true(error_is(error, AGAIN));
        g_clear_error(&error);
        g_assert_cmpint(now_ms(), <, end_ms);
    }
    return position.offset;
}

/* Reads all that there is, up to the true end, which waits for what is undecided. */
static char *read_all(struct peer *peer, int partition)
{
    g_autoptr(GError) error = NULL;
    GString *values = g_string_new(NULL);
    int64_t end, next = 0, end_ms = now_ms() + HANG_MS;
    g_assert_true(bus_member_end(peer->member, OUTPUT, partition, &end, &error));
    while (next < end) {
        struct bus_batch batch;
        arena_reset(peer->arena);
        g_assert_true(
            bus_fetch(peer->bus, OUTPUT, partition, next, FETCH_ALL, peer->arena, &batch, &error));
        for (size_t i = 0; i < batch.count; i++)
            g_string_append_printf(
                values, "%.*s@%" G_GINT64_FORMAT " ", (int)batch.records[i].value.len,
                (const char *)batch.records[i].value.data, batch.records[i].offset);
        next = batch.next_offset;
        g_assert_cmpint(now_ms(), <, end_ms);
    }
    return g_string_free(values, FALSE);
}

static void assert_reads(struct peer *peer, int partition, const char *expected)
{
    g_autofree char *found = read_all(peer, partition);
    g_assert_cmpstr(found, ==, expected);
}

/* ---- another process ---- */

struct child {
    pid_t pid;
    FILE *out, *in;
};

static struct child child_start(const char *prefix, const char *instance, int64_t transaction_ms)
{
    int down[2], up[2];
    char transaction[24];
    g_snprintf(transaction, sizeof transaction, "%" G_GINT64_FORMAT, transaction_ms);
    g_assert_true(pipe(down) == 0 && pipe(up) == 0);
    struct child child = {.pid = fork()};
    if (child.pid == 0) {
        dup2(down[0], STDIN_FILENO);
        dup2(up[1], STDOUT_FILENO);
        close(down[1]);
        close(up[0]);
        execl(program, program, "child", prefix, instance, transaction, (char *)NULL);
        _exit(127);
    }
    close(down[0]);
    close(up[1]);
    child.out = fdopen(down[1], "w");
    child.in = fdopen(up[0], "r");
    return child;
}

static void child_say(const struct child *child, const char *command)
{
    fprintf(child->out, "%s\n", command);
    fflush(child->out);
}

static void child_hear(const struct child *child, const char *expected)
{
    char line[LINE_BYTES];
    g_assert_nonnull(fgets(line, sizeof line, child->in));
    g_strchomp(line);
    g_assert_cmpstr(line, ==, expected);
}

static void child_end(struct child *child, int signal_number)
{
    int status;
    kill(child->pid, signal_number);
    g_assert_cmpint(waitpid(child->pid, &status, 0), ==, child->pid);
    fclose(child->out);
    fclose(child->in);
}

static void wait_for_loss(struct peer *peer)
{
    int64_t end_ms = now_ms() + HANG_MS;
    while (peer->lost == 0) {
        peer_poll(peer);
        g_assert_cmpint(now_ms(), <, end_ms);
    }
}

/* "all": owns every partition; "work P V O": an open transaction with 3 records V; "offset": its
 * offsets; "commit"; "lost": until it hears that it lost its partitions. Each is answered with ok
 * or the error's name. */
static const char *obey(struct peer *peer, char *line, GError **error)
{
    g_auto(GStrv) words = g_strsplit(g_strchomp(line), " ", -1);
    int partition = words[0] && words[1] ? (int)g_ascii_strtoll(words[1], NULL, 10) : 0;
    bool done = true;
    if (strcmp(words[0], "all") == 0)
        settle_one(peer, PARTITIONS);
    else if (strcmp(words[0], "lost") == 0)
        wait_for_loss(peer);
    else if (strcmp(words[0], "work") == 0)
        done = bus_member_begin(peer->member, error) &&
               produce_sent(peer, partition, words[2], 3, error);
    else if (strcmp(words[0], "offset") == 0)
        done = offset_of(peer, partition, g_ascii_strtoll(words[2], NULL, 10), error);
    else if (strcmp(words[0], "commit") == 0)
        done = bus_member_commit(peer->member, NULL, 0, error);
    return done ? "ok" : marquee_error_name((*error)->code);
}

static int child_main(char **argv)
{
    char line[LINE_BYTES];
    struct peer *peer = peer_new(argv[2]);
    peer_join(peer, argv[3], g_ascii_strtoll(argv[4], NULL, 10));
    while (fgets(line, sizeof line, stdin)) {
        g_autoptr(GError) error = NULL;
        printf("%s\n", obey(peer, line, &error));
        fflush(stdout);
    }
    peer_free(peer);
    return 0;
}

/* ---- cases: the group ---- */

/* One has all, two share, three share, and who leaves gives back at once. Nobody loses any. */
static void test_share(struct world *world, const void *data)
{
    (void)data;
    struct peer *peers[] = {world->a, world->b, world->c};
    peer_join(world->a, "a", TRANSACTION_MS);
    settle(peers, (const int[]){6}, 1);
    peer_join(world->b, "b", TRANSACTION_MS);
    settle(peers, (const int[]){3, 3}, 2);
    g_assert_cmpint(world->a->taken, ==, 3); /* the others stayed: cooperative and sticky */
    peer_join(world->c, "c", TRANSACTION_MS);
    settle(peers, (const int[]){2, 2, 2}, 3);
    int64_t begun_ms = now_ms();
    peer_leave(world->c);
    settle(peers, (const int[]){3, 3}, 2);
    if (now_ms() - begun_ms > SESSION_MS)
        g_test_message("the machine is slow: leaving took longer than a session");
    peer_leave(world->a);
    settle_one(world->b, 6);
    g_assert_cmpint(world->a->lost + world->b->lost + world->c->lost, ==, 0);
}

/* The group waits for the release: who took may commit what it has read until then. */
static void test_release_commits(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    struct member_event event = {0};
    peer_join(world->a, "a", TRANSACTION_MS);
    settle_one(world->a, 6);
    peer_join(world->b, "b", TRANSACTION_MS);
    while (event.change != MEMBER_TAKEN) {
        arena_reset(world->a->arena);
        g_assert_true(bus_member_poll(world->a->member, SLICE_MS, world->a->arena, &event, &error));
        peer_poll(world->b);
    }
    g_assert_cmpuint(event.count, ==, 3);
    int partition = event.partitions[0];
    apply(world->a, &event);
    g_assert_true(transact(world->a, partition, "last", 1, &error));
    g_assert_cmpint(owned(world->b), ==, 0);
    g_assert_true(bus_member_release(world->a->member, &error));
    settle((struct peer *[]){world->a, world->b}, (const int[]){3, 3}, 2);
    g_assert_true(world->b->owns[partition]);
    g_assert_cmpint(committed(world->b, partition), ==, 1);
    assert_reads(world->b, partition, "last@0 last@1 last@2 ");
}

/* A killed process' partitions move; what it had open is aborted for its time-out. */
static void test_killed(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    struct child child = child_start(world->prefix, "a", SESSION_MS);
    child_say(&child, "all");
    child_hear(&child, "ok");
    child_say(&child, "work 2 dead 5");
    child_hear(&child, "ok");
    child_say(&child, "offset 2 5");
    child_hear(&child, "ok");
    peer_join(world->b, "b", TRANSACTION_MS);
    child_end(&child, SIGKILL);
    settle_one(world->b, 6);
    g_assert_cmpint(committed(world->b, 2), ==, -1);
    assert_reads(world->b, 2, "");
    g_assert_true(transact(world->b, 2, "alive", 5, &error));
    g_assert_cmpint(committed(world->b, 2), ==, 5);
}

/* A process that slept while the group gave its partitions to another can't commit, whether it
 * has heard of it (data) or not: librdkafka forgets the generation then, and the brokers don't
 * check offsets that come without one. */
static void test_zombie(struct world *world, const void *data)
{
    g_autoptr(GError) error = NULL;
    struct child child = child_start(world->prefix, "a", TRANSACTION_MS);
    child_say(&child, "all");
    child_hear(&child, "ok");
    child_say(&child, "work 3 zombie");
    child_hear(&child, "ok");
    kill(child.pid, SIGSTOP);
    peer_join(world->b, "b", TRANSACTION_MS);
    settle_one(world->b, 6);
    g_assert_true(transact(world->b, 3, "new", 9, &error));
    kill(child.pid, SIGCONT);
    if (data) {
        child_say(&child, "lost");
        child_hear(&child, "ok");
    }
    child_say(&child, "offset 3 4");
    child_hear(&child, "CONFLICT");
    child_say(&child, "commit");
    child_hear(&child, "AGAIN"); /* there is no transaction any more */
    g_assert_cmpint(committed(world->b, 3), ==, 9);
    assert_reads(world->b, 3, "new@3 new@4 new@5 ");
    child_end(&child, SIGKILL);
}

/* ---- cases: transactions ---- */

/* Committed ones are there at the offsets told, aborted ones never; markers are passed. */
static void test_transactions(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    struct peer *peer = world->a;
    struct bus_position last[] = {{OUTPUT, 0, 77}, {OUTPUT, 1, 77}, {OUTPUT, 2, 77}};
    peer_join(peer, "a", TRANSACTION_MS);
    settle_one(peer, 6);
    g_assert_cmpint(committed(peer, 0), ==, -1);
    g_assert_true(bus_member_begin(peer->member, &error));
    g_assert_true(produce(peer, 0, "x", 3, &error));
    g_assert_true(produce(peer, 1, "y", 1, &error));
    g_assert_true(bus_member_commit(peer->member, last, G_N_ELEMENTS(last), &error));
    g_assert_cmpint(last[0].offset, ==, 2);
    g_assert_cmpint(last[1].offset, ==, 0);
    g_assert_cmpint(last[2].offset, ==, 77);
    g_assert_true(bus_member_begin(peer->member, &error));
    g_assert_true(produce_sent(peer, 0, "aborted", 2, &error));
    g_assert_true(offset_of(peer, 0, 1, &error));
    bus_member_abort(peer->member);
    g_assert_cmpint(committed(peer, 0), ==, -1);
    g_assert_true(bus_member_begin(peer->member, &error));
    g_assert_true(produce(peer, 0, "z", 2, &error));
    g_assert_true(offset_of(peer, 0, 1, &error));
    last[1].offset = 78;
    g_assert_true(bus_member_commit(peer->member, last, G_N_ELEMENTS(last), &error));
    g_assert_cmpint(last[1].offset, ==, 78);
    /* 0-2 x, 3 a marker, 4-5 aborted, 6 a marker, 7-8 z, 9 a marker */
    g_assert_cmpint(last[0].offset, ==, 8);
    g_assert_cmpint(committed(peer, 0), ==, 1);
    assert_reads(peer, 0, "x@0 x@1 x@2 z@7 z@8 ");
    assert_reads(peer, 1, "y@0 ");
    g_assert_no_error(error);
}

/* More records than librdkafka's queue has room for, in one transaction. */
static void test_large(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    struct bus_position last = {OUTPUT, 5, -1};
    peer_join(world->a, "a", TRANSACTION_MS);
    g_assert_true(bus_member_begin(world->a->member, &error));
    for (int i = 0; i < 3; i++)
        g_assert_true(produce(world->a, 5, "v", 50000, &error));
    g_assert_true(bus_member_commit(world->a->member, &last, 1, &error));
    g_assert_no_error(error);
    g_assert_cmpint(last.offset, ==, 149999);
}

/* The same instance in a new process fences the old one, in a transaction or before one. */
static void test_fenced(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    peer_join(world->a, "same", TRANSACTION_MS);
    settle_one(world->a, 6);
    g_assert_true(bus_member_begin(world->a->member, &error));
    g_assert_true(produce_sent(world->a, 0, "old", 3, &error));
    peer_join(world->b, "same", TRANSACTION_MS);
    bool done =
        offset_of(world->a, 0, 1, &error) && bus_member_commit(world->a->member, NULL, 0, &error);
    g_assert_false(done);
    g_assert_true(error_is(error, CONFLICT));
    g_clear_error(&error);
    g_assert_false(bus_member_begin(world->a->member, &error)); /* it doesn't take the id back */
    g_assert_true(error_is(error, CONFLICT));
    g_clear_error(&error);
    peer_leave(world->a);
    settle_one(world->b, 6);
    g_assert_true(transact(world->b, 0, "new", 1, &error));
    g_assert_no_error(error);
    g_autofree char *found = read_all(world->b, 0);
    g_assert_null(strstr(found, "old"));
    g_assert_nonnull(strstr(found, "new"));
}

/* Open for longer than its time-out: the brokers abort it; the member goes on by itself. */
static void test_timed_out(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    int64_t start, seen = 0, end, end_ms = now_ms() + HANG_MS;
    peer_join(world->a, "a", 1000);
    settle_one(world->a, 6);
    g_assert_true(bus_member_begin(world->a->member, &error));
    g_assert_true(produce(world->a, 4, "late", 3, &error));
    /* The marker of the abort is the fourth record. */
    do {
        g_assert_true(bus_member_end(world->a->member, OUTPUT, 4, &end, &error));
        g_assert_true(bus_offsets(world->b->bus, OUTPUT, 4, &start, &seen, &error));
        peer_poll(world->a);
        g_assert_cmpint(now_ms(), <, end_ms);
    } while (end < 4 || seen < 4);
    bool done =
        offset_of(world->a, 4, 1, &error) && bus_member_commit(world->a->member, NULL, 0, &error);
    g_assert_false(done);
    g_assert_true(error_is(error, AGAIN));
    g_clear_error(&error);
    assert_reads(world->a, 4, "");
    g_assert_cmpint(committed(world->a, 4), ==, -1);
    while (!transact(world->a, 4, "again", 1, &error)) { /* a second may not suffice here */
        g_assert_true(error_is(error, AGAIN));
        g_clear_error(&error);
        g_assert_cmpint(now_ms(), <, end_ms);
    }
    g_autofree char *found = read_all(world->a, 4);
    g_assert_null(strstr(found, "late"));
    g_assert_nonnull(strstr(found, "again"));
}

/* Committed offsets wait for another's transaction that is still undecided; so does the true end,
 * which the end that readers see doesn't. */
static void test_undecided(struct world *world, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    struct bus_position position = {SHARED, 1, -7};
    int64_t start, seen, end;
    peer_join(world->b, "b", TRANSACTION_MS);
    peer_join(world->a, "a", TRANSACTION_MS);
    settle((struct peer *[]){world->a, world->b}, (const int[]){3, 3}, 2);
    g_assert_true(bus_member_begin(world->a->member, &error));
    g_assert_true(produce_sent(world->a, 1, "v", 3, &error));
    g_assert_true(offset_of(world->a, 1, 1, &error));
    g_assert_false(bus_member_committed(world->b->member, &position, 1, &error));
    g_assert_true(error_is(error, AGAIN));
    g_assert_cmpint(position.offset, ==, -7);
    g_clear_error(&error);
    g_assert_true(bus_offsets(world->b->bus, OUTPUT, 1, &start, &seen, &error));
    g_assert_true(bus_member_end(world->b->member, OUTPUT, 1, &end, &error));
    g_assert_cmpint(seen, ==, 0);
    g_assert_cmpint(end, ==, 3);
    g_assert_true(bus_member_commit(world->a->member, NULL, 0, &error));
    g_assert_cmpint(committed(world->b, 1), ==, 1);
    assert_reads(world->b, 1, "v@0 v@1 v@2 ");
}

/* What can't be written ends the transaction with the error that says why. */
static void test_refused(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    const struct bus_message nowhere = {.topic = "nowhere", .partition = 0};
    const struct bus_message beyond = {.topic = OUTPUT, .partition = PARTITIONS};
    peer_join(world->a, "a", TRANSACTION_MS);
    settle_one(world->a, 6);
    g_assert_true(bus_member_begin(world->a->member, &error));
    g_assert_false(bus_member_produce(world->a->member, &nowhere, 1, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_clear_error(&error);
    g_assert_true(bus_member_begin(world->a->member, &error));
    g_assert_false(bus_member_produce(world->a->member, &beyond, 1, &error));
    g_assert_true(error_is(error, NOTFOUND));
    g_clear_error(&error);
    g_assert_true(transact(world->a, 0, "v", 1, &error));
    assert_reads(world->a, 0, "v@0 v@1 v@2 ");
}

/* Topics without expiry: kept, or compacted. Another number of partitions is refused. */
static void test_topics(struct world *world, const void *data)
{
    (void)data;
    GError *error = NULL;
    struct bus *bus = world->a->bus;
    g_assert_true(bus_member_create_topic(bus, "kept", 2, MEMBER_TOPIC_KEPT, &error));
    g_assert_true(bus_member_create_topic(bus, "compacted", 2, MEMBER_TOPIC_COMPACTED, &error));
    g_assert_true(bus_member_create_topic(bus, "latest", 2, MEMBER_TOPIC_LATEST, &error));
    g_assert_true(bus_member_create_topic(bus, "compacted", 2, MEMBER_TOPIC_COMPACTED, &error));
    g_assert_no_error(error);
    g_assert_false(bus_member_create_topic(bus, "kept", 3, MEMBER_TOPIC_KEPT, &error));
    g_assert_true(error_is(error, CONFLICT));
    g_clear_error(&error);
}

static void add(const char *name, void (*test)(struct world *, const void *), const void *data)
{
    g_autofree char *path = g_strconcat("/bus/member/", name, NULL);
    g_test_add(path, struct world, data, world_setup, test, world_teardown);
}

int main(int argc, char **argv)
{
    brokers = g_getenv("MARQUEE_KAFKA");
    program = argv[0];
    if (argc == 5 && strcmp(argv[1], "child") == 0)
        return child_main(argv);
    g_test_init(&argc, &argv, NULL);
    if (!brokers || !*brokers) {
        printf("1..0 # SKIP MARQUEE_KAFKA names no brokers; make test-kafka starts some\n");
        return 0;
    }
    add("share", test_share, NULL);
    add("release_commits", test_release_commits, NULL);
    add("killed", test_killed, NULL);
    add("zombie", test_zombie, NULL);
    add("zombie_told", test_zombie, "told");
    add("transactions", test_transactions, NULL);
    add("large", test_large, NULL);
    add("fenced", test_fenced, NULL);
    add("timed_out", test_timed_out, NULL);
    add("undecided", test_undecided, NULL);
    add("refused", test_refused, NULL);
    add("topics", test_topics, NULL);
    return g_test_run();
}

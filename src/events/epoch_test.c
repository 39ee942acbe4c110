/* Proves: an epoch is given once, whatever happens to clock, process and neighbours: it grows
 * across restarts, a process that is killed right after it took one has used it up, and processes
 * that take at once get different ones. */
#include "events/epoch.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#define NOW_MS    INT64_C(1772510400000)
#define CHILDREN  4
#define TAKEN     25
#define RETRY_MAX 100 /* of one that finds the file locked */

struct fixture {
    char *folder, *path;
};

static void fixture_open(struct fixture *fixture, const void *data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    fixture->folder = g_dir_make_tmp("epoch-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->path = g_build_filename(fixture->folder, "events.db", NULL);
}

static void fixture_close(struct fixture *fixture, const void *data)
{
    (void)data;
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *path = g_strconcat(fixture->path, ends[i], NULL);
        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    g_free(fixture->folder);
    g_free(fixture->path);
}

static int64_t take(const struct fixture *fixture, const char *producer, int64_t now_ms)
{
    int64_t epoch = -1;
    for (int i = 0; i < RETRY_MAX; i++) {
        g_autoptr(GError) error = NULL;
        if (epoch_take(fixture->path, producer, now_ms, &epoch, &error))
            return epoch;
        g_assert_true(error_is(error, AGAIN));
    }
    g_assert_not_reached();
}

static void test_grows(struct fixture *fixture, const void *data)
{
    (void)data;
    g_assert_cmpint(take(fixture, "marquee", NOW_MS), ==, NOW_MS);
    g_assert_cmpint(take(fixture, "marquee", NOW_MS), ==, NOW_MS + 1); /* within one millisecond */
    g_assert_cmpint(take(fixture, "marquee", NOW_MS + 500), ==, NOW_MS + 500);
    g_assert_cmpint(take(fixture, "marquee", NOW_MS - 86400000), ==, NOW_MS + 501); /* went back */
    g_assert_cmpint(take(fixture, "site-2", NOW_MS), ==, NOW_MS); /* a name has its own */
    g_assert_cmpint(take(fixture, "marquee", 0), ==, NOW_MS + 502);
}

/* Takes epochs and writes them to the pipe, then dies without a word. */
static void child(const struct fixture *fixture, int fd)
{
    for (int i = 0; i < TAKEN; i++) {
        int64_t epoch = take(fixture, "marquee", NOW_MS);
        ssize_t written = write(fd, &epoch, sizeof epoch);
        g_assert_cmpint(written, ==, sizeof epoch);
    }
    kill(getpid(), SIGKILL);
}

static void test_killed_and_side_by_side(struct fixture *fixture, const void *data)
{
    (void)data;
    int fds[2];
    pid_t children[CHILDREN];
    int64_t first = take(fixture, "marquee", NOW_MS), epoch, highest = first;
    g_assert_cmpint(pipe(fds), ==, 0);
    for (int i = 0; i < CHILDREN; i++)
        if ((children[i] = fork()) == 0)
            child(fixture, fds[1]);
    close(fds[1]);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    while (read(fds[0], &epoch, sizeof epoch) == (ssize_t)sizeof epoch) {
        g_assert_true(g_hash_table_add(seen, g_memdup2(&epoch, sizeof epoch))); /* new */
        highest = MAX(highest, epoch);
    }
    close(fds[0]);
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        g_assert_cmpint(waitpid(children[i], &status, 0), ==, children[i]);
        g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    g_assert_cmpuint(g_hash_table_size(seen), ==, CHILDREN * TAKEN);
    g_assert_cmpint(highest, ==, first + CHILDREN * TAKEN);
    g_assert_cmpint(take(fixture, "marquee", NOW_MS), ==, highest + 1);
}

/* A file that can't be used gives no epoch. */
static void test_damaged(struct fixture *fixture, const void *data)
{
    (void)data;
    static const char text[] = "this is no database, but it is long enough to be taken for one";
    g_autoptr(GError) error = NULL;
    int64_t epoch = -1;
    g_assert_true(g_file_set_contents(fixture->path, text, sizeof text, NULL));
    g_assert_false(epoch_take(fixture->path, "marquee", NOW_MS, &epoch, &error));
    g_assert_true(error_is(error, BADDATA));
    g_assert_nonnull(strstr(error->message, "events.db"));
    g_assert_cmpint(epoch, ==, -1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
    g_test_add("/epoch/" name, struct fixture, NULL, fixture_open, function, fixture_close)
    ADD("grows", test_grows);
    ADD("killed_and_side_by_side", test_killed_and_side_by_side);
    ADD("damaged", test_damaged);
    return g_test_run();
}

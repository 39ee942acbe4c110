/* Proves that a process is ended by SIGKILL at exactly the chosen passage of the chosen fail point,
 * and that without the variable nothing happens. Each case runs in a child that counts its passages
 * into a pipe. */
#include "base/failpoint.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

enum { PASSAGES = 5 };

/* In the child: writes a byte before each passage of "commit.before", and passes another point as
 * well. */
static void run_child(const char *setting, int fd)
{
    if (setting)
        setenv("MARQUEE_FAILPOINT", setting, 1);
    else
        unsetenv("MARQUEE_FAILPOINT");
    failpoint_init();
    for (int i = 0; i < PASSAGES; i++) {
        failpoint("commit.after");
        if (write(fd, "x", 1) != 1)
            _exit(1);
        failpoint("commit.before");
    }
    _exit(0);
}

/* The passages that a child reached; ret_status is what waitpid said. */
static int count_passages(const char *setting, int *ret_status)
{
    int fds[2];
    g_assert_cmpint(pipe(fds), ==, 0);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        close(fds[0]);
        run_child(setting, fds[1]);
    }
    close(fds[1]);
    int passages = 0;
    char byte;
    while (read(fds[0], &byte, 1) == 1)
        passages++;
    close(fds[0]);
    g_assert_cmpint(waitpid(child, ret_status, 0), ==, child);
    return passages;
}

static void test_killed_at_passage(void)
{
    static const struct {
        const char *setting;
        int passages;
    } cases[] = {{"commit.before", 1}, {"commit.before:1", 1}, {"commit.before:4", 4}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int status;
        g_assert_cmpint(count_passages(cases[i].setting, &status), ==, cases[i].passages);
        g_assert_true(WIFSIGNALED(status));
        g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
    }
}

static void test_left_alone(void)
{
    static const char *const settings[] = {NULL, "", "commit", "commit.before.x",
                                           "commit.before:6"};
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        int status;
        g_assert_cmpint(count_passages(settings[i], &status), ==, PASSAGES);
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/failpoint/killed-at-passage", test_killed_at_passage);
    g_test_add_func("/failpoint/left-alone", test_left_alone);
    return g_test_run();
}

#include "batch/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/stop.h"

extern char **environ;

/* Readable when the process has ended: so one poll waits for it and for the wish to stop. */
static int open_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static bool start(const char *const *argv, pid_t *ret_pid, GError **error)
{
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, standard;
    sigemptyset(&none);
    sigemptyset(&standard);
    sigaddset(&standard, SIGTERM);
    sigaddset(&standard, SIGINT);
    sigaddset(&standard, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &standard);
    /* Its own group: Ctrl-C on a terminal reaches us alone, and we stop it in order. */
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int trouble = posix_spawn(ret_pid, argv[0], NULL, &attributes, (char *const *)argv, environ);
    posix_spawnattr_destroy(&attributes);
    if (trouble != 0)
        error_set(error, FAILED, "start %s: %s", argv[0], g_strerror(trouble));
    return trouble == 0;
}

/* Waits at most timeout_ms (negative: for ever) for the end of the process or, where stop_fd isn't
 * -1, for that. */
static bool ended(int pid_fd, int stop_fd, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = pid_fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
    while (poll(fds, 2, timeout_ms) < 0 && errno == EINTR)
        ;
    return fds[0].revents != 0;
}

static void wait_for(const struct context *context, pid_t pid, int pid_fd, int64_t grace_ms)
{
    int wish_fd = context->stop ? stop_fd(context->stop) : -1;
    if (ended(pid_fd, wish_fd, -1))
        return;
    kill(pid, SIGTERM);
    if (!ended(pid_fd, -1, (int)grace_ms))
        kill(pid, SIGKILL);
}

bool child_run(const struct context *context,
               const char *const *argv,
               int64_t grace_ms,
               struct child_end *ret_end,
               GError **error)
{
    pid_t pid;
    if (!start(argv, &pid, error))
        return false;
    int pid_fd = open_pidfd(pid);
    if (pid_fd >= 0) {
        wait_for(context, pid, pid_fd, grace_ms);
        close(pid_fd);
    }
    int status;
    struct rusage usage;
    while (wait4(pid, &status, 0, &usage) < 0) {
        if (errno != EINTR) {
            error_set(error, FAILED, "wait for %s: %s", argv[0], g_strerror(errno));
            return false;
        }
    }
    *ret_end = (struct child_end){
        .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
        .peak_bytes = (int64_t)usage.ru_maxrss * 1024,
    };
    return true;
}

#include "cli/signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <glib.h>

#include "base/stop.h"

/* What shells report for a process that a SIGINT ended. */
#define EXIT_INTERRUPTED 130

struct signals {
    struct stop *stop;
    int signal_fd, end_fd;
    pthread_t thread;
};

static void *signals_main(void *data)
{
    struct signals *signals = data;
    struct pollfd fds[] = {{.fd = signals->signal_fd, .events = POLLIN},
                           {.fd = signals->end_fd, .events = POLLIN}};
    for (;;) {
        poll(fds, G_N_ELEMENTS(fds), -1);
        if (fds[1].revents)
            return NULL;
        struct signalfd_siginfo info;
        if (read(signals->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
            continue;
        if (stop_requested(signals->stop))
            _exit(EXIT_INTERRUPTED);
        stop_request(signals->stop);
    }
}

struct signals *signals_watch(struct stop *stop)
{
    struct signals *signals = g_new0(struct signals, 1);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signals->stop = stop;
    signals->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
    signals->end_fd = eventfd(0, EFD_CLOEXEC);
    if (signals->signal_fd < 0 || signals->end_fd < 0 ||
        pthread_create(&signals->thread, NULL, signals_main, signals) != 0)
        g_error("signals can't be watched: raise the limits of files and processes (ulimit -n, "
                "ulimit -u)");
    return signals;
}

void signals_end(struct signals *signals)
{
    if (!signals)
        return;
    ssize_t written = write(signals->end_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)written;
    pthread_join(signals->thread, NULL);
    close(signals->signal_fd);
    close(signals->end_fd);
    g_free(signals);
}

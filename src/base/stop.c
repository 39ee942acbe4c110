#include "base/stop.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <glib.h>

struct stop {
    atomic_bool requested;
    int fd;
};

struct stop *stop_new(void)
{
    struct stop *stop = g_new0(struct stop, 1);
    stop->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop->fd < 0)
        g_error("no descriptor is left for an eventfd: raise the limit of open files (ulimit -n)");
    return stop;
}

void stop_free(struct stop *stop)
{
    if (!stop)
        return;
    close(stop->fd);
    g_free(stop);
}

void stop_request(struct stop *stop)
{
    atomic_store(&stop->requested, true);
    /* Nobody reads it, so it stays readable for every waiter; a full counter is readable too. */
    ssize_t written = write(stop->fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)written;
}

bool stop_requested(const struct stop *stop)
{
    return atomic_load(&((struct stop *)stop)->requested);
}

bool stop_wait_ms(const struct stop *stop, int64_t timeout_ms)
{
    if (timeout_ms > 0 && !stop_requested(stop)) {
        struct pollfd poll_fd = {.fd = stop->fd, .events = POLLIN};
        poll(&poll_fd, 1, (int)MIN(timeout_ms, G_MAXINT));
    }
    return stop_requested(stop);
}

int stop_fd(const struct stop *stop)
{
    return stop->fd;
}

/* One thread looks at all connections twice a second. Lock order: the list's lock is a leaf; MHD
 * calls http_deadlines_closed before it closes the descriptor, so a descriptor in the list is the
 * right one. */
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "net/http_server_internal.h"

#define SWEEP_INTERVAL_MS 500

struct slot {
    struct slot *previous, *next;
    int fd;
    bool busy;
    int64_t since_ms;
};

struct http_deadlines {
    const struct context *context;
    int64_t timeout_ms;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool ending;
    struct slot head; /* ring */
};

static void sweep(struct http_deadlines *deadlines)
{
    int64_t now_ms = clock_monotonic_ms(deadlines->context->clock);
    for (struct slot *slot = deadlines->head.next; slot != &deadlines->head; slot = slot->next)
        if (!slot->busy && now_ms - slot->since_ms > deadlines->timeout_ms) {
            slot->busy = true; /* once */
            /* Counted first: who sees the connection end sees the count. */
            metrics_add(deadlines->context->metrics, METRIC_HTTP_REJECTED, "slow", 1);
            shutdown(slot->fd, SHUT_RDWR);
        }
}

static void *deadlines_main(void *data)
{
    struct http_deadlines *deadlines = data;
    pthread_mutex_lock(&deadlines->lock);
    while (!deadlines->ending) {
        struct timespec until = clock_deadline(SWEEP_INTERVAL_MS);
        pthread_cond_timedwait(&deadlines->wake, &deadlines->lock, &until);
        sweep(deadlines);
    }
    pthread_mutex_unlock(&deadlines->lock);
    return NULL;
}

struct http_deadlines *http_deadlines_new(const struct context *context, int64_t timeout_ms)
{
    struct http_deadlines *deadlines = g_new0(struct http_deadlines, 1);
    deadlines->context = context;
    deadlines->timeout_ms = timeout_ms;
    deadlines->head.next = deadlines->head.previous = &deadlines->head;
    pthread_mutex_init(&deadlines->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&deadlines->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&deadlines->thread, NULL, deadlines_main, deadlines) != 0)
        g_error("no thread can be started for the HTTP server: raise the limit of processes "
                "(ulimit -u)");
    return deadlines;
}

void http_deadlines_free(struct http_deadlines *deadlines)
{
    if (!deadlines)
        return;
    pthread_mutex_lock(&deadlines->lock);
    deadlines->ending = true;
    pthread_cond_signal(&deadlines->wake);
    pthread_mutex_unlock(&deadlines->lock);
    pthread_join(deadlines->thread, NULL);
    g_assert(deadlines->head.next == &deadlines->head);
    pthread_cond_destroy(&deadlines->wake);
    pthread_mutex_destroy(&deadlines->lock);
    g_free(deadlines);
}

void http_deadlines_opened(struct http_deadlines *deadlines, int fd, void **ret_slot)
{
    struct slot *slot = g_new0(struct slot, 1);
    slot->fd = fd;
    slot->since_ms = clock_monotonic_ms(deadlines->context->clock);
    pthread_mutex_lock(&deadlines->lock);
    slot->next = &deadlines->head;
    slot->previous = deadlines->head.previous;
    slot->previous->next = slot->next->previous = slot;
    pthread_mutex_unlock(&deadlines->lock);
    *ret_slot = slot;
}

void http_deadlines_closed(struct http_deadlines *deadlines, void *data)
{
    struct slot *slot = data;
    pthread_mutex_lock(&deadlines->lock);
    slot->previous->next = slot->next;
    slot->next->previous = slot->previous;
    pthread_mutex_unlock(&deadlines->lock);
    g_free(slot);
}

void http_deadlines_busy(struct http_deadlines *deadlines, void *data, bool busy)
{
    struct slot *slot = data;
    pthread_mutex_lock(&deadlines->lock);
    slot->busy = busy;
    slot->since_ms = clock_monotonic_ms(deadlines->context->clock);
    pthread_mutex_unlock(&deadlines->lock);
}

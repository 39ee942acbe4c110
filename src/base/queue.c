#include "base/queue.h"

#include <errno.h>
#include <pthread.h>

#include <glib.h>

#include "base/clock.h"

struct queue {
    pthread_mutex_t lock; /* leaf: nothing else is locked while it is held */
    pthread_cond_t not_empty, not_full;
    void **items; /* ring: head is the oldest */
    size_t capacity, head, length;
    bool closed;
};

struct queue *queue_new(size_t capacity)
{
    g_assert(capacity >= 1);
    struct queue *queue = g_new0(struct queue, 1);
    queue->items = g_new0(void *, capacity);
    queue->capacity = capacity;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->not_empty, &attr);
    pthread_cond_init(&queue->not_full, &attr);
    pthread_condattr_destroy(&attr);
    return queue;
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    pthread_cond_destroy(&queue->not_full);
    pthread_cond_destroy(&queue->not_empty);
    pthread_mutex_destroy(&queue->lock);
    g_free(queue->items);
    g_free(queue);
}

/* False when the deadline has passed. */
static bool wait_on(struct queue *queue, pthread_cond_t *cond, const struct timespec *deadline)
{
    if (!deadline)
        return pthread_cond_wait(cond, &queue->lock) == 0;
    return pthread_cond_timedwait(cond, &queue->lock, deadline) != ETIMEDOUT;
}

bool queue_push(struct queue *queue, void *item, int64_t timeout_ms)
{
    struct timespec deadline = {0};
    if (timeout_ms >= 0)
        deadline = clock_deadline(timeout_ms);
    pthread_mutex_lock(&queue->lock);
    while (!queue->closed && queue->length == queue->capacity)
        if (!wait_on(queue, &queue->not_full, timeout_ms >= 0 ? &deadline : NULL))
            break;
    bool pushed = !queue->closed && queue->length < queue->capacity;
    if (pushed) {
        queue->items[(queue->head + queue->length++) % queue->capacity] = item;
        pthread_cond_signal(&queue->not_empty);
    }
    pthread_mutex_unlock(&queue->lock);
    return pushed;
}

void *queue_pop(struct queue *queue, int64_t timeout_ms)
{
    struct timespec deadline = {0};
    if (timeout_ms >= 0)
        deadline = clock_deadline(timeout_ms);
    void *item = NULL;
    pthread_mutex_lock(&queue->lock);
    while (!queue->closed && queue->length == 0)
        if (!wait_on(queue, &queue->not_empty, timeout_ms >= 0 ? &deadline : NULL))
            break;
    if (queue->length) {
        item = queue->items[queue->head];
        queue->head = (queue->head + 1) % queue->capacity;
        queue->length--;
        pthread_cond_signal(&queue->not_full);
    }
    pthread_mutex_unlock(&queue->lock);
    return item;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->not_empty);
    pthread_cond_broadcast(&queue->not_full);
    pthread_mutex_unlock(&queue->lock);
}

bool queue_closed(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    bool closed = queue->closed;
    pthread_mutex_unlock(&queue->lock);
    return closed;
}

size_t queue_length(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t length = queue->length;
    pthread_mutex_unlock(&queue->lock);
    return length;
}

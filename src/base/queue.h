/* Queue: the bounded hand-over between two stages (many writers, many readers; any thread).
 * A full queue makes the writer wait: that is the back-pressure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

struct queue *queue_new(size_t capacity); /* items, at least 1 */

/* Frees the queue, not the items that are still in it: close and drain first. Accepts NULL. */
void queue_free(struct queue *queue);

/* Waits at most timeout_ms (negative: for ever) for room. False: closed, or still full. */
bool queue_push(struct queue *queue, void *item, int64_t timeout_ms);

/* Waits at most timeout_ms for an item. NULL: nothing came, or closed and empty. */
void *queue_pop(struct queue *queue, int64_t timeout_ms);

/* No more pushes; what is inside can still be popped. Wakes everybody. */
void queue_close(struct queue *queue);
bool queue_closed(struct queue *queue);

size_t queue_length(struct queue *queue);

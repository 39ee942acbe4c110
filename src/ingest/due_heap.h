/* Due heap: what is due first, without looking at all that isn't. A binary min-heap of items that
 * know their own place, so that any one of them moves or leaves in O(log n).
 *
 * An item lives in its owner's struct and outlives its time in the heap; it is in one heap at most.
 * Least key first, of equal keys the least tie: the order never depends on how it came about. One
 * owner thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

struct due_item {
    int64_t key, tie;
    size_t place; /* 0: in no heap; else its index in the heap, plus 1 */
};

struct due_heap {
    GPtrArray *items;
};

void due_heap_init(struct due_heap *heap);
void due_heap_clear(struct due_heap *heap); /* the items are their owners' */

/* Puts the item in, or moves it when it is inside. */
void due_heap_put(struct due_heap *heap, struct due_item *item, int64_t key, int64_t tie);
void due_heap_remove(struct due_heap *heap, struct due_item *item); /* no effect when outside */

/* NULL when it is empty. */
struct due_item *due_heap_first(const struct due_heap *heap);

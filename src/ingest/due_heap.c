#include "ingest/due_heap.h"

void due_heap_init(struct due_heap *heap)
{
    heap->items = g_ptr_array_new();
}

void due_heap_clear(struct due_heap *heap)
{
    g_clear_pointer(&heap->items, g_ptr_array_unref);
}

static struct due_item *at(const struct due_heap *heap, size_t index)
{
    return g_ptr_array_index(heap->items, index);
}

static bool before(const struct due_item *a, const struct due_item *b)
{
    return a->key < b->key || (a->key == b->key && a->tie < b->tie);
}

static void set(struct due_heap *heap, size_t index, struct due_item *item)
{
    heap->items->pdata[index] = item;
    item->place = index + 1;
}

static void sift_up(struct due_heap *heap, size_t index, struct due_item *item)
{
    while (index && before(item, at(heap, (index - 1) / 2))) {
        set(heap, index, at(heap, (index - 1) / 2));
        index = (index - 1) / 2;
    }
    set(heap, index, item);
}

static void sift_down(struct due_heap *heap, size_t index, struct due_item *item)
{
    for (size_t child; (child = 2 * index + 1) < heap->items->len; index = child) {
        if (child + 1 < heap->items->len && before(at(heap, child + 1), at(heap, child)))
            child++;
        if (!before(at(heap, child), item))
            break;
        set(heap, index, at(heap, child));
    }
    set(heap, index, item);
}

/* Finds the item's place again, wherever it has to go. */
static void settle(struct due_heap *heap, struct due_item *item)
{
    sift_up(heap, item->place - 1, item);
    sift_down(heap, item->place - 1, item);
}

void due_heap_put(struct due_heap *heap, struct due_item *item, int64_t key, int64_t tie)
{
    item->key = key;
    item->tie = tie;
    if (!item->place) {
        g_ptr_array_add(heap->items, item);
        item->place = heap->items->len;
    }
    settle(heap, item);
}

void due_heap_remove(struct due_heap *heap, struct due_item *item)
{
    if (!item->place)
        return;
    g_assert(item->place <= heap->items->len && at(heap, item->place - 1) == item);
    struct due_item *last = at(heap, heap->items->len - 1);
    g_ptr_array_set_size(heap->items, (int)heap->items->len - 1);
    if (last != item) {
        last->place = item->place;
        settle(heap, last);
    }
    item->place = 0;
}

struct due_item *due_heap_first(const struct due_heap *heap)
{
    return heap->items->len ? at(heap, 0) : NULL;
}

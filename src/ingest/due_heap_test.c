/* Proves: the least item is always first, whatever is put, moved and taken out in between. */
#include "ingest/due_heap.h"

#define ITEMS 200
#define STEPS 20000

static void test_order_by_hand(void)
{
    struct due_heap heap;
    struct due_item a = {0}, b = {0}, c = {0};
    due_heap_init(&heap);
    g_assert_null(due_heap_first(&heap));
    due_heap_put(&heap, &a, 30, 1);
    due_heap_put(&heap, &b, 20, 9);
    due_heap_put(&heap, &c, 20, 2);
    g_assert_true(due_heap_first(&heap) == &c); /* of equal keys the least tie */
    due_heap_put(&heap, &a, 10, 1);             /* moves */
    g_assert_true(due_heap_first(&heap) == &a);
    due_heap_remove(&heap, &a);
    due_heap_remove(&heap, &a); /* outside: no effect */
    due_heap_put(&heap, &c, 40, 2);
    g_assert_true(due_heap_first(&heap) == &b);
    due_heap_remove(&heap, &b);
    due_heap_remove(&heap, &c);
    g_assert_null(due_heap_first(&heap));
    due_heap_clear(&heap);
}

/* Against a look at every item. */
static void test_random_steps(void)
{
    static struct due_item items[ITEMS];
    struct due_heap heap;
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    due_heap_init(&heap);
    for (int step = 0; step < STEPS; step++) {
        struct due_item *item = &items[g_rand_int_range(rand, 0, ITEMS)];
        if (g_rand_int_range(rand, 0, 3))
            due_heap_put(&heap, item, g_rand_int_range(rand, 0, 50), item - items);
        else
            due_heap_remove(&heap, item);
        const struct due_item *least = NULL;
        for (size_t i = 0; i < ITEMS; i++)
            if (items[i].place && (!least || items[i].key < least->key ||
                                   (items[i].key == least->key && items[i].tie < least->tie)))
                least = &items[i];
        g_assert_true(due_heap_first(&heap) == least);
    }
    due_heap_clear(&heap);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/due_heap/order_by_hand", test_order_by_hand);
    g_test_add_func("/due_heap/random_steps", test_random_steps);
    return g_test_run();
}

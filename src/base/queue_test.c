/* Proves that a queue hands over every item once and in each writer's order between real threads,
 * makes the writer of a full queue wait, wakes everybody when it closes, and gives out what was
 * inside at the close. */
#include "base/queue.h"

#include <pthread.h>
#include <stdatomic.h>

#include <glib.h>

enum { WRITERS = 3, READERS = 2, ITEMS_EACH = 5000, FOREVER = -1 };

struct shared {
    struct queue *queue;
    atomic_uchar seen[WRITERS][ITEMS_EACH];
    atomic_int out_of_order, longest;
};

struct writer {
    struct shared *shared;
    unsigned number;
    pthread_t thread;
};

static void *write_items(void *pointer)
{
    struct writer *writer = pointer;
    for (unsigned i = 0; i < ITEMS_EACH; i++)
        if (!queue_push(writer->shared->queue,
                        GUINT_TO_POINTER(1 + writer->number * ITEMS_EACH + i), FOREVER))
            return NULL;
    return NULL;
}

static void *read_items(void *pointer)
{
    struct shared *shared = pointer;
    int last[WRITERS] = {-1, -1, -1};
    for (void *item; (item = queue_pop(shared->queue, FOREVER));) {
        unsigned number = (GPOINTER_TO_UINT(item) - 1) / ITEMS_EACH;
        int i = (int)((GPOINTER_TO_UINT(item) - 1) % ITEMS_EACH);
        atomic_fetch_add(&shared->seen[number][i], 1);
        /* One reader sees a rising part of what each writer wrote. */
        if (i <= last[number])
            atomic_fetch_add(&shared->out_of_order, 1);
        last[number] = i;
        int length = (int)queue_length(shared->queue);
        if (length > atomic_load(&shared->longest))
            atomic_store(&shared->longest, length);
    }
    return NULL;
}

static void test_threads(void)
{
    enum { CAPACITY = 7 };
    struct shared *shared = g_new0(struct shared, 1);
    shared->queue = queue_new(CAPACITY);
    struct writer writers[WRITERS];
    pthread_t readers[READERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.shared = shared, .number = i};
        pthread_create(&writers[i].thread, NULL, write_items, &writers[i]);
    }
    for (unsigned i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_items, shared);
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    queue_close(shared->queue);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    for (unsigned i = 0; i < WRITERS; i++)
        for (unsigned j = 0; j < ITEMS_EACH; j++)
            g_assert_cmpuint(shared->seen[i][j], ==, 1);
    g_assert_cmpint(shared->out_of_order, ==, 0);
    g_assert_cmpint(shared->longest, <=, CAPACITY);
    queue_free(shared->queue);
    g_free(shared);
}

static void test_bounded_and_in_order(void)
{
    struct queue *queue = queue_new(3);
    char items[4];
    g_assert_null(queue_pop(queue, 0));
    for (int round = 0; round < 5; round++) { /* goes round the ring */
        for (int i = 0; i < 3; i++)
            g_assert_true(queue_push(queue, &items[i], 0));
        g_assert_cmpuint(queue_length(queue), ==, 3);
        g_assert_false(queue_push(queue, &items[3], 0));
        g_assert_false(queue_push(queue, &items[3], 1));
        g_assert_true(queue_pop(queue, 0) == &items[0]);
        g_assert_true(queue_push(queue, &items[3], 0));
        for (int i = 1; i < 4; i++)
            g_assert_true(queue_pop(queue, 0) == &items[i]);
        g_assert_null(queue_pop(queue, 1));
    }
    queue_free(queue);
    queue_free(NULL);
}

static void test_close_keeps_what_is_inside(void)
{
    struct queue *queue = queue_new(2);
    char item;
    g_assert_true(queue_push(queue, &item, 0));
    g_assert_false(queue_closed(queue));
    queue_close(queue);
    g_assert_true(queue_closed(queue));
    g_assert_false(queue_push(queue, &item, FOREVER));
    g_assert_true(queue_pop(queue, FOREVER) == &item);
    g_assert_null(queue_pop(queue, FOREVER)); /* returns at once: the test would hang otherwise */
    queue_free(queue);
}

static void *push_for_ever(void *queue)
{
    char *item = queue; /* any pointer that isn't NULL */
    return GINT_TO_POINTER(queue_push(queue, item, FOREVER) ? 1 : 2);
}

static void *pop_for_ever(void *queue)
{
    return queue_pop(queue, FOREVER);
}

/* Whether the threads wait already or come later, the close lets them go. */
static void test_close_wakes(void)
{
    struct queue *full = queue_new(1), *empty = queue_new(1);
    g_assert_true(queue_push(full, full, 0));
    pthread_t pushers[2], poppers[2];
    for (int i = 0; i < 2; i++) {
        pthread_create(&pushers[i], NULL, push_for_ever, full);
        pthread_create(&poppers[i], NULL, pop_for_ever, empty);
    }
    queue_close(full);
    queue_close(empty);
    for (int i = 0; i < 2; i++) {
        void *result;
        pthread_join(pushers[i], &result);
        g_assert_cmpint(GPOINTER_TO_INT(result), ==, 2);
        pthread_join(poppers[i], &result);
        g_assert_null(result);
    }
    g_assert_cmpuint(queue_length(full), ==, 1);
    queue_free(full);
    queue_free(empty);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/queue/bounded-and-in-order", test_bounded_and_in_order);
    g_test_add_func("/queue/threads", test_threads);
    g_test_add_func("/queue/close-keeps-what-is-inside", test_close_keeps_what_is_inside);
    g_test_add_func("/queue/close-wakes", test_close_wakes);
    return g_test_run();
}

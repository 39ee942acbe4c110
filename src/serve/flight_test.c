/* Many threads ask for a name at once: one makes it, the others wait for it and see it made. */
#include "serve/flight.h"

#include <pthread.h>

#include <glib.h>

#define THREADS 8

struct table {
    struct flights *flights;
    gint made, seen;
};

static void *ask(void *data)
{
    struct table *table = data;
    if (flight_begin(table->flights, "name")) {
        while (flights_waiting(table->flights) < THREADS - 1)
            g_thread_yield();
        g_atomic_int_inc(&table->made);
        flight_end(table->flights, "name");
    } else {
        g_assert_cmpint(g_atomic_int_get(&table->made), ==, 1);
        g_atomic_int_inc(&table->seen);
    }
    return NULL;
}

static void test_once(void)
{
    struct table table = {.flights = flights_new()};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, ask, &table);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpint(table.made, ==, 1);
    g_assert_cmpint(table.seen, ==, THREADS - 1);
    g_assert_cmpint(flights_waiting(table.flights), ==, 0);
    flights_free(table.flights);
}

/* Names don't wait for one another, and a name can be flown again. */
static void test_names(void)
{
    struct flights *flights = flights_new();
    g_assert_true(flight_begin(flights, "a"));
    g_assert_true(flight_begin(flights, "b"));
    flight_end(flights, "a");
    g_assert_true(flight_begin(flights, "a"));
    flight_end(flights, "b");
    flight_end(flights, "a");
    flights_free(flights);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/flight/once", test_once);
    g_test_add_func("/flight/names", test_names);
    return g_test_run();
}

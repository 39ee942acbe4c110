/* Proves that a wish to stop reaches every waiting thread at once, also from a signal handler,
 * stays, and makes the descriptor readable for poll loops. */
#include "base/stop.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include <glib.h>

/* Far longer than the test's own time limit: a wait that isn't woken fails the test. */
#define LONG_MS INT64_C(3600000)

static bool is_readable(const struct stop *stop)
{
    struct pollfd poll_fd = {.fd = stop_fd(stop), .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

static void test_request(void)
{
    struct stop *stop = stop_new();
    g_assert_false(stop_requested(stop));
    g_assert_false(stop_wait_ms(stop, 0));
    g_assert_false(stop_wait_ms(stop, 1));
    g_assert_false(is_readable(stop));
    stop_request(stop);
    stop_request(stop);
    g_assert_true(stop_requested(stop));
    g_assert_true(is_readable(stop));
    g_assert_true(stop_wait_ms(stop, LONG_MS));
    g_assert_true(stop_wait_ms(stop, LONG_MS));
    g_assert_true(stop_wait_ms(stop, 0));
    stop_free(stop);
    stop_free(NULL);
}

static void *wait_long(void *stop)
{
    return GINT_TO_POINTER(stop_wait_ms(stop, LONG_MS));
}

static void test_wakes_all(void)
{
    struct stop *stop = stop_new();
    pthread_t threads[4];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_create(&threads[i], NULL, wait_long, stop);
    stop_request(stop);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
        void *woken;
        pthread_join(threads[i], &woken);
        g_assert_true(GPOINTER_TO_INT(woken));
    }
    stop_free(stop);
}

static struct stop *_Atomic handler_stop; /* a handler has no argument for it */

static void on_signal(int number)
{
    (void)number;
    stop_request(handler_stop);
}

static void test_signal_handler(void)
{
    struct stop *stop = stop_new();
    handler_stop = stop;
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigaction(SIGUSR1, &action, &before);
    pthread_t thread;
    pthread_create(&thread, NULL, wait_long, stop);
    raise(SIGUSR1);
    void *woken;
    pthread_join(thread, &woken);
    g_assert_true(GPOINTER_TO_INT(woken));
    sigaction(SIGUSR1, &before, NULL);
    stop_free(stop);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stop/request", test_request);
    g_test_add_func("/stop/wakes-all", test_wakes_all);
    g_test_add_func("/stop/signal-handler", test_signal_handler);
    return g_test_run();
}

/* Proves that each job runs once, in another thread than the owner's, that the owner sees what it
 * wrote once it is done, that a job may be under way while the owner goes on, and that the end
 * waits for it. */
#include "base/helper.h"

#include <pthread.h>

#define JOBS 1000

struct count {
    pthread_t thread;
    int runs; /* without a lock: the helper's while a job is under way */
};

static void run(void *data)
{
    struct count *count = data;
    count->thread = pthread_self();
    count->runs++;
}

static void test_jobs(void)
{
    GError *error = NULL;
    struct count count = {0};
    struct helper *helper = helper_new("test", &error);
    g_assert_no_error(error);
    g_assert_true(helper_done(helper));
    helper_wait(helper); /* for nothing */
    for (int i = 0; i < JOBS; i++) {
        helper_start(helper, run, &count);
        if (i % 2 == 0)
            helper_wait(helper);
        while (!helper_done(helper))
            ;
        g_assert_cmpint(count.runs, ==, i + 1);
    }
    g_assert_false(pthread_equal(count.thread, pthread_self()));
    helper_free(helper);
}

struct gate {
    pthread_mutex_t closed;
    int passed;
};

static void pass(void *data)
{
    struct gate *gate = data;
    pthread_mutex_lock(&gate->closed);
    gate->passed++;
    pthread_mutex_unlock(&gate->closed);
}

static void test_beside(void)
{
    GError *error = NULL;
    struct gate gate = {.closed = PTHREAD_MUTEX_INITIALIZER};
    struct helper *helper = helper_new("test", &error);
    g_assert_no_error(error);
    pthread_mutex_lock(&gate.closed);
    helper_start(helper, pass, &gate);
    g_assert_false(helper_done(helper)); /* and the owner is here */
    g_assert_cmpint(gate.passed, ==, 0);
    pthread_mutex_unlock(&gate.closed);
    helper_wait(helper);
    g_assert_cmpint(gate.passed, ==, 1);
    helper_start(helper, pass, &gate);
    helper_free(helper);
    g_assert_cmpint(gate.passed, ==, 2);
    helper_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/helper/jobs", test_jobs);
    g_test_add_func("/base/helper/beside", test_beside);
    return g_test_run();
}

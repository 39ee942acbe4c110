#include "base/helper.h"

#include <pthread.h>

struct helper {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a job has come or is done, or the end */
    pthread_t thread;
    const char *name;
    void (*job)(void *data); /* NULL: none is under way */
    void *data;
    bool ending;
};

static void *helper_main(void *pointer)
{
    struct helper *helper = pointer;
    pthread_setname_np(pthread_self(), helper->name);
    pthread_mutex_lock(&helper->lock);
    for (;;) {
        while (!helper->job && !helper->ending)
            pthread_cond_wait(&helper->changed, &helper->lock);
        if (!helper->job)
            break;
        pthread_mutex_unlock(&helper->lock);
        helper->job(helper->data);
        pthread_mutex_lock(&helper->lock);
        helper->job = NULL;
        pthread_cond_broadcast(&helper->changed);
    }
    pthread_mutex_unlock(&helper->lock);
    return NULL;
}

struct helper *helper_new(const char *name, GError **error)
{
    struct helper *helper = g_new0(struct helper, 1);
    helper->name = name;
    pthread_mutex_init(&helper->lock, NULL);
    pthread_cond_init(&helper->changed, NULL);
    const int failure = pthread_create(&helper->thread, NULL, helper_main, helper);
    if (!failure)
        return helper;
    error_set(error, FAILED, "no thread for \"%s\": %s", name, g_strerror(failure));
    pthread_cond_destroy(&helper->changed);
    pthread_mutex_destroy(&helper->lock);
    g_free(helper);
    return NULL;
}

void helper_free(struct helper *helper)
{
    if (!helper)
        return;
    pthread_mutex_lock(&helper->lock);
    helper->ending = true;
    pthread_cond_broadcast(&helper->changed);
    pthread_mutex_unlock(&helper->lock);
    pthread_join(helper->thread, NULL);
    pthread_cond_destroy(&helper->changed);
    pthread_mutex_destroy(&helper->lock);
    g_free(helper);
}

void helper_start(struct helper *helper, void (*job)(void *data), void *data)
{
    pthread_mutex_lock(&helper->lock);
    g_assert(!helper->job);
    helper->job = job;
    helper->data = data;
    pthread_cond_broadcast(&helper->changed);
    pthread_mutex_unlock(&helper->lock);
}

bool helper_done(struct helper *helper)
{
    pthread_mutex_lock(&helper->lock);
    const bool done = !helper->job;
    pthread_mutex_unlock(&helper->lock);
    return done;
}

void helper_wait(struct helper *helper)
{
    pthread_mutex_lock(&helper->lock);
    while (helper->job)
        pthread_cond_wait(&helper->changed, &helper->lock);
    pthread_mutex_unlock(&helper->lock);
}

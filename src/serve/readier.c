#include "serve/readier.h"

#include <pthread.h>
#include <stdatomic.h>

#include <glib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "view/view.h"

#define LOOK_MS 500 /* how often the pointer is looked at */

struct readier {
    const struct context *context;
    struct view *view; /* the thread's */
    bool running;
    pthread_t thread;
    pthread_mutex_t lock; /* a leaf */
    pthread_cond_t wake;
    bool ending;
    _Atomic int64_t ready; /* 0: none yet */
};

int64_t readier_generation(const struct readier *readier, int64_t current)
{
    int64_t ready = atomic_load(&readier->ready);
    return ready > 0 && ready < current ? ready : current;
}

static void look(struct readier *readier, struct arena *arena)
{
    struct view_generation current;
    g_autoptr(GError) error = NULL;
    bool ok = view_current(readier->view, arena, &current, &error);
    if (ok && current.generation != atomic_load(&readier->ready)) {
        ok = view_prepare(readier->view, current.generation, &error);
        if (ok)
            atomic_store(&readier->ready, current.generation);
    }
    /* Another process may be at it, or the store away: the next look tells. */
    if (!ok)
        log_debug(readier->context->log, "serve", "the search isn't ready yet",
                  LOG_STR("why", error->message));
}

/* False at the end. */
static bool rest(struct readier *readier)
{
    struct timespec until = clock_deadline(LOOK_MS);
    pthread_mutex_lock(&readier->lock);
    int status = 0;
    while (!readier->ending && status == 0)
        status = pthread_cond_timedwait(&readier->wake, &readier->lock, &until);
    bool goes_on = !readier->ending;
    pthread_mutex_unlock(&readier->lock);
    return goes_on;
}

static void *readier_main(void *user)
{
    struct readier *readier = user;
    struct arena *arena = arena_new();
    do {
        look(readier, arena);
        arena_reset(arena);
    } while (rest(readier));
    arena_free(arena);
    return NULL;
}

struct readier *readier_start(const struct context *context, GError **error)
{
    struct readier *readier = g_new0(struct readier, 1);
    readier->context = context;
    pthread_mutex_init(&readier->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&readier->wake, &attr);
    pthread_condattr_destroy(&attr);
    readier->view = view_open(context, error);
    if (!readier->view) {
        readier_stop(readier);
        return NULL;
    }
    if (!view_prepares(readier->view)) {
        view_close(readier->view);
        readier->view = NULL;
        return readier;
    }
    if (pthread_create(&readier->thread, NULL, readier_main, readier) != 0) {
        error_set(error, FAILED,
                  "no thread can be started for the search: raise the limit of processes");
        readier_stop(readier);
        return NULL;
    }
    readier->running = true;
    return readier;
}

void readier_stop(struct readier *readier)
{
    if (!readier)
        return;
    pthread_mutex_lock(&readier->lock);
    readier->ending = true;
    pthread_cond_signal(&readier->wake);
    pthread_mutex_unlock(&readier->lock);
    if (readier->running)
        pthread_join(readier->thread, NULL);
    view_close(readier->view);
    pthread_cond_destroy(&readier->wake);
    pthread_mutex_destroy(&readier->lock);
    g_free(readier);
}

#include "cli/stages.h"

#include <pthread.h>

#include "base/log.h"
#include "base/stop.h"

#define BACKOFF_MS_FIRST 500
#define BACKOFF_MS_MAX   30000

const struct stage *stage_find(const char *name)
{
    for (const struct stage *stage = stages; stage->name; stage++)
        if (g_str_equal(stage->name, name))
            return stage;
    return NULL;
}

struct stage_thread {
    const struct context *context;
    const char *const *settings;
    const struct stage *stage;
    pthread_t thread;
    GError *error;
};

static bool run_stage(struct stage_thread *self)
{
    return self->stage->run
               ? self->stage->run(self->context, &self->error)
               : self->stage->run_with_children(self->context, self->settings, &self->error);
}

/* A server that is away (the brokers, the registry, a store) when a stage starts: it waits and says
 * so. What is away later each stage knows to wait for by itself, without losing what it holds. */
static bool run_until_possible(struct stage_thread *self)
{
    int64_t backoff_ms = BACKOFF_MS_FIRST;
    while (!run_stage(self)) {
        if (!error_is(self->error, AGAIN))
            return false;
        log_warn(self->context->log, self->stage->name, "not possible now; trying again",
                 LOG_STR("error", self->error->message), LOG_INT("wait_ms", backoff_ms));
        g_clear_error(&self->error);
        stop_wait_ms(self->context->stop, backoff_ms);
        if (stop_requested(self->context->stop))
            return true;
        backoff_ms = MIN(2 * backoff_ms, BACKOFF_MS_MAX);
    }
    return true;
}

static void *stage_main(void *data)
{
    struct stage_thread *self = data;
    pthread_setname_np(pthread_self(), self->stage->name);
    bool done = run_until_possible(self);
    if (!done)
        log_error(self->context->log, self->stage->name, "ended",
                  LOG_STR("error", self->error ? self->error->message : NULL));
    /* One that ends by itself takes the others along: half a pipeline that looks alive is worse
     * than none. */
    stop_request(self->context->stop);
    return NULL;
}

bool stages_run(const struct context *context,
                const char *const *settings,
                const struct stage *const *wanted,
                size_t count,
                GError **error)
{
    g_autofree struct stage_thread *threads = g_new0(struct stage_thread, count);
    for (size_t i = 0; i < count; i++) {
        threads[i] =
            (struct stage_thread){.context = context, .settings = settings, .stage = wanted[i]};
        if (pthread_create(&threads[i].thread, NULL, stage_main, &threads[i]) != 0)
            g_error("no thread can be started for %s: raise the limit of processes (ulimit -u)",
                    wanted[i]->name);
    }
    bool done = true;
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i].thread, NULL);
        if (!threads[i].error)
            continue;
        if (done)
            g_propagate_prefixed_error(error, threads[i].error, "%s: ", wanted[i]->name);
        else
            g_error_free(threads[i].error);
        done = false;
    }
    return done;
}

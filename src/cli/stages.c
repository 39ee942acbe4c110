#include "cli/stages.h"

#include <pthread.h>

#include "base/log.h"
#include "base/stop.h"

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

static void *stage_main(void *data)
{
    struct stage_thread *self = data;
    pthread_setname_np(pthread_self(), self->stage->name);
    bool done = self->stage->run
                    ? self->stage->run(self->context, &self->error)
                    : self->stage->run_with_children(self->context, self->settings, &self->error);
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

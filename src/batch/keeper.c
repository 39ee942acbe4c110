#include "batch/keeper.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "view/view.h"

#define TICK_MS          100
#define RENEWALS_PER_TTL 4

struct keeper {
    const struct context *context;
    struct engine *engine;
    struct view *view;
    int64_t epoch, ttl_ms;
    atomic_bool ended, fenced;
    pthread_t thread;
};

/* ttl_ms is world time; what passes here is real time. */
static int64_t renewal_interval_ms(const struct keeper *keeper)
{
    double speed = clock_speed(keeper->context->clock);
    int64_t real_ms = speed > 0 ? (int64_t)((double)keeper->ttl_ms / speed) : keeper->ttl_ms;
    return MAX(real_ms / RENEWALS_PER_TTL, 1);
}

static void renew(struct keeper *keeper)
{
    g_autoptr(GError) error = NULL;
    if (view_lease_renew(keeper->view, "batch", keeper->epoch, keeper->ttl_ms, &error))
        return;
    if (error_is(error, FENCED))
        atomic_store(&keeper->fenced, true);
    log_warn(keeper->context->log, "batch", "the lease was not renewed",
             LOG_STR("error", error->message));
}

static void *keep(void *user)
{
    struct keeper *keeper = user;
    int64_t interval_ms = renewal_interval_ms(keeper);
    int64_t next_ms = clock_monotonic_us(keeper->context->clock) / 1000 + interval_ms;
    struct stop *pause = stop_new(); /* nobody requests it: a wait that real time ends */
    while (!atomic_load(&keeper->ended)) {
        bool wanted = keeper->context->stop && stop_requested(keeper->context->stop);
        if (wanted || atomic_load(&keeper->fenced))
            engine_interrupt(keeper->engine);
        else if (clock_monotonic_us(keeper->context->clock) / 1000 >= next_ms) {
            renew(keeper);
            next_ms += interval_ms;
        }
        stop_wait_ms(pause, MIN(TICK_MS, interval_ms));
    }
    stop_free(pause);
    return NULL;
}

struct keeper *keeper_start(const struct context *context,
                            struct engine *engine,
                            int64_t lease_epoch,
                            int64_t ttl_ms,
                            GError **error)
{
    struct view *view = view_open(context, error);
    if (!view)
        return NULL;
    struct keeper *keeper = g_new0(struct keeper, 1);
    keeper->context = context;
    keeper->engine = engine;
    keeper->view = view;
    keeper->epoch = lease_epoch;
    keeper->ttl_ms = ttl_ms;
    if (pthread_create(&keeper->thread, NULL, keep, keeper) != 0) {
        error_set(error, FAILED, "batch: no thread for the lease");
        view_close(view);
        g_free(keeper);
        return NULL;
    }
    return keeper;
}

void keeper_stop(struct keeper *keeper)
{
    if (!keeper)
        return;
    atomic_store(&keeper->ended, true);
    pthread_join(keeper->thread, NULL);
    view_close(keeper->view);
    g_free(keeper);
}

bool keeper_fenced(const struct keeper *keeper)
{
    return atomic_load(&((struct keeper *)keeper)->fenced);
}

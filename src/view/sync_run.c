/* The stage around sync.c: lease, rhythm, errors. */
#include "view/sync.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "view/view.h"

/* Real time. The feed is asked this often: an empty answer costs some microseconds, and a stream
 * commit becomes visible within it. */
#define SYNC_POLL_MS     200
#define SYNC_POLL_MIN_MS 10
#define SYNC_SWEEP_MS    1000
/* A sync that died is replaced after this; renewed at a third of it. */
#define SYNC_LEASE_MS       3000
#define SYNC_BACKOFF_MS     200
#define SYNC_BACKOFF_MAX_MS 5000

struct stage {
    const struct context *context;
    struct view *view; /* for the lease */
    struct sync *sync;
    struct view_lease lease;
    char *owner;
    bool leads;
    bool stands_by;               /* another one leads, as far as is known */
    int64_t renewed_ms, swept_ms; /* monotonic */
};

/* Leases end by the world's time, which a demo runs faster. */
static int64_t world_ms(const struct stage *stage, int64_t real_ms)
{
    double speed = clock_speed(stage->context->clock);
    return speed > 1 ? (int64_t)((double)real_ms * speed) : real_ms;
}

/* Sync's interval is world time: at a fast clock it may be shorter than the poll. */
static int64_t poll_ms(const struct stage *stage)
{
    double speed = clock_speed(stage->context->clock);
    double interval_ms = (double)stage->context->config->sync_interval_ms / (speed > 0 ? speed : 1);
    return (int64_t)CLAMP(interval_ms, SYNC_POLL_MIN_MS, SYNC_POLL_MS);
}

/* ret: whether this stage is the one that copies. */
static bool keep_lease(struct stage *stage, GError **error)
{
    int64_t now_ms = clock_monotonic_ms(stage->context->clock);
    if (stage->leads && now_ms - stage->renewed_ms < SYNC_LEASE_MS / 3)
        return true;
    GError *failure = NULL;
    bool led = stage->leads;
    stage->leads = view_lease_acquire(stage->view, "sync", stage->owner,
                                      world_ms(stage, SYNC_LEASE_MS), &stage->lease, &failure);
    if (stage->leads) {
        stage->renewed_ms = now_ms;
        stage->stands_by = false;
        if (!led)
            log_info(stage->context->log, "sync", "leads", LOG_INT("epoch", stage->lease.epoch));
        return true;
    }
    if (error_is(failure, CONFLICT)) {
        if (led)
            log_warn(stage->context->log, "sync", "stands by", LOG_STR("why", failure->message));
        g_clear_error(&failure);
        stage->stands_by = true;
        return true;
    }
    g_propagate_error(error, failure);
    return false;
}

/* It also grows while nobody answers; only who stands by measures nothing. */
static void tell_lag(const struct stage *stage)
{
    double lag_s = !stage->stands_by ? (double)sync_lag_ms(stage->sync) / (double)MS_PER_SECOND : 0;
    metrics_set(stage->context->metrics, METRIC_SYNC_LAG_SECONDS, NULL, lag_s);
}

/* Copies until the views equal the store, sweeps now and then. */
static bool turn(struct stage *stage, GError **error)
{
    size_t keys = (size_t)stage->context->config->sync_batch_rows;
    while (keys == (size_t)stage->context->config->sync_batch_rows &&
           !stop_requested(stage->context->stop)) {
        if (!keep_lease(stage, error))
            return false;
        if (!stage->leads)
            return true;
        if (!sync_step(stage->sync, &keys, error))
            return false;
    }
    int64_t now_ms = clock_monotonic_ms(stage->context->clock);
    if (now_ms - stage->swept_ms < SYNC_SWEEP_MS)
        return true;
    stage->swept_ms = now_ms;
    return sync_sweep(stage->sync, error);
}

/* AGAIN and CONFLICT are waited out, with growing pauses. */
static bool loop(struct stage *stage, GError **error)
{
    int64_t backoff_ms = SYNC_BACKOFF_MS;
    while (!stop_requested(stage->context->stop)) {
        GError *failure = NULL;
        int64_t wait_ms = poll_ms(stage);
        if (turn(stage, &failure)) {
            backoff_ms = SYNC_BACKOFF_MS;
        } else if (error_is(failure, AGAIN) || error_is(failure, CONFLICT)) {
            log_warn(stage->context->log, "sync", "waits", LOG_STR("why", failure->message),
                     LOG_INT("wait_ms", backoff_ms));
            g_clear_error(&failure);
            wait_ms = backoff_ms;
            backoff_ms = MIN(backoff_ms * 2, SYNC_BACKOFF_MAX_MS);
        } else {
            g_propagate_prefixed_error(error, failure, "sync: ");
            return false;
        }
        tell_lag(stage);
        stop_wait_ms(stage->context->stop, wait_ms);
    }
    return true;
}

bool sync_run(const struct context *context, GError **error)
{
    struct stage stage = {.context = context, .swept_ms = INT64_MIN / 2};
    stage.owner = g_strdup_printf("%s:%ld:%08x", g_get_host_name(), (long)getpid(), g_random_int());
    stage.view = view_open(context, error);
    stage.sync = stage.view ? sync_open(context, error) : NULL;
    bool ok = stage.sync && loop(&stage, error);
    if (stage.leads && !view_lease_release(stage.view, "sync", stage.lease.epoch, NULL))
        log_debug(context->log, "sync", "the lease was lost before the end");
    sync_close(stage.sync);
    view_close(stage.view);
    g_free(stage.owner);
    return ok;
}

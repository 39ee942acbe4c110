/* The live stage: leads by lease, asks, publishes, until it shall stop. */
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/stop.h"
#include "ingest/ingest.h"
#include "ingest/ingest_internal.h"
#include "view/view.h"

/* Monotonic times. */
#define FLUSH_INTERVAL_MS 500
#define FLUSH_BACKOFF_MS  2000 /* after a flush that has to be repeated */
#define OPEN_BACKOFF_MS   2000 /* after a start that has to be repeated */
#define IDLE_WAIT_MS      100  /* nothing is due and nothing under way */
#define SWEEP_INTERVAL_MS (10 * MS_PER_MINUTE)
#define LEASE_MS          INT64_C(30000) /* after which a leader that doesn't renew is replaced */
#define LEASE_RETRY_MS    1000           /* after a renewal that has to be repeated */

struct stage {
    const struct context *context;
    struct view *view;
    struct view_lease lease;
    char *owner;
    bool leads;
    int64_t lease_until_ms; /* after that another process may lead */
    int64_t renew_at_ms, flush_at_ms, sweep_at_ms;
    bool flush_fails; /* said */
    struct ingest *ingest;
};

static int64_t monotonic_ms(const struct stage *stage)
{
    return clock_monotonic_ms(stage->context->clock);
}

/* Leases are in world time; a scaled clock would end them too soon. */
static int64_t lease_ttl_ms(const struct context *context)
{
    return (int64_t)((double)LEASE_MS * MAX(1.0, clock_speed(context->clock)));
}

static void lease_renewed(struct stage *stage, int64_t asked_at_ms)
{
    stage->lease_until_ms = asked_at_ms + LEASE_MS;
    stage->renew_at_ms = asked_at_ms + LEASE_MS / 3;
}

/* Waits until this process leads; false when it shall stop, or with an error. */
static bool stage_lead(struct stage *stage, GError **error)
{
    bool said = false;
    while (!stop_requested(stage->context->stop)) {
        g_autoptr(GError) lease_error = NULL;
        int64_t asked_at_ms = monotonic_ms(stage);
        stage->leads =
            view_lease_acquire(stage->view, "ingest", stage->owner, lease_ttl_ms(stage->context),
                               &stage->lease, &lease_error);
        if (stage->leads) {
            lease_renewed(stage, asked_at_ms);
            return true;
        }
        if (!error_is(lease_error, CONFLICT) && !error_is(lease_error, AGAIN)) {
            g_propagate_error(error, g_steal_pointer(&lease_error));
            return false;
        }
        if (!said)
            log_info(stage->context->log, "ingest", "waiting: another process leads",
                     LOG_STR("why", lease_error->message));
        said = true;
        stop_wait_ms(stage->context->stop, LEASE_MS / 10);
    }
    return false;
}

/* True while this process leads, or may again in a moment. */
static bool stage_renew(struct stage *stage, GError **error)
{
    int64_t now_ms = monotonic_ms(stage);
    if (now_ms < stage->renew_at_ms)
        return true;
    g_autoptr(GError) renew_error = NULL;
    if (view_lease_renew(stage->view, "ingest", stage->lease.epoch, lease_ttl_ms(stage->context),
                         &renew_error)) {
        if (now_ms >= stage->lease_until_ms)
            log_info(stage->context->log, "ingest", "the lease is renewed; asking again");
        lease_renewed(stage, now_ms);
        return true;
    }
    if (!error_is(renew_error, AGAIN)) {
        stage->leads = !error_is(renew_error, FENCED);
        g_propagate_prefixed_error(error, g_steal_pointer(&renew_error),
                                   "the ingest lease is lost, another process asks TMDB now; this "
                                   "one stops: ");
        return false;
    }
    bool over = now_ms + LEASE_RETRY_MS >= stage->lease_until_ms &&
                stage->renew_at_ms < stage->lease_until_ms;
    stage->renew_at_ms = now_ms + LEASE_RETRY_MS;
    if (over)
        log_warn(stage->context->log, "ingest",
                 "the lease can't be renewed: asking nothing until it can",
                 LOG_STR("error", renew_error->message));
    return true;
}

static bool stage_holds_lease(const struct stage *stage)
{
    return monotonic_ms(stage) < stage->lease_until_ms;
}

static bool stage_flush(struct stage *stage, GError **error)
{
    const struct context *context = stage->context;
    struct ingest *ingest = stage->ingest;
    int64_t now_ms = monotonic_ms(stage);
    if (now_ms < stage->flush_at_ms || !stage_holds_lease(stage))
        return true;
    stage->flush_at_ms = now_ms + FLUSH_INTERVAL_MS;
    g_autoptr(GError) flush_error = NULL;
    if (ingest_flush(ingest, &flush_error)) {
        if (stage->flush_fails)
            log_info(context->log, "ingest", "publishing again");
        stage->flush_fails = false;
        return true;
    }
    if (!error_is(flush_error, AGAIN)) {
        g_propagate_error(error, g_steal_pointer(&flush_error));
        return false;
    }
    stage->flush_at_ms = now_ms + FLUSH_BACKOFF_MS;
    if (!stage->flush_fails)
        log_warn(context->log, "ingest", "can't publish now; nothing is lost, trying again",
                 LOG_STR("error", flush_error->message),
                 LOG_INT("records", publisher_pending_records(ingest->publisher)));
    stage->flush_fails = true;
    return true;
}

static bool stage_sweep(struct stage *stage, GError **error)
{
    int64_t now_ms = monotonic_ms(stage);
    if (now_ms < stage->sweep_at_ms)
        return true;
    stage->sweep_at_ms = now_ms + SWEEP_INTERVAL_MS;
    g_autoptr(GError) sweep_error = NULL;
    if (ingest_sweep(stage->ingest, &sweep_error) || error_is(sweep_error, AGAIN))
        return true;
    g_propagate_error(error, g_steal_pointer(&sweep_error));
    return false;
}

static bool stage_step(struct stage *stage, GError **error)
{
    struct ingest *ingest = stage->ingest;
    bool asked = stage_holds_lease(stage) && ingest_ask(ingest);
    if (tmdb_client_pending(ingest->client))
        tmdb_client_run(ingest->client, IDLE_WAIT_MS);
    else if (!asked)
        stop_wait_ms(stage->context->stop, IDLE_WAIT_MS);
    if (ingest->fatal) {
        g_propagate_error(error, g_steal_pointer(&ingest->fatal));
        return false;
    }
    return stage_renew(stage, error) && stage_flush(stage, error) && stage_sweep(stage, error);
}

static bool stage_loop(struct stage *stage, GError **error)
{
    while (!stop_requested(stage->context->stop))
        if (!stage_step(stage, error))
            return false;
    if (!stage_holds_lease(stage))
        return true; /* what is pending is asked for again by whoever leads */
    if (ingest_flush(stage->ingest, error) && raw_store_flush(stage->ingest->raw_store, error))
        return true;
    g_prefix_error(error, "at the end (what was not published is asked for again at the next "
                          "start): ");
    return false;
}

/* The budget is in world time, so that a demo's hour is worth an hour's requests. */
static double rate_per_real_s(const struct context *context)
{
    double speed = clock_speed(context->clock);
    return context->config->ingest_rate_per_s * (speed > 0 ? speed : 1);
}

/* NULL without error when it shall stop. A store that is locked at the start is waited for. */
static struct ingest *stage_open(const struct context *context, GError **error)
{
    bool said = false;
    while (!stop_requested(context->stop)) {
        g_autoptr(GError) open_error = NULL;
        struct ingest *ingest =
            ingest_open(context, context, rate_per_real_s(context), &open_error);
        if (ingest)
            return ingest;
        if (!error_is(open_error, AGAIN)) {
            g_propagate_error(error, g_steal_pointer(&open_error));
            return NULL;
        }
        if (!said)
            log_warn(context->log, "ingest", "waiting: a store can't be opened yet",
                     LOG_STR("error", open_error->message));
        said = true;
        stop_wait_ms(context->stop, OPEN_BACKOFF_MS);
    }
    return NULL;
}

static void stage_close(struct stage *stage)
{
    ingest_close(stage->ingest);
    g_autoptr(GError) error = NULL;
    if (stage->leads && !view_lease_release(stage->view, "ingest", stage->lease.epoch, &error))
        log_debug(stage->context->log, "ingest", "the lease was not given back",
                  LOG_STR("error", error->message));
    view_close(stage->view);
    g_free(stage->owner);
}

bool ingest_run(const struct context *context, GError **error)
{
    /* Two containers may have the same host name and the same process id. */
    g_autofree char *unique = g_uuid_string_random();
    struct stage stage = {
        .context = context,
        .owner = g_strdup_printf("%s:%d:%s", g_get_host_name(), (int)getpid(), unique)};
    bool done = false;
    if ((stage.view = view_open(context, error)) && stage_lead(&stage, error) &&
        (stage.ingest = stage_open(context, error)))
        done = stage_loop(&stage, error);
    else
        done = stop_requested(context->stop) && (!error || !*error);
    stage_close(&stage);
    return done;
}

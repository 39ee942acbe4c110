/* The live stage: leads by lease, learns the movies, steps until it shall stop. */
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/stop.h"
#include "events/epoch.h"
#include "events/events.h"
#include "events/movie_source.h"
#include "view/view.h"

#define STAGE "events"

/* Monotonic times. */
#define IDLE_WAIT_MS      100
#define BACKOFF_MS_FIRST  INT64_C(50)
#define BACKOFF_MS_MAX    INT64_C(5000)
#define MOVIES_RETRY_MS   1000  /* while none is known */
#define MOVIES_REFRESH_MS 60000 /* a batch may have ranked them anew */
#define LEASE_MS          INT64_C(10000)

struct stage {
    const struct context *context;
    struct bus *bus;
    struct registry *registry;
    struct serde *serde;
    struct view *view;
    struct movie_source *movies;
    struct events *events;
    char *lease_name, *owner;
    struct view_lease lease;
    bool leads, waits_for_movies;
    int64_t lease_until_ms, renew_at_ms, refresh_at_ms, backoff_ms;
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

/* Waits until no other process publishes under this name; false when it shall stop, or with an
 * error. */
static bool stage_lead(struct stage *stage, GError **error)
{
    for (bool said = false; !stop_requested(stage->context->stop); said = true) {
        g_autoptr(GError) why = NULL;
        int64_t asked_at_ms = monotonic_ms(stage);
        stage->leads = view_lease_acquire(stage->view, stage->lease_name, stage->owner,
                                          lease_ttl_ms(stage->context), &stage->lease, &why);
        if (stage->leads) {
            lease_renewed(stage, asked_at_ms);
            return true;
        }
        if (!error_is(why, CONFLICT) && !error_is(why, AGAIN)) {
            g_propagate_error(error, g_steal_pointer(&why));
            return false;
        }
        if (!said)
            log_warn(stage->context->log, STAGE,
                     "waiting: another process makes the events of this producer; "
                     "events.producer gives this one a name of its own",
                     LOG_STR("why", why->message));
        stop_wait_ms(stage->context->stop, LEASE_MS / 10);
    }
    return false;
}

static bool stage_renew(struct stage *stage, GError **error)
{
    int64_t now_ms = monotonic_ms(stage);
    if (now_ms < stage->renew_at_ms)
        return true;
    g_autoptr(GError) why = NULL;
    if (view_lease_renew(stage->view, stage->lease_name, stage->lease.epoch,
                         lease_ttl_ms(stage->context), &why)) {
        lease_renewed(stage, now_ms);
        return true;
    }
    if (error_is(why, AGAIN)) { /* nothing is published once the lease may be another's */
        stage->renew_at_ms = now_ms + BACKOFF_MS_MAX;
        log_warn(stage->context->log, STAGE, "the lease can't be renewed now",
                 LOG_STR("error", why->message));
        return true;
    }
    stage->leads = !error_is(why, FENCED);
    g_propagate_prefixed_error(error, g_steal_pointer(&why),
                               "the lease is lost, another process makes these events now; this "
                               "one stops: ");
    return false;
}

static bool stage_holds_lease(const struct stage *stage)
{
    return monotonic_ms(stage) < stage->lease_until_ms;
}

/* What can't be read now is read later: users go on with the movies they know. */
static bool stage_refresh(struct stage *stage, GError **error)
{
    const struct context *context = stage->context;
    int64_t now_ms = monotonic_ms(stage);
    if (now_ms < stage->refresh_at_ms)
        return true;
    g_autoptr(GError) why = NULL;
    struct catalogue *catalogue = NULL;
    if (!movie_source_read(stage->movies, &catalogue, &why) && !error_is(why, AGAIN)) {
        g_propagate_prefixed_error(error, g_steal_pointer(&why), "the movies: ");
        return false;
    }
    stage->refresh_at_ms = now_ms + (catalogue ? MOVIES_REFRESH_MS : MOVIES_RETRY_MS);
    if (catalogue) {
        stage->waits_for_movies = false;
        events_set_catalogue(stage->events, catalogue);
    } else if (!stage->waits_for_movies) {
        stage->waits_for_movies = true;
        log_info(context->log, STAGE, "waiting for movies: no batch view and no rating yet",
                 LOG_STR("error", why ? why->message : NULL));
    }
    return true;
}

static bool stage_step(struct stage *stage, GError **error)
{
    const struct context *context = stage->context;
    if (!stage_renew(stage, error))
        return false;
    if (!stage_holds_lease(stage)) {
        stop_wait_ms(context->stop, IDLE_WAIT_MS);
        return true;
    }
    if (!stage_refresh(stage, error))
        return false;
    g_autoptr(GError) why = NULL;
    bool idle = false;
    if (events_step(stage->events, &idle, &why)) {
        stage->backoff_ms = BACKOFF_MS_FIRST;
        if (idle)
            stop_wait_ms(context->stop, IDLE_WAIT_MS);
        return true;
    }
    if (!error_is(why, AGAIN)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    log_warn(context->log, STAGE, "can't publish now; trying again", LOG_STR("error", why->message),
             LOG_INT("wait_ms", stage->backoff_ms));
    stop_wait_ms(context->stop, stage->backoff_ms);
    stage->backoff_ms = MIN(2 * stage->backoff_ms, BACKOFF_MS_MAX);
    return true;
}

/* Everything that needs no lease. */
static bool stage_open(struct stage *stage, GError **error)
{
    const struct context *context = stage->context;
    if (!(stage->view = view_open(context, error)) || !(stage->bus = bus_open(context, error)) ||
        !(stage->registry = registry_open(context, error)) ||
        !(stage->serde = serde_new(stage->registry, error)))
        return false;
    stage->movies = movie_source_new(context, stage->view, stage->bus, stage->serde);
    return true;
}

static void stage_close(struct stage *stage)
{
    events_close(stage->events);
    movie_source_free(stage->movies);
    serde_free(stage->serde);
    registry_close(stage->registry);
    bus_close(stage->bus);
    g_autoptr(GError) error = NULL;
    if (stage->leads &&
        !view_lease_release(stage->view, stage->lease_name, stage->lease.epoch, &error))
        log_debug(stage->context->log, STAGE, "the lease was not given back",
                  LOG_STR("error", error->message));
    view_close(stage->view);
    g_free(stage->lease_name);
    g_free(stage->owner);
}

static bool stage_loop(struct stage *stage, GError **error)
{
    const struct context *context = stage->context;
    g_autofree char *path = config_path(context->config, "events.db");
    int64_t epoch;
    if (!epoch_take(path, context->config->events_producer, clock_now_ms(context->clock), &epoch,
                    error) ||
        !(stage->events = events_open(context, stage->bus, stage->serde, epoch, error)))
        return false;
    log_info(context->log, STAGE, "started", LOG_STR("producer", context->config->events_producer),
             LOG_INT("epoch", epoch), LOG_NUM("rate_per_s", context->config->events_rate_per_s));
    while (!stop_requested(context->stop))
        if (!stage_step(stage, error))
            return false;
    g_autoptr(GError) why = NULL;
    if (stage_holds_lease(stage) && !events_flush(stage->events, &why))
        log_warn(context->log, STAGE, "the last batch of made-up events was not published",
                 LOG_STR("error", why->message));
    return true;
}

bool events_wanted(const struct config *config)
{
    return config->events_rate_per_s > 0;
}

bool events_run(const struct context *context, GError **error)
{
    if (!events_wanted(context->config)) {
        error_set(error, CONFIG,
                  "events.rate_per_s: expected a number above 0, found 0: nothing would be made");
        return false;
    }
    /* Two containers may have the same host name and the same process id. */
    g_autofree char *unique = g_uuid_string_random();
    struct stage stage = {
        .context = context,
        .lease_name = g_strdup_printf("events:%s", context->config->events_producer),
        .owner = g_strdup_printf("%s:%d:%s", g_get_host_name(), (int)getpid(), unique),
        .backoff_ms = BACKOFF_MS_FIRST,
    };
    bool done = false;
    if (stage_open(&stage, error)) {
        if (stage_lead(&stage, error))
            done = stage_loop(&stage, error);
        else
            done = stop_requested(context->stop) && (!error || !*error);
    }
    stage_close(&stage);
    return done;
}

/* The stage loop: it alone decides what an error means. AGAIN backs off, anything else stops the
 * stage. */
#include "stream/stream.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/stop.h"
#include "bus/bus.h"

#define STAGE            "stream"
#define BACKOFF_MS_FIRST INT64_C(50)
#define BACKOFF_MS_MAX   INT64_C(5000)

static void
log_counts(const struct context *context, const struct stream *stream, const char *message)
{
    struct stream_counts counts;
    stream_counts(stream, NULL, &counts);
    log_info(context->log, STAGE, message, LOG_INT("used", counts.classes[RECORD_USED]),
             LOG_INT("duplicate", counts.classes[RECORD_DUPLICATE]),
             LOG_INT("expired", counts.classes[RECORD_EXPIRED]),
             LOG_INT("bad", counts.classes[RECORD_BAD]), LOG_INT("late", counts.late));
}

/* Steps until the wish to stop. */
static bool step_until_stop(const struct context *context, struct stream *stream, GError **error)
{
    int64_t backoff_ms = BACKOFF_MS_FIRST;
    while (!stop_requested(context->stop)) {
        g_autoptr(GError) why = NULL;
        bool idle = false;
        if (stream_step(stream, &idle, &why)) {
            backoff_ms = BACKOFF_MS_FIRST;
            if (idle)
                stop_wait_ms(context->stop, context->config->stream_poll_interval_ms);
            continue;
        }
        if (!error_is(why, AGAIN)) {
            g_propagate_error(error, g_steal_pointer(&why));
            return false;
        }
        log_warn(context->log, STAGE, "try again", LOG_STR("error", why->message),
                 LOG_INT("wait_ms", backoff_ms));
        stop_wait_ms(context->stop, backoff_ms);
        backoff_ms = MIN(2 * backoff_ms, BACKOFF_MS_MAX);
    }
    /* What can't be committed now is read again at the next start. */
    g_autoptr(GError) why = NULL;
    if (stream_commit(stream, &why))
        return true;
    if (error_is(why, AGAIN)) {
        log_warn(context->log, STAGE, "stopped without a last commit",
                 LOG_STR("error", why->message));
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static bool
run_on(const struct context *context, struct bus *bus, struct registry *registry, GError **error)
{
    struct serde *serde = serde_new(registry, error);
    struct stream *stream = serde ? stream_open(context, bus, serde, error) : NULL;
    bool done = false;
    if (stream) {
        log_counts(context, stream, "started");
        done = step_until_stop(context, stream, error);
        if (done)
            log_counts(context, stream, "stopped");
    }
    stream_close(stream);
    serde_free(serde);
    return done;
}

bool stream_run(const struct context *context, GError **error)
{
    struct bus *bus = bus_open(context, error);
    struct registry *registry = bus ? registry_open(context, error) : NULL;
    bool done = registry && run_on(context, bus, registry, error);
    registry_close(registry);
    bus_close(bus);
    return done;
}

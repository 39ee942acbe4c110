/* The stage loop: it alone decides what an error means. AGAIN backs off, anything else stops the
 * stage. Which engine runs is the bus' doing: on Kafka the one that shares tasks with other
 * processes, else the embedded one. */
#include "stream/stream.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/stop.h"
#include "bus/bus.h"
#include "stream/mend.h"
#include "stream/stream_cluster.h"

#define STAGE            "stream"
#define BACKOFF_MS_FIRST INT64_C(50)
#define BACKOFF_MS_MAX   INT64_C(5000)

/* One of the two. */
struct engine {
    struct stream *stream;
    struct stream_cluster *cluster;
};

static bool engine_open(struct engine *engine,
                        const struct context *context,
                        struct bus *bus,
                        struct serde *serde,
                        GError **error)
{
    if (strcmp(context->config->bus_backend, "kafka") == 0)
        engine->cluster = stream_cluster_open(context, bus, serde, NULL, error);
    else
        engine->stream = stream_open(context, bus, serde, error);
    return engine->cluster || engine->stream;
}

static void engine_close(struct engine *engine)
{
    stream_cluster_close(engine->cluster);
    stream_close(engine->stream);
}

static bool engine_step(struct engine *engine, bool *ret_idle, GError **error)
{
    return engine->cluster ? stream_cluster_step(engine->cluster, ret_idle, error)
                           : stream_step(engine->stream, ret_idle, error);
}

static bool engine_commit(struct engine *engine, GError **error)
{
    return engine->cluster ? stream_cluster_commit(engine->cluster, error)
                           : stream_commit(engine->stream, error);
}

static bool engine_caught_up(const struct engine *engine)
{
    return engine->cluster ? stream_cluster_caught_up(engine->cluster)
                           : stream_caught_up(engine->stream);
}

static void
log_counts(const struct context *context, const struct engine *engine, const char *message)
{
    struct stream_counts counts;
    if (engine->cluster)
        stream_cluster_counts(engine->cluster, NULL, &counts);
    else
        stream_counts(engine->stream, NULL, &counts);
    log_info(context->log, STAGE, message, LOG_INT("used", counts.classes[RECORD_USED]),
             LOG_INT("duplicate", counts.classes[RECORD_DUPLICATE]),
             LOG_INT("expired", counts.classes[RECORD_EXPIRED]),
             LOG_INT("bad", counts.classes[RECORD_BAD]), LOG_INT("late", counts.late));
}

/* CONFLICT: the group gave the tasks to others; the engine joins again. */
static bool mends(const GError *why)
{
    return error_is(why, AGAIN) || error_is(why, CONFLICT);
}

/* What can't be committed now is read again at the next start. */
static bool commit_last(const struct context *context, struct engine *engine, GError **error)
{
    g_autoptr(GError) why = NULL;
    if (engine_commit(engine, &why))
        return true;
    if (mends(why)) {
        log_warn(context->log, STAGE, "stopped without a last commit",
                 LOG_STR("error", why->message));
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

/* Steps until the wish to stop, or until all is read and committed. */
static bool
step_until_stop(const struct context *context, struct engine *engine, bool catch_up, GError **error)
{
    int64_t backoff_ms = BACKOFF_MS_FIRST;
    while (!stop_requested(context->stop)) {
        g_autoptr(GError) why = NULL;
        bool idle = false;
        if (engine_step(engine, &idle, &why)) {
            backoff_ms = BACKOFF_MS_FIRST;
            if (idle && catch_up && engine_caught_up(engine))
                break;
            if (idle)
                stop_wait_ms(context->stop, context->config->stream_poll_interval_ms);
            continue;
        }
        if (!mends(why)) {
            g_propagate_error(error, g_steal_pointer(&why));
            return false;
        }
        log_warn(context->log, STAGE, "try again", LOG_STR("error", why->message),
                 LOG_INT("wait_ms", backoff_ms));
        stop_wait_ms(context->stop, backoff_ms);
        backoff_ms = MIN(2 * backoff_ms, BACKOFF_MS_MAX);
    }
    return commit_last(context, engine, error);
}

static bool run_on(const struct context *context,
                   struct bus *bus,
                   struct registry *registry,
                   bool catch_up,
                   GError **error)
{
    struct serde *serde = serde_new(registry, error);
    struct engine engine = {0};
    bool done = false;
    if (serde && engine_open(&engine, context, bus, serde, error)) {
        log_counts(context, &engine, "started");
        done = step_until_stop(context, &engine, catch_up, error);
        if (done)
            log_counts(context, &engine, "stopped");
    }
    engine_close(&engine);
    serde_free(serde);
    return done;
}

/* BADDATA may be the engine's own state, which the log can make again. */
static bool run_and_mend(const struct context *context,
                         struct bus *bus,
                         struct registry *registry,
                         bool catch_up,
                         GError **error)
{
    for (int mended = 0;; mended++) {
        g_autoptr(GError) why = NULL;
        bool mends_now = false;
        if (run_on(context, bus, registry, catch_up, &why))
            return true;
        if (error_is(why, BADDATA) && mended < MEND_MAX &&
            strcmp(context->config->bus_backend, "kafka") != 0 &&
            !mend_state(context, &mends_now, error)) {
            g_prefix_error(error, "%s; and it can't be mended: ", why->message);
            return false;
        }
        if (!mends_now) {
            g_propagate_error(error, g_steal_pointer(&why));
            return false;
        }
    }
}

static bool run(const struct context *context, bool catch_up, GError **error)
{
    struct bus *bus = bus_open(context, error);
    struct registry *registry = bus ? registry_open(context, error) : NULL;
    bool done = registry && run_and_mend(context, bus, registry, catch_up, error);
    registry_close(registry);
    bus_close(bus);
    return done;
}

bool stream_run(const struct context *context, GError **error)
{
    return run(context, false, error);
}

bool stream_catch_up(const struct context *context, GError **error)
{
    return run(context, true, error);
}

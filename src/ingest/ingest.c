#include "ingest/ingest.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "ingest/ingest_internal.h"
#include "view/view.h"

#define FLUSH_INTERVAL_MS 500  /* monotonic */
#define FLUSH_BACKOFF_MS  2000 /* after a flush that has to be repeated */
#define IDLE_WAIT_MS      100  /* nothing is due and nothing under way */
#define LEASE_REAL_MS                                                                              \
    INT64_C(30000) /* real time after which a leader that doesn't renew is replaced */

static void review_clear(void *review)
{
    g_free(((struct published_review *)review)->review_id);
}

static struct planner_options planner_settings(const struct config *config)
{
    return (struct planner_options){
        .observe_interval_ms = config->ingest_observe_interval_ms,
        .list_interval_ms = config->ingest_list_interval_ms,
        .changes_interval_ms = config->ingest_changes_interval_ms,
        .list_pages = (int32_t)config->ingest_list_pages,
        .movies_max = (size_t)config->ingest_tracked_movies_max,
    };
}

static bool open_stores(struct ingest *ingest, GError **error)
{
    const struct context *context = ingest->context;
    return (ingest->registry = registry_open(context, error)) &&
           (ingest->serde = serde_new(ingest->registry, error)) &&
           (ingest->bus = bus_open(context, error)) && (ingest->lake = lake_open(context, error)) &&
           (ingest->raw_store = raw_store_open(context, ingest->lake)) &&
           (ingest->state = ingest_state_open(context, error)) &&
           ingest_state_load(ingest->state, ingest->planner, error);
}

static bool create_topics(struct ingest *ingest, GError **error)
{
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        if (!bus_create_topic(ingest->bus, topic_info((enum topic)topic)->name,
                              (int)ingest->context->config->bus_partitions, error))
            return false;
    return true;
}

struct ingest *ingest_open(const struct context *context,
                           const struct context *http_context,
                           double rate_per_s,
                           GError **error)
{
    struct ingest *ingest = g_new0(struct ingest, 1);
    struct planner_options options = planner_settings(context->config);
    ingest->context = context;
    ingest->planner = planner_new(&options);
    ingest->arena = arena_new();
    ingest->reviews = g_array_new(FALSE, FALSE, sizeof(struct published_review));
    g_array_set_clear_func(ingest->reviews, review_clear);
    ingest->review_versions = g_hash_table_new(g_str_hash, g_str_equal);
    if (!open_stores(ingest, error) || !create_topics(ingest, error) ||
        !(ingest->client =
              tmdb_client_new(http_context, rate_per_s, ingest_answered, ingest, error))) {
        ingest_close(ingest);
        return NULL;
    }
    ingest->publisher = publisher_new(context, ingest->bus, ingest->serde);
    return ingest;
}

void ingest_close(struct ingest *ingest)
{
    if (!ingest)
        return;
    tmdb_client_free(ingest->client);
    publisher_free(ingest->publisher);
    raw_store_close(ingest->raw_store);
    lake_close(ingest->lake);
    ingest_state_close(ingest->state);
    bus_close(ingest->bus);
    serde_free(ingest->serde);
    registry_close(ingest->registry);
    planner_free(ingest->planner);
    g_hash_table_unref(ingest->review_versions);
    g_array_unref(ingest->reviews);
    arena_free(ingest->arena);
    g_clear_error(&ingest->fatal);
    g_free(ingest);
}

bool ingest_ask(struct ingest *ingest)
{
    int64_t now_ms = clock_now_ms(ingest->context->clock);
    /* Few ahead of the wire, so that what becomes urgent meanwhile isn't behind a long queue. */
    size_t room = 2 * (size_t)ingest->context->config->ingest_concurrency;
    bool asked = false;
    struct ask ask;
    while (tmdb_client_pending(ingest->client) < room && !publisher_full(ingest->publisher) &&
           planner_next(ingest->planner, now_ms, &ask)) {
        g_autoptr(GError) error = NULL;
        if (!tmdb_client_ask(ingest->client, &ask, &error)) {
            planner_done(ingest->planner, &ask, true, now_ms);
            break;
        }
        asked = true;
    }
    return asked;
}

bool ingest_flush(struct ingest *ingest, GError **error)
{
    if (!publisher_flush(ingest->publisher, error))
        return false;
    const struct published_review *reviews =
        (const struct published_review *)(const void *)ingest->reviews->data;
    if (!ingest_state_save(ingest->state, ingest->planner, reviews, ingest->reviews->len, error))
        return false;
    g_hash_table_remove_all(ingest->review_versions);
    g_array_set_size(ingest->reviews, 0);
    metrics_set(ingest->context->metrics, METRIC_INGEST_TRACKED, NULL,
                (double)planner_tracked(ingest->planner));
    return true;
}

/* ---- the stage ---- */

struct stage {
    const struct context *context;
    struct view *view;
    struct view_lease lease;
    char *owner;
    int64_t renew_at_ms, flush_at_ms; /* monotonic */
    struct ingest *ingest;
};

/* Leases are in world time; a scaled clock would end them too soon. */
static int64_t lease_ttl_ms(const struct context *context)
{
    return (int64_t)((double)LEASE_REAL_MS * MAX(1.0, clock_speed(context->clock)));
}

/* Waits until this process leads; false when it shall stop, or with an error. */
static bool stage_lead(struct stage *stage, GError **error)
{
    bool said = false;
    while (!stop_requested(stage->context->stop)) {
        g_autoptr(GError) lease_error = NULL;
        if (view_lease_acquire(stage->view, "ingest", stage->owner, lease_ttl_ms(stage->context),
                               &stage->lease, &lease_error)) {
            stage->renew_at_ms = clock_monotonic_ms(stage->context->clock) + LEASE_REAL_MS / 3;
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
        stop_wait_ms(stage->context->stop, LEASE_REAL_MS / 10);
    }
    return false;
}

static bool stage_renew(struct stage *stage, GError **error)
{
    int64_t now_ms = clock_monotonic_ms(stage->context->clock);
    if (now_ms < stage->renew_at_ms)
        return true;
    g_autoptr(GError) renew_error = NULL;
    if (!view_lease_renew(stage->view, "ingest", stage->lease.epoch, lease_ttl_ms(stage->context),
                          &renew_error) &&
        !error_is(renew_error, AGAIN)) {
        g_propagate_prefixed_error(error, g_steal_pointer(&renew_error),
                                   "the ingest lease is lost: ");
        return false;
    }
    stage->renew_at_ms = now_ms + LEASE_REAL_MS / 3;
    return true;
}

static bool stage_flush(struct stage *stage, GError **error)
{
    struct ingest *ingest = stage->ingest;
    int64_t now_ms = clock_monotonic_ms(stage->context->clock);
    if (now_ms < stage->flush_at_ms)
        return true;
    stage->flush_at_ms = now_ms + FLUSH_INTERVAL_MS;
    g_autoptr(GError) flush_error = NULL;
    if (ingest_flush(ingest, &flush_error) && raw_store_tick(ingest->raw_store, &flush_error))
        return true;
    if (!error_is(flush_error, AGAIN)) {
        g_propagate_error(error, g_steal_pointer(&flush_error));
        return false;
    }
    stage->flush_at_ms = now_ms + FLUSH_BACKOFF_MS;
    log_warn(stage->context->log, "ingest", "can't publish now; nothing is lost, trying again",
             LOG_STR("error", flush_error->message),
             LOG_INT("records", publisher_pending_records(ingest->publisher)));
    return true;
}

static bool stage_loop(struct stage *stage, GError **error)
{
    struct ingest *ingest = stage->ingest;
    while (!stop_requested(stage->context->stop)) {
        bool asked = ingest_ask(ingest);
        if (tmdb_client_pending(ingest->client))
            tmdb_client_run(ingest->client, IDLE_WAIT_MS);
        else if (!asked)
            stop_wait_ms(stage->context->stop, IDLE_WAIT_MS);
        if (ingest->fatal) {
            g_propagate_error(error, g_steal_pointer(&ingest->fatal));
            return false;
        }
        if (!stage_flush(stage, error) || !stage_renew(stage, error))
            return false;
    }
    return ingest_flush(ingest, error) && raw_store_flush(ingest->raw_store, error);
}

bool ingest_run(const struct context *context, GError **error)
{
    struct stage stage = {.context = context,
                          .owner = g_strdup_printf("%s:%d", g_get_host_name(), (int)getpid())};
    double speed = clock_speed(context->clock);
    bool done = false;
    /* The budget is in world time, so that a demo's hour is worth an hour's requests. */
    double rate_per_s = context->config->ingest_rate_per_s * (speed > 0 ? speed : 1);
    if ((stage.view = view_open(context, error)) && stage_lead(&stage, error)) {
        stage.ingest = ingest_open(context, context, rate_per_s, error);
        done = stage.ingest && stage_loop(&stage, error);
        g_autoptr(GError) release_error = NULL;
        if (!view_lease_release(stage.view, "ingest", stage.lease.epoch, &release_error))
            log_debug(context->log, "ingest", "the lease was not given back",
                      LOG_STR("error", release_error->message));
    } else {
        done = stop_requested(context->stop);
    }
    ingest_close(stage.ingest);
    view_close(stage.view);
    g_free(stage.owner);
    return done;
}

/* The parts of ingestion and how they are held together; stage.c drives them live, backfill.c
 * through the past, answers.c is what happens with an answer. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ingest/exports.h"
#include "ingest/ingest_internal.h"

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
        /* A fresh raw answer of each movie for each batch run. */
        .whole_interval_ms = config->batch_interval_ms,
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
    g_queue_init(&ingest->follow_ups);
    ingest->reviews = g_array_new(FALSE, FALSE, sizeof(struct published_review));
    g_array_set_clear_func(ingest->reviews, review_clear);
    ingest->review_versions = g_hash_table_new(g_str_hash, g_str_equal);
    ingest->health.since_ms = clock_monotonic_ms(context->clock);
    ingest->health.random = (uint64_t)clock_monotonic_us(context->clock) + 1;
    ingest->answer_log_ms = INT64_MIN;
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
    g_queue_clear_full(&ingest->follow_ups, g_free);
    g_hash_table_unref(ingest->review_versions);
    g_array_unref(ingest->reviews);
    arena_free(ingest->arena);
    g_clear_error(&ingest->fatal);
    g_free(ingest);
}

/* Everything behind has room for what an answer brings. */
static bool has_room(const struct ingest *ingest)
{
    return !publisher_full(ingest->publisher) && !ingest->raw_blocked && !ingest->unsaved &&
           ingest->reviews->len < REVIEWS_UNSAVED_MAX;
}

/* What continues an ask under way goes first: it holds that ask open. */
static bool next_ask(struct ingest *ingest, int64_t now_ms, struct ask *ret_ask)
{
    g_autofree struct ask *follow_up = g_queue_pop_head(&ingest->follow_ups);
    if (!follow_up)
        return planner_next(ingest->planner, now_ms, ret_ask);
    *ret_ask = *follow_up;
    return true;
}

bool ingest_ask(struct ingest *ingest)
{
    const struct context *context = ingest->context;
    int64_t now_ms = clock_now_ms(context->clock),
            monotonic_ms = clock_monotonic_ms(context->clock);
    /* Few ahead of the wire, so that what becomes urgent meanwhile isn't behind a long queue. */
    size_t room = 2 * (size_t)context->config->ingest_concurrency;
    bool asked = false;
    struct ask ask;
    while (
        tmdb_client_pending(ingest->client) < room && has_room(ingest) &&
        tmdb_health_may_ask(&ingest->health, tmdb_client_pending(ingest->client), monotonic_ms) &&
        next_ask(ingest, now_ms, &ask)) {
        g_autoptr(GError) error = NULL;
        if (!tmdb_client_ask(ingest->client, &ask, &error)) {
            planner_done(ingest->planner, &ask, true, now_ms);
            break;
        }
        asked = true;
    }
    return asked;
}

static bool save(struct ingest *ingest, GError **error)
{
    const struct published_review *reviews =
        (const struct published_review *)(const void *)ingest->reviews->data;
    if (!ingest_state_save(ingest->state, ingest->planner, reviews, ingest->reviews->len,
                           clock_now_ms(ingest->context->clock), error))
        return false;
    g_hash_table_remove_all(ingest->review_versions);
    g_array_set_size(ingest->reviews, 0);
    return true;
}

bool ingest_flush(struct ingest *ingest, GError **error)
{
    if (!publisher_flush(ingest->publisher, error))
        return false;
    ingest->unsaved = true;
    if (!save(ingest, error))
        return false;
    ingest->unsaved = false;
    metrics_set(ingest->context->metrics, METRIC_INGEST_TRACKED, NULL,
                (double)planner_tracked(ingest->planner));
    if (!(ingest->raw_blocked ? raw_store_flush(ingest->raw_store, error)
                              : raw_store_tick(ingest->raw_store, error)))
        return false;
    ingest->raw_blocked = false;
    return true;
}

/* Spool files are named by the world's time at which they were written. */
static bool
sweep_spool(struct ingest *ingest, int64_t before_ms, int64_t *ret_files, GError **error)
{
    struct lake_object *objects;
    size_t count;
    int64_t files = 0;
    if (!lake_list(ingest->lake, RAW_STORE_PREFIX, ingest->arena, &objects, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *stamp = objects[i].name + strlen(RAW_STORE_PREFIX);
        char *end;
        int64_t written_ms = g_ascii_strtoll(stamp, &end, 10);
        if (end == stamp || *end != '-' || written_ms >= before_ms)
            continue;
        if (!lake_delete(ingest->lake, objects[i].name, error))
            return false;
        files++;
    }
    *ret_files = files;
    return true;
}

bool ingest_sweep(struct ingest *ingest, GError **error)
{
    const struct context *context = ingest->context;
    int64_t now_ms = clock_now_ms(context->clock), files = 0, days = 0;
    int64_t before_ms = now_ms - context->config->ingest_raw_retention_ms;
    bool done = sweep_spool(ingest, before_ms, &files, error) &&
                exports_sweep(ingest->lake, before_ms, ingest->arena, &days, error) &&
                ingest_state_sweep(ingest->state, now_ms, error);
    arena_reset(ingest->arena);
    if (files + days)
        log_info(context->log, "ingest",
                 "cached data of TMDB older than ingest.raw_retention was removed before a batch "
                 "took it in",
                 LOG_INT("answer_files", files), LOG_INT("export_days", days));
    return done;
}

#include "serve/pulse.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/metrics.h"
#include "model/topic.h"
#include "serve/movie_list.h"
#include "serve/worker.h"

/* Movies whose numbers are in every event: what the page shows in its list. */
#define PULSE_MOVIES 20

struct pulse {
    struct serve *serve;
    pthread_t thread;
    pthread_mutex_t lock; /* a leaf */
    pthread_cond_t wake;
    bool ending;
    size_t listeners;
    uint64_t number; /* of the last event; 0: none yet */
    GString *event;
};

struct listener {
    struct pulse *pulse;
    uint64_t seen;
};

/* ---- the event ---- */

static double topics_sum(struct metrics *metrics, enum metric metric)
{
    double sum = 0;
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        sum += metrics_get(metrics, metric, topic_info((enum topic)topic)->name);
    return sum;
}

/* What this process has counted: everything under `up`, nothing of other processes' work. */
static void write_counters(GString *out, struct metrics *metrics)
{
    static const char *const classes[] = {"used", "duplicate", "expired", "bad"};
    json_write_key(out, "records");
    json_write_object(out);
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
        json_add_double(out, classes[i], metrics_get(metrics, METRIC_STREAM_RECORDS, classes[i]));
    json_add_double(out, "late", metrics_get(metrics, METRIC_STREAM_LATE, NULL));
    json_write_object_end(out);
    json_add_double(out, "ingested", topics_sum(metrics, METRIC_INGEST_RECORDS));
    json_add_double(out, "produced", topics_sum(metrics, METRIC_BUS_PRODUCED));
    json_add_double(out, "tracked_movies", metrics_get(metrics, METRIC_INGEST_TRACKED, NULL));
    json_add_double(out, "lag_records", topics_sum(metrics, METRIC_STREAM_LAG_RECORDS));
    json_add_double(out, "watermark_delay_seconds",
                    metrics_get(metrics, METRIC_STREAM_WATERMARK_DELAY_SECONDS, NULL));
    json_add_double(out, "commits", metrics_get(metrics, METRIC_STREAM_COMMITS, NULL));
    json_add_double(out, "synced_rows", metrics_get(metrics, METRIC_SYNC_ROWS, NULL));
    json_add_double(out, "sync_lag_keys", metrics_get(metrics, METRIC_SYNC_LAG_KEYS, NULL));
}

static bool write_movies(GString *out,
                         struct worker *worker,
                         const struct merge *merge,
                         struct arena *arena,
                         GError **error)
{
    struct listed_movie *movies;
    size_t count;
    if (!movie_list_load(worker->view, merge, arena, &movies, &count, error))
        return false;
    json_add_int(out, "movies_known", (int64_t)count);
    json_write_key(out, "movies");
    json_write_array(out);
    for (size_t i = 0; i < MIN(count, PULSE_MOVIES); i++)
        movie_list_write(out, &movies[i]);
    json_write_array_end(out);
    return true;
}

static bool write_last_run(GString *out, struct worker *worker, struct arena *arena, GError **error)
{
    struct view_run *runs;
    size_t count;
    if (!view_runs(worker->view, 1, arena, &runs, &count, error))
        return false;
    json_write_key(out, "last_run");
    if (count)
        run_write(out, &runs[0]);
    else
        json_write_null(out);
    return true;
}

/* {"now": ..., counters, "movies": [...], "last_run": {...}, "meta": {...}}, on one line. */
static bool write_state(GString *out, struct worker *worker, struct arena *arena, GError **error)
{
    const struct context *context = worker->serve->context;
    const struct merge *merge;
    worker_merge_forget(worker);
    if (!worker_merge(worker, &merge, error))
        return false;
    json_write_object(out);
    json_add_time(out, "now", clock_now_ms(context->clock));
    json_add_int(out, "monotonic_ms", clock_monotonic_ms(context->clock));
    json_add_double(out, "clock_speed", clock_speed(context->clock));
    write_counters(out, context->metrics);
    if (!write_movies(out, worker, merge, arena, error) ||
        !write_last_run(out, worker, arena, error))
        return false;
    json_write_key(out, "meta");
    merge_write_meta(merge, out);
    json_write_object_end(out);
    return true;
}

/* A line break within a stored document would end the event's line. Within JSON text it is only
 * space. */
static void one_line(GString *text)
{
    for (gsize i = 0; i < text->len; i++) {
        if (text->str[i] == '\n' || text->str[i] == '\r')
            text->str[i] = ' ';
    }
}

/* ---- the thread ---- */

static void beat(struct pulse *pulse, struct worker *worker, struct arena *arena)
{
    g_autoptr(GString) state = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    if (!write_state(state, worker, arena, &error)) {
        log_warn(pulse->serve->context->log, "serve", "no event this time",
                 LOG_STR("error", error->message));
        return;
    }
    one_line(state);
    pthread_mutex_lock(&pulse->lock);
    pulse->number++;
    g_string_printf(pulse->event, "id: %" G_GUINT64_FORMAT "\nevent: state\ndata: %s\n\n",
                    pulse->number, state->str);
    pthread_mutex_unlock(&pulse->lock);
}

/* Waits for the interval, or while nobody listens; false at the end. */
static bool wait_for_beat(struct pulse *pulse)
{
    pthread_mutex_lock(&pulse->lock);
    struct timespec until = clock_deadline(pulse->serve->context->config->serve_stream_interval_ms);
    int status = 0;
    while (!pulse->ending && (pulse->listeners == 0 || status == 0)) {
        if (pulse->listeners == 0) {
            pthread_cond_wait(&pulse->wake, &pulse->lock);
            status = 1; /* the first listener gets its event at once */
        } else if (status == 0) {
            status = pthread_cond_timedwait(&pulse->wake, &pulse->lock, &until);
        }
    }
    bool goes_on = !pulse->ending;
    pthread_mutex_unlock(&pulse->lock);
    return goes_on;
}

static void *pulse_main(void *data)
{
    struct pulse *pulse = data;
    struct worker *worker = NULL;
    struct arena *arena = arena_new();
    while (wait_for_beat(pulse)) {
        g_autoptr(GError) error = NULL;
        if (!worker)
            worker = worker_new(pulse->serve, &error);
        if (worker)
            beat(pulse, worker, arena);
        else
            log_warn(pulse->serve->context->log, "serve", "no event this time",
                     LOG_STR("error", error->message));
        arena_reset(arena);
    }
    worker_free(worker);
    arena_free(arena);
    return NULL;
}

struct pulse *pulse_start(struct serve *serve, GError **error)
{
    struct pulse *pulse = g_new0(struct pulse, 1);
    pulse->serve = serve;
    pulse->event = g_string_new(NULL);
    pthread_mutex_init(&pulse->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&pulse->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&pulse->thread, NULL, pulse_main, pulse) != 0) {
        error_set(error, FAILED,
                  "no thread can be started for the event stream: raise the limit of processes");
        pulse->thread = 0;
        pulse->ending = true;
        pulse_stop(pulse);
        return NULL;
    }
    return pulse;
}

void pulse_stop(struct pulse *pulse)
{
    if (!pulse)
        return;
    pthread_mutex_lock(&pulse->lock);
    bool started = !pulse->ending;
    g_assert(pulse->listeners == 0);
    pulse->ending = true;
    pthread_cond_signal(&pulse->wake);
    pthread_mutex_unlock(&pulse->lock);
    if (started)
        pthread_join(pulse->thread, NULL);
    pthread_cond_destroy(&pulse->wake);
    pthread_mutex_destroy(&pulse->lock);
    g_string_free(pulse->event, TRUE);
    g_free(pulse);
}

/* ---- listeners ---- */

struct listener *listener_open(struct pulse *pulse)
{
    struct listener *listener = g_new0(struct listener, 1);
    listener->pulse = pulse;
    pthread_mutex_lock(&pulse->lock);
    pulse->listeners++;
    pthread_cond_signal(&pulse->wake);
    pthread_mutex_unlock(&pulse->lock);
    return listener;
}

void listener_next(void *data, GString *out)
{
    struct listener *listener = data;
    struct pulse *pulse = listener->pulse;
    pthread_mutex_lock(&pulse->lock);
    if (pulse->number != listener->seen) {
        listener->seen = pulse->number;
        g_string_append_len(out, pulse->event->str, (gssize)pulse->event->len);
    }
    pthread_mutex_unlock(&pulse->lock);
}

void listener_close(void *data)
{
    struct listener *listener = data;
    pthread_mutex_lock(&listener->pulse->lock);
    listener->pulse->listeners--;
    pthread_mutex_unlock(&listener->pulse->lock);
    g_free(listener);
}

/* ---- the route ---- */

/* The event thread looks this often whether there is something new: the pulse sets the rhythm. */
#define LISTENER_POLL_MS 50

static const char *const no_arguments[] = {NULL};

void events_handler(const struct http_request *request, struct http_response *response, void *data)
{
    struct worker *worker = data;
    if (!answer_arguments(request, response, no_arguments))
        return;
    struct http_event_source *source =
        arena_new0(http_request_arena(request), struct http_event_source);
    *source = (struct http_event_source){
        .next = listener_next,
        .close = listener_close,
        .user = listener_open(worker->serve->pulse),
        .interval_ms = LISTENER_POLL_MS,
    };
    response->status = 200;
    response->events = source;
}

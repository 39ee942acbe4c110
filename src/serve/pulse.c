#include "serve/pulse.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "serve/pulse_data.h"

enum pulse_event { EVENT_STATE, EVENT_TRENDING, EVENT_LIVE, EVENT_COUNT };

struct pulse {
    struct serve *serve;
    pthread_t thread;
    pthread_mutex_t lock; /* a leaf */
    pthread_cond_t wake;
    bool ending;
    size_t listeners;
    uint64_t number; /* of the last event; 0: none yet */
    /* The last event of each kind: a new listener gets them all, another one what it hasn't had. */
    struct {
        uint64_t number;
        GString *text;
    } last[EVENT_COUNT];
};

struct listener {
    struct pulse *pulse;
    uint64_t seen;
};

/* ---- the events ---- */

typedef bool (*event_writer)(struct pulse_data *data,
                             struct arena *arena,
                             GString *out,
                             GError **error);

/* In this order, as the first loads the plan of the merge for all. */
static const struct {
    const char *name;
    event_writer write;
} events[EVENT_COUNT] = {
    [EVENT_STATE] = {"state", pulse_write_state},
    [EVENT_TRENDING] = {"trending", pulse_write_trending},
    [EVENT_LIVE] = {"live", pulse_write_live},
};

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

static void tell(struct pulse *pulse, enum pulse_event event, GString *data)
{
    one_line(data);
    pthread_mutex_lock(&pulse->lock);
    pulse->last[event].number = ++pulse->number;
    g_string_printf(pulse->last[event].text, "id: %" G_GUINT64_FORMAT "\nevent: %s\ndata: %s\n\n",
                    pulse->number, events[event].name, data->str);
    pthread_mutex_unlock(&pulse->lock);
}

static void beat(struct pulse *pulse, struct pulse_data *data, struct arena *arena)
{
    for (int event = 0; event < EVENT_COUNT; event++) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        if (!events[event].write(data, arena, text, &error)) {
            log_warn(pulse->serve->context->log, "serve", "no event this time",
                     LOG_STR("error", error->message));
            return;
        }
        if (text->len > 0)
            tell(pulse, (enum pulse_event)event, text);
    }
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
    struct pulse_data *state = NULL;
    struct arena *arena = arena_new();
    while (wait_for_beat(pulse)) {
        g_autoptr(GError) error = NULL;
        if (!worker && (worker = worker_new(pulse->serve, &error)))
            state = pulse_data_new(worker);
        if (worker)
            beat(pulse, state, arena);
        else
            log_warn(pulse->serve->context->log, "serve", "no event this time",
                     LOG_STR("error", error->message));
        arena_reset(arena);
    }
    pulse_data_free(state);
    worker_free(worker);
    arena_free(arena);
    return NULL;
}

struct pulse *pulse_start(struct serve *serve, GError **error)
{
    struct pulse *pulse = g_new0(struct pulse, 1);
    pulse->serve = serve;
    for (int event = 0; event < EVENT_COUNT; event++)
        pulse->last[event].text = g_string_new(NULL);
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
    for (int event = 0; event < EVENT_COUNT; event++)
        g_string_free(pulse->last[event].text, TRUE);
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
    for (int event = 0; event < EVENT_COUNT; event++) {
        if (pulse->last[event].number > listener->seen)
            g_string_append_len(out, pulse->last[event].text->str,
                                (gssize)pulse->last[event].text->len);
    }
    listener->seen = pulse->number;
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

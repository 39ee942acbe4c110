/* Event streams. A stream's connection is suspended while it has nothing to send; the event thread
 * asks each source when its interval is over, appends what it says to the stream's buffer and
 * resumes the connection.
 *
 *   event thread: source->next ─► buffer ─► MHD_resume_connection
 *   worker:       reader: buffer ─► socket; empty: MHD_suspend_connection, 0 bytes
 *
 * A client that doesn't read lets its buffer grow; beyond EVENTS_BUFFER_BYTES_MAX the stream ends,
 * the browser connects again. The one lock guards the list and all buffers; sources are called
 * while it is held, so a source must not block. */
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "net/http_server_internal.h"

#define EVENTS_BUFFER_BYTES_MAX ((size_t)1024 * 1024)
#define EVENTS_BLOCK_BYTES      4096
#define EVENTS_TICK_MS          50
#define EVENTS_KEEPALIVE_MS     10000

struct stream {
    struct stream *next;
    struct http_events *events;
    struct MHD_Connection *connection;
    struct http_event_source source;
    GString *buffer;
    size_t sent; /* bytes of the buffer that MHD has taken */
    int64_t due_ms, spoke_ms;
    bool suspended, ending;
};

struct http_events {
    const struct context *context;
    size_t streams_max, streams_count;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool ending;
    struct stream *streams;
};

static void stream_resume(struct stream *stream)
{
    if (stream->suspended) {
        stream->suspended = false;
        MHD_resume_connection(stream->connection);
    }
}

static void stream_feed(struct stream *stream, int64_t now_ms)
{
    if (now_ms < stream->due_ms || stream->ending)
        return;
    stream->due_ms = now_ms + stream->source.interval_ms;
    if (stream->buffer->len - stream->sent > EVENTS_BUFFER_BYTES_MAX) {
        stream->ending = true;
        metrics_add(stream->events->context->metrics, METRIC_HTTP_REJECTED, "slow_events", 1);
    } else {
        size_t before = stream->buffer->len;
        stream->source.next(stream->source.user, stream->buffer);
        if (stream->buffer->len == before && now_ms - stream->spoke_ms >= EVENTS_KEEPALIVE_MS)
            g_string_append(stream->buffer, ":\n\n");
        if (stream->buffer->len != before)
            stream->spoke_ms = now_ms;
    }
    if (stream->buffer->len > stream->sent || stream->ending)
        stream_resume(stream);
}

static void *events_main(void *data)
{
    struct http_events *events = data;
    pthread_mutex_lock(&events->lock);
    while (!events->ending) {
        struct timespec until = clock_deadline(EVENTS_TICK_MS);
        pthread_cond_timedwait(&events->wake, &events->lock, &until);
        int64_t now_ms = clock_monotonic_ms(events->context->clock);
        for (struct stream *stream = events->streams; stream && !events->ending;
             stream = stream->next)
            stream_feed(stream, now_ms);
    }
    pthread_mutex_unlock(&events->lock);
    return NULL;
}

struct http_events *http_events_new(const struct context *context, size_t streams_max)
{
    struct http_events *events = g_new0(struct http_events, 1);
    events->context = context;
    events->streams_max = streams_max;
    pthread_mutex_init(&events->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&events->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&events->thread, NULL, events_main, events) != 0)
        g_error("no thread can be started for the HTTP server: raise the limit of processes "
                "(ulimit -u)");
    return events;
}

void http_events_stop(struct http_events *events)
{
    pthread_mutex_lock(&events->lock);
    events->ending = true;
    pthread_cond_signal(&events->wake);
    for (struct stream *stream = events->streams; stream; stream = stream->next) {
        stream->ending = true;
        stream_resume(stream);
    }
    pthread_mutex_unlock(&events->lock);
    pthread_join(events->thread, NULL);
}

void http_events_free(struct http_events *events)
{
    if (!events)
        return;
    g_assert(!events->streams);
    pthread_cond_destroy(&events->wake);
    pthread_mutex_destroy(&events->lock);
    g_free(events);
}

static ssize_t stream_read(void *data, uint64_t position, char *buffer, size_t size)
{
    (void)position;
    struct stream *stream = data;
    pthread_mutex_lock(&stream->events->lock);
    size_t left = stream->buffer->len - stream->sent;
    ssize_t result = (ssize_t)MIN(left, size);
    if (left) {
        memcpy(buffer, stream->buffer->str + stream->sent, (size_t)result);
        stream->sent += (size_t)result;
        if (stream->sent == stream->buffer->len) {
            g_string_truncate(stream->buffer, 0);
            stream->sent = 0;
        }
    } else if (stream->ending) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
    }
    pthread_mutex_unlock(&stream->events->lock);
    return result;
}

static void stream_free(void *data)
{
    struct stream *stream = data;
    struct http_events *events = stream->events;
    pthread_mutex_lock(&events->lock);
    for (struct stream **link = &events->streams; *link; link = &(*link)->next)
        if (*link == stream) {
            *link = stream->next;
            break;
        }
    events->streams_count--;
    metrics_set(events->context->metrics, METRIC_STREAM_CLIENTS, NULL,
                (double)events->streams_count);
    pthread_mutex_unlock(&events->lock);
    stream->source.close(stream->source.user);
    g_string_free(stream->buffer, TRUE);
    g_free(stream);
}

struct MHD_Response *http_events_response(struct http_events *events,
                                          struct MHD_Connection *connection,
                                          struct http_event_source *source)
{
    struct stream *stream = g_new0(struct stream, 1);
    stream->events = events;
    stream->connection = connection;
    stream->source = *source;
    stream->buffer = g_string_new("retry: 2000\n\n");
    pthread_mutex_lock(&events->lock);
    bool room = events->streams_count < events->streams_max && !events->ending;
    if (room) {
        stream->next = events->streams;
        events->streams = stream;
        events->streams_count++;
        metrics_set(events->context->metrics, METRIC_STREAM_CLIENTS, NULL,
                    (double)events->streams_count);
    }
    pthread_mutex_unlock(&events->lock);
    if (!room) {
        source->close(source->user);
        g_string_free(stream->buffer, TRUE);
        g_free(stream);
        return NULL;
    }
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, EVENTS_BLOCK_BYTES, stream_read, stream, stream_free);
    g_assert(response); /* only out of memory */
    return response;
}

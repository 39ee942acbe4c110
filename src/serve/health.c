/* How the process is, for probes and scrapers. */
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/metrics.h"
#include "serve/worker.h"

static const char *const no_arguments[] = {NULL};

static void reply_now(const struct http_request *request,
                      struct http_response *response,
                      int status,
                      const char *type,
                      const GString *body)
{
    http_header_add(response, "Cache-Control", "no-store");
    http_reply(response, status, type,
               arena_strndup(http_request_arena(request), body->str, body->len), body->len);
}

/* Alive: the process answers. Says nothing about stores, so that a slow disk doesn't get it killed.
 */
void health_handler(const struct http_request *request,
                    struct http_response *response,
                    void *worker)
{
    (void)worker;
    if (!answer_arguments(request, response, no_arguments))
        return;
    g_autoptr(GString) body = g_string_new(NULL);
    json_write_object(body);
    json_add_string(body, "status", "ok");
    json_add_string(body, "version", MARQUEE_VERSION);
    json_write_object_end(body);
    reply_now(request, response, 200, "application/json", body);
}

static void write_check(GString *out, const char *name, bool ok, const char *detail)
{
    json_write_object(out);
    json_add_string(out, "name", name);
    json_add_bool(out, "ok", ok);
    json_add_string(out, "detail", detail);
    json_write_object_end(out);
}

static void write_checks(GString *out, struct arena *arena, const struct merge *merge)
{
    char time[CLOCK_ISO_BYTES];
    const struct view_generation *generation = &merge->generation;
    write_check(out, "views", true, "the view store answers");
    write_check(
        out, "batch", generation->generation != 0,
        generation->generation != 0
            ? arena_printf(arena, "generation %" G_GINT64_FORMAT " of run %s, complete below %s",
                           generation->generation, generation->batch_run_id,
                           clock_iso8601(generation->through_ms, time))
            : "no batch run has been published yet: answers come from the speed views alone");
    write_check(out, "sync", merge->speed_synced_at_ms > 0,
                merge->speed_synced_at_ms > 0
                    ? arena_printf(arena, "the speed views are as of %s",
                                   clock_iso8601(merge->speed_synced_at_ms, time))
                    : "sync has not copied anything yet: hours above the boundary are empty");
}

/* Ready: the stores can be read. Without a batch or sync yet it can answer, and says so. */
void ready_handler(const struct http_request *request, struct http_response *response, void *data)
{
    struct worker *worker = data;
    if (!answer_arguments(request, response, no_arguments))
        return;
    g_autoptr(GError) error = NULL;
    const struct merge *merge;
    worker_merge_forget(worker);
    bool ready = worker_merge(worker, &merge, &error);
    g_autoptr(GString) body = g_string_new(NULL);
    json_write_object(body);
    json_add_string(body, "status", ready ? "ready" : "not ready");
    json_write_key(body, "checks");
    json_write_array(body);
    if (ready)
        write_checks(body, http_request_arena(request), merge);
    else
        write_check(body, "views", false, error->message);
    json_write_array_end(body);
    json_write_object_end(body);
    if (!ready)
        http_header_add(response, "Retry-After", "1");
    reply_now(request, response, ready ? 200 : 503, "application/json", body);
}

void metrics_handler(const struct http_request *request, struct http_response *response, void *data)
{
    struct worker *worker = data;
    if (!answer_arguments(request, response, no_arguments))
        return;
    g_autoptr(GString) body = g_string_new(NULL);
    metrics_write(worker->serve->context->metrics, body);
    reply_now(request, response, 200, "text/plain; version=0.0.4; charset=utf-8", body);
}

/* Backfill: the past, asked from the simulator instant by instant, on a clock that is moved by
 * hand. */
#include "base/clock.h"
#include "base/config.h"
#include "base/stop.h"
#include "ingest/ingest.h"
#include "ingest/ingest_internal.h"

#define ANSWER_WAIT_MS 1000

struct probe {
    bool answered, simulator;
    char *why;
};

static void probe_answered(const struct http_answer *answer, void *user)
{
    struct probe *probe = user;
    probe->answered = true;
    probe->simulator = answer->status == 200;
    probe->why =
        answer->error ? g_strdup(answer->error) : g_strdup_printf("status %d", answer->status);
}

/* The simulator answers /marquee/clock; TMDB would ignore as_of and give today's numbers for the
 * past. */
static bool check_simulator(const struct context *context, GError **error)
{
    struct http_client_options options = {.concurrency = 1,
                                          .retry_max = 3,
                                          .retry_base_ms = context->config->ingest_retry_base_ms,
                                          .retry_cap_ms = context->config->ingest_retry_cap_ms,
                                          .timeout_ms = context->config->tmdb_timeout_ms};
    struct http_client *client = http_client_new(context, &options, error);
    if (!client)
        return false;
    struct probe probe = {0};
    g_autofree char *url = g_strconcat(context->config->tmdb_base_url, "/marquee/clock", NULL);
    bool queued = http_client_get(client, url, probe_answered, &probe, error);
    while (queued && !probe.answered && !stop_requested(context->stop))
        http_client_run(client, ANSWER_WAIT_MS);
    http_client_free(client);
    if (queued && !probe.simulator)
        error_set(error, CONFIG,
                  "tmdb.base_url: %s doesn't answer as the simulator does (%s); only the simulator "
                  "knows its past",
                  context->config->tmdb_base_url, probe.why ? probe.why : "stopped");
    g_free(probe.why);
    return probe.simulator;
}

/* Everything that is due at this instant. */
static bool fill_instant(struct ingest *ingest, GError **error)
{
    do {
        ingest_ask(ingest);
        tmdb_client_run(ingest->client, ANSWER_WAIT_MS);
        if (publisher_full(ingest->publisher) && !ingest_flush(ingest, error))
            return false;
    } while ((tmdb_client_pending(ingest->client) || ingest_ask(ingest)) &&
             !stop_requested(ingest->context->stop));
    if (ingest->fatal) {
        g_propagate_error(error, g_steal_pointer(&ingest->fatal));
        return false;
    }
    return ingest_flush(ingest, error);
}

bool ingest_backfill(const struct context *context,
                     int64_t from_ms,
                     void (*progress)(const struct ingest_progress *progress, void *user),
                     void *user,
                     GError **error)
{
    int64_t until_ms = clock_now_ms(context->clock),
            step_ms = context->config->ingest_observe_interval_ms;
    from_ms = (from_ms + step_ms - 1) / step_ms * step_ms;
    struct clock *past = clock_new_manual(from_ms), *real = clock_new_real();
    struct context past_context = *context, http_context = *context;
    past_context.clock = past;
    http_context.clock = real;
    struct ingest *ingest = check_simulator(&http_context, error)
                                ? ingest_open(&past_context, &http_context, 0, error)
                                : NULL;
    bool done = ingest != NULL;
    for (int64_t now_ms = from_ms; done && now_ms < until_ms && !stop_requested(context->stop);
         now_ms += step_ms) {
        clock_set_now(past, now_ms);
        tmdb_client_set_as_of(ingest->client, now_ms);
        done = fill_instant(ingest, error);
        struct ingest_progress state = {now_ms + step_ms - from_ms, until_ms - from_ms,
                                        ingest->records};
        if (progress)
            progress(&state, user);
    }
    done = done && raw_store_flush(ingest->raw_store, error);
    ingest_close(ingest);
    clock_free(past);
    clock_free(real);
    return done;
}

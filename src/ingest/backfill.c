/* Backfill: the past, asked from the simulator instant by instant, on a clock that is moved by
 * hand. */
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/stop.h"
#include "ingest/ingest.h"
#include "ingest/ingest_internal.h"

#define ANSWER_WAIT_MS 1000
/* A bus or state that is locked for a moment is waited for so often, so long. */
#define FLUSH_TRIES      30
#define FLUSH_BACKOFF_MS 1000

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
                                          .retry_max = (int)context->config->ingest_retry_max,
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

static bool flush_patiently(struct ingest *ingest, GError **error)
{
    for (int left = FLUSH_TRIES;; left--) {
        g_autoptr(GError) flush_error = NULL;
        if (ingest_flush(ingest, &flush_error))
            return true;
        if (!error_is(flush_error, AGAIN) || !left ||
            stop_wait_ms(ingest->context->stop, FLUSH_BACKOFF_MS)) {
            g_propagate_error(error, g_steal_pointer(&flush_error));
            return false;
        }
    }
}

/* What ends a backfill: there is nobody to ask the past from later. */
static bool check_health(struct ingest *ingest, GError **error)
{
    if (ingest->fatal) {
        g_propagate_error(error, g_steal_pointer(&ingest->fatal));
        return false;
    }
    if (ingest->health.state != TMDB_UP) {
        error_set(error, AGAIN,
                  "the simulator no longer answers; what was filled in stays, the next backfill "
                  "goes on from there");
        return false;
    }
    return true;
}

/* Everything that is due at this instant. */
static bool fill_instant(struct ingest *ingest, GError **error)
{
    do {
        ingest_ask(ingest);
        tmdb_client_run(ingest->client, ANSWER_WAIT_MS);
        if (!check_health(ingest, error) ||
            (publisher_full(ingest->publisher) && !flush_patiently(ingest, error)))
            return false;
    } while ((tmdb_client_pending(ingest->client) || ingest_ask(ingest)) &&
             !stop_requested(ingest->context->stop));
    return flush_patiently(ingest, error);
}

/* The part of [from, until) that no earlier backfill has filled in. A backfill that begins before
 * the earlier one fills in all. */
static bool resume(struct ingest *ingest, int64_t *from_ms, int64_t *begin_ms, GError **error)
{
    int64_t done_from_ms, done_to_ms;
    if (!ingest_state_backfilled(ingest->state, &done_from_ms, &done_to_ms, error))
        return false;
    bool goes_on = done_to_ms && done_from_ms <= *from_ms && *from_ms <= done_to_ms;
    *begin_ms = goes_on ? done_to_ms : *from_ms;
    *from_ms = goes_on ? done_from_ms : *from_ms;
    return true;
}

/* until moves with the world's clock while the past is filled in, so that no hole is left before
 * now; but not for ever, should a scaled clock run faster than we fill. */
struct range {
    int64_t from_ms, until_ms, until_ms_max, step_ms;
    const struct clock *world;
};

static bool fill_range(struct ingest *ingest,
                       struct clock *past,
                       struct range range,
                       void (*progress)(const struct ingest_progress *progress, void *user),
                       void *user,
                       GError **error)
{
    const struct stop *stop = ingest->context->stop;
    int64_t begin_ms;
    if (!resume(ingest, &range.from_ms, &begin_ms, error))
        return false;
    for (int64_t now_ms = begin_ms; now_ms < range.until_ms && !stop_requested(stop);
         now_ms += range.step_ms) {
        clock_set_now(past, now_ms);
        tmdb_client_set_as_of(ingest->client, now_ms);
        if (!fill_instant(ingest, error))
            return false;
        if (stop_requested(stop))
            break; /* the instant may be half */
        if (!ingest_state_set_backfilled(ingest->state, range.from_ms, now_ms + range.step_ms,
                                         error))
            return false;
        range.until_ms = MIN(clock_now_ms(range.world), range.until_ms_max);
        struct ingest_progress state = {now_ms + range.step_ms - begin_ms,
                                        range.until_ms - begin_ms, ingest->records};
        if (progress)
            progress(&state, user);
    }
    return raw_store_flush(ingest->raw_store, error);
}

bool ingest_backfill(const struct context *context,
                     int64_t from_ms,
                     void (*progress)(const struct ingest_progress *progress, void *user),
                     void *user,
                     GError **error)
{
    int64_t step_ms = context->config->ingest_observe_interval_ms;
    int64_t until_ms = clock_now_ms(context->clock);
    struct range range = {(from_ms + step_ms - 1) / step_ms * step_ms, until_ms,
                          until_ms + MAX(0, until_ms - from_ms), step_ms, context->clock};
    struct clock *past = clock_new_manual(range.from_ms), *real = clock_new_real();
    struct context past_context = *context, http_context = *context;
    past_context.clock = past;
    http_context.clock = real;
    struct ingest *ingest = check_simulator(&http_context, error)
                                ? ingest_open(&past_context, &http_context, 0, error)
                                : NULL;
    bool done = ingest && fill_range(ingest, past, range, progress, user, error);
    ingest_close(ingest);
    clock_free(past);
    clock_free(real);
    return done;
}

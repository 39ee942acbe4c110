#include "batch/backfill.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/stop.h"
#include "batch/as_of.h"
#include "batch/schedule.h"

#define WAIT_MS      1000 /* real time between two looks for the lock */
#define WAIT_MAX_MS  (2 * MS_PER_HOUR)
#define ISO_OF(time) clock_iso8601(time, (char[CLOCK_ISO_BYTES]){0})

static GArray *find_instants(const struct config *config, int64_t start_ms, int64_t end_ms)
{
    GArray *instants = g_array_new(FALSE, FALSE, sizeof(int64_t));
    int64_t at_ms = schedule_next_ms(config, start_ms - 1);
    while (at_ms >= 0 && at_ms <= end_ms && instants->len <= BACKFILL_INSTANTS_MAX) {
        g_array_append_val(instants, at_ms);
        at_ms = schedule_next_ms(config, at_ms);
    }
    return instants;
}

static bool check(const struct context *context, const GArray *instants, GError **error)
{
    if (instants->len == 0 || instants->len > BACKFILL_INSTANTS_MAX) {
        error_set(error, BADDATA,
                  instants->len
                      ? "batch: more than %d runs were due between start and end: take a "
                        "part of it at a time"
                      : "batch: no run was due between start and end (at most %d would be "
                        "taken; batch.interval, batch.schedule)",
                  BACKFILL_INSTANTS_MAX);
        return false;
    }
    return batch_as_of_reachable(context, g_array_index(instants, int64_t, 0),
                                 g_array_index(instants, int64_t, instants->len - 1), error);
}

static bool is_done(const struct context *context, int64_t at_ms, bool *ret_done, GError **error)
{
    struct lake *lake = lake_open(context, error);
    bool done = lake && batch_as_of_done(lake, at_ms, ret_done, error);
    lake_close(lake);
    return done;
}

/* A scheduled run has the lock for minutes: it goes first. */
static bool compute(const struct context *context, int64_t at_ms, GError **error)
{
    int64_t waited_ms = 0;
    for (;;) {
        g_autoptr(GError) trouble = NULL;
        struct batch_report report;
        if (batch_as_of(context, at_ms, NULL, NULL, &report, &trouble))
            return true;
        bool stopped = context->stop && stop_requested(context->stop);
        if (!error_is(trouble, CONFLICT) || waited_ms >= WAIT_MAX_MS || stopped || !context->stop) {
            g_propagate_prefixed_error(error, g_steal_pointer(&trouble), "%s: ", ISO_OF(at_ms));
            return false;
        }
        stop_wait_ms(context->stop, WAIT_MS);
        waited_ms += WAIT_MS;
    }
}

static bool run_all(const struct context *context,
                    const GArray *instants,
                    void (*tell)(const struct backfill_progress *progress, void *user),
                    void *user,
                    struct backfill_progress *progress,
                    GError **error)
{
    for (guint i = 0; i < instants->len; i++) {
        bool there;
        progress->at_ms = g_array_index(instants, int64_t, i);
        if (tell)
            tell(progress, user);
        if (context->stop && stop_requested(context->stop)) {
            error_set(error, AGAIN, "batch: stopped before %s; the same command goes on from there",
                      ISO_OF(progress->at_ms));
            return false;
        }
        if (!is_done(context, progress->at_ms, &there, error) ||
            (!there && !compute(context, progress->at_ms, error)))
            return false;
        progress->done++;
        progress->computed += !there;
    }
    if (tell)
        tell(progress, user);
    return true;
}

bool batch_backfill(const struct context *context,
                    int64_t start_ms,
                    int64_t end_ms,
                    void (*progress)(const struct backfill_progress *progress, void *user),
                    void *user,
                    struct backfill_progress *ret_progress,
                    GError **error)
{
    g_autoptr(GArray) instants = find_instants(context->config, start_ms, end_ms);
    if (!check(context, instants, error))
        return false;
    struct backfill_progress state = {.total = instants->len};
    if (!run_all(context, instants, progress, user, &state, error))
        return false;
    *ret_progress = state;
    return true;
}

#include "ingest/tmdb_health.h"

#include <glib.h>

#include "net/retry.h"

/* The pause has long reached its most by then; counting on would overflow. */
#define HEALTH_PROBES_COUNTED 32

/* A refused page or date range is about that request; what time mends is about TMDB. So is an
 * answer 200 that is none (a maintenance page). */
static bool is_outage(const struct tmdb_answer *answer)
{
    return answer->result == TMDB_FAILED &&
           (answer->status == 0 || answer->status == 200 || retry_status(answer->status));
}

static enum tmdb_state next_state(struct tmdb_health *health, const struct tmdb_answer *answer)
{
    if (answer->result == TMDB_DENIED)
        return TMDB_REFUSES;
    if (answer->result == TMDB_OK || answer->result == TMDB_MISSING) {
        health->answered = true;
        health->failures = 0;
        return TMDB_UP;
    }
    if (!is_outage(answer))
        return health->state;
    health->failures++;
    return health->state == TMDB_UP && health->failures >= HEALTH_FAILURES_MAX ? TMDB_IS_DOWN
                                                                               : health->state;
}

/* Until the next ask. */
static int64_t pause_ms(struct tmdb_health *health)
{
    if (health->state == TMDB_REFUSES)
        return HEALTH_DENIED_PAUSE_MS;
    struct retry retry = {.base_ms = HEALTH_DOWN_PAUSE_LEAST_MS,
                          .cap_ms = HEALTH_DOWN_PAUSE_MS,
                          .tries_max = HEALTH_PROBES_COUNTED,
                          .random = health->random};
    health->probes = MIN(health->probes + 1, HEALTH_PROBES_COUNTED);
    int64_t pause = retry_delay_ms(&retry, health->probes, -1);
    health->random = retry.random;
    return pause;
}

bool tmdb_health_answered(struct tmdb_health *health,
                          const struct tmdb_answer *answer,
                          int64_t now_ms,
                          int64_t *ret_lasted_ms)
{
    enum tmdb_state state = next_state(health, answer);
    bool changed = state != health->state;
    if (changed) {
        *ret_lasted_ms = now_ms - health->since_ms;
        health->state = state;
        health->since_ms = now_ms;
    }
    if (state == TMDB_UP)
        health->probes = 0;
    else
        health->ask_at_ms = now_ms + pause_ms(health);
    return changed;
}

bool tmdb_health_may_ask(const struct tmdb_health *health, size_t under_way, int64_t now_ms)
{
    return health->state == TMDB_UP || (!under_way && now_ms >= health->ask_at_ms);
}

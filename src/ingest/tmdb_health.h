/* TMDB health: whether it is worth asking. A deployment whose TMDB is down for an hour, or whose
 * key was revoked, asks once in a while and says one line when that begins and one when it ends.
 *
 *         HEALTH_FAILURES_MAX in a row              401, 403
 *   UP ─────────────────────────────► DOWN    any ─────────► DENIED
 *    ▲───────────── a usable answer ───┴────────────────────────┘
 *
 * Times are monotonic and given. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/tmdb_client.h"

#define HEALTH_FAILURES_MAX 5
/* Between two asks while TMDB is down: from the least, doubling, to the most; with jitter, for a
 * fixed pause can fall into step with an outage that comes and goes, and then never ends it. */
#define HEALTH_DOWN_PAUSE_LEAST_MS INT64_C(1000)
#define HEALTH_DOWN_PAUSE_MS       INT64_C(15000)
#define HEALTH_DENIED_PAUSE_MS     INT64_C(60000) /* ... while it refuses the key */

enum tmdb_state { TMDB_UP, TMDB_IS_DOWN, TMDB_REFUSES };

struct tmdb_health {
    enum tmdb_state state;
    bool answered; /* a usable answer has come since the start */
    int failures;  /* in a row */
    int64_t since_ms, ask_at_ms;
    int probes;      /* asks in vain since it is down */
    uint64_t random; /* state of the jitter's generator: a seed gives a sequence */
};

/* True when the state is another one now: say it. ret_lasted_ms: how long the last one was. */
bool tmdb_health_answered(struct tmdb_health *health,
                          const struct tmdb_answer *answer,
                          int64_t now_ms,
                          int64_t *ret_lasted_ms);

/* Whether to ask now, with so many requests under way. */
bool tmdb_health_may_ask(const struct tmdb_health *health, size_t under_way, int64_t now_ms);

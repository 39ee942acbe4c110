/* Pulse data: what the events of the stream say, as JSON objects. One owner thread.
 *
 *   state      the clock, counters, the most popular movies, the last run, meta
 *   trending   the ranks of the latest window, each with the rank before, and who left
 *   live       the last hour's minutes: records, user events by type, users, movies */
#pragma once

#include "serve/worker.h"

/* Movies whose numbers are in every state: what the page shows first in its list. */
#define PULSE_MOVIES 20
/* Ranks in a trending event. */
#define PULSE_RANKS 20
/* Minutes of each live metric. */
#define PULSE_MINUTES 60

struct pulse_data;

struct pulse_data *pulse_data_new(struct worker *worker); /* the worker must outlive it */
void pulse_data_free(struct pulse_data *data);            /* accepts NULL */

/* Loads the plan of the merge anew. */
bool pulse_write_state(struct pulse_data *data, struct arena *arena, GString *out, GError **error)
    MUST_CHECK;

/* The two below append nothing where nothing is new since the last call that appended. */
bool pulse_write_trending(struct pulse_data *data,
                          struct arena *arena,
                          GString *out,
                          GError **error) MUST_CHECK;
bool pulse_write_live(struct pulse_data *data, struct arena *arena, GString *out, GError **error)
    MUST_CHECK;

/* Run state: what the steps of one batch run share, and the relations that their SQL files read. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/context.h"
#include "batch/engine.h"
#include "batch/journal.h"
#include "bus/bus.h"
#include "lake/lake.h"
#include "view/view.h"

#define VIEWS_HOURS_MS   (INT64_C(14) * 24 * 3600 * 1000)  /* hours that the views of a run hold */
#define SILVER_MS        (INT64_C(730) * 24 * 3600 * 1000) /* how long silver is kept */
#define STATE_PARAMS_MAX 32

struct run_state {
    const struct context *context;
    struct lake *lake;
    struct bus *bus;
    struct view *view;
    struct engine *engine;
    const struct manifest *previous; /* published; NULL: none */
    struct journal *journal;
    struct manifest *manifest; /* the journal's */
    int64_t lease_epoch;
    bool resumed;       /* an earlier process began the run and may have written files of it */
    bool as_of;         /* bronze is read as it was at the parameter as_of_ms, all of it as new */
    const char *prefix; /* of the names of files that transforms write; NULL: none */
    bool has_months;
    GArray *months; /* int64_t: starts of the months whose hours this run's records may change,
                       ascending */
    GHashTable *relations; /* names that are open */
    GHashTable *checked;   /* names of files that were as the manifest says */
    struct engine_param params[STATE_PARAMS_MAX];
    size_t params_count;
};

void run_state_init(struct run_state *state);
void run_state_clear(struct run_state *state);

/* Sets a parameter of the SQL files. */
void run_state_set_int(struct run_state *state, const char *name, int64_t value);
struct engine_params run_state_params(const struct run_state *state);

/* Opens or computes a relation that SQL files read, and what it reads itself; nothing to do the
 * second time. */
bool run_state_need(struct run_state *state, const char *relation, GError **error) MUST_CHECK;

/* Before files of the lake are read: whether they are what was written, each once a run. Those that
 * this process wrote aren't looked at. BADDATA, NOTFOUND as manifest_check_file. NULL: no files. */
bool run_state_check(struct run_state *state,
                     const struct manifest_table *table,
                     GError **error) MUST_CHECK;

/* Fills state->months from this run's new records. */
bool run_state_find_months(struct run_state *state, GError **error) MUST_CHECK;

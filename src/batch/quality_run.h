/* Quality run: judges a run's tables by the suites of contracts/quality, and decides whether it may
 * be published.
 *
 *   contracts/quality/silver.movies.json ─► one statement over silver/movies as the run has it ─►
 *   runs/<run id>/quality.json, and documents of the view "quality"
 *
 * The score of a table is the share of its rows that pass all critical expectations that judge
 * rows. The lowest score decides: below quality.warn_below it is logged, below quality.floor the
 * step fails, so that nothing is published and the old views stay. */
#pragma once

#include "batch/quality_result.h"
#include "batch/run_state.h"

#define QUALITY_FOLDER "contracts/quality/"

/* The step "quality". ret_step: rows judged and bytes of the results. Repeatable. BADDATA: a suite
 * is wrong, or a table's score is below the floor; the text names both. */
bool quality_run(struct run_state *state,
                 struct manifest_step *ret_step,
                 GError **error) MUST_CHECK;

/* Judges a relation of the engine. run_id and time_ms stand in the result's meta. BADDATA: the
 * engine can't read a regular expression of the suite, or the relation. */
struct quality_result *quality_check(struct engine *engine,
                                     const struct quality_suite *suite,
                                     const char *relation,
                                     const char *run_id,
                                     int64_t time_ms,
                                     GError **error) MUST_CHECK;

/* Sets METRIC_QUALITY_SCORE by table from what the last run found that came so far: the one that is
 * open or failed, else the published one. None: nothing to do. BADDATA: the object isn't one of
 * ours. */
bool quality_measure(struct lake *lake, struct metrics *metrics, GError **error) MUST_CHECK;

/* "runs/<run id>/quality.json"; newly allocated. */
char *quality_object_name(const char *run_id);

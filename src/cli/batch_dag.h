/* marquee batch step, by the names of an orchestrator's graphs (batch/dag.h). */
#pragma once

#include "batch/dag.h"
#include "cli/app.h"

/* Does the step; the exit code: BATCH_EXIT_SKIPPED where it isn't due. */
int batch_dag_main(struct app *app, const struct dag_step *step);
void batch_dag_list(bool json);

/* Judge: whether the lives of a seed left what a run without faults leaves; stream_sim.c says what
 * is compared. Prints what is wrong and adds to sim->shared what it saw. */
#pragma once

#include "sim_run.h"

bool sim_judge(struct sim *sim);

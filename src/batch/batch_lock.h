/* Batch lock: one process of this machine works on a data folder's lake at a time. The lock ends
 * with its process, however that dies. */
#pragma once

#include "base/config.h"
#include "base/error.h"

/* The lock's descriptor, to be closed by the caller; -1 on error, CONFLICT where another has it. */
int batch_lock_take(const struct config *config, GError **error) MUST_CHECK;

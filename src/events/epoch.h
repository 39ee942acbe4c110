/* Epoch: the number that tells one start of a producer from all others. docs/semantics.md judges a
 * repeat by producer, epoch and sequence, so an epoch is never used twice: it is on the disk before
 * the first event is made, whatever happens to the process. It grows, and is at least the clock's
 * milliseconds, so that a folder that was lost doesn't give an old one again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Takes the next epoch of the producer; path: of the SQLite file (contracts/events.sql), which is
 * made where it is absent. Several processes may call it at once. Errors as of model/db.h. */
bool epoch_take(const char *path,
                const char *producer,
                int64_t now_ms,
                int64_t *ret_epoch,
                GError **error) MUST_CHECK;

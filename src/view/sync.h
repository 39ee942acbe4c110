/* Sync: copies what changed in the speed store to the speed views.
 *
 *   speed store: feed of changed keys ─► rows of these keys ─► documents
 *   view store, in one transaction: the documents, and the position behind the last key
 *
 * A step reads the position from the view store, so it may be repeated, die anywhere, or run twice:
 * documents are replaced whole, and a sync that is behind writes nothing. It follows the feed and
 * never scans, with one exception: a view store that was never synced (new, or deleted) is filled
 * from the tables once, because the feed has been pruned by then. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"
#include "base/error.h"

struct sync;

struct sync *sync_open(const struct context *context, GError **error) MUST_CHECK;
void sync_close(struct sync *sync); /* accepts NULL */

/* Copies at most sync.batch_rows changed keys. ret_keys: how many; less than sync.batch_rows means
 * that the views equalled the speed store when the step read it. AGAIN and CONFLICT: repeat. */
bool sync_step(struct sync *sync, size_t *ret_keys, GError **error) MUST_CHECK;

/* World time since the views last equalled the speed store, as far as this sync has seen: it grows
 * while steps fail. 0 before the first step. */
int64_t sync_lag_ms(const struct sync *sync);

/* Removes what is expired or superseded, in the speed store and in the views, in bounded steps. */
bool sync_sweep(struct sync *sync, GError **error) MUST_CHECK;

/* The stage: takes the lease "sync", then copies until stop is requested; a second one stands by.
 * Errors that time doesn't mend end it. */
bool sync_run(const struct context *context, GError **error) MUST_CHECK;

/* Publish: the run becomes what readers see: the lake by one pointer, the views by another, each at
 * once. */
#pragma once

#include "batch/run_state.h"

/* Saves the manifest and swaps _current to this run. CONFLICT where another run was published
 * meanwhile. */
bool publish_lake(struct run_state *state,
                  struct manifest_step *ret_step,
                  GError **error) MUST_CHECK;

/* Switches the view store to the run's generation; FENCED where the lease was lost. */
bool publish_views(struct run_state *state,
                   struct manifest_step *ret_step,
                   GError **error) MUST_CHECK;

/* What may go now that the run is published: records on the bus, spool files, files of older
 * manifests. */
bool publish_release(struct run_state *state,
                     struct manifest_step *ret_step,
                     GError **error) MUST_CHECK;

/* Archive of TMDB's daily ID exports, as ingest puts them in the lake:
 *
 *   spool/exports/2026-03-03.csv.gz {day, movie_id, popularity} ──► bronze/exports
 *
 * A spool file is taken when it is new, or another than the run before took (by checksum): of two
 * rows of a day and movie the one that a later run archived counts. The spool is ingest's, and
 * stays. */
#pragma once

#include <stdbool.h>

#include "batch/run_state.h"

/* In a manifest, the "table" of spool files that were there. */
#define ARCHIVE_EXPORTS "spool/exports"

/* ret_rows: how many were stored. BADDATA: a file can't be read; the text names it. */
bool archive_exports(struct run_state *state, int64_t *ret_rows, GError **error) MUST_CHECK;

/* Archive: what the bus and ingest's spool hold up to the run's cut, into bronze.
 *
 *   bus [from, cut) ── decode ──► bronze/{ratings,metadata,reviews,events}
 *   spool/movies ───────────────► bronze/movies
 *
 * from is the cut of the manifest before. The manifest is the truth: records below its cut are
 * archived, spool files that it names are read. Publishing the manifest makes both so at once; only
 * then the bus may expire and the spool be removed. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"
#include "batch/engine.h"
#include "bus/bus.h"
#include "lake/manifest.h"

/* In a manifest, the "table" of spool files that its run took. */
#define ARCHIVE_SPOOL "spool/movies"

struct archive_report {
    int64_t records, answers;
    int64_t
        gap_records; /* expired on the bus before they were archived: only when the lake was lost */
};

/* Sets the manifest's cut to where the input topics end now. Topics that don't exist yet are left
 * out. */
bool archive_cut(struct bus *bus, struct manifest *manifest, GError **error) MUST_CHECK;

/* engine is one of engine_duckdb_open: bronze is written by DuckDB whatever computes the rest.
 * Fills the manifest's bronze tables, which hold what previous (NULL: none) had, with what is new.
 */
bool archive_run(const struct context *context,
                 struct lake *lake,
                 struct bus *bus,
                 struct engine *engine,
                 const struct manifest *previous,
                 struct manifest *manifest,
                 struct archive_report *ret_report,
                 GError **error) MUST_CHECK;

/* After the manifest was published: tells the bus what it may expire and removes the spool files.
 * Repeatable. */
bool archive_release(struct lake *lake,
                     struct bus *bus,
                     const struct manifest *published,
                     GError **error) MUST_CHECK;

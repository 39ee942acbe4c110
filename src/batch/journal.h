/* Journal: how far a run has come, so that a rerun after a crash goes on at the first unfinished
 * step.
 *
 *   runs/_running ──► runs/<run id>/journal.json   {attempts, fingerprint, manifest so far}
 *
 * Written whole and durably after each step (lake_put), so it never says more than what is there.
 * One owner thread; one run at a time, by lease. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lake/manifest.h"

#define JOURNAL_RUNNING "runs/_running"

struct journal {
    struct manifest *manifest; /* its steps are the finished ones */
    int64_t attempts;          /* starts of this run, this one included */
    char *fingerprint;         /* of the program's SQL: a run isn't continued with other SQL */
};

/* Of all embedded SQL files; newly allocated. */
char *journal_fingerprint(void);

struct journal *journal_new(struct manifest *manifest); /* takes the manifest */
void journal_free(struct journal *journal);             /* accepts NULL */

/* The unfinished run; *ret_journal is NULL where there is none. A journal that can't be read counts
 * as none: its run is begun anew. */
bool journal_load(struct lake *lake, struct journal **ret_journal, GError **error) MUST_CHECK;
bool journal_save(const struct journal *journal, struct lake *lake, GError **error) MUST_CHECK;

/* The run is finished or given up: nobody goes on with it. */
bool journal_end(const struct journal *journal, struct lake *lake, GError **error) MUST_CHECK;

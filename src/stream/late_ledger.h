/* Late ledger: which used records came to a window that was final, and what they changed there: the
 * diagnostic behind the counter of late records (docs/semantics.md, Watermark), outside the
 * equality. A bounded table in stream.db, written in the commit: the oldest entries go.
 *
 *   record, late by 4 min ──► window of its movie: before 10.0, after 10.5 ──► entry
 *
 * Of each commit the newest LATE_LEDGER_COMMIT_MAX, of all the newest LATE_LEDGER_ROWS_MAX.
 *
 * One thread at a time (part.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/error.h"
#include "base/sql_file.h"

/* Entries that are kept, and of those that one commit brings (more are counted only). */
#define LATE_LEDGER_ROWS_MAX   10000
#define LATE_LEDGER_COMMIT_MAX 1000

/* What a window says: of ratings its last popularity, of reviews the average of compound, of user
 * events their number. Nothing where it is empty, and for metadata, which has no windows. */
struct late_value {
    bool has;
    double value;
};

struct late_entry {
    const char *topic; /* outlives the ledger */
    int32_t partition, movie_id;
    int64_t offset;
    int64_t window_start_ms;
    int64_t late_ms; /* watermark less the window's end: 0 is just late */
    struct late_value before, after;
};

struct late_ledger;

/* Makes the table where it is absent. db and sql outlive the ledger. */
struct late_ledger *
late_ledger_new(sqlite3 *db, const struct sql_file *sql, GError **error) MUST_CHECK;
void late_ledger_free(struct late_ledger *ledger); /* accepts NULL */

/* As state_record. */
void late_ledger_record(struct late_ledger *ledger, GByteArray *delta);

void late_ledger_add(struct late_ledger *ledger, const struct late_entry *entry);

/* Late records since the last commit that the ledger has no room for: the oldest. */
uint64_t late_ledger_unlisted(const struct late_ledger *ledger);

/* Within the engine's transaction; repeatable until then late_ledger_clear: after the transaction,
 * or where what was added is read again. */
bool late_ledger_write(struct late_ledger *ledger, GError **error) MUST_CHECK;
void late_ledger_clear(struct late_ledger *ledger);

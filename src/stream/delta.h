/* Delta: what a commit changes of a task's file, as the statements that changed it, in their order,
 * with the values that were bound. Run again on a file that stands where the first one stood, they
 * leave the same rows: so the bytes are the task's record in the changelog (changelog.h), and a
 * task's file is what its deltas made of an empty one.
 *
 *   state, seen, positions ... ─► delta_run ─┬─► SQLite, at once
 *                                            └─► bytes ─► changelog ─► delta_player_run ─► another
 * file
 *
 * Bytes: per statement its number (one byte), then each value: type (one byte), and an int as
 * zigzag varint, a double as IEEE little-endian, text and blob with their length before them. The
 * numbers are a format: they are never given to another statement, and what a numbered statement of
 * contracts/stream.sql does to the rows stays as it is. It must depend on its values and the file
 * alone (a LIMIT has an ORDER BY).
 *
 * Why not SQLite's session extension: docs/decisions/0013-stream-on-kafka.md. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <sqlite3.h>

#include "base/error.h"
#include "base/sql_file.h"
#include "model/record.h"

/* The statements that change a task's file. Append only. */
enum delta_statement {
    DELTA_PUT_POSITION = 1,
    DELTA_PUT_TASK,
    DELTA_PUT_MOVIE,
    DELTA_PUT_BIN,
    DELTA_EXPIRE_BINS,
    DELTA_PUT_SEEN,
    DELTA_EXPIRE_SEEN,
    DELTA_EXPIRE_PRODUCERS,
    DELTA_APPEND_MEASURES,
    DELTA_CLEAR_MEASURE_LOG,
    DELTA_PUT_MEASURES,
    DELTA_PUT_RANKING,
    DELTA_EXPIRE_MEASURES,
    DELTA_EXPIRE_RANKINGS,
    DELTA_PUT_LIVE_MINUTE,
    DELTA_EXPIRE_LIVE_MINUTES,
    DELTA_PUT_LATE,
    DELTA_EXPIRE_LATE,
    DELTA_PUT_HOUR_COUNT,
    DELTA_EXPIRE_HOUR_COUNTS,
    DELTA_PUT_LIVE_PART,
    DELTA_EXPIRE_LIVE_PARTS,
    DELTA_PUT_TITLE,
    DELTA_PUT_HORIZON,
    DELTA_PUT_SUNK,
    DELTA_STATEMENT_END,
};

#define DELTA_VALUES_MAX 10

enum value_type { VALUE_NULL, VALUE_INT, VALUE_DOUBLE, VALUE_TEXT, VALUE_BLOB, VALUE_TYPE_COUNT };

struct value {
    enum value_type type;
    int64_t number;
    double real;
    struct span bytes;
};

static inline struct value value_null(void)
{
    return (struct value){.type = VALUE_NULL};
}

static inline struct value value_int(int64_t number)
{
    return (struct value){.type = VALUE_INT, .number = number};
}

static inline struct value value_double(double real)
{
    return (struct value){.type = VALUE_DOUBLE, .real = real};
}

/* NULL for text NULL. */
struct value value_text(const char *text);

static inline struct value value_blob(struct span bytes)
{
    return (struct value){.type = VALUE_BLOB, .bytes = bytes};
}

/* Runs a prepared statement with these values, as many as it has; where delta isn't NULL they are
 * appended to it. statement: the numbered one of contracts/stream.sql, prepared. */
bool delta_run(GByteArray *delta,
               enum delta_statement number,
               sqlite3_stmt *statement,
               const struct value *values,
               GError **error) MUST_CHECK;

/* Only appended: the caller runs the statement, or one that leaves the same rows, later, but before
 * any other statement on the rows that it changes. */
void delta_record(GByteArray *delta, enum delta_statement number, const struct value *values);

/* What plays deltas on a file: its statements, prepared at their first use. */
struct delta_player;

/* db and sql outlive it. */
struct delta_player *delta_player_new(sqlite3 *db, const struct sql_file *sql);
void delta_player_free(struct delta_player *player); /* accepts NULL */

/* Within the caller's transaction. BADDATA where the bytes are no delta: roll back. */
bool delta_player_run(struct delta_player *player, struct span delta, GError **error) MUST_CHECK;

/* Whether the bytes are a delta, without running it. */
bool delta_check(struct span delta);

/* Engine: runs the SQL files of sql/ over the lake. DuckDB here; Spark runs the same files.
 *
 * A file holds one SELECT; what happens with its rows the caller says: engine_table keeps them for
 * later files, engine_write makes a Parquet file of them, engine_select hands them over.
 * engine_view gives a name to Parquet files.
 * ${name} in a file stands for a typed parameter: an integer, a double, a run id ([A-Za-z0-9_-]) or
 * a date; nothing that came from outside becomes SQL text. The prelude (sql/prelude/<engine>.sql)
 * is loaded at open.
 *
 * Errors of all: BADDATA, the file or its input is at fault (the text names the file and holds the
 * engine's words); FAILED, memory, disk; AGAIN, interrupted by engine_interrupt. One owner thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"

struct engine;

enum engine_param_type { ENGINE_INT, ENGINE_DOUBLE, ENGINE_NAME, ENGINE_DATE };

struct engine_param {
    const char *name;
    enum engine_param_type type;
    int64_t integer;
    double number;
    const char *text; /* ENGINE_NAME, ENGINE_DATE (2026-03-03) */
};

struct engine_params {
    const struct engine_param *items;
    size_t count;
};

struct engine_report {
    int64_t rows;
    double seconds;
};

/* context outlives the engine. lake_root is what lake_url gives for names, up to where they begin:
 * the engine reads and writes below it and nowhere else. */
struct engine *
engine_open(const struct context *context, const char *lake_root, GError **error) MUST_CHECK;
void engine_close(struct engine *engine); /* accepts NULL */

/* name becomes a relation over the Parquet files at these URLs. The embedded file at columns_path,
 * a SELECT without rows, gives its columns: where there are no files it stands for them. */
bool engine_view(struct engine *engine,
                 const char *name,
                 const char *columns_path,
                 const char *const *urls,
                 size_t urls_count,
                 GError **error) MUST_CHECK;

/* name becomes a relation of the file's rows, computed now and once. ret_report may be NULL. */
bool engine_table(struct engine *engine,
                  const char *name,
                  const char *sql_path,
                  const struct engine_params *params,
                  struct engine_report *ret_report,
                  GError **error) MUST_CHECK;

/* Forgets a relation that engine_table made. */
bool engine_drop(struct engine *engine, const char *name, GError **error) MUST_CHECK;

/* The file's rows as one Parquet file (zstd) at a URL of the lake, in the order of its ORDER BY.
 * The same rows give the same bytes. */
bool engine_write(struct engine *engine,
                  const char *sql_path,
                  const struct engine_params *params,
                  const char *url,
                  struct engine_report *ret_report,
                  GError **error) MUST_CHECK;

enum engine_column_type {
    ENGINE_COLUMN_INT,
    ENGINE_COLUMN_DOUBLE,
    ENGINE_COLUMN_BOOL,
    ENGINE_COLUMN_TEXT
};

struct engine_column {
    const char *name;
    enum engine_column_type type;
};

/* A field of a row: by its column's type. text ends with a NUL that len doesn't count. */
struct engine_value {
    bool is_null;
    int64_t integer; /* also BOOL */
    double number;
    const char *text;
    size_t len;
};

/* Called once a row, in order; all lives during the call. False stops, with an error set. */
typedef bool (*engine_row_fn)(void *user,
                              const struct engine_column *columns,
                              const struct engine_value *values,
                              size_t count,
                              GError **error);
bool engine_select(struct engine *engine,
                   const char *sql_path,
                   const struct engine_params *params,
                   engine_row_fn row,
                   void *user,
                   GError **error) MUST_CHECK;

/* Ends the statement under way. The one function that any thread may call while the engine is open.
 */
void engine_interrupt(struct engine *engine);

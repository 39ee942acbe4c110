/* Engine: runs the SQL files of sql/ over the lake. DuckDB here; Spark runs the same files.
 *
 * A file may hold several statements. ${name} in it stands for a typed parameter: an integer, a run id
 * ([A-Za-z0-9_-]), a date, or a path that the lake made; nothing that came from outside becomes SQL text.
 * One owner thread; the prelude (sql/prelude/<engine>.sql) is loaded at open. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"

struct engine;

enum engine_param_type { ENGINE_INT, ENGINE_NAME, ENGINE_DATE, ENGINE_PATH, ENGINE_PATHS, ENGINE_DOUBLE };

struct engine_param {
    const char *name;
    enum engine_param_type type;
    int64_t integer;
    double number;
    const char *text;         /* ENGINE_NAME, ENGINE_DATE, ENGINE_PATH */
    const char *const *paths; /* ENGINE_PATHS: NULL-terminated, becomes an SQL list of strings; never empty */
};

struct engine_report {
    int64_t rows; /* of the last statement */
    int64_t bytes;
    double seconds;
};

struct engine *engine_open(const struct context *context, GError **error) MUST_CHECK;
void engine_close(struct engine *engine); /* accepts NULL */

/* Runs an embedded file ("sql/silver/hours_stats.sql"). BADDATA with file, line and the engine's text on failure. */
bool engine_run(struct engine *engine,
                const char *sql_path,
                const struct engine_param *params,
                size_t params_count,
                struct engine_report *ret_report,
                GError **error) MUST_CHECK;

/* Called once a row of a query's result, values as text (NULL for null), in order. False stops. */
typedef bool (*engine_row_fn)(void *user, const char *const *values, size_t count);
bool engine_query(struct engine *engine,
                  const char *sql_path,
                  const struct engine_param *params,
                  size_t params_count,
                  engine_row_fn row,
                  void *user,
                  GError **error) MUST_CHECK;

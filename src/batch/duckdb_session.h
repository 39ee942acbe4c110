/* DuckDB session: one in-memory DuckDB within the limits of batch.memory and batch.threads,
 * spilling to data.dir/tmp, that reads and writes below the lake's root and nowhere else, loads no
 * extension and asks no network. Shared by the engine, the archive's Parquet writer and `marquee
 * query`. One owner thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <duckdb.h>

#include "base/context.h"
#include "base/error.h"
#include "batch/duckdb_statement.h"

struct duckdb_session {
    duckdb_database database;
    duckdb_connection connection;
    char *tmp; /* folder of what spills */
};

/* context and lake_root as in engine_open. */
struct duckdb_session *duckdb_session_open(const struct context *context,
                                           const char *lake_root,
                                           GError **error) MUST_CHECK;
void duckdb_session_close(struct duckdb_session *session); /* accepts NULL */

/* Runs the text, which may hold several statements. ret_result: NULL, or the last one's, to be
 * destroyed by the caller. */
bool duckdb_session_run(struct duckdb_session *session,
                        const char *sql,
                        duckdb_result *ret_result,
                        GError **error) MUST_CHECK;

bool duckdb_session_run_statement(struct duckdb_session *session,
                                  const struct duckdb_statement *statement,
                                  duckdb_result *ret_result,
                                  GError **error) MUST_CHECK;

/* Sets error from a failed statement's type and text. */
void duckdb_session_error(duckdb_error_type type, const char *text, GError **error);

/* Registers the scalar functions that DuckDB lacks: rint, log1p (duckdb_functions.c);
 * vader_compound_e4 (duckdb_sentiment.c). */
bool duckdb_functions_register(duckdb_connection connection, GError **error) MUST_CHECK;
bool duckdb_sentiment_register(duckdb_connection connection, GError **error) MUST_CHECK;

/* The DuckDB engine by itself, whatever batch.engine says: the archive writes bronze with it. */
#pragma once

#include "batch/duckdb_session.h"
#include "batch/engine.h"

struct engine *
engine_duckdb_open(const struct context *context, const char *lake_root, GError **error) MUST_CHECK;

/* Of an engine that engine_duckdb_open gave; stays the engine's. */
struct duckdb_session *engine_duckdb_session(struct engine *engine);

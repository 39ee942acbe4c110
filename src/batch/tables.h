/* Tables: between the lake's names and the engine's relations. */
#pragma once

#include <stdbool.h>

#include "batch/engine.h"
#include "lake/manifest.h"

/* Opens the engine's relation over a table's files (table NULL: none). */
bool tables_view(const char *relation,
                 const char *columns_path,
                 const struct manifest_table *table,
                 struct engine *engine,
                 struct lake *lake,
                 GError **error) MUST_CHECK;

/* Runs a file and gives its rows the name in the lake, durable: written to tmp/<run id>/ first,
 * then renamed. ret_file: name, rows, bytes, checksum; the caller clears it. */
bool tables_write(const char *sql_path,
                  const struct engine_params *params,
                  const char *name,
                  const char *run_id,
                  struct engine *engine,
                  struct lake *lake,
                  struct manifest_file *ret_file,
                  GError **error) MUST_CHECK;

/* Where the lake's names begin as the engine sees them, for engine_open. Newly allocated. */
char *tables_lake_root(struct lake *lake, GError **error) MUST_CHECK;

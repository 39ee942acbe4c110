/* SQL text: an embedded SQL file with its ${parameters} put in. */
#pragma once

#include "batch/engine.h"

/* Newly allocated, without the closing semicolon. BADDATA names the file and the parameter that is
 * missing or unsound. */
char *
sql_text_fill(const char *sql_path, const struct engine_params *params, GError **error) MUST_CHECK;

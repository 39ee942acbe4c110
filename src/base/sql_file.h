/* SQL file: an embedded .sql file, split into its named statements.
 *
 *     Comments before the first marker belong to nobody.
 *     -- name: fetch_batches
 *     SELECT ... WHERE topic_id = ?1;
 *
 * A statement goes from the line behind its marker to the next marker or the end; it may hold
 * several SQL statements (a schema). The files are ours, so a missing name is our mistake and
 * asserted, never an error. Immutable after loading; any thread. */
#pragma once

#include <glib.h>

struct sql_file;

/* embedded_path as in base/embedded.h: "contracts/bus.sql". */
struct sql_file *sql_file_load(const char *embedded_path);
void sql_file_free(struct sql_file *file); /* accepts NULL */

/* NUL-terminated, owned by the file. */
const char *sql_file_get(const struct sql_file *file, const char *name);

/* g_autoptr(sql_file) */
typedef struct sql_file sql_file;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sql_file, sql_file_free)

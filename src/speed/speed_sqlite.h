/* The embedded speed store shares the stream engine's file, data.dir/SPEED_SQLITE_FILE: then one
 * transaction covers offsets, state and tables. */
#pragma once

#include <sqlite3.h>

#include "speed/speed.h"

#define SPEED_SQLITE_FILE "stream.db"

/* On the engine's own connection, which stays the caller's and outlives the store. Within a
 * transaction of the caller's speed_write adds to it, and on an error the caller rolls back;
 * outside it makes its own. Makes the tables where they are absent. */
struct speed *
speed_sqlite_attach(const struct context *context, sqlite3 *db, GError **error) MUST_CHECK;

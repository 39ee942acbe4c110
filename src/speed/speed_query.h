/* Speed query: one SELECT over the speed tables of the embedded store, for `marquee query --speed`.
 *
 * The tables are those of contracts/speed.sql (movie_stats, review_sentiments, trending_movies,
 * real_time_stats, hour_counts), their held hours only, as the store's own readers see them; times
 * are ms UTC. The statement runs on a connection of its own, in one consistent view, and doesn't
 * disturb the stream. SQLite asks an authorizer for each thing that a statement would do: reading
 * is allowed, everything else (writing, ATTACH, PRAGMA, functions that load code) is not. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/context.h"
#include "base/error.h"

/* Above these the query fails and prints nothing. Time is monotonic. */
#define SPEED_QUERY_ROWS_MAX  10000
#define SPEED_QUERY_BYTES_MAX ((size_t)64 * 1024 * 1024) /* of all cells */
#define SPEED_QUERY_CELL_MAX  (1024 * 1024)              /* of one value, also in between */
#define SPEED_QUERY_TIME_MS   INT64_C(10000)

enum speed_query_format {
    SPEED_QUERY_TABLE, /* aligned columns for people */
    SPEED_QUERY_JSON,  /* one JSON object a line */
};

/* NOTFOUND: the store isn't there yet. BADDATA: not one SELECT, not allowed, or above a limit; the
 * text says which. CONFIG: the speed store isn't the embedded one. */
bool speed_query(const struct context *context,
                 const char *sql,
                 enum speed_query_format format,
                 FILE *out,
                 int64_t *ret_rows,
                 GError **error) MUST_CHECK;

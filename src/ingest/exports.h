/* Exports: TMDB's daily ID export files, the history of popularity that there is on day one.
 *
 *   movie_ids_03_03_2026.json.gz ─► lines ─► checked ─► spool/exports/2026-03-03.csv.gz ─► batch
 *   {"adult":false,"id":603,"original_title":"The Matrix","popularity":79.6612,"video":false}
 *
 * A file names every movie there is, about 1.1 million. Kept are those that are tracked, and
 * besides them the ingest.tracked_movies_max most popular of the day, because they are what will be
 * tracked (the lists show whether they are in scope; a join with the movies' facts leaves out the
 * others). Adult titles and videos never are.
 *
 * The spool file, one a day, replaced whole when the day is read again: gzip, UTF-8, a header line
 *     day,movie_id,popularity
 *     2026-03-03,603,79.6612
 * day the UTC date of the file, movie_id a 32-bit integer (each once, ascending), popularity with
 * four decimals, no quotes. For DuckDB: read_csv(url, columns = {day: 'DATE', movie_id: 'INTEGER',
 * popularity: 'DOUBLE'}, header = true). The same input gives the same bytes. It says nothing of
 * votes, so it feeds the batch layer's 7, 30 and 90 day trends, never movie.ratings. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "lake/lake.h"

#define EXPORTS_PREFIX "spool/exports/"
#define EXPORTS_SUFFIX ".csv.gz"
/* Lines of a file; a real one has about 1.1 million. */
#define EXPORTS_LINES_MAX INT64_C(50000000)
/* Malformed lines that are told with their number, besides the count of all. */
#define EXPORTS_MALFORMED_TOLD 10

struct exports_progress {
    int64_t bytes, total_bytes; /* of the file as it is stored; total -1: not known */
    int64_t lines, malformed;
    int64_t left_out; /* adult, video, or not popular enough */
    int64_t kept;     /* 0 until the end */
};

/* Reads one day. source: a path, or an http(s) URL. day_ms: any time of the day (UTC) that the file
 * is of; negative: from the source's name. progress may be NULL; it is called at each megabyte and
 * at the end. Malformed lines are logged with their numbers (the first EXPORTS_MALFORMED_TOLD) and
 * counted. On false nothing was written: BADDATA: damaged, cut short, or more malformed lines than
 * others. NOTFOUND: no such file. AGAIN: the server can't be reached now, or stop was requested.
 * CONFIG: no day. */
bool ingest_exports(const struct context *context,
                    const char *source,
                    int64_t day_ms,
                    void (*progress)(const struct exports_progress *progress, void *user),
                    void *user,
                    GError **error) MUST_CHECK;

/* The day in a name such as ".../movie_ids_03_03_2026.json.gz"; -1 where there is none. */
int64_t exports_day(const char *source);

/* Removes the days before before_ms from the spool. */
bool exports_sweep(struct lake *lake,
                   int64_t before_ms,
                   struct arena *arena,
                   int64_t *ret_days,
                   GError **error) MUST_CHECK;

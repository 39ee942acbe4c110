/* View store: the documents that the serving layer reads (contracts/views.sql; MongoDB says the
 * same).
 *
 *   batch_views   one set of documents a generation; a pointer names the one that is served:
 *                 run 41: put ... put, publish ─► pointer ─► 41
 *                 run 40 stays views.generation_grace longer
 *   speed_views   one document a (view_type, movie_id, hour), replaced by sync, gone 53 h after
 *                 its hour
 *   leases        name ─► owner, epoch, until: who may publish
 *
 * data is one JSON object as text. _id is made of the key fields, so putting a document twice is
 * harmless. A struct view belongs to one thread; several threads and processes may have the store
 * open. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"

struct view;

#define VIEW_DATA_BYTES_MAX  ((size_t)4 * 1024 * 1024)
#define VIEW_QUERY_LIMIT_MAX 1000
#define VIEW_SPEED_ROWS_MAX                                                                        \
    200000 /* of one view_query_speed: beyond it, BADDATA: ask for fewer hours */
#define VIEW_MOVIE_ID_MAX INT64_C(999999999999)
#define VIEW_ANY_MOVIE    INT64_C(-1) /* view_query_speed: the documents of all movies */

/* Key fields that a view doesn't use are 0 or NULL. */
struct view_key {
    const char *view_type; /* "movie", "movie_stats", "genre_analytics", ... (docs/views.md) */
    int64_t movie_id;      /* also a person's id in people's views */
    const char *genre;
    int32_t year, month;
    const char *window; /* "7d" ... */
    int64_t day_ms;     /* documents of a day's hours: start of the day */
};

struct view_doc {
    struct view_key key;
    const char *data;
};

/* A published run, as every answer's meta shows it. */
struct view_generation {
    int64_t generation; /* 0: nothing was published yet */
    const char *batch_run_id;
    int64_t through_ms; /* hours below it are complete in this generation */
    int64_t cut_at_ms;  /* clock at the cut */
    int64_t computed_at_ms;
    const char *cut; /* JSON: {"movie.ratings": [offset, ...], ...} */
};

struct speed_doc {
    const char *view_type; /* "stats", "sentiment", "trending", "hour_counts", "live" */
    int64_t movie_id;      /* 0 where the view isn't about one movie */
    int64_t hour_ms;
    const char *data;
    int64_t synced_at_ms;
};

struct view_lease {
    int64_t epoch; /* grows with each owner */
    int64_t until_ms;
    const char *owner;
};

struct view *view_open(const struct context *context, GError **error) MUST_CHECK;
void view_close(struct view *view); /* accepts NULL */

/* ---- batch views ---- */

/* Upserts documents of a generation, all or nothing. CONFLICT unless it is above the one that is
 * served; BADDATA for a key or data that can't be stored. */
bool view_put(struct view *view,
              int64_t generation,
              const struct view_doc *docs,
              size_t count,
              GError **error) MUST_CHECK;

/* Switches the pointer to the generation, if the lease "batch" still has this epoch: else FENCED.
 * To publish the served generation again is harmless, one below it is CONFLICT. Generations that
 * are older than the previous one, or whose grace is over, are removed in steps by view_sweep. */
bool view_publish(struct view *view,
                  const struct view_generation *generation,
                  int64_t lease_epoch,
                  GError **error) MUST_CHECK;
/* Nothing published: true, and all fields 0, "" or "{}". */
bool view_current(struct view *view,
                  struct arena *arena,
                  struct view_generation *ret_generation,
                  GError **error) MUST_CHECK;

/* The highest generation number that was ever used, published or not (0: none). */
bool view_last_generation(struct view *view, int64_t *ret_generation, GError **error) MUST_CHECK;

/* Documents of the generation whose key has each non-zero field of the filter, ordered by _id,
 * after the cursor (NULL: from the start), at most limit (1 to VIEW_QUERY_LIMIT_MAX). view_type
 * must be given. from_day_ms/to_day_ms: half-open range on day_ms, both 0: any. ret_cursor: NULL
 * when nothing is left. Generation 0 has no documents. NOTFOUND: the generation is no longer kept.
 * BADDATA: the cursor isn't of this generation and view type. */
struct view_filter {
    struct view_key key;
    int64_t from_day_ms, to_day_ms;
};
bool view_query(struct view *view,
                int64_t generation,
                const struct view_filter *filter,
                const char *cursor,
                size_t limit,
                struct arena *arena,
                struct view_doc **ret_docs,
                size_t *ret_count,
                const char **ret_cursor,
                GError **error) MUST_CHECK;

/* Makes ready what view_search of a generation that is or was served needs on this machine; it may
 * take a while, and a search before that does it first. view_prepares: whether there is anything to
 * do. AGAIN: somebody else is at it. NOTFOUND as view_search. */
bool view_prepares(const struct view *view);
bool view_prepare(struct view *view, int64_t generation, GError **error) MUST_CHECK;

/* Full text over the generation's "movie" documents: titles, cast and directors, keywords, by BM25.
 * Each word must occur; the last one may be unfinished (search.h). */
enum view_sort {
    VIEW_SORT_RELEVANCE, /* without words: as popularity */
    VIEW_SORT_POPULARITY,
    VIEW_SORT_RATING,
    VIEW_SORT_YEAR, /* newest first */
    VIEW_SORT_TITLE,
};
struct view_search {
    const char *words;          /* what a person typed; NULL: every movie */
    const char *genre;          /* exactly so; NULL: any */
    int32_t year_from, year_to; /* of release, inclusive; 0: any */
    double rating_min;          /* 0: any */
    enum view_sort sort;
};
struct view_found {
    int64_t movie_id;
    double score; /* higher is better; 0 without words */
    const char *data;
};
/* offset + limit at most VIEW_SEARCH_ROWS_MAX. ret_more: there are others behind these. Words
 * without a letter or digit find nothing. BADDATA: too many words. NOTFOUND as view_query, and by
 * some backends for a generation that was never published. AGAIN: view_prepare is under way. */
#define VIEW_SEARCH_ROWS_MAX 1000
bool view_search(struct view *view,
                 int64_t generation,
                 const struct view_search *search,
                 size_t offset,
                 size_t limit,
                 struct arena *arena,
                 struct view_found **ret_found,
                 size_t *ret_count,
                 bool *ret_more,
                 GError **error) MUST_CHECK;

/* Which generation a cursor names; BADDATA where it isn't a cursor. */
bool view_cursor_generation(const char *cursor, int64_t *ret_generation, GError **error) MUST_CHECK;

/* ---- speed views ---- */

/* Replaces documents and, in the same transaction, sync's position in the feed. data NULL removes.
 * CONFLICT where the position is already beyond feed_position: another sync has gone on, and what
 * this one read is old. */
bool view_put_speed(struct view *view,
                    const struct speed_doc *docs,
                    size_t count,
                    int64_t feed_position,
                    int64_t synced_at_ms,
                    GError **error) MUST_CHECK;
/* feed_position -1: never synced. synced_at_ms: when the views last equalled the speed store. */
bool view_sync_position(struct view *view,
                        int64_t *ret_feed_position,
                        int64_t *ret_synced_at_ms,
                        GError **error) MUST_CHECK;

/* The earliest hour of which a speed document was ever put, whatever has expired since; INT64_MAX:
 * none was. */
bool view_earliest_hour(struct view *view, int64_t *ret_hour_ms, GError **error) MUST_CHECK;

/* Documents by hour (then movie), from_hour_ms <= hour < to_hour_ms; those that clock has expired
 * are left out: held is hour + 1 h + speed.retention > now. movie_id VIEW_ANY_MOVIE: of all movies.
 */
bool view_query_speed(struct view *view,
                      const char *view_type,
                      int64_t movie_id,
                      int64_t from_hour_ms,
                      int64_t to_hour_ms,
                      struct arena *arena,
                      struct speed_doc **ret_docs,
                      size_t *ret_count,
                      GError **error) MUST_CHECK;

/* Removes expired speed documents and superseded generations, at most rows_max a call. */
bool view_sweep(struct view *view, size_t rows_max, int64_t *ret_rows, GError **error) MUST_CHECK;

/* ---- leases ---- */

/* Takes the lease when it is free, expired by clock, or already ours (same epoch then); CONFLICT
 * names the owner. */
bool view_lease_acquire(struct view *view,
                        const char *name,
                        const char *owner,
                        int64_t ttl_ms,
                        struct view_lease *ret_lease,
                        GError **error) MUST_CHECK;
/* FENCED where another epoch holds it. */
bool view_lease_renew(
    struct view *view, const char *name, int64_t epoch, int64_t ttl_ms, GError **error) MUST_CHECK;
bool view_lease_release(struct view *view, const char *name, int64_t epoch, GError **error)
    MUST_CHECK;

/* ---- run history (marquee batch status, /api/v1/runs) ---- */

struct view_run {
    const char *run_id;
    int64_t started_ms, ended_ms; /* world time; ended 0 while running */
    const char *state;            /* "running", "done", "failed", "stopped" */
    const char *detail;           /* JSON: steps with rows, bytes, seconds; or the error */
};
bool view_put_run(struct view *view, const struct view_run *run, GError **error) MUST_CHECK;
bool view_runs(struct view *view,
               size_t limit,
               struct arena *arena,
               struct view_run **ret_runs,
               size_t *ret_count,
               GError **error) MUST_CHECK;

/* What a look at the backend itself finds: clocks, indexes, copies (marquee doctor). Changes
 * nothing there: a store that is opened makes what is missing, so look first. */
struct findings;
bool view_inspect(const struct context *context,
                  struct findings *findings,
                  GError **error) MUST_CHECK;

/* Merge: the one place that knows which hours come from the batch views and which from the speed
 * views.
 *
 *        batch views                        |                speed views
 *   ────────────────────────────────────────┼──────────────────────────────────────► hours
 *                                        boundary = min(first full hour >= now - serve.boundary,
 * through)
 *
 *   late batch:   ───── batch ─────|   gap   |──── speed ────   hours at or above through that the
 * speed views no longer hold
 *
 * docs/merge.md tells it with examples. merge_plan is pure; merge_load reads its input from the
 * view store. A struct merge is of one instant and is never shared between threads; its strings
 * live in the arena that was given. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "model/record.h"
#include "view/view.h"

/* Used records of a topic, partition and hour, as one side counts them. */
struct merge_count {
    int64_t hour_ms;
    const char *topic;
    int32_t partition;
    int64_t records;
};

struct merge_input {
    int64_t now_ms;
    int64_t boundary_age_ms;           /* serve.boundary */
    int64_t retention_ms;              /* speed.retention */
    struct view_generation generation; /* generation 0: no batch was published */
    int64_t speed_synced_at_ms;        /* 0: sync never ran */
    int64_t earliest_hour_ms;          /* of which the speed views ever had data; INT64_MAX: none */
    const struct merge_count *speed_counts, *batch_counts;
    size_t speed_counts_count, batch_counts_count;
};

struct merge {
    int64_t now_ms;
    struct view_generation generation;
    int64_t boundary_ms;  /* hours below: batch; the others: speed. 0 without a batch */
    int64_t held_from_ms; /* the first hour that the speed views still hold */
    int64_t speed_synced_at_ms;
    int64_t pending_late_records;
    int64_t gap_from_ms, gap_to_ms; /* hours that neither side holds; from == to: none */
    bool complete;
};

/* The rule. */
struct merge merge_plan(const struct merge_input *input);

/* The plan of this instant. */
bool merge_load(struct view *view,
                const struct context *context,
                struct arena *arena,
                struct merge *ret_merge,
                GError **error) MUST_CHECK;

/* The meta object of an answer: boundary, batch_run_id, batch_through, batch_computed_at,
 * generation, speed_synced_at, pending_late, gaps, complete, attribution. */
void merge_write_meta(const struct merge *merge, GString *out);

/* One hour of a movie: the stored object, and where it came from. */
struct merge_point {
    int64_t hour_ms;
    bool from_speed;
    struct span json;
};

/* The hours from_ms <= hour < to_ms of a movie's stats, ascending, each from its side. */
bool merge_stats(struct view *view,
                 const struct merge *merge,
                 int64_t movie_id,
                 int64_t from_ms,
                 int64_t to_ms,
                 struct arena *arena,
                 struct merge_point **ret_points,
                 size_t *ret_count,
                 GError **error) MUST_CHECK;

/* The 5-minute windows of the hours from_ms <= hour < to_ms of a movie's sentiment, ascending, each
 * from its hour's side. Their sums and counts add; averages are computed again from the sums. */
bool merge_sentiment(struct view *view,
                     const struct merge *merge,
                     int64_t movie_id,
                     int64_t from_ms,
                     int64_t to_ms,
                     struct arena *arena,
                     struct merge_point **ret_points,
                     size_t *ret_count,
                     GError **error) MUST_CHECK;

/* The last hour of a movie at or before now, looked for in the speed views and in the batch views'
 * last MERGE_LAST_DAYS days; false in ret_found where there is none. */
#define MERGE_LAST_DAYS 7
bool merge_last_stats(struct view *view,
                      const struct merge *merge,
                      int64_t movie_id,
                      struct arena *arena,
                      struct merge_point *ret_point,
                      bool *ret_found,
                      GError **error) MUST_CHECK;

/* The ranks of the last hour below to_ms that has any, from its side: {"window_end":...,"movies":[
 * {"rank":...}]}. Looked for in all hours that the speed views hold, then in the batch views' last
 * MERGE_LAST_DAYS days. */
bool merge_last_trending(struct view *view,
                         const struct merge *merge,
                         int64_t to_ms,
                         struct arena *arena,
                         struct merge_point *ret_point,
                         bool *ret_found,
                         GError **error) MUST_CHECK;

/* TMDB's terms ask for this line wherever its data is shown. */
#define TMDB_ATTRIBUTION "This product uses the TMDB API but is not endorsed or certified by TMDB."

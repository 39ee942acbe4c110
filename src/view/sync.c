#include "view/sync.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "speed/speed.h"
#include "view/sync_docs.h"
#include "view/view.h"

/* One sweep: at most so many steps of so many rows in each store, so that copying never waits long.
 */
#define SYNC_SWEEP_ROWS  1000
#define SYNC_SWEEP_STEPS 8

struct sync {
    const struct context *context;
    struct speed *speed;
    struct view *view;
    struct arena *arena;  /* of a step */
    int64_t refreshed_ms; /* monotonic: when the views' synced_at was last written */
    int64_t synced_at_ms; /* the views' synced_at, as last seen or written; 0: not known */
};

/* An idle sync says so often enough that synced_at tells how fresh the views are. */
#define SYNC_REFRESH_MS 1000

struct sync *sync_open(const struct context *context, GError **error)
{
    struct sync *sync = g_new0(struct sync, 1);
    sync->context = context;
    sync->arena = arena_new();
    sync->refreshed_ms = INT64_MIN / 2;
    sync->speed = speed_open(context, error);
    sync->view = sync->speed ? view_open(context, error) : NULL;
    if (!sync->view) {
        sync_close(sync);
        return NULL;
    }
    return sync;
}

void sync_close(struct sync *sync)
{
    if (!sync)
        return;
    view_close(sync->view);
    speed_close(sync->speed);
    arena_free(sync->arena);
    g_free(sync);
}

/* ---- documents ---- */

/* Documents of a step; their texts live in the step's arena. */
struct docs {
    struct sync *sync;
    GArray *docs; /* of struct speed_doc */
    GString *text;
    int64_t now_ms;
};

/* text, or nothing where it is empty: the key has no rows any more. */
static void docs_add(struct docs *docs, enum speed_table table, int64_t movie_id, int64_t hour_ms)
{
    struct speed_doc doc = {
        .view_type = sync_view_type(table),
        .movie_id = movie_id,
        .hour_ms = hour_ms,
        .data = docs->text->len ? arena_strndup(docs->sync->arena, docs->text->str, docs->text->len)
                                : NULL,
        .synced_at_ms = docs->now_ms,
    };
    g_array_append_val(docs->docs, doc);
    g_string_truncate(docs->text, 0);
}

/* Rows of the changed keys of movies, all read at once, by movie, hour and window. */
struct movie_rows {
    struct stats_row *stats;
    struct sentiment_row *sentiment;
    size_t stats_count, sentiment_count;
};

static bool read_movies(struct sync *sync,
                        const struct speed_change *changes,
                        size_t count,
                        struct movie_rows *ret_rows,
                        GError **error)
{
    return speed_read_changed_stats(sync->speed, changes, count, sync->arena, &ret_rows->stats,
                                    &ret_rows->stats_count, error) &&
           speed_read_changed_sentiment(sync->speed, changes, count, sync->arena,
                                        &ret_rows->sentiment, &ret_rows->sentiment_count, error);
}

static int compare_key(const struct speed_change *change, int32_t movie_id, int64_t hour_ms)
{
    if (change->movie_id != movie_id)
        return change->movie_id < movie_id ? -1 : 1;
    return (change->hour_ms > hour_ms) - (change->hour_ms < hour_ms);
}

static int compare_stats(const void *change, const void *row)
{
    const struct stats_row *stats = row;
    return compare_key(change, stats->movie_id, stats->hour_ms);
}

static void add_changed_stats(struct docs *docs,
                              const struct speed_change *change,
                              const struct movie_rows *rows)
{
    const struct stats_row *row =
        rows->stats_count
            ? bsearch(change, rows->stats, rows->stats_count, sizeof *rows->stats, compare_stats)
            : NULL;
    if (row)
        sync_write_stats(docs->text, row);
    docs_add(docs, change->table, change->movie_id, change->hour_ms);
}

static int compare_sentiment(const void *change, const void *row)
{
    const struct sentiment_row *sentiment = row;
    return compare_key(change, sentiment->movie_id, sentiment->hour_ms);
}

static void add_changed_sentiment(struct docs *docs,
                                  const struct speed_change *change,
                                  const struct movie_rows *rows)
{
    const struct sentiment_row *end = rows->sentiment + rows->sentiment_count;
    const struct sentiment_row *first =
        rows->sentiment_count ? bsearch(change, rows->sentiment, rows->sentiment_count,
                                        sizeof *rows->sentiment, compare_sentiment)
                              : NULL;
    if (first) {
        const struct sentiment_row *last = first + 1;
        while (first > rows->sentiment && compare_sentiment(change, first - 1) == 0)
            first--;
        while (last < end && compare_sentiment(change, last) == 0)
            last++;
        sync_write_sentiment(docs->text, first, (size_t)(last - first));
    }
    docs_add(docs, change->table, change->movie_id, change->hour_ms);
}

/* The document of an hour, of a table whose key that is, as its rows are now: newer than the feed
 * entry perhaps, never older. */
static bool docs_read(struct docs *docs, const struct speed_change *change, GError **error)
{
    struct sync *sync = docs->sync;
    int64_t from_ms = change->hour_ms, to_ms = from_ms + MS_PER_HOUR;
    size_t count = 0;
    switch (change->table) {
    case SPEED_TRENDING: {
        struct trending_row *rows;
        if (!speed_read_trending(sync->speed, from_ms, to_ms, sync->arena, &rows, &count, error))
            return false;
        if (count)
            sync_write_trending(docs->text, rows, count);
        break;
    }
    case SPEED_LIVE: {
        struct live_row *rows;
        if (!speed_read_live(sync->speed, NULL, from_ms, to_ms, sync->arena, &rows, &count, error))
            return false;
        if (count)
            sync_write_live(docs->text, rows, count);
        break;
    }
    case SPEED_HOUR_COUNTS: {
        struct hour_count_row *rows;
        if (!speed_read_hour_counts(sync->speed, from_ms, to_ms, sync->arena, &rows, &count, error))
            return false;
        if (count)
            sync_write_hour_counts(docs->text, rows, count);
        break;
    }
    case SPEED_STATS:
    case SPEED_SENTIMENT:
    case SPEED_TABLE_COUNT:
        g_assert_not_reached();
    }
    docs_add(docs, change->table, change->movie_id, change->hour_ms);
    return true;
}

/* ---- steps ---- */

static bool put(struct docs *docs, int64_t position, int64_t synced_at_ms, GError **error)
{
    struct sync *sync = docs->sync;
    failpoint("sync_before_put");
    if (!view_put_speed(sync->view, (const struct speed_doc *)(void *)docs->docs->data,
                        docs->docs->len, position, synced_at_ms, error))
        return false;
    failpoint("sync_after_put");
    metrics_add(sync->context->metrics, METRIC_SYNC_ROWS, NULL, docs->docs->len);
    sync->refreshed_ms = clock_monotonic_ms(sync->context->clock);
    sync->synced_at_ms = synced_at_ms;
    return true;
}

/* synced_at_ms: what the views may call themselves afterwards. */
static bool copy_changes(struct docs *docs,
                         const struct speed_change *changes,
                         size_t count,
                         int64_t synced_at_ms,
                         GError **error)
{
    struct movie_rows rows;
    if (!read_movies(docs->sync, changes, count, &rows, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (changes[i].table == SPEED_STATS)
            add_changed_stats(docs, &changes[i], &rows);
        else if (changes[i].table == SPEED_SENTIMENT)
            add_changed_sentiment(docs, &changes[i], &rows);
        else if (!docs_read(docs, &changes[i], error))
            return false;
    }
    return put(docs, changes[count - 1].sequence, synced_at_ms, error);
}

/* Nothing changed: the views are as fresh as now. Written at intervals only. */
static bool refresh(struct docs *docs, int64_t position, GError **error)
{
    int64_t now_ms = clock_monotonic_ms(docs->sync->context->clock);
    if (now_ms - docs->sync->refreshed_ms < SYNC_REFRESH_MS)
        return true;
    return put(docs, position, docs->now_ms, error);
}

static void add_stats(struct docs *docs, const struct stats_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sync_write_stats(docs->text, &rows[i]);
        docs_add(docs, SPEED_STATS, rows[i].movie_id, rows[i].hour_ms);
    }
}

static void add_sentiment(struct docs *docs, const struct sentiment_row *rows, size_t count)
{
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && rows[end].movie_id == rows[i].movie_id &&
                          rows[end].hour_ms == rows[i].hour_ms;)
            end++;
        sync_write_sentiment(docs->text, &rows[i], end - i);
        docs_add(docs, SPEED_SENTIMENT, rows[i].movie_id, rows[i].hour_ms);
    }
}

/* The tables whose key is the hour alone. Events may be some minutes ahead of the clock, hence the
 * next hour too. */
static bool add_hours(struct docs *docs, GError **error)
{
    static const enum speed_table tables[] = {SPEED_TRENDING, SPEED_LIVE, SPEED_HOUR_COUNTS};
    int64_t hour_ms = docs->now_ms / MS_PER_HOUR * MS_PER_HOUR + MS_PER_HOUR;
    int64_t first_ms =
        docs->now_ms - docs->sync->context->config->speed_retention_ms - 2 * MS_PER_HOUR;
    for (; hour_ms > first_ms; hour_ms -= MS_PER_HOUR) {
        for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
            struct speed_change change = {.table = tables[i], .hour_ms = hour_ms};
            if (!docs_read(docs, &change, error))
                return false;
            /* An hour without rows: there is no document to remove either. */
            if (!g_array_index(docs->docs, struct speed_doc, docs->docs->len - 1).data)
                g_array_set_size(docs->docs, docs->docs->len - 1);
        }
    }
    return true;
}

/* A view store that was never synced: everything that the speed store holds, then the feed from its
 * start (what it still has is copied once more, harmlessly). Only the last write sets the position,
 * so a crash on the way begins again. */
static bool rebuild(struct docs *docs, GError **error)
{
    struct sync *sync = docs->sync;
    struct stats_row *stats;
    struct sentiment_row *sentiment;
    size_t stats_count, sentiment_count;
    if (!speed_scan_stats(sync->speed, sync->arena, &stats, &stats_count, error) ||
        !speed_scan_sentiment(sync->speed, sync->arena, &sentiment, &sentiment_count, error))
        return false;
    add_stats(docs, stats, stats_count);
    add_sentiment(docs, sentiment, sentiment_count);
    return add_hours(docs, error) && put(docs, 0, 0, error);
}

static bool step(struct docs *docs, size_t *ret_keys, GError **error)
{
    struct sync *sync = docs->sync;
    int64_t position, synced_at_ms;
    if (!view_sync_position(sync->view, &position, &synced_at_ms, error))
        return false;
    sync->synced_at_ms = synced_at_ms;
    if (position < 0) {
        if (!rebuild(docs, error))
            return false;
        g_array_set_size(docs->docs, 0);
        position = 0;
    }
    struct speed_change *changes;
    size_t count, count_max = (size_t)sync->context->config->sync_batch_rows;
    if (!speed_feed(sync->speed, position, count_max, sync->arena, &changes, &count, error))
        return false;
    metrics_set(sync->context->metrics, METRIC_SYNC_LAG_KEYS, NULL, (double)count);
    /* A full step may have left some: then the views are as fresh as they were. */
    bool all = count < count_max;
    bool ok = count ? copy_changes(docs, changes, count, all ? docs->now_ms : synced_at_ms, error)
                    : refresh(docs, position, error);
    if (!ok)
        return false;
    if (all)
        metrics_set(sync->context->metrics, METRIC_SYNC_LAG_KEYS, NULL, 0);
    *ret_keys = count;
    return true;
}

bool sync_step(struct sync *sync, size_t *ret_keys, GError **error)
{
    arena_reset(sync->arena);
    struct docs docs = {
        .sync = sync,
        .docs = g_array_new(FALSE, FALSE, sizeof(struct speed_doc)),
        .text = g_string_new(NULL),
        /* Read before the feed: the views equal the store of that instant or a later one. */
        .now_ms = clock_now_ms(sync->context->clock),
    };
    bool ok = step(&docs, ret_keys, error);
    g_array_unref(docs.docs);
    g_string_free(docs.text, TRUE);
    return ok;
}

int64_t sync_lag_ms(const struct sync *sync)
{
    int64_t now_ms = clock_now_ms(sync->context->clock);
    return sync->synced_at_ms > 0 ? MAX(now_ms - sync->synced_at_ms, 0) : 0;
}

bool sync_sweep(struct sync *sync, GError **error)
{
    int64_t position, synced_at_ms;
    if (!view_sync_position(sync->view, &position, &synced_at_ms, error))
        return false;
    int64_t speed_rows = 1, view_rows = 1;
    for (int i = 0; i < SYNC_SWEEP_STEPS && speed_rows + view_rows > 0; i++) {
        if (speed_rows > 0 &&
            !speed_expire(sync->speed, MAX(position, 0), SYNC_SWEEP_ROWS, &speed_rows, error))
            return false;
        if (view_rows > 0 && !view_sweep(sync->view, SYNC_SWEEP_ROWS, &view_rows, error))
            return false;
    }
    return true;
}

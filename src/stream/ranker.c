#include "stream/ranker.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "model/db.h"
#include "model/topic.h"
#include "stream/delta.h"
#include "stream/measure.h"
#include "stream/rank.h"
#include "stream/window.h"

#define SCORE_UNITS 1e9
/* Of one row: room for it is kept. */
#define LOG_ROW_MEASURES_MAX ((size_t)16384)

enum statement {
    APPEND_MEASURES,
    READ_MEASURE_LOG,
    CLEAR_MEASURE_LOG,
    READ_MEASURES,
    PUT_MEASURES,
    READ_RANKING,
    PUT_RANKING,
    READ_SHOWN,
    EXPIRE_MEASURES,
    EXPIRE_RANKINGS,
    READ_TITLE,
    STATEMENT_COUNT,
};

static const char *const statement_names[STATEMENT_COUNT] = {
    "append_measures", "read_measure_log", "clear_measure_log", "read_measures",
    "put_measures",    "read_ranking",     "put_ranking",       "read_shown",
    "expire_measures", "expire_rankings",  "read_title",
};

/* A window in memory. */
struct ranker_window {
    int64_t start_ms;
    struct measure *measures; /* by movie */
    size_t measures_count;
    bool changed;       /* to be ranked */
    bool unsaved;       /* the disk has less */
    bool ranked_now;    /* within this commit; then ranks are valid */
    bool ranks_changed; /* and differ from the last revision */
    struct ranked ranks[RANK_TOP];
    size_t ranks_count;
};

struct ranker {
    sqlite3 *db;
    const struct stream_settings *settings;
    struct outbox *outbox;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    GPtrArray *windows; /* struct ranker_window, by start */
    GArray *pending;    /* struct measure of final windows, in the order of the log */
    size_t measures_count;
    int64_t watermark_ms, horizon_ms, swept_ms;
    int64_t checkpoint_monotonic_ms; /* of the last one, or of the start */
    bool from_log; /* pending is the log of an earlier life: older than what comes now */
    GByteArray *scratch, *delta;
    struct arena *arena; /* titles of one commit */
};

static void window_free(gpointer data)
{
    struct ranker_window *window = data;
    g_free(window->measures);
    g_free(window);
}

void ranker_close(struct ranker *ranker)
{
    if (!ranker)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(ranker->statements[i]);
    g_ptr_array_unref(ranker->windows);
    g_array_unref(ranker->pending);
    g_byte_array_unref(ranker->scratch);
    arena_free(ranker->arena);
    g_free(ranker);
}

/* What the disk's windows lack: to be merged before anything newer. */
static bool read_log(struct ranker *ranker, GError **error)
{
    ranker->from_log = true;
    sqlite3_stmt *read = ranker->statements[READ_MEASURE_LOG];
    for (bool row;;) {
        if (!db_step(read, &row, error))
            return false;
        if (!row)
            return true;
        if (!measure_decode(db_column_span(read, 1), ranker->pending, error)) {
            g_prefix_error(error, "stream.db: measure log %" G_GINT64_FORMAT ": ",
                           (gint64)sqlite3_column_int64(read, 0));
            sqlite3_reset(read);
            return false;
        }
    }
}

struct ranker *ranker_open(sqlite3 *db,
                           const struct sql_file *sql,
                           const struct stream_settings *settings,
                           struct outbox *outbox,
                           int64_t monotonic_ms,
                           GError **error)
{
    struct ranker *ranker = g_new0(struct ranker, 1);
    ranker->db = db;
    ranker->settings = settings;
    ranker->outbox = outbox;
    ranker->windows = g_ptr_array_new_with_free_func(window_free);
    ranker->pending = g_array_new(FALSE, FALSE, sizeof(struct measure));
    ranker->watermark_ms = ranker->horizon_ms = ranker->swept_ms = INT64_MIN;
    ranker->checkpoint_monotonic_ms = monotonic_ms;
    ranker->scratch = g_byte_array_new();
    ranker->arena = arena_new();
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        ranker->statements[i] = db_prepare(db, sql_file_get(sql, statement_names[i]), error);
        if (!ranker->statements[i]) {
            ranker_close(ranker);
            return NULL;
        }
    }
    if (!read_log(ranker, error)) {
        ranker_close(ranker);
        return NULL;
    }
    return ranker;
}

void ranker_record(struct ranker *ranker, GByteArray *delta)
{
    ranker->delta = delta;
}

static bool memory_full(const struct ranker *ranker)
{
    return ranker->measures_count > RANKER_MEASURES_MAX ||
           ranker->pending->len > RANKER_PENDING_MAX;
}

size_t ranker_measures_count(const struct ranker *ranker)
{
    return ranker->measures_count + ranker->pending->len;
}

bool ranker_due(const struct ranker *ranker, int64_t monotonic_ms)
{
    bool waited =
        monotonic_ms - ranker->checkpoint_monotonic_ms >= ranker->settings->late_interval_ms;
    return ranker->pending->len > 0 && (waited || memory_full(ranker));
}

/* ---- windows ---- */

/* Where the window stands or would stand. */
static guint position_of(const struct ranker *ranker, int64_t start_ms)
{
    guint at = ranker->windows->len;
    while (at > 0 && ((struct ranker_window *)ranker->windows->pdata[at - 1])->start_ms >= start_ms)
        at--;
    return at;
}

static bool load_measures(struct ranker *ranker, struct ranker_window *window, GError **error)
{
    sqlite3_stmt *read = ranker->statements[READ_MEASURES];
    db_bind_int(read, 1, window->start_ms);
    bool row;
    if (!db_step(read, &row, error))
        return false;
    if (!row)
        return true;
    g_autoptr(GArray) measures = g_array_new(FALSE, FALSE, sizeof(struct measure));
    bool decoded = measure_decode(db_column_span(read, 0), measures, error);
    sqlite3_reset(read);
    if (!decoded)
        g_prefix_error(error, "stream.db: window %" G_GINT64_FORMAT ": ", window->start_ms);
    window->measures_count = measures->len;
    window->measures = g_memdup2(measures->data, measures->len * sizeof *window->measures);
    ranker->measures_count += window->measures_count;
    return decoded;
}

static bool get_window(struct ranker *ranker,
                       int64_t start_ms,
                       struct ranker_window **ret_window,
                       GError **error)
{
    guint at = position_of(ranker, start_ms);
    if (at < ranker->windows->len) {
        struct ranker_window *there = ranker->windows->pdata[at];
        if (there->start_ms == start_ms) {
            *ret_window = there;
            return true;
        }
    }
    struct ranker_window *window = g_new0(struct ranker_window, 1);
    window->start_ms = start_ms;
    if (!load_measures(ranker, window, error)) {
        window_free(window);
        return false;
    }
    g_ptr_array_insert(ranker->windows, (gint)at, window);
    *ret_window = window;
    return true;
}

static void merge(struct ranker *ranker,
                  struct ranker_window *window,
                  const struct measure *measures,
                  size_t count)
{
    size_t merged_count;
    struct measure *merged =
        measure_merge(window->measures, window->measures_count, measures, count, &merged_count);
    ranker->measures_count += merged_count - window->measures_count;
    g_free(window->measures);
    window->measures = merged;
    window->measures_count = merged_count;
    window->changed = window->unsaved = true;
}

/* Takes sorted measures window by window. */
static bool
merge_all(struct ranker *ranker, const struct measure *measures, size_t count, GError **error)
{
    for (size_t from = 0, to; from < count; from = to) {
        struct ranker_window *window;
        for (to = from;
             to < count && measures[to].window_start_ms == measures[from].window_start_ms; to++)
            ;
        if (measures[from].window_start_ms < ranker->horizon_ms)
            continue; /* no longer held */
        if (!get_window(ranker, measures[from].window_start_ms, &window, error))
            return false;
        merge(ranker, window, measures + from, to - from);
    }
    return true;
}

/* ---- ranking ---- */

static void compute(struct ranker *ranker, struct ranker_window *window)
{
    if (window->ranked_now)
        return;
    window->ranks_count =
        rank_window(window->measures, window->measures_count, ranker->settings, window->ranks);
    window->ranked_now = true;
    window->ranks_changed = false;
}

/* Of what the equality compares: movies, scores to 1e-9, velocities. */
static int64_t digest_of(const struct ranker_window *window)
{
    uLong sum = crc32(0, NULL, 0);
    for (size_t i = 0; i < window->ranks_count; i++) {
        const struct ranked *ranked = &window->ranks[i];
        const double parts[] = {ranked->movie_id, rint(ranked->trending_score * SCORE_UNITS),
                                ranked->velocity, ranked->has_acceleration, ranked->acceleration};
        sum = crc32(sum, (const Bytef *)parts, sizeof parts);
    }
    return (int64_t)sum;
}

static const char *read_title(struct ranker *ranker, int32_t movie_id)
{
    char key[TOPIC_KEY_BYTES];
    size_t len = topic_movie_key(movie_id, key);
    sqlite3_stmt *read = ranker->statements[READ_TITLE];
    db_bind_int(read, 1, topic_partition(key, len, ranker->settings->partitions));
    db_bind_int(read, 2, movie_id);
    const char *title = NULL;
    bool row;
    /* A title is decoration: without it the rank still stands. */
    if (db_step(read, &row, NULL) && row) {
        if (sqlite3_column_type(read, 0) != SQLITE_NULL) {
            struct span text = db_column_span(read, 0);
            title = arena_strndup(ranker->arena, text.data, text.len);
        }
        sqlite3_reset(read);
    }
    return title;
}

static bool
publish(struct ranker *ranker, const struct ranker_window *window, int64_t revision, GError **error)
{
    struct trending_movie movies[RANK_TOP];
    for (size_t i = 0; i < window->ranks_count; i++) {
        const struct ranked *ranked = &window->ranks[i];
        const char *title = read_title(ranker, ranked->movie_id);
        movies[i] = (struct trending_movie){
            .rank = ranked->rank,
            .movie_id = ranked->movie_id,
            .has_title = title != NULL,
            .title = {title ? title : "", title ? strlen(title) : 0},
            .trending_score = ranked->trending_score,
            .velocity = ranked->velocity,
            .has_acceleration = ranked->has_acceleration,
            .acceleration = ranked->acceleration,
        };
    }
    const struct trending trending = {
        .window_start_ms = window->start_ms,
        .window_end_ms = window->start_ms + ranker->settings->window_ms,
        .revision = (int32_t)revision,
        .movies = movies,
        .movies_count = window->ranks_count,
    };
    return outbox_put(ranker->outbox, &trending, error);
}

/* Ranks a window again; a ranking that differs from the last one gets a revision and goes out. */
static bool rank(struct ranker *ranker, struct ranker_window *window, GError **error)
{
    sqlite3_stmt *read = ranker->statements[READ_RANKING];
    compute(ranker, window);
    int64_t digest = digest_of(window), revision = 0;
    bool row;
    db_bind_int(read, 1, window->start_ms);
    if (!db_step(read, &row, error))
        return false;
    if (row) {
        revision = sqlite3_column_int64(read, 0);
        bool same = sqlite3_column_int64(read, 1) == (int64_t)window->ranks_count &&
                    sqlite3_column_int64(read, 2) == digest;
        sqlite3_reset(read);
        if (same)
            return true;
    } else if (window->ranks_count == 0) {
        return true; /* never had ranks, has none */
    }
    window->ranks_changed = true;
    const struct value values[] = {value_int(window->start_ms), value_int(revision + 1),
                                   value_int((int64_t)window->ranks_count), value_int(digest)};
    return delta_run(ranker->delta, DELTA_PUT_RANKING, ranker->statements[PUT_RANKING], values,
                     error) &&
           publish(ranker, window, revision + 1, error);
}

/* ---- what an hour shows ---- */

static bool read_shown(
    struct ranker *ranker, int64_t hour, int64_t *ret_start_ms, bool *ret_has, GError **error)
{
    sqlite3_stmt *read = ranker->statements[READ_SHOWN];
    db_bind_int(read, 1, hour_start_ms(hour));
    db_bind_int(read, 2, hour_start_ms(hour + 1));
    bool row;
    if (!db_step(read, &row, error))
        return false;
    assert(row); /* max() always gives one */
    *ret_has = sqlite3_column_type(read, 0) != SQLITE_NULL;
    *ret_start_ms = sqlite3_column_int64(read, 0);
    sqlite3_reset(read);
    return true;
}

/* What an earlier step of this commit said of the hour no longer counts. */
static void drop_rows(struct output *output, int64_t hour_ms)
{
    for (guint i = output->trending->len; i-- > 0;) {
        if (g_array_index(output->trending, struct trending_row, i).hour_ms == hour_ms)
            g_array_remove_index(output->trending, i);
    }
}

static void
add_rows(struct ranker *ranker, const struct ranker_window *window, struct output *output)
{
    drop_rows(output, hour_start_ms(hour_of(window->start_ms)));
    for (size_t i = 0; i < window->ranks_count; i++) {
        const struct ranked *ranked = &window->ranks[i];
        struct trending_row row = {
            .hour_ms = hour_start_ms(hour_of(window->start_ms)),
            .window_end_ms = window->start_ms + ranker->settings->window_ms,
            .rank = ranked->rank,
            .movie_id = ranked->movie_id,
            .title = read_title(ranker, ranked->movie_id),
            .trending_score = ranked->trending_score,
            .velocity = ranked->velocity,
            .has_acceleration = ranked->has_acceleration,
            .acceleration = ranked->acceleration,
        };
        g_array_append_val(output->trending, row);
    }
}

/* latest_ms: the latest window of the hour whose ranks changed in this commit. */
static bool
show_hour(struct ranker *ranker, int64_t latest_ms, struct output *output, GError **error)
{
    int64_t hour = hour_of(latest_ms), hour_ms = hour_start_ms(hour), shown_ms;
    bool has;
    if (!read_shown(ranker, hour, &shown_ms, &has, error))
        return false;
    if (!has) {
        drop_rows(output, hour_ms);
        g_array_append_val(output->trending_gone, hour_ms);
        return true;
    }
    struct ranker_window *window;
    if (!get_window(ranker, shown_ms, &window, error))
        return false;
    compute(ranker, window);
    /* A change below what is shown doesn't show; one above it left the hour without its latest
     * ranks. */
    if (window->ranks_changed || latest_ms > shown_ms)
        add_rows(ranker, window, output);
    return true;
}

static bool show_hours(struct ranker *ranker, struct output *output, GError **error)
{
    g_autoptr(GArray) latest = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (guint i = 0; i < ranker->windows->len; i++) {
        const struct ranker_window *window = ranker->windows->pdata[i];
        if (!window->ranks_changed)
            continue;
        if (latest->len > 0 &&
            hour_of(g_array_index(latest, int64_t, latest->len - 1)) == hour_of(window->start_ms))
            g_array_index(latest, int64_t, latest->len - 1) = window->start_ms;
        else
            g_array_append_val(latest, window->start_ms);
    }
    for (guint i = 0; i < latest->len; i++) {
        if (!show_hour(ranker, g_array_index(latest, int64_t, i), output, error))
            return false;
    }
    return true;
}

/* ---- checkpoint ---- */

static bool save_window(struct ranker *ranker, const struct ranker_window *window, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new(); /* of its own: it may be large */
    measure_encode(window->measures, window->measures_count, bytes);
    const struct value values[] = {
        value_int(window->start_ms),
        value_blob((struct span){(const char *)bytes->data, bytes->len}),
    };
    return delta_run(ranker->delta, DELTA_PUT_MEASURES, ranker->statements[PUT_MEASURES], values,
                     error);
}

static bool save_windows(struct ranker *ranker, GError **error)
{
    for (guint i = 0; i < ranker->windows->len; i++) {
        struct ranker_window *window = ranker->windows->pdata[i];
        if (window->unsaved && window->start_ms >= ranker->horizon_ms &&
            !save_window(ranker, window, error))
            return false;
        window->unsaved = false;
    }
    return true;
}

/* What is saved leaves memory, but for open windows while there is room. */
static void forget_windows(struct ranker *ranker)
{
    bool full = ranker->measures_count > RANKER_MEASURES_MAX;
    for (guint i = ranker->windows->len; i-- > 0;) {
        struct ranker_window *window = ranker->windows->pdata[i];
        bool open = window->start_ms + ranker->settings->window_ms > ranker->watermark_ms;
        if (window->unsaved || (open && !full))
            continue;
        ranker->measures_count -= window->measures_count;
        g_ptr_array_remove_index(ranker->windows, i);
    }
}

static bool expire(struct ranker *ranker, GError **error)
{
    if (ranker->swept_ms == ranker->horizon_ms)
        return true;
    const struct value horizon = value_int(ranker->horizon_ms);
    if (!delta_run(ranker->delta, DELTA_EXPIRE_MEASURES, ranker->statements[EXPIRE_MEASURES],
                   &horizon, error) ||
        !delta_run(ranker->delta, DELTA_EXPIRE_RANKINGS, ranker->statements[EXPIRE_RANKINGS],
                   &horizon, error))
        return false;
    ranker->swept_ms = ranker->horizon_ms;
    return true;
}

/* ---- a commit ---- */

static bool
append_row(struct ranker *ranker, const struct measure *measures, size_t count, GError **error)
{
    g_byte_array_set_size(ranker->scratch, 0);
    measure_encode(measures, count, ranker->scratch);
    const struct value value =
        value_blob((struct span){(const char *)ranker->scratch->data, ranker->scratch->len});
    return delta_run(ranker->delta, DELTA_APPEND_MEASURES, ranker->statements[APPEND_MEASURES],
                     &value, error);
}

static bool append_log(struct ranker *ranker, const GArray *measures, GError **error)
{
    const struct measure *all = (const struct measure *)measures->data;
    for (size_t from = 0; from < measures->len; from += LOG_ROW_MEASURES_MAX) {
        if (!append_row(ranker, all + from, MIN(measures->len - from, LOG_ROW_MEASURES_MAX), error))
            return false;
    }
    return true;
}

/* Measures are sorted by window: those of final ones come first and wait. */
static bool take(struct ranker *ranker, const GArray *measures, GError **error)
{
    const struct measure *all = (const struct measure *)measures->data;
    size_t final = 0;
    if (measures->len == 0)
        return true;
    while (final < measures->len &&
           all[final].window_start_ms + ranker->settings->window_ms <= ranker->watermark_ms)
        final++;
    g_array_append_vals(ranker->pending, all, (guint) final);
    return merge_all(ranker, all + final, measures->len - final, error);
}

/* Ranks what changed and says what the hours now show. */
static bool rank_changed(struct ranker *ranker, struct output *output, GError **error)
{
    for (guint i = 0; i < ranker->windows->len; i++) {
        struct ranker_window *window = ranker->windows->pdata[i];
        window->ranked_now = window->ranks_changed = false;
    }
    for (guint i = 0; i < ranker->windows->len; i++) {
        struct ranker_window *window = ranker->windows->pdata[i];
        if (window->changed && window->start_ms >= ranker->horizon_ms &&
            !rank(ranker, window, error))
            return false;
        window->changed = false;
    }
    return show_hours(ranker, output, error);
}

/* The end of those measures that fall into the hour of the first. */
static size_t end_of_hour(const struct measure *measures, size_t from, size_t count)
{
    int64_t end_ms = hour_start_ms(hour_of(measures[from].window_start_ms) + 1);
    while (from < count && measures[from].window_start_ms < end_ms)
        from++;
    return from;
}

/* An hour at a time, so that memory holds one hour's windows beside the open ones. */
static bool checkpoint(struct ranker *ranker, struct output *output, GError **error)
{
    measure_sort(ranker->pending);
    const struct measure *pending = (const struct measure *)ranker->pending->data;
    for (size_t from = 0, to; from < ranker->pending->len; from = to) {
        to = end_of_hour(pending, from, ranker->pending->len);
        if (!merge_all(ranker, pending + from, to - from, error) ||
            !rank_changed(ranker, output, error) || !save_windows(ranker, error))
            return false;
        forget_windows(ranker);
    }
    g_array_set_size(ranker->pending, 0);
    if (!rank_changed(ranker, output, error) || !save_windows(ranker, error))
        return false;
    forget_windows(ranker);
    return delta_run(ranker->delta, DELTA_CLEAR_MEASURE_LOG, ranker->statements[CLEAR_MEASURE_LOG],
                     NULL, error);
}

bool ranker_write(struct ranker *ranker,
                  struct output *output,
                  int64_t watermark_ms,
                  int64_t horizon_ms,
                  int64_t monotonic_ms,
                  GError **error)
{
    arena_reset(ranker->arena);
    ranker->watermark_ms = MAX(ranker->watermark_ms, watermark_ms);
    ranker->horizon_ms = MAX(ranker->horizon_ms, horizon_ms);
    if (ranker->from_log && ranker->pending->len > 0 && !checkpoint(ranker, output, error))
        return false;
    ranker->from_log = false;
    measure_sort(output->measures);
    if (!take(ranker, output->measures, error))
        return false;
    if (!memory_full(ranker) &&
        monotonic_ms - ranker->checkpoint_monotonic_ms < ranker->settings->late_interval_ms)
        return append_log(ranker, output->measures, error) && rank_changed(ranker, output, error) &&
               expire(ranker, error);
    /* A checkpoint saves all of it, so the log would be emptied at once. It needs the room. */
    g_free(g_array_steal(output->measures, NULL));
    ranker->checkpoint_monotonic_ms = monotonic_ms;
    return checkpoint(ranker, output, error) && expire(ranker, error);
}

bool ranker_rolled_back(struct ranker *ranker, GError **error)
{
    g_ptr_array_set_size(ranker->windows, 0);
    g_array_set_size(ranker->pending, 0);
    ranker->measures_count = 0;
    ranker->swept_ms = INT64_MIN;
    return read_log(ranker, error);
}

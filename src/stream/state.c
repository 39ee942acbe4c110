#include "stream/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/db.h"
#include "stream/delta.h"
#include "stream/window.h"

/* When memory is over its limit, what the last so many commits used stays; halved until it fits. */
#define TRIM_AGE_FIRST 64
/* Movies and bins lie all over the memory: what one is written from is asked for so many rows, and
 * twice as many, before it. */
#define LOOK_STEP 4

enum statement {
    READ_MOVIE,
    PUT_MOVIE,
    READ_BIN,
    PUT_BIN,
    FIND_BIN_BELOW,
    EXPIRE_BINS,
    STATEMENT_COUNT,
};

static const char *const statement_names[STATEMENT_COUNT] = {
    "read_movie", "put_movie", "read_bin", "put_bin", "find_bin_below", "expire_bins",
};

struct state {
    sqlite3 *db;
    const struct stream_settings *settings;
    int task;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct movie_table movies;
    GPtrArray *changed;             /* struct movie *, each once (queued) */
    GPtrArray *waiting;             /* struct movie *, each once (waiting) */
    uint64_t commits;               /* done so far; what is used now is touched with this number */
    size_t windows_count;           /* in memory */
    size_t windows_max, movies_max; /* this task's share */
    int64_t held_hour[BIN_KIND_COUNT];           /* the first that is held */
    int64_t first_hour[BIN_KIND_COUNT];          /* reachable; INT64_MIN before the first record */
    int64_t swept_hour[BIN_KIND_COUNT];          /* rows below it are gone */
    int64_t oldest_waiting_hour[BIN_KIND_COUNT]; /* of the bins that wait; INT64_MAX: none does */
    GByteArray *scratch, *delta;
};

struct state *state_new(sqlite3 *db,
                        const struct sql_file *sql,
                        const struct stream_settings *settings,
                        int task,
                        GError **error)
{
    struct state *state = g_new0(struct state, 1);
    state->db = db;
    state->settings = settings;
    state->task = task;
    state->changed = g_ptr_array_new();
    state->waiting = g_ptr_array_new();
    state->scratch = g_byte_array_new();
    state->windows_max =
        (size_t)MAX(STATE_WINDOWS_MAX / settings->partitions, STATE_TASK_WINDOWS_MIN);
    state->movies_max =
        (size_t)MAX(STATE_MOVIES_MAX / settings->partitions, STATE_TASK_WINDOWS_MIN);
    for (int kind = 0; kind < BIN_KIND_COUNT; kind++) {
        state->held_hour[kind] = state->first_hour[kind] = state->swept_hour[kind] = INT64_MIN;
        state->oldest_waiting_hour[kind] = INT64_MAX;
    }
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        state->statements[i] = db_prepare(db, sql_file_get(sql, statement_names[i]), error);
        if (!state->statements[i]) {
            state_free(state);
            return NULL;
        }
    }
    return state;
}

void state_free(struct state *state)
{
    if (!state)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(state->statements[i]);
    movie_table_clear(&state->movies);
    g_ptr_array_unref(state->changed);
    g_ptr_array_unref(state->waiting);
    g_byte_array_unref(state->scratch);
    g_free(state);
}

void state_record(struct state *state, GByteArray *delta)
{
    state->delta = delta;
}

void state_advance(struct state *state, enum bin_kind kind, int64_t highest_event_ms)
{
    int64_t lookback_hours = (2 * state->settings->lookback_ms + MS_PER_HOUR - 1) / MS_PER_HOUR;
    int64_t held = first_held_hour(highest_event_ms, state->settings->retention_ms);
    state->held_hour[kind] = MAX(held, state->held_hour[kind]);
    state->first_hour[kind] = MAX(held - lookback_hours, state->first_hour[kind]);
}

int64_t state_first_held(const struct state *state, enum bin_kind kind)
{
    return state->held_hour[kind];
}

size_t state_windows_count(const struct state *state)
{
    return state->windows_count;
}

size_t state_movies_count(const struct state *state)
{
    return state->movies.count;
}

struct movie **state_changed(struct state *state, size_t *ret_count)
{
    *ret_count = state->changed->len;
    return (struct movie **)state->changed->pdata;
}

/* ---- reading ---- */

static void drop_unreachable(const struct state *state, struct movie *movie)
{
    for (int kind = 0; kind < BIN_KIND_COUNT; kind++)
        hour_set_drop_below(&movie->hours[kind], state->first_hour[kind]);
}

/* Fills a new movie from its row, where there is one. */
static bool load_movie(struct state *state, struct movie *movie, GError **error)
{
    sqlite3_stmt *read = state->statements[READ_MOVIE];
    db_bind_int(read, 1, state->task);
    db_bind_int(read, 2, movie->movie_id);
    bool row;
    if (!db_step(read, &row, error))
        return false;
    if (!row)
        return true;
    if (sqlite3_column_type(read, 0) != SQLITE_NULL) {
        struct span title = db_column_span(read, 0);
        movie->title = g_strndup(title.data, title.len);
        movie->title_time_ms = sqlite3_column_int64(read, 1);
    }
    bool decoded = movie_decode_hours(movie, db_column_span(read, 2), error);
    sqlite3_reset(read);
    drop_unreachable(state, movie);
    return decoded;
}

bool state_movie(struct state *state, int32_t movie_id, struct movie **ret_movie, GError **error)
{
    struct movie *movie = movie_table_find(&state->movies, movie_id);
    if (!movie) {
        movie = movie_new(movie_id);
        if (!load_movie(state, movie, error)) {
            movie_free(movie);
            return false;
        }
        movie_table_add(&state->movies, movie);
    }
    movie->touched = state->commits;
    *ret_movie = movie;
    return true;
}

void state_prefetch(const struct state *state, int32_t movie_id, enum movie_part part)
{
    movie_table_prefetch(&state->movies, movie_id, part);
}

static bool load_bin(struct state *state,
                     struct movie *movie,
                     enum bin_kind kind,
                     int64_t hour,
                     struct bin **ret_bin,
                     GError **error)
{
    sqlite3_stmt *read = state->statements[READ_BIN];
    db_bind_int(read, 1, state->task);
    db_bind_int(read, 2, kind);
    db_bind_int(read, 3, hour);
    db_bind_int(read, 4, movie->movie_id);
    bool row;
    if (!db_step(read, &row, error))
        return false;
    if (!row) {
        error_set(error, BADDATA,
                  "stream.db: movie %d has no row for hour %" G_GINT64_FORMAT
                  " of task %d although it is listed",
                  movie->movie_id, hour, state->task);
        return false;
    }
    struct bin *bin = bin_decode(kind, hour, db_column_span(read, 0), error);
    sqlite3_reset(read);
    if (!bin) {
        g_prefix_error(error, "stream.db: task %d, movie %d: ", state->task, movie->movie_id);
        return false;
    }
    state->windows_count += bin->count;
    movie_add_bin(movie, bin);
    *ret_bin = bin;
    return true;
}

bool state_bin(struct state *state,
               struct movie *movie,
               enum bin_kind kind,
               int64_t hour,
               struct bin **ret_bin,
               GError **error)
{
    if (hour < state->first_hour[kind]) {
        *ret_bin = NULL; /* its row may be gone */
        return true;
    }
    struct bin *bin = movie_bin(movie, kind, hour);
    if (!bin && hour_set_has(&movie->hours[kind], hour) &&
        !load_bin(state, movie, kind, hour, &bin, error))
        return false;
    if (bin)
        bin->touched = state->commits;
    *ret_bin = bin;
    return true;
}

bool state_before(struct state *state,
                  struct movie *movie,
                  enum bin_kind kind,
                  int64_t start_ms,
                  struct window_ref *ret_ref,
                  bool *ret_found,
                  GError **error)
{
    const int64_t window_ms = state->settings->window_ms;
    int64_t hour = hour_of(start_ms), earliest_ms = start_ms - state->settings->lookback_ms;
    int32_t index = window_index(start_ms, window_ms);
    for (bool more = true; more && hour >= hour_of(earliest_ms);) {
        struct bin *bin;
        if (!state_bin(state, movie, kind, hour, &bin, error))
            return false;
        for (uint32_t at = bin ? bin->count : 0; at-- > 0;) {
            if (bin->windows[at].index >= index)
                continue;
            int64_t found_ms = window_start_ms(hour, bin->windows[at].index, window_ms);
            *ret_found = found_ms >= earliest_ms;
            *ret_ref = (struct window_ref){.bin = bin, .at = at, .start_ms = found_ms};
            return true;
        }
        index = BIN_WINDOWS_MAX;
        more = hour_set_before(&movie->hours[kind], hour, &hour);
    }
    *ret_found = false;
    return true;
}

bool state_after(struct state *state,
                 struct movie *movie,
                 enum bin_kind kind,
                 int64_t start_ms,
                 struct window_ref *ret_ref,
                 bool *ret_found,
                 GError **error)
{
    const int64_t window_ms = state->settings->window_ms;
    int64_t hour = hour_of(start_ms), latest_ms = start_ms + state->settings->lookback_ms;
    int32_t index = window_index(start_ms, window_ms);
    for (bool more = true; more && hour <= hour_of(latest_ms);) {
        struct bin *bin;
        if (!state_bin(state, movie, kind, hour, &bin, error))
            return false;
        for (uint32_t at = 0; bin && at < bin->count; at++) {
            if (bin->windows[at].index <= index)
                continue;
            int64_t found_ms = window_start_ms(hour, bin->windows[at].index, window_ms);
            *ret_found = found_ms <= latest_ms;
            *ret_ref = (struct window_ref){.bin = bin, .at = at, .start_ms = found_ms};
            return true;
        }
        index = -1;
        more = hour_set_after(&movie->hours[kind], hour, &hour);
    }
    *ret_found = false;
    return true;
}

/* ---- changing ---- */

static void queue(struct state *state, struct movie *movie)
{
    if (movie->queued)
        return;
    movie->queued = true;
    g_ptr_array_add(state->changed, movie);
}

bool state_window(struct state *state,
                  struct movie *movie,
                  enum bin_kind kind,
                  int64_t event_ms,
                  struct bin_window **ret_window,
                  bool *ret_new,
                  GError **error)
{
    int64_t hour = hour_of(event_ms);
    struct bin *bin;
    if (!state_bin(state, movie, kind, hour, &bin, error))
        return false;
    if (!bin) {
        bin = bin_new(kind, hour);
        bin->touched = state->commits;
        movie_add_bin(movie, bin);
        drop_unreachable(state, movie);
        hour_set_add(&movie->hours[kind], hour);
        movie->dirty = true;
    }
    struct bin_window *window =
        bin_put(bin, window_index(event_ms, state->settings->window_ms), ret_new);
    state->windows_count += *ret_new;
    window->dirty = true;
    movie_change_bin(movie, bin);
    queue(state, movie);
    *ret_window = window;
    return true;
}

void state_title(struct state *state, struct movie *movie, struct span title, int64_t event_ms)
{
    movie->title_time_ms = event_ms;
    movie->dirty = true;
    queue(state, movie);
    if (movie->title && strlen(movie->title) == title.len &&
        memcmp(movie->title, title.data, title.len) == 0)
        return;
    g_free(movie->title);
    movie->title = g_strndup(title.data, title.len);
    movie->title_changed = true;
}

/* ---- writing ---- */

/* Rows to be written, with their keys beside them: sorting follows no pointers. */
struct bin_row {
    int64_t hour;
    int32_t movie_id;
    enum bin_kind kind;
    const struct bin *bin;
};

struct movie_row {
    int32_t movie_id;
    const struct movie *movie;
};

static void add_bin(GArray *rows, const struct movie *movie, const struct bin *bin)
{
    const struct bin_row row = {bin->hour, movie->movie_id, bin->kind, bin};
    g_array_append_val(rows, row);
}

static void add_movie(GArray *rows, const struct movie *movie)
{
    const struct movie_row row = {movie->movie_id, movie};
    g_array_append_val(rows, row);
}

/* In the order of the table's key, so that neighbours fall on one page. */
static int compare_bins(const void *a, const void *b)
{
    const struct bin_row *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->hour != y->hour)
        return x->hour < y->hour ? -1 : 1;
    return (x->movie_id > y->movie_id) - (x->movie_id < y->movie_id);
}

static int compare_movies(const void *a, const void *b)
{
    const struct movie_row *x = a, *y = b;
    return (x->movie_id > y->movie_id) - (x->movie_id < y->movie_id);
}

/* Into delta where there is one, else into the file. */
static bool put(struct state *state,
                GByteArray *delta,
                enum delta_statement number,
                enum statement statement,
                const struct value *values,
                GError **error)
{
    if (!delta)
        return delta_run(NULL, number, state->statements[statement], values, error);
    delta_record(delta, number, values);
    return true;
}

static bool
write_bin(struct state *state, GByteArray *delta, const struct bin_row *row, GError **error)
{
    g_byte_array_set_size(state->scratch, 0);
    bin_encode(row->bin, state->scratch);
    const struct value values[] = {
        value_int(state->task),
        value_int(row->kind),
        value_int(row->hour),
        value_int(row->movie_id),
        value_blob((struct span){(const char *)state->scratch->data, state->scratch->len}),
    };
    return put(state, delta, DELTA_PUT_BIN, PUT_BIN, values, error);
}

static bool write_bins(struct state *state, GByteArray *delta, GArray *rows, GError **error)
{
    if (rows->len > 0)
        qsort(rows->data, rows->len, sizeof(struct bin_row), compare_bins);
    const struct bin_row *all = (const struct bin_row *)rows->data;
    for (guint i = 0; i < rows->len; i++) {
        if (i + 2 * LOOK_STEP < rows->len)
            __builtin_prefetch(all[i + 2 * LOOK_STEP].bin);
        if (i + LOOK_STEP < rows->len)
            __builtin_prefetch(all[i + LOOK_STEP].bin->windows);
        if (!write_bin(state, delta, &all[i], error))
            return false;
    }
    return true;
}

static bool
write_movie(struct state *state, GByteArray *delta, const struct movie *movie, GError **error)
{
    g_byte_array_set_size(state->scratch, 0);
    movie_encode_hours(movie, state->scratch);
    const struct value values[] = {
        value_int(state->task),
        value_int(movie->movie_id),
        value_text(movie->title),
        movie->title ? value_int(movie->title_time_ms) : value_null(),
        value_blob((struct span){(const char *)state->scratch->data, state->scratch->len}),
    };
    return put(state, delta, DELTA_PUT_MOVIE, PUT_MOVIE, values, error);
}

static bool write_movies(struct state *state, GByteArray *delta, GArray *rows, GError **error)
{
    if (rows->len > 0)
        qsort(rows->data, rows->len, sizeof(struct movie_row), compare_movies);
    const struct movie_row *all = (const struct movie_row *)rows->data;
    for (guint i = 0; i < rows->len; i++) {
        if (i + 2 * LOOK_STEP < rows->len)
            __builtin_prefetch(all[i + 2 * LOOK_STEP].movie->hours);
        if (i + LOOK_STEP < rows->len)
            __builtin_prefetch(all[i + LOOK_STEP].movie->hours[BIN_RATINGS].words);
        if (!write_movie(state, delta, all[i].movie, error))
            return false;
    }
    return true;
}

static bool write_dirty(struct state *state, GError **error)
{
    g_autoptr(GArray) bins = g_array_new(FALSE, FALSE, sizeof(struct bin_row));
    g_autoptr(GArray) movies = g_array_new(FALSE, FALSE, sizeof(struct movie_row));
    for (guint i = 0; i < state->changed->len; i++) {
        const struct movie *movie = state->changed->pdata[i];
        if (movie->dirty)
            add_movie(movies, movie);
        for (uint32_t j = movie->changed_from; j < movie->bins_count; j++) {
            const struct bin *bin = movie->bins[j];
            /* What became unreachable since is not written: nobody would remove it. */
            if (bin->dirty && bin->hour >= state->first_hour[bin->kind])
                add_bin(bins, movie, bin);
        }
    }
    return write_bins(state, state->delta, bins, error) &&
           write_movies(state, state->delta, movies, error);
}

/* All that the file lacks, as it is now. */
static bool write_waiting(struct state *state, GError **error)
{
    g_autoptr(GArray) bins = g_array_new(FALSE, FALSE, sizeof(struct bin_row));
    g_autoptr(GArray) movies = g_array_new(FALSE, FALSE, sizeof(struct movie_row));
    for (guint i = 0; i < state->waiting->len; i++) {
        struct movie *movie = state->waiting->pdata[i];
        if (movie->waits)
            add_movie(movies, movie);
        movie->waits = movie->waiting = false;
        for (uint32_t j = 0; j < movie->bins_count; j++) {
            struct bin *bin = movie->bins[j];
            if (bin->waits)
                add_bin(bins, movie, bin);
            bin->waits = false;
        }
    }
    g_ptr_array_set_size(state->waiting, 0);
    for (int kind = 0; kind < BIN_KIND_COUNT; kind++)
        state->oldest_waiting_hour[kind] = INT64_MAX;
    return write_movies(state, NULL, movies, error) && write_bins(state, NULL, bins, error);
}

/* Whether the file has a row that is no longer reachable. */
static bool
find_unreachable(const struct state *state, enum bin_kind kind, bool *ret_found, GError **error)
{
    sqlite3_stmt *find = state->statements[FIND_BIN_BELOW];
    db_bind_int(find, 1, state->task);
    db_bind_int(find, 2, kind);
    db_bind_int(find, 3, state->first_hour[kind]);
    if (!db_step(find, ret_found, error))
        return false;
    sqlite3_reset(find);
    return true;
}

/* Removes rows of hours that are no longer reachable; what doesn't fit goes at the next commits. It
 * must find the rows that whoever plays the delta finds, so none of them waits when it runs; where
 * there is none, nothing is recorded either. */
static bool expire_bins(struct state *state, enum bin_kind kind, GError **error)
{
    if (state->swept_hour[kind] == state->first_hour[kind])
        return true;
    if (state->oldest_waiting_hour[kind] < state->first_hour[kind] && !write_waiting(state, error))
        return false;
    bool found;
    if (!find_unreachable(state, kind, &found, error))
        return false;
    if (!found) {
        state->swept_hour[kind] = state->first_hour[kind];
        return true;
    }
    const struct value values[] = {value_int(state->task), value_int(kind),
                                   value_int(state->first_hour[kind]),
                                   value_int(STATE_EXPIRE_ROWS_MAX)};
    if (!delta_run(state->delta, DELTA_EXPIRE_BINS, state->statements[EXPIRE_BINS], values, error))
        return false;
    /* A rolled back sweep is repeated when the hour moves on: it only makes room. */
    if (sqlite3_changes(state->db) < STATE_EXPIRE_ROWS_MAX)
        state->swept_hour[kind] = state->first_hour[kind];
    return true;
}

bool state_write(struct state *state, GError **error)
{
    for (enum bin_kind kind = 0; kind < BIN_KIND_COUNT; kind++) {
        if (!expire_bins(state, kind, error))
            return false;
    }
    return write_dirty(state, error);
}

static void clean(struct state *state, struct movie *movie)
{
    const bool recorded = state->delta;
    bool waits = movie->waits = recorded && (movie->waits || movie->dirty);
    movie->dirty = movie->queued = movie->title_changed = false;
    for (uint32_t i = movie->changed_from; i < movie->bins_count; i++) {
        struct bin *bin = movie->bins[i];
        /* As write_dirty has done. */
        bin->waits =
            bin->waits || (recorded && bin->dirty && bin->hour >= state->first_hour[bin->kind]);
        if (bin->waits)
            state->oldest_waiting_hour[bin->kind] =
                MIN(bin->hour, state->oldest_waiting_hour[bin->kind]);
        waits = waits || bin->waits;
        bin->dirty = false;
        if (!bin->dirty_windows)
            continue;
        bin->dirty_windows = false;
        for (uint32_t j = 0; j < bin->count; j++)
            bin->windows[j].dirty = false;
    }
    movie->changed_from = UINT32_MAX;
    if (waits && !movie->waiting) {
        movie->waiting = true;
        g_ptr_array_add(state->waiting, movie);
    }
}

struct trim {
    uint64_t touched_before;
    size_t windows_count;
};

static bool keep_movie(struct movie *movie, void *user)
{
    struct trim *trim = user;
    movie_trim(movie, trim->touched_before);
    for (uint32_t i = 0; i < movie->bins_count; i++)
        trim->windows_count += movie->bins[i]->count;
    return movie->bins_count > 0 || movie->waiting || movie->touched >= trim->touched_before;
}

bool state_full(const struct state *state)
{
    return state->windows_count > state->windows_max || state->movies.count > state->movies_max;
}

/* All is clean now, so anything may leave: what was used longest ago goes first, down to half the
 * limit, so that the work is shared by many commits. */
static void trim_memory(struct state *state)
{
    if (!state_full(state))
        return;
    for (uint64_t age = TRIM_AGE_FIRST;; age /= 2) {
        struct trim trim = {.touched_before = state->commits > age ? state->commits - age : 0};
        if (age == 0)
            trim.touched_before = state->commits + 1; /* everything */
        movie_table_filter(&state->movies, keep_movie, &trim);
        state->windows_count = trim.windows_count;
        if (age == 0 || (state->windows_count <= state->windows_max / 2 &&
                         state->movies.count <= state->movies_max / 2))
            return;
    }
}

void state_committed(struct state *state)
{
    for (guint i = 0; i < state->changed->len; i++)
        clean(state, state->changed->pdata[i]);
    g_ptr_array_set_size(state->changed, 0);
    state->commits++;
    if (!state->delta)
        trim_memory(state);
}

bool state_file(struct state *state, GError **error)
{
    if (!write_waiting(state, error))
        return false;
    trim_memory(state);
    return true;
}

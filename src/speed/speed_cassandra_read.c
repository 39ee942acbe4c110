/* Reading: a movie's hours are a partition each and are asked for all at once. The last hour that
 * may have rows is that of now + stream.future_limit: a later event is a bad record. */
#include <stdlib.h>
#include <string.h>

#include "model/record.h"
#include "speed/speed_cassandra_store.h"

#define ROWS_FIRST 64

/* What one call reads; rows is an array in the arena. */
struct reading {
    struct speed_cassandra *store;
    struct arena *arena;
    int64_t from_hour_ms, to_hour_ms;
    void *rows;
    size_t count, capacity, row_bytes;
    void (*take)(struct reading *reading, const struct cql_cell *cells);
    GPtrArray *metrics; /* of read_live */
    size_t columns;
};

/* A zeroed row at the end. */
static void *new_row(struct reading *reading)
{
    if (reading->count == reading->capacity) {
        reading->capacity = MAX(reading->capacity * 2, ROWS_FIRST);
        void *larger = arena_zalloc(reading->arena, reading->capacity * reading->row_bytes);
        if (reading->count)
            memcpy(larger, reading->rows, reading->count * reading->row_bytes);
        reading->rows = larger;
    }
    return (char *)reading->rows + reading->count++ * reading->row_bytes;
}

static const char *text_of(const struct reading *reading, const struct cql_cell *cell)
{
    if (cell->len < 0)
        return NULL;
    return arena_strndup(reading->arena, cell->data ? (const char *)cell->data : "",
                         (size_t)cell->len);
}

static void on_rows(void *data, struct cql_rows *rows, bool last, const GError *error)
{
    struct reading *reading = data;
    struct cql_cell cells[CQL_COLUMNS_MAX];
    (void)last;
    if (error)
        speed_cassandra_fail(reading->store, error);
    if (rows && rows->column_count < reading->columns) {
        g_autoptr(GError) other = NULL;
        error_set(&other, BADDATA, "cassandra: %zu columns, expected %zu", rows->column_count,
                  reading->columns);
        speed_cassandra_fail(reading->store, other);
        return;
    }
    while (rows && cql_rows_next(rows, cells))
        reading->take(reading, cells);
}

static bool ask(struct reading *reading,
                enum cassandra_statement which,
                const struct cql_value *values,
                size_t count,
                GError **error)
{
    struct cql_statement *statement = speed_cassandra_use(reading->store, which, error);
    return statement && cql_execute(reading->store->cql, statement, values, count,
                                    &speed_cassandra_read_options, on_rows, reading, error);
}

static bool finish(struct reading *reading, bool asked, GError **error)
{
    return speed_cassandra_settle(reading->store, asked ? error : NULL) && asked;
}

static int64_t first_hour(const struct reading *reading)
{
    int64_t from_ms = MAX(reading->from_hour_ms, 0);
    return (from_ms + MS_PER_HOUR - 1) / MS_PER_HOUR * MS_PER_HOUR;
}

static int64_t end_hour(const struct reading *reading)
{
    const struct context *context = reading->store->base.context;
    int64_t latest_ms = clock_now_ms(context->clock) + context->config->stream_future_limit_ms;
    return MIN(reading->to_hour_ms, latest_ms + 1);
}

/* One question an hour; movie_id SPEED_ALL_MOVIES: the hour alone is the key. */
static bool
ask_hours(struct reading *reading, enum cassandra_statement which, int64_t movie_id, GError **error)
{
    int64_t end_ms = end_hour(reading);
    for (int64_t hour_ms = first_hour(reading); hour_ms < end_ms; hour_ms += MS_PER_HOUR) {
        const struct cql_value of_movie[] = {cql_int((int32_t)movie_id), cql_long(hour_ms)};
        const struct cql_value of_hour[] = {cql_long(hour_ms)};
        bool all = movie_id == SPEED_ALL_MOVIES;
        if (!ask(reading, which, all ? of_hour : of_movie, all ? 1 : 2, error))
            return false;
    }
    return true;
}

static bool in_range(const struct reading *reading, int64_t hour_ms)
{
    return hour_ms >= reading->from_hour_ms && hour_ms < reading->to_hour_ms;
}

static void sort_rows(struct reading *reading, int (*compare)(const void *a, const void *b))
{
    if (reading->count)
        qsort(reading->rows, reading->count, reading->row_bytes, compare);
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* ---- stats ---- */

static void take_stats(struct reading *reading, const struct cql_cell *cells)
{
    /* A row whose other columns have just expired is none. */
    if (!in_range(reading, cql_cell_long(&cells[1])) || cells[3].len < 0)
        return;
    struct stats_row *row = new_row(reading);
    *row = (struct stats_row){
        .movie_id = cql_cell_int(&cells[0]),
        .hour_ms = cql_cell_long(&cells[1]),
        .title = text_of(reading, &cells[2]),
        .vote_average_e4 = e4_from_double(cql_cell_double(&cells[3])),
        .vote_count = cql_cell_int(&cells[4]),
        .popularity_e4 = e4_from_double(cql_cell_double(&cells[5])),
        .has_velocity = cells[6].len >= 0,
        .rating_velocity = cql_cell_double(&cells[6]),
        .last_updated_ms = cql_cell_long(&cells[7]),
    };
}

static int by_movie_hour(const void *a, const void *b)
{
    const struct stats_row *x = a, *y = b;
    int order = compare(x->movie_id, y->movie_id);
    return order ? order : compare(x->hour_ms, y->hour_ms);
}

bool speed_cassandra_read_stats(struct speed *speed,
                                int64_t movie_id,
                                int64_t from_hour_ms,
                                int64_t to_hour_ms,
                                struct arena *arena,
                                struct stats_row **ret_rows,
                                size_t *ret_count,
                                GError **error)
{
    struct reading reading = {
        .store = speed_cassandra_self(speed),
        .arena = arena,
        .from_hour_ms = from_hour_ms,
        .to_hour_ms = to_hour_ms,
        .row_bytes = sizeof(struct stats_row),
        .take = take_stats,
        .columns = 8,
    };
    bool asked = movie_id == SPEED_ALL_MOVIES
                     ? ask(&reading, CASSANDRA_SCAN_STATS, NULL, 0, error)
                     : ask_hours(&reading, CASSANDRA_READ_STATS, movie_id, error);
    if (!finish(&reading, asked, error))
        return false;
    sort_rows(&reading, by_movie_hour);
    *ret_rows = reading.rows;
    *ret_count = reading.count;
    return true;
}

/* ---- sentiment ---- */

static void take_sentiment(struct reading *reading, const struct cql_cell *cells)
{
    if (!in_range(reading, cql_cell_long(&cells[1])) || cells[5].len < 0)
        return;
    struct sentiment_row *row = new_row(reading);
    *row = (struct sentiment_row){
        .movie_id = cql_cell_int(&cells[0]),
        .hour_ms = cql_cell_long(&cells[1]),
        .window_start_ms = cql_cell_long(&cells[2]),
        .window_end_ms = cql_cell_long(&cells[3]),
        .avg_sentiment = cql_cell_double(&cells[4]),
        .sentiment_sum_e4 = cql_cell_long(&cells[5]),
        .review_count = cql_cell_int(&cells[6]),
        .positive_count = cql_cell_int(&cells[7]),
        .negative_count = cql_cell_int(&cells[8]),
        .neutral_count = cql_cell_int(&cells[9]),
        .has_velocity = cells[10].len >= 0,
        .sentiment_velocity = cql_cell_double(&cells[10]),
    };
}

static int by_movie_window(const void *a, const void *b)
{
    const struct sentiment_row *x = a, *y = b;
    int order = compare(x->movie_id, y->movie_id);
    return order ? order : compare(x->window_start_ms, y->window_start_ms);
}

bool speed_cassandra_read_sentiment(struct speed *speed,
                                    int64_t movie_id,
                                    int64_t from_hour_ms,
                                    int64_t to_hour_ms,
                                    struct arena *arena,
                                    struct sentiment_row **ret_rows,
                                    size_t *ret_count,
                                    GError **error)
{
    struct reading reading = {
        .store = speed_cassandra_self(speed),
        .arena = arena,
        .from_hour_ms = from_hour_ms,
        .to_hour_ms = to_hour_ms,
        .row_bytes = sizeof(struct sentiment_row),
        .take = take_sentiment,
        .columns = 11,
    };
    bool asked = movie_id == SPEED_ALL_MOVIES
                     ? ask(&reading, CASSANDRA_SCAN_SENTIMENT, NULL, 0, error)
                     : ask_hours(&reading, CASSANDRA_READ_SENTIMENT, movie_id, error);
    if (!finish(&reading, asked, error))
        return false;
    sort_rows(&reading, by_movie_window);
    *ret_rows = reading.rows;
    *ret_count = reading.count;
    return true;
}

/* ---- trending ---- */

static void take_trending(struct reading *reading, const struct cql_cell *cells)
{
    if (cells[3].len < 0)
        return;
    struct trending_row *row = new_row(reading);
    *row = (struct trending_row){
        .hour_ms = cql_cell_long(&cells[0]),
        .rank = cql_cell_int(&cells[1]),
        .window_end_ms = cql_cell_long(&cells[2]),
        .movie_id = cql_cell_int(&cells[3]),
        .title = text_of(reading, &cells[4]),
        .trending_score = cql_cell_double(&cells[5]),
        .velocity = cql_cell_double(&cells[6]),
        .has_acceleration = cells[7].len >= 0,
        .acceleration = cql_cell_double(&cells[7]),
    };
}

static int by_hour_rank(const void *a, const void *b)
{
    const struct trending_row *x = a, *y = b;
    int order = compare(x->hour_ms, y->hour_ms);
    return order ? order : compare(x->rank, y->rank);
}

bool speed_cassandra_read_trending(struct speed *speed,
                                   int64_t from_hour_ms,
                                   int64_t to_hour_ms,
                                   struct arena *arena,
                                   struct trending_row **ret_rows,
                                   size_t *ret_count,
                                   GError **error)
{
    struct reading reading = {
        .store = speed_cassandra_self(speed),
        .arena = arena,
        .from_hour_ms = from_hour_ms,
        .to_hour_ms = to_hour_ms,
        .row_bytes = sizeof(struct trending_row),
        .take = take_trending,
        .columns = 8,
    };
    bool asked = ask_hours(&reading, CASSANDRA_READ_TRENDING, SPEED_ALL_MOVIES, error);
    if (!finish(&reading, asked, error))
        return false;
    sort_rows(&reading, by_hour_rank);
    *ret_rows = reading.rows;
    *ret_count = reading.count;
    return true;
}

/* ---- live ---- */

static void take_metric(struct reading *reading, const struct cql_cell *cells)
{
    char *metric = arena_strdup(reading->arena, text_of(reading, &cells[0]));
    for (guint i = 0; i < reading->metrics->len; i++)
        if (strcmp(reading->metrics->pdata[i], metric) == 0)
            return;
    g_ptr_array_add(reading->metrics, metric);
}

static void take_live(struct reading *reading, const struct cql_cell *cells)
{
    if (cells[3].len < 0)
        return;
    struct live_row *row = new_row(reading);
    *row = (struct live_row){
        .metric = text_of(reading, &cells[0]),
        .hour_ms = cql_cell_long(&cells[1]),
        .window_start_ms = cql_cell_long(&cells[2]),
        .value = cql_cell_double(&cells[3]),
    };
}

static int by_window_metric(const void *a, const void *b)
{
    const struct live_row *x = a, *y = b;
    int order = compare(x->hour_ms, y->hour_ms);
    if (!order)
        order = compare(x->window_start_ms, y->window_start_ms);
    return order ? order : strcmp(x->metric, y->metric);
}

/* All that any of the hours has. */
static bool find_metrics(struct reading *reading, GError **error)
{
    struct reading find = *reading;
    find.take = take_metric;
    find.columns = 1;
    bool asked = ask_hours(&find, CASSANDRA_READ_LIVE_METRICS, SPEED_ALL_MOVIES, error);
    return finish(&find, asked, error);
}

static bool ask_live(struct reading *reading, GError **error)
{
    int64_t end_ms = end_hour(reading);
    for (int64_t hour_ms = first_hour(reading); hour_ms < end_ms; hour_ms += MS_PER_HOUR)
        for (guint i = 0; i < reading->metrics->len; i++) {
            const struct cql_value values[] = {cql_text(reading->metrics->pdata[i]),
                                               cql_long(hour_ms)};
            if (!ask(reading, CASSANDRA_READ_LIVE, values, G_N_ELEMENTS(values), error))
                return false;
        }
    return true;
}

bool speed_cassandra_read_live(struct speed *speed,
                               const char *metric,
                               int64_t from_hour_ms,
                               int64_t to_hour_ms,
                               struct arena *arena,
                               struct live_row **ret_rows,
                               size_t *ret_count,
                               GError **error)
{
    g_autoptr(GPtrArray) metrics = g_ptr_array_new();
    struct reading reading = {
        .store = speed_cassandra_self(speed),
        .arena = arena,
        .from_hour_ms = from_hour_ms,
        .to_hour_ms = to_hour_ms,
        .row_bytes = sizeof(struct live_row),
        .take = take_live,
        .metrics = metrics,
        .columns = 4,
    };
    if (metric)
        g_ptr_array_add(metrics, (char *)metric);
    else if (!find_metrics(&reading, error))
        return false;
    bool asked = ask_live(&reading, error);
    if (!finish(&reading, asked, error))
        return false;
    sort_rows(&reading, by_window_metric);
    *ret_rows = reading.rows;
    *ret_count = reading.count;
    return true;
}

/* ---- hour counts ---- */

static void take_hour_count(struct reading *reading, const struct cql_cell *cells)
{
    if (cells[3].len < 0)
        return;
    struct hour_count_row *row = new_row(reading);
    *row = (struct hour_count_row){
        .hour_ms = cql_cell_long(&cells[0]),
        .topic = text_of(reading, &cells[1]),
        .partition = cql_cell_int(&cells[2]),
        .used_records = cql_cell_long(&cells[3]),
    };
}

static int by_hour_topic(const void *a, const void *b)
{
    const struct hour_count_row *x = a, *y = b;
    int order = compare(x->hour_ms, y->hour_ms);
    if (!order)
        order = strcmp(x->topic, y->topic);
    return order ? order : compare(x->partition, y->partition);
}

bool speed_cassandra_read_hour_counts(struct speed *speed,
                                      int64_t from_hour_ms,
                                      int64_t to_hour_ms,
                                      struct arena *arena,
                                      struct hour_count_row **ret_rows,
                                      size_t *ret_count,
                                      GError **error)
{
    struct reading reading = {
        .store = speed_cassandra_self(speed),
        .arena = arena,
        .from_hour_ms = from_hour_ms,
        .to_hour_ms = to_hour_ms,
        .row_bytes = sizeof(struct hour_count_row),
        .take = take_hour_count,
        .columns = 4,
    };
    bool asked = ask_hours(&reading, CASSANDRA_READ_HOUR_COUNTS, SPEED_ALL_MOVIES, error);
    if (!finish(&reading, asked, error))
        return false;
    sort_rows(&reading, by_hour_topic);
    *ret_rows = reading.rows;
    *ret_count = reading.count;
    return true;
}

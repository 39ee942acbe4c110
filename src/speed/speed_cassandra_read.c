/* Reading: a movie's hours are a partition each and are asked for all at once. The last hour that
 * may have rows is that of now + stream.future_limit: a later event is a bad record.
 *
 * What differs from table to table is a line of `tables`: the statements, the row and its columns,
 * how a row is taken from its cells, the order. */
#include <stdlib.h>
#include <string.h>

#include "model/record.h"
#include "speed/speed_cassandra_store.h"

#define ROWS_FIRST 64
#define US_PER_MS  1000

struct reading;

struct table {
    enum cassandra_statement read; /* by movie and hour, or by hour alone */
    enum cassandra_statement scan;
    size_t row_bytes, columns;
    void (*take)(struct reading *reading, const struct cql_cell *cells);
    int (*compare)(const void *a, const void *b);
};

/* What one call reads; rows is an array in the arena. */
struct reading {
    struct speed_cassandra *store;
    const struct table *table;
    struct arena *arena;
    int64_t from_hour_ms, to_hour_ms;
    void *rows;
    size_t count, capacity;
    GPtrArray *metrics; /* of real_time_stats */
};

/* A zeroed row at the end. */
static void *new_row(struct reading *reading)
{
    if (reading->count == reading->capacity) {
        reading->capacity = MAX(reading->capacity * 2, ROWS_FIRST);
        void *larger = arena_zalloc(reading->arena, reading->capacity * reading->table->row_bytes);
        if (reading->count)
            memcpy(larger, reading->rows, reading->count * reading->table->row_bytes);
        reading->rows = larger;
    }
    return (char *)reading->rows + reading->count++ * reading->table->row_bytes;
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
    if (rows && rows->column_count < reading->table->columns) {
        g_autoptr(GError) other = NULL;
        error_set(&other, BADDATA, "cassandra: %zu columns, expected %zu", rows->column_count,
                  reading->table->columns);
        speed_cassandra_fail(reading->store, other);
        return;
    }
    while (rows && cql_rows_next(rows, cells))
        reading->table->take(reading, cells);
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

/* Once all of it was asked: waits for the answers and sorts them. */
static bool finish(struct reading *reading, bool asked, GError **error)
{
    if (!speed_cassandra_settle(reading->store, asked ? error : NULL) || !asked)
        return false;
    if (reading->count && reading->table->compare)
        qsort(reading->rows, reading->count, reading->table->row_bytes, reading->table->compare);
    return true;
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

static bool
ask_movie_hour(struct reading *reading, int32_t movie_id, int64_t hour_ms, GError **error)
{
    const struct cql_value values[] = {cql_int(movie_id), cql_long(hour_ms)};
    return ask(reading, reading->table->read, values, G_N_ELEMENTS(values), error);
}

/* All hours of a movie, or all rows; then they are there. */
static bool read_movie(struct reading *reading, int64_t movie_id, GError **error)
{
    bool asked = true;
    int64_t end_ms = end_hour(reading);
    if (movie_id == SPEED_ALL_MOVIES)
        asked = ask(reading, reading->table->scan, NULL, 0, error);
    else
        for (int64_t hour_ms = first_hour(reading); asked && hour_ms < end_ms;
             hour_ms += MS_PER_HOUR)
            asked = ask_movie_hour(reading, (int32_t)movie_id, hour_ms, error);
    return finish(reading, asked, error);
}

/* The same of a table whose key is the hour. */
static bool read_hours(struct reading *reading, GError **error)
{
    bool asked = true;
    int64_t end_ms = end_hour(reading);
    for (int64_t hour_ms = first_hour(reading); asked && hour_ms < end_ms; hour_ms += MS_PER_HOUR) {
        const struct cql_value values[] = {cql_long(hour_ms)};
        asked = ask(reading, reading->table->read, values, G_N_ELEMENTS(values), error);
    }
    return finish(reading, asked, error);
}

static bool in_range(const struct reading *reading, int64_t hour_ms)
{
    return hour_ms >= reading->from_hour_ms && hour_ms < reading->to_hour_ms;
}

/* The sequence in a row's timestamp (speed_cassandra_write.c); cell: of writetime. */
static int64_t sequence_of(const struct cql_cell *cell, int64_t hour_ms)
{
    return cell->len < 0 ? 0 : cql_cell_long(cell) - hour_ms * US_PER_MS;
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
        .sequence = sequence_of(&cells[8], cql_cell_long(&cells[1])),
    };
}

static int by_movie_hour(const void *a, const void *b)
{
    const struct stats_row *x = a, *y = b;
    int order = compare(x->movie_id, y->movie_id);
    return order ? order : compare(x->hour_ms, y->hour_ms);
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
        .sequence = sequence_of(&cells[11], cql_cell_long(&cells[1])),
    };
}

static int by_movie_window(const void *a, const void *b)
{
    const struct sentiment_row *x = a, *y = b;
    int order = compare(x->movie_id, y->movie_id);
    return order ? order : compare(x->window_start_ms, y->window_start_ms);
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
        .sequence = sequence_of(&cells[8], cql_cell_long(&cells[0])),
    };
}

static int by_hour_rank(const void *a, const void *b)
{
    const struct trending_row *x = a, *y = b;
    int order = compare(x->hour_ms, y->hour_ms);
    return order ? order : compare(x->rank, y->rank);
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
        .sequence = sequence_of(&cells[4], cql_cell_long(&cells[0])),
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

/* ---- all of them ---- */

static const struct table tables[SPEED_TABLE_COUNT] = {
    [SPEED_STATS] = {CASSANDRA_READ_STATS, CASSANDRA_SCAN_STATS, sizeof(struct stats_row), 9,
                     take_stats, by_movie_hour},
    [SPEED_SENTIMENT] = {CASSANDRA_READ_SENTIMENT, CASSANDRA_SCAN_SENTIMENT,
                         sizeof(struct sentiment_row), 12, take_sentiment, by_movie_window},
    [SPEED_TRENDING] = {CASSANDRA_READ_TRENDING, CASSANDRA_STATEMENT_COUNT,
                        sizeof(struct trending_row), 9, take_trending, by_hour_rank},
    [SPEED_LIVE] = {CASSANDRA_READ_LIVE, CASSANDRA_STATEMENT_COUNT, sizeof(struct live_row), 4,
                    take_live, by_window_metric},
    [SPEED_HOUR_COUNTS] = {CASSANDRA_READ_HOUR_COUNTS, CASSANDRA_STATEMENT_COUNT,
                           sizeof(struct hour_count_row), 5, take_hour_count, by_hour_topic},
};

/* Gives reading->metrics what any of the hours has. */
static const struct table live_metrics = {
    CASSANDRA_READ_LIVE_METRICS, CASSANDRA_STATEMENT_COUNT, 0, 1, take_metric, NULL};

static struct reading reading_of(struct speed *speed,
                                 enum speed_table table,
                                 int64_t from_hour_ms,
                                 int64_t to_hour_ms,
                                 struct arena *arena)
{
    return (struct reading){
        .store = speed_cassandra_self(speed),
        .table = &tables[table],
        .arena = arena,
        .from_hour_ms = from_hour_ms,
        .to_hour_ms = to_hour_ms,
    };
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
    struct reading reading = reading_of(speed, SPEED_STATS, from_hour_ms, to_hour_ms, arena);
    if (!read_movie(&reading, movie_id, error))
        return false;
    *ret_rows = reading.rows;
    *ret_count = reading.count;
    return true;
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
    struct reading reading = reading_of(speed, SPEED_SENTIMENT, from_hour_ms, to_hour_ms, arena);
    if (!read_movie(&reading, movie_id, error))
        return false;
    *ret_rows = reading.rows;
    *ret_count = reading.count;
    return true;
}

bool speed_cassandra_read_changed(struct speed *speed,
                                  enum speed_table table,
                                  const struct speed_change *changes,
                                  size_t change_count,
                                  int64_t first_held_ms,
                                  struct arena *arena,
                                  void **ret_rows,
                                  size_t *ret_count,
                                  GError **error)
{
    struct reading reading = reading_of(speed, table, first_held_ms, INT64_MAX, arena);
    bool asked = true;
    for (size_t i = 0; asked && i < change_count; i++) {
        if (changes[i].table == table)
            asked = ask_movie_hour(&reading, changes[i].movie_id, changes[i].hour_ms, error);
    }
    if (!finish(&reading, asked, error))
        return false;
    *ret_rows = reading.rows;
    *ret_count = reading.count;
    return true;
}

bool speed_cassandra_read_trending(struct speed *speed,
                                   int64_t from_hour_ms,
                                   int64_t to_hour_ms,
                                   struct arena *arena,
                                   struct trending_row **ret_rows,
                                   size_t *ret_count,
                                   GError **error)
{
    struct reading reading = reading_of(speed, SPEED_TRENDING, from_hour_ms, to_hour_ms, arena);
    if (!read_hours(&reading, error))
        return false;
    *ret_rows = reading.rows;
    *ret_count = reading.count;
    return true;
}

bool speed_cassandra_read_hour_counts(struct speed *speed,
                                      int64_t from_hour_ms,
                                      int64_t to_hour_ms,
                                      struct arena *arena,
                                      struct hour_count_row **ret_rows,
                                      size_t *ret_count,
                                      GError **error)
{
    struct reading reading = reading_of(speed, SPEED_HOUR_COUNTS, from_hour_ms, to_hour_ms, arena);
    if (!read_hours(&reading, error))
        return false;
    *ret_rows = reading.rows;
    *ret_count = reading.count;
    return true;
}

/* metric NULL: first which there are. */
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
    struct reading reading = reading_of(speed, SPEED_LIVE, from_hour_ms, to_hour_ms, arena);
    reading.metrics = metrics;
    struct reading find = reading;
    find.table = &live_metrics;
    if (metric)
        g_ptr_array_add(metrics, (char *)metric);
    else if (!read_hours(&find, error))
        return false;
    bool asked = ask_live(&reading, error);
    if (!finish(&reading, asked, error))
        return false;
    *ret_rows = reading.rows;
    *ret_count = reading.count;
    return true;
}

#include "batch/export.h"

#include <string.h>

#include "base/failpoint.h"
#include "base/json_writer.h"
#include "batch/calendar.h"

#define DOCS_PER_PUT  4000
#define BYTES_PER_PUT ((size_t)8 * 1024 * 1024)
#define NEEDS_MAX     3

struct export_view {
    const char *view_type;
    const char *sql_path;
    const char *items; /* name of the array that item_ columns make; NULL: none */
    const char *needs[NEEDS_MAX];
};

static const struct export_view views[] = {
    {"movie", "sql/views/movie.sql", NULL, {"silver_movies"}},
    {"movie_stats", "sql/views/movie_stats.sql", "hours", {"silver_hours_stats"}},
    {"movie_sentiment", "sql/views/movie_sentiment.sql", "windows", {"silver_hours_sentiment"}},
    {"trending_hours", "sql/views/trending_hours.sql", "movies", {"silver_hours_trending"}},
    {"genre_analytics",
     "sql/views/genre_analytics.sql",
     "top_movies",
     {"silver_movies", "gold_genre_analytics"}},
    {"genres", "sql/views/genres.sql", "genres", {"gold_genre_analytics"}},
    {"trending_scores",
     "sql/views/trending_scores.sql",
     "movies",
     {"gold_trending_scores", "silver_movies"}},
    {"temporal_analytics",
     "sql/views/temporal_analytics.sql",
     "periods",
     {"gold_temporal_analytics"}},
    {"revenue_analytics",
     "sql/views/revenue_analytics.sql",
     "budget_tiers",
     {"gold_revenue_analytics"}},
    {"sentiment_trends",
     "sql/views/sentiment_trends.sql",
     "periods",
     {"gold_sentiment_trends", "silver_movies"}},
    {"people", "sql/views/people.sql", "movies", {"gold_people", "silver_people", "silver_movies"}},
    {"top_movies", "sql/views/top_movies.sql", "movies", {"silver_movies"}},
};

/* The document that is being gathered, and those that wait to be put. */
struct exporter {
    struct run_state *state;
    const struct export_view *view;
    GArray *columns; /* struct export_column: of the view's rows; empty before the first */
    bool open;
    struct view_key key; /* genre and window live in the strings below */
    GString *genre, *window, *data;
    struct arena *arena; /* keys and data of the waiting documents */
    GArray *waiting;     /* struct view_doc */
    int64_t docs, bytes;
};

static bool put_waiting(struct exporter *exporter, GError **error)
{
    if (exporter->waiting->len == 0)
        return true;
    const struct view_doc *docs = (const struct view_doc *)(void *)exporter->waiting->data;
    if (!view_put(exporter->state->view, exporter->state->manifest->generation, docs,
                  exporter->waiting->len, error))
        return false;
    exporter->docs += exporter->waiting->len;
    g_array_set_size(exporter->waiting, 0);
    arena_reset(exporter->arena);
    failpoint("batch.export.put");
    return true;
}

static bool close_document(struct exporter *exporter, GError **error)
{
    if (!exporter->open)
        return true;
    if (exporter->view->items)
        json_write_array_end(exporter->data);
    json_write_object_end(exporter->data);
    if (exporter->data->len > VIEW_DATA_BYTES_MAX) {
        error_set(error, BADDATA,
                  "a document of view %s has %zu bytes, more than the %zu that are kept",
                  exporter->view->view_type, exporter->data->len, VIEW_DATA_BYTES_MAX);
        return false;
    }
    struct view_doc doc = {
        .key = exporter->key,
        .data = arena_strndup(exporter->arena, exporter->data->str, exporter->data->len)};
    doc.key.genre =
        exporter->genre->len ? arena_strdup(exporter->arena, exporter->genre->str) : NULL;
    doc.key.window =
        exporter->window->len ? arena_strdup(exporter->arena, exporter->window->str) : NULL;
    g_array_append_val(exporter->waiting, doc);
    exporter->bytes += (int64_t)exporter->data->len;
    exporter->open = false;
    bool full = exporter->waiting->len >= DOCS_PER_PUT ||
                arena_used_bytes(exporter->arena) >= BYTES_PER_PUT;
    return !full || put_waiting(exporter, error);
}

/* ---- columns: what is done with each is decided once a view, not once a value ---- */

enum role {
    KEY_MOVIE_ID,
    KEY_DAY_MS,
    KEY_YEAR,
    KEY_MONTH,
    KEY_GENRE,
    KEY_WINDOW,
    FIELD, /* of the document */
    ITEM,  /* of its array */
};

/* Endings of column names, and how a value under them is written. */
enum ending { PLAIN, DEC4, TIME_MS, JSON_TEXT };

struct export_column {
    enum role role;
    enum ending ending;
    char *key; /* in the document; NULL for keys */
};

static void column_clear(void *data)
{
    g_free(((struct export_column *)data)->key);
}

static enum ending ending_of(const char *name, size_t *ret_len)
{
    static const struct {
        const char *text;
        enum ending ending;
    } endings[] = {{"_dec4", DEC4}, {"_ms", TIME_MS}, {"_json", JSON_TEXT}};
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        if (g_str_has_suffix(name, endings[i].text)) {
            *ret_len = strlen(endings[i].text);
            return endings[i].ending;
        }
    }
    *ret_len = 0;
    return PLAIN;
}

static enum role role_of(const char *name)
{
    static const char *const keys[] = {"key_movie_id", "key_day_ms", "key_year",
                                       "key_month",    "key_genre",  "key_window"};
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (strcmp(name, keys[i]) == 0)
            return (enum role)i;
    }
    g_assert(!g_str_has_prefix(name, "key_"));
    return g_str_has_prefix(name, "item_") ? ITEM : FIELD;
}

static void
read_columns(struct exporter *exporter, const struct engine_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct export_column column = {.role = role_of(columns[i].name)};
        if (column.role >= FIELD) {
            const char *name = columns[i].name + (column.role == ITEM ? strlen("item_") : 0);
            size_t len;
            column.ending = ending_of(name, &len);
            column.key = g_strndup(name, strlen(name) - len);
        }
        g_array_append_val(exporter->columns, column);
    }
}

/* ---- rows ---- */

struct row_key {
    struct view_key key;
    const char *genre, *window;
};

static struct row_key
key_of(const struct exporter *exporter, const struct engine_value *values, size_t count)
{
    struct row_key found = {
        .key = {.view_type = exporter->view->view_type}, .genre = "", .window = ""};
    for (size_t i = 0; i < count; i++) {
        switch (g_array_index(exporter->columns, struct export_column, i).role) {
        case KEY_MOVIE_ID:
            found.key.movie_id = values[i].integer;
            break;
        case KEY_DAY_MS:
            found.key.day_ms = values[i].integer;
            break;
        case KEY_YEAR:
            found.key.year = (int32_t)values[i].integer;
            break;
        case KEY_MONTH:
            found.key.month = (int32_t)values[i].integer;
            break;
        case KEY_GENRE:
            found.genre = values[i].text;
            break;
        case KEY_WINDOW:
            found.window = values[i].text;
            break;
        case FIELD:
        case ITEM:
            break;
        }
    }
    return found;
}

static bool same_key(const struct exporter *exporter, const struct row_key *row)
{
    const struct view_key *a = &exporter->key, *b = &row->key;
    return a->movie_id == b->movie_id && a->day_ms == b->day_ms && a->year == b->year &&
           a->month == b->month && strcmp(exporter->genre->str, row->genre) == 0 &&
           strcmp(exporter->window->str, row->window) == 0;
}

static void
write_plain(GString *out, const struct engine_column *column, const struct engine_value *value)
{
    switch (column->type) {
    case ENGINE_COLUMN_INT:
        json_write_int(out, value->integer);
        break;
    case ENGINE_COLUMN_DOUBLE:
        json_write_double(out, value->number);
        break;
    case ENGINE_COLUMN_BOOL:
        json_write_bool(out, value->integer != 0);
        break;
    case ENGINE_COLUMN_TEXT:
        json_write_string(out, value->text);
        break;
    }
}

static void write_field(GString *out,
                        const struct export_column *column,
                        const struct engine_column *typed,
                        const struct engine_value *value)
{
    json_write_key(out, column->key);
    if (value->is_null)
        json_write_null(out);
    else if (column->ending == DEC4)
        json_write_e4(out, value->integer);
    else if (column->ending == TIME_MS)
        json_write_time(out, value->integer);
    else if (column->ending == JSON_TEXT)
        json_write_raw(out, value->text, value->len);
    else
        write_plain(out, typed, value);
}

/* The row's fields of one role. */
static void write_fields(struct exporter *exporter,
                         enum role role,
                         const struct engine_column *columns,
                         const struct engine_value *values,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct export_column *column =
            &g_array_index(exporter->columns, struct export_column, i);
        if (column->role == role)
            write_field(exporter->data, column, &columns[i], &values[i]);
    }
}

static void write_item(struct exporter *exporter,
                       const struct engine_column *columns,
                       const struct engine_value *values,
                       size_t count)
{
    bool any = false;
    for (size_t i = 0; !any && i < count; i++)
        any = g_array_index(exporter->columns, struct export_column, i).role == ITEM &&
              !values[i].is_null;
    if (!any) /* a left join that found nothing */
        return;
    json_write_object(exporter->data);
    write_fields(exporter, ITEM, columns, values, count);
    json_write_object_end(exporter->data);
}

static void open_document(struct exporter *exporter, const struct row_key *row)
{
    exporter->open = true;
    exporter->key = row->key;
    g_string_assign(exporter->genre, row->genre);
    g_string_assign(exporter->window, row->window);
    g_string_truncate(exporter->data, 0);
    json_write_object(exporter->data);
}

static void open_items(struct exporter *exporter)
{
    if (!exporter->view->items)
        return;
    json_write_key(exporter->data, exporter->view->items);
    json_write_array(exporter->data);
}

static bool take_row(void *user,
                     const struct engine_column *columns,
                     const struct engine_value *values,
                     size_t count,
                     GError **error)
{
    struct exporter *exporter = user;
    if (exporter->columns->len == 0)
        read_columns(exporter, columns, count);
    struct row_key row = key_of(exporter, values, count);
    if (!exporter->open || !same_key(exporter, &row)) {
        if (!close_document(exporter, error))
            return false;
        open_document(exporter, &row);
        write_fields(exporter, FIELD, columns, values, count);
        open_items(exporter);
    }
    if (exporter->view->items)
        write_item(exporter, columns, values, count);
    return true;
}

static bool export_view(struct exporter *exporter, const struct export_view *view, GError **error)
{
    exporter->view = view;
    g_array_set_size(exporter->columns, 0);
    for (size_t i = 0; i < NEEDS_MAX && view->needs[i]; i++) {
        if (!run_state_need(exporter->state, view->needs[i], error))
            return false;
    }
    struct engine_params params = run_state_params(exporter->state);
    return engine_select(exporter->state->engine, view->sql_path, &params, take_row, exporter,
                         error) &&
           close_document(exporter, error) && put_waiting(exporter, error);
}

/* ---- hour_counts: a column's name would be a topic, so its documents are written here ---- */

struct hour_counts {
    struct exporter *exporter;
    int64_t hour_ms;         /* of the open object; INT64_MIN: none */
    const char *topic;       /* of the open array; NULL: none */
    size_t partitions, next; /* of the open array: how many it has, how many are written */
};

static void close_topic(struct hour_counts *counts)
{
    if (!counts->topic)
        return;
    for (; counts->next < counts->partitions; counts->next++)
        json_write_int(counts->exporter->data, 0);
    json_write_array_end(counts->exporter->data);
    counts->topic = NULL;
}

static void close_hour(struct hour_counts *counts)
{
    close_topic(counts);
    if (counts->hour_ms != INT64_MIN)
        json_write_object_end(counts->exporter->data);
    counts->hour_ms = INT64_MIN;
}

static bool open_hour(struct hour_counts *counts, int64_t hour_ms, GError **error)
{
    struct exporter *exporter = counts->exporter;
    int64_t day_ms = calendar_start(CALENDAR_DAY, hour_ms);
    close_hour(counts);
    if (!exporter->open || exporter->key.day_ms != day_ms) {
        if (!close_document(exporter, error))
            return false;
        open_document(
            exporter,
            &(struct row_key){{.view_type = exporter->view->view_type, .day_ms = day_ms}, "", ""});
        open_items(exporter);
    }
    counts->hour_ms = hour_ms;
    json_write_object(exporter->data);
    json_add_time(exporter->data, "hour", hour_ms);
    return true;
}

/* Rows: hour, topic, partition, used records. */
static bool take_count(void *user,
                       const struct engine_column *columns,
                       const struct engine_value *values,
                       size_t count,
                       GError **error)
{
    (void)columns, (void)count;
    struct hour_counts *counts = user;
    if (values[0].integer != counts->hour_ms && !open_hour(counts, values[0].integer, error))
        return false;
    GString *out = counts->exporter->data;
    if (!counts->topic || strcmp(counts->topic, values[1].text) != 0) {
        close_topic(counts);
        const struct manifest_cut *cut =
            manifest_find_cut(counts->exporter->state->manifest, values[1].text);
        if (!cut) {
            error_set(error, BADDATA, "topic %s isn't part of the cut", values[1].text);
            return false;
        }
        *counts =
            (struct hour_counts){counts->exporter, counts->hour_ms, cut->topic, cut->partitions, 0};
        json_write_key(out, cut->topic);
        json_write_array(out);
    }
    for (; counts->next < (size_t)values[2].integer; counts->next++)
        json_write_int(out, 0);
    json_write_int(out, values[3].integer);
    counts->next++;
    return true;
}

static bool export_hour_counts(struct exporter *exporter, GError **error)
{
    static const struct export_view view = {
        "hour_counts", "sql/views/hour_counts.sql", "hours", {0}};
    struct engine_params params = run_state_params(exporter->state);
    struct hour_counts counts = {.exporter = exporter, .hour_ms = INT64_MIN};
    exporter->view = &view;
    if (!run_state_need(exporter->state, "used_counts", error) ||
        !engine_select(exporter->state->engine, view.sql_path, &params, take_count, &counts, error))
        return false;
    close_hour(&counts);
    return close_document(exporter, error) && put_waiting(exporter, error);
}

bool export_run(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    struct exporter exporter = {
        .state = state,
        .columns = g_array_new(FALSE, FALSE, sizeof(struct export_column)),
        .genre = g_string_new(NULL),
        .window = g_string_new(NULL),
        .data = g_string_new(NULL),
        .arena = arena_new(),
        .waiting = g_array_new(FALSE, FALSE, sizeof(struct view_doc)),
    };
    g_array_set_clear_func(exporter.columns, column_clear);
    bool done = true;
    for (size_t i = 0; done && i < G_N_ELEMENTS(views); i++)
        done = export_view(&exporter, &views[i], error);
    done = done && export_hour_counts(&exporter, error);
    if (done) {
        ret_step->rows = exporter.docs;
        ret_step->size_bytes = exporter.bytes;
    }
    g_array_unref(exporter.columns);
    g_string_free(exporter.genre, TRUE);
    g_string_free(exporter.window, TRUE);
    g_string_free(exporter.data, TRUE);
    arena_free(exporter.arena);
    g_array_unref(exporter.waiting);
    return done;
}

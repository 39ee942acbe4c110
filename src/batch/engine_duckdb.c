#include "batch/engine_duckdb.h"

#include <string.h>

#include "batch/duckdb_session.h"
#include "batch/engine_backend.h"

struct engine_duckdb {
    struct engine base;
    struct duckdb_session *session;
};

static struct duckdb_session *session_of(struct engine *engine)
{
    return ((struct engine_duckdb *)engine)->session;
}

static struct engine *
duck_open(const struct context *context, const char *lake_root, GError **error)
{
    struct duckdb_session *session = duckdb_session_open(context, lake_root, error);
    if (!session)
        return NULL;
    struct engine_duckdb *engine = g_new0(struct engine_duckdb, 1);
    engine->base = (struct engine){.ops = &engine_duckdb_ops, .context = context};
    engine->session = session;
    return &engine->base;
}

struct engine *
engine_duckdb_open(const struct context *context, const char *lake_root, GError **error)
{
    return duck_open(context, lake_root, error);
}

struct duckdb_session *engine_duckdb_session(struct engine *engine)
{
    return session_of(engine);
}

static void duck_close(struct engine *engine)
{
    duckdb_session_close(session_of(engine));
    g_free(engine);
}

/* A name may have been a table or a view before, and DuckDB refuses to drop the one as the other.
 */
static void forget(struct duckdb_session *session, const char *name)
{
    static const char *const drops[] = {"drop_table", "drop_view"};
    for (size_t i = 0; i < G_N_ELEMENTS(drops); i++)
        (void)!duckdb_session_run_statement(
            session, &(struct duckdb_statement){.name = drops[i], .relation = name}, NULL, NULL);
}

static bool duck_view(struct engine *engine,
                      const char *name,
                      const char *columns_sql,
                      const char *const *urls,
                      size_t urls_count,
                      GError **error)
{
    const struct duckdb_statement statement = {
        .name = urls_count ? "view_of_files" : "view_of_select",
        .relation = name,
        .select = columns_sql,
        .urls = urls,
        .urls_count = urls_count,
    };
    forget(session_of(engine), name);
    return duckdb_session_run_statement(session_of(engine), &statement, NULL, error);
}

/* A statement whose result is how many rows it made. */
static bool run_counted(struct engine *engine,
                        const struct duckdb_statement *statement,
                        int64_t *ret_rows,
                        GError **error)
{
    duckdb_result result;
    if (!duckdb_session_run_statement(session_of(engine), statement, &result, error))
        return false;
    *ret_rows = (int64_t)duckdb_rows_changed(&result);
    duckdb_destroy_result(&result);
    return true;
}

static bool duck_table(
    struct engine *engine, const char *name, const char *sql, int64_t *ret_rows, GError **error)
{
    const struct duckdb_statement statement = {
        .name = "table_of_select", .relation = name, .select = sql};
    forget(session_of(engine), name);
    return run_counted(engine, &statement, ret_rows, error);
}

static bool duck_drop(struct engine *engine, const char *name, GError **error)
{
    (void)error;
    forget(session_of(engine), name);
    return true;
}

static bool duck_write(
    struct engine *engine, const char *sql, const char *url, int64_t *ret_rows, GError **error)
{
    return run_counted(engine,
                       &(struct duckdb_statement){.name = "write", .select = sql, .url = url},
                       ret_rows, error);
}

/* ---- select ---- */

/* Columns of one chunk, as DuckDB lays them out. */
struct lane {
    duckdb_type type;
    const void *data;
    uint64_t *valid;
};

static bool column_type(duckdb_type type, enum engine_column_type *ret_type)
{
    switch (type) {
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
        *ret_type = ENGINE_COLUMN_INT;
        return true;
    case DUCKDB_TYPE_DOUBLE:
        *ret_type = ENGINE_COLUMN_DOUBLE;
        return true;
    case DUCKDB_TYPE_BOOLEAN:
        *ret_type = ENGINE_COLUMN_BOOL;
        return true;
    case DUCKDB_TYPE_VARCHAR:
        *ret_type = ENGINE_COLUMN_TEXT;
        return true;
    default:
        return false;
    }
}

static void
read_value(const struct lane *lane, idx_t row, GString *text, struct engine_value *ret_value)
{
    struct engine_value value = {.is_null = lane->valid &&
                                            !duckdb_validity_row_is_valid(lane->valid, row)};
    g_string_truncate(text, 0);
    if (!value.is_null) {
        switch (lane->type) {
        case DUCKDB_TYPE_TINYINT:
            value.integer = ((const int8_t *)lane->data)[row];
            break;
        case DUCKDB_TYPE_SMALLINT:
            value.integer = ((const int16_t *)lane->data)[row];
            break;
        case DUCKDB_TYPE_INTEGER:
            value.integer = ((const int32_t *)lane->data)[row];
            break;
        case DUCKDB_TYPE_BIGINT:
            value.integer = ((const int64_t *)lane->data)[row];
            break;
        case DUCKDB_TYPE_DOUBLE:
            value.number = ((const double *)lane->data)[row];
            break;
        case DUCKDB_TYPE_BOOLEAN:
            value.integer = ((const bool *)lane->data)[row];
            break;
        default: {
            duckdb_string_t string = ((const duckdb_string_t *)lane->data)[row];
            g_string_append_len(text, duckdb_string_t_data(&string),
                                (gssize)duckdb_string_t_length(string));
        }
        }
    }
    value.text = text->str;
    value.len = text->len;
    *ret_value = value;
}

struct reader {
    size_t columns_count;
    struct engine_column *columns;
    struct engine_value *values;
    struct lane *lanes;
    GString **texts; /* one a column: a row's texts live together */
};

static bool reader_open(struct reader *reader, duckdb_result *result, GError **error)
{
    size_t count = duckdb_column_count(result);
    *reader = (struct reader){
        .columns_count = count,
        .columns = g_new0(struct engine_column, count),
        .values = g_new0(struct engine_value, count),
        .lanes = g_new0(struct lane, count),
        .texts = g_new0(GString *, count),
    };
    for (size_t i = 0; i < count; i++) {
        reader->columns[i].name = duckdb_column_name(result, i);
        reader->lanes[i].type = duckdb_column_type(result, i);
        reader->texts[i] = g_string_new(NULL);
        if (!column_type(reader->lanes[i].type, &reader->columns[i].type)) {
            error_set(error, BADDATA,
                      "duckdb: column %s is of a type that can't be handed over: cast it to "
                      "BIGINT, DOUBLE, BOOLEAN or "
                      "STRING",
                      reader->columns[i].name);
            return false;
        }
    }
    return true;
}

static void reader_close(struct reader *reader)
{
    for (size_t i = 0; i < reader->columns_count; i++) {
        if (reader->texts[i])
            g_string_free(reader->texts[i], TRUE);
    }
    g_free(reader->columns);
    g_free(reader->values);
    g_free(reader->lanes);
    g_free(reader->texts);
}

static bool read_chunk(
    struct reader *reader, duckdb_data_chunk chunk, engine_row_fn row, void *user, GError **error)
{
    for (size_t i = 0; i < reader->columns_count; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
        reader->lanes[i].data = duckdb_vector_get_data(vector);
        reader->lanes[i].valid = duckdb_vector_get_validity(vector);
    }
    idx_t rows = duckdb_data_chunk_get_size(chunk);
    for (idx_t at = 0; at < rows; at++) {
        for (size_t i = 0; i < reader->columns_count; i++)
            read_value(&reader->lanes[i], at, reader->texts[i], &reader->values[i]);
        if (!row(user, reader->columns, reader->values, reader->columns_count, error))
            return false;
    }
    return true;
}

/* Starts a statement whose rows are made as they are fetched: all of them at once would have to fit
 * into memory, which a sort can leave for the disk and a result can't. */
static bool
start(struct duckdb_session *session, const char *sql, duckdb_result *ret_result, GError **error)
{
    duckdb_prepared_statement statement = NULL;
    duckdb_pending_result pending = NULL;
    bool done = false;
    if (duckdb_prepare(session->connection, sql, &statement) == DuckDBError)
        duckdb_session_error(DUCKDB_ERROR_INVALID, duckdb_prepare_error(statement), error);
    else if (duckdb_pending_prepared_streaming(statement, &pending) == DuckDBError)
        duckdb_session_error(DUCKDB_ERROR_INVALID, duckdb_pending_error(pending), error);
    else if (duckdb_execute_pending(pending, ret_result) == DuckDBError) {
        duckdb_session_error(duckdb_result_error_type(ret_result), duckdb_result_error(ret_result),
                             error);
        duckdb_destroy_result(ret_result);
    } else {
        done = true;
    }
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&statement);
    return done;
}

static bool
duck_select(struct engine *engine, const char *sql, engine_row_fn row, void *user, GError **error)
{
    duckdb_result result;
    if (!start(session_of(engine), sql, &result, error))
        return false;
    struct reader reader;
    bool done = reader_open(&reader, &result, error);
    duckdb_data_chunk chunk;
    while (done && (chunk = duckdb_fetch_chunk(result))) {
        done = read_chunk(&reader, chunk, row, user, error);
        duckdb_destroy_data_chunk(&chunk);
    }
    if (done && duckdb_result_error(&result)) {
        duckdb_session_error(duckdb_result_error_type(&result), duckdb_result_error(&result),
                             error);
        done = false;
    }
    reader_close(&reader);
    duckdb_destroy_result(&result);
    return done;
}

static void duck_interrupt(struct engine *engine)
{
    duckdb_interrupt(session_of(engine)->connection);
}

const struct engine_ops engine_duckdb_ops = {
    .name = "duckdb",
    .open = duck_open,
    .close = duck_close,
    .view = duck_view,
    .table = duck_table,
    .drop = duck_drop,
    .write = duck_write,
    .select = duck_select,
    .interrupt = duck_interrupt,
};

#include "speed/speed_query.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/json_writer.h"
#include "base/sql_file.h"
#include "base/text_table.h"
#include "model/db.h"
#include "speed/speed_sqlite.h"

/* Steps of SQLite's machine between two looks at the clock: about a millisecond. */
#define PROGRESS_STEPS 100000

struct query {
    const struct context *context;
    enum speed_query_format format;
    sqlite3 *db;
    sqlite3_stmt *statement;
    int64_t deadline_ms; /* monotonic */
    bool late;
    struct text_table *table;
    GString *json, *line; /* all rows; one */
    size_t bytes;
    int64_t rows;
};

/* ---- what may be done ---- */

static int
authorize(void *data, int action, const char *a, const char *b, const char *db, const char *within)
{
    (void)data, (void)a, (void)db, (void)within;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return g_strcmp0(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    default:
        return SQLITE_DENY;
    }
}

static int look_at_clock(void *data)
{
    struct query *query = data;
    query->late = clock_monotonic_ms(query->context->clock) >= query->deadline_ms;
    return query->late;
}

/* SQL function first_held(): the first hour whose rows are held. */
static void first_held(sqlite3_context *call, int count, sqlite3_value **values)
{
    (void)count, (void)values;
    const struct context *context = sqlite3_user_data(call);
    int64_t now_ms = clock_now_ms(context->clock);
    /* hour + 1 h + retention > now. */
    sqlite3_result_int64(call, now_ms - context->config->speed_retention_ms - MS_PER_HOUR + 1);
}

static bool open_store(struct query *query, GError **error)
{
    const struct config *config = query->context->config;
    if (strcmp(config->speed_backend, "sqlite") != 0) {
        error_set(error, CONFIG, "speed.backend is %s: query it with its own tools",
                  config->speed_backend);
        return false;
    }
    g_autofree char *path = config_path(config, SPEED_SQLITE_FILE);
    g_autoptr(sql_file) sql = sql_file_load("contracts/speed.sql");
    query->db = db_open(path, &(struct db_options){.read_only = true}, error);
    if (!query->db)
        return false;
    sqlite3_limit(query->db, SQLITE_LIMIT_LENGTH, SPEED_QUERY_CELL_MAX);
    sqlite3_limit(query->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_create_function(query->db, "first_held", 0, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                            (void *)query->context, first_held, NULL, NULL);
    /* Temporary views are writes too, though they stay in memory. */
    if (!db_exec(query->db, "PRAGMA temp_store = MEMORY; PRAGMA query_only = 0", error) ||
        !db_exec(query->db, sql_file_get(sql, "query_views"), error) ||
        !db_exec(query->db, "PRAGMA query_only = 1", error))
        return false;
    sqlite3_set_authorizer(query->db, authorize, NULL);
    query->deadline_ms = clock_monotonic_ms(query->context->clock) + SPEED_QUERY_TIME_MS;
    sqlite3_progress_handler(query->db, PROGRESS_STEPS, look_at_clock, query);
    return true;
}

/* ---- the statement ---- */

static bool refuse(const struct query *query, GError **error)
{
    /* SQLite quotes the statement, whose bytes may be no UTF-8. */
    g_autofree char *why = g_utf8_make_valid(sqlite3_errmsg(query->db), -1);
    if (query->late)
        error_set(error, BADDATA,
                  "query: it took longer than %d s: narrow it (the tables' keys begin with hour)",
                  (int)(SPEED_QUERY_TIME_MS / MS_PER_SECOND));
    else
        error_set(error, BADDATA,
                  "query: %s; expected one SELECT over the speed tables, which `marquee query "
                  "--help` lists",
                  why);
    return false;
}

static bool prepare(struct query *query, const char *sql, GError **error)
{
    const char *rest;
    if (sqlite3_prepare_v2(query->db, sql, -1, &query->statement, &rest) != SQLITE_OK)
        return refuse(query, error);
    while (*rest && (isspace((unsigned char)*rest) || *rest == ';'))
        rest++;
    if (*rest)
        error_set(error, BADDATA, "query: more than one statement");
    else if (!query->statement)
        error_set(error, BADDATA, "query: no statement");
    else if (sqlite3_column_count(query->statement) == 0 ||
             !sqlite3_stmt_readonly(query->statement))
        error_set(error, BADDATA, "query: not a SELECT");
    else
        return true;
    return false;
}

/* ---- the rows ---- */

static void add_json(struct query *query, int column)
{
    sqlite3_stmt *statement = query->statement;
    g_autofree char *text = NULL;
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
        json_write_null(query->line);
        break;
    case SQLITE_INTEGER:
        json_write_int(query->line, sqlite3_column_int64(statement, column));
        break;
    case SQLITE_FLOAT:
        if (isfinite(sqlite3_column_double(statement, column)))
            json_write_double(query->line, sqlite3_column_double(statement, column));
        else
            json_write_null(query->line); /* JSON has no infinity */
        break;
    default:
        text = g_utf8_make_valid((const char *)sqlite3_column_text(statement, column),
                                 sqlite3_column_bytes(statement, column));
        json_write_string(query->line, text);
    }
}

static void add_json_row(struct query *query)
{
    g_string_truncate(query->line, 0);
    json_write_object(query->line);
    for (int i = 0; i < sqlite3_column_count(query->statement); i++) {
        g_autofree char *name = g_utf8_make_valid(sqlite3_column_name(query->statement, i), -1);
        json_write_string(query->line, name); /* a name may need escaping, so no json_write_key */
        g_string_append_c(query->line, ':');
        add_json(query, i);
    }
    json_write_object_end(query->line);
    g_string_append_c(query->line, '\n');
    g_string_append_len(query->json, query->line->str, (gssize)query->line->len);
    query->bytes = query->json->len;
}

static void add_table_row(struct query *query)
{
    for (int i = 0; i < sqlite3_column_count(query->statement); i++) {
        const char *text = (const char *)sqlite3_column_text(query->statement, i);
        query->bytes += text_table_add(query->table, text ? text : "null", -1);
    }
}

static bool add_row(struct query *query, GError **error)
{
    if (query->rows++ == SPEED_QUERY_ROWS_MAX) {
        error_set(error, BADDATA, "query: more than %d rows: add a LIMIT", SPEED_QUERY_ROWS_MAX);
        return false;
    }
    if (query->format == SPEED_QUERY_JSON)
        add_json_row(query);
    else
        add_table_row(query);
    if (query->bytes <= SPEED_QUERY_BYTES_MAX)
        return true;
    error_set(error, BADDATA, "query: more than %zu bytes: add a LIMIT", SPEED_QUERY_BYTES_MAX);
    return false;
}

static bool run(struct query *query, GError **error)
{
    int columns = sqlite3_column_count(query->statement);
    query->table = text_table_new((size_t)columns);
    for (int i = 0; i < columns; i++)
        query->bytes += text_table_add(query->table, sqlite3_column_name(query->statement, i), -1);
    int code;
    while ((code = sqlite3_step(query->statement)) == SQLITE_ROW) {
        if (!add_row(query, error))
            return false;
    }
    return code == SQLITE_DONE || refuse(query, error);
}

bool speed_query(const struct context *context,
                 const char *sql,
                 enum speed_query_format format,
                 FILE *out,
                 int64_t *ret_rows,
                 GError **error)
{
    struct query query = {
        .context = context,
        .format = format,
        .json = g_string_new(NULL),
        .line = g_string_new(NULL),
    };
    bool done = open_store(&query, error) && prepare(&query, sql, error) && run(&query, error);
    if (done && format == SPEED_QUERY_JSON)
        fwrite(query.json->str, 1, query.json->len, out);
    else if (done)
        text_table_print(query.table, out);
    if (done)
        *ret_rows = query.rows;
    sqlite3_finalize(query.statement);
    db_close(query.db);
    text_table_free(query.table);
    g_string_free(query.json, TRUE);
    g_string_free(query.line, TRUE);
    return done;
}

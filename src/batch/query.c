#include "batch/query.h"

#include <inttypes.h>
#include <string.h>

#include "base/embedded.h"
#include "base/text_table.h"
#include "batch/duckdb_session.h"
#include "batch/sql_text.h"
#include "batch/tables.h"
#include "lake/lake.h"
#include "lake/manifest.h"

/* ---- the views ---- */

/* The SELECT without rows that says the columns of a table; NULL where there is none. */
static char *columns_of(const char *table)
{
    g_autofree char *bronze = g_strdup_printf("sql/%s.sql", table);
    g_autofree char *other = g_strdup_printf("sql/%s_columns.sql", table);
    const char *path = g_str_has_prefix(table, "bronze/") ? bronze : other;
    return embedded_find(path) ? sql_text_fill(path, NULL, NULL) : NULL;
}

static bool add_view(struct duckdb_session *session,
                     struct lake *lake,
                     const struct manifest_table *table,
                     GError **error)
{
    g_autofree char *columns = columns_of(table->name);
    if (!columns) /* spool: not a table of the lake */
        return true;
    struct arena *arena = arena_new();
    g_autofree char *relation = g_strdelimit(g_strdup(table->name), "/", '.');
    const char **urls = arena_array(arena, const char *, table->files->len + 1);
    struct duckdb_statement statement = {
        .name = table->files->len ? "query_view_of_files" : "query_view_of_select",
        .relation = relation,
        .select = columns,
        .urls = urls,
        .urls_count = table->files->len,
    };
    bool done = true;
    for (guint i = 0; done && i < table->files->len; i++) {
        urls[i] = lake_url(lake, ((const struct manifest_file *)table->files->pdata[i])->name,
                           arena, error);
        done = urls[i] != NULL;
    }
    done = done && duckdb_session_run_statement(session, &statement, NULL, error);
    arena_free(arena);
    return done;
}

static bool add_views(struct duckdb_session *session,
                      struct lake *lake,
                      const struct manifest *manifest,
                      GError **error)
{
    if (!duckdb_session_run_statement(session, &(struct duckdb_statement){.name = "query_schemas"},
                                      NULL, error))
        return false;
    for (guint i = 0; i < manifest->tables->len; i++) {
        if (!add_view(session, lake, manifest->tables->pdata[i], error))
            return false;
    }
    return true;
}

/* ---- the rows ---- */

typedef void (*cell_fn)(
    void *user, idx_t column, const char *text, size_t len, bool is_null, bool last);

static void each_cell(duckdb_result *result, cell_fn cell, void *user, int64_t *ret_rows)
{
    idx_t columns = duckdb_column_count(result);
    int64_t rows = 0;
    duckdb_data_chunk chunk;
    while ((chunk = duckdb_fetch_chunk(*result))) {
        idx_t count = duckdb_data_chunk_get_size(chunk);
        for (idx_t row = 0; row < count; row++, rows++) {
            for (idx_t i = 0; i < columns; i++) {
                duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
                uint64_t *valid = duckdb_vector_get_validity(vector);
                bool is_null = valid && !duckdb_validity_row_is_valid(valid, row);
                duckdb_string_t text = {0};
                if (!is_null)
                    text = ((duckdb_string_t *)duckdb_vector_get_data(vector))[row];
                cell(user, i, is_null ? "" : duckdb_string_t_data(&text),
                     is_null ? 0 : duckdb_string_t_length(text), is_null, i + 1 == columns);
            }
        }
        duckdb_destroy_data_chunk(&chunk);
    }
    *ret_rows = rows;
}

static void
print_line(void *user, idx_t column, const char *text, size_t len, bool is_null, bool last)
{
    (void)column, (void)is_null, (void)last;
    fwrite(text, 1, len, user);
    fputc('\n', user);
}

static void
gather_cell(void *user, idx_t column, const char *text, size_t len, bool is_null, bool last)
{
    (void)column, (void)last;
    text_table_add(user, is_null ? "null" : text, is_null ? -1 : (long)len);
}

static bool print_table(duckdb_result *result, FILE *out, int64_t *ret_rows, GError **error)
{
    if (duckdb_row_count(result) > QUERY_TABLE_ROWS_MAX) {
        error_set(error, BADDATA, "more than %d rows: add a LIMIT, or ask for JSON",
                  QUERY_TABLE_ROWS_MAX);
        return false;
    }
    idx_t columns = duckdb_column_count(result);
    struct text_table *table = text_table_new(columns);
    for (idx_t i = 0; i < columns; i++)
        text_table_add(table, duckdb_column_name(result, i), -1);
    each_cell(result, gather_cell, table, ret_rows);
    text_table_print(table, out);
    text_table_free(table);
    return true;
}

/* One statement, or the subquery's brackets could be closed and another begun. */
static bool one_statement(struct duckdb_session *session, const char *sql, GError **error)
{
    duckdb_extracted_statements statements;
    idx_t count = duckdb_extract_statements(session->connection, sql, &statements);
    if (count != 1) {
        const char *reason =
            count == 0 ? duckdb_extract_statements_error(statements) : "more than one statement";
        error_set(error, BADDATA, "query: %s", reason ? reason : "no statement");
    }
    duckdb_destroy_extracted(&statements);
    return count == 1;
}

static bool run(struct duckdb_session *session,
                const char *sql,
                enum query_format format,
                FILE *out,
                int64_t *ret_rows,
                GError **error)
{
    g_autofree char *trimmed = g_strdup(sql);
    g_strchomp(trimmed);
    size_t len = strlen(trimmed);
    if (len && trimmed[len - 1] == ';')
        trimmed[len - 1] = '\0';
    const struct duckdb_statement statement = {
        .name = format == QUERY_JSON ? "query_json" : "query_text", .select = trimmed};
    g_autofree char *wrapped = duckdb_statement_text(&statement, error);
    if (!wrapped)
        return false;
    duckdb_result result;
    if (!one_statement(session, trimmed, error) || !one_statement(session, wrapped, error) ||
        !duckdb_session_run(session, wrapped, &result, error))
        return false;
    bool done = true;
    if (format == QUERY_JSON)
        each_cell(&result, print_line, out, ret_rows);
    else
        done = print_table(&result, out, ret_rows, error);
    duckdb_destroy_result(&result);
    return done;
}

bool batch_query(const struct context *context,
                 const char *sql,
                 enum query_format format,
                 FILE *out,
                 int64_t *ret_rows,
                 GError **error)
{
    struct lake *lake = lake_open(context, error);
    struct manifest *manifest = NULL;
    struct duckdb_session *session = NULL;
    g_autofree char *lake_root = lake ? tables_lake_root(lake, error) : NULL;
    bool done = lake_root && manifest_load_current(lake, &manifest, error);
    if (done && !manifest) {
        error_set(error, NOTFOUND,
                  "query: nothing is published yet: run `marquee batch run` first");
        done = false;
    }
    done = done && (session = duckdb_session_open(context, lake_root, error)) &&
           add_views(session, lake, manifest, error) &&
           run(session, sql, format, out, ret_rows, error);
    duckdb_session_close(session);
    manifest_free(manifest);
    lake_close(lake);
    return done;
}

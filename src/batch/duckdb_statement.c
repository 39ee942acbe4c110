#include "batch/duckdb_statement.h"

#include <stdbool.h>
#include <string.h>

#include "base/sql_file.h"

#define STATEMENTS_PATH "sql/prelude/statements_duckdb.sql"

static bool append_url(GString *out, const char *url, GError **error)
{
    if (strchr(url, '\'')) {
        error_set(error, BADDATA, "duckdb: %s has a quote in it", url);
        return false;
    }
    g_string_append(out, url);
    return true;
}

static bool append_urls(GString *out, const struct duckdb_statement *statement, GError **error)
{
    for (size_t i = 0; i < statement->urls_count; i++) {
        g_string_append(out, i ? ", '" : "'");
        if (!append_url(out, statement->urls[i], error))
            return false;
        g_string_append_c(out, '\'');
    }
    return true;
}

/* The value of one ${mark}. */
static bool append(GString *out,
                   const char *mark,
                   size_t len,
                   const struct duckdb_statement *statement,
                   GError **error)
{
    g_autofree char *name = g_strndup(mark, len);
    if (strcmp(name, "relation") == 0) {
        g_string_append(out, statement->relation);
    } else if (strcmp(name, "select") == 0) {
        g_string_append(out, statement->select);
    } else if (strcmp(name, "url") == 0) {
        return append_url(out, statement->url, error);
    } else if (strcmp(name, "urls") == 0) {
        return append_urls(out, statement, error);
    } else {
        g_error("%s: unknown ${%s}", STATEMENTS_PATH, name);
    }
    return true;
}

char *duckdb_statement_text(const struct duckdb_statement *statement, GError **error)
{
    g_autoptr(sql_file) file = sql_file_load(STATEMENTS_PATH);
    const char *at = sql_file_get(file, statement->name);
    GString *out = g_string_new(NULL);
    for (const char *mark; (mark = strstr(at, "${"));) {
        g_string_append_len(out, at, mark - at);
        const char *end = strchr(mark, '}');
        g_assert(end);
        if (!append(out, mark + 2, (size_t)(end - mark - 2), statement, error)) {
            g_string_free(out, TRUE);
            return NULL;
        }
        at = end + 1;
    }
    g_string_append(out, at);
    return g_string_free(out, FALSE);
}

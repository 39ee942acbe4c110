#include "base/sql_file.h"

#include <string.h>

#include "base/embedded.h"

#define MARKER "-- name: "

struct sql_file {
    char *path;             /* for the text of an assertion */
    GHashTable *statements; /* name -> text, both owned */
};

static void add_statement(struct sql_file *file, char *name, GString *text)
{
    g_strstrip(name);
    if (!*name || g_hash_table_contains(file->statements, name))
        g_error("%s: the statement name '%s' is empty or stands twice", file->path, name);
    g_hash_table_insert(file->statements, name, g_string_free(text, FALSE));
}

struct sql_file *sql_file_load(const char *embedded_path)
{
    struct sql_file *file = g_new0(struct sql_file, 1);
    file->path = g_strdup(embedded_path);
    file->statements = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    char *name = NULL; /* of the statement that text gathers; NULL before the first marker */
    GString *text = NULL;
    for (const char *line = embedded_text(embedded_path, NULL), *next; *line; line = next) {
        const char *newline = strchr(line, '\n');
        next = newline ? newline + 1 : line + strlen(line);
        if (g_str_has_prefix(line, MARKER)) {
            if (name)
                add_statement(file, name, text);
            name = g_strndup(line + strlen(MARKER), (size_t)(next - line) - strlen(MARKER));
            text = g_string_new(NULL);
        } else if (name) {
            g_string_append_len(text, line, next - line);
        }
    }
    if (name)
        add_statement(file, name, text);
    return file;
}

void sql_file_free(struct sql_file *file)
{
    if (!file)
        return;
    g_hash_table_unref(file->statements);
    g_free(file->path);
    g_free(file);
}

const char *sql_file_get(const struct sql_file *file, const char *name)
{
    const char *text = g_hash_table_lookup(file->statements, name);
    if (!text)
        g_error("%s: there is no statement '%s'", file->path, name);
    return text;
}

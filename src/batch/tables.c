#include "batch/tables.h"

#include <string.h>

#define PROBE_NAME "x"

char *tables_lake_root(struct lake *lake, GError **error)
{
    struct arena *arena = arena_new();
    const char *url = lake_url(lake, PROBE_NAME, arena, error);
    char *root = url ? g_strndup(url, strlen(url) - strlen(PROBE_NAME)) : NULL;
    arena_free(arena);
    return root;
}

bool tables_view(const char *relation,
                 const char *columns_path,
                 const struct manifest_table *table,
                 struct engine *engine,
                 struct lake *lake,
                 GError **error)
{
    struct arena *arena = arena_new();
    size_t count = table ? table->files->len : 0;
    const char **urls = arena_array(arena, const char *, count + 1);
    size_t found = 0;
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        const struct manifest_file *file = table->files->pdata[i];
        urls[found] = lake_url(lake, file->name, arena, error);
        done = urls[found++] != NULL;
    }
    done = done && engine_view(engine, relation, columns_path, urls, found, error);
    arena_free(arena);
    return done;
}

bool tables_write(const char *sql_path,
                  const struct engine_params *params,
                  const char *name,
                  const char *run_id,
                  struct engine *engine,
                  struct lake *lake,
                  struct manifest_file *ret_file,
                  GError **error)
{
    struct arena *arena = arena_new();
    const char *base = strrchr(name, '/');
    const char *tmp = arena_printf(arena, "tmp/%s%s", run_id, base ? base : "/file.parquet");
    const char *url = lake_url(lake, tmp, arena, error);
    struct engine_report report = {0};
    bool done = url && engine_write(engine, sql_path, params, url, &report, error) &&
                lake_rename(lake, tmp, name, error) &&
                manifest_describe(lake, name, report.rows, ret_file, error);
    arena_free(arena);
    return done;
}

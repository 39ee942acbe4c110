#include "batch/archive_exports.h"

#include <string.h>

#include <zlib.h>

#include "batch/bronze.h"
#include "batch/engine_duckdb.h"
#include "lake/manifest.h"

#define READ_RELATION "exports_read"
#define INFLATE_BYTES 65536
#define GZIP_ONLY     16 /* zlib: a gzip header is expected */

static bool is_known(const struct manifest *previous, const struct manifest_file *file)
{
    const struct manifest_table *table =
        previous ? manifest_find_table(previous, ARCHIVE_EXPORTS) : NULL;
    for (guint i = 0; table && i < table->files->len; i++) {
        const struct manifest_file *old = table->files->pdata[i];
        if (strcmp(old->name, file->name) == 0 && strcmp(old->sha256, file->sha256) == 0)
            return true;
    }
    return false;
}

/* DuckDB reads what there is of a gzip file that is cut short, so it is read whole here first. */
static bool check_whole(struct lake *lake, const char *name, GError **error)
{
    struct arena *arena = arena_new();
    char *data, out[INFLATE_BYTES];
    size_t len;
    z_stream stream = {0};
    bool done = lake_get(lake, name, arena, &data, &len, error);
    int state = done ? inflateInit2(&stream, MAX_WBITS + GZIP_ONLY) : Z_OK;
    if (done && state == Z_OK) {
        stream.next_in = (Bytef *)data;
        stream.avail_in = (uInt)len; /* lake_get's limit fits */
        do {
            stream.next_out = (Bytef *)out;
            stream.avail_out = sizeof out;
            state = inflate(&stream, Z_NO_FLUSH);
        } while (state == Z_OK);
        inflateEnd(&stream);
    }
    if (done && state != Z_STREAM_END) {
        error_set(error, BADDATA,
                  "%s: damaged or cut short (gzip); remove it, or have ingest read its day again",
                  name);
        done = false;
    }
    arena_free(arena);
    return done;
}

/* The manifest names all files that are there; urls get those that are new. */
static bool
find_files(struct run_state *state, struct arena *arena, GPtrArray *urls, GError **error)
{
    struct lake_object *files;
    size_t count;
    if (!lake_list(state->lake, ARCHIVE_EXPORTS "/", arena, &files, &count, error))
        return false;
    manifest_clear_table(state->manifest, ARCHIVE_EXPORTS);
    for (size_t i = 0; i < count; i++) {
        struct manifest_file file = {0};
        if (!manifest_describe(state->lake, files[i].name, 0, &file, error))
            return false;
        const char *url = "";
        if (!is_known(state->previous, &file)) {
            url = check_whole(state->lake, files[i].name, error)
                      ? lake_url(state->lake, files[i].name, arena, error)
                      : NULL;
            g_ptr_array_add(urls, (char *)url);
        }
        manifest_add_file(state->manifest, ARCHIVE_EXPORTS, &file);
        manifest_file_clear(&file);
        if (!url)
            return false;
    }
    return true;
}

static bool store(struct run_state *state, const GPtrArray *urls, int64_t *ret_rows, GError **error)
{
    const struct duckdb_statement statement = {
        .name = "table_of_exports",
        .relation = READ_RELATION,
        .urls = (const char *const *)urls->pdata,
        .urls_count = urls->len,
    };
    const struct engine_param items[] = {
        {.name = "archived_at", .type = ENGINE_INT, .integer = state->manifest->cut_at_ms},
        {.name = "generation", .type = ENGINE_INT, .integer = state->manifest->generation},
    };
    const struct engine_params params = {items, G_N_ELEMENTS(items)};
    return engine_drop(state->engine, READ_RELATION, error) &&
           duckdb_session_run_statement(engine_duckdb_session(state->engine), &statement, NULL,
                                        error) &&
           engine_table(state->engine, "incoming", "sql/bronze/exports_incoming.sql", &params, NULL,
                        error) &&
           bronze_store(&bronze_exports, state->engine, state->lake, state->manifest, ret_rows,
                        error) &&
           engine_drop(state->engine, READ_RELATION, error) &&
           engine_drop(state->engine, "incoming", error);
}

bool archive_exports(struct run_state *state, int64_t *ret_rows, GError **error)
{
    struct arena *arena = arena_new();
    g_autoptr(GPtrArray) urls = g_ptr_array_new();
    int64_t rows = 0;
    manifest_table(state->manifest, bronze_exports.name);
    bool done = find_files(state, arena, urls, error) &&
                (urls->len == 0 || store(state, urls, &rows, error));
    arena_free(arena);
    if (done)
        *ret_rows = rows;
    return done;
}

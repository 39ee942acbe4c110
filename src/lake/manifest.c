#include "lake/manifest.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "lake/checksum.h"

/* ---- life ---- */

static void cut_free(void *data)
{
    struct manifest_cut *cut = data;
    g_free(cut->topic);
    g_free(cut->offsets);
    g_free(cut);
}

void manifest_file_clear(struct manifest_file *file)
{
    g_free(file->name);
    g_free(file->sha256);
    *file = (struct manifest_file){0};
}

static void file_free(void *data)
{
    manifest_file_clear(data);
    g_free(data);
}

static void table_free(void *data)
{
    struct manifest_table *table = data;
    g_free(table->name);
    g_ptr_array_unref(table->files);
    g_free(table);
}

static void step_free(void *data)
{
    struct manifest_step *step = data;
    g_free(step->name);
    g_free(step);
}

struct manifest *manifest_new(const char *run_id)
{
    struct manifest *manifest = g_new0(struct manifest, 1);
    manifest->run_id = g_strdup(run_id);
    manifest->bronze_from_ms = INT64_MIN;
    manifest->cut = g_ptr_array_new_with_free_func(cut_free);
    manifest->tables = g_ptr_array_new_with_free_func(table_free);
    manifest->steps = g_ptr_array_new_with_free_func(step_free);
    return manifest;
}

void manifest_free(struct manifest *manifest)
{
    if (!manifest)
        return;
    g_free(manifest->run_id);
    g_free(manifest->previous);
    g_ptr_array_unref(manifest->cut);
    g_ptr_array_unref(manifest->tables);
    g_ptr_array_unref(manifest->steps);
    g_free(manifest);
}

/* ---- content ---- */

const struct manifest_cut *manifest_find_cut(const struct manifest *manifest, const char *topic)
{
    for (guint i = 0; i < manifest->cut->len; i++) {
        const struct manifest_cut *cut = manifest->cut->pdata[i];
        if (strcmp(cut->topic, topic) == 0)
            return cut;
    }
    return NULL;
}

struct manifest_cut *manifest_cut(struct manifest *manifest, const char *topic, size_t partitions)
{
    struct manifest_cut *cut = (struct manifest_cut *)manifest_find_cut(manifest, topic);
    if (!cut) {
        cut = g_new0(struct manifest_cut, 1);
        cut->topic = g_strdup(topic);
        cut->partitions = partitions;
        cut->offsets = g_new0(int64_t, partitions);
        g_ptr_array_add(manifest->cut, cut);
    }
    assert(cut->partitions == partitions);
    return cut;
}

const struct manifest_table *manifest_find_table(const struct manifest *manifest, const char *name)
{
    for (guint i = 0; i < manifest->tables->len; i++) {
        const struct manifest_table *table = manifest->tables->pdata[i];
        if (strcmp(table->name, name) == 0)
            return table;
    }
    return NULL;
}

struct manifest_table *manifest_table(struct manifest *manifest, const char *name)
{
    struct manifest_table *table = (struct manifest_table *)manifest_find_table(manifest, name);
    if (!table) {
        table = g_new0(struct manifest_table, 1);
        table->name = g_strdup(name);
        table->files = g_ptr_array_new_with_free_func(file_free);
        g_ptr_array_add(manifest->tables, table);
    }
    return table;
}

void manifest_add_file(struct manifest *manifest,
                       const char *table,
                       const struct manifest_file *file)
{
    struct manifest_file *copy = g_new0(struct manifest_file, 1);
    *copy = *file;
    copy->name = g_strdup(file->name);
    copy->sha256 = g_strdup(file->sha256);
    g_ptr_array_add(manifest_table(manifest, table)->files, copy);
}

void manifest_clear_table(struct manifest *manifest, const char *name)
{
    g_ptr_array_set_size(manifest_table(manifest, name)->files, 0);
}

void manifest_inherit(struct manifest *manifest, const struct manifest *from)
{
    g_ptr_array_set_size(manifest->tables, 0);
    manifest->bronze_from_ms = from->bronze_from_ms;
    for (guint i = 0; i < from->tables->len; i++) {
        const struct manifest_table *table = from->tables->pdata[i];
        manifest_table(manifest, table->name);
        for (guint j = 0; j < table->files->len; j++)
            manifest_add_file(manifest, table->name, table->files->pdata[j]);
    }
}

bool manifest_step_done(const struct manifest *manifest, const char *name)
{
    for (guint i = 0; i < manifest->steps->len; i++) {
        const struct manifest_step *step = manifest->steps->pdata[i];
        if (strcmp(step->name, name) == 0)
            return true;
    }
    return false;
}

void manifest_add_step(struct manifest *manifest, const struct manifest_step *step)
{
    struct manifest_step *copy = g_new0(struct manifest_step, 1);
    *copy = *step;
    copy->name = g_strdup(step->name);
    g_ptr_array_add(manifest->steps, copy);
}

/* ---- to JSON ---- */

static json_t *cut_to_json(const struct manifest *manifest)
{
    json_t *object = json_object();
    for (guint i = 0; i < manifest->cut->len; i++) {
        const struct manifest_cut *cut = manifest->cut->pdata[i];
        json_t *offsets = json_array();
        for (size_t j = 0; j < cut->partitions; j++)
            json_array_append_new(offsets, json_integer(cut->offsets[j]));
        json_object_set_new(object, cut->topic, offsets);
    }
    return object;
}

char *manifest_cut_json(const struct manifest *manifest)
{
    json_t *object = cut_to_json(manifest);
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(object);
    char *copy = g_strdup(text);
    free(text);
    return copy;
}

static json_t *file_to_json(const struct manifest_file *file)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(file->name));
    json_object_set_new(object, "rows", json_integer(file->rows));
    json_object_set_new(object, "bytes", json_integer(file->size_bytes));
    json_object_set_new(object, "sha256", json_string(file->sha256));
    if (file->from_ms != file->to_ms) {
        json_object_set_new(object, "from", json_integer(file->from_ms));
        json_object_set_new(object, "to", json_integer(file->to_ms));
    }
    return object;
}

static json_t *tables_to_json(const struct manifest *manifest)
{
    json_t *object = json_object();
    for (guint i = 0; i < manifest->tables->len; i++) {
        const struct manifest_table *table = manifest->tables->pdata[i];
        json_t *files = json_array();
        for (guint j = 0; j < table->files->len; j++)
            json_array_append_new(files, file_to_json(table->files->pdata[j]));
        json_object_set_new(object, table->name, files);
    }
    return object;
}

static json_t *steps_to_json(const struct manifest *manifest)
{
    json_t *array = json_array();
    for (guint i = 0; i < manifest->steps->len; i++) {
        const struct manifest_step *step = manifest->steps->pdata[i];
        json_t *object = json_object();
        json_object_set_new(object, "name", json_string(step->name));
        json_object_set_new(object, "rows", json_integer(step->rows));
        json_object_set_new(object, "bytes", json_integer(step->size_bytes));
        json_object_set_new(object, "seconds", json_real(step->seconds));
        json_array_append_new(array, object);
    }
    return array;
}

char *manifest_to_json(const struct manifest *manifest)
{
    json_t *object = json_object();
    json_object_set_new(object, "version", json_integer(MANIFEST_VERSION));
    json_object_set_new(object, "run_id", json_string(manifest->run_id));
    if (manifest->previous)
        json_object_set_new(object, "previous", json_string(manifest->previous));
    json_object_set_new(object, "generation", json_integer(manifest->generation));
    json_object_set_new(object, "cut_at", json_integer(manifest->cut_at_ms));
    json_object_set_new(object, "through", json_integer(manifest->through_ms));
    if (manifest->bronze_from_ms != INT64_MIN)
        json_object_set_new(object, "bronze_from", json_integer(manifest->bronze_from_ms));
    json_object_set_new(object, "cut", cut_to_json(manifest));
    json_object_set_new(object, "tables", tables_to_json(manifest));
    json_object_set_new(object, "steps", steps_to_json(manifest));
    char *text = json_dumps(object, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    json_decref(object);
    char *copy = g_strdup(text);
    free(text);
    return copy;
}

/* ---- from JSON ---- */

static bool bad(GError **error, const char *what)
{
    error_set(error, BADDATA, "manifest: %s", what);
    return false;
}

static bool read_int(json_t *object, const char *key, int64_t *ret_value, GError **error)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_integer(value)) {
        error_set(error, BADDATA, "manifest: \"%s\" is no integer", key);
        return false;
    }
    *ret_value = json_integer_value(value);
    return true;
}

static const char *read_text(json_t *object, const char *key, GError **error)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text)
        error_set(error, BADDATA, "manifest: \"%s\" is no string", key);
    return text;
}

/* Run ids become SQL text and parts of names. */
static bool run_id_is_sound(const char *run_id)
{
    size_t len = strlen(run_id);
    return len > 0 && len <= MANIFEST_RUN_ID_BYTES_MAX &&
           strspn(run_id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
               len;
}

static bool parse_cut(struct manifest *manifest, json_t *object, GError **error)
{
    const char *topic;
    json_t *offsets;
    if (!json_is_object(object))
        return bad(error, "\"cut\" is no object");
    json_object_foreach(object, topic, offsets)
    {
        size_t partitions = json_array_size(offsets);
        if (partitions == 0 || partitions > MANIFEST_PARTITIONS_MAX)
            return bad(error, "a topic of \"cut\" has no sound number of partitions");
        struct manifest_cut *cut = manifest_cut(manifest, topic, partitions);
        for (size_t i = 0; i < partitions; i++) {
            json_t *offset = json_array_get(offsets, i);
            if (!json_is_integer(offset) || json_integer_value(offset) < 0)
                return bad(error, "an offset of \"cut\" is no natural number");
            cut->offsets[i] = json_integer_value(offset);
        }
    }
    return true;
}

static bool parse_file(struct manifest *manifest, const char *table, json_t *object, GError **error)
{
    struct manifest_file file = {0};
    file.name = (char *)read_text(object, "name", error);
    if (!file.name || !read_int(object, "rows", &file.rows, error) ||
        !read_int(object, "bytes", &file.size_bytes, error))
        return false;
    file.sha256 = (char *)read_text(object, "sha256", error);
    if (!file.sha256)
        return false;
    if (json_object_get(object, "from") && (!read_int(object, "from", &file.from_ms, error) ||
                                            !read_int(object, "to", &file.to_ms, error)))
        return false;
    manifest_add_file(manifest, table, &file);
    return true;
}

static bool parse_tables(struct manifest *manifest, json_t *object, GError **error)
{
    const char *name;
    json_t *files, *file;
    size_t i;
    if (!json_is_object(object))
        return bad(error, "\"tables\" is no object");
    json_object_foreach(object, name, files)
    {
        manifest_table(manifest, name);
        json_array_foreach(files, i, file)
        {
            if (!parse_file(manifest, name, file, error))
                return false;
        }
    }
    return true;
}

static bool parse_steps(struct manifest *manifest, json_t *array, GError **error)
{
    json_t *object;
    size_t i;
    json_array_foreach(array, i, object)
    {
        struct manifest_step step = {.name = (char *)read_text(object, "name", error)};
        if (!step.name || !read_int(object, "rows", &step.rows, error) ||
            !read_int(object, "bytes", &step.size_bytes, error))
            return false;
        step.seconds = json_number_value(json_object_get(object, "seconds"));
        manifest_add_step(manifest, &step);
    }
    return true;
}

static bool parse_head(struct manifest *manifest, json_t *object, GError **error)
{
    int64_t version;
    if (!read_int(object, "version", &version, error))
        return false;
    if (version < 1 || version > MANIFEST_VERSION) {
        error_set(error, BADDATA,
                  "manifest: version %" PRId64 " was written by a newer marquee (this one reads "
                  "up to %d): use that one",
                  version, MANIFEST_VERSION);
        return false;
    }
    const char *run_id = read_text(object, "run_id", error);
    const char *previous = json_string_value(json_object_get(object, "previous"));
    if (!run_id)
        return false;
    if (!run_id_is_sound(run_id) || (previous && !run_id_is_sound(previous)))
        return bad(error, "a run id has characters that run ids don't have");
    manifest->run_id = g_strdup(run_id);
    manifest->previous = g_strdup(previous);
    if (json_object_get(object, "bronze_from") &&
        !read_int(object, "bronze_from", &manifest->bronze_from_ms, error))
        return false;
    return read_int(object, "generation", &manifest->generation, error) &&
           read_int(object, "cut_at", &manifest->cut_at_ms, error) &&
           read_int(object, "through", &manifest->through_ms, error);
}

struct manifest *manifest_parse(const char *json, size_t len, GError **error)
{
    json_error_t trouble;
    json_t *object = json_loadb(json, len, JSON_REJECT_DUPLICATES, &trouble);
    if (!json_is_object(object)) {
        error_set(error, BADDATA, "manifest: no JSON object: line %d: %s",
                  object ? 1 : trouble.line, object ? "another type" : trouble.text);
        json_decref(object);
        return NULL;
    }
    struct manifest *manifest = manifest_new(NULL);
    bool done = parse_head(manifest, object, error) &&
                parse_cut(manifest, json_object_get(object, "cut"), error) &&
                parse_tables(manifest, json_object_get(object, "tables"), error) &&
                parse_steps(manifest, json_object_get(object, "steps"), error);
    json_decref(object);
    if (done)
        return manifest;
    manifest_free(manifest);
    return NULL;
}

/* ---- in the lake ---- */

char *manifest_object_name(const char *run_id)
{
    return g_strdup_printf("runs/%s/manifest.json", run_id);
}

bool manifest_save(const struct manifest *manifest, struct lake *lake, GError **error)
{
    g_autofree char *name = manifest_object_name(manifest->run_id);
    g_autofree char *json = manifest_to_json(manifest);
    return lake_put(lake, name, json, strlen(json), error);
}

struct manifest *manifest_load(struct lake *lake, const char *run_id, GError **error)
{
    g_autofree char *name = manifest_object_name(run_id);
    struct arena *arena = arena_new();
    char *json;
    size_t len;
    struct manifest *manifest = NULL;
    if (lake_get(lake, name, arena, &json, &len, error)) {
        manifest = manifest_parse(json, len, error);
        if (!manifest)
            g_prefix_error(error, "%s: ", name);
    }
    arena_free(arena);
    return manifest;
}

bool manifest_load_current(struct lake *lake, struct manifest **ret_manifest, GError **error)
{
    struct arena *arena = arena_new();
    g_autoptr(GError) missing = NULL;
    char *run_id;
    size_t len;
    bool done = false;
    if (lake_get(lake, MANIFEST_CURRENT, arena, &run_id, &len, &missing)) {
        struct manifest *manifest = manifest_load(lake, run_id, error);
        done = manifest != NULL;
        if (done)
            *ret_manifest = manifest;
    } else if (error_is(missing, NOTFOUND)) {
        *ret_manifest = NULL;
        done = true;
    } else {
        g_propagate_error(error, g_steal_pointer(&missing));
    }
    arena_free(arena);
    return done;
}

/* ---- files ---- */

bool manifest_describe(struct lake *lake,
                       const char *name,
                       int64_t rows,
                       struct manifest_file *ret_file,
                       GError **error)
{
    char hex[CHECKSUM_HEX_BYTES];
    int64_t size_bytes;
    if (!checksum_object(lake, name, hex, &size_bytes, error))
        return false;
    *ret_file = (struct manifest_file){
        .name = g_strdup(name),
        .rows = rows,
        .size_bytes = size_bytes,
        .sha256 = g_strdup(hex),
    };
    return true;
}

bool manifest_check_file(struct lake *lake, const struct manifest_file *file, GError **error)
{
    char hex[CHECKSUM_HEX_BYTES];
    int64_t size_bytes;
    if (!checksum_object(lake, file->name, hex, &size_bytes, error)) {
        g_prefix_error(error, "%s: ", file->name);
        return false;
    }
    if (size_bytes == file->size_bytes && strcmp(hex, file->sha256) == 0)
        return true;
    error_set(error, BADDATA,
              "%s: damaged since it was written: %" PRId64 " bytes with SHA-256 %.12s..., the "
              "manifest says %" PRId64 " and %.12s...: put back a copy of the file (docs/lake.md, "
              "\"A damaged file\")",
              file->name, size_bytes, hex, file->size_bytes, file->sha256);
    return false;
}

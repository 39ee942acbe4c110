/* Each SQL file gives the rows that a person wrote down: the JSON files of tests/batch/golden hold
 * the input rows of each relation and the expected rows of one file, worked out by hand.
 *
 *   {"sql": "sql/gold/x.sql", "why": "...", "parameters": {"from_ms": 0},
 *    "relations": {"silver_movies": {"columns": "sql/silver/movies_columns.sql", "rows": [{...}]}},
 * "expected": [{...}]}
 *
 * A column that an input row lacks is null; an expected row names the columns that it is about. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <glib/gstdio.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/embedded.h"
#include "batch/duckdb_session.h"
#include "batch/sql_text.h"

#define PARAMS_MAX 24

struct world {
    struct config *config;
    struct context context;
    char *lake_root;
    struct duckdb_session *session;
};

static void world_open(struct world *world)
{
    GError *error = NULL;
    world->config = config_new_default();
    g_free(world->config->data_dir);
    world->config->data_dir = g_dir_make_tmp("marquee-golden-XXXXXX", NULL);
    world->context = (struct context){.config = world->config, .clock = clock_new_manual(0)};
    world->lake_root = g_strconcat(world->config->data_dir, "/lake/", NULL);
    g_assert_cmpint(g_mkdir(world->lake_root, 0700), ==, 0);
    world->session = duckdb_session_open(&world->context, world->lake_root, &error);
    g_assert_no_error(error);
}

static void world_close(struct world *world)
{
    duckdb_session_close(world->session);
    (void)g_rmdir(world->lake_root);
    g_autofree char *tmp = g_build_filename(world->config->data_dir, "tmp", NULL);
    (void)g_rmdir(tmp);
    (void)g_rmdir(world->config->data_dir);
    g_free(world->lake_root);
    clock_free(world->context.clock);
    config_free(world->config);
}

static void run(struct world *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void run(struct world *world, const char *format, ...)
{
    GError *error = NULL;
    va_list args;
    va_start(args, format);
    g_autofree char *sql = g_strdup_vprintf(format, args);
    va_end(args);
    bool done = duckdb_session_run(world->session, sql, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(done);
}

/* The rows come in through a JSON file in the lake, and take their types from the columns' file. */
static void add_relation(struct world *world, const char *name, json_t *relation)
{
    GError *error = NULL;
    const char *columns_path = json_string_value(json_object_get(relation, "columns"));
    json_t *types = json_object_get(relation, "types");
    json_t *rows = json_object_get(relation, "rows");
    if (columns_path) {
        g_autofree char *columns = sql_text_fill(columns_path, NULL, &error);
        g_assert_no_error(error);
        run(world, "CREATE OR REPLACE TEMP TABLE %s AS %s", name, columns);
    } else { /* a relation that only lives within a run */
        run(world, "CREATE OR REPLACE TEMP TABLE %s (%s)", name, json_string_value(types));
    }
    if (json_array_size(rows) == 0)
        return;
    g_autofree char *path = g_strconcat(world->lake_root, "rows.json", NULL);
    g_assert_cmpint(json_dump_file(rows, path, 0), ==, 0);
    run(world, "INSERT INTO %s BY NAME SELECT * FROM read_json('%s', sample_size = -1)", name,
        path);
    g_unlink(path);
}

static size_t read_params(json_t *object, struct engine_param params[PARAMS_MAX])
{
    size_t count = 0;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        g_assert_cmpuint(count, <, PARAMS_MAX);
        params[count++] = (struct engine_param){
            .name = name,
            .type = json_is_real(value) ? ENGINE_DOUBLE : ENGINE_INT,
            .integer = json_integer_value(value),
            .number = json_number_value(value),
        };
    }
    return count;
}

static json_t *select_rows(struct world *world, const char *sql_path, json_t *parameters)
{
    struct engine_param items[PARAMS_MAX];
    struct engine_params params = {items, read_params(parameters, items)};
    GError *error = NULL;
    g_autofree char *sql = sql_text_fill(sql_path, &params, &error);
    g_assert_no_error(error);
    g_autofree char *wrapped =
        g_strdup_printf("SELECT CAST(to_json(q) AS VARCHAR) FROM (%s\n) AS q", sql);
    duckdb_result result;
    bool done = duckdb_session_run(world->session, wrapped, &result, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    json_t *rows = json_array();
    duckdb_data_chunk chunk;
    while ((chunk = duckdb_fetch_chunk(result))) {
        duckdb_string_t *texts = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
        for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk); i++)
            json_array_append_new(rows, json_loadb(duckdb_string_t_data(&texts[i]),
                                                   duckdb_string_t_length(texts[i]), 0, NULL));
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return rows;
}

static bool same(json_t *expected, json_t *found)
{
    if (json_is_number(expected) && json_is_number(found)) {
        double a = json_number_value(expected), b = json_number_value(found);
        return fabs(a - b) <= 1e-12 * fmax(1, fabs(a)); /* written by hand: not every last bit */
    }
    return json_equal(expected, found);
}

static void compare(const char *file, json_t *expected, json_t *found)
{
    size_t i;
    json_t *row, *value;
    const char *name;
    json_array_foreach(expected, i, row)
    {
        json_t *other = json_array_get(found, i);
        json_object_foreach(row, name, value)
        {
            json_t *there = json_object_get(other, name);
            if (same(value, there))
                continue;
            g_autofree char *want = json_dumps(value, JSON_ENCODE_ANY);
            g_autofree char *have = json_dumps(there, JSON_ENCODE_ANY);
            g_test_message("%s: row %zu, %s: expected %s, found %s", file, i, name, want,
                           have ? have : "nothing");
            g_test_fail();
        }
    }
    if (json_array_size(expected) != json_array_size(found)) {
        g_autofree char *have = json_dumps(found, JSON_INDENT(1));
        g_test_message("%s: expected %zu rows, found %zu: %s", file, json_array_size(expected),
                       json_array_size(found), have);
        g_test_fail();
    }
}

static void test_golden(gconstpointer path)
{
    json_error_t why;
    json_t *golden = json_load_file(path, 0, &why);
    if (!golden)
        g_error("%s:%d: %s", (const char *)path, why.line, why.text);
    struct world world;
    world_open(&world);
    const char *name;
    json_t *relation;
    json_object_foreach(json_object_get(golden, "relations"), name, relation)
        add_relation(&world, name, relation);
    json_t *found = select_rows(&world, json_string_value(json_object_get(golden, "sql")),
                                json_object_get(golden, "parameters"));
    compare(path, json_object_get(golden, "expected"), found);
    json_decref(found);
    json_decref(golden);
    world_close(&world);
}

static void add_goldens(const char *folder)
{
    GError *error = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
    g_assert_no_error(error);
    const char *entry;
    while ((entry = g_dir_read_name(dir))) {
        if (!g_str_has_suffix(entry, ".json"))
            continue;
        g_autofree char *test =
            g_strdup_printf("/sql/golden/%.*s", (int)(strlen(entry) - strlen(".json")), entry);
        g_test_add_data_func_full(test, g_build_filename(folder, entry, NULL), test_golden, g_free);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *folder =
        g_build_filename(g_getenv("MARQUEE_SOURCE_ROOT"), "tests/batch/golden", NULL);
    add_goldens(folder);
    return g_test_run();
}

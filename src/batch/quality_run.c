#include "batch/quality_run.h"

#include <string.h>

#include "base/config.h"
#include "base/embedded.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/metrics.h"
#include "batch/engine_backend.h"
#include "batch/tables.h"

#define RELATION  "quality_table"
#define VIEW_TYPE "quality"
#define SUFFIX    ".json"

/* ---- one table ---- */

/* Statements are compiled, not read from a file, so they go to the backend as they are. */
static bool
select_text(struct engine *engine, const char *sql, engine_row_fn row, void *user, GError **error)
{
    return engine->ops->select(engine, sql, row, user, error);
}

static bool take_column(void *user,
                        const struct engine_column *columns,
                        const struct engine_value *values,
                        size_t count,
                        GError **error)
{
    (void)columns, (void)count, (void)error;
    quality_columns_add(user, values[0].text, values[1].text);
    return true;
}

static bool ignore_row(void *user,
                       const struct engine_column *columns,
                       const struct engine_value *values,
                       size_t count,
                       GError **error)
{
    (void)user, (void)columns, (void)values, (void)count, (void)error;
    return true;
}

static bool probe(struct engine *engine, const json_t *pattern, GError **error)
{
    if (!json_is_string(pattern))
        return true;
    g_autofree char *sql =
        quality_sql_probe(json_string_value(pattern), json_string_length(pattern));
    return select_text(engine, sql, ignore_row, NULL, error);
}

/* A pattern that the engine can't read would fail the whole statement, and not say which. */
static bool probe_all(struct engine *engine, const struct quality_suite *suite, GError **error)
{
    for (size_t i = 0; i < suite->count; i++) {
        const json_t *list = quality_expectation_get(&suite->items[i], "regex_list");
        bool done = probe(engine, quality_expectation_get(&suite->items[i], "regex"), error);
        for (size_t j = 0; done && j < json_array_size(list); j++)
            done = probe(engine, json_array_get(list, j), error);
        if (!done) {
            g_prefix_error(error, "%s: expectation %zu: ", suite->path, i);
            return false;
        }
    }
    return true;
}

struct check {
    const struct quality_suite *suite;
    const struct quality_plan *plan;
    const struct quality_columns *columns;
    const char *run_id;
    int64_t time_ms;
    struct quality_result *result;
};

static bool take_row(void *user,
                     const struct engine_column *columns,
                     const struct engine_value *values,
                     size_t count,
                     GError **error)
{
    (void)columns, (void)error;
    struct check *check = user;
    g_assert(count == check->plan->width && !check->result);
    check->result = quality_result_new(check->suite, check->plan, check->columns, values,
                                       check->run_id, check->time_ms);
    return true;
}

struct quality_result *quality_check(struct engine *engine,
                                     const struct quality_suite *suite,
                                     const char *relation,
                                     const char *run_id,
                                     int64_t time_ms,
                                     GError **error)
{
    struct quality_columns columns = {0};
    struct check check = {
        .suite = suite, .columns = &columns, .run_id = run_id, .time_ms = time_ms};
    struct quality_plan *plan = NULL;
    g_autofree char *describe = quality_sql_describe(relation);
    bool done = select_text(engine, describe, take_column, &columns, error) &&
                probe_all(engine, suite, error);
    if (done) {
        check.plan = plan = quality_plan_new(suite, &columns, relation);
        done = select_text(engine, plan->sql, take_row, &check, error);
    }
    if (!done)
        g_prefix_error(error, "quality: %s: ", suite->name);
    quality_plan_free(plan);
    quality_columns_clear(&columns);
    return check.result;
}

/* ---- the tables of a run ---- */

struct judged {
    char *table; /* "silver.movies": as `marquee query` and the API name it */
    struct quality_suite *suite;
    struct quality_result *result;
};

static void judged_free(void *pointer)
{
    struct judged *judged = pointer;
    quality_suite_free(judged->suite);
    quality_result_free(judged->result);
    g_free(judged->table);
    g_free(judged);
}

/* Whole tables, so that what is found doesn't depend on how many runs made them. */
static bool open_table(struct run_state *state, const char *table_name, GError **error)
{
    const struct manifest_table *table = manifest_find_table(state->manifest, table_name);
    if (!table) {
        error_set(error, BADDATA, "this run has no table %s", table_name);
        return false;
    }
    g_autofree char *columns_path = g_strdup_printf("sql/%s_columns.sql", table_name);
    return run_state_check(state, table, error) &&
           tables_view(RELATION, columns_path, table, state->engine, state->lake, error);
}

static bool judge_table(struct run_state *state,
                        const struct embedded_file *file,
                        GPtrArray *tables,
                        GError **error)
{
    const char *base = file->path + strlen(QUALITY_FOLDER);
    struct judged *judged = g_new0(struct judged, 1);
    g_ptr_array_add(tables, judged);
    judged->table = g_strndup(base, strlen(base) - strlen(SUFFIX));
    g_autofree char *table_name = g_strdup(judged->table);
    g_strdelimit(table_name, ".", '/');
    judged->suite =
        quality_suite_parse(file->path, file->data, (size_t)(file->end - file->data), error);
    if (!judged->suite)
        return false;
    if (!open_table(state, table_name, error)) {
        g_prefix_error(error, "%s: ", file->path);
        return false;
    }
    judged->result = quality_check(state->engine, judged->suite, RELATION, state->manifest->run_id,
                                   state->manifest->cut_at_ms, error);
    return judged->result != NULL;
}

static bool judge_all(struct run_state *state, GPtrArray *tables, GError **error)
{
    for (unsigned i = 0; i < embedded_files_count; i++) {
        const struct embedded_file *file = &embedded_files[i];
        if (g_str_has_prefix(file->path, QUALITY_FOLDER) && g_str_has_suffix(file->path, SUFFIX) &&
            !judge_table(state, file, tables, error))
            return false;
    }
    return true;
}

/* ---- the run's result ---- */

static const struct judged *lowest_of(const GPtrArray *tables)
{
    const struct judged *lowest = NULL;
    for (guint i = 0; i < tables->len; i++) {
        const struct judged *judged = tables->pdata[i];
        if (!lowest || quality_result_score(judged->result) < quality_result_score(lowest->result))
            lowest = judged;
    }
    return lowest;
}

static double score_of(const GPtrArray *tables)
{
    int64_t rows = 0, passed = 0;
    for (guint i = 0; i < tables->len; i++) {
        const struct quality_result *result = ((const struct judged *)tables->pdata[i])->result;
        rows += result->rows;
        passed += result->passed;
    }
    return rows > 0 ? (double)passed / (double)rows : 1;
}

enum detail {
    OVERVIEW,
    VIEW,   /* without run and time: a run computed again writes the same documents */
    RESULT, /* all */
};

static void write_table(GString *out, const struct judged *judged, enum detail detail)
{
    json_write_object(out);
    json_add_string(out, "table", judged->table);
    json_add_double(out, "score", quality_result_score(judged->result));
    json_add_int(out, "rows", judged->result->rows);
    json_add_int(out, "rows_passed", judged->result->passed);
    g_autoptr(GString) inner = g_string_new(NULL);
    if (detail != OVERVIEW) {
        json_t *document = json_copy(judged->result->document);
        if (detail == VIEW)
            json_object_del(document, "meta");
        json_write_key(out, "validation");
        quality_result_write(inner, document);
        json_decref(document);
    } else {
        json_add_bool(out, "success",
                      json_is_true(json_object_get(judged->result->document, "success")));
        json_write_key(out, "statistics");
        quality_result_write(inner, json_object_get(judged->result->document, "statistics"));
    }
    json_write_raw(out, inner->str, inner->len);
    json_write_object_end(out);
}

static GString *
write_run(const struct run_state *state, const GPtrArray *tables, enum detail detail)
{
    const struct config *config = state->context->config;
    const struct judged *lowest = lowest_of(tables);
    GString *out = g_string_new(NULL);
    json_write_object(out);
    if (detail == RESULT)
        json_add_string(out, "run_id", state->manifest->run_id);
    json_add_double(out, "score", score_of(tables));
    json_add_string(out, "lowest_table", lowest ? lowest->table : NULL);
    json_add_double(out, "lowest_score", lowest ? quality_result_score(lowest->result) : 1);
    json_add_double(out, "warn_below", config->quality_warn_below);
    json_add_double(out, "floor", config->quality_floor);
    json_write_key(out, "tables");
    json_write_array(out);
    for (guint i = 0; i < tables->len; i++)
        write_table(out, tables->pdata[i], detail);
    json_write_array_end(out);
    json_write_object_end(out);
    return out;
}

char *quality_object_name(const char *run_id)
{
    return g_strdup_printf("runs/%s/quality.json", run_id);
}

static bool store(struct run_state *state,
                  const GPtrArray *tables,
                  struct manifest_step *ret_step,
                  GError **error)
{
    g_autofree char *name = quality_object_name(state->manifest->run_id);
    g_autoptr(GString) whole = write_run(state, tables, RESULT);
    for (guint i = 0; i < tables->len; i++)
        ret_step->rows += ((const struct judged *)tables->pdata[i])->result->rows;
    ret_step->size_bytes = (int64_t)whole->len;
    return lake_put(state->lake, name, whole->str, whole->len, error);
}

/* The overview, and a document a table. */
static bool put_views(struct run_state *state, const GPtrArray *tables, GError **error)
{
    g_autoptr(GString) overview = write_run(state, tables, OVERVIEW);
    struct view_doc doc = {.key = {.view_type = VIEW_TYPE}, .data = overview->str};
    bool done = view_put(state->view, state->manifest->generation, &doc, 1, error);
    for (guint i = 0; done && i < tables->len; i++) {
        const struct judged *judged = tables->pdata[i];
        g_autoptr(GString) data = g_string_new(NULL);
        write_table(data, judged, VIEW);
        doc = (struct view_doc){.key = {.view_type = VIEW_TYPE, .window = judged->table},
                                .data = data->str};
        done = view_put(state->view, state->manifest->generation, &doc, 1, error);
    }
    return done;
}

/* ---- the gate ---- */

/* What most rows fail, for the message. */
static char *worst_of(const struct judged *judged)
{
    const json_t *results = json_object_get(judged->result->document, "results");
    const json_t *worst = NULL;
    json_int_t most = 0;
    for (size_t i = 0; i < judged->suite->count; i++) {
        const json_t *result = json_array_get(results, i);
        json_int_t unexpected = json_integer_value(
            json_object_get(json_object_get(result, "result"), "unexpected_count"));
        bool in_trouble = json_is_true(
            json_object_get(json_object_get(result, "exception_info"), "raised_exception"));
        if (in_trouble)
            unexpected = judged->result->rows;
        if (quality_expectation_gates(&judged->suite->items[i]) && unexpected > most) {
            most = unexpected;
            worst = result;
        }
    }
    g_autoptr(GString) kwargs = g_string_new(NULL);
    const json_t *config = json_object_get(worst, "expectation_config");
    if (worst)
        quality_result_write(kwargs, json_object_get(config, "kwargs"));
    return g_strdup_printf("%s %.200s (%" JSON_INTEGER_FORMAT " rows)",
                           worst ? json_string_value(json_object_get(config, "type")) : "none",
                           kwargs->str, most);
}

static void tell(const struct run_state *state, const struct judged *judged)
{
    double score = quality_result_score(judged->result);
    metrics_set(state->context->metrics, METRIC_QUALITY_SCORE, judged->table, score);
    if (score >= state->context->config->quality_warn_below && !judged->result->critical_failed)
        return;
    log_warn(state->context->log, "batch", "data quality: a critical expectation isn't met",
             LOG_STR("run_id", state->manifest->run_id), LOG_STR("table", judged->table),
             LOG_NUM("score", score), LOG_INT("rows", judged->result->rows),
             LOG_INT("rows_passed", judged->result->passed),
             LOG_INT("expectations", judged->result->evaluated),
             LOG_INT("met", judged->result->successful));
}

static bool gate(const struct run_state *state, const GPtrArray *tables, GError **error)
{
    for (guint i = 0; i < tables->len; i++)
        tell(state, tables->pdata[i]);
    const struct judged *lowest = lowest_of(tables);
    double floor = state->context->config->quality_floor;
    if (!lowest || quality_result_score(lowest->result) >= floor)
        return true;
    g_autofree char *worst = worst_of(lowest);
    g_autofree char *name = quality_object_name(state->manifest->run_id);
    error_set(error, BADDATA,
              "%s: %.2f %% of %" G_GINT64_FORMAT " rows pass all critical expectations, below "
              "quality.floor (%g %%): nothing is published; most rows fail %s; all results are in "
              "%s",
              lowest->table, 100 * quality_result_score(lowest->result), lowest->result->rows,
              100 * floor, worst, name);
    return false;
}

bool quality_run(struct run_state *state, struct manifest_step *ret_step, GError **error)
{
    g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(judged_free);
    return judge_all(state, tables, error) && store(state, tables, ret_step, error) &&
           gate(state, tables, error) && put_views(state, tables, error);
}

/* ---- what a run found, for another process ---- */

/* The text of an object; NULL: there is none, or an error is set. */
static char *
get_text(struct lake *lake, const char *name, struct arena *arena, size_t *ret_len, GError **error)
{
    g_autoptr(GError) trouble = NULL;
    char *text;
    if (lake_get(lake, name, arena, &text, ret_len, &trouble))
        return text;
    if (!error_is(trouble, NOTFOUND))
        g_propagate_error(error, g_steal_pointer(&trouble));
    return NULL;
}

static bool measure_tables(
    const char *name, const char *text, size_t len, struct metrics *metrics, GError **error)
{
    json_t *object = json_loadb(text, len, 0, NULL);
    const json_t *tables = json_object_get(object, "tables"), *item;
    bool sound = json_is_array(tables);
    size_t i;
    json_array_foreach(tables, i, item)
    {
        const char *table = json_string_value(json_object_get(item, "table"));
        const json_t *score = json_object_get(item, "score");
        sound = sound && table && json_is_number(score);
        if (sound)
            metrics_set(metrics, METRIC_QUALITY_SCORE, table, json_number_value(score));
    }
    json_decref(object);
    if (!sound)
        error_set(error, BADDATA, "%s: not a run's data quality", name);
    return sound;
}

bool quality_measure(struct lake *lake, struct metrics *metrics, GError **error)
{
    static const char *const pointers[] = {JOURNAL_RUNNING, MANIFEST_CURRENT};
    struct arena *arena = arena_new();
    GError *trouble = NULL;
    bool found = false;
    for (size_t i = 0; !found && !trouble && i < G_N_ELEMENTS(pointers); i++) {
        size_t len;
        const char *run_id = get_text(lake, pointers[i], arena, &len, &trouble);
        g_autofree char *name = run_id ? quality_object_name(run_id) : NULL;
        const char *text = name ? get_text(lake, name, arena, &len, &trouble) : NULL;
        found = text && measure_tables(name, text, len, metrics, &trouble);
    }
    arena_free(arena);
    if (trouble)
        g_propagate_error(error, trouble);
    return !trouble;
}

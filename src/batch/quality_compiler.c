#include "batch/quality_compiler.h"

#include <stdarg.h>
#include <string.h>

#define PIECES_PATH "sql/prelude/quality_duckdb.sql"

/* ---- life ---- */

void compiler_open(struct compiler *compiler,
                   const struct quality_columns *columns,
                   const char *relation)
{
    *compiler = (struct compiler){
        .columns = columns,
        .relation = relation,
        .pieces = sql_file_load(PIECES_PATH),
        .used = g_new0(bool, columns ? columns->count + 1 : 1),
        .with = g_string_new(NULL),
        .joins = g_string_new(NULL),
        .judged = g_string_new(NULL),
        .failed = g_string_new("FALSE"),
        .outputs = g_string_new(NULL),
    };
}

void compiler_close(struct compiler *compiler)
{
    sql_file_free(compiler->pieces);
    g_free(compiler->used);
    g_string_free(compiler->with, TRUE);
    g_string_free(compiler->joins, TRUE);
    g_string_free(compiler->judged, TRUE);
    g_string_free(compiler->failed, TRUE);
    g_string_free(compiler->outputs, TRUE);
}

/* ---- pieces ---- */

static const char *piece_value(const char *name, size_t len, va_list pairs)
{
    for (const char *key; (key = va_arg(pairs, const char *));) {
        const char *value = va_arg(pairs, const char *);
        if (strlen(key) == len && memcmp(key, name, len) == 0)
            return value;
    }
    return NULL;
}

void compiler_put(const struct compiler *compiler, GString *out, const char *piece, ...)
{
    const char *at = sql_file_get(compiler->pieces, piece);
    size_t blank = strspn(at, "\n");
    at += blank;
    /* Comments behind the piece belong to the next one. */
    const char *end = strstr(at, "\n--");
    if (!end)
        end = strstr(at, "\n\n");
    if (!end)
        end = at + strlen(at);
    while (end > at && g_ascii_isspace(end[-1]))
        end--;
    while (at < end) {
        const char *close = *at == '{' ? memchr(at, '}', (size_t)(end - at)) : NULL;
        if (!close) {
            g_string_append_c(out, *at++);
            continue;
        }
        va_list pairs;
        va_start(pairs, piece);
        const char *value = piece_value(at + 1, (size_t)(close - at - 1), pairs);
        va_end(pairs);
        g_assert(value); /* the piece asks for what the compiler doesn't give */
        g_string_append(out, value);
        at = close + 1;
    }
}

char *compiler_name(const char *prefix, size_t number)
{
    return g_strdup_printf("%s%zu", prefix, number);
}

/* ---- columns ---- */

static bool use(struct compiler *compiler,
                const char *name,
                const struct quality_column **ret_column,
                char **ret_alias,
                GError **error)
{
    const struct quality_column *column = quality_columns_find(compiler->columns, name);
    if (!column) {
        error_set(error, BADDATA, "the table has no column \"%s\"", name);
        return false;
    }
    size_t number = (size_t)(column - compiler->columns->items);
    compiler->used[number] = true;
    *ret_column = column;
    *ret_alias = compiler_name("c", number);
    return true;
}

/* The rows with the columns that are named by aliases; NULL: all that are used. */
char *compiler_source(const struct compiler *compiler, const char *const *aliases)
{
    g_autoptr(GString) list = g_string_new(NULL);
    for (size_t i = 0; i < compiler->columns->count; i++) {
        const struct quality_column *column = &compiler->columns->items[i];
        g_autofree char *alias = compiler_name("c", i);
        if (aliases ? !g_strv_contains(aliases, alias) : !compiler->used[i])
            continue;
        g_autoptr(GString) name = g_string_new(NULL);
        quality_literal_name(name, column->name);
        g_string_append(list, ", ");
        PUT(list, column->class == QUALITY_CLASS_FLOAT ? "column_float" : "column", "column",
            name->str);
        g_string_append_printf(list, " AS %s", alias);
    }
    GString *sql = g_string_new(NULL);
    PUT(sql, "source", "columns", list->str, "relation", compiler->relation);
    return g_string_free(sql, FALSE);
}

void compiler_join(struct compiler *compiler, const char *with, const char *join)
{
    g_string_append(compiler->with, compiler->with->len ? ", " : "");
    g_string_append(compiler->with, with);
    g_string_append_c(compiler->joins, ' ');
    g_string_append(compiler->joins, join);
}

/* ---- conditions ---- */

bool compiler_in_set(
    GString *out, const char *alias, enum quality_class class, const json_t *values, GError **error)
{
    g_autoptr(GString) list = g_string_new(NULL);
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *value = json_array_get(values, i);
        /* A value of another type equals none of the column's. */
        if (!quality_class_takes(class, value))
            continue;
        if (list->len)
            g_string_append(list, ", ");
        if (!quality_literal(list, class, value, error))
            return false;
    }
    if (list->len)
        g_string_append_printf(out, "%s IN (%s)", alias, list->str);
    else
        g_string_append(out, "FALSE");
    return true;
}

/* Names of columns that a condition reads are added to aliases. */
static bool condition(
    struct compiler *compiler, GString *out, const json_t *tree, GPtrArray *aliases, GError **error)
{
    const char *type = json_string_value(json_object_get(tree, "type"));
    const json_t *conditions = json_object_get(tree, "conditions");
    if (conditions) {
        g_string_append_c(out, '(');
        for (size_t i = 0; i < json_array_size(conditions); i++) {
            if (i)
                g_string_append(out, strcmp(type, "or") == 0 ? " OR " : " AND ");
            if (!condition(compiler, out, json_array_get(conditions, i), aliases, error))
                return false;
        }
        g_string_append_c(out, ')');
        return true;
    }
    const struct quality_column *column;
    char *alias;
    if (!use(compiler, json_string_value(json_object_get(json_object_get(tree, "column"), "name")),
             &column, &alias, error))
        return false;
    g_ptr_array_add(aliases, alias);
    if (strcmp(type, "nullity") == 0) {
        g_string_append_printf(out, "%s IS %sNULL", alias,
                               json_is_true(json_object_get(tree, "is_null")) ? "" : "NOT ");
        return true;
    }
    const char *op = json_string_value(json_object_get(tree, "operator"));
    const json_t *parameter = json_object_get(tree, "parameter");
    if (strcmp(op, "IN") == 0 || strcmp(op, "NOT_IN") == 0) {
        g_string_append(out, *op == 'N' ? "NOT (" : "(");
        if (!compiler_in_set(out, alias, column->class, parameter, error))
            return false;
        g_string_append_c(out, ')');
        return true;
    }
    g_string_append_printf(out, "%s %s ", alias,
                           strcmp(op, "==") == 0   ? "="
                           : strcmp(op, "!=") == 0 ? "<>"
                                                   : op);
    return quality_literal(out, column->class, parameter, error);
}

/* " AND x >= 1 AND x < 5", or nothing. */
bool compiler_bounds(const struct compiler *compiler,
                     GString *out,
                     const char *expression,
                     enum quality_class class,
                     GError **error)
{
    const struct quality_expectation *now = compiler->now;
    const json_t *least = quality_expectation_get(now, "min_value");
    const json_t *most = quality_expectation_get(now, "max_value");
    if (least) {
        g_string_append_printf(out, " AND %s %s ", expression,
                               quality_expectation_flag(now, "strict_min") ? ">" : ">=");
        if (!quality_literal(out, class, least, error))
            return false;
    }
    if (most) {
        g_string_append_printf(out, " AND %s %s ", expression,
                               quality_expectation_flag(now, "strict_max") ? "<" : "<=");
        if (!quality_literal(out, class, most, error))
            return false;
    }
    return true;
}

bool compiler_fits(const struct quality_column *column, bool fits, GError **error)
{
    if (!fits)
        error_set(error, BADDATA, "column \"%s\" is of type %s, for which this can't be said",
                  column->name, column->type);
    return fits;
}

void compiler_sample(const struct compiler *compiler,
                     GString *out,
                     const struct quality_column *column,
                     const char *alias)
{
    g_autofree char *characters = g_strdup_printf("%d", QUALITY_SAMPLE_CHARACTERS);
    if (column->class == QUALITY_CLASS_TEXT)
        PUT(out, "sample_text", "c", alias, "characters", characters);
    else if (column->class == QUALITY_CLASS_NESTED)
        PUT(out, "sample_nested", "c", alias, "characters", characters);
    else
        g_string_append(out, alias);
}

/* ---- scope ---- */

static bool use_list(struct compiler *compiler,
                     GPtrArray *columns,
                     GPtrArray *keys,
                     const json_t *names,
                     GError **error)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const struct quality_column *column;
        char *alias;
        if (!use(compiler, json_string_value(json_array_get(names, i)), &column, &alias, error))
            return false;
        if (g_ptr_array_find_with_equal_func(keys, alias, g_str_equal, NULL)) {
            error_set(error, BADDATA, "column \"%s\" is named twice", column->name);
            g_free(alias);
            return false;
        }
        g_ptr_array_add(columns, (void *)column);
        g_ptr_array_add(keys, alias);
    }
    return true;
}

/* The columns that the expectation is about, in order. */
static bool subjects(struct compiler *compiler, GPtrArray *columns, GPtrArray *keys, GError **error)
{
    static const char *const names[] = {"column", "column_A", "column_B"};
    const json_t *list = quality_expectation_get(compiler->now, "column_list");
    if (list)
        return use_list(compiler, columns, keys, list, error);
    json_t *given = json_array();
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const json_t *name = quality_expectation_get(compiler->now, names[i]);
        if (name)
            json_array_append(given, (json_t *)name);
    }
    bool done = use_list(compiler, columns, keys, given, error);
    json_decref(given);
    return done;
}

/* Rows of those that the condition keeps which are looked at. */
static char *
considered_rows(const struct quality_expectation *now, const char *elements, GPtrArray *keys)
{
    enum quality_id id = now->kind->id;
    const char *ignore = quality_expectation_text(now, "ignore_row_if");
    bool column = now->kind->domain == QUALITY_DOMAIN_COLUMN;
    if (id == QUALITY_NOT_NULL || id == QUALITY_NULL)
        return g_strdup(elements);
    if (!column && (g_strcmp0(ignore, "neither") == 0 || g_strcmp0(ignore, "never") == 0))
        return g_strdup(elements);
    bool any = column || g_strcmp0(ignore, "either_value_is_missing") == 0 ||
               g_strcmp0(ignore, "any_value_is_missing") == 0;
    GString *out = g_string_new(elements);
    g_string_append(out, " AND (");
    for (guint i = 0; i < keys->len; i++)
        g_string_append_printf(out, "%s%s IS NOT NULL",
                               i == 0 ? ""
                               : any  ? " AND "
                                      : " OR ",
                               (char *)keys->pdata[i]);
    g_string_append_c(out, ')');
    return g_string_free(out, FALSE);
}

void scope_clear(struct scope *scope)
{
    g_ptr_array_unref(scope->columns);
    g_ptr_array_unref(scope->keys);
    g_ptr_array_unref(scope->aliases);
    g_free(scope->elements);
    g_free(scope->considered);
}

bool scope_open(struct scope *scope, struct compiler *compiler, GError **error)
{
    *scope = (struct scope){
        .columns = g_ptr_array_new(),
        .keys = g_ptr_array_new_with_free_func(g_free),
        .aliases = g_ptr_array_new_with_free_func(g_free),
    };
    g_autoptr(GString) elements = g_string_new("TRUE");
    if (!subjects(compiler, scope->columns, scope->keys, error))
        return false;
    if (compiler->now->condition) {
        g_string_append(elements, " AND ");
        if (!condition(compiler, elements, compiler->now->condition, scope->aliases, error))
            return false;
    }
    for (guint i = 0; i < scope->keys->len; i++)
        g_ptr_array_add(scope->aliases, g_strdup(scope->keys->pdata[i]));
    g_ptr_array_add(scope->aliases, NULL);
    scope->elements = g_strdup(elements->str);
    scope->considered = scope->keys->len
                            ? considered_rows(compiler->now, elements->str, scope->keys)
                            : g_strdup(elements->str);
    return true;
}

const char *const *scope_aliases(const struct scope *scope)
{
    return (const char *const *)scope->aliases->pdata;
}

const struct quality_column *scope_column(const struct scope *scope, guint index)
{
    return scope->columns->pdata[index];
}

const char *scope_key(const struct scope *scope, guint index)
{
    return scope->keys->pdata[index];
}

/* e<i>, n<i>, u<i>: whether a row is an element, is looked at, is unexpected. Never null. */
void compiler_judge(struct compiler *compiler, const struct scope *scope, const char *expected)
{
    size_t i = compiler->index;
    g_string_append_printf(compiler->judged,
                           ", coalesce(%s, FALSE) AS e%zu, coalesce(%s, FALSE) AS n%zu",
                           scope->elements, i, scope->considered, i);
    if (expected)
        g_string_append_printf(compiler->judged,
                               ", coalesce(%s, FALSE) AND NOT coalesce(%s, FALSE) AS u%zu",
                               scope->considered, expected, i);
}

/* What an expectation that judges rows expects of one, as a condition. */
#include <string.h>

#include "batch/quality_compiler.h"

#define ROW_LEVEL_COLUMNS 4

/* ---- patterns ---- */

static void match_one(
    struct compiler *compiler, GString *out, const char *key, const json_t *pattern, bool is_regex)
{
    g_autoptr(GString) quoted = g_string_new(NULL);
    g_autoptr(GString) escape = g_string_new(NULL);
    quality_literal_text(quoted, json_string_value(pattern), json_string_length(pattern));
    const char *given = quality_expectation_text(compiler->now, "escape");
    if (given)
        quality_literal_text(escape, given, strlen(given));
    PUT(out,
        is_regex ? "regex"
        : given  ? "like_escape"
                 : "like",
        "c", key, "pattern", quoted->str, "escape", escape->str);
}

/* One pattern, or those of a list: any of them, or all. */
static void matches(struct compiler *compiler,
                    GString *out,
                    const char *key,
                    const char *one,
                    const char *several,
                    bool is_regex)
{
    const struct quality_expectation *now = compiler->now;
    const json_t *list = quality_expectation_get(now, several);
    bool all = g_strcmp0(quality_expectation_text(now, "match_on"), "all") == 0;
    if (!list)
        match_one(compiler, out, key, quality_expectation_get(now, one), is_regex);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (i)
            g_string_append(out, all ? " AND " : " OR ");
        match_one(compiler, out, key, json_array_get(list, i), is_regex);
    }
}

/* ---- what other rows have a say in ---- */

/* Whether no other row that is looked at has the same key. */
static void is_single(struct compiler *compiler, GString *out, const struct scope *scope)
{
    g_autofree char *name = compiler_name("d", compiler->index);
    g_autofree char *rows = compiler_source(compiler, scope_aliases(scope));
    g_autoptr(GString) list = g_string_new(NULL);
    g_autoptr(GString) groups = g_string_new(NULL);
    g_autoptr(GString) match = g_string_new(scope->considered);
    g_autoptr(GString) with = g_string_new(NULL);
    g_autoptr(GString) join = g_string_new(NULL);
    for (guint i = 0; i < scope->keys->len; i++) {
        const char *key = scope_key(scope, i);
        g_string_append_printf(list, "%s%s AS k%u", i ? ", " : "", key, i);
        g_string_append_printf(groups, "%s%s", i ? ", " : "", key);
        g_string_append_printf(match, " AND %s IS NOT DISTINCT FROM %s.k%u", key, name, i);
    }
    PUT(with, "duplicates", "name", name, "keys", list->str, "source", rows, "considered",
        scope->considered, "groups", groups->str);
    PUT(join, "duplicates_join", "name", name, "matches", match->str);
    compiler_join(compiler, with->str, join->str);
    g_string_append_printf(out, "%s.twice IS NULL", name);
}

/* Whether the value is beyond the one before it; the first one always is. */
static void in_order(struct compiler *compiler, GString *out, const struct scope *scope)
{
    const struct quality_expectation *now = compiler->now;
    const char *key = scope_key(scope, 0);
    g_autofree char *name = compiler_name("d", compiler->index);
    g_autofree char *rows = compiler_source(compiler, scope_aliases(scope));
    g_autoptr(GString) with = g_string_new(NULL);
    g_autoptr(GString) join = g_string_new(NULL);
    PUT(with, "before", "name", name, "c", key, "source", rows, "considered", scope->considered);
    PUT(join, "before_join", "name", name);
    compiler_join(compiler, with->str, join->str);
    g_string_append_printf(out, "%s.before IS NULL OR %s %s%s %s.before", name, key,
                           now->kind->id == QUALITY_INCREASING ? ">" : "<",
                           quality_expectation_flag(now, "strictly") ? "" : "=", name);
}

/* Of values that don't vary, or of one alone, nothing can be said, so none is unexpected. */
static bool
z_score(struct compiler *compiler, GString *out, const struct scope *scope, GError **error)
{
    const struct quality_expectation *now = compiler->now;
    const char *key = scope_key(scope, 0);
    g_autofree char *name = compiler_name("d", compiler->index);
    g_autofree char *rows = compiler_source(compiler, scope_aliases(scope));
    g_autoptr(GString) with = g_string_new(NULL);
    g_autoptr(GString) join = g_string_new(NULL);
    PUT(with, "moments", "name", name, "c", key, "source", rows, "considered", scope->considered);
    PUT(join, "moments_join", "name", name);
    compiler_join(compiler, with->str, join->str);
    g_string_append(out,
                    quality_expectation_flag(now, "double_sided") ? "coalesce(abs(" : "coalesce((");
    PUT(out, "z", "c", key, "name", name);
    g_string_append(out, ") < ");
    if (!quality_literal(out, QUALITY_CLASS_FLOAT, quality_expectation_get(now, "threshold"),
                         error))
        return false;
    g_string_append(out, ", TRUE)");
    return true;
}

/* ---- a column's value ---- */

static bool length_is(struct compiler *compiler, GString *out, const char *key, GError **error)
{
    g_autoptr(GString) length = g_string_new(NULL);
    PUT(length, "length", "c", key);
    g_string_append(out, "TRUE");
    if (compiler->now->kind->id == QUALITY_LENGTH_BETWEEN)
        return compiler_bounds(compiler, out, length->str, QUALITY_CLASS_WHOLE, error);
    g_string_append_printf(out, " AND %s = ", length->str);
    return quality_literal(out, QUALITY_CLASS_WHOLE,
                           quality_expectation_get(compiler->now, "value"), error);
}

static bool text_is(struct compiler *compiler, GString *out, const char *key, GError **error)
{
    switch (compiler->now->kind->id) {
    case QUALITY_LENGTH_BETWEEN:
    case QUALITY_LENGTH_EQUAL:
        return length_is(compiler, out, key, error);
    case QUALITY_JSON:
        PUT(out, "json", "c", key);
        break;
    case QUALITY_NOT_REGEX:
    case QUALITY_NOT_REGEX_LIST:
        g_string_append(out, "NOT (");
        matches(compiler, out, key, "regex", "regex_list", true);
        g_string_append_c(out, ')');
        break;
    case QUALITY_NOT_LIKE:
    case QUALITY_NOT_LIKE_LIST:
        g_string_append(out, "NOT (");
        matches(compiler, out, key, "like_pattern", "like_pattern_list", false);
        g_string_append_c(out, ')');
        break;
    case QUALITY_REGEX:
    case QUALITY_REGEX_LIST:
        matches(compiler, out, key, "regex", "regex_list", true);
        break;
    default:
        matches(compiler, out, key, "like_pattern", "like_pattern_list", false);
    }
    return true;
}

static bool
set_is(struct compiler *compiler, GString *out, const struct scope *scope, GError **error)
{
    const json_t *values = quality_expectation_get(compiler->now, "value_set");
    g_string_append(out, compiler->now->kind->id == QUALITY_IN_SET ? "(" : "NOT (");
    if (!compiler_in_set(out, scope_key(scope, 0), scope_column(scope, 0)->class, values, error))
        return false;
    g_string_append_c(out, ')');
    return true;
}

static bool
value_is(struct compiler *compiler, GString *out, const struct scope *scope, GError **error)
{
    const struct quality_column *column = scope_column(scope, 0);
    const char *key = scope_key(scope, 0);
    bool is_plain = column->class != QUALITY_CLASS_NESTED;
    switch (compiler->now->kind->id) {
    case QUALITY_NOT_NULL:
        g_string_append_printf(out, "%s IS NOT NULL", key);
        return true;
    case QUALITY_NULL:
        g_string_append_printf(out, "%s IS NULL", key);
        return true;
    case QUALITY_UNIQUE:
        is_single(compiler, out, scope);
        return compiler_fits(column, is_plain, error);
    case QUALITY_BETWEEN:
        g_string_append(out, "TRUE");
        return compiler_bounds(compiler, out, key, column->class, error);
    case QUALITY_IN_SET:
    case QUALITY_NOT_IN_SET:
        return compiler_fits(column, is_plain, error) && set_is(compiler, out, scope, error);
    case QUALITY_INCREASING:
    case QUALITY_DECREASING:
        in_order(compiler, out, scope);
        return compiler_fits(column, is_plain && column->class != QUALITY_CLASS_BOOL, error);
    case QUALITY_Z_SCORE:
        return compiler_fits(column, quality_class_is_number(column->class), error) &&
               z_score(compiler, out, scope, error);
    default:
        return compiler_fits(column, column->class == QUALITY_CLASS_TEXT, error) &&
               text_is(compiler, out, key, error);
    }
}

/* ---- several columns of a row ---- */

static bool same_class(const struct quality_column *a, const struct quality_column *b)
{
    return a->class == b->class ||
           (quality_class_is_number(a->class) && quality_class_is_number(b->class));
}

static bool
pair_is(struct compiler *compiler, GString *out, const struct scope *scope, GError **error)
{
    const struct quality_column *a = scope_column(scope, 0), *b = scope_column(scope, 1);
    const char *op = ">";
    if (compiler->now->kind->id == QUALITY_PAIR_EQUAL)
        op = "=";
    else if (quality_expectation_flag(compiler->now, "or_equal"))
        op = ">=";
    g_string_append_printf(out, "%s %s %s", scope_key(scope, 0), op, scope_key(scope, 1));
    return compiler_fits(b, same_class(a, b) && a->class != QUALITY_CLASS_NESTED, error);
}

static bool pair_value(
    GString *out, const struct scope *scope, guint index, const json_t *value, GError **error)
{
    const struct quality_column *column = scope_column(scope, index);
    if (json_is_null(value)) {
        g_string_append_printf(out, "%s IS NULL", scope_key(scope, index));
        return true;
    }
    if (!quality_class_takes(column->class, value)) {
        g_string_append(out, "FALSE");
        return true;
    }
    g_string_append_printf(out, "%s = ", scope_key(scope, index));
    return quality_literal(out, column->class, value, error);
}

static bool
pair_in_set(struct compiler *compiler, GString *out, const struct scope *scope, GError **error)
{
    const json_t *pairs = quality_expectation_get(compiler->now, "value_pairs_set");
    g_string_append(out, "FALSE");
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        g_string_append(out, " OR (");
        if (!pair_value(out, scope, 0, json_array_get(pair, 0), error))
            return false;
        g_string_append(out, " AND ");
        if (!pair_value(out, scope, 1, json_array_get(pair, 1), error))
            return false;
        g_string_append_c(out, ')');
    }
    return true;
}

/* Two missing values are the same, as to pandas. */
static bool all_differ(GString *out, const struct scope *scope, GError **error)
{
    g_string_append(out, "TRUE");
    for (guint i = 0; i < scope->keys->len; i++) {
        const struct quality_column *column = scope_column(scope, i);
        if (!compiler_fits(column, column->class != QUALITY_CLASS_NESTED, error))
            return false;
        for (guint j = i + 1; j < scope->keys->len; j++) {
            const char *a = scope_key(scope, i), *b = scope_key(scope, j);
            if (same_class(column, scope_column(scope, j)))
                g_string_append_printf(out, " AND %s IS DISTINCT FROM %s", a, b);
            else
                g_string_append_printf(out, " AND NOT (%s IS NULL AND %s IS NULL)", a, b);
        }
    }
    return true;
}

static bool
sum_is(struct compiler *compiler, GString *out, const struct scope *scope, GError **error)
{
    for (guint i = 0; i < scope->keys->len; i++) {
        const struct quality_column *column = scope_column(scope, i);
        if (!compiler_fits(column, quality_class_is_number(column->class), error))
            return false;
        g_string_append(out, i ? " + " : "");
        if (column->class == QUALITY_CLASS_WHOLE) /* no sum of 64 bits overflows 128 */
            PUT(out, "whole", "c", scope_key(scope, i));
        else
            g_string_append(out, scope_key(scope, i));
    }
    g_string_append(out, " = ");
    return quality_literal(out, QUALITY_CLASS_FLOAT,
                           quality_expectation_get(compiler->now, "sum_total"), error);
}

static bool
row_is(struct compiler *compiler, GString *out, const struct scope *scope, GError **error)
{
    switch (compiler->now->kind->id) {
    case QUALITY_PAIR_GREATER:
    case QUALITY_PAIR_EQUAL:
        return pair_is(compiler, out, scope, error);
    case QUALITY_PAIR_IN_SET:
        return pair_in_set(compiler, out, scope, error);
    case QUALITY_COMPOUND_UNIQUE:
        is_single(compiler, out, scope);
        return true;
    case QUALITY_UNIQUE_WITHIN_RECORD:
        return all_differ(out, scope, error);
    case QUALITY_SUM_EQUAL:
        return sum_is(compiler, out, scope, error);
    default:
        return value_is(compiler, out, scope, error);
    }
}

/* ---- the row's columns ---- */

/* What stands in the list of unexpected values: a value, or the columns by name. */
static char *sample(struct compiler *compiler, const struct scope *scope)
{
    GString *out = g_string_new(NULL);
    if (compiler->now->kind->domain == QUALITY_DOMAIN_COLUMN) {
        compiler_sample(compiler, out, scope_column(scope, 0), scope_key(scope, 0));
        return g_string_free(out, FALSE);
    }
    g_string_append(out, "struct_pack(");
    for (guint i = 0; i < scope->keys->len; i++) {
        g_string_append(out, i ? ", " : "");
        quality_literal_name(out, scope_column(scope, i)->name);
        g_string_append(out, " := ");
        compiler_sample(compiler, out, scope_column(scope, i), scope_key(scope, i));
    }
    g_string_append_c(out, ')');
    return g_string_free(out, FALSE);
}

bool compile_rows(struct compiler *compiler,
                  const struct scope *scope,
                  size_t *ret_width,
                  GError **error)
{
    g_autoptr(GString) expected = g_string_new(NULL);
    if (!row_is(compiler, expected, scope, error))
        return false;
    compiler_judge(compiler, scope, expected->str);
    g_autofree char *number = compiler_name("", compiler->index);
    g_autofree char *limit = g_strdup_printf("%d", QUALITY_LIST_MAX);
    g_autofree char *value = sample(compiler, scope);
    PUT(compiler->outputs, "row_level", "i", number, "sample", value, "limit", limit);
    if (quality_expectation_gates(compiler->now))
        g_string_append_printf(compiler->failed, " OR u%zu", compiler->index);
    *ret_width = ROW_LEVEL_COLUMNS;
    return true;
}

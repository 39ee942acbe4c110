/* Figures of a column: what is observed, and whether that is expected. */
#include "batch/quality_compiler.h"

#include "base/number.h"

static const char *figure_piece(enum quality_id id, const struct quality_column *column)
{
    switch (id) {
    case QUALITY_MIN:
        return "min";
    case QUALITY_MAX:
        return "max";
    case QUALITY_SUM:
        return column->class == QUALITY_CLASS_FLOAT ? "sum" : "sum_whole";
    case QUALITY_MEAN:
        return "mean";
    case QUALITY_MEDIAN:
        return "median";
    case QUALITY_STDEV:
        return "stdev";
    case QUALITY_UNIQUE_COUNT:
        return "unique_count";
    case QUALITY_UNIQUE_PROPORTION:
        return "unique_proportion";
    default:
        return "non_null_proportion";
    }
}

static bool compile_bounded(struct compiler *compiler,
                            const struct quality_column *column,
                            const char *alias,
                            size_t *ret_width,
                            GError **error)
{
    enum quality_id id = compiler->now->kind->id;
    bool own_class = id == QUALITY_MIN || id == QUALITY_MAX;
    bool counts = id == QUALITY_UNIQUE_COUNT || id == QUALITY_UNIQUE_PROPORTION ||
                  id == QUALITY_NON_NULL_PROPORTION;
    bool fits = counts || (own_class ? column->class != QUALITY_CLASS_NESTED
                                     : quality_class_is_number(column->class));
    g_autofree char *number = compiler_name("", compiler->index);
    g_autoptr(GString) observed = g_string_new(NULL);
    g_autoptr(GString) limits = g_string_new(NULL);
    PUT(observed, figure_piece(id, column), "c", alias, "i", number);
    if (!compiler_fits(column, fits, error) ||
        !compiler_bounds(compiler, limits, observed->str,
                         own_class ? column->class : QUALITY_CLASS_FLOAT, error))
        return false;
    PUT(compiler->outputs, "figure", "observed", observed->str, "bounds", limits->str);
    *ret_width = 2;
    return true;
}

static bool compile_most_common(struct compiler *compiler,
                                const struct scope *scope,
                                size_t *ret_width,
                                GError **error)
{
    const struct quality_column *column = scope_column(scope, 0);
    g_autofree char *name = compiler_name("d", compiler->index);
    g_autofree char *rows = compiler_source(compiler, scope_aliases(scope));
    g_autofree char *limit = g_strdup_printf("%d", QUALITY_LIST_MAX);
    g_autoptr(GString) with = g_string_new(NULL);
    g_autoptr(GString) in_set = g_string_new(NULL);
    g_autoptr(GString) value = g_string_new(NULL);
    if (!compiler_fits(column, column->class != QUALITY_CLASS_NESTED, error) ||
        !compiler_in_set(in_set, "v", column->class,
                         quality_expectation_get(compiler->now, "value_set"), error))
        return false;
    compiler_sample(compiler, value, column, "v");
    PUT(with, "counts", "name", name, "c", scope_key(scope, 0), "source", rows, "considered",
        scope->considered);
    compiler_join(compiler, with->str, "");
    PUT(compiler->outputs, "modes", "name", name, "limit", limit, "v_in_set", in_set->str, "sample",
        value->str);
    *ret_width = 3;
    return true;
}

static bool compile_distinct(struct compiler *compiler,
                             const struct quality_column *column,
                             const char *alias,
                             size_t *ret_width,
                             GError **error)
{
    g_autofree char *number = compiler_name("", compiler->index);
    g_autofree char *limit = g_strdup_printf("%d", QUALITY_LIST_MAX);
    g_autoptr(GString) in_set = g_string_new(NULL);
    g_autoptr(GString) value = g_string_new(NULL);
    if (!compiler_fits(column, column->class != QUALITY_CLASS_NESTED, error) ||
        !compiler_in_set(in_set, alias, column->class,
                         quality_expectation_get(compiler->now, "value_set"), error))
        return false;
    compiler_sample(compiler, value, column, alias);
    PUT(compiler->outputs, "distinct", "i", number, "c", alias, "limit", limit, "in_set",
        in_set->str, "sample", value->str);
    *ret_width = 3;
    return true;
}

static bool compile_quantiles(struct compiler *compiler,
                              const struct scope *scope,
                              size_t *ret_width,
                              GError **error)
{
    const struct quality_column *column = scope_column(scope, 0);
    const json_t *quantiles =
        json_object_get(quality_expectation_get(compiler->now, "quantile_ranges"), "quantiles");
    g_autofree char *name = compiler_name("d", compiler->index);
    g_autofree char *rows = compiler_source(compiler, scope_aliases(scope));
    g_autoptr(GString) with = g_string_new(NULL);
    g_autoptr(GString) list = g_string_new(NULL);
    for (size_t i = 0; i < json_array_size(quantiles); i++) {
        char number[NUMBER_TEXT_BYTES];
        g_string_append_printf(
            list, "%sCAST('%s' AS DOUBLE)", i ? ", " : "",
            number_text(json_number_value(json_array_get(quantiles, i)), number));
    }
    PUT(with, "sorted", "name", name, "c", scope_key(scope, 0), "source", rows, "considered",
        scope->considered);
    compiler_join(compiler, with->str, "");
    PUT(compiler->outputs, "quantiles", "name", name, "quantiles", list->str);
    *ret_width = 1;
    return compiler_fits(column, quality_class_is_number(column->class), error);
}

bool compile_figure(struct compiler *compiler,
                    const struct scope *scope,
                    size_t *ret_width,
                    GError **error)
{
    const struct quality_column *column = scope_column(scope, 0);
    const char *alias = scope_key(scope, 0);
    compiler_judge(compiler, scope, NULL);
    switch (compiler->now->kind->id) {
    case QUALITY_QUANTILES:
        return compile_quantiles(compiler, scope, ret_width, error);
    case QUALITY_MOST_COMMON:
        return compile_most_common(compiler, scope, ret_width, error);
    case QUALITY_DISTINCT_IN_SET:
    case QUALITY_DISTINCT_EQUAL_SET:
    case QUALITY_DISTINCT_CONTAIN_SET:
        return compile_distinct(compiler, column, alias, ret_width, error);
    default:
        return compile_bounded(compiler, column, alias, ret_width, error);
    }
}

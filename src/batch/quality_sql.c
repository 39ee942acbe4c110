#include "batch/quality_sql.h"

#include <string.h>

#include "batch/quality_compiler.h"

#define FIXED_COLUMNS 2 /* rows, rows that pass */

static bool compile_one(struct compiler *compiler, size_t *ret_width, GError **error)
{
    enum quality_domain domain = compiler->now->kind->domain;
    *ret_width = 0;
    if (domain == QUALITY_DOMAIN_TABLE || domain == QUALITY_DOMAIN_TYPE)
        return true;
    struct scope scope;
    bool done = scope_open(&scope, compiler, error);
    if (done && domain == QUALITY_DOMAIN_FIGURE) {
        done = compile_figure(compiler, &scope, ret_width, error);
    } else if (done && domain == QUALITY_DOMAIN_ROWS) {
        g_autofree char *number = compiler_name("", compiler->index);
        compiler_judge(compiler, &scope, NULL);
        PUT(compiler->outputs, "row_count", "i", number);
        *ret_width = 1;
    } else if (done) {
        done = compile_rows(compiler, &scope, ret_width, error);
    }
    scope_clear(&scope);
    return done;
}

/* Lengths of the texts that grow, so that an expectation in trouble leaves nothing behind. */
struct mark {
    gsize with, joins, judged, failed, outputs;
};

static struct mark mark_of(const struct compiler *compiler)
{
    return (struct mark){compiler->with->len, compiler->joins->len, compiler->judged->len,
                         compiler->failed->len, compiler->outputs->len};
}

static void go_back(struct compiler *compiler, const struct mark *mark)
{
    g_string_truncate(compiler->with, mark->with);
    g_string_truncate(compiler->joins, mark->joins);
    g_string_truncate(compiler->judged, mark->judged);
    g_string_truncate(compiler->failed, mark->failed);
    g_string_truncate(compiler->outputs, mark->outputs);
}

static void
compile_all(struct compiler *compiler, const struct quality_suite *suite, struct quality_plan *plan)
{
    for (size_t i = 0; i < suite->count; i++) {
        g_autoptr(GError) trouble = NULL;
        struct mark mark = mark_of(compiler);
        size_t width;
        compiler->now = &suite->items[i];
        compiler->index = i;
        if (compile_one(compiler, &width, &trouble)) {
            plan->slots[i].first = width ? plan->width : 0;
            plan->width += width;
            continue;
        }
        go_back(compiler, &mark);
        plan->slots[i].trouble = g_strdup(trouble->message);
        if (quality_expectation_gates(compiler->now))
            g_string_append(compiler->failed, " OR TRUE");
    }
}

struct quality_plan *quality_plan_new(const struct quality_suite *suite,
                                      const struct quality_columns *columns,
                                      const char *relation)
{
    struct compiler all, *compiler = &all;
    compiler_open(compiler, columns, relation);
    struct quality_plan *plan = g_new0(struct quality_plan, 1);
    plan->width = FIXED_COLUMNS;
    plan->slots = g_new0(struct quality_slot, suite->count + 1);
    plan->slots_count = suite->count;
    compile_all(compiler, suite, plan);
    g_autofree char *rows = compiler_source(compiler, NULL);
    g_autoptr(GString) with = g_string_new(NULL);
    GString *sql = g_string_new(NULL);
    if (all.with->len)
        PUT(with, "with", "relations", all.with->str);
    PUT(sql, "statement", "with", with->str, "failed", all.failed->str, "outputs", all.outputs->str,
        "judged", all.judged->str, "source", rows, "joins", all.joins->str);
    plan->sql = g_string_free(sql, FALSE);
    compiler_close(compiler);
    return plan;
}

void quality_plan_free(struct quality_plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->slots_count; i++)
        g_free(plan->slots[i].trouble);
    g_free(plan->slots);
    g_free(plan->sql);
    g_free(plan);
}

void quality_columns_add(struct quality_columns *columns, const char *name, const char *type)
{
    columns->items = g_renew(struct quality_column, columns->items, columns->count + 1);
    columns->items[columns->count++] = (struct quality_column){
        .name = g_strdup(name), .type = g_strdup(type), .class = quality_class_of(type)};
}

void quality_columns_clear(struct quality_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        g_free(columns->items[i].name);
        g_free(columns->items[i].type);
    }
    g_free(columns->items);
    *columns = (struct quality_columns){0};
}

const struct quality_column *quality_columns_find(const struct quality_columns *columns,
                                                  const char *name)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (strcmp(columns->items[i].name, name) == 0)
            return &columns->items[i];
    }
    return NULL;
}

char *quality_sql_describe(const char *relation)
{
    struct compiler all, *compiler = &all;
    compiler_open(compiler, NULL, relation);
    GString *sql = g_string_new(NULL);
    PUT(sql, "describe", "relation", relation);
    compiler_close(compiler);
    return g_string_free(sql, FALSE);
}

char *quality_sql_probe(const char *pattern, size_t len)
{
    struct compiler all, *compiler = &all;
    compiler_open(compiler, NULL, "");
    g_autoptr(GString) quoted = g_string_new(NULL);
    GString *sql = g_string_new(NULL);
    quality_literal_text(quoted, pattern, len);
    PUT(sql, "probe", "pattern", quoted->str);
    compiler_close(compiler);
    return g_string_free(sql, FALSE);
}

#include "batch/engine.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "batch/engine_backend.h"
#include "batch/sql_text.h"

static const struct engine_ops *const backends[] = {&engine_duckdb_ops};

struct engine *engine_open(const struct context *context, const char *lake_root, GError **error)
{
    const char *wanted = context->config->batch_engine;
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (strcmp(backends[i]->name, wanted) == 0)
            return backends[i]->open(context, lake_root, error);
    }
    error_set(error, CONFIG, "batch.engine: \"%s\" is not part of this build: use \"duckdb\"",
              wanted);
    return NULL;
}

void engine_close(struct engine *engine)
{
    if (engine)
        engine->ops->close(engine);
}

static void
report(struct engine *engine, int64_t start_us, int64_t rows, struct engine_report *ret_report)
{
    if (!ret_report)
        return;
    int64_t took_us = clock_monotonic_us(engine->context->clock) - start_us;
    *ret_report = (struct engine_report){.rows = rows, .seconds = (double)took_us / 1e6};
}

static bool prefixed(bool done, const char *sql_path, GError **error)
{
    if (!done)
        g_prefix_error(error, "%s: ", sql_path);
    return done;
}

bool engine_view(struct engine *engine,
                 const char *name,
                 const char *columns_path,
                 const char *const *urls,
                 size_t urls_count,
                 GError **error)
{
    g_autofree char *columns = sql_text_fill(columns_path, NULL, error);
    return columns &&
           prefixed(engine->ops->view(engine, name, columns, urls, urls_count, error), name, error);
}

bool engine_table(struct engine *engine,
                  const char *name,
                  const char *sql_path,
                  const struct engine_params *params,
                  struct engine_report *ret_report,
                  GError **error)
{
    int64_t start_us = clock_monotonic_us(engine->context->clock);
    int64_t rows = 0;
    g_autofree char *sql = sql_text_fill(sql_path, params, error);
    if (!sql || !prefixed(engine->ops->table(engine, name, sql, &rows, error), sql_path, error))
        return false;
    report(engine, start_us, rows, ret_report);
    return true;
}

bool engine_drop(struct engine *engine, const char *name, GError **error)
{
    return engine->ops->drop(engine, name, error);
}

bool engine_write(struct engine *engine,
                  const char *sql_path,
                  const struct engine_params *params,
                  const char *url,
                  struct engine_report *ret_report,
                  GError **error)
{
    int64_t start_us = clock_monotonic_us(engine->context->clock);
    int64_t rows = 0;
    g_autofree char *sql = sql_text_fill(sql_path, params, error);
    if (!sql || !prefixed(engine->ops->write(engine, sql, url, &rows, error), sql_path, error))
        return false;
    report(engine, start_us, rows, ret_report);
    return true;
}

bool engine_select(struct engine *engine,
                   const char *sql_path,
                   const struct engine_params *params,
                   engine_row_fn row,
                   void *user,
                   GError **error)
{
    g_autofree char *sql = sql_text_fill(sql_path, params, error);
    return sql && prefixed(engine->ops->select(engine, sql, row, user, error), sql_path, error);
}

void engine_interrupt(struct engine *engine)
{
    engine->ops->interrupt(engine);
}
